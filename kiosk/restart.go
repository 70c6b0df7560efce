package kiosk

import (
	"time"

	"parvis/internal/mac"
)

// The verbs that a terminal polls. It compares them with what it knows and evaluates nothing.
const (
	Stay    = "rester"
	Restart = "relancer" // its browser
)

const (
	// restartAfter is how long after the end the page that says so may be read.
	restartAfter = 30 * time.Second
	// restartEvery is how long a browser is given to come back before it is told again.
	restartEvery = time.Minute
)

// Restart asks a terminal to restart its browser. ErrNotFound; ErrBusy while somebody uses it; ErrNoRestart where terminals do not ask.
func (p *Posts) Restart(id string) error {
	x, ok := p.byID(id)
	switch {
	case !ok:
		return ErrNotFound
	case !x.adopted:
		return ErrNotAdopted
	case !p.o.Restarts:
		return ErrNoRestart
	}
	if s, known := p.o.Sessions.Of(x.MAC); known && s.Open {
		return ErrBusy
	}
	p.set(x.MAC, func(x *post) { x.restart = true })
	p.o.Log.Info("terminal is asked to restart its browser", "terminal", id)
	return nil
}

// Verb is what a terminal is to do now: Restart when the desk has asked for it or its session has ended half a minute ago and no
// clean browser was seen, once a minute; else Stay. To ask for it shows that the terminal is there.
func (p *Posts) Verb(a mac.Addr) string {
	s, known := p.o.Sessions.Of(a)
	now := p.o.Clock.Boot()
	p.mu.Lock()
	defer p.mu.Unlock()
	x := p.posts[a]
	if x == nil || !x.adopted {
		return Stay
	}
	x.heard = now
	due := x.restart || x.Dirty && x.running == "" && now >= x.ended.Add(restartAfter)
	if !p.o.Restarts || known && s.Open || !due || x.told != 0 && now < x.told.Add(restartEvery) {
		return Stay
	}
	x.told = now
	return Restart
}
