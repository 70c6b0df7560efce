package snapshot

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"pgregory.net/rapid"
)

func newKey(t testing.TB) *age.X25519Identity {
	t.Helper()
	k, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// site is one with a configuration, a secret and a database that has a write-ahead log.
func site(t *testing.T) (Source, *sql.DB) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"parvis.toml": "[site]\n", "site.key": "secret\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "parvis.toml"), 0o644); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "parvis.db")+"?_journal_mode=WAL")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec("CREATE TABLE a (x INTEGER); PRAGMA user_version = 3; INSERT INTO a VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	return Source{
		Manifest: Manifest{Name: "La Maison", Site: "0123456789abcdef", Version: "1.2", Made: 1_795_000_000},
		Scratch:  t.TempDir(),
		Files: []File{
			{Name: "etc/parvis.toml", Path: filepath.Join(dir, "parvis.toml")},
			{Name: "etc/site.key", Path: filepath.Join(dir, "site.key")},
			{Name: "state/parvis.db", Path: filepath.Join(dir, "parvis.db"), Database: true},
			{Name: "state/queue.json", Path: filepath.Join(dir, "queue.json"), Optional: true},
		},
	}, db
}

func take(t *testing.T, s Source, to *age.X25519Identity) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Take(t.Context(), &b, to.Recipient(), s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWhatIsCopiedIsReadAgain(t *testing.T) {
	s, _ := site(t)
	key := newKey(t)
	b := take(t, s, key)
	if bytes.Contains(b, []byte("secret")) || bytes.Contains(b, []byte("La Maison")) {
		t.Error("the copy can be read without its key")
	}
	dir := t.TempDir()
	m, err := Read(bytes.NewReader(b), key, dir)
	if err != nil || m.Name != "La Maison" || m.Format != Format || m.Made != 1_795_000_000 {
		t.Fatalf("%+v, %v", m, err)
	}
	for name, mode := range map[string]os.FileMode{"etc/parvis.toml": 0o644, "etc/site.key": 0o600, "state/parvis.db": 0o600} {
		if fi, err := os.Stat(filepath.Join(dir, name)); err != nil || fi.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v; want mode %v", name, fi, err, mode)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "state/queue.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what the site did not have is there: %v", err)
	}
	m, names, err := Look(bytes.NewReader(b), key)
	if err != nil || m.Site != "0123456789abcdef" || strings.Join(names, " ") != "etc/parvis.toml etc/site.key state/parvis.db" {
		t.Errorf("%+v %q, %v", m, names, err)
	}
	if left, err := os.ReadDir(s.Scratch); err != nil || len(left) != 0 {
		t.Errorf("the scratch directory still has %v, %v", left, err)
	}
}

func TestADatabaseIsCopiedBetweenTwoTransactions(t *testing.T) {
	s, db := site(t)
	key := newKey(t)
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("INSERT INTO a VALUES (2)"); err != nil {
		t.Fatal(err)
	}
	b := take(t, s, key) // while somebody writes
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := Read(bytes.NewReader(b), key, dir); err != nil {
		t.Fatal(err)
	}
	copied, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "state/parvis.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	var sum, version int
	err = errors.Join(copied.QueryRow("SELECT sum(x) FROM a").Scan(&sum), copied.QueryRow("PRAGMA user_version").Scan(&version))
	if err != nil || sum != 1 || version != 3 {
		t.Errorf("sum %d, version %d, %v; want what was committed before, and its version", sum, version, err)
	}
}

func TestAFileThatASiteMustHaveIsMissed(t *testing.T) {
	s, _ := site(t)
	s.Files[1].Path += ".away"
	if err := Take(t.Context(), &bytes.Buffer{}, newKey(t).Recipient(), s); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestACopyThatIsNotWholeIsRefused(t *testing.T) {
	s, _ := site(t)
	key := newKey(t)
	b := take(t, s, key)
	if _, err := Read(bytes.NewReader(b), newKey(t), t.TempDir()); !errors.Is(err, ErrKey) {
		t.Errorf("another key: %v", err)
	}
	rapid.Check(t, func(r *rapid.T) {
		bad := append([]byte(nil), b...)
		if at := rapid.IntRange(0, len(b)-1).Draw(r, "at"); rapid.Bool().Draw(r, "cut") {
			bad = bad[:at]
		} else {
			bad[at] ^= 1 << rapid.IntRange(0, 7).Draw(r, "bit")
		}
		_, _, err := Look(bytes.NewReader(bad), key)
		if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrKey) {
			r.Fatalf("it is taken for whole, or refused otherwise: %v", err)
		}
	})
	if _, _, err := Look(bytes.NewReader(append(b, 'x')), key); !errors.Is(err, ErrDamaged) {
		t.Errorf("with something behind it: %v", err)
	}
}

// sealed is an archive that somebody with the public key made.
func sealed(t testing.TB, to *age.X25519Identity, write func(*tar.Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(w)
	a := tar.NewWriter(z)
	write(a)
	if err := errors.Join(a.Close(), z.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func put(t testing.TB, w *tar.Writer, h tar.Header, body string) {
	t.Helper()
	h.Size = int64(len(body))
	if err := w.WriteHeader(&h); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(body)); err != nil {
		t.Fatal(err)
	}
}

func TestAnArchiveThatNoSiteMakesWritesNothingElsewhere(t *testing.T) {
	key := newKey(t)
	good := tar.Header{Name: manifest, Typeflag: tar.TypeReg}
	for name, tt := range map[string]struct {
		write func(*tar.Writer)
		want  error
	}{
		"no manifest":      {func(w *tar.Writer) { put(t, w, tar.Header{Name: "etc/a", Typeflag: tar.TypeReg}, "x") }, ErrForm},
		"manifest no JSON": {func(w *tar.Writer) { put(t, w, good, "{") }, ErrForm},
		"format 0":         {func(w *tar.Writer) { put(t, w, good, "{}") }, ErrForm},
		"newer":            {func(w *tar.Writer) { put(t, w, good, `{"format":9}`) }, ErrNewer},
		"names outside":    {func(w *tar.Writer) { put(t, w, good, `{"format":1,"named":{"portal.key":"/etc/shadow"}}`) }, ErrForm},
		"upwards": {func(w *tar.Writer) {
			put(t, w, good, `{"format":1}`)
			put(t, w, tar.Header{Name: "etc/../../x", Typeflag: tar.TypeReg}, "x")
		}, ErrForm},
		"absolute": {func(w *tar.Writer) {
			put(t, w, good, `{"format":1}`)
			put(t, w, tar.Header{Name: "/etc/x", Typeflag: tar.TypeReg}, "x")
		}, ErrForm},
		"hidden": {func(w *tar.Writer) {
			put(t, w, good, `{"format":1}`)
			put(t, w, tar.Header{Name: "etc/.profile", Typeflag: tar.TypeReg}, "x")
		}, ErrForm},
		"a link": {func(w *tar.Writer) {
			put(t, w, good, `{"format":1}`)
			put(t, w, tar.Header{Name: "etc/x", Typeflag: tar.TypeSymlink, Linkname: "/etc/shadow"}, "")
		}, ErrForm},
		"twice": {func(w *tar.Writer) {
			put(t, w, good, `{"format":1}`)
			for range 2 {
				put(t, w, tar.Header{Name: "etc/x", Typeflag: tar.TypeReg}, "x")
			}
		}, ErrForm},
	} {
		t.Run(name, func(t *testing.T) {
			around := t.TempDir()
			dir := filepath.Join(around, "in")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if _, err := Read(bytes.NewReader(sealed(t, key, tt.write)), key, dir); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			if all, err := os.ReadDir(around); err != nil || len(all) != 1 {
				t.Errorf("beside its directory there is %v, %v", all, err)
			}
		})
	}
}

func TestARecoveryKeyIsReadAsItIsWritten(t *testing.T) {
	text, public, err := NewKey(time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	to, err := Recipient(public)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := site(t)
	var b bytes.Buffer
	if err := Take(t.Context(), &b, to, s); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	secret := lines[len(lines)-1]
	typed := strings.ToLower(secret[:20]) + " " + strings.ToLower(secret[20:])
	for name, given := range map[string]string{"the file": text, "its line": secret, "typed": typed + "\n"} {
		k, err := ReadKey(strings.NewReader(given))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, _, err := Look(bytes.NewReader(b.Bytes()), k); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	wrong := []byte(secret)
	at := len(wrong) - 10
	if wrong[at]++; wrong[at] > 'Z' || wrong[at] == 'B' || wrong[at] == 'I' || wrong[at] == 'O' {
		wrong[at] = 'Q'
	}
	for name, given := range map[string]string{"empty": "", "the public one": public, "one letter wrong": string(wrong)} {
		if _, err := ReadKey(strings.NewReader(given)); !errors.Is(err, ErrKeyText) || strings.Contains(fmt.Sprint(err), "SECRET") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Recipient(secret); !errors.Is(err, ErrKeyText) || strings.Contains(err.Error(), "SECRET") {
		t.Error(err)
	}
}

// FuzzRead reads what somebody who has the public key may send: it writes below its directory or nowhere.
func FuzzRead(f *testing.F) {
	key := newKey(f)
	archive := func(write func(*tar.Writer)) []byte {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		write(w)
		w.Close()
		return b.Bytes()
	}
	f.Add(archive(func(w *tar.Writer) {
		put(f, w, tar.Header{Name: manifest, Typeflag: tar.TypeReg}, `{"format":1,"named":{"a":"etc/a"}}`)
		put(f, w, tar.Header{Name: "state/leases", Typeflag: tar.TypeReg}, "x")
	}))
	f.Add([]byte("no archive"))
	f.Fuzz(func(t *testing.T, plain []byte) {
		var b bytes.Buffer
		w, err := age.Encrypt(&b, key.Recipient())
		if err != nil {
			t.Fatal(err)
		}
		z := gzip.NewWriter(w)
		z.Write(plain)
		if err := errors.Join(z.Close(), w.Close()); err != nil {
			t.Fatal(err)
		}
		around := t.TempDir()
		dir := filepath.Join(around, "in")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		m, err := Read(bytes.NewReader(b.Bytes()), key, dir)
		if err == nil && m.Format != Format {
			t.Errorf("%+v is read", m)
		}
		for _, d := range []string{around, dir} {
			all, err := os.ReadDir(d)
			if err != nil || d == around && len(all) != 1 {
				t.Fatal(all, err)
			}
			for _, e := range all {
				if n := e.Name(); n != "in" && n != "etc" && n != "state" {
					t.Errorf("it made %s", n)
				}
			}
		}
	})
}
