package usage

import (
	"context"
	"maps"
	"slices"
	"time"
)

// period is what was counted between two moments.
type period struct {
	from, to time.Time
	hours    map[int64]*hourRow
}

func (p period) sum(what string) (n uint64) {
	for _, h := range p.hours {
		for k, c := range h.counts {
			if k.what == what {
				n += c
			}
		}
	}
	return n
}

// words are the sums of each word, the words in order.
func (p period) words(what string) (words []string, sums []uint64) {
	all := map[string]uint64{}
	for _, h := range p.hours {
		for k, c := range h.counts {
			if k.what == what {
				all[k.word] += c
			}
		}
	}
	words = slices.Sorted(maps.Keys(all))
	for _, w := range words {
		sums = append(sums, all[w])
	}
	return words, sums
}

// by is the sum of each word.
func (p period) by(what string) map[string]uint64 {
	words, sums := p.words(what)
	all := make(map[string]uint64, len(words))
	for i, w := range words {
		all[w] = sums[i]
	}
	return all
}

func (p period) peak() (n uint64) {
	for _, h := range p.hours {
		n = max(n, h.peak)
	}
	return n
}

// measured: a minute without the daemon in an hour, a restart for instance, leaves it whole.
func (p period) measured() (m Measure, hours int) {
	var sum time.Duration
	for _, h := range p.hours {
		sum += h.measured
	}
	hours = int(sum.Round(time.Hour) / time.Hour)
	switch of := p.to.Sub(p.from); {
	case sum == 0:
		return Never, 0
	case of-sum <= max(of/60, time.Minute):
		return Whole, hours
	default:
		return Partly, hours
	}
}

// within is the part of p between two moments.
func (p period) within(from, to time.Time) period {
	q := period{from, to, map[int64]*hourRow{}}
	for at, h := range p.hours {
		if at >= from.Unix()/3600 && at < to.Unix()/3600 {
			q.hours[at] = h
		}
	}
	return q
}

func (u *Usage) read(ctx context.Context, from, to time.Time) (period, error) {
	hours, err := u.db.hours(ctx, from.Unix()/3600, to.Unix()/3600)
	return period{from, to, hours}, err
}
