package opendata_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"parvis/internal/clock"
	"parvis/internal/hub/opendata"
	"parvis/internal/hub/pgtest"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

func TestACommuneSaysWhatItHasChosen(t *testing.T) {
	h, _ := storetest.New(t)
	fake := clock.NewFake()
	now := fake.Wall().Time
	source := opendata.Kept{Hub: h, Clock: fake}
	tenant := storetest.Commune(t, h, "parvis")
	site, hidden := storetest.Site(t, h, tenant, "Médiathèque"), storetest.Site(t, h, tenant, "Local technique")
	if _, err := source.Commune(t.Context(), tenant); !errors.Is(err, opendata.ErrNoCommune) {
		t.Errorf("nothing is published, and: %v", err)
	}
	if _, err := source.Commune(t.Context(), "nowhere"); !errors.Is(err, opendata.ErrNoCommune) {
		t.Errorf("there is no such commune, and: %v", err)
	}
	want := library()
	want.ID = site.ID
	storetest.In(t, h, tenant, func(ctx context.Context, tt *store.Tenant) error { return opendata.Save(ctx, tt, want) })
	storetest.In(t, h, tenant, func(ctx context.Context, tt *store.Tenant) error {
		_, err := tt.Take(ctx, site.ID, wire.Batch{
			Epoch: "00000000000000aa", Seq: 1, Sent: now.Unix(), Now: wire.Now{Clock: "synchronised", Place: "open", Open: 240, Slots: 240, Line: wire.Line{Up: true}},
		}, now)
		return err
	})
	read := func() opendata.Place {
		c, err := source.Commune(t.Context(), tenant)
		if err != nil || c.Name != "Commune parvis" || c.Zone.String() != "Europe/Paris" || len(c.Places) != 2 {
			t.Fatalf("%+v, %v", c, err)
		}
		if p := c.Places[0]; p.ID != hidden.ID || p.Mediation || p.WiFi || p.Live {
			t.Errorf("%+v", p)
		}
		return c.Places[1]
	}
	got := read()
	want.State = opendata.State{Known: true, Open: true, Full: true, Since: now}
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(opendata.Place{}, "Updated"), cmpopts.EquateApproxTime(time.Second),
		cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })); d != "" {
		t.Error(d)
	}
	if got.Updated.IsZero() {
		t.Error("no date of the last change")
	}
	fake.Advance(5 * time.Minute)
	if read().State.Known {
		t.Error("it was last heard 5 minutes ago")
	}
}

func TestAPlaceThatCannotBeSaidIsNotSaved(t *testing.T) {
	h, _ := storetest.New(t)
	tenant := storetest.Commune(t, h, "parvis")
	site := storetest.Site(t, h, tenant, "Médiathèque")
	for want, change := range map[string]func(*opendata.Place){
		"pivot":   func(p *opendata.Place) { p.SIRET = "" },
		"formula": func(p *opendata.Place) { p.Mediation, p.Network = false, "=1" },
		"hours":   func(p *opendata.Place) { p.Mediation, p.WiFi, p.Week = false, false, []string{"lun"} },
	} {
		p := library()
		p.ID = site.ID
		change(&p)
		err := h.Tenant(t.Context(), tenant, func(tt *store.Tenant) error { return opendata.Save(t.Context(), tt, p) })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
