package sessions_test

import (
	"context"
	"testing"
	"time"

	"parvis/sessions"
)

// slowKernel is one whose dump of counters takes as long as the test wants: what it says is of before.
type slowKernel struct {
	sessions.Enforcer
	begun, rest chan struct{}
}

func (k *slowKernel) Usage() ([]sessions.Usage, error) {
	usage, err := k.Enforcer.Usage()
	if k.begun != nil {
		k.begun <- struct{}{}
		<-k.rest
	}
	return usage, err
}

// While the counters are read people open and end, and what those have carried that end meanwhile is known all the same.
func TestNobodyWaitsForAReading(t *testing.T) {
	w := newWorld(t)
	slow := &slowKernel{Enforcer: w.kernel}
	w.opts.Enforcer = slow
	w.restart()
	s := w.open(phone, visitor)
	w.kernel.Carry(s.Slot, 1000, 0)
	w.clock.Advance(time.Minute)
	slow.begun, slow.rest = make(chan struct{}), make(chan struct{})
	stepped := make(chan struct{})
	go func() {
		defer close(stepped)
		w.Step(context.Background())
	}()
	<-slow.begun
	other := w.open(laptop, visitor)
	w.kernel.Carry(s.Slot, 500, 0)
	if _, err := w.End(t.Context(), s.ID, sessions.ByResident); err != nil {
		t.Fatal(err)
	}
	w.kernel.Carry(other.Slot, 70, 0)
	slow.begun = nil
	close(slow.rest)
	<-stepped
	w.pass(time.Second)
	if got := w.get(s.ID); got.Down != 1500 {
		t.Errorf("who ended meanwhile has %d bytes of 1500", got.Down)
	}
	if got := w.get(other.ID); got.Down != 70 || got.State != sessions.Open {
		t.Errorf("who came meanwhile: %+v", got)
	}
}
