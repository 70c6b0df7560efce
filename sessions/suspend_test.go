package sessions_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"parvis/sessions"
	"parvis/sessions/sessionstest"
)

// happens makes the enforcer see something, and what is due then.
func (w *world) happens(e sessions.Event) {
	w.Happened(e)
	w.Step(context.Background())
}

func (w *world) contested(d sessions.Device) {
	w.happens(sessions.Event{Kind: sessions.Contested, MAC: d.MAC, Contest: sessions.TwoPorts})
}

func (w *world) settled(d sessions.Device) {
	w.happens(sessions.Event{Kind: sessions.Settled, MAC: d.MAC})
}

func TestAContestedDeviceIsSuspendedAndGoesOnWhenItIsAlone(t *testing.T) {
	for _, tc := range []struct {
		profile sessions.Profile
		left    time.Duration // after 10 minutes used, 10 suspended
	}{
		{visitor, 50 * time.Minute},  // time stands still
		{morning, 100 * time.Minute}, // its end stands
	} {
		t.Run(tc.profile.Name, func(t *testing.T) {
			w := newWorld(t)
			s := w.open(phone, tc.profile)
			other := w.open(laptop, visitor)
			w.use(s.ID, 10*time.Minute)
			w.contested(phone)
			if got := w.get(s.ID); got.Suspended != sessions.TwoPorts || got.State != sessions.Open {
				t.Fatalf("contested: %+v", got)
			}
			for _, g := range w.kernel.Grants() {
				if g.Suspended != (g.MAC == phone.MAC) {
					t.Errorf("the kernel has %+v", g)
				}
			}
			for range 10 {
				w.kernel.Carry(s.Slot, 1000, 1000) // what the kernel counts and refuses
				w.kernel.Carry(other.Slot, 1, 1)
				w.pass(time.Minute)
			}
			if _, err := w.Open(t.Context(), request(phone, tc.profile)); !errors.Is(err, sessions.ErrContested) {
				t.Errorf("a tap meanwhile: %v", err)
			}
			w.settled(phone)
			got := w.get(s.ID)
			if got.Suspended != "" || got.Left != tc.left || got.Slot != s.Slot {
				t.Errorf("settled: %+v, want %v left", got, tc.left)
			}
			w.kernel.Carry(s.Slot, 5, 0)
			w.pass(time.Minute)
			w.pass(0)
			if got := w.get(s.ID); got.Down != 10_005 || got.Up != 1000 {
				t.Errorf("what was refused is counted, or what passed is not: %+v", got)
			}
			if g := w.kernel.Grants()[0]; g.Suspended || g.End != w.get(s.ID).End {
				t.Errorf("the kernel has %+v", g)
			}
		})
	}
}

func TestADeviceThatIsContestedCannotOpen(t *testing.T) {
	w := newWorld(t)
	w.contested(phone)
	for _, by := range []sessions.Opener{sessions.FromResident, sessions.FromOperator} {
		req := request(phone, visitor)
		req.By = by
		if _, err := w.Open(t.Context(), req); !errors.Is(err, sessions.ErrContested) {
			t.Errorf("by %s: %v", by, err)
		}
	}
	w.open(laptop, visitor)
	w.settled(phone)
	w.open(phone, visitor)
}

func TestASuspensionThatNobodySettlesEndsLikeSilence(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	w.use(s.ID, 10*time.Minute)
	w.contested(phone)
	w.pass(visitor.Idle - time.Second)
	if got := w.get(s.ID); got.State != sessions.Open {
		t.Fatalf("before its time: %+v", got)
	}
	w.pass(time.Second)
	w.pass(0)
	if got := w.get(s.ID); got.Reason != sessions.ByIdle || got.Left < 50*time.Minute || got.Left > 51*time.Minute {
		t.Errorf("%+v", got)
	}
	if len(w.kernel.Grants()) != 0 {
		t.Error("its place is still taken")
	}
	w.settled(phone)
	if again := w.open(phone, visitor); again.ID != s.ID {
		t.Error("its time is lost")
	}
}

// After a start nobody knows whether the other device is still there: the suspension holds for as long as it takes to see.
func TestASuspensionOutlivesARestartUntilItIsSeenAgainOrNot(t *testing.T) {
	for name, again := range map[string]func(*world){
		"restart": (*world).restart, "reboot": func(w *world) { w.reboot("boot-2") },
	} {
		for _, seen := range []bool{true, false} {
			w := newWorld(t)
			s := w.open(phone, visitor)
			w.use(s.ID, 10*time.Minute)
			w.contested(phone)
			w.pass(5 * time.Minute)
			again(w)
			if g := w.kernel.Grants(); len(g) != 1 || !g[0].Suspended {
				t.Fatalf("%s: the kernel has %+v", name, g)
			}
			if seen {
				w.contested(phone)
			}
			w.pass(11 * time.Second)
			got := w.get(s.ID)
			if (got.Suspended != "") != seen {
				t.Errorf("%s, seen again %v: %+v", name, seen, got)
			}
			if want := 50*time.Minute - time.Second; got.Left < want || got.Left > 50*time.Minute {
				t.Errorf("%s, seen again %v: left %v", name, seen, got.Left)
			}
		}
	}
}

func TestAKernelThatRefusesASuspensionIsAskedUntilItFollows(t *testing.T) {
	w := newWorld(t)
	w.open(phone, visitor)
	w.kernel.Fail(sessionstest.Put, errors.New("deaf"))
	w.contested(phone)
	if w.Status().Enforcer.OK {
		t.Error("status says that all is well")
	}
	w.pass(2 * time.Second)
	if g := w.kernel.Grants(); !g[0].Suspended {
		t.Errorf("the kernel has %+v", g)
	}
}

func TestWhatAnotherProgramTouchesIsLaidAnewAtMostOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.open(phone, visitor)
		w.pass(time.Minute)
		stop := w.run()
		before := w.kernel.Calls(sessionstest.Sync)
		w.kernel.Lose()
		w.kernel.Emit(sessions.Event{Kind: sessions.Touched, Detail: "a set"})
		synctest.Wait()
		if n := len(w.kernel.Grants()); n != 1 {
			t.Fatalf("not repaired at once: %d grants", n)
		}
		for range 100 { // ten seconds of a loop that undoes everything ten times a second
			w.kernel.Emit(sessions.Event{Kind: sessions.Touched, Detail: "a set"})
			synctest.Wait()
			w.clock.Advance(100 * time.Millisecond)
			synctest.Wait()
		}
		if n := w.kernel.Calls(sessionstest.Sync) - before; n < 10 || n > 11 {
			t.Errorf("%d Syncs in 10 s", n)
		}
		w.open(laptop, visitor) // and people get in meanwhile
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}
