package main

import (
	"path/filepath"
	"slices"
	"time"

	"parvis/kiosk"
	"parvis/kiosk/catalogue"
	"parvis/kiosk/queue"
	"parvis/portal/console"
	"parvis/sessions/hours"
)

// queueFile is in the state directory.
const queueFile = "queue.json"

// openQueue makes the queue of the terminals; posts are there.
func (d *daemon) openQueue() (err error) {
	d.seats.queue, err = queue.New(queue.Options{
		Clock: d.clock, Zone: d.cfg.Site.Hours.Zone, Log: d.log,
		Store: queue.File{Path: filepath.Join(d.app.cli.State, queueFile), BootID: d.clock.BootID(), Log: d.log},
		Hours: d.openOn,
		Posts: func() int { return len(d.seats.adopted()) },
	})
	if err != nil {
		return refused(err)
	}
	return nil
}

// openOn is when the place is open on a day, with the desk's exceptions.
func (d *daemon) openOn(day time.Time) (all []queue.Span) {
	for _, s := range d.manager.OpenOn(hours.DateOf(day)) {
		all = append(all, queue.Span(s))
	}
	return all
}

// waits says whether somebody waits for a terminal.
func (d *daemon) waits() bool { return d.seats.queue != nil && d.seats.queue.Waits() }

func (s *seats) adopted() []kiosk.Terminal {
	return slices.DeleteFunc(s.posts.Terminals(), func(t kiosk.Terminal) bool { return !t.Adopted })
}

// free are the names of the terminals that somebody can be called to.
func (s *seats) free() (all []string) {
	for _, t := range s.adopted() {
		if t.State == kiosk.Locked {
			all = append(all, t.Name)
		}
	}
	return all
}

// withQueue adds to what the console asks: the queue, bookings and the catalogue.
func (d *daemon) withQueue(p console.Parts) console.Parts {
	if d.door.catalogue != nil {
		p.Catalogue = d.services
	}
	if d.seats.posts == nil {
		return p
	}
	p.Queue, p.FreePosts, p.Learnt = d.seats.queue, d.seats.free, d.seats.posts
	p.Proposals = func() console.Proposals {
		if !d.toHub() {
			return nil
		}
		return d.proposals
	}
	p.Changes = append(p.Changes, d.seats.queue.Changes)
	return p
}

// services is the catalogue with the dates of its trials, which are made beside the daemon.
func (d *daemon) services() *catalogue.Catalogue {
	trials, err := catalogue.ReadTrials(filepath.Join(d.app.cli.State, trialsFile))
	if err != nil {
		d.log.Warn("the dates of trials are not shown", "error", err)
	}
	return d.door.catalogue.With(trials)
}
