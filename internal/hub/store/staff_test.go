package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"parvis/internal/hub/staff"
	"parvis/internal/hub/staff/stafftest"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
)

func TestStaffIsKept(t *testing.T) {
	h, _ := storetest.New(t)
	storetest.Commune(t, h, "lac")
	storetest.Commune(t, h, "bois")
	stafftest.Contract(t, h.Staff())
}

// Two who close each other at once: one of them stays.
func TestTwoManagersCannotCloseEachOther(t *testing.T) {
	h, _ := storetest.New(t)
	lac := storetest.Commune(t, h, "lac")
	ctx := context.Background()
	account := func(id string) staff.Account {
		return staff.Account{ID: id, Tenant: lac, Login: id, Name: id, Role: staff.DSI, Made: now}
	}
	if err := h.Staff().Save(ctx, staff.Change{Accounts: []staff.Account{account("un"), account("deux")}}); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	for _, id := range []string{"un", "deux"} {
		go func() {
			a := account(id)
			a.ClosedAt = time.Now()
			ended <- h.Staff().Save(ctx, staff.Change{Accounts: []staff.Account{a}, Keep: &lac})
		}()
	}
	if a, b := <-ended, <-ended; (a == nil) == (b == nil) {
		t.Errorf("%v, %v: expected one to be refused", a, b)
	}
}

// A commune that leaves takes its people along; a commune's transaction sees its own people alone.
func TestStaffGoesWithItsCommune(t *testing.T) {
	h, _ := storetest.New(t)
	lac, bois := storetest.Commune(t, h, "lac"), storetest.Commune(t, h, "bois")
	ctx := context.Background()
	for _, id := range []string{lac, bois} {
		if err := h.Staff().Save(ctx, staff.Change{Accounts: []staff.Account{{ID: id, Tenant: id, Login: id, Name: id, Role: staff.DSI, Made: now}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.RemoveTenant(ctx, lac); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]int{lac: 0, bois: 1} {
		if people, _, err := h.Staff().People(ctx, id); err != nil || len(people) != want {
			t.Errorf("%s has %d people, %v", id, len(people), err)
		}
	}
}

func init() {
	isolation["Charges"] = func(ctx context.Context, t *store.Tenant, _ string) (any, error) { return t.Charges(ctx) }
	isolation["TakeCharge"] = func(ctx context.Context, t *store.Tenant, _ string) (any, error) {
		return nil, t.TakeCharge(ctx, 1, "autre")
	}
}

func TestAnIncidentIsTakenInChargeWhileItIsOpen(t *testing.T) {
	h, _ := storetest.New(t)
	lac := storetest.Commune(t, h, "lac")
	site := storetest.Site(t, h, lac, "Médiathèque")
	storetest.In(t, h, lac, func(ctx context.Context, tt *store.Tenant) error {
		id, err := tt.BeginIncident(ctx, site.ID, "disk", nil, now)
		if err != nil {
			return err
		}
		for _, name := range []string{"Une", "Autre"} {
			if err := tt.TakeCharge(ctx, id, name); err != nil {
				return err
			}
		}
		if all, err := tt.Charges(ctx); err != nil || len(all) != 1 || all[0].Name != "Autre" || all[0].Incident != id {
			t.Errorf("%+v, %v", all, err)
		}
		if err := tt.EndIncident(ctx, id, now); err != nil {
			return err
		}
		if err := tt.TakeCharge(ctx, id, "Tard"); !errors.Is(err, store.ErrUnknown) {
			t.Errorf("an incident that has ended: %v", err)
		}
		return nil
	})
}
