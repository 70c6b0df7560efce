package sessions_test

import (
	"errors"
	"testing"
	"time"

	"parvis/sessions"
	"parvis/sessions/sessionstest"
)

func rate(n uint64) *uint64 { return &n }

func TestWhoHasUsedUpTheVolumeGoesOnMoreSlowly(t *testing.T) {
	for name, again := range map[string]func(*world){
		"": func(*world) {}, "restart": (*world).restart, "power cut": func(w *world) { w.reboot("boot-2") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.open(phone, large)
			if g := w.kernel.Grants()[0]; g.Down != large.Down || g.Up != 0 {
				t.Fatalf("before: %+v", g)
			}
			w.kernel.Carry(s.Slot, large.Volume, 0)
			w.pass(time.Minute)
			w.Step(t.Context())
			puts := w.kernel.Calls(sessionstest.Put)
			again(w)
			w.use(s.ID, 30*time.Minute)
			got := w.get(s.ID)
			if got.State != sessions.Open || !got.Slowed || got.BytesLeft != 0 || got.DownRate != large.Slow || got.UpRate != large.Slow {
				t.Errorf("%+v", got)
			}
			if g := w.kernel.Grants()[0]; g.Down != large.Slow || g.Up != large.Slow {
				t.Errorf("the kernel has %+v", g)
			}
			if n := w.kernel.Calls(sessionstest.Put) - puts; n != 0 {
				t.Errorf("the kernel was asked %d times more", n)
			}
			w.end(s.ID, sessions.ByResident)
			if back := w.open(phone, large); back.ID != s.ID || !back.Slowed || w.kernel.Grants()[0].Down != large.Slow {
				t.Errorf("coming back: %+v", back)
			}
		})
	}
}

func TestASlowLineIsNotMadeFaster(t *testing.T) {
	w := newWorld(t)
	p := large
	p.Name, p.Down = "slow already", large.Slow/2
	w.opts.Profiles = append(w.opts.Profiles, p)
	w.restart()
	s := w.open(phone, p)
	w.kernel.Carry(s.Slot, p.Volume, 0)
	w.pass(time.Minute)
	w.Step(t.Context())
	if g := w.kernel.Grants()[0]; g.Down != p.Down || g.Up != p.Slow {
		t.Errorf("%+v", g)
	}
}

func TestRatesChangeWhileASessionGoesOn(t *testing.T) {
	for name, again := range map[string]func(*world){
		"": func(*world) {}, "restart": (*world).restart, "power cut": func(w *world) { w.reboot("boot-2") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.open(phone, visitor)
			drops := w.kernel.Calls(sessionstest.Drop)
			got, err := w.Change(t.Context(), s.ID, sessions.Rates{Down: rate(2_000_000)})
			if err != nil || got.DownRate != 2_000_000 || got.UpRate != visitor.Up || got.End != s.End || got.Slot != s.Slot {
				t.Fatalf("%+v, %v", got, err)
			}
			if _, err := w.Change(t.Context(), s.ID, sessions.Rates{Up: rate(0)}); err != nil {
				t.Fatal(err)
			}
			again(w)
			if g := w.kernel.Grants()[0]; g.Down != 2_000_000 || g.Up != 0 || g.Slot != s.Slot {
				t.Errorf("the kernel has %+v", g)
			}
			if n := w.kernel.Calls(sessionstest.Drop) - drops; n != 0 {
				t.Error("it was dropped meanwhile")
			}
		})
	}
}

func TestAChangeThatIsRefusedChangesNothing(t *testing.T) {
	broken := errors.New("broken")
	for _, tc := range []struct {
		name   string
		breaks func(*world)
		rates  sessions.Rates
		want   error
	}{
		{"the disk", func(w *world) { w.store.Fail(sessionstest.Save, broken) }, sessions.Rates{Down: rate(1e6)}, sessions.ErrStore},
		{"the kernel", func(w *world) { w.kernel.Fail(sessionstest.Put, broken) }, sessions.Rates{Down: rate(1e6)}, sessions.ErrEnforce},
		{"too slow", func(*world) {}, sessions.Rates{Up: rate(63_999)}, nil},
		{"ended", func(w *world) { w.end(w.List()[0].ID, sessions.ByResident) }, sessions.Rates{}, sessions.ErrNotFound},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			s := w.open(phone, visitor)
			tc.breaks(w)
			if _, err := w.Change(t.Context(), s.ID, tc.rates); err == nil || tc.want != nil && !errors.Is(err, tc.want) {
				t.Fatalf("%v, want %v", err, tc.want)
			}
			if got := w.get(s.ID); got.DownRate != visitor.Down || got.UpRate != visitor.Up {
				t.Errorf("%+v", got)
			}
			w.heal()
			w.pass(31 * time.Second)
			for _, g := range w.kernel.Grants() {
				if g.Down != visitor.Down {
					t.Errorf("the kernel has %+v", g)
				}
			}
			for _, r := range w.store.Rows() {
				if r.OwnRates {
					t.Errorf("the disk has %+v", r)
				}
			}
		})
	}
}
