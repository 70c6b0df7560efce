package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/sessions/register/journal"
	"parvis/sessions/register/keys"
	"parvis/sessions/register/segment"
)

// says runs the command line without a machine.
func says(t *testing.T, args ...string) (code int, out string) {
	t.Helper()
	var b bytes.Buffer
	code = run(t.Context(), args, func(string) string { return "" }, &b, &b)
	return code, b.String()
}

// ceremony makes keys of two months from now on and returns their directory.
func ceremony(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	if code, out := says(t, "keys", "make", dir, "--months", "2"); code != exitOK {
		t.Fatal(code, out)
	}
	return dir
}

func TestKeysAreMadeTriedAndHandedOut(t *testing.T) {
	dir := ceremony(t)
	ring, part := filepath.Join(dir, "register-keys.json"), func(n string) string { return filepath.Join(dir, "part-"+n+".txt") }
	for _, pair := range [][2]string{{"1", "2"}, {"1", "3"}, {"3", "2"}} {
		code, out := says(t, "keys", "drill", part(pair[0]), part(pair[1]), "--ring", ring)
		if code != exitOK || strings.Count(out, ": opens") != 4 {
			t.Errorf("%v: %d\n%s", pair, code, out)
		}
	}
	for _, f := range []string{ring, part("1"), part("2"), part("3")} {
		info, err := os.Stat(f)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Error(info, err)
		}
	}
	tests := []struct {
		name string
		args []string
		code int
		says string
	}{
		{"one part alone", []string{"keys", "drill", part("1"), "--ring", ring}, exitUsage, "2 parts are needed"},
		{"a part twice", []string{"keys", "drill", part("1"), part("1"), "--ring", ring}, exitNotRight, "4 keys do not open"},
		{"into a directory that is used", []string{"keys", "make", dir}, exitRefused, "is not empty"},
		{"no month", []string{"keys", "make", dir + "2", "--from", "december"}, exitUsage, "expected a month"},
		{"no months", []string{"keys", "make", dir + "2", "--months", "0"}, exitUsage, "expected 1 to 60"},
		{"months that have keys", []string{"keys", "make", dir + "2", "--ring", ring}, exitRefused, "has a key for sessions-"},
		{"no ring", []string{"keys", "drill", part("1"), part("2"), "--ring", part("3")}, exitNotRight, "not a ring"},
		{"no part", []string{"keys", "drill", part("1"), ring, "--ring", ring}, exitNotRight, "line 1: keys: not a share"},
		{"a month that must be kept", []string{"keys", "destroy", part("1"), "--until", time.Now().UTC().Format("2006-01")}, exitRefused, "nothing was destroyed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if code, out := says(t, tt.args...); code != tt.code || !strings.Contains(out, tt.says) {
				t.Errorf("%d, want %d and %q:\n%s", code, tt.code, tt.says, out)
			}
		})
	}
}

func TestKeysOfLaterMonthsJoinTheRing(t *testing.T) {
	dir := ceremony(t)
	more := filepath.Join(t.TempDir(), "more")
	from := time.Now().UTC().AddDate(0, 0, 1-time.Now().UTC().Day()).AddDate(0, 2, 0).Format("2006-01")
	if code, out := says(t, "keys", "make", more, "--months", "1", "--from", from, "--ring", filepath.Join(dir, "register-keys.json")); code != exitOK {
		t.Fatal(code, out)
	}
	b, err := os.ReadFile(filepath.Join(more, "register-keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keys.ParseRing(b)
	if err != nil || len(ring.IDs()) != 6 {
		t.Error(ring.IDs(), err)
	}
}

func TestAHolderIsReplaced(t *testing.T) {
	dir := ceremony(t)
	fresh := filepath.Join(t.TempDir(), "fresh")
	if code, out := says(t, "keys", "replace", fresh, filepath.Join(dir, "part-1.txt"), filepath.Join(dir, "part-3.txt")); code != exitOK {
		t.Fatal(code, out)
	}
	ring := filepath.Join(dir, "register-keys.json")
	if code, out := says(t, "keys", "drill", filepath.Join(fresh, "part-1.txt"), filepath.Join(fresh, "part-2.txt"), "--ring", ring); code != exitOK {
		t.Error(code, out)
	}
	if code, out := says(t, "keys", "drill", filepath.Join(fresh, "part-1.txt"), filepath.Join(dir, "part-2.txt"), "--ring", ring); code != exitNotRight {
		t.Error("an old part goes with a new one:", out)
	}
}

func TestMonthsThatAreOverAreDestroyed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "old")
	if code, out := says(t, "keys", "make", dir, "--months", "2", "--from", "2024-01"); code != exitOK {
		t.Fatal(code, out)
	}
	ring := filepath.Join(dir, "register-keys.json")
	parts := []string{filepath.Join(dir, "part-1.txt"), filepath.Join(dir, "part-2.txt"), filepath.Join(dir, "part-3.txt")}
	for i, p := range parts[:2] {
		if code, out := says(t, "keys", "destroy", p, "--until", "2024-01"); code != exitOK || !strings.Contains(out, "2 keys") {
			t.Fatal(code, out)
		}
		code, out := says(t, "keys", "drill", parts[1], parts[2], "--ring", ring)
		if want := []int{exitOK, exitNotRight}[i]; code != want {
			t.Errorf("after %d parts: %d\n%s", i+1, code, out)
		}
		if i == 1 && (strings.Count(out, ": opens") != 2 || strings.Count(out, "does not open") != 2) {
			t.Error(out)
		}
	}
	if code, out := says(t, "keys", "destroy", parts[0], "--until", "2024-01"); code != exitNotFound {
		t.Error("a second time:", code, out)
	}
}

