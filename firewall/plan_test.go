package firewall

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"parvis/firewall/ipset"
	"parvis/internal/clock"
	"parvis/internal/lab"
	"parvis/internal/mac"
)

func TestMain(m *testing.M) { lab.Main(m.Run) }

// sets lays the sets that the configuration's rules name.
func sets(t *testing.T, c Config) *Firewall {
	t.Helper()
	conn, err := ipset.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	f := &Firewall{cfg: c, sets: conn, log: slog.New(slog.DiscardHandler), tables: make([]*xtables, 2)}
	if err := f.laySets(); err != nil {
		t.Fatal(err)
	}
	return f
}

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func grant(slot uint16, addr string, last byte) Grant {
	return Grant{Slot: slot, MAC: mac.Addr{2, 0, 0, 0, 0, last}, IPv4: ip(addr), End: clock.Boot(time.Hour), Down: 8e6, Up: 8e6, Parent: 1}
}

// state is the kernel once the grants were laid.
func state(s sides, grants ...Grant) kernel {
	k := kernel{up: map[netip.Addr]ipset.Entry{}, dn: map[netip.Addr]ipset.Entry{}, guestSide: map[uint16]class{}, wanSide: map[uint16]class{}}
	k.apply(changes{add: grants, classes: append(planClasses(false, changes{add: grants}, nil, s), planClasses(true, changes{add: grants}, nil, s)...)})
	return k
}

// apply does to the model what Firewall.apply does to the kernel.
func (k kernel) apply(ch changes) {
	for _, a := range ch.remove {
		delete(k.up, a)
		delete(k.dn, a)
	}
	for _, g := range append(append([]Grant{}, ch.adopt...), ch.add...) {
		e := g.entry(0, true)
		k.up[g.IPv4], k.dn[g.IPv4] = e, down(e)
	}
	for _, c := range ch.classes {
		m := k.guestSide
		if c.wan {
			m = k.wanSide
		}
		if c.want == nil {
			delete(m, c.minor)
		} else {
			m[c.minor] = *c.want
		}
	}
}

var line = sides{guest: side{device: "g", line: gigabit}, wan: side{device: "w", line: gigabit}, slots: 240}

