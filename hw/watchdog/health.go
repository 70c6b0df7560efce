package watchdog

import (
	"context"
	"slices"
	"sync"
	"time"

	"parvis/internal/clock"
)

// Check is one part of the daemon that must get on.
type Check struct {
	Name string
	// Alive returns true once the part has shown that it gets on. It may wait for that until ctx ends, and may hang with it.
	Alive func(ctx context.Context) bool
}

// Patience is how long a part may show nothing before it hangs: the longest fsync on worn flash and the laying anew of everything take
// seconds.
const Patience = time.Minute

// askEvery is the time from one answer to the next question.
const askEvery = 15 * time.Second

// Health asks each part again and again, each in a goroutine of its own, so that one that hangs holds up nobody's answer.
type Health struct {
	checks []Check
	clock  clock.Clock

	mu   sync.Mutex
	last map[string]clock.Boot // when each part last showed that it gets on
}

// NewHealth makes one in which everything has just shown that it gets on. The clock is the machine's own.
func NewHealth(c clock.Clock, checks ...Check) *Health {
	h := &Health{checks: checks, clock: c, last: map[string]clock.Boot{}}
	for _, check := range checks {
		h.last[check.Name] = c.Boot()
	}
	return h
}

// Run asks until ctx ends; everything has just shown that it gets on when it begins. It does not wait for a part that hangs.
func (h *Health) Run(ctx context.Context) error {
	h.mu.Lock()
	for name := range h.last {
		h.last[name] = h.clock.Boot() // until now nobody could show anything
	}
	h.mu.Unlock()
	for _, check := range h.checks {
		go h.ask(ctx, check)
	}
	<-ctx.Done()
	return nil
}

func (h *Health) ask(ctx context.Context, c Check) {
	for ctx.Err() == nil {
		within, cancel := context.WithCancel(ctx)
		late, stop := h.clock.At(h.clock.Boot().Add(Patience))
		over := make(chan struct{})
		go func() {
			select {
			case <-late:
				cancel()
			case <-over:
			}
		}()
		alive := c.Alive(within)
		close(over)
		stop()
		cancel()
		now := h.clock.Boot()
		if alive {
			h.mu.Lock()
			h.last[c.Name] = now
			h.mu.Unlock()
		}
		due, stop := h.clock.At(now.Add(askEvery))
		select {
		case <-due:
		case <-ctx.Done():
		}
		stop()
	}
}

// Hung names the parts that have shown nothing for longer than Patience.
func (h *Health) Hung() (names []string) {
	if h == nil {
		return nil
	}
	now := h.clock.Boot()
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, last := range h.last {
		if now.Sub(last) > Patience {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
