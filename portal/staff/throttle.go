package staff

import (
	"sync"
	"time"

	"parvis/internal/clock"
)

// throttle counts wrong tries by name and makes who has too many wait: longer each time, and never so long that a
// colleague stands outside for a morning.
type throttle struct {
	clock clock.Clock

	mu    sync.Mutex
	tries map[string]*try
}

type try struct {
	wrong int
	last  clock.Boot
	until clock.Boot
}

const (
	freeTries   = 5
	firstWait   = 30 * time.Second
	longestWait = 10 * time.Minute
	forgetAfter = time.Hour // without a try
	maxTries    = 4096      // names that are remembered; the longest silent goes first
)

func newThrottle(c clock.Clock) *throttle { return &throttle{clock: c, tries: map[string]*try{}} }

// take counts a try under every name before it is known how it ends, so that many at once are counted as many. free is how many
// wrong ones cost nothing. It is *Locked while one of the names has to wait; nothing is counted then.
func (t *throttle) take(free int, names ...string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.Boot()
	var wait time.Duration
	for _, n := range names {
		if x := t.tries[n]; x != nil && x.until > now {
			wait = max(wait, x.until.Sub(now))
		}
	}
	if wait > 0 {
		return &Locked{Wait: wait}
	}
	for _, n := range names {
		x := t.tries[n]
		if x == nil || now.Sub(x.last) >= forgetAfter {
			if x == nil {
				t.room()
			}
			x = &try{}
			t.tries[n] = x
		}
		x.wrong++
		x.last = now
		if over := x.wrong - free; over >= 0 {
			x.until = now.Add(min(firstWait<<min(over, 10), longestWait))
		}
	}
	return nil
}

// right takes the try back: it was no wrong one. clear forgets the earlier ones of the name as well.
func (t *throttle) right(name string, clear bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.tries[name]
	if x == nil {
		return
	}
	x.wrong, x.until = x.wrong-1, 0
	if clear || x.wrong <= 0 {
		delete(t.tries, name)
	}
}

// room makes room for one more.
func (t *throttle) room() {
	if len(t.tries) < maxTries {
		return
	}
	var oldest string
	for n, x := range t.tries {
		if oldest == "" || x.last < t.tries[oldest].last {
			oldest = n
		}
	}
	delete(t.tries, oldest)
}
