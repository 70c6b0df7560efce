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

// run lets the manager live by itself; stop ends it and returns what it said.
func (w *world) run() (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	return func() error { cancel(); return <-done }
}

func TestPeopleAreCutOnTimeWithAFullDisk(t *testing.T) {
	w := newWorld(t)
	byTime, byHand := w.open(phone, visitor), w.open(laptop, visitor)
	w.store.Fail(sessionstest.Save, errors.New("disk full"))
	w.use(byTime.ID, 30*time.Minute)
	w.end(byHand.ID, sessions.ByOperator)
	w.use(byTime.ID, 30*time.Minute)
	w.pass(0)
	if n := len(w.kernel.Grants()); n != 0 {
		t.Errorf("%d still pass", n)
	}
	if st := w.Status(); st.Store.OK || st.Store.Error != "disk full" {
		t.Errorf("status: %+v", st.Store)
	}
	w.heal()
	w.pass(30 * time.Second)
	if st := w.Status(); !st.Store.OK {
		t.Errorf("status after: %+v", st.Store)
	}
	for _, r := range w.store.Rows() {
		if r.State != sessions.Ended {
			t.Errorf("disk after: %+v", r)
		}
	}
}

func TestAKernelThatDoesNotFollowIsAskedUntilItDoes(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	deaf := errors.New("deaf")
	w.kernel.Fail(sessionstest.Drop, deaf)
	w.kernel.Fail(sessionstest.Sync, deaf)
	ended, err := w.End(t.Context(), s.ID, sessions.ByResident)
	if !errors.Is(err, sessions.ErrEnforce) || ended.State != sessions.Ended {
		t.Fatalf("End: %+v, %v", ended, err)
	}
	before := w.kernel.Calls(sessionstest.Sync)
	w.pass(31 * time.Second) // after 1, 3, 7, 15 and 31 s
	if n := w.kernel.Calls(sessionstest.Sync) - before; n != 4 && n != 5 {
		t.Errorf("%d tries in 31 s", n)
	}
	if _, err := w.Open(t.Context(), request(laptop, visitor)); !errors.Is(err, sessions.ErrEnforce) {
		t.Errorf("Open: %v", err)
	}
	if st := w.Status(); st.Enforcer.OK || st.Slots.Free != 3 {
		t.Errorf("a refusal costs a slot, or all seems well: %+v", st)
	}
	w.heal()
	w.pass(30 * time.Second)
	if n := len(w.kernel.Grants()); n != 0 || !w.Status().Enforcer.OK {
		t.Errorf("%d pass once it follows; %+v", n, w.Status().Enforcer)
	}
}

func TestAKernelThatComesBackIsUsedAtTheNextClick(t *testing.T) {
	w := newWorld(t)
	w.kernel.Fail(sessionstest.Put, errors.New("deaf"))
	if _, err := w.Open(t.Context(), request(phone, visitor)); !errors.Is(err, sessions.ErrEnforce) {
		t.Fatal(err)
	}
	w.heal()
	w.clock.Advance(time.Second)
	w.open(phone, visitor)
}

// In a bubble of testing/synctest Wait returns when every goroutine waits for something that only the test can do.

func TestEverythingIsLaidAnewWhenTheLinkIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := w.open(phone, visitor)
		w.kernel.Carry(s.Slot, 100, 10)
		w.pass(time.Minute)
		stop := w.run()
		w.kernel.Emit(sessions.Event{Kind: sessions.LinkLost, Detail: "br-public"})
		synctest.Wait()
		if st := w.Status(); st.LinkLost != "br-public" {
			t.Errorf("status without the link: %+v", st)
		}
		w.kernel.Lose()
		w.kernel.Emit(sessions.Event{Kind: sessions.LinkBack, Detail: "br-public"})
		synctest.Wait()
		if n := len(w.kernel.Grants()); n != 1 || w.Status().LinkLost != "" {
			t.Fatalf("%d grants, status %+v", n, w.Status())
		}
		w.kernel.Carry(s.Slot, 200, 20) // more than before: only a reading at once tells that it began again
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if got := w.get(s.ID); got.Down != 300 || got.End != s.End {
			t.Errorf("after: %+v", got)
		}
	})
}

func TestRunEndsSessionsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		stop := w.run()
		synctest.Wait() // asleep without a deadline: only the opening can wake it
		s := w.open(phone, small)
		synctest.Wait()
		w.clock.Advance(time.Hour)
		synctest.Wait()
		if got := w.get(s.ID); got.Reason != sessions.ByTime {
			t.Errorf("after its time: %+v", got)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAStopThatCannotWriteSaysSo(t *testing.T) {
	w := newWorld(t)
	w.open(phone, visitor)
	stop := w.run()
	w.store.Fail(sessionstest.Save, errors.New("disk full"))
	if err := stop(); !errors.Is(err, sessions.ErrStore) {
		t.Errorf("Run: %v", err)
	}
}

func TestReadersDoNotWaitForTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := w.open(phone, visitor)
		release := w.store.Hold()
		opened := make(chan error, 1)
		go func() {
			_, err := w.Open(context.Background(), request(laptop, visitor))
			opened <- err
		}()
		synctest.Wait()
		select {
		case err := <-opened:
			t.Fatalf("the disk was not waited for: %v", err)
		default:
		}
		if _, ok := w.Of(phone.MAC); !ok {
			t.Error("Of does not find the phone")
		}
		if _, ok := w.Of(laptop.MAC); ok {
			t.Error("the laptop is shown before its row is durable")
		}
		if _, err := w.Get(s.ID); err != nil {
			t.Error(err)
		}
		if n := len(w.List()); n != 1 {
			t.Errorf("%d listed", n)
		}
		if st := w.Status(); st.Open != 1 {
			t.Errorf("status: %+v", st)
		}
		release()
		if err := <-opened; err != nil {
			t.Fatal(err)
		}
	})
}

func TestABrowserThatHangsUpIsNoFaultOfTheDisk(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.Open(ctx, request(phone, visitor)); !errors.Is(err, context.Canceled) || errors.Is(err, sessions.ErrStore) {
		t.Errorf("Open: %v", err)
	}
	if st := w.Status(); !st.Store.OK || st.Open != 0 {
		t.Errorf("status: %+v", st)
	}
}
