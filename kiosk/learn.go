package kiosk

import (
	"cmp"
	"context"
	"slices"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/internal/order"
	"parvis/kiosk/names"
)

// Bounds of what is remembered of refusals.
const (
	mostRefused = 64   // names of one person
	mostShown   = 8    // of them, that were agreed to be shown
	mostLearnt  = 1024 // names of the site
	learntFor   = 24 * time.Hour
	// metLeast is in how many people's sessions a name was met before it is proposed: one alone would say where somebody has been.
	metLeast = 2
)

// refusal is a name that was refused to who sits at a terminal.
type refusal struct {
	host string
	at   clock.Boot
}

// Proposal is a name that was refused at this site, of nobody in particular.
type Proposal struct {
	Host        string
	Times       int // in how many sessions
	First, Last clock.Boot
}

// Refused takes note of a name that the gate has refused to a terminal. It is remembered while that session is open, so that its
// person may show it; when it has ended the site remembers, for a day, that somebody met it.
func (p *Posts) Refused(a mac.Addr, host string) {
	p.mu.Lock()
	x := p.posts[a]
	ring := false
	if x != nil && x.adopted && x.running != "" {
		i := slices.IndexFunc(x.refused, func(r refusal) bool { return r.host == host })
		ring = len(x.refused) == 0 || x.refused[len(x.refused)-1].host != host
		if i >= 0 {
			x.refused = slices.Delete(slices.Clone(x.refused), i, i+1)
		} else if len(x.refused) >= mostRefused {
			x.refused = slices.Clone(x.refused[1:])
		}
		x.refused = append(slices.Clip(x.refused), refusal{host, p.o.Clock.Boot()})
	}
	p.mu.Unlock()
	if ring {
		p.bell.Ring()
	}
}

// LastRefused is the name that was last refused on a terminal, for the page of who sits there and for nobody else.
func (p *Posts) LastRefused(id string) (host string, at clock.Boot, ok bool) {
	x, ok := p.byID(id)
	if !ok || len(x.refused) == 0 {
		return "", 0, false
	}
	last := x.refused[len(x.refused)-1]
	return last.host, last.at, true
}

// Show lets the desk see one refused name: who sits there has said yes. ErrNotFound when it was not refused there; ErrMany after
// eight.
func (p *Posts) Show(id, host string) error {
	err := p.disclose(id, host)
	if err == nil {
		p.changed()
	}
	return err
}

func (p *Posts) disclose(id, host string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range p.posts {
		if x.ID != id || !slices.ContainsFunc(x.refused, func(r refusal) bool { return r.host == host }) {
			continue
		}
		switch {
		case slices.Contains(x.shown, host):
			return nil
		case len(x.shown) >= mostShown:
			return ErrMany
		}
		x.shown = append(slices.Clip(x.shown), host)
		return nil
	}
	return ErrNotFound
}

// Shown is the refused names of a terminal that its person has agreed to show, the last one last.
func (p *Posts) Shown(id string) []string {
	x, _ := p.byID(id)
	return slices.Clone(x.shown)
}

// Propose makes a name that was shown one of the site's proposals. ErrNotFound when nobody has shown it there.
func (p *Posts) Propose(_ context.Context, id, host string) error {
	x, ok := p.byID(id)
	if !ok || !slices.Contains(x.shown, host) {
		return ErrNotFound
	}
	p.mu.Lock()
	p.meet(host, metLeast)
	p.mu.Unlock()
	p.changed()
	return nil
}

// over forgets what was refused to one person, but that the site has met it.
func (p *Posts) over(a mac.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	x := p.posts[a]
	if x == nil {
		return
	}
	for _, r := range x.refused {
		p.meet(r.host, 1)
	}
	x.refused, x.shown, x.running, x.tried = nil, nil, "", 0
}

// meet counts a name for the site. Called with mu held.
func (p *Posts) meet(host string, times int) {
	now := p.o.Clock.Boot()
	if l := p.learnt[host]; l != nil {
		l.Times, l.Last = l.Times+times, now
		return
	}
	if len(p.learnt) >= mostLearnt {
		return // the day will make room
	}
	p.learnt[host] = &Proposal{Host: host, Times: times, First: now, Last: now}
}

// Proposals is the names that were refused at this site to more than one person, or shown, in the last day: the most often met
// first.
func (p *Posts) Proposals() []Proposal {
	p.forgetLearnt()
	p.mu.RLock()
	defer p.mu.RUnlock()
	var all []Proposal
	for _, l := range p.learnt {
		if _, err := names.Parse(l.Host); err == nil && l.Times >= metLeast {
			all = append(all, *l)
		}
	}
	order.Func(all, func(a, b Proposal) int {
		return cmp.Or(cmp.Compare(b.Times, a.Times), cmp.Compare(a.Host, b.Host))
	})
	return all
}

// Dismiss forgets a proposal.
func (p *Posts) Dismiss(host string) {
	p.mu.Lock()
	delete(p.learnt, host)
	p.mu.Unlock()
	p.changed()
}

// forgetLearnt forgets what was first met a day ago, and returns when the next one is to go.
func (p *Posts) forgetLearnt() (next clock.Boot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next = never
	now := p.o.Clock.Boot()
	for host, l := range p.learnt {
		if at := l.First.Add(learntFor); at <= now {
			delete(p.learnt, host)
		} else {
			next = min(next, at)
		}
	}
	return next
}
