package sqlite_test

import (
	"database/sql"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"parvis/internal/clock"
	"parvis/internal/lab"
	"parvis/internal/mac"
	"parvis/sessions"
	"parvis/sessions/sqlite"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(writerEnv); path != "" {
		fmt.Fprintln(os.Stderr, write(path, os.Stdout))
		os.Exit(1)
	}
	if path := os.Getenv(redeemerEnv); path != "" {
		fmt.Fprintln(os.Stderr, redeem(path, os.Stdout))
		os.Exit(1)
	}
	lab.Main(func() int {
		code := m.Run()
		if err := goleak.Find(); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	})
}

var (
	key    = [32]byte([]byte("the key of a library in the east"))
	phone  = sessions.Device{MAC: mac.Addr{0x3c, 0x22, 0xfb, 0xa1, 0xb2, 0xc3}, IPv4: netip.MustParseAddr("10.20.37.201")}
	laptop = sessions.Device{MAC: mac.Addr{0x3c, 0x22, 0xfb, 0xd4, 0xe5, 0xf6}, IPv4: netip.MustParseAddr("10.20.38.202")}
	mark   = sessions.Mark{BootID: "boot-1", Seen: clock.Boot(90 * time.Second)}
	later  = sessions.Mark{BootID: "boot-1", Seen: clock.Boot(95 * time.Second), Wall: opened.Add(time.Hour), Sure: true, Day: "2026-11-24"}
	rest   = sessions.Rest{Slot: 0xff, Since: clock.Boot(-5 * time.Second)}
	// opened is in whole milliseconds, as the disk keeps it.
	opened = time.Date(2026, 11, 24, 14, 42, 0, 123e6, time.UTC)
)

func openRow() sessions.Row {
	return sessions.Row{
		ID: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Device: phone, Profile: "visitor", State: sessions.Open, Slot: 0x10,
		OpenedBy: sessions.FromResident, OpenedAt: opened, End: clock.Boot(time.Hour), Down: 1 << 40, Up: 2, KernelDown: 3, KernelUp: 4,
		Active: clock.Boot(80 * time.Second),
	}
}

func endedRow() sessions.Row {
	return sessions.Row{
		ID: "bbbbbbbbbbbbbbbbbbbbbbbbbb", Device: laptop, Profile: "visitor", State: sessions.Ended, Slot: 0xff,
		OpenedBy: sessions.FromOperator, OpenedAt: opened, End: clock.Boot(time.Hour), Left: 25 * time.Minute, Down: 5, Up: 6,
		Active: clock.Boot(70 * time.Second), Reason: sessions.ByIdle,
		// Before this boot began, as after a power cut.
		Ended: clock.Boot(-5 * time.Second), EndedAt: opened.Add(time.Minute),
	}
}

func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(path, key, clock.NewFake())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// closed returns the path of a database that holds both rows and has been closed.
func closed(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "parvis.db")
	s := open(t, path)
	save(t, s, change())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func save(t *testing.T, s *sqlite.Store, c sessions.Change) {
	t.Helper()
	if err := s.Save(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func wantRows(t *testing.T, s *sqlite.Store, want ...sessions.Row) {
	t.Helper()
	got, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Mark != mark {
		t.Errorf("mark: %+v, want %+v", got.Mark, mark)
	}
	if len(got.Rests) != 1 || got.Rests[0] != rest {
		t.Errorf("rests: %+v, want %+v", got.Rests, rest)
	}
	if diff := cmp.Diff(want, got.Rows, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Error("rows (-want +got):\n", diff)
	}
}

// raw runs statements on a file behind the store's back.
func raw(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, st := range statements {
		if _, err := db.Exec(st); err != nil {
			t.Fatal(st, err)
		}
	}
}
