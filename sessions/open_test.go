package sessions_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"parvis/sessions"
	"parvis/sessions/sessionstest"
)

func TestOpeningPutsTheGrantAndKeepsTheRow(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	want := []sessions.Grant{{
		Slot: 0x10, MAC: phone.MAC, IPv4: phone.IPv4, End: w.clock.Boot().Add(time.Hour),
		Down: 600_000, Up: 400_000, Profile: visitor.Name,
	}}
	if diff := cmp.Diff(want, w.kernel.Grants(), cmpopts.EquateComparable(netip.Addr{})); diff != "" {
		t.Error("kernel (-want +got):\n", diff)
	}
	rows := w.store.Rows()
	if len(rows) != 1 || rows[0].ID != s.ID || rows[0].State != sessions.Open || rows[0].Device != phone {
		t.Errorf("disk: %+v", rows)
	}
	if got, ok := w.Of(phone.MAC); !ok || got != s {
		t.Errorf("Of: %+v, %v; want %+v", got, ok, s)
	}
	if len(s.ID) != 26 || s.Left != time.Hour || s.Label != "Visiteur" {
		t.Errorf("session: %+v", s)
	}
}

func TestARefusalOpensNothing(t *testing.T) {
	full, deaf := errors.New("disk full"), errors.New("kernel is deaf")
	for _, tc := range []struct {
		name   string
		breaks func(*world)
		want   error
	}{
		{"store refuses", func(w *world) { w.store.Fail(sessionstest.Save, full) }, sessions.ErrStore},
		{"store writes and then fails", func(w *world) { w.store.FailAfter(sessionstest.Save, full) }, sessions.ErrStore},
		{"kernel refuses", func(w *world) { w.kernel.Fail(sessionstest.Put, deaf) }, sessions.ErrEnforce},
		{"kernel admits and then fails", func(w *world) { w.kernel.FailAfter(sessionstest.Put, deaf) }, sessions.ErrEnforce},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			tc.breaks(w)
			_, err := w.Open(t.Context(), request(phone, visitor))
			if !errors.Is(err, tc.want) {
				t.Fatalf("Open: %v, want %v", err, tc.want)
			}
			if s, ok := w.Of(phone.MAC); ok {
				t.Errorf("a session is there: %+v", s)
			}
			w.heal()
			w.pass(time.Second)
			if g, r := w.kernel.Grants(), w.store.Rows(); len(g) != 0 || len(r) != 0 {
				t.Errorf("a second after the fault: kernel %v, disk %v", g, r)
			}
			if st := w.Status(); !st.Store.OK || !st.Enforcer.OK {
				t.Errorf("not healed: %+v", st)
			}
			w.open(phone, visitor)
		})
	}
}

func TestOpeningAgainGivesTheSameSessionWithItsTimeUnchanged(t *testing.T) {
	w := newWorld(t)
	first := w.open(phone, visitor)
	w.pass(10 * time.Minute)
	saves, puts := w.store.Calls(sessionstest.Save), w.kernel.Calls(sessionstest.Put)
	again := w.open(phone, visitor)
	if again.ID != first.ID || again.End != first.End || again.Left != 50*time.Minute {
		t.Errorf("second opening: %+v; first: %+v", again, first)
	}
	if w.store.Calls(sessionstest.Save) != saves || w.kernel.Calls(sessionstest.Put) != puts {
		t.Error("a second click costs a write")
	}
}

func TestTheGrantMovesWithTheDevicesAddress(t *testing.T) {
	w := newWorld(t)
	first := w.open(phone, visitor)
	w.kernel.Carry(first.Slot, 1000, 100)
	w.pass(time.Minute)
	moved := phone
	moved.IPv4 = netip.MustParseAddr("10.20.0.77")
	s := w.open(moved, visitor)
	if s.ID != first.ID || s.Slot != first.Slot || s.End != first.End || s.Device != moved || s.Down != 1000 {
		t.Errorf("after the move: %+v; before: %+v", s, first)
	}
	if g := w.kernel.Grants(); len(g) != 1 || g[0].IPv4 != moved.IPv4 {
		t.Errorf("kernel: %+v", g)
	}
	w.open(laptopAt(phone.IPv4), visitor) // the former address is free
	if s := w.get(first.ID); s.State != sessions.Open {
		t.Errorf("who moved away was taken for the holder: %+v", s)
	}
}

