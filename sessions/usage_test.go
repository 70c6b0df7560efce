package sessions_test

import (
	"errors"
	"testing"
	"time"

	"parvis/sessions"
	"parvis/sessions/sessionstest"
)

func TestIdlenessEndsASessionAndIsGivenBack(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	w.use(s.ID, 10*time.Minute)
	w.pass(14 * time.Minute)
	if got := w.get(s.ID); got.State != sessions.Open {
		t.Fatalf("before 15 silent minutes: %+v", got)
	}
	w.pass(2 * time.Minute)
	got := w.get(s.ID)
	if got.Reason != sessions.ByIdle || got.Left < 49*time.Minute || got.Left > 50*time.Minute {
		t.Errorf("10 minutes used, then silence: %+v", got)
	}
}

func TestTheEndOfAMorningStandsOverIdleness(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, morning)
	w.pass(20 * time.Minute)
	if got := w.get(s.ID); got.Reason != sessions.ByIdle || got.Left != 100*time.Minute {
		t.Errorf("after 20 silent minutes: %+v", got)
	}
}

func TestWhoIsActiveIsNeverTakenForIdle(t *testing.T) {
	for _, every := range []time.Duration{10 * time.Second, 59 * time.Second, 14*time.Minute + 59*time.Second} {
		w := newWorld(t)
		s := w.open(phone, visitor)
		for d := time.Duration(0); d+every < time.Hour; d += every {
			w.pass(every)
			w.kernel.Carry(s.Slot, 1, 0)
		}
		if got := w.get(s.ID); got.State != sessions.Open {
			t.Errorf("a packet every %v: %+v", every, got)
		}
	}
}

func TestNobodyIsJudgedByCountersThatCannotBeRead(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	w.kernel.Fail(sessionstest.Usage, errors.New("busy"))
	w.pass(30 * time.Minute)
	if got := w.get(s.ID); got.State != sessions.Open {
		t.Fatalf("ended while nothing could be read: %+v", got)
	}
	if st := w.Status(); st.Enforcer.OK {
		t.Error("status says that all is well")
	}
	w.kernel.Carry(s.Slot, 1, 0)
	w.heal()
	w.pass(31 * time.Second)
	if got := w.get(s.ID); got.State != sessions.Open || got.Down != 1 || !w.Status().Enforcer.OK {
		t.Errorf("once they can be read: %+v", got)
	}
}

func TestVolumeEndsASessionSoonAfterItIsUsedUp(t *testing.T) {
	for _, tc := range []struct {
		name        string
		profile     func(sessions.Profile) sessions.Profile
		bytesPerSec uint64
		late        time.Duration
	}{
		{"at its class's rate", func(p sessions.Profile) sessions.Profile { return p }, 125_000, 2 * time.Second},
		{"slowly", func(p sessions.Profile) sessions.Profile { return p }, 10_000, 2 * time.Second},
		{"without a class", func(p sessions.Profile) sessions.Profile { p.Down, p.Up = 0, 0; return p }, 100_000, 2 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			p := tc.profile(small)
			p.Name = "measured"
			w.opts.Profiles = append(w.opts.Profiles, p)
			w.restart()
			s := w.open(phone, p)
			usedUp := time.Duration(p.Volume/tc.bytesPerSec) * time.Second
			took := time.Duration(0)
			for ; w.get(s.ID).State == sessions.Open && took < 2*usedUp; took += time.Second {
				w.kernel.Carry(s.Slot, tc.bytesPerSec/2, tc.bytesPerSec/2)
				w.pass(time.Second)
				w.pass(0)
			}
			got := w.get(s.ID)
			if got.Reason != sessions.ByVolume || took > usedUp+tc.late || got.BytesLeft != 0 || got.Left != 0 {
				t.Errorf("used up after %v, ended after %v: %+v", usedUp, took, got)
			}
		})
	}
}

func TestVolumeThatTheLastCountUsesUpIsNotLeft(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, small)
	w.kernel.Carry(s.Slot, small.Volume, 0)
	w.end(s.ID, sessions.ByResident)
	w.pass(200 * time.Millisecond)
	w.pass(0)
	if got := w.get(s.ID); got.Left != 0 || got.BytesLeft != 0 {
		t.Errorf("%+v", got)
	}
}

