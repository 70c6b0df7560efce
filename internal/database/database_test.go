package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"parvis/internal/lang"
)

// options are of a file in a folder of the test's own, whose steps are given.
func options(t *testing.T, steps ...string) Options {
	files := fstest.MapFS{}
	for i, s := range steps {
		files[fmt.Sprintf("migrations/%04d.sql", i+1)] = &fstest.MapFile{Data: []byte(s)}
	}
	return Options{
		Path: filepath.Join(t.TempDir(), "own.db"), BootID: "boot-1", Migrations: files,
		Loss: lang.Text{EN: "the counts of this month are lost", FR: "les chiffres du mois sont perdus"},
	}
}

const table = "CREATE TABLE a (x INTEGER) STRICT"

func open(t *testing.T, o Options) *DB {
	t.Helper()
	d, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestATransactionThatFailsLeavesNothing(t *testing.T) {
	d := open(t, options(t, table))
	no := errors.New("no")
	for _, fails := range []error{nil, no} {
		err := d.Do(t.Context(), func(tx *sql.Tx) error {
			if _, err := tx.Exec("INSERT INTO a VALUES (1)"); err != nil {
				return err
			}
			return fails
		})
		if !errors.Is(err, fails) {
			t.Errorf("Do: %v, want %v", err, fails)
		}
	}
	var rows int
	if err := d.QueryRow("SELECT count(*) FROM a").Scan(&rows); err != nil || rows != 1 {
		t.Errorf("%d rows, %v; want the one of the transaction that succeeded", rows, err)
	}
}

func TestADamagedFileSaysWhatSettingItAsideCosts(t *testing.T) {
	o := options(t, table)
	o.Examine = func(_ context.Context, d *DB, version int) error {
		return d.Corrupt(fmt.Errorf("version %d looks odd", version))
	}
	open(t, o).Close()
	_, err := Open(t.Context(), o)
	var e *Error
	if !errors.Is(err, ErrCorrupt) || !errors.As(err, &e) {
		t.Fatal(err)
	}
	for l, says := range map[lang.Lang]string{lang.EN: o.Loss.EN, lang.FR: o.Loss.FR} {
		for _, s := range []string{says, "mv " + o.Path, ".corrupt-boot-1", "version 1 looks odd"} {
			if got := e.In(l); !strings.Contains(got, s) || strings.Contains(got, "%!") {
				t.Errorf("%q does not say %q", got, s)
			}
		}
	}
}

func TestStepsAreNumberedWithoutAGap(t *testing.T) {
	o := options(t, table)
	o.Migrations.(fstest.MapFS)["migrations/0003.sql"] = &fstest.MapFile{Data: []byte(table)}
	if _, err := Open(t.Context(), o); err == nil {
		t.Error("step 2 is missing and nobody says so")
	}
}
