package bench

import (
	"errors"
	"math"
	"slices"
	"testing"
)

func TestPercentileIsTheNearestRank(t *testing.T) {
	values := make([]float64, 100)
	for i := range values {
		values[i] = float64((i*37)%100 + 1) // 1 to 100, not in order
	}
	before := slices.Clone(values)
	for p, want := range map[int]float64{0: 1, 50: 51, 99: 100, 100: 100} {
		if got := percentile(values, p); got != want {
			t.Errorf("p%d of 1..100 is %v, want %v", p, got, want)
		}
	}
	if !slices.Equal(values, before) {
		t.Error("the values were put in order in place")
	}
	if got := percentile([]float64{7}, 99); got != 7 {
		t.Errorf("p99 of one value is %v", got)
	}
}

func TestJainIsOneForEqualSharesAndOneNthForAMonopoly(t *testing.T) {
	tests := []struct {
		name   string
		shares []float64
		want   float64
	}{
		{"equal", []float64{3, 3, 3, 3}, 1},
		{"one has all", []float64{8, 0, 0, 0}, 0.25},
		{"two to one", []float64{2, 1}, 0.9},
		{"nobody has anything", []float64{0, 0}, 0},
	}
	for _, tt := range tests {
		if got := jain(tt.shares); math.Abs(got-tt.want) > 1e-12 {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestRoundsAlternateAndSwapTheirOrder(t *testing.T) {
	var order string
	side := func(name string) func() (float64, error) {
		return func() (float64, error) { order += name; return 1, nil }
	}
	if _, err := alternate(3, side("p"), side("b")); err != nil || order != "pbbppb" {
		t.Errorf("order %q, %v; want pbbppb", order, err)
	}
}

func TestRoundsEndWithTheFirstError(t *testing.T) {
	broken := errors.New("no line")
	calls := 0
	_, err := alternate(5, func() (float64, error) { calls++; return 0, broken }, func() (float64, error) { calls++; return 1, nil })
	if !errors.Is(err, broken) || calls != 1 {
		t.Errorf("%v after %d calls; want the error after one", err, calls)
	}
}

// A machine that halves its speed from one round to the next leaves each round's own ratio as it is.
func TestRatioIsTheMedianOfTheRoundsOwnRatios(t *testing.T) {
	p := pair{with: []float64{80, 40, 20}, without: []float64{100, 50, 20}}
	f := p.figure("x", "frames/s")
	if f.Value != 0.8 || f.Low != 0.8 || f.High != 1 || f.Rounds != 3 {
		t.Errorf("%+v; want 0.8, from 0.8 to 1 in 3 rounds", f)
	}
	if f.With != 40 || f.Without != 50 {
		t.Errorf("medians %v and %v, want 40 and 50", f.With, f.Without)
	}
}
