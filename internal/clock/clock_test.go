package clock_test

import (
	"testing"
	"time"

	"parvis/internal/clock"
)

// fired waits for ch with a bound that only a failure reaches.
func fired(t *testing.T, ch <-chan struct{}) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(10 * time.Second):
		t.Fatal("the timer did not fire")
	}
}

func still(t *testing.T, ch <-chan struct{}) {
	t.Helper()
	select {
	case <-ch:
		t.Fatal("the timer fired early")
	default:
	}
}

func TestFakeFiresWhenItIsDue(t *testing.T) {
	f := clock.NewFake()
	ch, stop := f.At(f.Boot().Add(time.Hour))
	defer stop()
	f.Advance(59 * time.Minute)
	still(t, ch)
	f.Advance(time.Minute)
	fired(t, ch)
}

func TestFakeFiresAtOnceForThePast(t *testing.T) {
	f := clock.NewFake()
	ch, stop := f.At(f.Boot())
	defer stop()
	fired(t, ch)
}

func TestFakeStoppedTimerStaysSilent(t *testing.T) {
	f := clock.NewFake()
	ch, stop := f.At(f.Boot().Add(time.Second))
	stop()
	f.Advance(time.Hour)
	still(t, ch)
}

func TestWallJumpsDoNotMoveBoot(t *testing.T) {
	f := clock.NewFake()
	before := f.Boot()
	f.SetWall(clock.Wall{Time: time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)})
	if got := f.Boot(); got != before {
		t.Errorf("Boot moved by %v", got.Sub(before))
	}
}

func TestShiftedTimerFollowsTheShift(t *testing.T) {
	base := clock.NewFake()
	s := clock.NewShifted(base)
	ch, stop := s.At(s.Boot().Add(time.Hour))
	defer stop()
	still(t, ch)
	s.Shift(time.Hour)
	fired(t, ch)
}

func TestShiftedMovesBothClocks(t *testing.T) {
	base := clock.NewFake()
	s := clock.NewShifted(base)
	s.Shift(50 * time.Minute)
	if got := s.Boot().Sub(base.Boot()); got != 50*time.Minute {
		t.Errorf("Boot shifted by %v", got)
	}
	if got := s.Wall().Time.Sub(base.Wall().Time); got != 50*time.Minute {
		t.Errorf("Wall shifted by %v", got)
	}
}

func TestShiftedWallJumpsAlone(t *testing.T) {
	base := clock.NewFake()
	s := clock.NewShifted(base)
	before := s.Boot()
	s.ShiftWall(-10 * 365 * 24 * time.Hour)
	if w := s.Wall(); w.Time.Year() != 2016 || w.Quality != clock.Unknown || s.Boot() != before {
		t.Errorf("after the jump: %v (%v), Boot moved by %v", w.Time, w.Quality, s.Boot().Sub(before))
	}
	s.ShiftWall(10 * 365 * 24 * time.Hour)
	if s.Wall() != base.Wall() {
		t.Errorf("back again: %+v", s.Wall())
	}
}

func TestSystemCountsFromBoot(t *testing.T) {
	s, err := clock.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	a := s.Boot()
	ch, stop := s.At(a.Add(time.Millisecond))
	defer stop()
	fired(t, ch)
	if b := s.Boot(); b.Sub(a) < time.Millisecond {
		t.Errorf("only %v passed", b.Sub(a))
	}
	if s.BootID() == "" {
		t.Error("no boot id")
	}
}

func TestShiftedIsSetAsByATimeDaemon(t *testing.T) {
	base := clock.NewFake()
	base.SetWall(clock.Wall{Time: time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)})
	s := clock.NewShifted(base)
	s.Shift(time.Hour)
	before, nine := s.Boot(), time.Date(2026, 11, 10, 9, 0, 0, 0, time.UTC)
	s.Set(nine)
	if w := s.Wall(); !w.Time.Equal(nine) || w.Quality != clock.Synchronised {
		t.Errorf("set to %v, it is %v, %v", nine, w.Time, w.Quality)
	}
	s.Shift(time.Hour)
	s.ShiftWall(0)
	if w := s.Wall(); !w.Time.Equal(nine.Add(time.Hour)) || w.Quality != clock.Synchronised {
		t.Errorf("an hour later it is %v, %v", w.Time, w.Quality)
	}
	if got := s.Boot().Sub(before); got != time.Hour {
		t.Errorf("Boot moved by %v, expected an hour", got)
	}
	s.ShiftWall(-time.Minute)
	if w := s.Wall(); w.Quality != clock.Unknown {
		t.Errorf("after a jump it is still %v", w.Quality)
	}
}
