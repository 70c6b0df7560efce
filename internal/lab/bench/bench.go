// Package bench measures Parvis on the lab's router: the real daemon, the real kernel, devices in namespaces of their own,
// and beside it, in the same run, the same thing without Parvis. Everything shares one machine, so a figure says little by
// itself and a ratio of one run says more.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"parvis/internal/lab"
)

// Options of a run.
type Options struct {
	Binary   string   // the parvis that is measured
	Bare     []string // a command that runs ServeBare with the file that is appended to it
	Gate     []string // a command that runs ServeGate with the number that is appended to it
	Version  string
	Out      io.Writer      // a line as each figure is known
	Backends []string       // iptables to measure on; none: the machine's own and then the other one
	Only     *regexp.Regexp // names of parts to run; nil: all
	Quick    bool           // few guests and short rounds: shows that everything runs
}

// scale is how much is measured.
type scale struct {
	admitted []int // sessions while one guest is measured, itself among them
	rules    []int // guests of the reference that keeps rules for each
	others   []int // sessions of others while one opens and ends
	restored []int
	resident []int // sessions while memory, processor and disk are measured
	rounds   int
	round    time.Duration // of each side

	devices, openings int // who open, and how many times each
	redeemers         int // who type a code at the same moment
	redemptions       int // how many times
	repairs           int // of each fault
	greedy            int
	fair              time.Duration
	pings             int
	idle              time.Duration
	minutes           int // of the daemon's clock, for what it writes
	connections       []int
	load              time.Duration
	loads             int
	centre            centreScale
}

var (
	full = scale{
		admitted: []int{1, 1000, 10000}, rules: []int{1, 100, 1000}, others: []int{0, 1000, 10000}, restored: []int{1000, 10000},
		resident: []int{100, 1000}, rounds: 7, round: 300 * time.Millisecond,
		devices: 20, openings: 10, redeemers: 50, redemptions: 10, repairs: 3, greedy: 50, fair: 10 * time.Second, pings: 400, idle: 30 * time.Second, minutes: 10,
		connections: []int{10, 100, 1000}, load: 2 * time.Second, loads: 3,
		centre: centreScale{senders: 8, history: 30 * 24, lives: 250, sites: 500, years: 3, pages: 100},
	}
	quick = scale{
		admitted: []int{1, 20}, rules: []int{1, 20}, others: []int{0, 20}, restored: []int{20}, resident: []int{20},
		rounds: 2, round: 50 * time.Millisecond,
		devices: 2, openings: 2, redeemers: 4, redemptions: 1, repairs: 1, greedy: 4, fair: time.Second, pings: 20, idle: time.Second, minutes: 2,
		connections: []int{4}, load: 200 * time.Millisecond, loads: 1,
		centre: centreScale{senders: 2, history: 100, lives: 5, sites: 3, years: 1, pages: 3},
	}
)

// bound is the longest that a whole run takes; what has not been measured by then is missing.
const bound = 30 * time.Minute

// parts of a run, each with a town of its own.
var parts = []struct {
	name string
	run  func(*run, context.Context) error
}{
	{"forward", (*run).forward},
	{"rules", (*run).rules},
	{"sessions", (*run).openings},
	{"redeem", (*run).redeem},
	{"repair", (*run).repair},
	{"shaping", (*run).fair},
	{"resources", (*run).resources},
	{"quiet", (*run).quiet},
	{"portal", (*run).portal},
	{"console", (*run).console},
	{"gate", (*run).gate},
	{"hub", (*run).hub},
}

// Parts are the names that Only chooses from.
func Parts() []string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.name
	}
	return names
}

// run is one run under way.
type run struct {
	Options
	scale
	*Figures
	dir string
}

// Run measures. A part that fails is said in Missing, keeps no other from running and makes Run return an error beside the
// figures.
func Run(ctx context.Context, o Options) (*Figures, error) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	f, err := newFigures(o)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "parvis-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer os.RemoveAll(dir)
	r := &run{Options: o, scale: full, Figures: f, dir: dir}
	if o.Quick {
		r.scale = quick
	}
	if len(r.Backends) == 0 {
		r.Backends = []string{f.Backend, map[string]string{"nft": "legacy", "legacy": "nft"}[f.Backend]}
	} else {
		f.Backend = r.Backends[0]
	}
	for _, b := range r.Backends {
		v, err := exec.Command("iptables-"+b, "--version").Output()
		if err != nil {
			return nil, fmt.Errorf("bench: backend %s: %w", b, err)
		}
		f.Machine.Iptables = append(f.Machine.Iptables, strings.TrimSpace(string(v)))
	}
	var failed error
	for _, p := range parts {
		if o.Only != nil && !o.Only.MatchString(p.name) {
			continue
		}
		fmt.Fprintf(o.Out, "-- %s\n", p.name)
		f.part = p.name
		if err := p.run(r, ctx); err != nil {
			f.miss(p.name, err)
			failed = errors.Join(failed, fmt.Errorf("bench: %s: %w", p.name, err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	f.Took = time.Since(f.When).Round(time.Second).Seconds()
	return f, failed
}

func newFigures(o Options) (*Figures, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return nil, fmt.Errorf("bench: uname: %w", err)
	}
	f := &Figures{
		When: time.Now().UTC().Truncate(time.Second), Version: o.Version, Quick: o.Quick, Backend: "nft",
		Machine: Machine{
			Kernel: unix.ByteSliceToString(u.Release[:]), CPU: processor(), CPUs: runtime.NumCPU(), Go: runtime.Version(),
		},
		Results: map[string]float64{}, Missing: map[string]string{}, out: o.Out,
	}
	if o.Only != nil {
		f.Only = o.Only.String()
	}
	if b, err := exec.Command("iptables", "--version").Output(); err == nil && strings.Contains(string(b), "legacy") {
		f.Backend = "legacy"
	}
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if _, err := fmt.Sscan(string(b), &f.Machine.Load[0], &f.Machine.Load[1], &f.Machine.Load[2]); err != nil {
		return nil, fmt.Errorf("bench: read /proc/loadavg: %w", err)
	}
	return f, nil
}

// processor is the model's name; "" where the kernel does not say (proc_cpuinfo(5)).
func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// each measures on every backend.
func (r *run) each(f func(backend string) error) error {
	var errs []error
	for _, b := range r.Backends {
		if err := f(b); err != nil {
			errs = append(errs, fmt.Errorf("iptables-%s: %w", b, err))
		}
	}
	return errors.Join(errs...)
}

// beside lays a router without Parvis that forwards and translates, by the given backend.
func (r *run) beside(name, backend string) (*lab.Beside, error) {
	b, err := lab.NewBeside(name)
	if err != nil {
		return nil, err
	}
	err = b.Router.Run(exec.Command("iptables-"+backend, "-t", "nat", "-A", "POSTROUTING", "-o", lab.WAN, "-j", "MASQUERADE"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bench: lay the nat table: %w", err), b.Close())
	}
	return b, nil
}
