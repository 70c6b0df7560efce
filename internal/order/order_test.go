package order_test

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"parvis/internal/order"
)

type pair struct{ key, was int }

func byKey(a, b pair) int { return cmp.Compare(a.key, b.key) }

// slices is the oracle.
func TestItSortsAsSlicesDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s []pair
		for i, k := range rapid.SliceOf(rapid.IntRange(0, 20)).Draw(t, "keys") {
			s = append(s, pair{k, i})
		}
		want := slices.Clone(s)
		slices.SortStableFunc(want, byKey)
		stable, any := slices.Clone(s), slices.Clone(s)
		order.Stable(stable, byKey)
		order.Func(any, byKey)
		if !slices.Equal(stable, want) {
			t.Errorf("%v, want %v", stable, want)
		}
		if !slices.IsSortedFunc(any, byKey) {
			t.Errorf("%v is not sorted", any)
		}
	})
}