// written is a register's folder with a restart in it.
func written(t *testing.T, ring string) (folder string, checkpoint string) {
	t.Helper()
	b, err := os.ReadFile(ring)
	if err != nil {
		t.Fatal(err)
	}
	known, err := keys.ParseRing(b)
	if err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	now := segment.Moment{At: time.Now().UTC(), Sure: true, Up: time.Hour}
	o := journal.Options{
		Dir: folder, Site: "mdh", Store: "sessions", Device: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), Boot: 1,
		Ring: func() keys.Ring { return known }, Now: func() segment.Moment { return now },
	}
	for range 2 {
		j, err := journal.Open(o, time.Time{}, false)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := j.Append(make([]byte, 160)); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		c, _ := j.Checkpoint()
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		checkpoint = filepath.Join(t.TempDir(), "checkpoint.json")
		if err := os.WriteFile(checkpoint, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder, checkpoint
}

func TestARegisterIsVerifiedFromItsFilesAlone(t *testing.T) {
	dir := ceremony(t)
	folder, checkpoint := written(t, filepath.Join(dir, "register-keys.json"))
	parts := []string{"--part", filepath.Join(dir, "part-1.txt"), "--part", filepath.Join(dir, "part-2.txt")}
	for name, more := range map[string][]string{"alone": nil, "with a checkpoint": {"--checkpoint", checkpoint}, "with two parts": parts} {
		code, out := says(t, append([]string{"register", "verify", folder}, more...)...)
		if code != exitOK || !strings.Contains(out, "sessions: intact, entries 1 to 7 in 2 files.") || !strings.Contains(out, "Parvis was not running") {
			t.Errorf("%s: %d\n%s", name, code, out)
		}
	}
	code, out := says(t, "register", "verify", folder, "--json")
	var stores []segment.Store
	if err := json.Unmarshal([]byte(out), &stores); code != exitOK || err != nil || len(stores) != 1 || stores[0].Next != 8 {
		t.Error(code, out, err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if code, out := says(t, "keys", "make", other, "--months", "1", "--from", "2030-01"); code != exitOK {
		t.Fatal(code, out)
	}
	if _, out := says(t, "register", "verify", folder, "--part", filepath.Join(other, "part-1.txt"), "--part", filepath.Join(other, "part-2.txt")); !strings.Contains(out, "do not open it") {
		t.Error("parts of other months:", out)
	}

	last := filepath.Join(folder, segment.Name("sessions", 4))
	b, err := os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-700] ^= 1
	if err := os.WriteFile(last, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out := says(t, "register", "verify", folder); code != exitNotRight || !strings.Contains(out, "NOT intact") || !strings.Contains(out, "broken at entry") {
		t.Errorf("a flipped bit: %d\n%s", code, out)
	}
	if err := os.Remove(last); err != nil {
		t.Fatal(err)
	}
	if code, out := says(t, "register", "verify", folder, "--checkpoint", checkpoint); code != exitNotRight || !strings.Contains(out, "remembered elsewhere") {
		t.Errorf("a file that was taken away: %d\n%s", code, out)
	}
	if code, out := says(t, "register", "verify", t.TempDir()); code != exitNotFound {
		t.Errorf("an empty folder: %d\n%s", code, out)
	}
	if code, out := says(t, "register", "verify", folder, "--checkpoint", last+"x"); code != exitUsage {
		t.Errorf("no such file: %d\n%s", code, out)
	}
}
