// Package bell tells listeners that something has changed. It says neither what nor how often: who hears it looks again.
package bell

import "sync"

// Bell is rung by the owner of a state and heard by who shows it. The zero value is ready; it is safe for concurrent use.
type Bell struct {
	mu        sync.Mutex
	listeners map[chan struct{}]struct{}
}

// Ring wakes every listener. It never waits: rings that nobody has heard yet are one.
func (b *Bell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.listeners {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Listen returns a channel that receives after rings, and what ends that.
func (b *Bell) Listen() (rung <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.listeners == nil {
		b.listeners = map[chan struct{}]struct{}{}
	}
	b.listeners[c] = struct{}{}
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.listeners, c)
	}
}
