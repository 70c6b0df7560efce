// Package hwlab tries Parvis on a small router in a box (internal/lab/box): a kernel that has what routers have, real radios'
// stand-ins, watchdogs, keys, and a power that is cut. docs/adr/0025-box.md; to add a trial, see [Trials].
package hwlab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"parvis/internal/lab/box"
)

// Options of a run.
type Options struct {
	Out  io.Writer      // a line as each thing is known
	Dir  string         // for images and disks; some 600 MB
	Cuts int            // of the power
	Only *regexp.Regexp // names of trials to run; nil: all
	// Quick leaves out what takes long and of what something like it is tried: shows that everything runs.
	Quick bool
}

// Trial is one thing that is tried. It starts the machines that it needs (Lab.Switch on) and ends them, tells what it saw by
// Lab.Say, and returns an error when that is not as promised.
type Trial struct {
	Name  string
	Title string
	Run   func(context.Context, *Lab) error
}

// Trials in the order in which they run. A further one is a function with a line here: it gets machines by Lab.Start, a town around
// one by newRouter, and whatever programs and files its machine needs beside the usual ones by Lab.Image.
var Trials = []Trial{
	{"kernel", "What the kernel of a router has, and Parvis' own tests on it", tryKernel},
	{"wifi", "Phones by Wi-Fi, on simulated radios", tryWiFi},
	{"devices", "Watchdogs, keys, a light, a ticket printer, and a clock that starts in 1970", tryDevices},
	{"power", "Power cuts while things are written", tryPower},
}

// Lab is what the trials of one run share.
type Lab struct {
	Options
	Kernel *box.Kernel
	record Record
	key    ssh.PublicKey
	image  string      // the usual image: a router with Parvis
	tests  box.Options // see withTests
}

// Record is what a run has shown.
type Record struct {
	When    time.Time
	Kernel  string
	Machine string
	Trials  []Result
}

// Result is what one trial has shown.
type Result struct {
	Trial Trial
	Lines []string
	Took  time.Duration
	Err   error
}

// Run makes the image and runs the trials. Every trial is run, even when one before it fails; the error is all of theirs.
func Run(ctx context.Context, o Options) (*Record, error) {
	l := &Lab{Options: o}
	var err error
	if l.Kernel, err = box.FindKernel(); err != nil {
		return nil, err
	}
	l.record = Record{When: time.Now(), Kernel: l.Kernel.Version, Machine: "emulated (TCG)"}
	if box.Accelerated() {
		l.record.Machine = "KVM"
	}
	begun := time.Now()
	if l.image, l.key, err = l.Image(ctx, "router", nil); err != nil {
		return nil, err
	}
	fmt.Fprintf(o.Out, "Debian's kernel %s, %s; image made in %.0f s\n", l.record.Kernel, l.record.Machine, time.Since(begun).Seconds())
	var errs []error
	for _, trial := range Trials {
		if o.Only != nil && !o.Only.MatchString(trial.Name) || o.Quick && o.Only == nil && trial.Name == "wifi" {
			continue // by Wi-Fi one run of three did not end on a machine that was busy; until that is understood it is asked for by name
		}
		fmt.Fprintf(o.Out, "\n%s: %s\n", trial.Name, trial.Title)
		l.record.Trials = append(l.record.Trials, Result{Trial: trial})
		now, begun := &l.record.Trials[len(l.record.Trials)-1], time.Now()
		now.Err = trial.Run(ctx, l)
		now.Took = time.Since(begun)
		if now.Err != nil {
			errs = append(errs, fmt.Errorf("hwlab: %s: %w", trial.Name, now.Err))
			fmt.Fprintln(o.Out, "  FAILED:", now.Err)
		}
	}
	if len(l.record.Trials) == 0 {
		return nil, fmt.Errorf("hwlab: no trial is called %s; they are: %s", o.Only, strings.Join(Names(), " "))
	}
	return &l.record, errors.Join(errs...)
}

// Names of the trials.
func Names() (names []string) {
	for _, t := range Trials {
		names = append(names, t.Name)
	}
	return names
}

// Say tells one thing that a trial saw; it is in the record.
func (l *Lab) Say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	now := &l.record.Trials[len(l.record.Trials)-1]
	now.Lines = append(now.Lines, line)
	fmt.Fprintln(l.Out, " ", line)
}

// Image makes a router with Parvis, and what more adds.
func (l *Lab) Image(ctx context.Context, name string, more func(*box.Image) error) (string, ssh.PublicKey, error) {
	dir := filepath.Join(l.Dir, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, fmt.Errorf("hwlab: %w", err)
	}
	m := box.NewImage()
	m.Router(l.Kernel)
	parvis := l.parvis()
	if _, err := os.Stat(parvis); err != nil {
		if err := box.Build(ctx, parvis, "parvis/cmd/parvis"); err != nil {
			return "", nil, err
		}
	}
	m.File("/usr/bin/parvis", parvis)
	m.Text("/etc/lab/start.sh", 0o755, startScript)
	if more != nil {
		if err := more(m); err != nil {
			return "", nil, err
		}
	}
	key, err := m.Enter(ctx, l.Kernel, dir)
	if err != nil {
		return "", nil, err
	}
	file := filepath.Join(dir, "image")
	return file, key, m.Write(file)
}

// parvis is the binary that the machines run.
func (l *Lab) parvis() string { return filepath.Join(l.Dir, "parvis") }

// patience is how long a machine may take to start or to do something short: emulated, on a machine that is busy.
const patience = 4 * time.Minute

// Start switches a machine on, of the usual image unless o says another, and says how long it took.
func (l *Lab) Start(ctx context.Context, o box.Options) (*box.Box, error) {
	if o.Image == "" {
		o.Image, o.Key = l.image, l.key
	}
	o.Kernel = l.Kernel
	if o.Dir == "" {
		o.Dir = filepath.Join(l.Dir, "box")
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return box.Start(ctx, o)
}
