package main

import (
	"net/http"
	"sync/atomic"
	"time"

	"parvis/internal/clock"
	"parvis/portal"
	"parvis/sessions"
	"parvis/sessions/waiting"
)

// hall is who waits for internet and who asks for help, which the portal fills and the desk looks at, and whether somebody is
// at the desk.
type hall struct {
	waiting *waiting.List
	calls   *waiting.Calls
	desk    presence
}

// newHall makes the hall of a daemon whose manager and firewall are there.
func newHall(d *daemon) *hall {
	h := &hall{waiting: waiting.New(d.clock, d.manager), calls: waiting.NewCalls(d.clock), desk: presence{clock: d.clock}}
	h.waiting.Also(func() []sessions.Device {
		there, err := d.firewall.Present(waiting.Unseen)
		if err != nil {
			d.log.Warn("devices that show no page are not listed", "error", err)
		}
		all := make([]sessions.Device, len(there))
		for i, dev := range there {
			all[i] = sessions.Device{MAC: dev.MAC, IPv4: dev.IPv4}
		}
		return all
	})
	return h
}

// parts is what the portal works with.
func (d *daemon) parts() portal.Parts {
	return portal.Parts{
		Sessions: d.manager, Identify: d.identify, Waiting: d.hall.waiting, Calls: d.hall.calls, Clock: d.clock, Log: d.log,
		Line:  func() bool { return d.way.uplink.State().Down },
		Desk:  d.hall.desk.there,
		Count: func(v waiting.Visit) { d.usage.Visited(v.Device.MAC, string(v.Kind), v.Language) },
	}
}

// presence is whether somebody has a page of the console open.
type presence struct {
	clock clock.Clock
	open  atomic.Int64 // requests that are being answered; a page that follows events keeps one open
	last  atomic.Int64 // clock.Boot of the last one's end; 0 none
}

// presenceLasts is for how long after a request somebody is still taken to be there.
const presenceLasts = 2 * time.Minute

func (p *presence) there() bool {
	last := clock.Boot(p.last.Load())
	return p.open.Load() > 0 || last != 0 && p.clock.Boot().Sub(last) < presenceLasts
}

// watch takes note of every request to the console.
func (p *presence) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.open.Add(1)
		defer func() {
			p.last.Store(int64(p.clock.Boot()))
			p.open.Add(-1)
		}()
		next.ServeHTTP(w, r)
	})
}
