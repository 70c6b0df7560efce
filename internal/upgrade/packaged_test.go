package upgrade

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"
)

// unpack is what dpkg does: the package's program is another one.
func (w *world) unpack(version string) {
	w.must(os.WriteFile(w.Packaged()+".new", elfOf(version), 0o755))
	w.must(os.Rename(w.Packaged()+".new", w.Packaged()))
}

func TestAPackageIsTriedAndGoneBackFrom(t *testing.T) {
	for _, why := range []string{"", WhyPage} {
		t.Run("why "+why, func(t *testing.T) {
			w := newWorld(t)
			w.open = true                                          // whoever installs a package has decided when
			for _, name := range []string{linkCurrent, linkGood} { // as a package's scripts make them
				w.must(errors.Join(os.Remove(w.links(name)), os.Symlink(program, w.links(name))))
			}
			w.whys["2.0"] = why
			w.must(w.Before(t.Context()))
			w.unpack("2.0")
			if cur := w.name(w.links(linkCurrent)); cur != "1.0" {
				t.Fatalf("before it is tried, current is %s", cur)
			}
			w.boot() // it may fall meanwhile
			r, err := w.After(t.Context())
			if err != nil || (r.State == Back) != (why != "") {
				t.Errorf("%+v, %v", r, err)
			}
			w.sound(why == "")
		})
	}
}

// What has nothing to keep and nobody to serve is left as it is: a system that is being installed.
func TestAFirstInstallationMakesTheLinks(t *testing.T) {
	w := newWorld(t)
	w.meant = false
	w.boot()
	w.must(errors.Join(os.Remove(w.links(linkCurrent)), os.Remove(w.links(linkGood)), os.Remove(w.Packaged())))
	w.must(w.Before(t.Context()))
	w.unpack("2.0")
	if r, err := w.After(t.Context()); err != nil || r != (Report{}) || w.runs != "" {
		t.Errorf("%+v, %v, %q runs", r, err, w.runs)
	}
	if w.linked(linkCurrent) != w.Packaged() || w.linked(linkGood) != w.Packaged() {
		t.Error("no links")
	}
	if w.database() != "form 1\nold session\n" {
		t.Error("the database was touched")
	}
}

func TestAPackageWithoutAProgramToGoBackToIsStarted(t *testing.T) {
	w := newWorld(t)
	w.unpack("2.0")
	if _, err := w.After(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.sound(true)
}

func TestAPackageOverAVersionOfTheHubKeepsThatOneToGoBackTo(t *testing.T) {
	w := newWorld(t)
	w.ask("2.0", true)
	w.run()
	w.whys["3.0"] = WhyCheck
	w.must(w.Before(t.Context()))
	w.unpack("3.0")
	if r, err := w.After(t.Context()); err != nil || r.State != Back || r.Running != "2.0" {
		t.Errorf("%+v, %v", r, err)
	}
	w.sound(true)
}

// form gives a database a version, as migrations do.
func (w *world) form(path string, version int) {
	db, err := sql.Open("sqlite3", path)
	w.must(err)
	defer db.Close()
	_, err = db.Exec(fmt.Sprintf("PRAGMA user_version = %d; CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (1)", version))
	w.must(err)
}

func (w *world) rows(path string) (n int) {
	db, err := sql.Open("sqlite3", path)
	w.must(err)
	defer db.Close()
	w.must(db.QueryRow("SELECT count(*) FROM t").Scan(&n))
	return n
}

// Going back by hand keeps what came since, where the version before can read it.
func TestGoingBackByHand(t *testing.T) {
	for _, tc := range []struct {
		name     string
		migrates bool
		losing   bool
		err      error
		rows     int // afterwards
	}{
		{"the same form", false, false, nil, 2},
		{"another form", true, false, ErrLosing, 2},
		{"another form, and what came since may go", true, true, nil, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			w.must(os.Remove(filepath.Join(w.State, "parvis.db")))
			db := filepath.Join(w.State, "staff.db")
			w.form(db, 3)
			starts := func(context.Context) error { w.runs = w.name(w.links(linkCurrent)); return nil }
			w.Service, w.Carry = script{w, starts}, func(context.Context) error { return nil }
			w.ask("2.0", true)
			if r := w.run(); r.Running != "2.0" || r.State != "" {
				t.Fatalf("%+v", r)
			}
			version := 3
			if tc.migrates {
				version = 4
			}
			w.form(db, version)
			_, err := w.Back(t.Context(), tc.losing)
			if !errors.Is(err, tc.err) || w.rows(db) != tc.rows {
				t.Errorf("%v, %d rows; expected %v, %d", err, w.rows(db), tc.err, tc.rows)
			}
			if tc.err != nil {
				return
			}
			if r := w.state(); r.Running != "1.0" || r.State != Back || r.Why != WhyAsked || r.Failed() || w.runs != "1.0" {
				t.Errorf("%+v, %s runs", r, w.runs)
			}
			if _, err := w.Back(t.Context(), false); !errors.Is(err, ErrNone) {
				t.Errorf("twice: %v", err)
			}
			if tc.migrates && w.rows(w.kept(filepath.Join(afterIn, "staff.db"))) != 2 {
				t.Error("what came since is not set aside")
			}
		})
	}
}

// script is a service manager of which only the start is another.
type script struct {
	*world
	start func(context.Context) error
}

func (s script) Start(ctx context.Context) error { return s.start(ctx) }
