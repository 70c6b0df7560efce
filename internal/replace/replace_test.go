package replace

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 11, 29, 3, 0, 0, 0, time.UTC)

// box is a machine with the files that are given: etc/…, state/….
func box(t *testing.T, has map[string]string) Box {
	t.Helper()
	root := t.TempDir()
	b := Box{Etc: filepath.Join(root, "etc"), Config: "parvis.toml", State: filepath.Join(root, "state")}
	if err := os.MkdirAll(b.State, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, root, has)
	return b
}

func write(t *testing.T, root string, has map[string]string) {
	t.Helper()
	for name, text := range has {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// has is every file of a box.
func has(t *testing.T, b Box) map[string]string {
	t.Helper()
	all := map[string]string{}
	root := filepath.Dir(b.Etc)
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		rel, _ := filepath.Rel(root, path)
		all[rel] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// copied is a site's copy as it is laid out.
var copied = map[string]string{
	"etc/parvis.toml": "new", "etc/site.key": "new", "etc/catalogue/town.toml": "new",
	"state/parvis.db": "new", "state/names/a.pem": "new", "state/hub.json": "new",
}

func lay(t *testing.T, b Box) {
	t.Helper()
	dir, _, err := b.Begin()
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, copied)
	if err := os.Chmod(filepath.Join(dir, "etc/parvis.toml"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// bare and lived are the two kinds of boxes; each has what it ends with.
var boxes = map[string]struct{ before, after map[string]string }{
	"bare": {map[string]string{"etc/README": "of the package"}, map[string]string{"etc/README": "of the package"}},
	"was a site": {
		map[string]string{
			"etc/parvis.toml": "old", "etc/site.key": "old", "etc/other": "old",
			"state/parvis.db": "old", "state/parvis.db-wal": "old", "state/hub.json": "old", "state/alerts.json": "old", "state/names/b.pem": "old", "state/versions/1/parvis": "program", "state/before-20250101-000000/x": "older",
		},
		map[string]string{
			"etc/other": "old", "etc/before-20261129-030000/parvis.toml": "old", "etc/before-20261129-030000/site.key": "old",
			"state/before-20261129-030000/parvis.db": "old", "state/before-20261129-030000/parvis.db-wal": "old", "state/before-20261129-030000/hub.json": "old",
			"state/versions/1/parvis": "program", "state/before-20261129-030000/alerts.json": "old", "state/before-20261129-030000/names/b.pem": "old", "state/before-20250101-000000/x": "older",
		},
	},
}

func TestTheNewFilesTakeThePlaceOfTheOldOnes(t *testing.T) {
	for name, tt := range boxes {
		t.Run(name, func(t *testing.T) {
			b := box(t, tt.before)
			if occupied := b.Occupied() != ""; occupied != (name != "bare") {
				t.Errorf("occupied: %q", b.Occupied())
			}
			lay(t, b)
			if err := b.Commit(now); err != nil {
				t.Fatal(err)
			}
			if pending, err := b.Pending(); err != nil || !pending {
				t.Errorf("pending: %v, %v", pending, err)
			}
			if _, _, err := b.Begin(); !errors.Is(err, ErrPending) {
				t.Errorf("another one begins: %v", err)
			}
			if done, err := b.Finish(); err != nil || !done {
				t.Fatal(done, err)
			}
			want := maps.Clone(copied)
			maps.Copy(want, tt.after)
			if diff := cmp.Diff(want, has(t, b)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if fi, err := os.Stat(filepath.Join(b.Etc, "parvis.toml")); err != nil || fi.Mode().Perm() != 0o644 {
				t.Errorf("%v, %v", fi.Mode(), err)
			}
			if fi, err := os.Stat(filepath.Join(b.Etc, "site.key")); err != nil || fi.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", fi.Mode(), err)
			}
			if done, err := b.Finish(); done || err != nil {
				t.Errorf("a second time: %v, %v", done, err)
			}
		})
	}
}

func TestUntilItIsDecidedNothingHasChanged(t *testing.T) {
	tt := boxes["was a site"]
	b := box(t, tt.before)
	lay(t, b)
	_, first, err := b.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Clear(); err != nil {
		t.Fatal(err)
	}
	if _, again, err := b.Begin(); err != nil || !again.Equal(first) {
		t.Errorf("the key of the enrolment is another one: %v", err)
	}
	if done, err := b.Finish(); done || err != nil {
		t.Errorf("%v, %v", done, err)
	}
	got := has(t, b)
	delete(got, "state/replacing/seal.key")
	if diff := cmp.Diff(tt.before, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if err := b.Commit(now); err == nil {
		t.Error("a site without a configuration is committed")
	}
}

// The power goes at each step, and at each step of what goes on after it.
func TestAPowerCutAtAnyStepLosesNothing(t *testing.T) {
	errCut := errors.New("no power")
	for name, tt := range boxes {
		steps := 0
		for cut := 0; ; cut++ {
			b := box(t, tt.before)
			lay(t, b)
			at, what := 0, ""
			b.step = func(step string) error {
				if at++; at == cut+1 {
					what = step
					return errCut
				}
				return nil
			}
			err := b.Commit(now)
			if err == nil {
				_, err = b.Finish()
			}
			if err == nil {
				break // there are no more steps
			}
			if !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			steps++
			where := fmt.Sprintf("%s, cut at %q", name, what)
			b.step = nil
			if pending, err := b.Pending(); err != nil || pending != (what != "commit" && what != "ended") {
				t.Errorf("%s: pending %v, %v", where, pending, err)
			}
			if _, err := b.Finish(); err != nil {
				t.Errorf("%s: %v", where, err)
			}
			got := has(t, b)
			maps.DeleteFunc(got, func(n, _ string) bool { return strings.HasPrefix(n, "state/replacing/") }) // what is thrown away
			want := maps.Clone(copied)
			maps.Copy(want, tt.after)
			if what == "commit" {
				want = tt.before
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", where, diff)
			}
		}
		if steps < 10 {
			t.Errorf("%s: only %d steps", name, steps)
		}
	}
}

func TestABrokenDecisionIsSaidAndChangesNothing(t *testing.T) {
	b := box(t, boxes["was a site"].before)
	lay(t, b)
	write(t, b.State, map[string]string{"replacing/ready": "{"})
	if done, err := b.Finish(); done || err == nil {
		t.Errorf("%v, %v", done, err)
	}
	if got := has(t, b); got["etc/parvis.toml"] != "old" || got["state/parvis.db"] != "old" {
		t.Errorf("%v", got)
	}
}
