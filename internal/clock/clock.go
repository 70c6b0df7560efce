// Package clock passes time in, so that nothing that decides about access reads it by itself.
//
// Two clocks exist and are never mixed. Boot is CLOCK_BOOTTIME (clock_gettime(2)): it counts from the start of the
// machine, goes on in suspend and never jumps; every deadline is one. Wall is the civil time for people, on routers
// without a battery clock wrong until NTP has set it; it carries its quality.
package clock

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Boot is a point in time: nanoseconds since the machine started.
type Boot time.Duration

// Add returns the point d later.
func (b Boot) Add(d time.Duration) Boot { return b + Boot(d) }

// Sub returns how long after u the point b is.
func (b Boot) Sub(u Boot) time.Duration { return time.Duration(b - u) }

// Quality says how far a Wall may be trusted.
type Quality uint8

const (
	// Unknown: the kernel says that nobody has set the clock (STA_UNSYNC, adjtimex(2)).
	Unknown Quality = iota
	// Synchronised: a time daemon keeps the clock.
	Synchronised
)

func (q Quality) String() string {
	if q == Synchronised {
		return "synchronised"
	}
	return "unknown"
}

// Wall is a civil time and how good it is.
type Wall struct {
	Time    time.Time
	Quality Quality
}

// Clock is what everything that needs time is given.
type Clock interface {
	Boot() Boot
	Wall() Wall
	// BootID names this run of the machine (/proc/sys/kernel/random/boot_id): Boot values of two
	// boots cannot be compared.
	BootID() string
	// At returns a channel that is closed once Boot has reached b, and a function that gives the
	// timer back. The function may be called more than once.
	At(b Boot) (<-chan struct{}, func())
}

// System is the machine's own clock.
type System struct{ bootID string }

var _ Clock = (*System)(nil)

// NewSystem reads the boot id once.
func NewSystem() (*System, error) {
	const path = "/proc/sys/kernel/random/boot_id"
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("clock: read boot id: %w", err)
	}
	return &System{bootID: strings.TrimSpace(string(b))}, nil
}

// Boot implements Clock. clock_gettime on CLOCK_BOOTTIME cannot fail on any kernel we support (2.6.39 and later).
func (*System) Boot() Boot {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		panic("clock: CLOCK_BOOTTIME: " + err.Error())
	}
	return Boot(ts.Nano())
}

// Wall implements Clock.
func (*System) Wall() Wall {
	q := Unknown
	var tx unix.Timex
	if _, err := unix.Adjtimex(&tx); err == nil && tx.Status&unix.STA_UNSYNC == 0 {
		q = Synchronised
	}
	return Wall{Time: time.Now(), Quality: q}
}

// BootID implements Clock.
func (s *System) BootID() string { return s.bootID }

// At implements Clock.
func (s *System) At(b Boot) (<-chan struct{}, func()) {
	ch := make(chan struct{})
	t := time.AfterFunc(max(b.Sub(s.Boot()), 0), func() { close(ch) })
	return ch, func() { t.Stop() }
}

// Shifted is a clock that can be moved forward, for the lab: a public day passes in seconds.
type Shifted struct {
	base   Clock
	offset atomic.Int64
	wall   atomic.Int64 // by which the civil time alone is off
	kept   atomic.Bool  // a time daemon is said to keep it there

	mu    sync.Mutex
	moved chan struct{} // closed and replaced at each Shift
}

var _ Clock = (*Shifted)(nil)

// NewShifted returns a clock that runs with base until it is shifted.
func NewShifted(base Clock) *Shifted {
	return &Shifted{base: base, moved: make(chan struct{})}
}

// Shift moves the clock forward by d; d must not be negative.
func (s *Shifted) Shift(d time.Duration) {
	if d < 0 {
		panic("clock: shift backwards")
	}
	s.offset.Add(int64(d))
	s.mu.Lock()
	close(s.moved)
	s.moved = make(chan struct{})
	s.mu.Unlock()
}

// ShiftWall makes the civil time jump by d, either way, as clock_settime(2) does: the kernel takes it for unsynchronised
// then, whatever a time daemon had said. Back at 0 it is the base's again.
func (s *Shifted) ShiftWall(d time.Duration) {
	if d != 0 {
		s.kept.Store(false)
	}
	s.wall.Add(int64(d))
}

// Set makes the civil time t and synchronised, as a time daemon does when it first hears from its servers. ShiftWall ends that.
func (s *Shifted) Set(t time.Time) {
	s.wall.Store(int64(t.Sub(s.base.Wall().Time.Add(s.off()))))
	s.kept.Store(true)
}

func (s *Shifted) off() time.Duration { return time.Duration(s.offset.Load()) }

// Boot implements Clock.
func (s *Shifted) Boot() Boot { return s.base.Boot().Add(s.off()) }

// Wall implements Clock.
func (s *Shifted) Wall() Wall {
	w := s.base.Wall()
	w.Time = w.Time.Add(s.off())
	if off := s.wall.Load(); off != 0 {
		w.Time, w.Quality = w.Time.Add(time.Duration(off)), Unknown
	}
	if s.kept.Load() {
		w.Quality = Synchronised
	}
	return w
}

// BootID implements Clock.
func (s *Shifted) BootID() string { return s.base.BootID() }

// At implements Clock.
func (s *Shifted) At(b Boot) (<-chan struct{}, func()) {
	ch, done := make(chan struct{}), make(chan struct{})
	var once sync.Once
	go func() {
		for {
			s.mu.Lock()
			moved := s.moved
			s.mu.Unlock()
			t, stop := s.base.At(b.Add(-s.off()))
			select {
			case <-t:
				close(ch)
				return
			case <-moved:
				stop()
			case <-done:
				stop()
				return
			}
		}
	}()
	return ch, func() { once.Do(func() { close(done) }) }
}
