package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parvis/internal/hub/pgtest"
	"parvis/internal/hub/report"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
)

// backedUp adds a directory for copies to the configuration.
func (c *centre) backedUp(more string) (dir string) {
	c.Helper()
	dir = c.TempDir()
	source, err := os.ReadFile(c.file)
	if err != nil {
		c.Fatal(err)
	}
	c.write(string(source) + "[backup]\ndirectory = \"" + dir + "\"\n" + more)
	return dir
}

// copies are the names in the directory.
func copies(t *testing.T, dir string) (names []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		names = append(names, f.Name())
	}
	return names
}

// reported is last month's report of a commune, all its figures.
func reported(t *testing.T, h *store.Hub, commune string, now time.Time) (r report.Report) {
	t.Helper()
	storetest.In(t, h, commune, func(ctx context.Context, tt *store.Tenant) error {
		in, err := report.Read(ctx, tt, report.MonthOf(now).Add(-1), now)
		if err != nil {
			return err
		}
		r, err = in.CommuneReport()
		return err
	})
	return r
}

// The machine of the centre is lost. What is brought back from the copy works at once, and says the same figures.
func TestACopyIsBroughtBackIntoANewDatabase(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	dir := c.backedUp("")
	c.verb(exitOK, "admin", "commune", "add", "saint-pern", "Saint-Pern")
	now := time.Now()
	for _, name := range []string{"Médiathèque", "Mairie"} {
		site := storetest.Site(t, c.store, "saint-pern", name)
		b := wire.Batch{Epoch: epoch, Sent: now.Unix(), Now: wire.Now{Version: "1", Clock: "synchronised", Place: "open"}}
		for day := range 60 {
			b.Seq++
			at := now.Add(-time.Duration(day+1) * 24 * time.Hour)
			b.Hours = append(b.Hours, wire.Hour{
				At: at.Unix() / 3600, Seq: b.Seq, Measured: 3_600_000, Peak: day % 20, Line: wire.Quality{Asked: 60, Down: int64(day % 50)},
				Counts: []wire.Count{{What: "sessions", Word: "visite", N: uint64(day)}, {What: "time", Word: "visite", N: uint64(day) * 3_000_000}},
			})
		}
		storetest.In(t, c.store, "saint-pern", func(ctx context.Context, tt *store.Tenant) error {
			_, err := tt.Take(ctx, site.ID, b, now)
			return err
		})
	}
	said := c.verb(exitOK, "backup")
	names := copies(t, dir)
	if len(names) != 1 || !strings.Contains(said, filepath.Join(dir, names[0])) || !strings.Contains(said, "signing key") {
		t.Fatalf("%q: %s", names, said)
	}
	path := filepath.Join(dir, names[0])
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	last, err := c.store.LastBackup(t.Context())
	if info, serr := os.Stat(path); err != nil || serr != nil || last.Bytes != info.Size() || !last.Checked {
		t.Errorf("%+v, %v, %v", last, err, serr)
	}

	fresh := pgtest.Empty(t)
	if out, err := exec.CommandContext(t.Context(), "pg_restore", "--exit-on-error", "--no-password", "--dbname="+fresh.Owner, path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	source, err := os.ReadFile(c.file)
	if err != nil {
		t.Fatal(err)
	}
	c.write(strings.NewReplacer(c.db.Program, fresh.Program, c.db.Owner, fresh.Owner).Replace(string(source)))
	c.verb(exitOK, "check")
	c.verb(exitOK, "migrate")
	h, err := store.Open(t.Context(), fresh.Program)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	want, got := reported(t, c.store, "saint-pern", now), reported(t, h, "saint-pern", now)
	if d := cmp.Diff(want, got); d != "" || len(want.Parts) != 2 {
		t.Errorf("%d places (-before +brought back):\n%s", len(want.Parts), d)
	}
	// Communes are kept apart there too.
	storetest.Commune(t, h, "saint-hele")
	storetest.In(t, h, "saint-hele", func(ctx context.Context, tt *store.Tenant) error {
		all, err := tt.Days(ctx, "", 0, 99999999)
		if len(all) > 0 {
			t.Errorf("another commune sees %d days", len(all))
		}
		return err
	})
}

// The oldest copies go, and nothing else of the directory.
func TestTheNewestCopiesAreKept(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	dir := c.backedUp("keep = 2\n")
	old := []string{"parvis-hub-20200101T010101Z.dump", "parvis-hub-20200102T010101Z.dump", "parvis-hub-20200103T010101Z.dump"}
	mine := []string{"notes.txt", "parvis-hub-20200101.dump", "parvis-hub-20200103T010101Z.dump.asc"}
	half := "parvis-hub-20200103T020202Z.dump.part"
	for _, name := range slices.Concat(old, mine, []string{half}) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c.verb(exitOK, "backup")
	names := copies(t, dir)
	i := slices.IndexFunc(names, func(n string) bool { return n > "parvis-hub-2026" && !slices.Contains(mine, n) })
	if i < 0 {
		t.Fatalf("no copy of today: %q", names)
	}
	want := append(slices.Clone(mine), old[2], names[i])
	slices.Sort(want)
	if d := cmp.Diff(want, names); d != "" {
		t.Errorf("(-want +left)\n%s", d)
	}
}

// A copy that cannot be made leaves no half of it, no record and the others where they are, and says what to do.
func TestACopyThatCannotBeMadeIsSaid(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	if out := c.verb(exitNotRight, "backup"); !strings.Contains(out, "backup --done") {
		t.Errorf("without a directory:\n%s", out)
	}
	dir := c.backedUp("")
	whole, err := os.ReadFile(c.file)
	if err != nil {
		t.Fatal(err)
	}
	c.write(strings.Replace(string(whole), c.db.Owner, c.db.Program, 1)) // row-level security lets the program's role read no whole table
	if out := c.verb(exitRefused, "backup"); !strings.Contains(out, "no copy was made: pg_dump: exit status 1") {
		t.Errorf("as the program's role:\n%s", out)
	}
	if left := copies(t, dir); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	c.write(strings.Replace(string(whole), dir, filepath.Join(dir, "gone"), 1))
	if out := c.verb(exitRefused, "backup"); !strings.Contains(out, "no such file") {
		t.Errorf("without the directory:\n%s", out)
	}
	if b, err := c.store.LastBackup(t.Context()); !errors.Is(err, store.ErrUnknown) {
		t.Errorf("a record of %+v, %v", b, err)
	}
}

func TestTheTownsOwnBackupIsWrittenDown(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	c.verb(exitOK, "backup", "--done")
	b, err := c.store.LastBackup(t.Context())
	if err != nil || b.Bytes != 0 || b.Checked || time.Since(b.At) > time.Hour {
		t.Errorf("%+v, %v", b, err)
	}
}

// pg_dump is told of a connection without its password: arguments are everybody's to read.
func TestNoPasswordIsAnArgument(t *testing.T) {
	for _, tc := range []struct{ connection, argument string }{
		{"host=db user=o password=geheim dbname=d", "--dbname=host=db user=o  dbname=d"},
		{`password = 'ge heim\'geheim' host=db dbname=d`, "--dbname= host=db dbname=d"},
		{"postgres://o:geheim@db/d?sslmode=require", "--dbname=postgres://o@db/d?sslmode=require"},
		{"postgresql://db/d?user=o&password=geheim", "--dbname=postgresql://db/d?user=o"},
		{"host=/run/postgresql user=o dbname=d", "--dbname=host=/run/postgresql user=o dbname=d"},
	} {
		args, env, err := reached(tc.connection)
		if err != nil {
			t.Errorf("%s: %v", tc.connection, err)
			continue
		}
		if d := cmp.Diff([]string{tc.argument}, args); d != "" || strings.Contains(strings.Join(args, " "), "heim") {
			t.Errorf("%s:\n%s", tc.connection, d)
		}
		if secret := strings.Contains(tc.connection, "heim"); secret != (len(env) == 1 && strings.HasPrefix(env[0], "PGPASSWORD=ge")) {
			t.Errorf("%s: %q", tc.connection, env)
		}
	}
	if _, _, err := reached("host='x password=geheim"); err == nil || strings.Contains(err.Error(), "geheim") {
		t.Errorf("%v", err)
	}
}
