package queue_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parvis/internal/clock"
	"parvis/kiosk/queue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// disk is a Store in memory that can be full.
type disk struct {
	saved []byte
	full  bool
}

var errFull = errors.New("no space left")

func (d *disk) Load() ([]byte, error) { return slices.Clone(d.saved), nil }

func (d *disk) Save(b []byte) error {
	if d.full {
		return errFull
	}
	d.saved = slices.Clone(b)
	return nil
}

// desk is a place of two terminals, open from 9 to 12 and from 14 to 18 on weekdays; the tests begin on a Tuesday at 14:42.
type desk struct {
	t     testing.TB
	clock *clock.Fake
	disk  *disk
	posts int
	*queue.Queue
}

func newDesk(t testing.TB) *desk {
	d := &desk{t: t, clock: clock.NewFake(), disk: &disk{}, posts: 2}
	d.start()
	return d
}

func (d *desk) start() {
	d.t.Helper()
	var err error
	d.Queue, err = queue.New(d.options())
	must(d.t, err)
}

func (d *desk) options() queue.Options {
	return queue.Options{
		Clock: d.clock, Store: d.disk, Posts: func() int { return d.posts },
		Hours: func(day time.Time) []queue.Span {
			if wd := day.Weekday(); wd == time.Saturday || wd == time.Sunday {
				return nil
			}
			return []queue.Span{{From: 9 * 60, To: 12 * 60}, {From: 14 * 60, To: 18 * 60}}
		},
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (d *desk) take(n int) {
	d.t.Helper()
	for range n {
		_, err := d.Take()
		must(d.t, err)
	}
}

func (d *desk) next(post string) string {
	d.t.Helper()
	t, err := d.Next(post)
	must(d.t, err)
	return t.Label()
}

func labels(ts []queue.Ticket) string {
	var all []string
	for _, t := range ts {
		all = append(all, t.Label())
	}
	return strings.Join(all, " ")
}

func (d *desk) want(waiting, called, absent string) {
	d.t.Helper()
	v := d.View()
	if got := [3]string{labels(v.Waiting), labels(v.Called), labels(v.Absent)}; got != [3]string{waiting, called, absent} {
		d.t.Errorf("waiting %q, called %q, absent %q; want %q, %q, %q", got[0], got[1], got[2], waiting, called, absent)
	}
}

const today, tomorrow, saturday = "2026-11-24", "2026-11-25", "2026-11-28"

func TestWhoCameFirstIsCalledFirst(t *testing.T) {
	d := newDesk(t)
	if _, err := d.Next("Poste 1"); !errors.Is(err, queue.ErrEmpty) {
		t.Error(err)
	}
	d.take(3)
	d.next("Poste 1")
	d.clock.Advance(time.Second)
	d.next("Poste 2")
	d.want("3", "2 1", "")
	if v := d.View(); v.Called[0].Post != "Poste 2" {
		t.Errorf("%+v", v.Called[0])
	}
	must(t, d.Served("1"))
	d.want("3", "2", "")
	if err := d.Served("1"); !errors.Is(err, queue.ErrNumber) {
		t.Errorf("served twice: %v", err)
	}
}

func TestWhoDoesNotComeCanComeBack(t *testing.T) {
	d := newDesk(t)
	d.take(3)
	d.next("")
	must(t, d.Absent("1"))
	d.want("2 3", "", "1")
	must(t, d.Back("1"))
	d.want("1 2 3", "", "")
}

func TestWhoIsNotReadyLetsOneGoFirst(t *testing.T) {
	d := newDesk(t)
	d.take(3)
	d.next("")
	must(t, d.Skip("1"))
	d.want("2 1 3", "", "")
	d = newDesk(t)
	d.take(1)
	d.next("")
	must(t, d.Skip("1")) // nobody is behind
	d.want("1", "", "")
}

func TestTheLastGestureIsTakenBackWithinAMinute(t *testing.T) {
	d := newDesk(t)
	d.take(2)
	d.next("Poste 1")
	must(t, d.Absent("1"))
	g := d.View().Undo
	if g == nil || g.What != "absent" || g.Label != "1" {
		t.Fatalf("%+v", g)
	}
	if err := d.Undo(g.Seq - 1); !errors.Is(err, queue.ErrUndo) {
		t.Errorf("somebody else's gesture: %v", err)
	}
	must(t, d.Undo(g.Seq))
	d.want("2", "1", "")
	if d.View().Undo != nil {
		t.Error("an undoing can be undone")
	}
	must(t, d.Served("1"))
	g = d.View().Undo
	d.clock.Advance(time.Minute)
	if err := d.Undo(g.Seq); !errors.Is(err, queue.ErrUndo) {
		t.Errorf("a minute later: %v", err)
	}
}

func TestBookingsAreWithinHoursAndTerminals(t *testing.T) {
	d := newDesk(t)
	for name, x := range map[string]struct {
		day          string
		from, length int
		want         error
	}{
		"this quarter":         {today, 14*60 + 30, 30, nil},
		"to the closing":       {today, 17 * 60, 60, nil},
		"past the closing":     {today, 17*60 + 30, 60, queue.ErrClosed},
		"through lunch":        {tomorrow, 11*60 + 30, 60, queue.ErrClosed},
		"a closed day":         {saturday, 10 * 60, 30, queue.ErrClosed},
		"an hour ago":          {today, 14 * 60, 30, queue.ErrPast},
		"yesterday":            {"2026-11-23", 10 * 60, 30, queue.ErrPast},
		"in two weeks":         {"2026-12-08", 10 * 60, 30, nil},
		"in two weeks and one": {"2026-12-09", 10 * 60, 30, queue.ErrSlot},
		"off the grid":         {tomorrow, 10*60 + 5, 30, queue.ErrSlot},
		"no length":            {tomorrow, 10 * 60, 0, queue.ErrSlot},
		"too long":             {tomorrow, 9 * 60, 135, queue.ErrSlot},
		"no day":               {"demain", 10 * 60, 30, queue.ErrSlot},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := newDesk(t).Book(x.day, x.from, x.length); !errors.Is(err, x.want) || (x.want == nil) != (err == nil) {
				t.Errorf("%v; want %v", err, x.want)
			}
		})
	}
	for i, want := range []error{nil, nil, queue.ErrTaken} {
		if _, err := d.Book(tomorrow, 10*60, 60); !errors.Is(err, want) {
			t.Errorf("booking %d: %v", i+1, err)
		}
	}
	if _, err := d.Book(tomorrow, 9*60+30, 45); !errors.Is(err, queue.ErrTaken) {
		t.Errorf("overlapping: %v", err)
	}
	if _, err := d.Book(tomorrow, 11*60, 30); err != nil {
		t.Errorf("after them: %v", err)
	}
	must(t, d.Cancel(tomorrow, "R1"))
	b, err := d.Book(tomorrow, 10*60, 15)
	if err != nil || b.Label() != "R4" {
		t.Errorf("a number that was given is given again, or a place that was given back is not free: %+v %v", b, err)
	}
}

