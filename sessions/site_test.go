package sessions_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parvis/internal/clock"
	"parvis/sessions"
	"parvis/sessions/hours"
)

// newPlace is a world whose place closes at 16:00 UTC, 78 minutes after the beginning, and opens on the next day at 9:00. Nobody
// is idle there.
func newPlace(t rapid.TB) *world {
	t.Helper()
	w := newWorld(t)
	week, err := hours.ParseWeek("lun-dim 9:00-16:00")
	if err != nil {
		t.Fatal(err)
	}
	for i := range w.opts.Profiles {
		w.opts.Profiles[i].Idle = 0
	}
	w.opts.Hours = hours.New(hours.Config{Week: []hours.Week{week}})
	w.restart()
	return w
}

const untilClosing = 78 * time.Minute

func today(hour, minute int) time.Time { return time.Date(2026, 11, 24, hour, minute, 0, 0, time.UTC) }

func TestAtClosingAllEndTogether(t *testing.T) {
	w := newPlace(t)
	w.pass(30 * time.Minute)
	first, second := w.open(phone, visitor), w.open(laptop, morning)
	for _, s := range []sessions.Session{first, second} {
		if want := w.clock.Boot().Add(48 * time.Minute); s.End != want || !s.Closing {
			t.Errorf("ends at %v (closing %v), want %v", time.Duration(s.End), s.Closing, time.Duration(want))
		}
	}
	w.pass(48*time.Minute - time.Millisecond)
	if got := w.get(first.ID); got.State != sessions.Open {
		t.Fatalf("before closing: %+v", got)
	}
	w.pass(time.Millisecond)
	w.Step(t.Context())
	for _, s := range []sessions.Session{first, second} {
		if got := w.get(s.ID); got.State != sessions.Ended || got.Reason != sessions.ByClosing || got.Left != 0 {
			t.Errorf("at closing: %+v", got)
		}
	}
	if site := w.Site(); site.Open || site.Why != sessions.ByHours || !site.Next.Equal(time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)) {
		t.Errorf("site: %+v", site)
	}
}

func TestTheKernelNeverLetsAnybodyInPastClosing(t *testing.T) {
	w := newPlace(t)
	w.pass(30 * time.Minute)
	w.open(phone, visitor)
	closing := w.clock.Boot().Add(48 * time.Minute)
	if g := w.kernel.Grants()[0]; g.End != closing {
		t.Errorf("the kernel's end is %v, closing %v", time.Duration(g.End), time.Duration(closing))
	}
	w.tell(w.OpenUntil(t.Context(), today(15, 42)))
	if g := w.kernel.Grants()[0]; g.End != w.clock.Boot().Add(30*time.Minute) {
		t.Errorf("after a gesture the kernel's end is %v", time.Duration(g.End))
	}
}

func TestAClosedPlaceLetsOnlyTheStaffIn(t *testing.T) {
	w := newPlace(t)
	w.pass(untilClosing + 2*time.Hour)
	for _, by := range []sessions.Opener{sessions.FromResident, sessions.FromVoucher, sessions.FromDesk, sessions.FromOperator} {
		req := request(phone, visitor)
		req.By = by
		if _, err := w.Open(t.Context(), req); !errors.Is(err, sessions.ErrClosed) {
			t.Errorf("%s: %v", by, err)
		}
	}
	req := request(phone, visitor)
	req.By = sessions.FromStaff
	s, err := w.Open(t.Context(), req)
	if err != nil || s.Left != visitor.Duration {
		t.Errorf("the staff: %+v, %v", s, err)
	}
}

