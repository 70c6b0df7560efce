package sessions_test

import (
	"errors"
	"testing"
	"time"

	"parvis/sessions"
	"parvis/sessions/sessionstest"
)

func TestARestartOfTheDaemonChangesNothing(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	w.use(s.ID, 10*time.Minute)
	w.pass(20 * time.Second)
	w.kernel.Carry(s.Slot, 50, 5)
	syncs := w.kernel.Calls(sessionstest.Sync)
	w.clock.Advance(30 * time.Second) // the daemon is dead
	w.restart()
	w.pass(0)
	got := w.get(s.ID)
	if got.End != s.End || got.Slot != s.Slot || got.State != sessions.Open {
		t.Errorf("after: %+v, before: %+v", got, s)
	}
	if got.Down != 10050 || got.Up != 1005 {
		t.Errorf("bytes: %d down, %d up; want 10050, 1005", got.Down, got.Up)
	}
	if n := w.kernel.Calls(sessionstest.Sync) - syncs; n != 1 {
		t.Errorf("%d Syncs at the start", n)
	}
	if r := w.Status().Start; r != (sessions.Resumed{Open: 1, Seen: w.clock.Wall().Time.Add(-50 * time.Second), Sure: true}) {
		t.Errorf("status: %+v", r)
	}
}

func TestWhoseTimePassesWhileTheDaemonIsDeadHasEndedThen(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	w.clock.Advance(time.Hour + 4*time.Minute)
	w.restart()
	got := w.get(s.ID)
	if got.Reason != sessions.ByTime || len(w.kernel.Grants()) != 0 {
		t.Fatalf("after: %+v", got)
	}
	if want := w.clock.Wall().Time.Add(-4 * time.Minute); !got.EndedAt.Equal(want) {
		t.Errorf("ended at %v, want %v", got.EndedAt, want)
	}
	if st := w.Status(); st.Slots.Resting != 1 || st.Start.Ended != 1 {
		t.Errorf("status: %+v", st)
	}
	w.pass(time.Minute)
	if st := w.Status(); st.Slots.Resting != 0 {
		t.Errorf("the slot rests from the end of its session: %+v", st.Slots)
	}
}

func TestAPowerCutGivesBackAMinuteAtMost(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	w.use(s.ID, 20*time.Minute+30*time.Second)
	w.reboot("boot-2")
	got := w.get(s.ID)
	if exact := 39*time.Minute + 30*time.Second; got.Left < exact || got.Left > exact+time.Minute {
		t.Errorf("left %v, want %v to %v", got.Left, exact, exact+time.Minute)
	}
	if got.Down != 20000 {
		t.Errorf("%d bytes down, want the 20000 of the last minute's write", got.Down)
	}
	w.kernel.Carry(got.Slot, 30000, 7) // the kernel's counters have begun again
	w.pass(time.Minute)
	if got := w.get(s.ID); got.Down != 50000 {
		t.Errorf("%d bytes down, want 50000", got.Down)
	}
	if r := w.Status().Start; !r.Rebooted || r.Open != 1 {
		t.Errorf("status: %+v", r)
	}
	w.use(s.ID, got.Left)
	w.pass(0)
	if got := w.get(s.ID); got.Reason != sessions.ByTime {
		t.Errorf("at its end: %+v", got)
	}
}

func TestAnOrderlyStopLosesNothing(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	w.use(s.ID, 20*time.Minute)
	w.pass(30 * time.Second)
	w.kernel.Carry(s.Slot, 9, 9)
	stop := w.run()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	w.reboot("boot-2")
	if got := w.get(s.ID); got.Left != 39*time.Minute+30*time.Second || got.Down != 20009 {
		t.Errorf("after: %+v", got)
	}
}

func TestWhatIsRememberedOutlivesAPowerCut(t *testing.T) {
	for _, p := range []sessions.Profile{visitor, morning} {
		w := newWorld(t)
		away, inside := w.open(phone, p), w.open(laptop, visitor)
		w.use(inside.ID, 20*time.Minute)
		w.end(away.ID, sessions.ByIdle)
		before := w.get(away.ID)
		w.use(inside.ID, 10*time.Minute)
		w.reboot("boot-2")
		got := w.get(away.ID)
		want := before.Left
		if p.Runs == sessions.FromOpening {
			want -= 10 * time.Minute
		}
		if got.State != sessions.Ended || got.Left != want {
			t.Errorf("%s: left %v, want %v", p.Name, got.Left, want)
		}
		if s := w.open(phone, p); s.ID != away.ID {
			t.Errorf("%s: it does not resume", p.Name)
		}
	}
}

