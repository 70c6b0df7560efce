package snapshot

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
)

// night is a place whose copies go to one place, or fail.
type night struct {
	*Keeper
	t     *testing.T
	clock *clock.Fake
	o     KeeperOptions
	open  bool
	fails error
	puts  int
}

// newNight stands at ten in the morning of a day on which the place is open.
func newNight(t *testing.T) *night {
	n := &night{t: t, clock: clock.NewFake(), open: true}
	n.clock.SetWall(clock.Wall{Time: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), Quality: clock.Synchronised})
	n.o = KeeperOptions{
		Path: filepath.Join(t.TempDir(), "copies.json"), Clock: n.clock, Zone: time.UTC,
		Open: func() bool { return n.open },
		Take: func(_ context.Context, _ time.Time, w io.Writer) error {
			_, err := io.WriteString(w, "copy")
			return err
		},
		Places: []Place{{Name: "hub", Put: func(_ context.Context, _ time.Time, b []byte) error {
			if n.fails == nil {
				n.puts++
			}
			return n.fails
		}}},
	}
	n.Keeper = NewKeeper(n.o)
	return n
}

// after lets time go by and looks.
func (n *night) after(d time.Duration) {
	n.clock.Advance(d)
	n.look(n.t.Context())
}

func (n *night) expect(puts int, when string) {
	n.t.Helper()
	if n.puts != puts {
		n.t.Errorf("%s: %d copies, want %d", when, n.puts, puts)
	}
}

func TestACopyIsMadeAtOnceAndThenEachNight(t *testing.T) {
	n := newNight(t)
	n.after(0)
	n.expect(1, "the first")
	n.after(10 * time.Hour) // 20:00
	n.open = false
	n.after(0)
	n.expect(1, "closed, ten hours later")
	n.after(11 * time.Hour) // 07:00
	n.expect(2, "closed, 21 hours later")
	n.open = true
	n.after(24 * time.Hour)
	n.expect(2, "open, 24 hours later")
	n.after(3 * time.Hour)
	n.expect(3, "open, 27 hours later")
}

func TestAPlaceThatNeverClosesIsCopiedAtNight(t *testing.T) {
	n := newNight(t)
	n.after(0)
	n.after(15 * time.Hour) // 01:00
	n.after(90 * time.Minute)
	n.expect(1, "at half past two, 16 hours later")
	n.after(23 * time.Hour)
	n.after(time.Hour) // 02:30
	n.expect(2, "at half past two of the next night")
}

func TestNoCopyIsDatedByAClockThatNobodyHasSet(t *testing.T) {
	n := newNight(t)
	n.clock.SetWall(clock.Wall{Time: time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)})
	n.after(100 * time.Hour)
	n.expect(0, "with an unknown clock")
	if s := n.Status(); s.Old {
		t.Errorf("%+v", s)
	}
	n.clock.SetWall(clock.Wall{Time: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), Quality: clock.Synchronised})
	n.after(0)
	n.expect(1, "once it is set")
	n.clock.SetWall(clock.Wall{Time: time.Date(2026, 11, 25, 14, 0, 0, 0, time.UTC)})
	n.after(0)
	n.expect(2, "and when the kernel has become unsure of it again")
}

func TestWhatFailsIsTriedAgainAnHourLaterAndIsAProblemAfterThreeDays(t *testing.T) {
	n := newNight(t)
	n.after(0)
	n.fails = errors.New("no key in the port")
	n.open = false
	n.after(30 * time.Hour)
	if s := n.Status(); s.Old || s.Places[0].Err != "no key in the port" || s.Made.IsZero() {
		t.Errorf("%+v", s)
	}
	n.fails = nil
	n.after(30 * time.Minute)
	n.expect(1, "half an hour after a failure")
	n.fails = errors.New("no key in the port")
	n.after(42 * time.Hour) // 72 and a half
	if s := n.Status(); !s.Old {
		t.Errorf("three days later: %+v", s)
	}
	if again := NewKeeper(n.o); !func() bool { again.look(t.Context()); return again.Status().Old }() {
		t.Error("a restart has forgotten how old the copy is")
	}
	n.fails = nil
	n.after(time.Hour)
	if s := n.Status(); s.Old || s.Places[0].Err != "" || s.Places[0].Size != 4 {
		t.Errorf("made again: %+v", s)
	}
}