func TestADayIsSeenInQuarters(t *testing.T) {
	d := newDesk(t)
	_, err := d.Book(today, 15*60, 30)
	must(t, err)
	slots, err := d.Slots(today)
	must(t, err)
	if len(slots) != 12+16 {
		t.Errorf("%d quarters", len(slots))
	}
	for _, s := range slots {
		free, past, begin := 2, s.From < 14*60+30, 0
		if s.From == 15*60 || s.From == 15*60+15 {
			free = 1
		}
		if s.From == 15*60 {
			begin = 1
		}
		if s.Free != free || s.Past != past || len(s.Booked) != begin {
			t.Errorf("%+v", s)
		}
	}
	if slots, err := d.Slots(saturday); err != nil || len(slots) != 0 {
		t.Error(slots, err)
	}
}

func TestWhoHasBookedGoesFirstUntilTenMinutesAfter(t *testing.T) {
	d := newDesk(t) // 14:42
	for range 2 {
		_, err := d.Book(today, 15*60, 30)
		must(t, err)
	}
	d.take(2)
	if err := d.Came("R9"); !errors.Is(err, queue.ErrNumber) {
		t.Error(err)
	}
	must(t, d.Came("R1"))
	d.want("R1 1 2", "", "")
	if err := d.Came("R1"); !errors.Is(err, queue.ErrNumber) {
		t.Errorf("twice: %v", err)
	}
	d.clock.Advance(27 * time.Minute) // 15:09
	if v := d.View(); len(v.Bookings) != 1 || v.Bookings[0].State != queue.Planned {
		t.Errorf("%+v", v.Bookings)
	}
	d.clock.Advance(time.Minute)
	if v := d.View(); len(v.Bookings) != 1 || v.Bookings[0].State != queue.Missed {
		t.Errorf("%+v", v.Bookings)
	}
	if _, err := d.Book(today, 15*60, 15); err != nil {
		t.Errorf("the place of who did not come is not free: %v", err)
	}
	must(t, d.Came("R2")) // late: as the others
	d.want("R1 1 2 R2", "", "")
}

