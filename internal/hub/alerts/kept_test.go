package alerts_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/golden"
	"parvis/internal/hub/alerts"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
)

// heard lets a site say how it is.
func heard(t *testing.T, h *store.Hub, tenant, site string, n int64, at time.Time, problems ...wire.Problem) {
	t.Helper()
	storetest.In(t, h, tenant, func(ctx context.Context, tt *store.Tenant) error {
		_, err := tt.Take(ctx, site, wire.Batch{
			Epoch: "00000000000000aa", Seq: n, Sent: at.Unix(), Now: wire.Now{Clock: "synchronised", Place: "open", Problems: problems},
		}, at)
		return err
	})
}

// What the store in memory does, the database does too: the same play, the same exchange with the other side.
func TestATicketIsOpenedAndClosedFromTheDatabase(t *testing.T) {
	z := newOther(t, map[string][]string{"POST /api/v1/tickets": {made}, "PUT /api/v1/tickets/19": {closed}})
	h, _ := storetest.New(t)
	tenant := storetest.Commune(t, h, "commune")
	site := storetest.Site(t, h, tenant, "Médiathèque")
	fake := clock.NewFake()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	m, err := alerts.New(alerts.Options{
		Store: alerts.Kept{Hub: h, Every: time.Minute}, Clock: fake, Zone: zone, Log: quiet,
		Ways: []alerts.Way{{Name: "tickets", Kind: "zammad", URL: z.URL, Secret: secret(t, "abc"), Group: "Réseau", Customer: "parvis@commune.example"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	play(func(full bool) {
		fake.Advance(time.Minute)
		n++
		var problems []wire.Problem
		if full {
			problems = append(problems, disk())
		}
		heard(t, h, tenant, site.ID, n, fake.Wall().Time, problems...)
		if err := m.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	golden.Check(t, "zammad.golden", z.said())
	storetest.In(t, h, tenant, func(ctx context.Context, tt *store.Tenant) error {
		all, err := tt.Incidents(ctx, time.Time{})
		if len(all) != 1 || all[0].Code != "disk" || !all[0].Began.Equal(time.Unix(1795531380, 0)) || all[0].Ended.Sub(all[0].Began) != 15*time.Minute {
			t.Errorf("%+v", all)
		}
		if watches, werr := tt.Watches(ctx); len(watches) != 0 || werr != nil {
			t.Errorf("%+v, %v", watches, werr)
		}
		return err
	})
}

// Two hubs, two communes, ten sites that fall silent: each is one incident of its own commune, and is told once.
func TestTwoHubsOnOneDatabaseTellOnce(t *testing.T) {
	w := newOther(t, map[string][]string{"POST /": {"204 "}})
	h, db := storetest.New(t)
	other, err := store.Open(t.Context(), db.Program)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	fake := clock.NewFake()
	for _, c := range []string{"a", "b"} {
		tenant := storetest.Commune(t, h, c)
		for i := range 5 {
			heard(t, h, tenant, storetest.Site(t, h, tenant, fmt.Sprint("Lieu ", i)).ID, 1, fake.Wall().Time)
		}
	}
	speaking := storetest.Site(t, h, "a", "Celui qui parle").ID
	var hubs []*alerts.Manager
	for _, on := range []*store.Hub{h, other} {
		m, err := alerts.New(alerts.Options{
			Store: alerts.Kept{Hub: on, Every: time.Minute}, Clock: fake, Zone: time.UTC, Log: quiet,
			Ways: []alerts.Way{{Name: "autre", Kind: "webhook", URL: w.URL, Secret: secret(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		hubs = append(hubs, m)
	}
	for i := range int64(20) {
		fake.Advance(time.Minute)
		heard(t, h, "a", speaking, i+1, fake.Wall().Time)
		var both sync.WaitGroup
		for _, m := range hubs {
			both.Go(func() {
				if err := m.Round(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
	}
	if w.asked != 10 {
		t.Errorf("%d messages:\n%s", w.asked, w.said())
	}
	for _, c := range []string{"a", "b"} {
		storetest.In(t, h, c, func(ctx context.Context, tt *store.Tenant) error {
			all, err := tt.Incidents(ctx, time.Time{})
			if len(all) != 5 {
				t.Errorf("commune %s has %d incidents", c, len(all))
			}
			if waits, werr := tt.WaitingMessages(ctx); len(waits) != 0 || werr != nil {
				t.Errorf("%+v, %v", waits, werr)
			}
			return err
		})
	}
}
