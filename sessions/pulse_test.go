package sessions_test

import (
	"context"
	"runtime"
	"testing"
)

// What watches over the daemon asks Pulse: Run goes round each time, although nothing is due.
func TestAPulseShowsThatRunGetsOn(t *testing.T) {
	w := newWorld(t)
	if a, b := w.Pulse(), w.Pulse(); a != b {
		t.Fatalf("%d, %d: nobody runs", a, b)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	for last := w.Pulse(); last < 20; {
		if now := w.Pulse(); now < last {
			t.Fatalf("%d after %d", now, last)
		} else {
			last = now
		}
		runtime.Gosched()
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