func TestTheDeskLetsPeopleGoOnForAnHourPastClosing(t *testing.T) {
	w := newPlace(t)
	w.pass(untilClosing - 10*time.Minute)
	s := w.open(phone, visitor)
	if _, err := w.PastClosing(t.Context(), s.ID, 61*time.Minute); !errors.Is(err, sessions.ErrWhen) {
		t.Errorf("61 minutes: %v", err)
	}
	s, err := w.PastClosing(t.Context(), s.ID, time.Hour)
	if err != nil || !s.Past || s.Left != 70*time.Minute {
		t.Fatalf("%+v, %v", s, err)
	}
	w.pass(69 * time.Minute)
	if got := w.get(s.ID); got.State != sessions.Open {
		t.Fatalf("an hour past closing, less a minute: %+v", got)
	}
	w.pass(time.Minute)
	w.Step(t.Context())
	if got := w.get(s.ID); got.State != sessions.Ended {
		t.Fatalf("an hour past closing: %+v", got)
	}
}

func TestTheDeskOpensInTheHourAfterClosing(t *testing.T) {
	w := newPlace(t)
	w.pass(untilClosing + 20*time.Minute)
	req := request(phone, visitor)
	req.By = sessions.FromDesk
	s, err := w.Open(t.Context(), req)
	if err != nil || s.Left != 40*time.Minute {
		t.Errorf("left %v, %v", s.Left, err)
	}
}

func TestAPauseCutsSaysHowManyAndEndsByItself(t *testing.T) {
	w := newPlace(t)
	staff := request(tablet, visitor)
	staff.By = sessions.FromStaff
	if _, err := w.Open(t.Context(), staff); err != nil {
		t.Fatal(err)
	}
	s, other := w.open(phone, visitor), w.open(laptop, visitor)
	w.pass(10 * time.Minute)
	if site := w.Site(); site.Bound != 2 {
		t.Errorf("before: %+v", site)
	}
	cut, err := w.Pause(t.Context(), sessions.PauseRequest{Until: today(15, 22)})
	if cut != 2 || err != nil {
		t.Errorf("cut %d, %v", cut, err)
	}
	if got := w.get(other.ID); got.Reason != sessions.ByPause || got.Left != 50*time.Minute {
		t.Errorf("cut: %+v", got)
	}
	if site := w.Site(); site.Open || site.Why != sessions.ByPaused || !site.Until.Equal(today(15, 22)) || !site.Next.Equal(today(15, 22)) {
		t.Errorf("during: %+v", site)
	}
	if _, err := w.Open(t.Context(), request(phone, visitor)); !errors.Is(err, sessions.ErrClosed) {
		t.Errorf("a resident during the pause: %v", err)
	}
	w.pass(30 * time.Minute)
	again := w.open(phone, visitor)
	if again.ID != s.ID || again.Left != 38*time.Minute || !again.Closing { // 50 minutes are its own
		t.Errorf("after the pause: %+v", again)
	}
}

func TestAGestureIsOfTheNextDayAtMost(t *testing.T) {
	w := newPlace(t)
	for name, until := range map[string]time.Time{"past": today(14, 0), "now": today(14, 42), "in two days": today(14, 42).AddDate(0, 0, 2), "none": {}} {
		if err := w.OpenUntil(t.Context(), until); !errors.Is(err, sessions.ErrWhen) {
			t.Errorf("open until %s: %v", name, err)
		}
		if _, err := w.Pause(t.Context(), sessions.PauseRequest{Until: until}); !errors.Is(err, sessions.ErrWhen) {
			t.Errorf("pause until %s: %v", name, err)
		}
	}
}

func TestOpenUntilMovesTheClosing(t *testing.T) {
	for _, tt := range []struct {
		name           string
		gesture, until time.Time
		after          time.Duration // whether it is open then
		open           bool
	}{
		{"later", today(18, 0), today(18, 0), 3 * time.Hour, true},
		{"and then it closes", today(18, 0), today(18, 0), 4 * time.Hour, false},
		{"earlier", today(15, 0), today(15, 0), 20 * time.Minute, false},
		{"as its hours have it", today(16, 0), today(16, 0), 79 * time.Minute, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newPlace(t)
			w.tell(w.OpenUntil(t.Context(), tt.gesture))
			if site := w.Site(); !site.Open || site.Why != sessions.ByOpened || !site.Until.Equal(tt.until) {
				t.Errorf("right after: %+v", site)
			}
			w.pass(tt.after)
			if site := w.Site(); site.Open != tt.open {
				t.Errorf("after %v: %+v", tt.after, site)
			}
		})
	}
}

