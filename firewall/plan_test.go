package firewall

import (
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
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
	return Grant{Slot: slot, MAC: mac.Addr{2, 0, 0, 0, 0, last}, IPv4: ip(addr), End: clock.Boot(time.Hour), Down: 8e6, Up: 8e6}
}

// state is the kernel once the grants were laid.
func state(s sides, grants ...Grant) kernel {
	k := kernel{
		up: map[netip.Addr]ipset.Entry{}, dn: map[netip.Addr]ipset.Entry{}, neighbours: map[netip.Addr]neighbourState{},
		guestSide: map[uint16]class{}, wanSide: map[uint16]class{}, six: map[mac.Addr][]netip.Addr{},
	}
	var places []place
	var near []neighbourChange
	for _, g := range grants {
		if g.Suspended {
			continue
		}
		places = append(places, place{Grant: g, addr: g.IPv4})
		near = append(near, neighbourChange{addr: g.IPv4, mac: g.MAC, permanent: true})
	}
	k.apply(changes{add: grants, places: places, neighbours: near, classes: append(planClasses(false, changes{add: grants}, nil, s), planClasses(true, changes{add: grants}, nil, s)...)})
	return k
}

// apply does to the model what Firewall.apply does to the kernel.
func (k kernel) apply(ch changes) {
	for _, a := range ch.removeUp {
		delete(k.up, a)
	}
	for _, a := range ch.removeDn {
		delete(k.dn, a)
	}
	for _, p := range ch.places {
		e := p.entry(p.addr, 0, true)
		k.up[p.addr], k.dn[p.addr] = e, down(e)
	}
	for _, n := range ch.neighbours {
		k.neighbours[n.addr] = neighbourState{mac: n.mac, permanent: n.permanent, ours: n.permanent}
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

var line = sides{guest: side{device: "g", line: gigabit}, wan: side{device: "w", line: gigabit, wan: true}, first: 0x10, last: 0xff}

func TestPlan(t *testing.T) {
	c := config(t, nil)
	a, b := grant(0x20, "10.77.0.20", 1), grant(0x21, "10.77.0.21", 2)
	moved, otherMAC, otherSlot, suspended := a, a, a, a
	suspended.Suspended = true
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
			changes{adopt: []Grant{a}, removeUp: []netip.Addr{b.IPv4}, removeDn: []netip.Addr{b.IPv4}, flush: []uint16{b.Slot}},
		},
		{
			"another MAC is another device", func() kernel { return state(line, a) },
			[]Grant{otherMAC},
			changes{add: []Grant{otherMAC}, removeUp: []netip.Addr{a.IPv4}, removeDn: []netip.Addr{a.IPv4}, flush: []uint16{a.Slot}},
		},
		{
			"another slot is another session", func() kernel { return state(line, a) },
			[]Grant{otherSlot},
			changes{add: []Grant{otherSlot}, removeUp: []netip.Addr{a.IPv4}, removeDn: []netip.Addr{a.IPv4}, flush: []uint16{a.Slot}},
		},
		{
			"another address: the old one goes", func() kernel { return state(line, a) },
			[]Grant{moved},
			changes{add: []Grant{moved}, removeUp: []netip.Addr{a.IPv4}, removeDn: []netip.Addr{a.IPv4}, flush: []uint16{a.Slot}},
		},
		{
			"of half an admission the other half is added", func() kernel { k := state(line, a); delete(k.dn, a.IPv4); return k },
			[]Grant{a},
			changes{add: []Grant{a}},
		},
		{
			"an ended entry is none", func() kernel { k := state(line, a); k.up[a.IPv4] = a.closed(a.IPv4); return k },
			[]Grant{a},
			changes{add: []Grant{a}, removeUp: []netip.Addr{a.IPv4}, removeDn: []netip.Addr{a.IPv4}, flush: []uint16{a.Slot}},
		},
		{
			"an entry without its other half is removed", func() kernel {
				k := state(line, a)
				k.dn[ip("10.77.1.1")] = b.entry(b.IPv4, 0, true)
				return k
			},
			[]Grant{a},
			changes{adopt: []Grant{a}, removeDn: []netip.Addr{ip("10.77.1.1")}, flush: []uint16{b.Slot}},
		},
		{
			"a stray entry of an adopted slot does not cut the slot", func() kernel {
				k := state(line, a)
				k.dn[ip("10.77.1.1")] = a.entry(a.IPv4, 0, true)
				return k
			},
			[]Grant{a},
			changes{adopt: []Grant{a}, removeDn: []netip.Addr{ip("10.77.1.1")}},
		},
		{
			"a suspended one has no entries and no flows", func() kernel { return state(line, a, b) },
			[]Grant{suspended, b},
			changes{adopt: []Grant{suspended, b}, removeUp: []netip.Addr{a.IPv4}, removeDn: []netip.Addr{a.IPv4}, flush: []uint16{a.Slot}},
		},
		{
			"one that is suspended no more is added", func() kernel { return state(line, suspended) },
			[]Grant{a},
			changes{add: []Grant{a}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := plan(tc.desired, tc.kernel(), c, line)
			opts := cmp.Options{
				cmp.AllowUnexported(changes{}), cmpopts.IgnoreFields(changes{}, "classes", "refused", "places", "neighbours"), cmpopts.EquateEmpty(),
				cmpopts.EquateComparable(netip.Addr{}),
			}
			if d := cmp.Diff(tc.want, got, opts); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestPlanOfAddresses(t *testing.T) {
	c := config(t, nil)
	a, b := grant(0x20, "10.77.0.20", 1), grant(0x21, "10.77.0.21", 2)
	one, two := ip("2001:db8:77::1:1"), ip("2001:db8:77::1:2")
	at := func(k kernel, six ...netip.Addr) kernel {
		k.six[a.MAC] = six
		return k
	}
	// hash:ip knows no MAC
	entry := func(k kernel, g Grant, addr netip.Addr) kernel {
		e := g.entry(addr, 0, true)
		k.up[addr], k.dn[addr] = down(e), down(e)
		k.neighbours[addr] = neighbourState{mac: g.MAC, permanent: true, ours: true}
		return k
	}
	near := func(k kernel, addr netip.Addr, n neighbourState) kernel {
		k.neighbours[addr] = n
		return k
	}
	type want struct {
		places     string // address, and what stays: u, d
		neighbours string // address, + permanent, - given back
		remove     string
	}
	for _, tc := range []struct {
		name   string
		kernel kernel
		grants []Grant
		want   want
	}{
		{"IPv4 alone", state(line, a), []Grant{a}, want{places: "10.77.0.20ud"}},
		{
			"an address more", at(state(line, a), one),
			[]Grant{a},
			want{places: "10.77.0.20ud 2001:db8:77::1:1", neighbours: "2001:db8:77::1:1+"},
		},
		{"that is there", entry(at(state(line, a), one), a, one), []Grant{a}, want{places: "10.77.0.20ud 2001:db8:77::1:1ud"}},
		{
			"another one instead", entry(at(state(line, a), two), a, one),
			[]Grant{a},
			want{
				places: "10.77.0.20ud 2001:db8:77::1:2", neighbours: "2001:db8:77::1:1- 2001:db8:77::1:2+",
				remove: "2001:db8:77::1:1 2001:db8:77::1:1",
			},
		},
		{
			"that is another slot's", entry(at(state(line, a), one), b, one),
			[]Grant{a},
			want{
				places: "10.77.0.20ud 2001:db8:77::1:1", neighbours: "2001:db8:77::1:1+",
				remove: "2001:db8:77::1:1 2001:db8:77::1:1",
			},
		},
		{
			"a neighbour that somebody has overwritten", near(state(line, a), a.IPv4, neighbourState{mac: b.MAC, ours: true}),
			[]Grant{a},
			want{places: "10.77.0.20ud", neighbours: "10.77.0.20+"},
		},
		{
			"a neighbour that the operator has set", near(state(line), ip("10.77.0.9"), neighbourState{mac: b.MAC, permanent: true}),
			nil,
			want{},
		},
		{
			"nobody's neighbours are given back", state(line, a), nil,
			want{neighbours: "10.77.0.20-", remove: "10.77.0.20 10.77.0.20"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ch := plan(tc.grants, tc.kernel, c, line)
			var got want
			word := func(s *string, w string) { *s = strings.TrimSpace(*s + " " + w) }
			for _, p := range ch.places {
				w := p.addr.String()
				if p.up {
					w += "u"
				}
				if p.dn {
					w += "d"
				}
				word(&got.places, w)
			}
			for _, n := range ch.neighbours {
				word(&got.neighbours, n.addr.String()+map[bool]string{true: "+", false: "-"}[n.permanent])
			}
			for _, r := range slices.Concat(ch.removeUp, ch.removeDn) {
				word(&got.remove, r.String())
			}
			if got != tc.want {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
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
	if len(got) != 0 {
		t.Errorf("a class of nobody is touched: %+v", got)
	}
	got = plan(nil, k, c, sides{guest: line.guest, wan: line.wan, first: 0x21, last: 0x100}).classes
	dropped := slices.DeleteFunc(slices.Clone(got), func(c classChange) bool { return c.want != nil })
	if len(dropped) != 2*0x11 || dropped[0].minor != 0x10 || len(got) != len(dropped)+2 {
		t.Errorf("of another capacity 17 classes of each side go and one comes: %+v", got)
	}
	root := k.guestSide[0x20]
	root.parent = 0
	k.guestSide[0x20] = root
	got = plan([]Grant{a}, k, c, line).classes
	if len(got) != 1 || !got[0].anew {
		t.Errorf("a class under another parent is made anew: %+v", got)
	}
}

// Whatever the kernel holds, the plan applied leaves exactly the desired admissions, and planning again adopts them all.
func TestPlanConverges(t *testing.T) {
	c := config(t, nil)
	some := rapid.Custom(func(t *rapid.T) Grant {
		g := grant(uint16(rapid.IntRange(0x10, 0x18).Draw(t, "slot")), netip.AddrFrom4([4]byte{10, 77, 0, byte(rapid.IntRange(2, 9).Draw(t, "ip"))}).String(), byte(rapid.IntRange(1, 4).Draw(t, "mac")))
		g.Suspended = rapid.IntRange(0, 3).Draw(t, "suspended") == 0
		return g
	})
	rapid.Check(t, func(t *rapid.T) {
		k := state(line, rapid.SliceOfN(some, 0, 8).Draw(t, "kernel")...)
		for i := range rapid.IntRange(0, 3).Draw(t, "addresses") { // the watch ties each to one device
			m := some.Draw(t, "device").MAC
			k.six[m] = append(k.six[m], netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i + 1)}))
		}
		for range rapid.IntRange(0, 2).Draw(t, "damage") {
			delete(k.dn, some.Draw(t, "lost").IPv4)
			g := some.Draw(t, "ended")
			k.up[g.IPv4] = g.closed(g.IPv4)
		}
		desired := rapid.SliceOfN(some, 0, 8).Draw(t, "desired")
		ch := plan(desired, k, c, line)
		if len(ch.adopt)+len(ch.add)+len(ch.refused) != len(desired) {
			t.Fatalf("%d grants: %d adopted, %d added, %d refused", len(desired), len(ch.adopt), len(ch.add), len(ch.refused))
		}
		k.apply(ch)
		wanted := append(append([]Grant{}, ch.adopt...), ch.add...)
		if len(k.up) != len(ch.places) || len(k.dn) != len(ch.places) {
			t.Fatalf("%d and %d entries for %d places", len(k.up), len(k.dn), len(ch.places))
		}
		for _, p := range ch.places {
			if !k.neighbours[p.addr].holds(p.MAC) {
				t.Fatalf("%v is %+v", p.addr, k.neighbours[p.addr])
			}
		}
		again := plan(wanted, k, c, line)
		if len(again.adopt) != len(wanted) || len(again.add)+len(again.removeUp)+len(again.removeDn)+len(again.neighbours)+len(again.flush)+len(again.classes)+len(again.refused) != 0 {
			t.Fatalf("not at rest: %+v", again)
		}
	})
}

// Five thousand come, change, are suspended and go in random order, while somebody damages what is there: after each step the
// kernel holds what is desired and nothing else.
func TestPlanOfFiveThousand(t *testing.T) {
	const people, rounds = 5000, 12
	c := config(t, func(c *Config) { c.Capacity = 10000 })
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	sides := line
	sides.first, sides.last, _ = Slots(10000)
	k := state(sides)
	open := map[int]Grant{}
	for range rounds {
		for range people {
			i := rnd.IntN(people)
			g := grant(uint16(firstSlot+i), netip.AddrFrom4([4]byte{10, 77, byte(1 + i>>8), byte(i)}).String(), 0)
			g.MAC = mac.Addr{2, 0, 0, 1, byte(i >> 8), byte(i)}
			g.Down, g.Suspended = uint64(1+rnd.IntN(9))*1_000_000, rnd.IntN(5) == 0
			k.six[g.MAC] = nil
			for n := range rnd.IntN(4) {
				k.six[g.MAC] = append(k.six[g.MAC], netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 13: byte(i >> 8), 14: byte(i), 15: byte(n)}))
			}
			if rnd.IntN(3) == 0 {
				delete(open, i)
			} else {
				open[i] = g
			}
		}
		for a := range k.up { // in random order
			if rnd.IntN(50) == 0 {
				delete([]map[netip.Addr]ipset.Entry{k.up, k.dn}[rnd.IntN(2)], a)
				delete(k.neighbours, a)
			}
		}
		desired := slices.Collect(maps.Values(open))
		ch := plan(desired, k, c, sides)
		if len(ch.refused) > 0 {
			t.Fatal(ch.refused[0])
		}
		k.apply(ch)
		want := 0
		for _, g := range desired {
			places := append([]netip.Addr{g.IPv4}, k.six[g.MAC]...)
			for _, a := range places {
				up, dn := k.holds(a, g)
				if up == g.Suspended || dn == g.Suspended || k.neighbours[a].holds(g.MAC) == g.Suspended {
					t.Fatalf("slot %#x (suspended %v) at %v: up %v, down %v, neighbour %+v", g.Slot, g.Suspended, a, up, dn, k.neighbours[a])
				}
			}
			if !g.Suspended {
				want += len(places)
			}
			if k.guestSide[g.Slot] != sides.want(false, g.Down, g.Floor) {
				t.Fatalf("slot %#x has the class %+v", g.Slot, k.guestSide[g.Slot])
			}
		}
		if len(k.up) != want || len(k.dn) != want {
			t.Fatalf("%d and %d entries for %d places", len(k.up), len(k.dn), want)
		}
	}
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
