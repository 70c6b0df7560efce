// Package storetest gives tests a hub's store on a real PostgreSQL.
package storetest

import (
	"context"
	"testing"

	"parvis/internal/hub/pgtest"
	"parvis/internal/hub/store"
)

// New is an empty store of its own, and its database.
func New(t testing.TB) (*store.Hub, pgtest.Database) {
	t.Helper()
	db := pgtest.New(t, func(ctx context.Context, db pgtest.Database) error { return store.Migrate(ctx, db.Owner) })
	h, err := store.Open(context.Background(), db.Program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h, db
}

// Commune adds one and returns its identifier.
func Commune(t testing.TB, h *store.Hub, id string) string {
	t.Helper()
	if err := h.AddTenant(context.Background(), id, "Commune "+id); err != nil {
		t.Fatal(err)
	}
	return id
}

// In runs fn in a commune; an error ends the test.
func In(t testing.TB, h *store.Hub, tenant string, fn func(context.Context, *store.Tenant) error) {
	t.Helper()
	ctx := context.Background()
	if err := h.Tenant(ctx, tenant, func(tt *store.Tenant) error { return fn(ctx, tt) }); err != nil {
		t.Fatal(err)
	}
}

// Site adds a site to a commune.
func Site(t testing.TB, h *store.Hub, tenant, name string) (s store.Site) {
	t.Helper()
	In(t, h, tenant, func(ctx context.Context, tt *store.Tenant) (err error) {
		s, err = tt.AddSite(ctx, name, "Europe/Paris")
		return err
	})
	return s
}
