package sessions_test

import (
	"context"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/sessions"
)

func (w *world) ctx() context.Context { return context.Background() }

// newLine is a world whose profiles' time stands still while the line is down.
func newLine(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	for i := range w.opts.Profiles {
		w.opts.Profiles[i].LineStops = true
	}
	w.restart()
	return w
}

func TestTimeStandsStillFromTheThirdMinuteWithoutALineAndRunsOnWithIt(t *testing.T) {
	for _, p := range []sessions.Profile{visitor, morning, small, daily} {
		t.Run(p.Name, func(t *testing.T) {
			w := newLine(t)
			s := w.open(phone, p)
			w.kernel.Carry(s.Slot, 1, 1)
			w.pass(10 * time.Minute)
			w.SetLine(w.ctx(), false, w.clock.Boot())
			left := s.Left - 12*time.Minute
			w.pass(time.Minute)
			if got := w.get(s.ID); got.LineDown || got.Left != left+time.Minute {
				t.Errorf("after a minute: %+v", got)
			}
			w.pass(2 * time.Hour)
			got := w.get(s.ID)
			if got.State != sessions.Open || !got.LineDown || got.Left != left || got.End != w.clock.Boot().Add(left) {
				t.Fatalf("after two hours: %+v", got)
			}
			w.SetLine(w.ctx(), true, w.clock.Boot())
			w.pass(5 * time.Minute)
			if got := w.get(s.ID); got.State != sessions.Open || got.LineDown || got.Left != left-5*time.Minute {
				t.Errorf("with the line again: %+v", got)
			}
		})
	}
}

func TestALineThatIsToldLateHasStoppedTimeSinceItsThirdMinute(t *testing.T) {
	w := newLine(t)
	s := w.open(phone, visitor)
	down := w.clock.Boot().Add(3 * time.Minute)
	w.pass(10 * time.Minute)
	w.SetLine(w.ctx(), false, down)
	if got := w.get(s.ID); !got.LineDown || got.Left != 55*time.Minute {
		t.Errorf("%+v", got)
	}
}