func TestACopyThatWasNeverMadeIsAProblemAfterThreeDaysToo(t *testing.T) {
	n := newNight(t)
	n.fails = errors.New("no")
	n.after(0)
	for range 4 {
		n.after(24 * time.Hour)
	}
	if s := n.Status(); !s.Old || !s.Made.IsZero() {
		t.Errorf("%+v", s)
	}
	n.o.Places[0].Ready = func() bool { return false }
	if err := n.Now(t.Context()); !errors.Is(err, ErrNowhere) {
		t.Error(err)
	}
}

func TestACopyMadeByHandGetsOldLikeAnyOther(t *testing.T) {
	n := newNight(t)
	if err := n.Now(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.fails = errors.New("no")
	n.after(80 * time.Hour) // the first time that it looks by itself
	if s := n.Status(); !s.Old {
		t.Errorf("%+v", s)
	}
}

func TestAFileOfCopiesThatCannotBeReadIsBegunAnew(t *testing.T) {
	n := newNight(t)
	if err := os.WriteFile(n.o.Path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	n.Keeper = NewKeeper(n.o)
	n.after(0)
	n.expect(1, "with a broken file")
}

func TestRunMakesCopiesUntilItsEnd(t *testing.T) {
	n := newNight(t)
	ctx, cancel := context.WithCancel(t.Context())
	made := make(chan struct{}, 1)
	n.o.Places[0].Put = func(context.Context, time.Time, []byte) error { made <- struct{}{}; return nil }
	k := NewKeeper(n.o)
	done := make(chan error)
	go func() { done <- k.Run(ctx) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for waiting := true; waiting; {
		select {
		case <-made:
			waiting = false
		case <-tick.C:
			n.clock.Advance(time.Minute)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// memoryDisk is a directory on a memory disk: another file system than the tests'.
func memoryDisk(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "parvis-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestADirectoryKeepsAWeekOfCopiesAndNothingOfOthers(t *testing.T) {
	dir := memoryDisk(t)
	others := []string{"parvis-autre-lieu-20261101-0300.age", "parvis-la-maison-notes.txt", "photo.jpg"}
	left := ".parvis-la-maison-20261101-0300.age.123"
	for _, name := range append(others, left) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := Directory(dir, "La Maison", t.TempDir())
	for day := range 10 {
		if err := p.Put(t.Context(), time.Date(2026, 11, 10+day, 3, 0, 0, 0, time.UTC), []byte("copy")); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	all := strings.Join(names, "\n")
	for _, name := range others {
		if !strings.Contains(all, name) {
			t.Errorf("%s is gone", name)
		}
	}
	if strings.Contains(all, left) || strings.Count(all, "parvis-la-maison-2026") != mostInDirectory || !strings.Contains(all, "parvis-la-maison-20261119-0300.age") {
		t.Errorf("there are\n%s", all)
	}
}

func TestACopyOnTheRoutersOwnDiskIsRefused(t *testing.T) {
	state := t.TempDir()
	dir := filepath.Join(state, "key-that-is-not-there")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p := Directory(dir, "La Maison", state)
	if err := p.Put(t.Context(), time.Now(), []byte("copy")); !errors.Is(err, ErrSameDisk) {
		t.Errorf("%v", err)
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 0 {
		t.Errorf("it has written %v, %v", all, err)
	}
	if err := Directory(dir+"/none", "x", state).Put(t.Context(), time.Now(), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a directory that is not there: %v", err)
	}
}

func TestANameBecomesAPartOfAFilesName(t *testing.T) {
	for name, want := range map[string]string{
		"La Maison des Habitants": "la-maison-des-habitants", "Médiathèque « Été »": "mediatheque-ete", "../..": "lieu", "متحف": "lieu", strings.Repeat("é ", 60): strings.Repeat("e-", 19) + "e",
	} {
		if got := slug(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}