func laptopAt(ip netip.Addr) sessions.Device { return sessions.Device{MAC: laptop.MAC, IPv4: ip} }

func TestAMoveThatFailsChangesNothing(t *testing.T) {
	for _, tc := range []struct {
		name   string
		breaks func(*world)
		want   error
	}{
		{"store", func(w *world) { w.store.FailAfter(sessionstest.Save, errors.New("disk")) }, sessions.ErrStore},
		{"kernel", func(w *world) { w.kernel.FailAfter(sessionstest.Put, errors.New("kernel")) }, sessions.ErrEnforce},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			first := w.open(phone, visitor)
			moved := phone
			moved.IPv4 = netip.MustParseAddr("10.20.0.77")
			tc.breaks(w)
			if _, err := w.Open(t.Context(), request(moved, visitor)); !errors.Is(err, tc.want) {
				t.Fatalf("Open: %v, want %v", err, tc.want)
			}
			w.heal()
			w.pass(time.Second)
			if s := w.get(first.ID); s.Device != phone || s.State != sessions.Open {
				t.Errorf("session: %+v", s)
			}
			if g, r := w.kernel.Grants()[0], w.store.Rows()[0]; g.IPv4 != phone.IPv4 || r.Device != phone {
				t.Errorf("kernel: %v, disk: %v", g.IPv4, r.Device.IPv4)
			}
		})
	}
}

func TestAnAddressThatGoesToAnotherDeviceEndsTheFormerHolders(t *testing.T) {
	w := newWorld(t)
	old := w.open(phone, visitor)
	w.open(laptopAt(phone.IPv4), visitor)
	s := w.get(old.ID)
	if s.State != sessions.Ended || s.Reason != sessions.ByReplaced || s.Left != 0 {
		t.Errorf("former holder: %+v", s)
	}
	if g := w.kernel.Grants(); len(g) != 1 || g[0].MAC != laptop.MAC {
		t.Errorf("kernel: %+v", g)
	}
}

func TestAnotherProfileEndsTheSessionByWhoAsks(t *testing.T) {
	for by, want := range map[sessions.Opener]sessions.Reason{
		sessions.FromResident: sessions.ByResident, sessions.FromOperator: sessions.ByOperator,
	} {
		w := newWorld(t)
		old := w.open(phone, visitor)
		req := request(phone, morning)
		req.By = by
		s, err := w.Open(t.Context(), req)
		if err != nil || s.ID == old.ID || s.Left != morning.Duration {
			t.Errorf("%s: %+v, %v", by, s, err)
		}
		if got := w.get(old.ID); got.Reason != want {
			t.Errorf("%s: the former ended by %q, want %q", by, got.Reason, want)
		}
	}
}