func TestAShortOutageStopsNothingAndIsNotKept(t *testing.T) {
	w := newLine(t)
	s := w.open(phone, visitor)
	w.SetLine(w.ctx(), false, w.clock.Boot())
	w.pass(119 * time.Second)
	w.SetLine(w.ctx(), true, w.clock.Boot())
	if got := w.get(s.ID); got.Left != time.Hour-119*time.Second {
		t.Errorf("left %v", got.Left)
	}
	if all := w.Outages(); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

func TestTheKernelLetsPeopleInForAsLongAsTheDaemonPutsTheEndOff(t *testing.T) {
	w := newLine(t)
	w.open(phone, small) // whom nobody ends as idle
	w.pass(56 * time.Minute)
	w.SetLine(w.ctx(), false, w.clock.Boot()) // 4 minutes are left
	for range 300 {
		w.pass(time.Minute)
		if g := w.kernel.Grants(); len(g) != 1 || g[0].End <= w.clock.Boot() {
			t.Fatalf("the kernel has %+v at %v", g, time.Duration(w.clock.Boot()))
		}
	}
	g := w.kernel.Grants()[0]
	if most := w.clock.Boot().Add(5 * time.Minute); g.End > most {
		t.Errorf("a daemon that dies leaves it in for %v", g.End.Sub(w.clock.Boot()))
	}
	w.clock.Advance(time.Hour) // dead
	w.restart()
	if n := w.Status().Open; n != 0 {
		t.Errorf("%d are open after the daemon was dead for longer than was left", n)
	}
}

func TestWhoseProfileDoesNotStopGoesOnWithoutALine(t *testing.T) {
	w := newLine(t)
	w.opts.Profiles[0].LineStops = false
	w.restart()
	s := w.open(phone, visitor)
	w.SetLine(w.ctx(), false, w.clock.Boot())
	w.pass(10 * time.Minute)
	if got := w.get(s.ID); got.LineDown || got.Left != 50*time.Minute {
		t.Errorf("%+v", got)
	}
}

func TestWhoComesInWithoutALineHasAllOfTheirTimeAfterwards(t *testing.T) {
	w := newLine(t)
	w.SetLine(w.ctx(), false, w.clock.Boot())
	w.pass(10 * time.Minute)
	s := w.open(phone, visitor)
	w.pass(10 * time.Minute)
	w.SetLine(w.ctx(), true, w.clock.Boot())
	if got := w.get(s.ID); got.Left != time.Hour {
		t.Errorf("%+v", got)
	}
}

func TestClosingComesWithoutALineToo(t *testing.T) {
	w := newPlace(t)
	w.opts.Profiles[0].LineStops = true
	w.restart()
	s := w.open(phone, visitor)
	w.SetLine(w.ctx(), false, w.clock.Boot())
	w.pass(untilClosing)
	w.Step(w.ctx())
	if got := w.get(s.ID); got.Reason != sessions.ByClosing {
		t.Errorf("%+v", got)
	}
}

func TestNobodyIsIdleForWantOfALine(t *testing.T) {
	w := newLine(t)
	s := w.open(phone, visitor)
	w.pass(5 * time.Minute)
	w.SetLine(w.ctx(), false, w.clock.Boot())
	w.pass(time.Hour)
	w.SetLine(w.ctx(), true, w.clock.Boot())
	if got := w.get(s.ID); got.State != sessions.Open {
		t.Fatalf("%+v", got)
	}
	w.pass(14 * time.Minute)
	if got := w.get(s.ID); got.State != sessions.Open {
		t.Fatalf("idleness has not begun anew: %+v", got)
	}
	w.pass(time.Minute)
	w.Step(w.ctx())
	if got := w.get(s.ID); got.Reason != sessions.ByIdle {
		t.Errorf("%+v", got)
	}
}

func TestAnOutageIsKeptWithItsPeopleAndTheTimeGivenBack(t *testing.T) {
	w := newLine(t)
	w.open(phone, visitor)
	w.open(laptop, visitor)
	from := w.clock.Wall().Time
	w.SetLine(w.ctx(), false, w.clock.Boot())
	w.pass(32 * time.Minute)
	if all := w.Outages(); len(all) != 1 || !all[0].To.IsZero() || !all[0].From.Equal(from) || all[0].Devices != 2 {
		t.Errorf("while it lasts: %+v", all)
	}
	w.SetLine(w.ctx(), true, w.clock.Boot())
	w.restart()
	all := w.Outages()
	if len(all) != 1 {
		t.Fatalf("%+v", all)
	}
	if o := all[0]; !o.Sure || !o.From.Equal(from) || o.To.Sub(o.From) != 32*time.Minute || o.Devices != 2 || o.GivenBack != time.Hour {
		t.Errorf("%+v", o)
	}
	for range 60 {
		w.SetLine(w.ctx(), false, w.clock.Boot())
		w.pass(3 * time.Minute)
		w.SetLine(w.ctx(), true, w.clock.Boot())
	}
	if n := len(w.Outages()); n != 50 {
		t.Errorf("%d are kept", n)
	}
}

func TestTheDaysAllowanceStandsStillWithTheSession(t *testing.T) {
	w := newLine(t)
	s := w.open(phone, daily)
	w.pass(10 * time.Minute)
	w.SetLine(w.ctx(), false, w.clock.Boot())
	w.pass(3 * time.Hour)
	w.SetLine(w.ctx(), true, w.clock.Boot())
	w.end(s.ID, sessions.ByOperator)
	if again := w.open(phone, daily); again.Left != time.Hour {
		t.Errorf("left %v", again.Left)
	}
	w.kernel.Carry(w.kernel.Grants()[0].Slot, 1, 1)
	w.pass(time.Minute)
	var used time.Duration
	for _, d := range w.store.Days() {
		used = d.Used + w.clock.Boot().Sub(d.Through)
	}
	if used < 12*time.Minute || used > 14*time.Minute {
		t.Errorf("of the day %v are used", used)
	}
}

func TestAnOutageWithoutAClockSaysSo(t *testing.T) {
	w := newLine(t)
	w.clock.SetWall(clock.Wall{Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)})
	w.reboot("boot-2")
	w.SetLine(w.ctx(), false, w.clock.Boot())
	w.pass(10 * time.Minute)
	w.SetLine(w.ctx(), true, w.clock.Boot())
	if all := w.Outages(); len(all) != 1 || all[0].Sure {
		t.Errorf("%+v", all)
	}
}
