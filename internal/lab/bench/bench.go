// Package bench measures Parvis on the lab's router: the real daemon, the real kernel, devices in namespaces of their own.
// Everything shares one machine, so single figures say little and ratios from one run say more.
package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"parvis/internal/control"
	"parvis/internal/lab"
)

// Options of a run.
type Options struct {
	Binary  string // the parvis that is measured
	Version string
	Out     io.Writer // a line as each figure is known
	Town    lab.Options
}

// Figures is what a run has measured, and on what.
type Figures struct {
	When    time.Time          `json:"when"`
	Version string             `json:"version"`
	Go      string             `json:"go"`
	Kernel  string             `json:"kernel"`
	CPUs    int                `json:"cpus"`
	Backend string             `json:"iptables"`
	Results map[string]float64 `json:"results"`

	out io.Writer
}

func (f *Figures) note(key string, v float64) {
	f.Results[key] = v
	fmt.Fprintf(f.out, "%-32s %10.2f\n", key, v)
}

// Write writes them as JSON, whole or not at all.
func (f *Figures) Write(path string) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	if err := os.WriteFile(path+".tmp", append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	return os.Rename(path+".tmp", path)
}

const (
	// capacity gives up port blocks, so that a thousand and more fit.
	capacity = 4000
	crowd    = 1000
	devices  = 20
	rounds   = 15 // of opening by every device: 300 openings
	load     = 5 * time.Second
)

// Run measures everything.
func Run(ctx context.Context, o Options) (f *Figures, err error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return nil, fmt.Errorf("bench: uname: %w", err)
	}
	f = &Figures{
		When: time.Now().UTC().Truncate(time.Second), Version: o.Version, Go: runtime.Version(), CPUs: runtime.NumCPU(),
		Kernel: unix.ByteSliceToString(u.Release[:]), Results: map[string]float64{}, out: o.Out,
	}
	dir, err := os.MkdirTemp("", "parvis-bench-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	defer os.RemoveAll(dir)
	town, err := lab.NewTown(dir, o.Town)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, town.Close()) }()
	parvis, err := town.Install(o.Binary, lab.Site{Capacity: capacity})
	if err != nil {
		return nil, err
	}
	if _, err := parvis.Dnsmasq(ctx); err != nil {
		return nil, err
	}
	daemon, err := parvis.Serve(ctx)
	if err != nil {
		return nil, err
	}
	s := &site{town: town, client: control.NewClient(parvis.Socket), daemon: daemon, figures: f}
	if err := s.measure(ctx); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, daemon.Log())
	}
	return f, nil
}

// site is what is measured.
type site struct {
	town    *lab.Town
	client  *control.Client
	daemon  *lab.Process
	figures *Figures
	guests  []*lab.Guest // who open, again and again
	opened  int
}

func (s *site) measure(ctx context.Context) (err error) {
	status, err := s.client.Status(ctx)
	if err != nil {
		return err
	}
	s.figures.Backend = status.Backend
	if s.guests, err = s.town.AddGuests(ctx, devices); err != nil {
		return err
	}
	for _, n := range []int{0, crowd} {
		if err := s.fill(ctx, n); err != nil {
			return err
		}
		opening, err := s.opening(ctx)
		if err != nil {
			return err
		}
		s.figures.note(fmt.Sprintf("open_ms_p50_%d", n), percentile(opening, 50))
		s.figures.note(fmt.Sprintf("open_ms_p99_%d", n), percentile(opening, 99))
		rss, err := s.rss()
		if err != nil {
			return err
		}
		s.figures.note(fmt.Sprintf("rss_mb_%d", n), rss)
	}
	for _, c := range []int{10, 100} {
		rate, waits, err := s.redirects(ctx, c)
		if err != nil {
			return err
		}
		key := "portal_302_per_s"
		if c != 10 {
			key = fmt.Sprintf("portal_302_per_s_%d_connections", c)
		}
		s.figures.note(key, rate)
		s.figures.note(fmt.Sprintf("portal_302_ms_p99_%d_connections", c), percentile(waits, 99))
	}
	return nil
}

// rss is the daemon's resident memory in MB (proc_pid_status(5), VmRSS).
func (s *site) rss() (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.daemon.PID()))
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		var kb float64
		if _, err := fmt.Sscanf(line, "VmRSS: %f kB", &kb); err == nil {
			return kb / 1000, nil
		}
	}
	return 0, errors.New("bench: no VmRSS")
}
