package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
)

const dayLong = 24 * time.Hour

var terms = store.Terms{Log: 365 * dayLong, Incidents: 100 * dayLong, Messages: 10 * dayLong}

// What is open, or waits, stays however old it is; the rest goes when its term is over, and not before.
func TestIncidentsAndTheirMessagesGoAfterTheirTerm(t *testing.T) {
	h, _ := storetest.New(t)
	a := storetest.Commune(t, h, "a")
	s := storetest.Site(t, h, a, "Mairie")
	made := time.Now() // a message is done by the database's clock
	storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error {
		add := func(code string, ended time.Time, messages ...string) {
			t.Helper()
			id, err := tt.BeginIncident(ctx, s.ID, code, nil, now)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range messages {
				if err := tt.AddMessage(ctx, id, m, "begin", nil); err != nil {
					t.Fatal(err)
				}
			}
			if err := tt.TakeCharge(ctx, id, "Claire"); err != nil {
				t.Fatal(err)
			}
			if !ended.IsZero() {
				if err := tt.EndIncident(ctx, id, ended); err != nil {
					t.Fatal(err)
				}
			}
		}
		add("open", time.Time{}, "a")
		add("ended", made, "a", "b")
		add("waits", made, "a")
		for _, sent := range []int64{1, 2, 3} {
			if err := tt.DoneMessage(ctx, sent, ""); err != nil {
				return err
			}
		}
		return nil
	})
	for _, tc := range []struct {
		at   time.Time
		want store.Purged
		left []string
	}{
		{made.Add(9 * dayLong), store.Purged{}, []string{"open", "waits", "ended"}},
		{made.Add(11 * dayLong), store.Purged{Messages: 2}, []string{"open", "waits", "ended"}}, // the open incident's may be needed for its ticket's number
		{made.Add(99 * dayLong), store.Purged{}, []string{"open", "waits", "ended"}},
		{made.Add(101 * dayLong), store.Purged{Incidents: 1}, []string{"open", "waits"}},
		{made.Add(5000 * dayLong), store.Purged{}, []string{"open", "waits"}},
	} {
		storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error {
			got, err := tt.Purge(ctx, terms, tc.at)
			if err != nil {
				return err
			}
			if got != tc.want {
				t.Errorf("%v later: removed %+v, want %+v", tc.at.Sub(made), got, tc.want)
			}
			all, err := tt.Incidents(ctx, time.Time{})
			var left []string
			for _, i := range all {
				left = append(left, i.Code)
			}
			if d := cmp.Diff(tc.left, left); d != "" {
				t.Errorf("%v later (-want +left):\n%s", tc.at.Sub(made), d)
			}
			charges, cerr := tt.Charges(ctx)
			if len(charges) != len(left) {
				t.Errorf("%d incidents are left, and who looks after %d", len(left), len(charges))
			}
			return errors.Join(err, cerr)
		})
	}
}

// What is in force, and what a site was last told, is never removed: a restart of the site would go back to nothing.
func TestConfigurationsThatAreOverGoAfterTheirTerm(t *testing.T) {
	h, db := storetest.New(t)
	a := storetest.Commune(t, h, "a")
	s, away := storetest.Site(t, h, a, "Mairie"), storetest.Site(t, h, a, "Gare")
	storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error {
		for _, source := range []string{"first", "second"} {
			if err := errors.Join(tt.WriteLayer(ctx, "", source, "Claire"), tt.WriteLayer(ctx, s.ID, source, "Claire")); err != nil {
				return err
			}
		}
		for i, to := range [][]store.Offer{{{Site: s.ID, Config: "1"}}, {{Site: s.ID, Config: "2"}, {Site: away.ID, Config: "2"}}, {{Site: s.ID, Config: "3"}}, {{Site: s.ID, Config: "4"}}} {
			p, err := tt.Publish(ctx, store.Publication{By: "dsi"}, to)
			if err != nil {
				return err
			}
			offers, err := tt.Offers(ctx, p.ID)
			if err != nil {
				return err
			}
			for _, o := range offers {
				if o.Told = now; i < 3 { // the last one is told to nobody
					if err := tt.SetOffer(ctx, o); err != nil {
						return err
					}
				}
			}
		}
		_, _, err := tt.Code(ctx, s.ID, time.Hour)
		return err
	})
	left := func() (all []string) {
		c, err := pgx.Connect(t.Context(), db.Owner)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(t.Context())
		rows, err := c.Query(t.Context(), "SELECT 'layer ' || id FROM layer UNION SELECT 'publication ' || id FROM publication UNION SELECT 'code' FROM code ORDER BY 1")
		if err == nil {
			all, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	everything := left()
	made := time.Now()
	for _, tc := range []struct {
		at   time.Time
		want store.Purged
	}{
		{made.Add(9 * dayLong), store.Purged{}},
		{made.Add(11 * dayLong), store.Purged{Codes: 1}},
		{made.Add(364 * dayLong), store.Purged{}},
		{made.Add(366 * dayLong), store.Purged{Layers: 2, Publications: 1}}, // the second was the last word to a site, the third to another one
		{made.Add(5000 * dayLong), store.Purged{}},
	} {
		storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error {
			got, err := tt.Purge(ctx, terms, tc.at)
			if got != tc.want {
				t.Errorf("%v later: removed %+v, want %+v", tc.at.Sub(made), got, tc.want)
			}
			return err
		})
	}
	if d := cmp.Diff([]string{"layer 3", "layer 4", "publication 2", "publication 3", "publication 4"}, left()); d != "" || len(everything) != 9 {
		t.Errorf("of %q (-want +left):\n%s", everything, d)
	}
}

