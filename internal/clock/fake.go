package clock

import (
	"sync"
	"time"
)

// Fake is a clock that stands still until it is moved. It serves tests and nothing else.
type Fake struct {
	mu     sync.Mutex
	boot   Boot
	wall   Wall
	bootID string
	timers map[chan struct{}]Boot
}

var _ Clock = (*Fake)(nil)

// NewFake returns a clock one minute after a boot named "boot-1", on a Tuesday at 14:42 UTC.
func NewFake() *Fake {
	return &Fake{
		boot:   Boot(time.Minute),
		wall:   Wall{Time: time.Date(2026, 11, 24, 14, 42, 0, 0, time.UTC), Quality: Synchronised},
		bootID: "boot-1",
		timers: map[chan struct{}]Boot{},
	}
}

// Advance moves both clocks forward and fires the timers that are due.
func (f *Fake) Advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.boot = f.boot.Add(d)
	f.wall.Time = f.wall.Time.Add(d)
	f.fire()
}

// SetWall makes the civil time jump; Boot does not notice.
func (f *Fake) SetWall(w Wall) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wall = w
}

// Reboot starts the machine again under another boot id: Boot counts from zero.
func (f *Fake) Reboot(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.boot, f.bootID = 0, id
}

func (f *Fake) fire() {
	for ch, at := range f.timers {
		if at <= f.boot {
			close(ch)
			delete(f.timers, ch)
		}
	}
}

// Boot implements Clock.
func (f *Fake) Boot() Boot {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.boot
}

// Wall implements Clock.
func (f *Fake) Wall() Wall {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wall
}

// BootID implements Clock.
func (f *Fake) BootID() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bootID
}

// At implements Clock.
func (f *Fake) At(b Boot) (<-chan struct{}, func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	ch := make(chan struct{})
	f.timers[ch] = b
	f.fire()
	return ch, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.timers, ch)
	}
}
