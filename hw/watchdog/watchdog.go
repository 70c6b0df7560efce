// Package watchdog lets the board restart itself when the daemon hangs: the hardware timer behind /dev/watchdog
// (Documentation/watchdog/watchdog-api.rst) is fed, and systemd's word is kept (sd_notify(3), WATCHDOG=1), as long as every loop of the
// daemon gets on, and not one time more.
//
// What is told to get on is Health: the loops themselves, never the world outside. A line that is down, a full disk or a kernel that refuses is
// a loop that gets on.
package watchdog

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"parvis/internal/clock"
)

// State is what has become of the timer.
type State string

// The states.
const (
	None   State = ""       // none is wanted
	Fed    State = "fed"    // it runs and is fed
	Held   State = "held"   // another program has it: procd on OpenWrt, systemd with RuntimeWatchdogSec
	Absent State = "absent" // this box has none, or its module is not loaded
	Failed State = "failed" // it cannot be used
	Hung   State = "hung"   // something hangs: it is not fed, and the board is about to restart
)

// Options of New.
type Options struct {
	Path    string        // of the timer: /dev/watchdog; "" none
	Timeout time.Duration // after which the board restarts, whole seconds; the timer may have another one of its own
	Health  *Health
	Systemd *Systemd // nil: nobody is told
	// Clock is the machine's own: a lab's that is moved would look like a hanging daemon.
	Clock clock.Clock
	Log   *slog.Logger
}

// device is a timer that runs.
type device interface {
	feed() error
	timeout() time.Duration // its own
	disarm() error          // stops it where it can be stopped, and closes it
}

// Watchdog feeds. Close comes after the end of everything that it watches over.
type Watchdog struct {
	Options
	open func(path string, timeout time.Duration) (device, error)

	mu    sync.Mutex
	dev   device
	state State
}

// New returns one that feeds nothing yet.
func New(o Options) *Watchdog { return &Watchdog{Options: o, open: openDevice} }

// State says what has become of the timer.
func (w *Watchdog) State() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

// again is how long until a timer that cannot be had is asked for once more.
const again = time.Minute

// Run feeds until ctx ends. It leaves the timer running: from then on the daemon has its timeout to end in order and call Close.
func (w *Watchdog) Run(ctx context.Context) error {
	if w.Path == "" && w.Systemd.Every() == 0 {
		return nil
	}
	var opened clock.Boot
	for first := true; ; first = false {
		now := w.Clock.Boot()
		if w.Path != "" && w.held() == nil && (first || now.Sub(opened) >= again) {
			opened = now
			w.take()
		}
		w.feed()
		due, stop := w.Clock.At(now.Add(w.period()))
		select {
		case <-due:
		case <-ctx.Done():
			stop()
			return nil
		}
	}
}

func (w *Watchdog) held() device {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dev
}

// period is the time between two feedings: a quarter of the shorter of the times in which one must come.
func (w *Watchdog) period() time.Duration {
	least := again
	if d := w.held(); d != nil {
		least = d.timeout() / 4
	}
	if s := w.Systemd.Every(); s > 0 {
		least = min(least, s/4)
	}
	return least
}

// take opens the timer, from which moment it runs.
func (w *Watchdog) take() {
	d, err := w.open(w.Path, w.Timeout)
	state := Fed
	switch {
	case err == nil:
	case errors.Is(err, unix.EBUSY):
		state = Held
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		state = Absent
	default:
		state = Failed
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if state != w.state {
		if err != nil {
			w.Log.Warn("watchdog: the timer is not ours", "path", w.Path, "state", string(state), "error", err)
		} else {
			w.Log.Info("watchdog: the timer runs", "path", w.Path, "timeout", d.timeout())
		}
	}
	w.dev, w.state = d, state
}

// feed feeds whoever waits for it, if nothing hangs.
func (w *Watchdog) feed() {
	hung := w.Health.Hung()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(hung) > 0 {
		if w.state != Hung {
			w.Log.Error("watchdog: the daemon hangs and the timer is not fed: the board, or the service, is about to restart", "hangs", strings.Join(hung, ", "))
			w.state = Hung
		}
		return
	}
	if w.state == Hung {
		w.Log.Info("watchdog: nothing hangs any more")
		if w.state = None; w.dev != nil {
			w.state = Fed
		}
	}
	w.Systemd.Alive()
	if w.dev == nil {
		return
	}
	if err := w.dev.feed(); err != nil {
		w.Log.Error("watchdog: the timer cannot be fed", "error", err)
		w.state = Failed
		return
	}
	w.state = Fed
}

// Close stops the timer: the daemon ends in order.
func (w *Watchdog) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dev == nil {
		return nil
	}
	err := w.dev.disarm()
	w.dev, w.state = nil, None
	return err
}
