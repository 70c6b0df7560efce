package sessions

import (
	"container/list"
	"sync"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// What guessing codes costs: a device may be wrong guessLeast times, then it waits pauseFirst, twice as long after each
// further mistake, pauseMost at most; and all devices together may be wrong siteMost times in siteWithin, because a
// device can change its address.
const (
	guessLeast = 5
	pauseFirst = 2 * time.Minute
	pauseMost  = 15 * time.Minute
	siteMost   = 60
	siteWithin = 10 * time.Minute

	guessersMost = 1024      // devices that are remembered, the one that was wrong longest ago goes first
	guessKeep    = time.Hour // after its last mistake a device is forgotten
)

// throttle slows down who guesses codes. A right code does not make a device's mistakes forgotten: who has one would guess
// with it without end. It is safe for concurrent use.
type throttle struct {
	clock clock.Clock

	mu       sync.Mutex
	guessers map[mac.Addr]*list.Element // of guesser
	order    *list.List                 // who was wrong last in front
	site     []clock.Boot               // the last siteMost mistakes, oldest first
}

type guesser struct {
	device mac.Addr
	wrong  int
	last   clock.Boot
	until  clock.Boot // it waits until then
}

func newThrottle(c clock.Clock) *throttle {
	return &throttle{clock: c, guessers: map[mac.Addr]*list.Element{}, order: list.New()}
}

// check returns *Throttled while the device is not to try a code.
func (t *throttle) check(d mac.Addr) error {
	now := t.clock.Boot()
	t.mu.Lock()
	defer t.mu.Unlock()
	wait := time.Duration(0)
	if len(t.site) == siteMost {
		wait = t.site[0].Add(siteWithin).Sub(now)
	}
	if e := t.guessers[d]; e != nil {
		wait = max(wait, e.Value.(*guesser).until.Sub(now))
	}
	if wait > 0 {
		return &Throttled{Wait: wait}
	}
	return nil
}

// wrong takes note of a mistake.
func (t *throttle) wrong(d mac.Addr) {
	now := t.clock.Boot()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.site) == siteMost {
		t.site = t.site[1:]
	}
	t.site = append(t.site, now)
	for e := t.order.Back(); e != nil; e = t.order.Back() {
		g := e.Value.(*guesser)
		if t.order.Len() < guessersMost && now.Sub(g.last) < guessKeep {
			break
		}
		t.forget(e)
	}
	e := t.guessers[d]
	if e == nil {
		e = t.order.PushFront(&guesser{device: d})
		t.guessers[d] = e
	}
	t.order.MoveToFront(e)
	g := e.Value.(*guesser)
	g.wrong, g.last = g.wrong+1, now
	if over := g.wrong - guessLeast; over >= 0 {
		g.until = now.Add(min(pauseFirst<<min(over, 4), pauseMost))
	}
}

func (t *throttle) forget(e *list.Element) {
	delete(t.guessers, e.Value.(*guesser).device)
	t.order.Remove(e)
}
