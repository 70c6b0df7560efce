package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
)

// A hub works on a database of its version, as a role that the database keeps to one commune's rows.
func TestAHubKnowsADatabaseThatIsNotForIt(t *testing.T) {
	for _, tc := range []struct {
		name    string
		prepare string // what the owner does to the database
		owner   bool   // who comes is the owner
		want    error
	}{
		{"as it should be", "", false, nil},
		{"newer than the hub", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)", false, nil},
		{"a migration is missing", "DELETE FROM goose_db_version WHERE version_id = 2", false, store.ErrSchema},
		{"empty", "DROP TABLE goose_db_version", false, store.ErrSchema},
		{"as the owner", "", true, store.ErrRole},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h, db := storetest.New(t)
			ctx := context.Background()
			c, err := pgx.Connect(ctx, db.Owner)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(ctx)
			if _, err := c.Exec(ctx, tc.prepare); err != nil {
				t.Fatal(err)
			}
			if tc.owner {
				if h, err = store.Open(ctx, db.Owner); err != nil {
					t.Fatal(err)
				}
				defer h.Close()
			}
			if err := h.Fit(ctx); !errors.Is(err, tc.want) {
				t.Errorf("%v; expected %v", err, tc.want)
			}
		})
	}
}
