package sqlite_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"parvis/internal/clock"
	"parvis/internal/database"
	"parvis/internal/lab"
	"parvis/internal/lang"
	"parvis/sessions/sqlite"
)

func tryOpen(path string) (*sqlite.Store, error) { return sqlite.Open(path, key, clock.NewFake()) }

// contents is every file beside the database with what it holds; the log's index is scratch.
func contents(t *testing.T, path string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, f := range files(t, path) {
		if strings.HasSuffix(f, "-shm") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(f)] = string(b)
	}
	return all
}

// live returns a database whose log has not been written back, as after a power cut.
func live(t *testing.T) string {
	t.Helper()
	from := filepath.Join(t.TempDir(), "parvis.db")
	s := open(t, from)
	defer s.Close()
	save(t, s, change())
	path := filepath.Join(t.TempDir(), "parvis.db")
	for _, f := range files(t, from) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+strings.TrimPrefix(f, from), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestADatabaseIsUsedAfterAPowerCut(t *testing.T) {
	s := open(t, live(t))
	defer s.Close()
	wantRows(t, s, openRow(), endedRow())
}

func TestADatabaseThatCannotBeUsedIsRefusedAndLeftAlone(t *testing.T) {
	edit := func(f func(b []byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, f(b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill := func(b []byte) []byte {
		for i := range b {
			b[i] = 0x5a
		}
		return b
	}
	sql := func(st string) func(*testing.T, string) {
		return func(t *testing.T, path string) { raw(t, path, st) }
	}
	for _, tc := range []struct {
		name  string
		from  func(*testing.T) string
		spoil func(*testing.T, string)
		want  error
		says  []string
	}{
		{"truncated to half", closed, edit(func(b []byte) []byte { return b[:len(b)/2] }), database.ErrCorrupt, []string{"mv ", ".corrupt-boot-1"}},
		{"truncated inside its header", closed, edit(func(b []byte) []byte { return b[:50] }), database.ErrCorrupt, nil},
		{"overwritten", closed, edit(fill), database.ErrCorrupt, nil},
		{"a page overwritten", closed, edit(func(b []byte) []byte { fill(b[4096:8192]); return b }), database.ErrCorrupt, nil},
		{"a text file", closed, edit(func([]byte) []byte { return []byte("not a database\n") }), database.ErrCorrupt, nil},
		{"a sealed device damaged", closed, sql("UPDATE session SET sealed = x'00' WHERE state = 'open'"), database.ErrCorrupt, []string{"1 of 2 rows"}},
		{"a device's mark damaged", closed, sql("UPDATE session SET device = zeroblob(32) WHERE state = 'open'"), database.ErrCorrupt, nil},
		{"another program's", func(t *testing.T) string { return filepath.Join(t.TempDir(), "their.db") }, sql("CREATE TABLE t (x)"), database.ErrCorrupt, []string{"another program"}},
		{"a newer version", closed, sql("PRAGMA user_version = 7"), database.ErrNewer, []string{"version 7", "version 4"}},
		{"sealed by another key", otherKey, func(*testing.T, string) {}, sqlite.ErrKey, []string{"site.key"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := tc.from(t)
			tc.spoil(t, path)
			before := contents(t, path)
			s, err := tryOpen(path)
			if err == nil {
				s.Close()
			}
			refused(t, err, tc.want, append(tc.says, path)...)
			if diff := cmp.Diff(before, contents(t, path)); diff != "" {
				t.Error("the files have changed")
			}
		})
	}
}

// refused checks that err is want and says what to do, in both languages.
func refused(t *testing.T, err, want error, says ...string) {
	t.Helper()
	var e *database.Error
	if !errors.Is(err, want) || !errors.As(err, &e) {
		t.Fatalf("%v; want %v", err, want)
	}
	for _, l := range []lang.Lang{lang.EN, lang.FR} {
		said := e.In(l)
		for _, s := range says {
			if !strings.Contains(said, s) && l == lang.EN {
				t.Errorf("%q does not say %q", said, s)
			}
		}
		if strings.Contains(said, "%!") {
			t.Errorf("%s: %s", l, said)
		}
	}
}

func otherKey(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "parvis.db")
	theirs := key
	theirs[0]++
	s, err := sqlite.Open(path, theirs, clock.NewFake())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	save(t, s, change())
	return path
}

func TestAFolderThatIsNotThereIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nowhere", "parvis.db")
	if _, err := tryOpen(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), filepath.Dir(path)) {
		t.Errorf("Open: %v", err)
	}
}

func TestADatabaseOnAReadOnlyMountIsRefused(t *testing.T) {
	lab.NeedsLab(t)
	path := closed(t)
	dir := filepath.Dir(path)
	mount(t, dir, dir, "", unix.MS_BIND, "")
	mount(t, "", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
	before := contents(t, path)
	_, err := tryOpen(path)
	refused(t, err, database.ErrReadOnly, path, "findmnt -T "+dir)
	if diff := cmp.Diff(before, contents(t, path)); diff != "" {
		t.Error("the files have changed")
	}
	mount(t, "", dir, "", unix.MS_BIND|unix.MS_REMOUNT, "")
	s := open(t, path)
	defer s.Close()
	wantRows(t, s, openRow(), endedRow())
}

// mount mounts for the duration of the test, in the lab's own mount namespace.
func mount(t *testing.T, source, target, kind string, flags uintptr, data string) {
	t.Helper()
	if err := unix.Mount(source, target, kind, flags, data); err != nil {
		t.Fatalf("mount %s: %v", target, err)
	}
	if flags&unix.MS_REMOUNT == 0 {
		t.Cleanup(func() {
			if err := unix.Unmount(target, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
	}
}
