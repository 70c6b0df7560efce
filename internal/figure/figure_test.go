package figure

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// each calls f with every list of so many parts below the limit.
func each(parts int, limit uint64, f func([]uint64)) {
	list := make([]uint64, parts)
	for {
		f(list)
		i := 0
		for ; i < parts; i++ {
			if list[i]++; list[i] < limit {
				break
			}
			list[i] = 0
		}
		if i == parts {
			return
		}
	}
}

// Somebody who knows this code, has all the time, and sees a total with its parts: for each part below five that is not shown,
// at least two numbers remain possible. Tried on every list there is of up to five small parts.
func TestNoMaskedPartCanBeFoundOut(t *testing.T) {
	for parts, limit := range map[int]uint64{1: 60, 2: 60, 3: 40, 4: 22, 5: 15} {
		t.Run(fmt.Sprint(parts), func(t *testing.T) {
			possible := map[string][]uint64{} // what is published → for each part a bit for each number that it could be
			key := func(list []uint64) string { total, shown := Mask(list); return fmt.Sprint(total, shown) }
			each(parts, limit, func(list []uint64) {
				k := key(list)
				if possible[k] == nil {
					possible[k] = make([]uint64, parts)
				}
				for i, n := range list {
					possible[k][i] |= 1 << n
				}
			})
			each(parts, min(limit, 9), func(list []uint64) {
				_, shown := Mask(list)
				bits := possible[key(list)]
				for i, n := range list {
					if shown[i].How != Plain && n > 0 && n < Least && bits[i]&(bits[i]-1) == 0 {
						t.Fatalf("%v is published as %v: part %d is %d", list, key(list), i, n)
					}
				}
			})
		})
	}
}

func TestPartsBelowFiveAreNeverShown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.Uint64Range(0, 40), 1, 31).Draw(t, "parts")
		total, shown := Mask(parts)
		var sum uint64
		for i, n := range parts {
			sum += n
			if n > 0 && n < Least && shown[i].How == Plain {
				t.Fatalf("part %d of %v is shown", i, parts)
			}
			if shown[i].How == Plain && shown[i].Value != n || shown[i].How != Plain && shown[i].Value != 0 {
				t.Fatalf("part %d of %v is shown as %+v", i, parts, shown[i])
			}
		}
		if total != Alone(sum) {
			t.Fatalf("the total of %v is %v", parts, total)
		}
	})
}

func TestHowFiguresAreShown(t *testing.T) {
	for _, tt := range []struct {
		parts []uint64
		want  string
	}{
		{[]uint64{12, 7, 0}, "19 [12 7 0]"},
		{[]uint64{0, 0}, "0 [0 0]"},
		{[]uint64{3, 0, 0}, "moins de 5 [masqué masqué masqué]"},
		{[]uint64{30, 12, 3, 0}, "45 [30 masqué moins de 5 0]"},
		{[]uint64{30, 3, 2, 0}, "35 [masqué masqué masqué masqué]"},
		{[]uint64{1, 1, 1, 1, 1, 1}, "6 [masqué masqué masqué masqué masqué masqué]"},
	} {
		total, shown := Mask(tt.parts)
		if got := fmt.Sprint(total, shown); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.parts, got, tt.want)
		}
	}
}
