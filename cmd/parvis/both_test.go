package main

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/kiosk/gate"
	"parvis/sessions"
	"parvis/sessions/sessionstest"
)

// fakeGate is the gate's half of an enforcer: sessionstest's strict kernel in the gate's words.
type fakeGate struct{ *sessionstest.Enforcer }

func (f fakeGate) grant(g gate.Grant) sessions.Grant {
	return sessions.Grant{Slot: g.Slot, MAC: g.MAC, IPv4: g.IPv4, End: g.End, Profile: g.Profile, Suspended: g.Suspended}
}

func (f fakeGate) Put(g gate.Grant) error { return f.Enforcer.Put(f.grant(g)) }

func (f fakeGate) Sync(all []gate.Grant) error {
	var grants []sessions.Grant
	for _, g := range all {
		grants = append(grants, f.grant(g))
	}
	return f.Enforcer.Sync(grants)
}

func (f fakeGate) Usage() (all []gate.Usage, err error) {
	usage, err := f.Enforcer.Usage()
	for _, u := range usage {
		all = append(all, gate.Usage(u))
	}
	return all, err
}

// pair is both with the two it has.
type pair struct {
	*both
	firewall, gate *sessionstest.Enforcer
}

func newPair() pair {
	fw, g := sessionstest.NewEnforcer(), sessionstest.NewEnforcer()
	return pair{newBoth(fw, fakeGate{g}), fw, g}
}

// grantOf makes the grant of a slot: its last digit says whose it is.
func grantOf(slot uint16) sessions.Grant {
	g := sessions.Grant{
		Slot: slot, MAC: mac.Addr{2, 0, 0, 0, 0, byte(slot)}, IPv4: netip.AddrFrom4([4]byte{10, 0, 0, byte(slot)}),
		End: clock.Boot(time.Hour), Profile: "p",
	}
	g.Terminal, g.Named = slot%3 == 1, slot%3 == 2
	return g
}

func slotsOf(e *sessionstest.Enforcer) (all []uint16) {
	for _, g := range e.Grants() {
		all = append(all, g.Slot)
	}
	slices.Sort(all)
	return all
}

func TestAGrantGoesToWhoCanMakeItTrue(t *testing.T) {
	const guest, terminal, named = 0x12, 0x13, 0x14 // 18, 19, 20
	for _, tc := range []struct {
		slot           uint16
		firewall, gate bool
	}{{guest, true, false}, {terminal, false, true}, {named, true, true}} {
		for _, how := range []string{"Put", "Sync"} {
			p := newPair()
			var err error
			if how == "Put" {
				err = p.Put(grantOf(tc.slot))
			} else {
				err = p.Sync([]sessions.Grant{grantOf(tc.slot)})
			}
			if err != nil {
				t.Fatal(err)
			}
			if slices.Contains(slotsOf(p.firewall), tc.slot) != tc.firewall || slices.Contains(slotsOf(p.gate), tc.slot) != tc.gate {
				t.Errorf("%s %#x: firewall %v, gate %v", how, tc.slot, slotsOf(p.firewall), slotsOf(p.gate))
			}
			if err := p.Drop(tc.slot); err != nil {
				t.Errorf("%s, then Drop %#x: %v", how, tc.slot, err)
			}
			if len(slotsOf(p.firewall))+len(slotsOf(p.gate)) > 0 {
				t.Errorf("%#x is dropped, and there are %v and %v", tc.slot, slotsOf(p.firewall), slotsOf(p.gate))
			}
		}
	}
}

// What passes the gate is counted once, by the gate.
func TestBytesAreCountedWhereTheyPass(t *testing.T) {
	p := newPair()
	if err := p.Sync([]sessions.Grant{grantOf(0x12), grantOf(0x13), grantOf(0x14)}); err != nil {
		t.Fatal(err)
	}
	p.firewall.Carry(0x12, 100, 10)
	p.gate.Carry(0x13, 200, 20)
	p.gate.Carry(0x14, 300, 30)
	p.firewall.Carry(0x14, 7, 7) // what the firewall led to the gate
	if err := p.Drop(0x14); err != nil {
		t.Fatal(err)
	}
	usage, err := p.Usage()
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(usage, func(a, b sessions.Usage) int { return int(a.Slot) - int(b.Slot) })
	want := []sessions.Usage{{Slot: 0x12, Down: 100, Up: 10}, {Slot: 0x13, Down: 200, Up: 20}, {Slot: 0x14, Down: 300, Up: 30, Final: true}}
	if !slices.Equal(usage, want) {
		t.Errorf("%+v, expected %+v", usage, want)
	}
}