func TestAPlaceWithoutHoursThatIsOpenUntilATimeStaysClosedForTheDay(t *testing.T) {
	for _, known := range []bool{true, false} {
		w := newWorld(t)
		if !known {
			w.clock.SetWall(clock.Wall{Time: today(14, 42)})
			w.restart()
		}
		s := w.open(phone, small)
		w.tell(w.OpenUntil(t.Context(), today(15, 0)))
		if got := w.get(s.ID); got.Left != 18*time.Minute || !got.Closing {
			t.Errorf("clock known %v: %+v", known, got)
		}
		w.pass(20 * time.Minute)
		if site := w.Site(); site.Open || !site.Next.Equal(today(24, 0)) {
			t.Errorf("clock known %v, after closing: %+v", known, site)
		}
		if got := w.get(s.ID); got.Reason != sessions.ByClosing {
			t.Errorf("clock known %v: %+v", known, got)
		}
		w.pass(9 * time.Hour)
		if site := w.Site(); !site.Open {
			t.Errorf("clock known %v, on the next day: %+v", known, site)
		}
	}
}

func TestOpenUntilTheUsualOpeningLeadsOnIntoTheUsualHours(t *testing.T) {
	w := newPlace(t)
	w.pass(untilClosing + 16*time.Hour) // 8:00
	w.tell(w.OpenUntil(t.Context(), today(9, 0).AddDate(0, 0, 1)))
	if site := w.Site(); !site.Open || !site.Until.Equal(today(16, 0).AddDate(0, 0, 1)) {
		t.Errorf("%+v", site)
	}
}

func TestResumeTakesAPauseBackAndThenAnOpening(t *testing.T) {
	w := newPlace(t)
	w.tell(w.OpenUntil(t.Context(), today(18, 0)))
	if _, err := w.Pause(t.Context(), sessions.PauseRequest{Until: today(15, 0)}); err != nil {
		t.Fatal(err)
	}
	w.tell(w.Resume(t.Context()))
	if site := w.Site(); site.Why != sessions.ByOpened {
		t.Errorf("after the pause: %+v", site)
	}
	w.tell(w.Resume(t.Context()))
	if site := w.Site(); site.Why != sessions.ByHours || !site.Until.Equal(today(16, 0)) {
		t.Errorf("after the opening: %+v", site)
	}
}

func TestAnExceptionHoldsAndIsTakenBack(t *testing.T) {
	w := newPlace(t)
	d := hours.Date{Year: 2026, Month: 11, Day: 24}
	s := w.open(phone, visitor)
	w.tell(w.SetException(t.Context(), hours.Exception{Date: d, Open: hours.Day{{From: 9 * 60, To: 15 * 60}}}))
	if got := w.get(s.ID); got.Left != 18*time.Minute || !got.Closing {
		t.Errorf("with the exception: %+v", got)
	}
	if open := w.OpenOn(d); len(open) != 1 || open[0].To != 15*60 {
		t.Errorf("the date with the exception: %v", open)
	}
	w.tell(w.DropException(t.Context(), d))
	if open := w.OpenOn(d); len(open) == 0 || open[len(open)-1].To != 16*60 {
		t.Errorf("the date without it: %v", open)
	}
	if got := w.get(s.ID); got.Left != time.Hour {
		t.Errorf("without it: %+v", got)
	}
	if err := w.DropException(t.Context(), d); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("twice: %v", err)
	}
	if err := w.SetException(t.Context(), hours.Exception{Date: d.Add(-1)}); !errors.Is(err, sessions.ErrWhen) {
		t.Errorf("yesterday: %v", err)
	}
}

