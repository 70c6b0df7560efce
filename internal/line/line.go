// Package line finds out whether the line to the internet is slower than it is configured. It is then not the router that
// holds the queue, and shares it fairly, but the operator's box, which does not.
//
// The method is frugal: every ten seconds two counters of the interface are read. Only while the line carries more than
// three tenths of what is configured are some tiny questions sent to the resolver, and the quickest answer compared with the
// quickest that was ever seen. Under a queue of ours these questions do not wait, for they are the router's own and have
// their part of the line. So when they wait a tenth of a second longer, while less than nine tenths of the configured rate
// are carried, there is a full queue beyond us, and what was carried is what the line can do.
//
// Nothing is known here of any guest: only sums of the whole line.
package line

import (
	"slices"
	"time"

	"parvis/internal/clock"
)

// The thresholds of the method.
const (
	busy  = 0.3                    // of the configured rate: from here on questions are asked
	full  = 0.9                    // of the configured rate: from here on the queue is ours
	waits = 100 * time.Millisecond // longer than the quickest answer: somebody else's queue is full

	window = 6 // busy samples that are looked at together, in one direction
	enough = 3 // of them must say it: about half a minute

	floorFor = time.Hour      // how long the quickest answer counts: routes change
	sayFor   = 24 * time.Hour // how long it is said after it was last seen
)

// Rates are bits per second.
type Rates struct{ Down, Up uint64 }

// Slow is what was seen of one direction.
type Slow struct {
	Carries uint64     // bits per second when full, rounded to two digits; 0: not seen to be slower than configured
	Seen    clock.Boot // last
}

// sample is what was seen over one interval.
type sample struct {
	at       clock.Boot
	rates    Rates
	asked    bool
	delay    time.Duration // of the quickest answer
	answered bool
}

// judge is the pure part: samples in, verdict out.
type judge struct {
	configured Rates
	floor      time.Duration
	floorAt    clock.Boot
	hasFloor   bool
	down, up   way
}

// way is one direction.
type way struct {
	recent []evidence
	slow   Slow
}

// evidence is one busy sample: what was carried, and whether the answers waited or did not come.
type evidence struct {
	rate         uint64
	waited, lost bool
}

// isBusy reports whether questions are worth asking at these rates.
func (j *judge) isBusy(r Rates) bool {
	return part(r.Down, j.configured.Down) > busy || part(r.Up, j.configured.Up) > busy
}

// needsFloor reports whether the quickest answer is not known, or too old.
func (j *judge) needsFloor(now clock.Boot) bool { return !j.hasFloor || now.Sub(j.floorAt) > floorFor }

func part(rate, of uint64) float64 { return float64(rate) / float64(max(of, 1)) }

// add takes one sample in.
func (j *judge) add(s sample) {
	if s.answered && (!j.hasFloor || s.delay <= j.floor || (j.needsFloor(s.at) && !j.isBusy(s.rates))) {
		j.floor, j.floorAt, j.hasFloor = s.delay, s.at, true
	}
	down, up := part(s.rates.Down, j.configured.Down), part(s.rates.Up, j.configured.Up)
	if s.asked && j.hasFloor {
		e := evidence{waited: s.answered && s.delay >= j.floor+waits, lost: !s.answered}
		// Answers cross both directions: the fuller one is the one that is spoken of.
		if down >= up && down > busy {
			e.rate = s.rates.Down
			j.down.add(e, s.at, j.configured.Down)
		} else if up > down && up > busy {
			e.rate = s.rates.Up
			j.up.add(e, s.at, j.configured.Up)
		}
	}
	for _, w := range []*way{&j.down, &j.up} {
		if w.slow.Carries > 0 && s.at.Sub(w.slow.Seen) > sayFor {
			*w = way{}
		}
	}
}

// add takes one busy sample of this direction in. Answers that do not come may be a resolver that is gone: among those
// that tell of a full queue at least one must have come, late.
func (w *way) add(e evidence, at clock.Boot, configured uint64) {
	if !e.waited && !e.lost && e.rate > w.slow.Carries*12/10 { // it can do more
		*w = way{}
	}
	if len(w.recent) == window {
		w.recent = w.recent[1:]
	}
	w.recent = append(w.recent, e)
	var rates []uint64
	late := false
	for _, r := range w.recent {
		if (r.waited || r.lost) && part(r.rate, configured) < full {
			rates = append(rates, r.rate)
			late = late || r.waited
		}
	}
	if len(rates) >= enough && late && (e.waited || e.lost) {
		slices.Sort(rates)
		w.slow = Slow{Carries: twoDigits(rates[len(rates)/2]), Seen: at}
	}
}

// twoDigits rounds down to what a measurement like this one knows.
func twoDigits(v uint64) uint64 {
	unit := uint64(1)
	for v/unit >= 100 {
		unit *= 10
	}
	return v / unit * unit
}
