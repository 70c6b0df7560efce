package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"parvis/hw"
	"parvis/hw/button"
	"parvis/hw/led"
	"parvis/hw/printer"
	"parvis/hw/watchdog"
	"parvis/internal/clock"
	"parvis/internal/control"
)

// box is the machine that the daemon runs on: what it measures, its LEDs and buttons, its timer and its ticket printer. Of what is not
// configured nothing is touched.
type box struct {
	root     hw.Root
	panel    *led.Panel // nil: no LED says anything
	watchdog *watchdog.Watchdog
	health   *watchdog.Health
	systemd  *watchdog.Systemd
	printer  *printer.Printer // nil: none

	mu     sync.Mutex
	sample control.Hardware
	asked  printer.State // how the printer last was; "" nobody has asked
	ticket clock.Boot    // when a button last printed one
}

// openBox makes it; the portal's listener is one of the things that must answer. What a box has not keeps nobody out.
func (d *daemon) openBox(portal net.Addr, root string) error {
	c := d.cfg.HW
	machine, err := clock.NewSystem() // a lab's moved clock would look like a daemon that hangs
	if err != nil {
		return refused(err)
	}
	d.box.root = hw.Root(root)
	d.box.systemd = watchdog.FromEnv(os.Getenv)
	d.box.health = watchdog.NewHealth(machine, d.mustGetOn(portal)...)
	d.box.watchdog = watchdog.New(watchdog.Options{
		Path: c.Watchdog, Timeout: c.WatchdogTimeout, Health: d.box.health, Systemd: d.box.systemd, Clock: machine, Log: d.log,
	})
	if len(c.LEDs) > 0 {
		d.box.panel = led.New(d.box.root, c.LEDs, filepath.Join(filepath.Dir(d.app.cli.Socket), "leds.json"), d.log)
	}
	if c.Printer != "" {
		d.box.printer = printer.New(printer.Options{Address: c.Printer, Cut: c.Cut})
	}
	d.box.measure(d)
	return nil
}

// run measures, shows, listens and feeds until ctx ends.
func (b *box) run(ctx context.Context, d *daemon) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return b.measureOn(ctx, d) })
	if b.panel != nil {
		group.Go(func() error { return b.show(ctx, d) })
	}
	if len(d.cfg.HW.Buttons) > 0 {
		o := button.Options{Root: b.root, Device: d.cfg.HW.ButtonDevice, Clock: d.clock, Log: d.log, Pressed: d.pressed}
		for _, of := range d.cfg.HW.Buttons {
			o.Keys = append(o.Keys, of.Press.Key)
		}
		group.Go(func() error { return button.Run(ctx, o) })
	}
	if d.cfg.HW.Watchdog != "" || b.systemd.Every() > 0 {
		group.Go(func() error { return b.health.Run(ctx) })
		group.Go(func() error { return b.watchdog.Run(ctx) })
	}
	return group.Wait()
}

// close comes last of all: until then the timer watches over the daemon's end too.
func (b *box) close(d *daemon) {
	if b.watchdog == nil {
		return
	}
	if err := b.watchdog.Close(); err != nil {
		d.log.Error("watchdog: the timer goes on", "error", err)
	}
}

const measureEvery = 30 * time.Second

// measureOn reads the sensors, and asks the printer while the place is open: at night it may be switched off.
func (b *box) measureOn(ctx context.Context, d *daemon) error {
	for {
		b.measure(d)
		if b.printer != nil {
			s := printer.State("")
			if d.manager.Site().Open {
				s = b.printer.Look(ctx)
			}
			if s != printer.Busy && ctx.Err() == nil {
				b.note(s)
			}
		}
		due, stop := d.clock.At(d.clock.Boot().Add(measureEvery))
		select {
		case <-due:
		case <-ctx.Done():
			stop()
			return nil
		}
	}
}

// note remembers how the printer is.
func (b *box) note(s printer.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = s
}

// measure reads what there is. What is absent is left out; what is there and cannot be read is in the log, once.
func (b *box) measure(d *daemon) {
	var (
		s    control.Hardware
		errs [4]error
	)
	board, err := b.root.Board()
	s.Board, errs[0] = board.Model, err
	s.Temperatures, errs[1] = b.root.Temperatures()
	s.Wear, errs[2] = b.root.Wear()
	c, err := b.root.Clock()
	errs[3], s.BatteryClock = err, c.Battery
	if off := c.Error.Seconds(); err == nil && c.Synchronised {
		s.ClockError = &off
	}
	for i, err := range errs {
		if errors.Is(err, hw.ErrAbsent) {
			errs[i] = nil
		}
	}
	if err := errors.Join(errs[:]...); err != nil {
		s.Error = err.Error()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.Error != "" && s.Error != b.sample.Error {
		d.log.Warn("hw: something of the box cannot be read", "error", s.Error)
	}
	b.sample = s
}

// state is what programs and people are told of the box.
func (b *box) state(d *daemon) control.Hardware {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.sample
	if b.printer != nil {
		if s.Printer = string(b.asked); b.asked == "" {
			s.Printer = control.NotAsked
		}
	}
	if d.cfg.HW.Watchdog != "" {
		if s.Watchdog = string(b.watchdog.State()); s.Watchdog == "" {
			s.Watchdog = control.NotAsked
		}
	}
	return s
}

const showEvery = 5 * time.Second

// show keeps the LEDs true, and makes them what they were at the end.
func (b *box) show(ctx context.Context, d *daemon) error {
	rung, stop := d.manager.Changes()
	defer stop()
	for {
		c := d.condition()
		faults := 0
		for _, p := range c.Problems {
			if p.Code != "line-saturated" { // a full line is a busy day
				faults++
			}
		}
		b.panel.Show(func(m led.Meaning) bool {
			switch m {
			case led.Open:
				return d.manager.Site().Open
			case led.Guests:
				return c.Open > 0
			case led.LineDown:
				return d.way.uplink.State().Down
			default:
				return faults > 0
			}
		})
		due, off := d.clock.At(d.clock.Boot().Add(showEvery))
		select {
		case <-due:
		case <-rung:
		case <-ctx.Done():
			off()
			if err := b.panel.Restore(); err != nil {
				d.log.Warn("led: not every LED is what it was", "error", err)
			}
			return nil
		}
		off()
	}
}

// mustGetOn are the loops that must get on: that of the sessions, which waits for the store and the kernel, and the portal's.
func (d *daemon) mustGetOn(portal net.Addr) []watchdog.Check {
	before, first := uint64(0), true
	return []watchdog.Check{
		{Name: "sessions", Alive: func(context.Context) bool {
			now := d.manager.Pulse()
			on := first || now != before
			before, first = now, false
			return on
		}},
		{Name: "portal", Alive: func(ctx context.Context) bool { return answers(ctx, portal, d.cfg.Portal.Name) }},
	}
}