func TestGesturesOutliveARestartAndAPowerCutWithoutAClock(t *testing.T) {
	for name, again := range map[string]func(*world){
		"restart": func(w *world) { w.restart() },
		"power cut, clock not set": func(w *world) {
			w.clock.SetWall(clock.Wall{Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
			w.reboot("boot-2")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newPlace(t)
			w.tell(w.SetException(t.Context(), hours.Exception{Date: hours.Date{Year: 2026, Month: 12, Day: 25}}))
			if _, err := w.Pause(t.Context(), sessions.PauseRequest{Until: today(15, 12)}); err != nil {
				t.Fatal(err)
			}
			again(w)
			if site := w.Site(); site.Open || site.Why != sessions.ByPaused {
				t.Errorf("%+v", site)
			}
			if es := w.Exceptions(); len(es) != 1 {
				t.Errorf("exceptions: %v", es)
			}
			w.pass(30 * time.Minute)
			if site := w.Site(); !site.Open {
				t.Errorf("after the pause: %+v", site)
			}
		})
	}
}

func TestWithAClockThatNobodyHasSetTheLastDecisionHolds(t *testing.T) {
	for _, open := range []bool{true, false} {
		w := newPlace(t)
		if !open {
			w.pass(untilClosing + time.Hour)
		}
		w.Step(t.Context())
		w.pass(2 * time.Minute) // the decision is written
		w.clock.SetWall(clock.Wall{Time: time.Date(2026, 1, 1, 3, 0, 0, 0, time.UTC)})
		w.reboot("boot-2")
		if site := w.Site(); site.Open != open || site.Why != sessions.ByClock || !site.Until.IsZero() {
			t.Errorf("was open %v: %+v", open, site)
		}
		w.pass(20 * time.Hour)
		if site := w.Site(); site.Open != open {
			t.Errorf("was open %v, and 20 hours later: %+v", open, site)
		}
		w.clock.SetWall(clock.Wall{Time: today(12, 0), Quality: clock.Synchronised})
		w.pass(time.Minute)
		if site := w.Site(); !site.Open || site.Why != sessions.ByHours {
			t.Errorf("once the clock is set: %+v", site)
		}
	}
}

func TestAClockThatIsLostAgainRunsOn(t *testing.T) {
	w := newPlace(t)
	s := w.open(phone, morning)
	w.pass(time.Minute)
	w.clock.SetWall(clock.Wall{Time: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)})
	w.pass(untilClosing)
	if got := w.get(s.ID); got.Reason != sessions.ByClosing {
		t.Errorf("%+v", got)
	}
}

func TestAClockThatJumpsMovesTheClosing(t *testing.T) {
	w := newPlace(t)
	s := w.open(phone, morning)
	w.clock.SetWall(clock.Wall{Time: today(15, 50), Quality: clock.Synchronised})
	w.Step(t.Context())
	w.clock.Advance(time.Second) // the kernel is told no more than once a second
	w.Step(t.Context())
	if got := w.get(s.ID); got.Left != 10*time.Minute-time.Second {
		t.Errorf("left %v", got.Left)
	}
	if g := w.kernel.Grants()[0]; g.End != w.get(s.ID).End {
		t.Errorf("the kernel has %v", time.Duration(g.End))
	}
}

func TestWhoWasInsideWhenTheDaemonDiedIsCutAtClosingAllTheSame(t *testing.T) {
	w := newPlace(t)
	s := w.open(phone, morning)
	w.clock.Advance(untilClosing + 10*time.Minute)
	w.restart()
	got := w.get(s.ID)
	if got.Reason != sessions.ByClosing || got.EndedAt.Sub(today(16, 0)).Abs() > time.Second {
		t.Errorf("%+v, ended at %v", got, got.EndedAt)
	}
}

func (w *world) tell(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestWhoListensHearsThatThePlaceHasClosed(t *testing.T) {
	w := newPlace(t)
	rung, stop := w.Changes()
	defer stop()
	w.pass(untilClosing)
	w.Step(context.Background())
	select {
	case <-rung:
	default:
		t.Error("nothing was heard")
	}
}
