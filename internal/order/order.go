// Package order sorts slices by a comparison, as slices.SortFunc and slices.SortStableFunc do.
//
// Those are compiled anew for every type of element, some 20 KB each, and a router has a few dozen such types. Here one sorting
// serves all of them, over an interface (docs/adr/0026-packages.md).
package order

import "sort"

// Func sorts s by compare, which is negative where a comes before b. Equal elements may change places.
func Func[E any](s []E, compare func(a, b E) int) { sort.Sort(by[E]{s, compare}) }

// Stable is Func that keeps equal elements in their order.
func Stable[E any](s []E, compare func(a, b E) int) { sort.Stable(by[E]{s, compare}) }

type by[E any] struct {
	s       []E
	compare func(a, b E) int
}

func (b by[E]) Len() int           { return len(b.s) }
func (b by[E]) Less(i, j int) bool { return b.compare(b.s[i], b.s[j]) < 0 }
func (b by[E]) Swap(i, j int)      { b.s[i], b.s[j] = b.s[j], b.s[i] }
