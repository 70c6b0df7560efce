package main

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestAnOperatorsFirstDay(t *testing.T) {
	c := newCentre(t)
	c.verb(exitNotRight, "check") // no key yet
	key := filepath.Join(filepath.Dir(c.file), "sign.key")
	if out := c.verb(exitOK, "migrate"); !strings.Contains(out, key+" is made") {
		t.Errorf("migrate says:\n%s", out)
	}
	first, err := os.ReadFile(key)
	if info, serr := os.Stat(key); err != nil || serr != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(err, serr, info)
	}
	c.verb(exitOK, "migrate")
	if again, err := os.ReadFile(key); err != nil || !bytes.Equal(first, again) {
		t.Error("a second migrate has made another key", err)
	}
	c.verb(exitOK, "check")
	c.verb(exitOK, "admin", "commune", "add", "saint-pern", "Saint-Pern")
	c.verb(exitRefused, "admin", "commune", "add", "saint-pern", "Saint-Pern")
	c.verb(exitUsage, "admin", "commune", "add", "Saint Pern", "Saint-Pern")
	if out := c.verb(exitOK, "admin", "commune", "list"); !strings.HasPrefix(out, "saint-pern  20") || !strings.Contains(out, "  Saint-Pern\n") {
		t.Errorf("the communes are:\n%s", out)
	}
	m := codeLine.FindStringSubmatch(c.verb(exitOK, "admin", "site", "add", "saint-pern", "Médiathèque"))
	if m == nil {
		t.Fatal("no code for the site's box")
	}
	if again := codeLine.FindStringSubmatch(c.verb(exitOK, "admin", "site", "code", "saint-pern", m[2])); again == nil || again[1] == m[1] || again[2] != m[2] {
		t.Errorf("another code: %q after %q", again, m)
	}
	if out := c.verb(exitOK, "admin", "site", "list", "saint-pern"); !strings.HasPrefix(out, m[2]+"  never heard") {
		t.Errorf("the sites are:\n%s", out)
	}
	replaced := c.verb(exitOK, "admin", "site", "replace", "saint-pern", m[2])
	if !strings.Contains(replaced, "keeps no copy") || !strings.Contains(replaced, "parvis replace ") || !strings.Contains(replaced, "--hub https://") {
		t.Errorf("to replace a box it says:\n%s", replaced)
	}
	c.verb(exitNotFound, "admin", "site", "replace", "saint-pern", "0000000000000000")
	c.verb(exitUsage, "admin", "site", "replace", "saint-pern", m[2], "--valid", "1s")
	c.verb(exitNotFound, "admin", "site", "list", "elsewhere")
	c.verb(exitNotFound, "admin", "site", "code", "saint-pern", "0000000000000000")
	c.verb(exitUsage, "admin", "site", "code", "saint-pern", m[2], "--valid", "1s")
	c.verb(exitRefused, "admin", "site", "add", "saint-pern", "Mairie", "--zone", "Paris")
}

func TestACommuneTakesItsDataAndLeaves(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	c.verb(exitOK, "admin", "commune", "add", "saint-pern", "Saint-Pern")
	c.verb(exitOK, "admin", "site", "add", "saint-pern", "Médiathèque")
	file := filepath.Join(t.TempDir(), "saint-pern.zip")
	c.verb(exitOK, "admin", "export", "saint-pern", file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	z, err := zip.OpenReader(file)
	if err != nil || len(z.File) < 8 {
		t.Fatal(err)
	}
	z.Close()
	c.verb(exitNotFound, "admin", "export", "elsewhere", file)
	if out := c.verb(exitUsage, "admin", "commune", "remove", "saint-pern"); !strings.Contains(out, "admin export saint-pern") {
		t.Errorf("before it removes:\n%s", out)
	}
	c.verb(exitOK, "admin", "commune", "remove", "saint-pern", "--yes")
	c.verb(exitNotFound, "admin", "commune", "remove", "saint-pern", "--yes")
}

// What keeps a hub from serving is said with what to do; it does not serve with less.
func TestAHubDoesNotServeWhatIsNotRight(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(c *centre, source string) string
		code   int
		want   string
	}{
		{"the program is the owner", func(c *centre, s string) string { return strings.Replace(s, c.db.Program, c.db.Owner, 1) }, exitNotRight, "sees every commune"},
		{"no such database", func(c *centre, s string) string { return strings.Replace(s, " dbname=", " dbname=no", 1) }, exitNoDatabase, "does not answer"},
		{"no key", func(c *centre, s string) string { return strings.Replace(s, "sign.key", "other.key", 1) }, exitNotRight, "other.key: no such file"},
		{"a key that others may read", func(c *centre, s string) string {
			if err := os.Chmod(filepath.Join(filepath.Dir(c.file), "sign.key"), 0o640); err != nil {
				c.Fatal(err)
			}
			return s
		}, exitNotRight, "-rw-r-----"},
		{"plain for everybody", func(c *centre, s string) string {
			return strings.Replace(s, `listen = "127.0.0.1:0"`, `listen = "0.0.0.0:0"`, 1)
		}, exitNotRight, "without a certificate"},
		{"an alert without a way", func(c *centre, s string) string { return s + "[[alert]]\nname = \"x\"\nkind = \"pigeon\"\n" }, exitNotRight, `way "x": kind: expected mail`},
		{"a folder that is none", func(c *centre, s string) string {
			return s + "[report.saint-pern]\nurl = \"ftp://nuage.example\"\n"
		}, exitNotRight, "commune saint-pern"},
		{"no key of the zone", func(c *centre, s string) string {
			return s + "[acme]\ndirectory = \"https://ca.example\"\nserver = \"127.0.0.1:53\"\nkey-file = \"/nowhere.key\"\n"
		}, exitNotRight, "/nowhere.key"},
		{"no certificate there", func(c *centre, s string) string {
			return "certificate = \"/nowhere.pem\"\nkey = \"/nowhere.key\"\n" + s
		}, exitNotRight, "certificate: open /nowhere.pem"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCentre(t)
			c.verb(exitOK, "migrate")
			source, err := os.ReadFile(c.file)
			if err != nil {
				t.Fatal(err)
			}
			c.write(tc.change(c, string(source)))
			if out := c.verb(tc.code, "serve"); !strings.Contains(out, tc.want) {
				t.Errorf("%q is not in:\n%s", tc.want, out)
			}
		})
	}
}

func TestADatabaseOfAnotherVersionIsSaid(t *testing.T) {
	c := newCentre(t)
	c.verb(exitOK, "migrate")
	owner, err := pgx.Connect(t.Context(), c.db.Owner)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(t.Context())
	if _, err := owner.Exec(t.Context(), "DELETE FROM goose_db_version WHERE version_id = 2"); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"serve", "check"} {
		if out := c.verb(exitNotRight, verb); !strings.Contains(out, "00002_rollout.sql is missing); run: parvis-hub migrate") {
			t.Errorf("%s says:\n%s", verb, out)
		}
	}
}
