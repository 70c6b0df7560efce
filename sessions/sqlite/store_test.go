package sqlite_test

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/sessions"
)

func TestANewDatabaseIsEmpty(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "parvis.db"))
	defer s.Close()
	got, err := s.Load(t.Context())
	if err != nil || got.Mark != (sessions.Mark{}) || len(got.Rows)+len(got.Rests) != 0 {
		t.Errorf("Load: %+v, %v", got, err)
	}
}

func TestWhatIsSavedIsThereAfterReopening(t *testing.T) {
	s := open(t, closed(t))
	defer s.Close()
	wantRows(t, s, openRow(), endedRow())
}

func TestARowIsPutInThePlaceOfTheOneWithItsID(t *testing.T) {
	s := open(t, closed(t))
	defer s.Close()
	ended, resumed := endedRow(), openRow()
	ended.ID, resumed.ID = resumed.ID, ended.ID
	save(t, s, sessions.Change{Mark: mark, Put: []sessions.Row{ended, resumed}})
	wantRows(t, s, ended, resumed)
}

func TestAForgottenRowIsGone(t *testing.T) {
	s := open(t, closed(t))
	defer s.Close()
	save(t, s, sessions.Change{Mark: mark, Forget: []string{endedRow().ID, "never was"}})
	wantRows(t, s, openRow())
}

func TestAChangeIsWholeOrNot(t *testing.T) {
	s := open(t, closed(t))
	defer s.Close()
	twin := openRow() // the slot and the device of an open row
	twin.ID = "cccccccccccccccccccccccccc"
	err := s.Save(t.Context(), sessions.Change{
		Mark: sessions.Mark{BootID: "boot-2", Seen: 1}, Forget: []string{endedRow().ID}, Put: []sessions.Row{twin},
	})
	if err == nil {
		t.Fatal("two open rows share a slot and a device")
	}
	wantRows(t, s, openRow(), endedRow())
}

func TestAPathMayHoldAnyCharacter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l'été ? 100% #1.db")
	s := open(t, path)
	save(t, s, sessions.Change{Mark: mark, Put: []sessions.Row{openRow()}, Rests: []sessions.Rest{rest}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	s = open(t, path)
	defer s.Close()
	wantRows(t, s, openRow())
}

func TestOnlyTheOwnerReadsTheFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parvis.db")
	s := open(t, path)
	defer s.Close()
	save(t, s, sessions.Change{Mark: mark, Put: []sessions.Row{openRow()}})
	for _, f := range files(t, path) {
		info, err := os.Stat(f)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v", filepath.Base(f), info.Mode())
		}
	}
}

// files are the database, its log and the log's index.
func files(t *testing.T, path string) []string {
	t.Helper()
	fs, err := filepath.Glob(path + "*")
	if err != nil || len(fs) == 0 {
		t.Fatal("no file: ", err)
	}
	return fs
}

func TestNoAddressIsReadableOnTheDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parvis.db")
	s := open(t, path)
	save(t, s, sessions.Change{
		Mark: mark, Put: []sessions.Row{endedRow(), openRow()},
		Days: []sessions.Day{{MAC: phone.MAC, Used: time.Hour}, {MAC: laptop.MAC}},
	})
	if n := len(files(t, path)); n != 3 {
		t.Fatalf("%d files, want the database, -wal and -shm", n)
	}
	search := func(when string) {
		ids := 0
		for _, f := range files(t, path) {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			ids += bytes.Count(b, []byte(openRow().ID))
			for what, a := range spellings(phone, laptop) {
				if bytes.Contains(b, []byte(a)) {
					t.Errorf("%s, %s: %s is there", when, filepath.Base(f), what)
				}
			}
		}
		if ids == 0 {
			t.Errorf("%s: the search does not even find the session's id", when)
		}
	}
	search("while open")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	search("once closed")
}

