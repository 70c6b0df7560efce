package kiosk

import (
	"context"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// lookAgain is how often who waits is asked again while a terminal's last minutes run.
const lookAgain = 15 * time.Second

// Run follows the sessions of terminals until ctx ends: it tells who listens when a state changes by itself, forgets what was
// one person's when their session has ended, and puts an end off when nobody waits. It sleeps when nothing is foreseen.
func (p *Posts) Run(ctx context.Context) error {
	rung, done := p.o.Sessions.Changes()
	defer done()
	for {
		due, stop := (<-chan struct{})(nil), func() {}
		if next := p.Step(ctx); next != never {
			due, stop = p.o.Clock.At(next)
		}
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-due:
		case <-rung:
		case <-p.kick:
		}
		stop()
	}
}

// Step does what is due now and returns when something will be. Run calls it.
func (p *Posts) Step(ctx context.Context) (next clock.Boot) {
	ctx = context.WithoutCancel(ctx)
	p.op.Lock()
	next = p.look(ctx)
	p.op.Unlock()
	now := map[mac.Addr]State{}
	for _, t := range p.Terminals() {
		now[t.MAC] = t.State
	}
	p.mu.Lock()
	same := len(now) == len(p.states)
	for a, s := range now {
		same = same && p.states[a] == s
	}
	p.states = now
	p.mu.Unlock()
	if !same {
		p.bell.Ring()
	}
	return min(next, p.forgetLearnt())
}

// look takes note of what has become of every terminal's session. Called with op held.
func (p *Posts) look(ctx context.Context) (next clock.Boot) {
	next = never
	at := p.o.Clock.Boot()
	p.mu.RLock()
	all := make([]post, 0, len(p.posts))
	for _, x := range p.posts {
		if x.adopted {
			all = append(all, *x)
		}
	}
	p.mu.RUnlock()
	for _, x := range all {
		s, known := p.o.Sessions.Of(x.MAC)
		switch {
		case known && s.Open:
			next = min(next, p.attend(ctx, x, s, at))
		case x.running != "" || x.Dirty && x.used(): // the second where it ended while the daemon was not there
			p.finish(ctx, x, at)
			next = min(next, at.Add(CleaningMost))
		case x.Dirty && at < x.ended.Add(CleaningMost):
			next = min(next, x.ended.Add(CleaningMost))
		case !x.Dirty && x.heard != 0 && at < x.heard.Add(SilentAfter):
			next = min(next, x.heard.Add(SilentAfter))
		}
	}
	return next
}

// attend looks at a terminal that is open, and returns when to look again.
func (p *Posts) attend(ctx context.Context, x post, s Session, at clock.Boot) clock.Boot {
	if x.running != s.ID {
		p.set(x.MAC, func(x *post) { x.running = s.ID })
	}
	if !x.Dirty { // opened by somebody else, or the store has lost it: nothing is open that nobody has named
		next := x.Row
		next.clean()
		next.Dirty = true
		if err := p.write(ctx, next); err != nil {
			p.o.Log.Warn("a terminal in use is not written", "terminal", x.ID, "cause", err)
			p.set(x.MAC, func(x *post) { x.Row = next })
		}
		p.push(next)
	}
	if s.LineDown {
		return never // the owner of sessions rings when it goes on
	}
	if s.Left > EndingLast {
		return at.Add(s.Left - EndingLast)
	}
	if !p.prolongs(x, s) {
		return at.Add(max(s.Left, time.Second))
	}
	if p.o.Waits() {
		return at.Add(min(lookAgain, max(s.Left, time.Second)))
	}
	p.set(x.MAC, func(x *post) { x.tried = s.End })
	then, err := p.adjust(ctx, x, s, p.o.Prolong)
	if err != nil {
		p.o.Log.Warn("a terminal's end is not put off", "terminal", x.ID, "cause", err)
		return at.Add(max(s.Left, time.Second))
	}
	p.o.Log.Info("nobody waits: a terminal stays open", "terminal", x.ID, "more", p.o.Prolong)
	return at.Add(max(then.Left-EndingLast, time.Second))
}

// prolongs says whether the end of an open terminal may be put off by itself.
func (p *Posts) prolongs(x post, s Session) bool {
	return p.o.Prolong > 0 && !x.Fixed && !s.Closing && x.tried != s.End
}

// used says whether a row holds something of one person.
func (r *Row) used() bool {
	return r.Mail || r.Graced || r.Fixed || r.Phone != "" || len(r.Bundles)+len(r.Names) > 0
}

// finish forgets what was one person's.
func (p *Posts) finish(ctx context.Context, x post, at clock.Boot) {
	next := x.Row
	next.clean()
	next.Dirty = true
	if err := p.write(ctx, next); err != nil {
		p.o.Log.Warn("the end of a terminal's session is not written", "terminal", x.ID, "cause", err)
		p.set(x.MAC, func(x *post) { x.Row = next })
	}
	p.over(x.MAC)
	p.set(x.MAC, func(x *post) { x.ended = at })
	p.o.Policy.Allow(x.MAC, nil)
	p.changed()
}