func TestKeepRunsOnOverAPowerCut(t *testing.T) {
	w := newWorld(t)
	away := w.open(phone, visitor)
	w.end(away.ID, sessions.ByResident)
	inside := w.open(laptop, visitor)
	w.use(inside.ID, time.Hour)
	w.pass(0)
	w.open(laptop, visitor) // the disk is told the time while somebody is inside
	w.reboot("boot-2")
	w.pass(visitor.Keep - time.Hour - time.Second)
	if _, err := w.Get(away.ID); err != nil {
		t.Errorf("before its time: %v", err)
	}
	w.pass(time.Second)
	if s, err := w.Get(away.ID); err == nil {
		t.Errorf("after Keep: %+v", s)
	}
}

func TestIdlenessBeginsAnewAfterAPowerCut(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	w.pass(14 * time.Minute)
	w.reboot("boot-2")
	w.pass(14 * time.Minute)
	if got := w.get(s.ID); got.State != sessions.Open {
		t.Errorf("14 silent minutes after the power came back: %+v", got)
	}
}

func TestAClockThatStartsAgainUnderTheSameNameIsAReboot(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	w.use(s.ID, 20*time.Minute)
	w.reboot("boot-1")
	if got := w.get(s.ID); got.Left != 40*time.Minute {
		t.Errorf("left %v, want 40m", got.Left)
	}
}

func TestSlotsRestOverRestartAndReboot(t *testing.T) {
	for name, again := range map[string]func(*world){
		"restart": (*world).restart, "reboot": func(w *world) { w.reboot("boot-2") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for n := byte(1); n <= 4; n++ {
				w.open(device(n), visitor)
			}
			w.end(w.List()[2].ID, sessions.ByOperator)
			again(w)
			w.pass(sessions.SlotRest - time.Second)
			if _, err := w.Open(t.Context(), request(device(9), visitor)); !errors.Is(err, sessions.ErrFull) {
				t.Errorf("before its rest is over: %v", err)
			}
			w.pass(time.Second)
			w.open(device(9), visitor)
		})
	}
}

func TestAChangedConfigurationIsFollowed(t *testing.T) {
	w := newWorld(t)
	kept, gone, moved := w.open(phone, visitor), w.open(laptop, morning), w.open(tablet, visitor)
	w.opts.Profiles = []sessions.Profile{visitor}
	w.opts.FirstSlot, w.opts.LastSlot = 0x10, 0x11
	w.restart()
	if s := w.get(kept.ID); s.Slot != 0x10 || s.End != kept.End {
		t.Errorf("kept: %+v", s)
	}
	if s := w.get(gone.ID); s.State != sessions.Ended || s.Reason != sessions.ByOperator {
		t.Errorf("its profile is gone: %+v", s)
	}
	// 0x11 rests after the one whose profile is gone, so there is no slot for the third.
	if s := w.get(moved.ID); s.State != sessions.Ended {
		t.Errorf("its slot is gone: %+v", s)
	}
	if st := w.Status(); st.Open != 1 || st.Start.Open != 1 || st.Start.Ended != 2 || st.Slots.Total != 2 {
		t.Errorf("status: %+v", st)
	}
	w.opts.FirstSlot, w.opts.LastSlot = 0x20, 0x21
	w.restart()
	if s := w.get(kept.ID); s.Slot != 0x20 || s.End != kept.End || w.kernel.Grants()[0].Slot != 0x20 {
		t.Errorf("moved to the new range: %+v", s)
	}
}

func TestAStoreThatCannotBeReadStopsTheStart(t *testing.T) {
	w := newWorld(t)
	w.store.Fail(sessionstest.Load, errors.New("bad sector"))
	m, err := sessions.New(w.opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context()); !errors.Is(err, sessions.ErrStore) {
		t.Errorf("Start: %v", err)
	}
}