func TestPlan(t *testing.T) {
	c := config(t, nil)
	a, b := grant(0x20, "10.77.0.20", 1), grant(0x21, "10.77.0.21", 2)
	moved, otherMAC, otherSlot := a, a, a
	moved.IPv4, otherMAC.MAC, otherSlot.Slot = ip("10.77.0.99"), b.MAC, 0x22
	longer, faster := a, a
	longer.End += clock.Boot(time.Hour)
	faster.Down = 9e6
	for _, tc := range []struct {
		name    string
		kernel  func() kernel
		desired []Grant
		want    changes
	}{
		{"nothing to nothing", func() kernel { return state(line) }, nil, changes{}},
		{"what is there is adopted", func() kernel { return state(line, a) }, []Grant{a}, changes{adopt: []Grant{a}}},
		{"another end is adopted", func() kernel { return state(line, a) }, []Grant{longer}, changes{adopt: []Grant{longer}}},
		{"what is missing is added", func() kernel { return state(line, a) }, []Grant{a, b}, changes{adopt: []Grant{a}, add: []Grant{b}}},
		{
			"what is not desired is removed and cut", func() kernel { return state(line, a, b) },
			[]Grant{a},
			changes{adopt: []Grant{a}, remove: []netip.Addr{b.IPv4}, flush: []uint16{b.Slot}},
		},
		{
			"another MAC is another device", func() kernel { return state(line, a) },
			[]Grant{otherMAC},
			changes{add: []Grant{otherMAC}, remove: []netip.Addr{a.IPv4}, flush: []uint16{a.Slot}},
		},
		{
			"another slot is another session", func() kernel { return state(line, a) },
			[]Grant{otherSlot},
			changes{add: []Grant{otherSlot}, remove: []netip.Addr{a.IPv4}, flush: []uint16{a.Slot}},
		},
		{
			"another address: the old one goes", func() kernel { return state(line, a) },
			[]Grant{moved},
			changes{add: []Grant{moved}, remove: []netip.Addr{a.IPv4}, flush: []uint16{a.Slot}},
		},
		{
			"half an admission is none", func() kernel { k := state(line, a); delete(k.dn, a.IPv4); return k },
			[]Grant{a},
			changes{add: []Grant{a}, remove: []netip.Addr{a.IPv4}, flush: []uint16{a.Slot}},
		},
		{
			"an ended entry is none", func() kernel { k := state(line, a); k.up[a.IPv4] = a.closed(); return k },
			[]Grant{a},
			changes{add: []Grant{a}, remove: []netip.Addr{a.IPv4}, flush: []uint16{a.Slot}},
		},
		{
			"an entry without its other half is removed", func() kernel {
				k := state(line, a)
				k.dn[ip("10.77.1.1")] = b.entry(0, true)
				return k
			},
			[]Grant{a},
			changes{adopt: []Grant{a}, remove: []netip.Addr{ip("10.77.1.1")}, flush: []uint16{b.Slot}},
		},
		{
			"a stray entry of an adopted slot does not cut the slot", func() kernel {
				k := state(line, a)
				k.dn[ip("10.77.1.1")] = a.entry(0, true)
				return k
			},
			[]Grant{a},
			changes{adopt: []Grant{a}, remove: []netip.Addr{ip("10.77.1.1")}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := plan(tc.desired, tc.kernel(), c, line)
			opts := cmp.Options{
				cmp.AllowUnexported(changes{}), cmpopts.IgnoreFields(changes{}, "classes", "refused"), cmpopts.EquateEmpty(),
				cmpopts.EquateComparable(netip.Addr{}),
			}
			if d := cmp.Diff(tc.want, got, opts); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestPlanOfClasses(t *testing.T) {
	c := config(t, nil)
	a := grant(0x20, "10.77.0.20", 1)
	faster := a
	faster.Down = 9e6
	k := state(line, a)
	if got := plan([]Grant{a}, k, c, line).classes; len(got) != 0 {
		t.Errorf("classes that are right are touched: %v", got)
	}
	got := plan([]Grant{faster}, k, c, line).classes
	if len(got) != 1 || got[0].wan || got[0].minor != 0x20 || got[0].want.ceil != 9e6/8 || got[0].anew {
		t.Errorf("a faster download: %+v", got)
	}
	got = plan(nil, k, c, line).classes
	if len(got) != 2 || got[0].want != nil || got[1].want != nil || got[0].minor != 0x20 {
		t.Errorf("a class of nobody is dropped on both sides: %+v", got)
	}
	root := k.guestSide[0x20]
	root.parent = 0
	k.guestSide[0x20] = root
	got = plan([]Grant{a}, k, c, line).classes
	if len(got) != 1 || !got[0].anew {
		t.Errorf("a class under another parent is made anew: %+v", got)
	}
	k = state(line)
	k.guestSide[7], k.wanSide[7] = class{parent: 1}, class{parent: 1}
	a.Parent = 7
	if ch := plan([]Grant{a}, k, c, line); len(ch.refused) != 0 || ch.classes[0].want.parent != 7 {
		t.Errorf("a group's class: %+v", ch)
	}
	delete(k.wanSide, 7)
	if ch := plan([]Grant{a}, k, c, line); len(ch.refused) != 1 || len(ch.add) != 0 {
		t.Errorf("a parent that is on one side only: %+v", ch)
	}
}

// Whatever the kernel holds, the plan applied leaves exactly the desired admissions, and planning again adopts them all.
func TestPlanConverges(t *testing.T) {
	c := config(t, nil)
	some := rapid.Custom(func(t *rapid.T) Grant {
		return grant(uint16(rapid.IntRange(0x10, 0x18).Draw(t, "slot")), netip.AddrFrom4([4]byte{10, 77, 0, byte(rapid.IntRange(2, 9).Draw(t, "ip"))}).String(), byte(rapid.IntRange(1, 4).Draw(t, "mac")))
	})
	rapid.Check(t, func(t *rapid.T) {
		k := state(line, rapid.SliceOfN(some, 0, 8).Draw(t, "kernel")...)
		for range rapid.IntRange(0, 2).Draw(t, "damage") {
			delete(k.dn, some.Draw(t, "lost").IPv4)
			g := some.Draw(t, "ended")
			k.up[g.IPv4] = g.closed()
		}
		desired := rapid.SliceOfN(some, 0, 8).Draw(t, "desired")
		ch := plan(desired, k, c, line)
		if len(ch.adopt)+len(ch.add)+len(ch.refused) != len(desired) {
			t.Fatalf("%d grants: %d adopted, %d added, %d refused", len(desired), len(ch.adopt), len(ch.add), len(ch.refused))
		}
		k.apply(ch)
		wanted := append(append([]Grant{}, ch.adopt...), ch.add...)
		if len(k.up) != len(wanted) || len(k.dn) != len(wanted) {
			t.Fatalf("%d and %d entries for %d admissions", len(k.up), len(k.dn), len(wanted))
		}
		again := plan(wanted, k, c, line)
		if len(again.adopt) != len(wanted) || len(again.add)+len(again.remove)+len(again.flush)+len(again.classes)+len(again.refused) != 0 {
			t.Fatalf("not at rest: %+v", again)
		}
	})
}

func TestAnEntryEndsAtTheEndRoundedUp(t *testing.T) {
	now := clock.Boot(time.Minute)
	for _, tc := range []struct {
		left time.Duration
		want uint32
	}{
		{time.Hour, 3600},
		{time.Second, 1},
		{time.Second + 1, 2},
		{1, 1},
		{0, 1},
		{-time.Hour, 1},
		{365 * 24 * time.Hour, ipset.MaxTimeout},
	} {
		if got := (Grant{End: now.Add(tc.left)}).seconds(now); got != tc.want {
			t.Errorf("%v left: %d s, want %d", tc.left, got, tc.want)
		}
	}
}

func TestClassesShareTheLine(t *testing.T) {
	s := side{line: 100e6}
	for _, tc := range []struct {
		rate       uint64
		slots      int
		rateB, top uint64 // bytes per second
	}{
		{8e6, 10, 1e6, 1e6},             // less than its share
		{80e6, 10, 1.25e6, 10e6},        // a tenth is guaranteed, the rest borrowed
		{0, 10, 1.25e6, 12.5e6},         // the line's
		{900e6, 10, 1.25e6, 12.5e6},     // more than the line
		{1, 10, minRate, minRate},       // HTB takes no less
		{0, 20000, minRate, 12.5e6},     // nor as a share
		{64e9, 10, 1.25e6, 12_500_000},  // beyond 32 bits
		{48_000, 100000, minRate, 6000}, // slow and many
	} {
		got := s.want(tc.rate, 0, tc.slots)
		if got != (class{parent: 1, rate: tc.rateB, ceil: tc.top}) {
			t.Errorf("%d of %d slots: %+v, want %d to %d", tc.rate, tc.slots, got, tc.rateB, tc.top)
		}
	}
}
