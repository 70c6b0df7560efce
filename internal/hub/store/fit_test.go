package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

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

// Two hubs meet the first hour of a month at the same moment: one makes its partition, the other one waits, and goes on.
func TestAMonthIsMadeOnce(t *testing.T) {
	_, db := storetest.New(t)
	ctx := context.Background()
	connect := func(to string) *pgx.Conn {
		c, err := pgx.Connect(ctx, to)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close(ctx) })
		return c
	}
	first, second, watch := connect(db.Program), connect(db.Program), connect(db.Owner)
	tx, err := first.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const november, december = 498_000, 498_700
	for _, at := range []int64{november, december} {
		if _, err := tx.Exec(ctx, "SELECT ensure_hours($1)", at); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error)
	go func() {
		_, err := second.Exec(ctx, "SELECT ensure_hours($1), ensure_hours($2)", december, november)
		done <- err
	}()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		var waits bool
		if err := watch.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)").Scan(&waits); err != nil {
			t.Fatal(err)
		}
		if waits {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the second does not wait for the first")
		}
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
