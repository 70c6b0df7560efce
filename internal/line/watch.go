package line

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"parvis/internal/clock"
)

// Options of a Watch.
type Options struct {
	Interface  string
	Configured Rates
	// Interval between two looks; 0 is ten seconds.
	Interval time.Duration
	// Ask sends one question and returns how long the answer took. Nil: the resolver of Resolvers is asked.
	Ask func(ctx context.Context) (time.Duration, error)
	// Looked is told what was carried since the look before, 0 while the interface is gone; nil: nobody is.
	Looked func(Rates)
	Log    *slog.Logger
}

// Watch looks at the line while Run runs.
type Watch struct {
	opt   Options
	clock clock.Clock
	mu    sync.Mutex
	judge judge
	asks  bool // the last question found somebody to ask
}

// New returns a watch that looks at nothing yet.
func New(opt Options, clk clock.Clock) *Watch {
	if opt.Interval == 0 {
		opt.Interval = 10 * time.Second
	}
	if opt.Ask == nil {
		opt.Ask = askResolver
	}
	return &Watch{opt: opt, clock: clk, judge: judge{configured: opt.Configured}}
}

// Status is what the watch knows.
type Status struct {
	// Able: there is a resolver beyond the line that can be asked. Else nothing can be said.
	Able     bool
	Down, Up Slow
}

// Status waits for nothing.
func (w *Watch) Status() Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return Status{Able: w.asks, Down: w.judge.down.slow, Up: w.judge.up.slow}
}

// The questions of one look: one that is lost, or meets a busy resolver, says nothing of the line.
const (
	questions = 3
	patience  = 2 * time.Second
)

// Run looks until ctx ends.
func (w *Watch) Run(ctx context.Context) error {
	var last counters
	known := false
	for {
		now := w.clock.Boot()
		c, err := read(w.opt.Interface)
		var r Rates
		switch {
		case err != nil || !known || c.rx < last.rx || c.tx < last.tx: // gone, or come back
			known = err == nil
		default:
			r = Rates{Down: perSecond(c.rx-last.rx, now.Sub(last.at)), Up: perSecond(c.tx-last.tx, now.Sub(last.at))}
			w.look(ctx, now, r)
		}
		if w.opt.Looked != nil {
			w.opt.Looked(r)
		}
		c.at = now
		last = c
		timer, stop := w.clock.At(now.Add(w.opt.Interval)) // also when answers took their time: looks are time
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-timer:
		}
	}
}

// look makes a sample of one interval.
func (w *Watch) look(ctx context.Context, now clock.Boot, r Rates) {
	w.mu.Lock()
	isBusy := w.judge.isBusy(r)
	ask := isBusy || w.judge.needsFloor(now)
	w.mu.Unlock()
	s := sample{at: now, rates: r, asked: isBusy}
	able := true
	if ask {
		s.delay, s.answered, able = w.question(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if ask {
		w.asks = able
	}
	before := [2]Slow{w.judge.down.slow, w.judge.up.slow}
	if able {
		w.judge.add(s)
	}
	for i, now := range [2]Slow{w.judge.down.slow, w.judge.up.slow} {
		if before[i].Carries == 0 && now.Carries > 0 {
			w.opt.Log.Warn("the line is slower than configured", "direction", [2]string{"down", "up"}[i], "carries", now.Carries)
		}
	}
}

// question returns the delay of the quickest of some answers. able is false where there is nobody to ask.
func (w *Watch) question(ctx context.Context) (quickest time.Duration, answered, able bool) {
	for range questions {
		ctx, cancel := context.WithTimeout(ctx, patience)
		d, err := w.opt.Ask(ctx)
		cancel()
		if errors.Is(err, ErrNobody) {
			return 0, false, false
		}
		if err == nil && (!answered || d < quickest) {
			quickest, answered = d, true
		}
	}
	return quickest, answered, true
}

// counters are bytes since the interface is there.
type counters struct {
	rx, tx  uint64
	unicast uint64 // packets in
	at      clock.Boot
}

func read(device string) (c counters, err error) {
	for _, f := range []struct {
		name string
		into *uint64
	}{{"rx_bytes", &c.rx}, {"tx_bytes", &c.tx}} {
		b, err := os.ReadFile(filepath.Join("/sys/class/net", device, "statistics", f.name))
		if err != nil {
			return counters{}, fmt.Errorf("line: read counters: %w", err)
		}
		if *f.into, err = strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64); err != nil {
			return counters{}, fmt.Errorf("line: read counters: %w", err)
		}
	}
	return c, nil
}

func perSecond(bytes uint64, d time.Duration) uint64 {
	if d <= 0 {
		return 0
	}
	return uint64(float64(bytes) * 8 / d.Seconds())
}