func TestAResumedSessionGoesOnCounting(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, small)
	w.kernel.Carry(s.Slot, 1000, 0)
	w.pass(time.Minute)
	w.end(s.ID, sessions.ByResident)
	w.pass(time.Second)
	again := w.open(phone, small)
	if again.Slot == s.Slot {
		t.Fatal("its slot has not rested")
	}
	w.kernel.Carry(again.Slot, 5000, 0)
	w.pass(time.Minute)
	w.pass(0)
	if got := w.get(s.ID); got.Down != 6000 || got.BytesLeft != small.Volume-6000 {
		t.Errorf("%+v", got)
	}
}

func TestTheDiskIsWrittenOnceAMinuteAtMost(t *testing.T) {
	w := newWorld(t)
	w.pass(3 * time.Hour)
	before := w.store.Calls(sessionstest.Save)
	s := w.open(phone, visitor)
	for range 100 {
		w.kernel.Carry(s.Slot, 1, 1)
		w.pass(6 * time.Second)
	}
	if n := w.store.Calls(sessionstest.Save) - before; n != 10 && n != 11 {
		t.Errorf("%d writes for an opening and 10 minutes", n)
	}
}

func TestOneReadingServesAll(t *testing.T) {
	w := newWorld(t)
	var all []sessions.Session
	for n := byte(1); n <= 4; n++ {
		all = append(all, w.open(device(n), visitor))
	}
	before := w.kernel.Calls(sessionstest.Usage)
	for range 30 {
		for _, s := range all {
			w.kernel.Carry(s.Slot, 1, 1)
		}
		w.pass(time.Minute)
	}
	if n := w.kernel.Calls(sessionstest.Usage) - before; n > 31 {
		t.Errorf("%d readings in 30 minutes with 4 inside", n)
	}
}

func TestOneWhoIsSilentNearTheVolumeIsNotPolled(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, small)
	w.kernel.Carry(s.Slot, small.Volume-1000, 0)
	w.pass(time.Minute)
	before := w.kernel.Calls(sessionstest.Usage)
	w.pass(20 * time.Minute)
	if n := w.kernel.Calls(sessionstest.Usage) - before; n > 30 {
		t.Errorf("%d readings in 20 silent minutes", n)
	}
}

func TestTheLastBytesAreCounted(t *testing.T) {
	w := newWorld(t)
	var all []sessions.Session
	for n := byte(1); n <= 3; n++ {
		all = append(all, w.open(device(n), visitor))
	}
	w.pass(time.Second)
	before := w.kernel.Calls(sessionstest.Usage)
	for _, s := range all {
		w.kernel.Carry(s.Slot, 700, 70)
		w.end(s.ID, sessions.ByResident)
	}
	back := w.open(device(1), visitor) // before the last count of its former slot
	w.kernel.Carry(back.Slot, 5, 5)
	w.pass(200 * time.Millisecond)
	w.pass(0)
	if n := w.kernel.Calls(sessionstest.Usage) - before; n != 1 {
		t.Errorf("%d readings for three ends at once", n)
	}
	for i, want := range []uint64{705, 700, 700} {
		if got := w.get(all[i].ID); got.Down != want {
			t.Errorf("session %d: %d bytes down, want %d", i, got.Down, want)
		}
	}
	w.pass(time.Minute)
	for _, r := range w.store.Rows() {
		if r.Down < 700 {
			t.Errorf("disk, a minute later: %+v", r)
		}
	}
}

// The daemon dies after it has counted, and the session ends before the next one has read: what the kernel still says may be
// in the count already.
func TestALastCountOfAnEarlierRunIsNotPaidTwice(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	w.kernel.Carry(s.Slot, 1000, 0)
	w.kernel.Flush()
	w.kernel.Carry(s.Slot, 500, 0)
	w.pass(2 * time.Minute)
	w.restart()
	w.end(s.ID, sessions.ByResident)
	w.pass(2 * time.Minute)
	if got := w.get(s.ID); got.Down != 1500 {
		t.Errorf("1500 bytes have passed, %d were counted", got.Down)
	}
}