func TestWhoWaitsIsKnownToWhoWouldProlong(t *testing.T) {
	d := newDesk(t)
	if d.Waits() {
		t.Error("nobody is there")
	}
	_, err := d.Book(today, 15*60, 30)
	must(t, err)
	if d.Waits() {
		t.Error("18 minutes before")
	}
	d.clock.Advance(3 * time.Minute) // 14:45
	if !d.Waits() {
		t.Error("a quarter of an hour before")
	}
	d.clock.Advance(25 * time.Minute) // 15:10
	if d.Waits() {
		t.Error("it was missed")
	}
	d.take(1)
	if !d.Waits() {
		t.Error("one waits")
	}
	d.next("")
	if !d.Waits() {
		t.Error("one is on the way")
	}
	must(t, d.Served("1"))
	if d.Waits() {
		t.Error("nobody is left")
	}
}

func TestAtMidnightTheNumbersAreErasedFromTheDiskToo(t *testing.T) {
	d := newDesk(t)
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- d.Run(ctx) }()
	defer func() { cancel(); must(t, <-ran) }()
	d.take(3)
	_, err := d.Book(today, 15*60, 30)
	must(t, err)
	_, err = d.Book(tomorrow, 10*60, 30)
	must(t, err)
	changed, stop := d.Changes()
	defer stop()
	d.clock.Advance(10 * time.Hour) // 0:42
	select {
	case <-changed: // nobody has looked: it was done by itself
	case <-time.After(time.Minute):
		t.Fatal("nothing was erased")
	}
	d.want("", "", "")
	if strings.Contains(string(d.disk.saved), today) {
		t.Errorf("the disk has %s", d.disk.saved)
	}
	if n, err := d.Take(); err != nil || n.Number != 1 {
		t.Errorf("%+v %v", n, err)
	}
	must(t, d.Came("R1"))
	if d.View().Undo == nil {
		t.Error("a gesture of today cannot be taken back")
	}
}

func TestYesterdaysGestureCannotBeTakenBack(t *testing.T) {
	d := newDesk(t)
	d.clock.Advance(9*time.Hour + 17*time.Minute + 30*time.Second) // 23:59:30
	d.take(1)
	g := d.View().Undo
	d.clock.Advance(45 * time.Second)
	if err := d.Undo(g.Seq); !errors.Is(err, queue.ErrUndo) {
		t.Errorf("yesterday's numbers are back: %v", err)
	}
	d.want("", "", "")
}

