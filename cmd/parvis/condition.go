package main

import (
	"crypto/tls"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"parvis/hw"
	"parvis/internal/clock"
	"parvis/internal/control"
	"parvis/internal/hublink/wire"
	"parvis/internal/machine"
	"parvis/internal/monitor"
	"parvis/kiosk"
	"parvis/sessions"
)

// saturated is how full a line is, in hundredths of its rate, when it is said to be full.
const saturated = 90

// condition gathers what programs watch. It waits for nothing but the system's word about the disk, and costs as much with one session as
// with a thousand.
func (d *daemon) condition() control.Condition {
	m, wall, site := d.manager.Status(), d.clock.Wall(), d.manager.Site()
	c := control.Condition{
		Now: wire.Now{
			Version: version, Up: int64(time.Since(d.since) / time.Second), Clock: wall.Quality.String(), Place: "closed",
			Open: m.Open, Slots: m.Slots.Total, Waiting: len(d.hall.waiting.Entries()), Terminals: []wire.Terminal{}, Problems: []wire.Problem{},
			Line: d.way.gauge.Now(), Expires: d.certs.left(wall),
		},
		Suspended: m.Suspended, Disk: diskOf(d.app.cli.State),
		Mails: d.watchers.mails(), HubSilent: d.hub.silent(), Hardware: d.box.state(d),
	}
	switch {
	case site.Open:
		c.Place = "open"
	case site.Why == sessions.ByPaused:
		c.Place = "paused"
	}
	if d.seats.posts != nil {
		for _, t := range d.seats.posts.Terminals() {
			if t.Adopted {
				c.Terminals = append(c.Terminals, wire.Terminal{ID: t.ID, State: string(t.State)})
			}
		}
	}
	c.Problems = append(c.Problems, d.problems(c, m)...)
	return c
}

// problems are what needs a hand, in the order of wire.ProblemCodes; those of monitor.Own come last.
func (d *daemon) problems(c control.Condition, m sessions.Status) (all []wire.Problem) {
	add := func(is bool, code, what string) {
		if is {
			all = append(all, wire.Problem{Code: code, What: what})
		}
	}
	add(!m.Store.OK, "store", "")
	add(m.LinkLost == "" && !m.Enforcer.OK, "enforcer", "")
	add(m.LinkLost != "", "link", "")
	if t := d.cfg.Terminals; t.There() {
		_, err := net.InterfaceByName(t.Interface)
		add(err != nil, "link", "terminals")
	}
	add(c.Line.Down >= saturated || c.Line.Upload >= saturated, "line-saturated", "")
	l := d.line.Status()
	add(l.Down.Carries > 0 || l.Up.Carries > 0, "line-slow", "")
	h, limits := c.Hardware, d.cfg.HW
	add(c.Clock == clock.Unknown.String() || h.ClockError != nil && *h.ClockError >= limits.ClockError.Seconds(), "clock", "")
	add(c.Disk.Used() >= float64(d.cfg.Monitor.Disk), "disk", "")
	for _, of := range []string{certPortal, certConsole} {
		left, known := c.Expires[of]
		add(known && left < int(machine.Soon/day), "certificate", of)
	}
	for _, t := range c.Terminals {
		add(t.State == string(kiosk.Silent), "terminal", t.ID)
	}
	add(c.Place == "open" && broken(h.Printer), "printer", "tickets")
	hottest, _ := hw.Hottest(h.Temperatures)
	add(hottest.Celsius >= float64(limits.Hot), "heat", "")
	for _, w := range h.Wear {
		add(w.Spare || w.Used >= limits.Worn, "wear", strings.ToLower(w.Device))
	}
	_, back := d.app.wentBack()
	add(back, monitor.WentBack, "")
	add(d.asked.printer.No(), "printer", "")
	add(d.asked.gate.No(), "gate", "")
	return all
}

const day = 24 * time.Hour

// The certificates, as wire.Now names them.
const (
	certPortal  = "portal"
	certConsole = "console"
)

// left is how many whole days each certificate still holds, negative when it has ended; empty while nobody knows what day it is.
func (c certificates) left(now clock.Wall) map[string]int {
	all := map[string]int{}
	if now.Quality != clock.Synchronised {
		return all
	}
	for name, of := range map[string]*certificate{certPortal: c.portal, certConsole: c.staff} {
		if of == nil {
			continue
		}
		if pair := of.current.Load(); pair != nil {
			all[name] = daysLeft(pair, now.Time)
		}
	}
	return all
}

func daysLeft(pair *tls.Certificate, now time.Time) int {
	left := pair.Leaf.NotAfter.Sub(now)
	if left < 0 {
		left -= day - 1 // ended an hour ago is -1, not 0
	}
	return int(left / day)
}

// freeOn is how many bytes a directory's disk has left for us.
func freeOn(dir string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return st.Bavail * uint64(st.Bsize), nil
}

// diskOf is the disk that a directory is on; zero when the system does not say.
func diskOf(dir string) control.Disk {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return control.Disk{}
	}
	return control.Disk{Free: st.Bavail * uint64(st.Bsize), Size: st.Blocks * uint64(st.Bsize)}
}
