package sqlite_test

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/kiosk"
	"parvis/kiosk/sqlite"
)

var (
	plain = kiosk.Row{ID: "poste-1", Details: kiosk.Details{Name: "Poste 1", Renderer: kiosk.Linux}, MAC: mac.Addr{2, 0, 0, 0, 0, 1}}
	used  = kiosk.Row{
		ID: "poste-2", Details: kiosk.Details{Name: "Poste 2", Place: "près de la fenêtre", PCID: "1-B3-D5E", Renderer: kiosk.Porteus, Prints: true, USB: true},
		MAC: mac.Addr{2, 0, 0, 0, 0, 2}, IPv4: netip.MustParseAddr("10.78.0.12"), Seen: time.UnixMilli(1_800_000_000_123),
		Dirty: true, Bundles: []string{"caf", "franceconnect"}, Mail: true, Names: []string{"www.ville.example"}, Graced: true, Fixed: true, Phone: "abc",
	}
)

var addresses = cmpopts.EquateComparable(netip.Addr{})

func TestWhatWasPutIsThereWhenTheFileIsOpenedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "terminals.db")
	open := func() *sqlite.Store {
		s, err := sqlite.Open(path, clock.NewFake())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	if err := s.Put(t.Context(), used, plain); err != nil {
		t.Fatal(err)
	}
	changed := used
	changed.Names, changed.Bundles, changed.IPv4 = nil, nil, netip.Addr{}
	for _, want := range [][]kiosk.Row{{plain, used}, {plain, changed}, {plain}} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open()
		got, err := s.Load(t.Context())
		if diff := cmp.Diff(want, got, addresses, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
		if len(want) == 2 && want[1].Names != nil {
			err = s.Put(t.Context(), changed)
		} else {
			err = s.Delete(t.Context(), changed.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestRowsAreWrittenTogetherOrNotAtAll(t *testing.T) {
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "terminals.db"), clock.NewFake())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	bad := used
	bad.Renderer = "typewriter"
	if err := s.Put(t.Context(), plain, bad); err == nil {
		t.Fatal("a renderer that nobody knows is written")
	}
	if got, err := s.Load(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// A name that the desk has opened for somebody is in no file any more once it is closed, nor is a terminal that was removed: not in the log either, while
// the daemon goes on.
func TestAClosedNameLeavesTheFiles(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Open(filepath.Join(dir, "terminals.db"), clock.NewFake())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	has := func(text string) (where []string) {
		t.Helper()
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(filepath.Join(dir, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(b, []byte(text)) {
				where = append(where, f.Name())
			}
		}
		return where
	}
	if err := s.Put(t.Context(), used, plain); err != nil {
		t.Fatal(err)
	}
	if has(used.Names[0]) == nil {
		t.Error("what is open is not there for after a crash")
	}
	closed := used
	closed.Names = nil
	if err := s.Put(t.Context(), closed); err != nil {
		t.Fatal(err)
	}
	if where := has(used.Names[0]); where != nil {
		t.Errorf("the name is still in %q", where)
	}
	if err := s.Delete(t.Context(), closed.ID); err != nil {
		t.Fatal(err)
	}
	if where := has(closed.Place); where != nil {
		t.Errorf("a terminal that was removed is still in %q", where)
	}
}
