package intake

import (
	"sync"
	"time"

	"parvis/internal/clock"
)

// most is how many names a limiter remembers one by one. Those beyond share one budget, so that neither memory grows nor a flood of
// names keeps out who was here before.
const most = 10_000

// limiter lets each name do burst things at once, and one more each pause after that (a token bucket, kept as the moment at which it is full).
type limiter struct {
	clock clock.Clock
	burst int
	pause time.Duration

	mu   sync.Mutex
	full map[string]clock.Boot // when a name's budget is whole again; absent: it is
}

func newLimiter(c clock.Clock, burst int, pause time.Duration) *limiter {
	return &limiter{clock: c, burst: burst, pause: pause, full: map[string]clock.Boot{}}
}

// take spends one of a name's budget; after is how long to wait when there is none.
func (l *limiter) take(name string) (after time.Duration, ok bool) {
	now := l.clock.Boot()
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.full[name]; !known && len(l.full) >= most {
		for n, full := range l.full {
			if full <= now {
				delete(l.full, n)
			}
		}
		if len(l.full) >= most {
			name = "" // of everybody else
		}
	}
	full := max(l.full[name], now)
	if after = full.Sub(now) - time.Duration(l.burst-1)*l.pause; after > 0 {
		return after, false
	}
	l.full[name] = full.Add(l.pause)
	return 0, true
}
