package store_test

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
)

// A day's tally says what its counters say, also once an hour of it has changed; it holds as much as they do.
func TestATallySaysWhatTheCountersSay(t *testing.T) {
	h, _ := storetest.New(t)
	a := storetest.Commune(t, h, "a")
	s, other := storetest.Site(t, h, a, "Mairie"), storetest.Site(t, h, a, "Gare")
	of := func(at, seq int64, counts ...wire.Count) wire.Hour {
		x := hour(at, seq, 0)
		x.Counts = counts
		return x
	}
	take(t, h, a, s.ID, batch(1, of(hourAt(23, 10), 1, wire.Count{What: "sessions", Word: "visite", N: 2})))
	take(t, h, a, s.ID, batch(4,
		of(hourAt(24, 10), 2, wire.Count{What: "sessions", Word: "visite", N: 2}, wire.Count{What: "sessions", Word: "carte", N: 3}, wire.Count{What: "time", Word: "visite", N: 7}),
		of(hourAt(24, 11), 3, wire.Count{What: "terminal-sessions", Word: "poste-1", N: 9}, wire.Count{What: "time", Word: "carte", N: 5}),
		of(hourAt(25, 10), 4)))
	take(t, h, a, s.ID, batch(5, of(hourAt(24, 10), 5, wire.Count{What: "sessions", Word: "visite", N: 4})))
	take(t, h, a, other.ID, batch(1, of(hourAt(24, 10), 1, wire.Count{What: "sessions", Word: "x", N: 1 << 62}, wire.Count{What: "sessions", Word: "y", N: 1 << 62}, wire.Count{What: "sessions", Word: "z", N: 1 << 62})))
	storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error {
		got, err := tt.Tallies(ctx, 20261124, 20261125)
		if err != nil {
			return err
		}
		all, err := tt.Days(ctx, "", 20261124, 20261125)
		if err != nil {
			return err
		}
		want := make([]store.Tally, len(all))
		for i, d := range all {
			want[i] = store.Tally{
				Site: d.Site, Day: d.Day.Day, Measured: d.Measured.Milliseconds(), Online: int64(d.Use.Sum("time")), Peak: int64(d.Peak),
				Asked: d.Line.Asked, Down: d.Line.Down, Full: d.Line.Full, Sessions: int64(min(d.Use.Sum("sessions"), math.MaxInt64)),
			}
		}
		order := func(a, b store.Tally) int { return cmp.Or(strings.Compare(a.Site, b.Site), a.Day-b.Day) }
		if !slices.IsSortedFunc(got, func(a, b store.Tally) int { return a.Day - b.Day }) {
			t.Errorf("not by day: %+v", got)
		}
		slices.SortFunc(got, order)
		if d := diff.Diff(want, got); d != "" || len(got) != 3 {
			t.Errorf("(-counters +tally):\n%s", d)
		}
		return nil
	})
}