func TestTheOperatorGivesTime(t *testing.T) {
	give := func(w *world, d sessions.Device) sessions.Session {
		t.Helper()
		s, err := w.Open(t.Context(), sessions.OpenRequest{Device: d, Profile: "visitor", For: 3 * time.Hour, By: sessions.FromOperator})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	w := newWorld(t)
	extended, resumed := w.open(phone, visitor), w.open(laptop, visitor)
	w.end(resumed.ID, sessions.ByResident)
	for _, tc := range []struct {
		name   string
		device sessions.Device
		id     string
	}{
		{"to one who is inside", phone, extended.ID},
		{"to one who comes back", laptop, resumed.ID},
		{"to a new one", tablet, ""},
	} {
		s := give(w, tc.device)
		if tc.id != "" && s.ID != tc.id || s.Left != 3*time.Hour || s.OpenedBy != sessions.FromOperator && tc.id == "" {
			t.Errorf("%s: %+v", tc.name, s)
		}
	}
	for _, g := range w.kernel.Grants() {
		if g.End != w.clock.Boot().Add(3*time.Hour) {
			t.Errorf("kernel: %+v", g)
		}
	}
}

func TestWhatCannotBeAskedIsRefused(t *testing.T) {
	w := newWorld(t)
	good := request(phone, visitor)
	for name, spoil := range map[string]func(*sessions.OpenRequest){
		"no MAC":          func(r *sessions.OpenRequest) { r.Device.MAC = [6]byte{} },
		"no address":      func(r *sessions.OpenRequest) { r.Device.IPv4 = netip.Addr{} },
		"an IPv6":         func(r *sessions.OpenRequest) { r.Device.IPv4 = netip.MustParseAddr("fd00::1") },
		"time backwards":  func(r *sessions.OpenRequest) { r.For = -1 },
		"time unending":   func(r *sessions.OpenRequest) { r.For = sessions.MaxTime + 1 },
		"nobody":          func(r *sessions.OpenRequest) { r.By = "" },
		"no such profile": func(r *sessions.OpenRequest) { r.Profile = "x" },
	} {
		req := good
		spoil(&req)
		if _, err := w.Open(t.Context(), req); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	if _, err := w.Open(t.Context(), sessions.OpenRequest{Device: phone, Profile: "x", By: sessions.FromResident}); !errors.Is(err, sessions.ErrUnknownProfile) {
		t.Errorf("unknown profile: %v", err)
	}
	if _, err := w.End(t.Context(), "nobody's", sessions.ByOperator); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("unknown session: %v", err)
	}
	if _, err := w.End(t.Context(), w.open(phone, visitor).ID, "boredom"); err == nil {
		t.Error("ended for a reason that is none")
	}
}

func TestSlotsRestAndTheLongestRestedIsGivenFirst(t *testing.T) {
	w := newWorld(t)
	for n := byte(1); n <= 4; n++ {
		w.open(device(n), visitor)
	}
	if _, err := w.Open(t.Context(), request(device(5), visitor)); !errors.Is(err, sessions.ErrFull) {
		t.Fatalf("a fifth of four: %v", err)
	}
	for _, n := range []byte{3, 1} {
		s, _ := w.Of(device(n).MAC)
		w.end(s.ID, sessions.ByResident)
		w.pass(time.Second)
	}
	w.pass(sessions.SlotRest - 3*time.Second)
	if _, err := w.Open(t.Context(), request(device(5), visitor)); !errors.Is(err, sessions.ErrFull) {
		t.Fatalf("a slot was given before its rest was over: %v", err)
	}
	if st := w.Status(); st.Slots != (sessions.SlotCount{Total: 4, Resting: 2}) {
		t.Errorf("status: %+v", st.Slots)
	}
	w.pass(2 * time.Second)
	if s := w.open(device(5), visitor); s.Slot != 0x12 {
		t.Errorf("slot %#x; 0x12 has rested longest", s.Slot)
	}
	if s := w.open(device(6), visitor); s.Slot != 0x10 {
		t.Errorf("slot %#x, want 0x10", s.Slot)
	}
}

// Its classes are in the kernel already.
func TestASlotThatHasRestedIsGivenBeforeOneThatNobodyHad(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	w.end(s.ID, sessions.ByResident)
	if early := w.open(laptop, visitor); early.Slot == s.Slot {
		t.Errorf("slot %#x is given while it rests", s.Slot)
	}
	w.pass(sessions.SlotRest)
	if late := w.open(tablet, visitor); late.Slot != s.Slot {
		t.Errorf("slot %#x, and %#x has rested", late.Slot, s.Slot)
	}
}
