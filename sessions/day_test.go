package sessions_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parvis/internal/clock"
	"parvis/sessions"
)

func TestADayIsCountedOverAllSessionsOfADevice(t *testing.T) {
	w := newWorld(t)
	first := w.open(phone, daily)
	w.use(first.ID, 40*time.Minute)
	w.end(first.ID, sessions.ByOperator)
	w.pass(time.Hour) // outside: nothing runs
	second := w.open(phone, daily)
	if second.ID == first.ID || second.Left != 50*time.Minute {
		t.Fatalf("of 90 minutes 40 are used, and %v are left", second.Left)
	}
	if g := w.kernel.Grants()[0]; g.End != second.End || second.End != w.clock.Boot().Add(50*time.Minute) {
		t.Errorf("the kernel would let it pass until %v, the day until %v", time.Duration(g.End), time.Duration(second.End))
	}
	w.open(laptop, daily) // another device has its own day
	w.use(second.ID, 50*time.Minute)
	w.pass(0)
	if got := w.get(second.ID); got.Reason != sessions.ByDay || got.Left != 0 {
		t.Errorf("when the day is used up: %+v", got)
	}
	if _, err := w.Open(t.Context(), request(phone, daily)); !errors.Is(err, sessions.ErrDay) {
		t.Errorf("a tap then: %v", err)
	}
	w.open(phone, visitor) // under rules that do not count days
}

func TestADaysVolumeEndsASession(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, daily)
	w.kernel.Carry(s.Slot, daily.DailyVolume/2, 0)
	w.pass(time.Minute)
	w.end(s.ID, sessions.ByResident)
	s = w.open(phone, daily)
	w.kernel.Carry(s.Slot, daily.DailyVolume/4, daily.DailyVolume/4)
	w.pass(time.Minute)
	w.pass(0)
	if got := w.get(s.ID); got.Reason != sessions.ByDay {
		t.Errorf("%+v", got)
	}
	if _, err := w.Open(t.Context(), request(phone, daily)); !errors.Is(err, sessions.ErrDay) {
		t.Errorf("a tap then: %v", err)
	}
}

func TestTheDeskGivesMoreThanTheDay(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, daily)
	w.use(s.ID, time.Hour)
	w.pass(0)
	s = w.open(phone, daily)
	w.use(s.ID, 30*time.Minute)
	w.pass(0)
	if got := w.get(s.ID); got.Reason != sessions.ByDay {
		t.Fatalf("%+v", got)
	}
	req := request(phone, daily)
	req.By, req.For = sessions.FromOperator, 2*time.Hour
	s, err := w.Open(t.Context(), req)
	if err != nil || s.Left != 2*time.Hour {
		t.Fatalf("%+v, %v", s, err)
	}
	w.use(s.ID, 2*time.Hour-time.Second)
	if got := w.get(s.ID); got.State != sessions.Open {
		t.Errorf("%+v", got)
	}
}

func TestAnExtensionByTheDeskIsNotBoundByTheDay(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, daily)
	req := request(phone, daily)
	req.By, req.For = sessions.FromOperator, 3*time.Hour
	if got, err := w.Open(t.Context(), req); err != nil || got.ID != s.ID || got.Left != 3*time.Hour {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSilenceThatIsGivenBackIsGivenBackToTheDay(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, daily)
	w.use(s.ID, 10*time.Minute)
	w.pass(20 * time.Minute)
	if got := w.get(s.ID); got.Reason != sessions.ByIdle {
		t.Fatalf("%+v", got)
	}
	if d := w.store.Days(); len(d) != 1 || d[0].Used < 9*time.Minute || d[0].Used > 11*time.Minute {
		t.Errorf("the disk has %+v", d)
	}
}

func TestADayBeginsAtMidnight(t *testing.T) {
	w := newWorld(t) // it is 14:42
	used, inside := w.open(phone, daily), w.open(laptop, daily)
	w.use(used.ID, time.Hour)
	w.pass(0)
	used = w.open(phone, daily)
	w.use(used.ID, 30*time.Minute)
	w.pass(0)
	if n := len(w.store.Days()); n != 2 {
		t.Fatalf("%d devices on the disk, %+v", n, w.store.Days())
	}
	w.end(inside.ID, sessions.ByOperator) // has ended already, or ends now
	w.pass(7*time.Hour + 42*time.Minute)  // 23:54
	late := w.open(tablet, daily)
	if _, err := w.Open(t.Context(), request(phone, daily)); !errors.Is(err, sessions.ErrDay) {
		t.Fatalf("at 23:54: %v", err)
	}
	w.use(late.ID, 6*time.Minute)
	w.use(late.ID, time.Minute)
	if s := w.open(phone, daily); s.Left != time.Hour {
		t.Errorf("after midnight: %+v", s)
	}
	w.pass(time.Minute)
	if d := w.store.Days(); len(d) != 2 {
		t.Errorf("yesterday is still on the disk: %+v", d)
	}
	// Who is inside over midnight has the new day whole.
	w.use(late.ID, 53*time.Minute)
	w.pass(0)
	if again := w.open(tablet, daily); again.Left < 34*time.Minute || again.Left > 36*time.Minute {
		t.Errorf("an hour, of which 6 minutes were yesterday's, and the day leaves %v", again.Left)
	}
}

