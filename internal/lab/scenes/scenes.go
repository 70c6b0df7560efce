// Package scenes plays what happens in a public place, with the real Parvis on the router of a lab.Town: a demonstration that
// stays, a resident who gets online step by step, a whole public day.
//
// What it prints is for people who read French.
package scenes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/internal/lang"
	"parvis/sessions"
)

// Options of every play.
type Options struct {
	Out       io.Writer // where the play tells itself
	Binary    string    // the parvis that plays
	Artefacts string    // folder for screenshots and logs; made when it is missing
	Listen    string    // of the demonstration's portal: address on this machine, 127.0.0.1:8088
	Centre    string    // of its hub, in the same way, 127.0.0.1:8440
	Town      lab.Options
}

// The plays.
const (
	PlayDemo  = "demo"
	PlayCheck = "check"
	PlayDay   = "day"
)

// Main plays one of the plays in a lab of its own and returns the exit code. It is called by every stage of the program that
// lab.Isolate starts again, each time with the same arguments.
func Main(play string, o Options) int {
	var outside func()
	if play == PlayDemo && lab.Outside() {
		serve, err := listen(o)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		outside = serve
	}
	entered, code, err := lab.Isolate(outside)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if !entered {
		return code
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
	defer stop()
	run := map[string]func(context.Context, Options) error{PlayDemo: Demo, PlayCheck: Check, PlayDay: Day}[play]
	if run == nil {
		fmt.Fprintf(os.Stderr, "scenes: no play is called %q\n", play)
		return 2
	}
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// Stage is a town with Parvis installed.
type Stage struct {
	Town      *lab.Town
	Parvis    *lab.Parvis
	Daemon    *lab.Process // nil until Start
	Control   *control.Client
	Artefacts string

	centre    *centre // nil until raiseCentre
	ear       *ear    // nil where there is no hub that remembers
	residents []*Resident
	posts     bool               // there is a network of terminals
	sat       []sessions.Session // of terminals: nobody remembers them for long
	printer   *lab.Printer       // of terminals; nil until one is there
	printed   int                // documents, by it
	pages     int                // and their pages
	mediator  *Resident          // nil until somebody is at the desk
}

// raise makes a town with dnsmasq running and the daemon installed, not yet started.
func raise(ctx context.Context, o Options, site lab.Site) (_ *Stage, err error) {
	dir, err := os.MkdirTemp(lab.SharedDir(), "town-")
	if err != nil {
		return nil, fmt.Errorf("scenes: %w", err)
	}
	s := &Stage{Artefacts: o.Artefacts}
	if s.Artefacts == "" {
		s.Artefacts = dir
	}
	if err := os.MkdirAll(s.Artefacts, 0o755); err != nil {
		return nil, fmt.Errorf("scenes: make artefacts: %w", err)
	}
	if s.Town, err = lab.NewTown(dir, o.Town); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if s.Parvis, err = s.Town.Install(o.Binary, site); err != nil {
		return nil, err
	}
	s.Control = control.NewClient(s.Parvis.Socket)
	s.posts = site.Posts
	return s, s.resolvers(ctx)
}

// resolvers starts what the router's service manager does: the dnsmasq of each network.
func (s *Stage) resolvers(ctx context.Context) error {
	_, err := s.Parvis.Dnsmasq(ctx)
	if err == nil && s.posts {
		_, err = s.Parvis.DnsmasqTerminals(ctx)
	}
	return err
}

// Start starts the daemon and waits until it says that everything is in force.
func (s *Stage) Start(ctx context.Context) (err error) {
	if s.Daemon, err = s.Parvis.Serve(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		status, err := s.Control.Status(ctx)
		if err == nil && status.Ready {
			return nil
		}
		if err == nil {
			var said []string
			for _, p := range status.Problems {
				said = append(said, p.In(lang.FR))
			}
			err = errors.New(strings.Join(said, "; "))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("scenes: the daemon is not ready: %w", err)
		case <-s.Daemon.Done():
			return s.Daemon.Wait(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Close ends everything and leaves the daemon's log among the artefacts.
func (s *Stage) Close() error {
	var errs []error
	if s.Daemon != nil {
		errs = append(errs, os.WriteFile(filepath.Join(s.Artefacts, "parvis.log"), []byte(s.Daemon.Log()), 0o644))
	}
	if s.mediator != nil {
		errs = append(errs, s.mediator.Browser.Close())
	}
	for _, r := range s.residents {
		errs = append(errs, r.Browser.Close())
	}
	if s.centre != nil {
		errs = append(errs, s.centre.close())
	}
	if s.ear != nil {
		errs = append(errs, s.ear.close())
	}
	return errors.Join(append(errs, s.Town.Close())...)
}

// lastWords is the end of the daemon's log, for a failure.
func (s *Stage) lastWords() string {
	if s.Daemon == nil {
		return ""
	}
	return ending("journal de parvis", s.Daemon.Log())
}

// ending is the last lines of a log.
func ending(what, log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	return what + "\u00a0:\n  " + strings.Join(lines[max(len(lines)-15, 0):], "\n  ")
}

// Screenshot keeps what a resident sees, as a small phone shows it.
func (s *Stage) Screenshot(ctx context.Context, r *Resident, name string) error {
	return r.Browser.Screenshot(ctx, filepath.Join(s.Artefacts, name+".png"), 360, 740)
}
