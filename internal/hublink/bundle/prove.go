package bundle

import (
	"context"
	"time"

	"parvis/internal/clock"
)

// Window is how long a bundle has to prove itself, from the daemon's start.
const Window = 10 * time.Minute

// look is how often a trial is looked at.
const look = 10 * time.Second

// Proof is what a bundle on trial is asked for.
type Proof struct {
	// Check is the site's own: nil where people can be let in.
	Check func(context.Context) error
	// Reached reports whether the hub has answered since the daemon's start: a bundle that cuts its site off could never be taken back
	// from the centre.
	Reached func() bool
	// Line reports whether the line leads to the internet. While it does not, nobody is judged by the hub's silence.
	Line func() bool
}

// Prove waits for a trial's end: confirmed, or gone back from, which back tells; the caller then begins anew. Time in which the line is down
// does not count against the bundle, up to another Window. Without a trial it returns at once.
func (k *Keeper) Prove(ctx context.Context, clk clock.Clock, p Proof) (back bool, err error) {
	if !k.Trying() {
		return false, nil
	}
	begun := clk.Boot()
	var dark time.Duration // of the line
	for before := begun; ; {
		timer, stop := clk.At(clk.Boot().Add(look))
		select {
		case <-ctx.Done():
			stop()
			return false, nil // the trial goes on with the next start
		case <-timer:
		}
		stop()
		now := clk.Boot()
		failed, reached := p.Check(ctx), p.Reached()
		if ctx.Err() != nil {
			return false, nil
		}
		if failed == nil && reached {
			return false, k.Confirm()
		}
		if !p.Line() {
			dark = min(dark+now.Sub(before), Window)
		}
		before = now
		if now.Sub(begun)-dark < Window {
			continue
		}
		why := "hub"
		switch {
		case failed != nil:
			why = "check"
		case dark == Window:
			why = "line"
		}
		return true, k.Back(why)
	}
}