// Single hours go month by month; days and months stay what they were, also when a site sends one of these hours again.
func TestHoursGoAndTheirDaysStay(t *testing.T) {
	h, _ := storetest.New(t)
	a := storetest.Commune(t, h, "a")
	s := storetest.Site(t, h, a, "Mairie")
	at := func(month time.Month, day, hour int) int64 {
		return time.Date(2024, month, day, hour, 0, 0, 0, time.UTC).Unix() / 3600
	}
	sum := func(from, to int) (n uint64) {
		storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error {
			all, err := tt.Days(ctx, s.ID, from, to)
			for _, d := range all {
				n += d.Use.Sum("sessions")
			}
			return err
		})
		return n
	}
	hours := func() (n int) {
		storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error {
			all, err := tt.Hours(ctx, s.ID, 20240101, 20261231)
			n = len(all)
			return err
		})
		return n
	}
	drop := func(years int, now time.Time, want int) {
		t.Helper()
		if n, err := h.DropHours(t.Context(), years, now); err != nil || n != want {
			t.Errorf("%d years at %v: %d months dropped, %v; want %d", years, now.Format(time.DateOnly), n, err, want)
		}
	}
	// 23 h of the last of October in UTC is of November in Paris.
	take(t, h, a, s.ID, batch(5, hour(at(9, 3, 10), 1, 5), hour(at(10, 31, 22), 2, 6), hour(at(10, 31, 23), 3, 7), hour(at(11, 1, 9), 4, 8), hour(at(11, 20, 9), 5, 9)))
	if n := hours(); n != 5 {
		t.Fatalf("%d hours", n)
	}
	drop(0, now.AddDate(50, 0, 0), 0)
	drop(2, time.Date(2026, 9, 30, 12, 0, 0, 0, time.UTC), 0)
	drop(2, time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC), 2)
	drop(2, time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC), 0)
	if n, all := hours(), sum(20240101, 20241231); n != 2 || all != 35 {
		t.Errorf("%d hours are left, and days of %d sessions", n, all)
	}
	// The same again, and more of it: what is of days of which hours are gone is left out.
	got := take(t, h, a, s.ID, batch(10, hour(at(9, 3, 10), 6, 50), hour(at(10, 31, 23), 7, 50), hour(at(11, 1, 9), 8, 50), hour(at(11, 20, 9), 9, 10), hour(at(11, 20, 10), 10, 1)))
	if d := cmp.Diff(store.Taken{Hours: 2, LeftOut: 3}, got); d != "" {
		t.Error(d)
	}
	if before, november := sum(20240101, 20241031), sum(20241101, 20241130); before != 11 || november != 7+8+10+1 {
		t.Errorf("days of %d and %d sessions", before, november)
	}
	// Whoever keeps more from now on does not get back what is gone.
	drop(9, now, 0)
	if got := take(t, h, a, s.ID, batch(11, hour(at(9, 3, 10), 11, 50))); got.LeftOut != 1 {
		t.Errorf("%+v", got)
	}
}

// Who writes hours is not waited for longer than a moment, and is not cut.
func TestHoursAreNotDroppedFromUnderAWriter(t *testing.T) {
	h, db := storetest.New(t)
	a := storetest.Commune(t, h, "a")
	s := storetest.Site(t, h, a, "Mairie")
	take(t, h, a, s.ID, batch(1, hour(hourAt(3, 10), 1, 5)))
	writer, err := pgx.Connect(t.Context(), db.Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close(context.WithoutCancel(t.Context()))
	if _, err := writer.Exec(t.Context(), "BEGIN; LOCK TABLE hour IN ROW EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.DropHours(t.Context(), 1, now.AddDate(3, 0, 0)); !errors.Is(err, store.ErrBusy) {
		t.Errorf("%v", err)
	}
	if _, err := writer.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if n, err := h.DropHours(t.Context(), 1, now.AddDate(3, 0, 0)); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
}