// spellings are the ways in which an address could stand in a file.
func spellings(devices ...sessions.Device) map[string]string {
	all := map[string]string{}
	for _, d := range devices {
		ip := d.IPv4.As4()
		text := d.MAC.String()
		hex := strings.ReplaceAll(text, ":", "")
		all["MAC, raw, "+text] = string(d.MAC[:])
		all["MAC, text, "+text] = text
		all["MAC, hex, "+text] = hex
		all["MAC, upper case, "+text] = strings.ToUpper(text)
		all["MAC, upper-case hex, "+text] = strings.ToUpper(hex)
		all["IPv4, raw, "+d.IPv4.String()] = string(ip[:])
		all["IPv4, text, "+d.IPv4.String()] = d.IPv4.String()
	}
	return all
}

func TestASealedDeviceOpensInItsOwnRowOnly(t *testing.T) {
	path := closed(t)
	raw(t, path, `UPDATE session SET sealed = (SELECT sealed FROM session WHERE state = 'open'),
		device = (SELECT device FROM session WHERE state = 'open') WHERE state = 'ended'`)
	if s, err := tryOpen(path); err == nil {
		s.Close()
		t.Error("a device was moved to another session and nobody noticed")
	}
}

func TestNoRowOfAForgottenSessionStaysInTheFile(t *testing.T) {
	path := closed(t)
	s := open(t, path)
	save(t, s, sessions.Change{Mark: mark, Forget: []string{endedRow().ID}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, f := range files(t, path) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(endedRow().ID)) {
			t.Errorf("%s still holds the session's id", filepath.Base(f))
		}
		if strings.HasSuffix(f, ".db") && !bytes.Contains(b, []byte(openRow().ID)) {
			t.Error("the search does not find the row that stays")
		}
	}
}

func TestTheManagerResumesOnIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parvis.db")
	w := startWorld(t, path, clock.NewFake())
	s, err := w.Open(t.Context(), w.request(phone))
	if err != nil {
		t.Fatal(err)
	}
	w.stop()
	w = startWorld(t, path, w.clock)
	defer w.stop()
	got, err := w.Get(s.ID)
	if err != nil || got.End != s.End || got.Device != phone {
		t.Errorf("after the restart: %+v, %v; want %+v", got, err, s)
	}
}

func TestSuspensionRatesAndDaysAreThereAfterReopening(t *testing.T) {
	path := closed(t)
	s := open(t, path)
	r := openRow()
	r.Suspended, r.SuspendedAt = sessions.TwoPorts, clock.Boot(85*time.Second)
	r.OwnRates, r.RateDown, r.RateUp = true, 20_000_000, 0
	days := []sessions.Day{
		{MAC: phone.MAC, Used: 40 * time.Minute, Bytes: 1 << 41, Through: clock.Boot(95 * time.Second)},
		{MAC: laptop.MAC, Used: time.Second, Bytes: 0, Through: clock.Boot(-time.Second)},
	}
	save(t, s, sessions.Change{Mark: later, Put: []sessions.Row{r}, Days: days})
	days[0].Used++
	save(t, s, sessions.Change{Mark: later, Days: days[:1]})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	defer s.Close()
	got, err := s.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(got.Days, func(a, b sessions.Day) int { return cmp.Compare(b.Used, a.Used) })
	if !slices.Equal(got.Days, days) {
		t.Errorf("days: %+v, want %+v", got.Days, days)
	}
	got.Rows[0].OpenedAt = got.Rows[0].OpenedAt.UTC()
	if got.Rows[0] != r {
		t.Errorf("row: %+v, want %+v", got.Rows[0], r)
	}
	if !got.Mark.Wall.Equal(later.Wall) || got.Mark.Sure != later.Sure || got.Mark.Day != later.Day {
		t.Errorf("mark: %+v, want %+v", got.Mark, later)
	}
	save(t, s, sessions.Change{Mark: later, NewDay: true, Days: days[1:]})
	if got, err := s.Load(t.Context()); err != nil || len(got.Days) != 1 || got.Days[0] != days[1] {
		t.Errorf("on another day: %+v, %v", got.Days, err)
	}
}