func TestWhileNobodyKnowsTheDateNumbersGoOn(t *testing.T) {
	d := newDesk(t)
	d.take(2)
	wall := d.clock.Wall()
	d.clock.SetWall(clock.Wall{Time: time.Date(1970, 1, 1, 0, 1, 0, 0, time.UTC)})
	d.clock.Reboot("boot-2")
	d.start()
	d.want("1 2", "", "")
	d.take(1)
	for what, err := range map[string]error{"book": func() error { _, err := d.Book(today, 15*60, 15); return err }(), "came": d.Came("R1")} {
		if !errors.Is(err, queue.ErrNoTime) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := d.Slots(today); !errors.Is(err, queue.ErrNoTime) {
		t.Error(err)
	}
	d.clock.SetWall(wall)
	d.want("1 2 3", "", "") // it is still the same day
	wall.Time = wall.Time.AddDate(0, 0, 1)
	d.clock.SetWall(wall)
	d.want("", "", "")
}

func TestNumbersThatWereGivenBeforeTheDateWasKnownAreTodays(t *testing.T) {
	d := newDesk(t)
	wall := d.clock.Wall()
	d.clock.SetWall(clock.Wall{Time: wall.Time})
	d.start()
	d.take(2)
	d.clock.SetWall(wall)
	d.want("1 2", "", "")
}

func TestAFullDiskChangesNothing(t *testing.T) {
	d := newDesk(t)
	d.take(1)
	d.disk.full = true
	if _, err := d.Take(); !errors.Is(err, queue.ErrStore) || !errors.Is(err, errFull) {
		t.Error(err)
	}
	if _, err := d.Next(""); !errors.Is(err, queue.ErrStore) {
		t.Error(err)
	}
	d.want("1", "", "")
	d.disk.full = false
	d.take(1)
	d.want("1 2", "", "")
}

func TestAFileThatIsNoQueuesIsSetAside(t *testing.T) {
	dir := t.TempDir()
	f := queue.File{Path: filepath.Join(dir, "queue.json"), BootID: "boot-1"}
	if b, err := f.Load(); err != nil || b != nil {
		t.Errorf("%s %v", b, err)
	}
	must(t, f.Save([]byte(`{"last":1,"tickets":[{"number":1,"state":"waiting"}]}`)))
	if b, err := f.Load(); err != nil || len(b) == 0 {
		t.Errorf("%s %v", b, err)
	}
	if info, err := os.Stat(f.Path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	for _, bad := range []string{"{", `{"last":1,"tickets":[{"number":2,"state":"waiting"}]}`, `{"last":-1}`, `{"last":2,"tickets":[{"number":1,"state":"waiting"},{"number":1,"state":"called"}]}`} {
		must(t, os.WriteFile(f.Path, []byte(bad), 0o600))
		if b, err := f.Load(); err != nil || b != nil {
			t.Errorf("%s is read: %s %v", bad, b, err)
		}
		if got, err := os.ReadFile(f.Path + ".corrupt-boot-1"); err != nil || string(got) != bad {
			t.Errorf("%s is not set aside: %s %v", bad, got, err)
		}
	}
}

func FuzzFile(f *testing.F) {
	f.Add([]byte(`{"boot":"b","date":"2026-11-24","last":2,"tickets":[{"number":1,"state":"called","post":"Poste 1","since":5}],"bookings":[{"day":"2026-11-25","number":1,"from":600,"length":30,"state":"planned"}]}`))
	f.Add([]byte(`{"last":1,"tickets":[{"number":3,"booked":true,"state":"absent"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := &desk{t: t, clock: clock.NewFake(), disk: &disk{saved: b}, posts: 2}
		var err error
		if d.Queue, err = queue.New(d.options()); err != nil {
			return // it is no queue's, and File sets it aside
		}
		if _, err := d.Take(); err != nil && !errors.Is(err, queue.ErrMany) {
			t.Error(err)
		}
		if _, err := queue.New(d.options()); err != nil {
			t.Errorf("what it has written cannot be read: %v", err)
		}
	})
}
