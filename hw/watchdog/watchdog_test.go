package watchdog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"parvis/internal/clock"
)

// bone is a timer in the memory: it counts what it is given. The hardware lab has real ones, which bite.
type bone struct {
	of    time.Duration
	fed   chan struct{}
	ended atomic.Bool
	fails atomic.Bool
}

func (b *bone) timeout() time.Duration { return b.of }

func (b *bone) feed() error {
	if b.ended.Load() || b.fails.Load() {
		return fs.ErrClosed
	}
	b.fed <- struct{}{}
	return nil
}

func (b *bone) disarm() error {
	b.ended.Store(true)
	return nil
}

// world is a watchdog with one part of a daemon that answers when it is let.
type world struct {
	*Watchdog
	clock *clock.Fake
	bone  *bone
	err   atomic.Pointer[error] // of opening
	stop  func()

	lively []string // parts that get on all the time
}

func newWorld(t *testing.T, checks ...Check) *world {
	w := &world{clock: clock.NewFake(), bone: &bone{of: 20 * time.Second, fed: make(chan struct{}, 1000)}}
	health := NewHealth(w.clock, checks...)
	w.Watchdog = New(Options{Path: "/dev/watchdog", Timeout: 20 * time.Second, Health: health, Clock: w.clock, Log: slog.New(slog.DiscardHandler)})
	w.open = func(string, time.Duration) (device, error) {
		if err := w.err.Load(); err != nil {
			return nil, *err
		}
		return w.bone, nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	w.stop = func() {
		cancel()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		done <- nil
		done <- nil
	}
	go func() { done <- health.Run(ctx) }()
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(w.stop)
	return w
}

// until lets time pass in small steps until something holds, and no faster than the parts that get on can show it.
func (w *world) until(holds func() bool) {
	for !holds() {
		for _, name := range w.lively {
			for w.Health.silence(name) > askEvery {
				runtime.Gosched()
			}
		}
		w.clock.Advance(time.Second / 2)
		runtime.Gosched()
	}
}

// silence is since when a part has shown nothing.
func (h *Health) silence(name string) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock.Boot().Sub(h.last[name])
}

func (w *world) fed() bool {
	select {
	case <-w.bone.fed:
		return true
	default:
		return false
	}
}

func alive(context.Context) bool { return true }

func TestTheTimerIsFedWhileThePartsGetOn(t *testing.T) {
	w := newWorld(t, Check{"portal", alive}, Check{"sessions", alive})
	w.lively = []string{"portal", "sessions"}
	for range 50 {
		w.until(w.fed)
	}
	if s := w.State(); s != Fed {
		t.Error(s)
	}
}

func TestAPartThatHangsStopsTheFeeding(t *testing.T) {
	for about, hang := range map[string]func(context.Context) bool{
		"one that never answers":   func(ctx context.Context) bool { <-ctx.Done(); return false },
		"one that answers it does": func(context.Context) bool { return false },
	} {
		t.Run(about, func(t *testing.T) {
			w := newWorld(t, Check{"portal", alive}, Check{"sessions", hang})
			w.until(func() bool { return w.State() == Hung })
			for w.fed() {
			}
			for range 200 {
				w.clock.Advance(time.Second)
			}
			if w.fed() {
				t.Error("it was fed")
			}
			if names := w.Health.Hung(); !slices.Contains(names, "sessions") {
				t.Error(names)
			}
		})
	}
}

func TestAPartThatGetsOnAgainIsFedFor(t *testing.T) {
	var hangs atomic.Bool
	hangs.Store(true)
	w := newWorld(t, Check{"sessions", func(context.Context) bool { return !hangs.Load() }})
	w.until(func() bool { return w.State() == Hung })
	hangs.Store(false)
	w.until(func() bool { return w.State() == Fed })
}

func TestATimerThatIsNotOursIsSaidAndAskedForAgain(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want State
	}{
		{fmt.Errorf("open: %w", unix.EBUSY), Held}, {fmt.Errorf("open: %w", fs.ErrNotExist), Absent}, {fs.ErrPermission, Failed},
	} {
		t.Run(string(tc.want), func(t *testing.T) {
			w := &world{clock: clock.NewFake(), bone: &bone{of: time.Second, fed: make(chan struct{}, 10)}}
			w.Watchdog = New(Options{Path: "x", Clock: w.clock, Log: slog.New(slog.DiscardHandler)})
			w.open = func(string, time.Duration) (device, error) { return nil, tc.err }
			w.take()
			w.feed()
			if s := w.State(); s != tc.want {
				t.Error(s)
			}
			w.open = func(string, time.Duration) (device, error) { return w.bone, nil }
			w.take()
			w.feed()
			if s := w.State(); s != Fed || !w.fed() {
				t.Error(s)
			}
			w.bone.fails.Store(true)
			w.feed()
			if s := w.State(); s != Failed {
				t.Error(s)
			}
		})
	}
}

func TestTheTimerIsStoppedAtTheEndAndNotBefore(t *testing.T) {
	w := newWorld(t, Check{"portal", alive})
	w.lively = []string{"portal"}
	w.until(w.fed)
	w.stop()
	if w.bone.ended.Load() {
		t.Fatal("nobody watches over the daemon's end")
	}
	if err := w.Close(); err != nil || !w.bone.ended.Load() {
		t.Error(err)
	}
	if err := w.Close(); err != nil {
		t.Error("twice:", err)
	}
}

func TestWhatIsNoTimerIsRefused(t *testing.T) {
	if _, err := openDevice(filepath.Join(t.TempDir(), "none"), time.Minute); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if d, err := openDevice(path, time.Minute); err == nil {
		t.Errorf("%+v", d)
	}
}

func TestSystemdIsToldWhatItAskedToHear(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	env := func(pid string) func(string) string {
		return func(name string) string {
			return map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": pid}[name]
		}
	}
	s := FromEnv(env(strconv.Itoa(os.Getpid())))
	if s.Every() != 30*time.Second {
		t.Error(s.Every())
	}
	s.Ready()
	s.Alive()
	s.Stopping()
	buf := make([]byte, 100)
	for _, want := range []string{"READY=1", "WATCHDOG=1", "STOPPING=1"} {
		if n, err := conn.Read(buf); err != nil || string(buf[:n]) != want {
			t.Errorf("%q, %v; expected %s", buf[:n], err, want)
		}
	}
	if other := FromEnv(env("1")); other == nil || other.Every() != 0 {
		t.Errorf("%+v: the word is wanted of another process", other)
	}
	if none := FromEnv(func(string) string { return "" }); none != nil {
		t.Errorf("%+v", none)
	}
	var nobody *Systemd
	nobody.Ready()
	nobody.Alive()
}
