package line

import (
	"slices"
	"sync"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hublink/wire"
)

// recent is how much of the past Quality is about.
const recent = 5 * time.Minute

// GaugeOptions are what a Gauge is made of.
type GaugeOptions struct {
	Configured Rates
	// Down reports whether the line is down at the moment; it waits for nothing.
	Down func() bool
	// Count is told each piece of what hours are made of; nil: nobody is.
	Count func(wire.Quality)
}

// Gauge is how good the line is: what a Watch and an Uplink see, for the hour and for now. It asks nothing itself.
//
// A look is one of the Watch's, every ten seconds however the line is, so that looks are time. Questions are the Uplink's: for a name
// that nobody has kept, about every fifteen seconds, once a minute while much comes in. Those that are asked while the line is down are
// not counted: an outage is told by looks, and is no loss.
type Gauge struct {
	opt   GaugeOptions
	clock clock.Clock

	mu      sync.Mutex
	looks   []seenRates
	answers []answered
}

type seenRates struct {
	at clock.Boot
	Rates
}

type answered struct {
	at   clock.Boot
	took time.Duration
	lost bool
}

// NewGauge returns a gauge that has seen nothing yet.
func NewGauge(opt GaugeOptions, clk clock.Clock) *Gauge { return &Gauge{opt: opt, clock: clk} }

// Looked is Options.Looked.
func (g *Gauge) Looked(r Rates) {
	q := wire.Quality{Asked: 1, Down: one(g.opt.Down()), Full: one(g.fullest(r) >= full)}
	now := g.clock.Boot()
	g.mu.Lock()
	g.looks = append(forget(g.looks, func(l seenRates) bool { return now.Sub(l.at) > recent }), seenRates{now, r})
	g.mu.Unlock()
	g.count(q)
}

// Asked is UplinkOptions.Asked.
func (g *Gauge) Asked(took time.Duration, lost bool) {
	if g.opt.Down() {
		return
	}
	q := wire.Quality{Questions: 1, Lost: one(lost)}
	if !lost {
		q.Latency = took.Milliseconds()
	}
	now := g.clock.Boot()
	g.mu.Lock()
	g.answers = append(forget(g.answers, func(a answered) bool { return now.Sub(a.at) > recent }), answered{now, took, lost})
	g.mu.Unlock()
	g.count(q)
}

func (g *Gauge) count(q wire.Quality) {
	if g.opt.Count != nil {
		g.opt.Count(q)
	}
}

// fullest is how full the fuller direction is.
func (g *Gauge) fullest(r Rates) float64 {
	return max(part(r.Down, g.opt.Configured.Down), part(r.Up, g.opt.Configured.Up))
}

// Now is the line over the last five minutes; rates are means, and what was not seen is 0.
func (g *Gauge) Now() wire.Line {
	l := wire.Line{Up: !g.opt.Down()}
	now := g.clock.Boot()
	g.mu.Lock()
	defer g.mu.Unlock()
	var took []time.Duration
	asked := 0
	for _, a := range g.answers {
		if now.Sub(a.at) > recent {
			continue
		}
		if asked++; !a.lost {
			took = append(took, a.took)
		}
	}
	if asked > 0 {
		l.Loss = 100 * (asked - len(took)) / asked
	}
	if len(took) > 0 {
		slices.Sort(took)
		l.Latency = int(took[len(took)/2].Milliseconds())
	}
	var sum Rates
	n := uint64(0)
	for _, s := range g.looks {
		if now.Sub(s.at) <= recent {
			n, sum.Down, sum.Up = n+1, sum.Down+s.Down, sum.Up+s.Up
		}
	}
	if n > 0 {
		l.Down, l.Upload = hundredths(sum.Down/n, g.opt.Configured.Down), hundredths(sum.Up/n, g.opt.Configured.Up)
	}
	return l
}

// hundredths is at most 100: counters are read at moments that are not quite a rate's.
func hundredths(rate, of uint64) int { return min(int(100*part(rate, of)), 100) }

// forget takes away what is too old from the front, and what is more than an interval of any kind can have put there.
func forget[T any](all []T, old func(T) bool) []T {
	for len(all) > 0 && (old(all[0]) || len(all) >= 512) {
		all = all[1:]
	}
	return slices.Clone(all)
}

func one(is bool) int64 {
	if is {
		return 1
	}
	return 0
}
