package scenes

import (
	"sync/atomic"
	"time"
)

// machine is how the machine keeps up: promises in seconds are the product's, and a machine that stands still keeps none.
type machine struct {
	late atomic.Int64 // the longest that a waking came after its time
	done chan struct{}
	gone chan struct{}
}

// watchMachine begins to watch it.
func watchMachine() *machine {
	m := &machine{done: make(chan struct{}), gone: make(chan struct{})}
	go func() {
		defer close(m.gone)
		const every = 10 * time.Millisecond
		for at := time.Now(); ; at = time.Now() {
			select {
			case <-time.After(every):
			case <-m.done:
				return
			}
			m.late.Store(max(m.late.Load(), int64(time.Since(at)-every)))
		}
	}()
	return m
}

// longest is for how long nothing of this program ran, at worst.
func (m *machine) longest() time.Duration { return time.Duration(m.late.Load()) }

func (m *machine) stop() {
	close(m.done)
	<-m.gone
}
