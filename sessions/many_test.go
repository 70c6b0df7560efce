package sessions_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/sessions"
	"parvis/sessions/sessionstest"
)

func numbered(n int) sessions.Device {
	return sessions.Device{
		MAC:  mac.Addr{2, 1, 0, byte(n >> 16), byte(n >> 8), byte(n)},
		IPv4: netip.AddrFrom4([4]byte{10, 20, byte(n >> 8), byte(n)}),
	}
}

// Five thousand people come, go, are suspended, settled, given other rates, move to another address and are silent in any
// order; the kernel has then exactly what is listed.
func TestTheKernelHasWhatIsListed(t *testing.T) {
	const people = 5000
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t)
	w.opts.LastSlot = 0x10 + 2*people
	w.restart()
	for i := range 3 * people {
		n := rnd.IntN(people)
		d := numbered(n)
		switch s, ok := w.Of(d.MAC); {
		case rnd.IntN(2) == 0:
			if rnd.IntN(10) == 0 {
				d.IPv4 = numbered(rnd.IntN(people)).IPv4 // which may be another's
			}
			_, _ = w.Open(t.Context(), request(d, w.opts.Profiles[rnd.IntN(len(w.opts.Profiles))]))
		case rnd.IntN(20) == 0:
			w.Happened(sessions.Event{Kind: sessions.Contested, MAC: d.MAC, Contest: sessions.TwoPorts})
		case rnd.IntN(10) == 0:
			w.Happened(sessions.Event{Kind: sessions.Settled, MAC: d.MAC})
		case ok && rnd.IntN(4) == 0:
			down := uint64(64_000 + rnd.IntN(1_000_000))
			_, _ = w.Manager.Change(t.Context(), s.ID, sessions.Rates{Down: &down})
		case ok && s.State == sessions.Open && rnd.IntN(3) == 0:
			w.kernel.Carry(s.Slot, rnd.Uint64N(20_000_000), 1000)
		case ok:
			w.end(s.ID, sessions.ByResident)
		}
		if i%500 == 0 {
			w.pass(time.Duration(rnd.IntN(120)) * time.Second)
		}
	}
	w.pass(time.Second)
	var open []sessions.Grant
	for _, s := range w.List() {
		if s.State == sessions.Open {
			open = append(open, sessions.Grant{
				Slot: s.Slot, MAC: s.Device.MAC, IPv4: s.Device.IPv4, End: s.End, Down: s.DownRate, Up: s.UpRate,
				Suspended: s.Suspended != "", Profile: s.Profile,
			})
		}
	}
	slices.SortFunc(open, func(a, b sessions.Grant) int { return int(a.Slot) - int(b.Slot) })
	if got := w.kernel.Grants(); !slices.Equal(got, open) {
		t.Errorf("the kernel has %d grants, %d sessions are open, and they differ", len(got), len(open))
	}
	st := w.Status()
	if st.Open != len(open) || len(open) < people/10 || st.Suspended == 0 {
		t.Errorf("too little happened, or it is miscounted: %+v", st)
	}
	inside := 0
	for _, r := range w.store.Rows() {
		if r.State == sessions.Open {
			inside++
		}
	}
	if inside != len(open) {
		t.Errorf("the disk has %d open rows for %d sessions", inside, len(open))
	}
}

// Idle means no traffic: whoever sends a packet before the idle time is over is never ended by it, whatever happens to
// counters, daemon and power meanwhile.
func TestIdlenessNeverEndsWhoIsActive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		p := morning // its time runs on, so that only idleness could end it early
		p.Name, p.Duration, p.Idle = "long", 20*time.Hour, time.Duration(rapid.IntRange(60, 900).Draw(t, "idle"))*time.Second
		w.opts.Profiles = append(w.opts.Profiles, p)
		w.restart()
		s := w.open(phone, p)
		for range rapid.IntRange(1, 20).Draw(t, "packets") {
			w.pass(time.Duration(rapid.Int64Range(1, int64(p.Idle-time.Millisecond)).Draw(t, "silent for")))
			if got := w.get(s.ID); got.State != sessions.Open {
				t.Fatalf("ended: %+v", got)
			}
			w.kernel.Carry(s.Slot, rapid.Uint64Range(40, 1_000_000).Draw(t, "bytes"), 40)
			switch rapid.IntRange(0, 9).Draw(t, "then") {
			case 0:
				w.restart()
			case 1:
				w.kernel.Flush()
				w.happens(sessions.Event{Kind: sessions.Touched})
			case 2:
				w.reboot(fmt.Sprint("boot after ", w.clock.BootID()))
			case 3:
				w.contested(phone)
				w.pass(time.Duration(rapid.Int64Range(1, int64(p.Idle-time.Millisecond)).Draw(t, "suspended for")))
				w.settled(phone)
			}
		}
	})
}

// What an opening and an end cost the manager, beside a kernel and a disk in memory. It does not depend on how many are inside:
// compare the three. The reading of all counters that follows a round of ends, 200 ms later, is not in it.
func BenchmarkOpenAndEnd(b *testing.B) {
	for _, inside := range []int{0, 1000, 10000} {
		b.Run(fmt.Sprint(inside), func(b *testing.B) {
			kernel := sessionstest.NewEnforcer()
			c := clock.NewFake()
			m, err := sessions.New(sessions.Options{
				Clock: c, Store: sessionstest.NewStore(), Enforcer: kernel, Profiles: []sessions.Profile{visitor},
				FirstSlot: 0x10, LastSlot: 0xffff,
			})
			if err != nil {
				b.Fatal(err)
			}
			ctx := context.Background()
			if err := m.Start(ctx); err != nil {
				b.Fatal(err)
			}
			for n := range inside {
				if _, err := m.Open(ctx, request(numbered(n), visitor)); err != nil {
					b.Fatal(err)
				}
			}
			m.Step(ctx)
			for i := 0; b.Loop(); i++ {
				s, err := m.Open(ctx, request(numbered(20_000+i), visitor))
				if err != nil {
					b.Fatal(err)
				}
				m.Step(ctx) // as Run does at each change
				if _, err := m.End(ctx, s.ID, sessions.ByOperator); err != nil {
					b.Fatal(err)
				}
				m.Step(ctx)
			}
		})
	}
}