// Nothing of a day outlives it by more than the hour after which the calendar is looked at, with nobody inside.
func TestTheDayIsForgottenWhenNobodyIsThere(t *testing.T) {
	w := newWorld(t)
	w.end(w.open(phone, daily).ID, sessions.ByOperator)
	w.pass(9*time.Hour + 17*time.Minute) // 23:59
	if n := len(w.store.Days()); n != 1 {
		t.Fatalf("%d", n)
	}
	w.pass(3 * time.Minute)
	if d := w.store.Days(); len(d) != 0 {
		t.Errorf("on the disk: %+v", d)
	}
}

func TestADayStandsStillWhileASessionIsSuspended(t *testing.T) {
	for name, again := range map[string]func(*world){
		"": func(*world) {}, "restart": (*world).restart, "reboot": func(w *world) { w.reboot("boot-2") },
	} {
		w := newWorld(t)
		p := daily
		p.Name, p.Daily = "short", 30*time.Minute
		w.opts.Profiles = append(w.opts.Profiles, p)
		w.restart()
		s := w.open(phone, p)
		w.use(s.ID, 10*time.Minute)
		w.contested(phone)
		w.pass(5 * time.Minute)
		again(w)
		down := uint64(1_000_000)
		if got, err := w.Change(t.Context(), s.ID, sessions.Rates{Down: &down}); err != nil || got.Left != 20*time.Minute {
			t.Errorf("%s: suspended: %v, %+v", name, err, got)
		}
		w.settled(phone)
		if got := w.get(s.ID); got.Left != 20*time.Minute {
			t.Errorf("%s: settled: %+v", name, got)
		}
	}
}

// While nobody knows how good the clock is, the last day holds, whatever the clock says.
func TestAClockThatJumpsGivesNoDay(t *testing.T) {
	const ten = 10 * 365 * 24 * time.Hour
	w := newWorld(t)
	w.opts.LastSlot = 0x3f
	w.restart()
	day := w.clock.Wall()
	s := w.open(phone, daily)
	w.use(s.ID, 30*time.Minute)
	w.end(s.ID, sessions.ByOperator)
	for _, jump := range []time.Duration{-ten, ten, 0} {
		for name, again := range map[string]func(){"": func() {}, "restart": w.restart, "reboot": func() { w.reboot(fmt.Sprint("after ", jump)) }} {
			w.clock.SetWall(clock.Wall{Time: day.Time.Add(jump), Quality: clock.Unknown})
			again()
			w.pass(time.Minute)
			s := w.open(phone, daily)
			if s.Left != time.Hour { // of 60 minutes of the day
				t.Fatalf("jump of %v, %s: %v left", jump, name, s.Left)
			}
			w.end(s.ID, sessions.ByOperator)
		}
	}
	// The clock is set, and it is the same day after all.
	w.clock.SetWall(clock.Wall{Time: day.Time.Add(2 * time.Hour), Quality: clock.Synchronised})
	s = w.open(phone, daily)
	w.use(s.ID, time.Hour)
	w.pass(0)
	if _, err := w.Open(t.Context(), request(phone, daily)); !errors.Is(err, sessions.ErrDay) {
		t.Errorf("the same day by a clock that is synchronised: %v", err)
	}
	// Another date by a clock that is synchronised is another day.
	w.clock.SetWall(clock.Wall{Time: day.Time.Add(24 * time.Hour), Quality: clock.Synchronised})
	w.open(phone, daily)
}

func TestADayOutlivesAPowerCutAndTimeWithoutPowerIsNotCounted(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, daily)
	w.use(s.ID, 40*time.Minute+30*time.Second)
	w.reboot("boot-2")
	w.kernel.Carry(s.Slot, 1, 0)
	w.pass(time.Minute)
	w.end(s.ID, sessions.ByOperator)
	again := w.open(phone, daily)
	if exact := 48*time.Minute + 30*time.Second; again.Left < exact || again.Left > exact+time.Minute {
		t.Errorf("the day leaves %v, want %v and a minute at most", again.Left, exact)
	}
}