func TestAFailureOfOneDoesNotKeepTheOtherFromWhatIsWanted(t *testing.T) {
	broken := errors.New("told to fail")
	p := newPair()
	p.firewall.Fail(sessionstest.Sync, broken)
	if err := p.Sync([]sessions.Grant{grantOf(0x12), grantOf(0x13)}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if !slices.Equal(slotsOf(p.gate), []uint16{0x13}) {
		t.Errorf("the gate has %v", slotsOf(p.gate))
	}
	p = newPair()
	p.gate.Fail(sessionstest.Put, broken)
	if err := p.Put(grantOf(0x14)); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if len(slotsOf(p.firewall)) > 0 {
		t.Error("the firewall leads somebody to a gate that does not know them")
	}
}

func TestWhatTheFirewallRefusesIsNotOpenAtTheGate(t *testing.T) {
	broken := errors.New("told to fail")
	const named = 0x14
	p := newPair()
	p.firewall.Fail(sessionstest.Put, broken)
	if err := p.Put(grantOf(named)); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if len(slotsOf(p.gate))+len(slotsOf(p.firewall)) > 0 {
		t.Errorf("a new one: the gate has %v, the firewall %v", slotsOf(p.gate), slotsOf(p.firewall))
	}

	p = newPair()
	was, next := grantOf(named), grantOf(named)
	next.End, next.IPv4 = was.End+clock.Boot(time.Hour), netip.MustParseAddr("10.0.0.77")
	if err := p.Put(was); err != nil {
		t.Fatal(err)
	}
	p.gate.Carry(named, 300, 30)
	p.firewall.Fail(sessionstest.Put, broken)
	if err := p.Put(next); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	for who, e := range map[string]*sessionstest.Enforcer{"gate": p.gate, "firewall": p.firewall} {
		if all := e.Grants(); len(all) != 1 || all[0].End != was.End || all[0].IPv4 != was.IPv4 {
			t.Errorf("a change: the %s has %+v, expected %+v", who, all, was)
		}
	}
	if err := p.Drop(named); err != nil {
		t.Fatal(err)
	}
	if usage, err := p.Usage(); err != nil || !slices.Equal(usage, []sessions.Usage{{Slot: named, Down: 300, Up: 30, Final: true}}) {
		t.Errorf("%+v %v", usage, err)
	}
}

func TestWhatTheFirewallSeesIsHeard(t *testing.T) {
	p := newPair()
	p.firewall.Emit(sessions.Event{Kind: sessions.Touched})
	select {
	case e := <-p.Events():
		if e.Kind != sessions.Touched {
			t.Errorf("%+v", e)
		}
	case <-time.After(10 * time.Second):
		t.Error("nothing is heard")
	}
}

// Whatever is asked in whatever order, each of the two has what is its own and nothing else.
func TestBothHaveWhatIsTheirs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPair()
		want := map[uint16]sessions.Grant{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			slot := uint16(rapid.IntRange(0x12, 0x1a).Draw(t, "slot"))
			_, there := want[slot]
			var err error
			switch step := rapid.IntRange(0, 3).Draw(t, "step"); {
			case step == 0 && there:
				delete(want, slot)
				err = p.Drop(slot)
			case step == 1:
				var all []sessions.Grant
				for s := uint16(0x12); s <= 0x1a; s++ {
					delete(want, s)
					if rapid.Bool().Draw(t, "stays") {
						want[s] = grantOf(s)
						all = append(all, want[s])
					}
				}
				err = p.Sync(all)
			case step == 2:
				_, err = p.Usage()
			default:
				want[slot] = grantOf(slot)
				err = p.Put(want[slot])
			}
			if err != nil {
				t.Fatal(err)
			}
			var forwarded, named []uint16
			for s := uint16(0x12); s <= 0x1a; s++ {
				if g, ok := want[s]; ok && !g.Terminal {
					forwarded = append(forwarded, s)
				}
				if g, ok := want[s]; ok && (g.Terminal || g.Named) {
					named = append(named, s)
				}
			}
			if !slices.Equal(slotsOf(p.firewall), forwarded) || !slices.Equal(slotsOf(p.gate), named) {
				t.Fatalf("firewall %v, expected %v; gate %v, expected %v", slotsOf(p.firewall), forwarded, slotsOf(p.gate), named)
			}
		}
	})
}
