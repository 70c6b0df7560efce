package store_test

import (
	"context"
	"crypto/sha256"
	"testing"

	"github.com/jackc/pgx/v5"

	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
)

func init() {
	isolation["KeepCopy"] = func(ctx context.Context, t *store.Tenant, site string) (any, error) {
		return nil, t.KeepCopy(ctx, site, []byte("sum"), []byte("body"))
	}
	isolation["Copies"] = func(ctx context.Context, t *store.Tenant, site string) (any, error) { return t.Copies(ctx, site) }
	isolation["CopyBody"] = func(ctx context.Context, t *store.Tenant, site string) (any, error) {
		return t.CopyBody(ctx, site, []byte("sum"))
	}
	isolation["NewestCopies"] = func(ctx context.Context, t *store.Tenant, _ string) (any, error) {
		all, err := t.NewestCopies(ctx)
		return len(all), err
	}
	isolation["Boxes"] = func(ctx context.Context, t *store.Tenant, site string) (any, error) { return t.Boxes(ctx, site) }
}

func TestTheLastThreeDaysCopiesStay(t *testing.T) {
	h, db := storetest.New(t)
	owner, err := pgx.Connect(t.Context(), db.Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.Background())
	storetest.Commune(t, h, "a")
	s := storetest.Site(t, h, "a", "Maison")
	for i := range 5 {
		body := []byte{byte(i)}
		sum := sha256.Sum256(body)
		storetest.In(t, h, "a", func(ctx context.Context, tn *store.Tenant) error { return tn.KeepCopy(ctx, s.ID, sum[:], body) })
		if i < 4 { // a day goes by
			for _, by := range []string{"day - 1001", "day + 1000"} { // no two rows meet on their way
				if _, err := owner.Exec(t.Context(), "UPDATE copy SET kept = kept - interval '12 hours', day = "+by); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	storetest.In(t, h, "a", func(ctx context.Context, tn *store.Tenant) error {
		all, err := tn.Copies(ctx, s.ID)
		if err != nil {
			return err
		}
		if len(all) != 3 {
			t.Fatalf("%d are kept; expected 3", len(all))
		}
		for i, c := range all {
			body, err := tn.CopyBody(ctx, s.ID, c.Sum)
			if err != nil || len(body) != 1 || int(body[0]) != 4-i {
				t.Errorf("copy %d is %v, %v", i, body, err)
			}
		}
		newest, err := tn.NewestCopies(ctx)
		if !newest[s.ID].Equal(all[0].Kept) {
			t.Errorf("the newest is of %v; expected %v", newest[s.ID], all[0].Kept)
		}
		return err
	})
}
