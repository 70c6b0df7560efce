package sessions_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/sessions"
	"parvis/sessions/sessionstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The profiles of the tests. The rates of "visitor" together carry 1 MB in 8 s.
var (
	visitor = sessions.Profile{
		Name: "visitor", Label: "Visiteur", Duration: time.Hour, Runs: sessions.WhileUsed, Idle: 15 * time.Minute,
		Down: 600_000, Up: 400_000, Keep: 12 * time.Hour,
	}
	morning = sessions.Profile{
		Name: "morning", Label: "Matinée", Duration: 2 * time.Hour, Runs: sessions.FromOpening, Idle: 15 * time.Minute,
		Keep: 3 * time.Hour,
	}
	small = sessions.Profile{
		Name: "small", Label: "Petit volume", Duration: time.Hour, Runs: sessions.WhileUsed, Volume: 10_000_000,
		Down: 600_000, Up: 400_000, Keep: time.Hour,
	}
	// Goes on more slowly.
	large = sessions.Profile{
		Name: "large", Label: "Grand volume", Duration: time.Hour, Runs: sessions.WhileUsed, Volume: 10_000_000, Slow: 200_000,
		Idle: 15 * time.Minute, Down: 600_000, Keep: time.Hour,
	}
	// Bounded by its device's day.
	daily = sessions.Profile{
		Name: "daily", Label: "Jour", Duration: time.Hour, Runs: sessions.WhileUsed, Idle: 15 * time.Minute, Keep: 12 * time.Hour,
		Down: 600_000, Up: 400_000, Daily: 90 * time.Minute, DailyVolume: 50_000_000,
	}
)

var (
	phone  = device(1)
	laptop = device(2)
	tablet = device(3)
)

func device(n byte) sessions.Device {
	return sessions.Device{MAC: mac.Addr{0x3c, 0x22, 0xfb, 0, 0, n}, IPv4: netip.AddrFrom4([4]byte{10, 20, 0, n})}
}

// world is a manager with the clock, the disk and the kernel around it.
type world struct {
	t      rapid.TB
	clock  *clock.Fake
	store  *sessionstest.Store
	kernel *sessionstest.Enforcer
	opts   sessions.Options
	*sessions.Manager
}

// newWorld starts a manager with slots 0x10 to 0x13 on an empty disk. Nothing runs by itself: time passes by pass.
func newWorld(t rapid.TB) *world {
	w := &world{t: t, clock: clock.NewFake(), store: sessionstest.NewStore(), kernel: sessionstest.NewEnforcer()}
	w.opts = sessions.Options{
		Clock: w.clock, Store: w.store, Enforcer: w.kernel,
		Profiles: []sessions.Profile{visitor, morning, small, large, daily}, FirstSlot: 0x10, LastSlot: 0x13,
		Key: [32]byte{1}, // tickets outlive a restart
	}
	w.restart()
	return w
}

// restart is what remains when the daemon is killed and started again.
func (w *world) restart() {
	w.t.Helper()
	w.kernel.Restart()
	m, err := sessions.New(w.opts)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := m.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	w.Manager = m
}

// reboot is a power cut: the kernel forgets, the clock counts from zero, the disk is what it is.
func (w *world) reboot(id string) {
	w.t.Helper()
	w.kernel.Lose()
	w.clock.Reboot(id)
	w.restart()
}

// pass lets time pass as Run does: each deadline is met when it comes.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	end := w.clock.Boot().Add(d)
	for {
		next, ok := w.Step(context.Background())
		now := w.clock.Boot()
		if ok && next <= now {
			w.t.Fatalf("Step at %v wants to be called again at %v: it would spin", time.Duration(now), time.Duration(next))
		}
		if !ok || next > end {
			w.clock.Advance(end.Sub(now))
			return
		}
		w.clock.Advance(next.Sub(now))
	}
}

func (w *world) open(d sessions.Device, p sessions.Profile) sessions.Session {
	w.t.Helper()
	s, err := w.Open(context.Background(), request(d, p))
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func request(d sessions.Device, p sessions.Profile) sessions.OpenRequest {
	return sessions.OpenRequest{Device: d, Profile: p.Name, By: sessions.FromResident}
}

func (w *world) end(id string, r sessions.Reason) sessions.Session {
	w.t.Helper()
	s, err := w.End(context.Background(), id, r)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) get(id string) sessions.Session {
	w.t.Helper()
	s, err := w.Get(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// heal ends every fault of the disk and the kernel.
func (w *world) heal() {
	for _, call := range []string{sessionstest.Put, sessionstest.Drop, sessionstest.Sync, sessionstest.Usage, sessionstest.Save} {
		w.store.Fail(call, nil)
		w.store.FailAfter(call, nil)
		w.kernel.Fail(call, nil)
		w.kernel.FailAfter(call, nil)
	}
}
