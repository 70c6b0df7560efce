package bench

import (
	"cmp"
	"slices"
)

// percentile is the value below which p of 100 lie (nearest rank). values must not be empty.
func percentile[T cmp.Ordered](values []T, p int) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)*p/100, len(sorted)-1)]
}

// median is the middle value, the upper one of two. values must not be empty.
func median(values []float64) float64 { return percentile(values, 50) }

// jain is Jain's fairness index: 1 when all have the same, 1/n when one has everything (Jain, Chiu and Hawe, DEC-TR-301, 1984).
// 0 when nobody has anything.
func jain(shares []float64) float64 {
	var sum, squares float64
	for _, x := range shares {
		sum += x
		squares += x * x
	}
	if squares == 0 {
		return 0
	}
	return sum * sum / (float64(len(shares)) * squares)
}

// pair is what rounds with and without Parvis gave, one after the other in turn.
type pair struct {
	with, without []float64
}

// alternate runs both in turn. Which comes first changes with the round, so that a machine that slows down or warms up
// favours neither.
func alternate(rounds int, with, without func() (float64, error)) (p pair, err error) {
	one := func(to *[]float64, f func() (float64, error)) {
		if err != nil {
			return
		}
		var v float64
		if v, err = f(); err == nil {
			*to = append(*to, v)
		}
	}
	for i := range rounds {
		if i%2 == 0 {
			one(&p.with, with)
			one(&p.without, without)
		} else {
			one(&p.without, without)
			one(&p.with, with)
		}
	}
	return p, err
}

// ratios are with / without, round by round.
func (p pair) ratios() []float64 {
	out := make([]float64, min(len(p.with), len(p.without)))
	for i := range out {
		if p.without[i] > 0 {
			out[i] = p.with[i] / p.without[i]
		}
	}
	return out
}

// figure is the ratio as a figure: the median of the rounds' own ratios, with their extremes.
func (p pair) figure(name, of string) Figure {
	r := p.ratios()
	return Figure{
		Name: name, Unit: "ratio", Value: median(r), Low: slices.Min(r), High: slices.Max(r), Rounds: len(r),
		With: median(p.with), Without: median(p.without), Of: of,
	}
}