// The day of one device, against an account kept outside: nobody gets more than a day allows and a minute for each power
// cut, nobody less, and no byte is counted twice, whatever happens to counters, daemon, power and clock.
func TestADayGivesWhatItAllows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.opts.LastSlot = 0x3f
		w.restart()
		var (
			online, gained time.Duration
			carried        uint64
			boots          = 1
		)
		inside := func() (sessions.Session, bool) {
			s, ok := w.Of(phone.MAC)
			return s, ok && s.State == sessions.Open
		}
		tick := func(d time.Duration) {
			if s, ok := inside(); ok && s.Suspended == "" {
				online += min(d, s.Left)
			}
			w.clock.Advance(d)
		}
		pass := func(d time.Duration) {
			for end := w.clock.Boot().Add(d); ; {
				before, was := inside()
				next, ok := w.Step(context.Background())
				after, is := w.Of(phone.MAC)
				if was && is && after.Reason == sessions.ByIdle { // what is given back
					online -= after.Left - before.Left
				}
				now := w.clock.Boot()
				if now == end {
					return
				}
				if !ok || next > end {
					next = end
				}
				tick(next.Sub(now))
			}
		}
		unwritten := func() time.Duration { return w.clock.Boot().Sub(w.store.Mark().Seen) }
		t.Repeat(map[string]func(*rapid.T){
			"open": func(t *rapid.T) {
				s, err := w.Open(context.Background(), request(phone, daily))
				switch {
				case errors.Is(err, sessions.ErrDay):
					if online < daily.Daily-time.Second && carried < daily.DailyVolume {
						t.Fatalf("refused after %v and %d bytes", online, carried)
					}
				case errors.Is(err, sessions.ErrContested), errors.Is(err, sessions.ErrFull):
				case err != nil:
					t.Fatal(err)
				case s.Left > daily.Daily-online+gained:
					t.Fatalf("online for %v, gained %v, and %v are left", online, gained, s.Left)
				}
			},
			"stop": func(t *rapid.T) {
				s, ok := inside()
				if !ok {
					t.Skip("outside")
				}
				r := rapid.SampledFrom([]sessions.Reason{sessions.ByResident, sessions.ByOperator}).Draw(t, "reason")
				if _, err := w.End(context.Background(), s.ID, r); err != nil {
					t.Fatal(err)
				}
			},
			"carry": func(t *rapid.T) {
				s, ok := inside()
				if !ok || s.Suspended != "" {
					t.Skip("nothing passes")
				}
				n := rapid.Uint64Range(1000, 5_000_000).Draw(t, "bytes")
				w.kernel.Carry(s.Slot, n, n)
				carried += 2 * n
			},
			"pass": func(t *rapid.T) {
				pass(time.Duration(rapid.IntRange(1, 300).Draw(t, "seconds")) * time.Second)
			},
			"contest": func(*rapid.T) { w.contested(phone) },
			"settle":  func(*rapid.T) { w.settled(phone) },
			"touch":   func(*rapid.T) { w.kernel.Flush(); w.happens(sessions.Event{Kind: sessions.Touched}) },
			"restart": func(t *rapid.T) {
				tick(time.Duration(rapid.IntRange(0, 100).Draw(t, "dead for")) * time.Second)
				w.restart()
			},
			"reboot": func(*rapid.T) {
				if _, ok := inside(); ok {
					gained += unwritten()
				}
				boots++
				w.reboot(fmt.Sprint("boot-", boots))
				w.kernel.Restart()
			},
			"jump": func(t *rapid.T) {
				years := time.Duration(rapid.IntRange(-10, 10).Draw(t, "years")) * 365 * 24 * time.Hour
				w.clock.SetWall(clock.Wall{Time: w.clock.Wall().Time.Add(years)})
			},
			"": func(t *rapid.T) {
				if online > daily.Daily+gained {
					t.Fatalf("online for %v of %v and %v gained by power cuts", online, daily.Daily, gained)
				}
				for _, d := range w.store.Days() {
					if d.Bytes > carried {
						t.Fatalf("the day has %d bytes of %d", d.Bytes, carried)
					}
				}
				if s, ok := inside(); ok && daily.DailyVolume-s.DayLeft > carried {
					t.Fatalf("the day has %d bytes of %d", daily.DailyVolume-s.DayLeft, carried)
				}
			},
		})
	})
}
