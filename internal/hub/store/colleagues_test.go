package store_test

import (
	"context"
	"errors"
	"testing"

	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
)

func init() {
	add := func(name string, f func(context.Context, *store.Tenant, string) (any, error)) { isolation[name] = f }
	add("AddColleague", func(context.Context, *store.Tenant, string) (any, error) { return nil, nil }) // of its own commune: below
	add("Colleagues", func(ctx context.Context, t *store.Tenant, _ string) (any, error) { return t.Colleagues(ctx) })
	add("SetColleague", func(ctx context.Context, t *store.Tenant, _ string) (any, error) {
		return nil, t.SetColleague(ctx, store.Colleague{ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Role: "mediator"})
	})
	add("SendColleague", func(ctx context.Context, t *store.Tenant, site string) (any, error) {
		return nil, t.SendColleague(ctx, "aaaaaaaaaaaaaaaaaaaaaaaaaa", []string{site})
	})
	add("CloseColleague", func(ctx context.Context, t *store.Tenant, _ string) (any, error) {
		return nil, t.CloseColleague(ctx, "aaaaaaaaaaaaaaaaaaaaaaaaaa")
	})
	add("ReopenColleague", func(ctx context.Context, t *store.Tenant, _ string) (any, error) {
		return nil, t.ReopenColleague(ctx, "aaaaaaaaaaaaaaaaaaaaaaaaaa")
	})
	add("SeatColleague", func(ctx context.Context, t *store.Tenant, _ string) (any, error) {
		return nil, t.SeatColleague(ctx, "aaaaaaaaaaaaaaaaaaaaaaaaaa", "reader")
	})
	add("Roster", func(ctx context.Context, t *store.Tenant, site string) (any, error) {
		all, _, err := t.Roster(ctx, site)
		return all, err
	})
	add("SealKey", func(ctx context.Context, t *store.Tenant, site string) (any, error) { return t.SealKey(ctx, site) })
	add("NotTold", func(ctx context.Context, t *store.Tenant, _ string) (any, error) {
		return t.NotTold(ctx, "aaaaaaaaaaaaaaaaaaaaaaaaaa")
	})
}

func TestAColleagueIsNotSentToAnotherCommune(t *testing.T) {
	h, _ := storetest.New(t)
	a, b := storetest.Commune(t, h, "a"), storetest.Commune(t, h, "b")
	theirs := storetest.Site(t, h, a, "Un")
	var c store.Colleague
	storetest.In(t, h, b, func(ctx context.Context, tt *store.Tenant) (err error) {
		c, err = tt.AddColleague(ctx, store.Colleague{Login: "mediatrice", Role: "mediator"})
		return err
	})
	err := h.Tenant(context.Background(), b, func(tt *store.Tenant) error {
		return tt.SendColleague(context.Background(), c.ID, []string{theirs.ID})
	})
	if !errors.Is(err, store.ErrUnknown) {
		t.Errorf("sent: %v", err)
	}
	storetest.In(t, h, b, func(ctx context.Context, tt *store.Tenant) error { return tt.CloseColleague(ctx, c.ID) })
	storetest.In(t, h, a, func(ctx context.Context, tt *store.Tenant) error {
		all, version, err := tt.Roster(ctx, theirs.ID)
		if len(all) != 0 || version != 0 {
			t.Errorf("another commune's leaver is told of: %+v, %d", all, version)
		}
		return err
	})
}
