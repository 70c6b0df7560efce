// Package figure says how a number about people may be shown: small ones, and those from which a small one could be found out, are
// not. It knows nothing of what is counted; the site and the hub show their numbers by the same rules.
package figure

import (
	"fmt"
	"strconv"
)

// Least is the smallest number that is shown as it is: less could be about somebody who can be named.
const Least = 5

// Shown is how a number may be shown.
type Shown uint8

// How a number may be shown.
const (
	Plain   Shown = iota // as it is
	Few                  // "moins de 5", and not 0
	Hidden               // nothing: another number could be found out from it
	Missing              // it was not measured, which is not 0
)

// Figure is a number as it may be shown. Its value is 0 unless it is Plain, so that nothing else can be printed by mistake.
type Figure struct {
	How   Shown
	Value uint64
}

// String is what people read, in French.
func (f Figure) String() string {
	switch f.How {
	case Few:
		return "moins de 5"
	case Hidden:
		return "masqué"
	case Missing:
		return "pas de mesure"
	default:
		return strconv.FormatUint(f.Value, 10)
	}
}

// MarshalJSON writes a number, or the words for what takes its place: "few", "hidden", null for what is missing.
func (f Figure) MarshalJSON() ([]byte, error) {
	switch f.How {
	case Few:
		return []byte(`"few"`), nil
	case Hidden:
		return []byte(`"hidden"`), nil
	case Missing:
		return []byte("null"), nil
	default:
		return strconv.AppendUint(nil, f.Value, 10), nil
	}
}

// UnmarshalJSON reads what MarshalJSON writes.
func (f *Figure) UnmarshalJSON(b []byte) error {
	switch s := string(b); s {
	case `"few"`:
		*f = Figure{How: Few}
	case `"hidden"`:
		*f = Figure{How: Hidden}
	case "null":
		*f = Figure{How: Missing}
	default:
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return fmt.Errorf("figure: read %s: %w", s, err)
		}
		*f = Of(n)
	}
	return nil
}

// Of is a number that may be shown as it is.
func Of(n uint64) Figure { return Figure{Plain, n} }

// Alone is how a number is shown that is no part of a sum.
func Alone(n uint64) Figure {
	if n > 0 && n < Least {
		return Figure{How: Few}
	}
	return Of(n)
}

// Mask decides how a total and its parts may be shown together. Where a part is below Least, the smallest of the others is hidden
// too. Where a part below Least could still be found out from the rest, or no number would be left, all are hidden, so that not even
// which part is the small one is said. parts must sum up to their total, and no other sum of the same parts may be shown (of some
// of the days of a month, for instance).
//
// Nothing in between: how many are hidden would itself tell what they are.
func Mask(parts []uint64) (total Figure, shown []Figure) {
	shown = make([]Figure, len(parts))
	var sum uint64
	few, smallest, positive := 0, -1, 0
	for i, n := range parts {
		sum += n
		shown[i] = Alone(n)
		switch {
		case shown[i].How == Few:
			few++
		case n > 0:
			if positive++; smallest < 0 || n < parts[smallest] {
				smallest = i
			}
		}
	}
	total = Alone(sum)
	if total.How == Few { // even how many parts are not 0 would say too much
		return total, hideAll(shown)
	}
	if few == 0 {
		return total, shown
	}
	if positive > 1 {
		shown[smallest] = Figure{How: Hidden}
		if safe(sum, shown) {
			return total, shown
		}
	}
	return total, hideAll(shown)
}

func hideAll(shown []Figure) []Figure {
	for i := range shown {
		shown[i] = Figure{How: Hidden}
	}
	return shown
}

// safe reports whether every part below Least could still be one of two numbers at least for who knows the total, what is shown
// and how the hidden ones were chosen: each is Least or more, and less than the smallest that is shown (of equal ones the first is
// hidden, so that being equal may be ruled out).
func safe(sum uint64, shown []Figure) bool {
	var few, hidden uint64
	most := uint64(1) << 62 / uint64(len(shown))
	rest := sum
	for _, f := range shown {
		switch f.How {
		case Few:
			few++
		case Hidden:
			hidden++
		default:
			rest -= f.Value
			if f.Value > 0 {
				most = min(most, f.Value-1)
			}
		}
	}
	// One of the few, when the others are as large and as small as they can be.
	lowest, highest := uint64(1), uint64(Least-1)
	if others := (few-1)*(Least-1) + hidden*most; rest > others {
		lowest = max(lowest, rest-others)
	}
	if others := (few - 1) + hidden*Least; rest >= others {
		highest = min(highest, rest-others)
	}
	return lowest < highest
}
