package printing

import (
	"errors"
	"strings"
	"testing"
)

func TestWhatWaitedBeforeACrashIsDroppedWhenItsSessionIsOver(t *testing.T) {
	before := newRoom(t)
	for range 2 {
		before.ask(t, request(printJob), strings.NewReader("page"))
	}
	before.be("two", true)
	before.ask(t, request(printJob), strings.NewReader("another's"))
	r := roomOf(t, before.printer, before.memory) // the next run
	r.end("one")
	r.until(t, "what waits of the one that is over is gone", func() bool { return r.printer.state(1) == canceled && r.printer.state(2) == canceled })
	r.until(t, "it is not remembered any more", func() bool { return !r.memory.has("one") })
	if r.printer.state(3) == canceled || !r.memory.has("two") {
		t.Errorf("the other's job is in state %d; remembered: %v", r.printer.state(3), r.memory.has("two"))
	}
}

func TestWhatAnOpenSessionPrintsOverACrashComesOutAndIsCounted(t *testing.T) {
	before := newRoom(t)
	before.ask(t, request(printJob), strings.NewReader("page"))
	r := roomOf(t, before.printer, before.memory) // the next run
	r.until(t, "its job is known again", func() bool {
		r.Front.mu.Lock()
		defer r.Front.mu.Unlock()
		return len(r.Front.sessions["one"].jobs) == 1
	})
	r.printer.set(1, 9, 4)
	r.until(t, "its pages are counted", func() bool { return len(r.pages()) == 1 && r.pages()[0] == 4 })
	if a := r.ask(t, request(printJob), strings.NewReader("more")); a.code != 0 {
		t.Errorf("it prints no more: %#x", a.code)
	}
	if r.printer.job(1).user != r.printer.job(2).user {
		t.Error("after the crash the printer takes it for somebody else")
	}
}

// A session that only asks is written nowhere; one that prints is, or does not print.
func TestNothingIsPrintedThatNobodyRemembers(t *testing.T) {
	r := newRoom(t)
	r.ask(t, request(printerStatus), nil)
	r.ask(t, request(getJobs), nil)
	if r.memory.has("one") {
		t.Error("it is remembered without having printed")
	}
	r.memory.breaks(errors.New("the disk is full"))
	for _, op := range []uint16{printJob, createJob} {
		if a := r.ask(t, request(op), strings.NewReader("page")); a.code != unavailable {
			t.Errorf("operation %#x: %#x", op, a.code)
		}
	}
	if r.printer.job(1).user != "" {
		t.Error("the printer has a job")
	}
	r.memory.breaks(nil)
	if a := r.ask(t, request(printJob), strings.NewReader("page")); a.code != 0 || !r.memory.has("one") {
		t.Errorf("once it can be written: %#x, remembered: %v", a.code, r.memory.has("one"))
	}
}
