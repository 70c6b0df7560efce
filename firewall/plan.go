package firewall

import (
	"fmt"
	"net/netip"
	"slices"

	"parvis/firewall/ipset"
)

// kernel is what the kernel says: the entries of both IPv4 sets and the classes of both sides.
type kernel struct {
	up, dn             map[netip.Addr]ipset.Entry
	guestSide, wanSide map[uint16]class
}

// counts are bytes both ways.
type counts struct{ down, up uint64 }

func (c counts) plus(d counts) counts { return counts{c.down + d.down, c.up + d.up} }

func (c counts) atLeast(d counts) counts { return counts{max(c.down, d.down), max(c.up, d.up)} }

// slotOf is the slot that an entry admits; 0 when it is closed.
func slotOf(e ipset.Entry) uint16 { return uint16(e.Mark >> 16) }

// holds reports whether the kernel admits exactly the grant's device in its slot, both ways.
func (k kernel) holds(g Grant) bool {
	up, isUp := k.up[g.IPv4]
	dn, isDn := k.dn[g.IPv4]
	return isUp && isDn && up.MAC == g.MAC && up.Mark == dn.Mark && slotOf(up) == g.Slot && up.Mark&backstop == 0
}

// hasParent reports whether the grant's parent class is there. The kernel does not mind when it is not: it makes a class
// that nothing holds back.
func (k kernel) hasParent(g Grant) bool {
	p := or(g.Parent, classLine)
	_, guest := k.guestSide[p]
	_, wan := k.wanSide[p]
	return p == classLine || (guest && wan)
}

func noParent(g Grant) error {
	return fmt.Errorf("%w: slot %#x: no parent class %d:%x", ErrGrant, g.Slot, qdisc, g.Parent)
}

// keep is an entry of the grant that takes the place of the one that was read: its counters stay. One that may expire
// before it is written would come back with anybody's counters, so those that were read are written with it.
func keep(e, was ipset.Entry) ipset.Entry {
	if was.Timeout <= 1 { // the kernel rounds down, and says 1 for less
		e.Packets, e.Bytes = was.Packets, was.Bytes
	}
	return e
}

// counted is what the kernel has counted for a device at an address, whatever the state of its entry. The download set
// knows no MAC; its count is the device's only as long as the upload entry is.
func (k kernel) counted(g Grant) counts {
	up, is := k.up[g.IPv4]
	if !is || up.MAC != g.MAC || !ends(up, g) {
		return counts{}
	}
	c := counts{up: value(up.Bytes)}
	if dn, is := k.dn[g.IPv4]; is && ends(dn, g) {
		c.down = value(dn.Bytes)
	}
	return c
}

// ends reports whether the entry is the grant's, open or closed.
func ends(e ipset.Entry, g Grant) bool { return slotOf(e) == g.Slot || e.Mark == backstop }

func value(p *uint64) uint64 {
	if p == nil {
		return 0
	}
	return *p
}

// sides are the two rates of the line and how many slots share it.
type sides struct {
	guest, wan side
	slots      int
}

// changes turn the kernel's state into the desired one.
type changes struct {
	adopt   []Grant // there already: only the timeout is corrected, counters stay
	add     []Grant // counters are written to zero
	remove  []netip.Addr
	flush   []uint16 // slots whose flows are cut
	classes []classChange
	refused []error // grants that cannot be enforced; everything else is
}

// classChange makes (want != nil) or drops one class on one side.
type classChange struct {
	wan   bool
	minor uint16
	want  *class
	anew  bool // it hangs under another parent now
}

func (s sides) of(wan bool) side {
	if wan {
		return s.wan
	}
	return s.guest
}

// plan compares. It is pure: the same two states always give the same changes, and the changes applied give a state whose
// plan is to adopt everything.
func plan(desired []Grant, k kernel, c Config, s sides) changes {
	var ch changes
	slots, addresses := map[uint16]bool{}, map[netip.Addr]bool{}
	for _, g := range desired {
		switch err := g.check(c); {
		case err != nil:
			ch.refused = append(ch.refused, err)
			continue
		case !k.hasParent(g):
			ch.refused = append(ch.refused, noParent(g))
			continue
		case slots[g.Slot]:
			ch.refused = append(ch.refused, fmt.Errorf("%w: slot %#x twice", ErrGrant, g.Slot))
			continue
		case addresses[g.IPv4]:
			ch.refused = append(ch.refused, fmt.Errorf("%w: slot %#x: %v is in another slot", ErrGrant, g.Slot, g.IPv4))
			continue
		}
		slots[g.Slot], addresses[g.IPv4] = true, true
		if k.holds(g) {
			ch.adopt = append(ch.adopt, g)
		} else {
			ch.add = append(ch.add, g)
		}
	}
	adopted := map[netip.Addr]uint16{}
	kept := map[uint16]bool{}
	for _, g := range ch.adopt {
		adopted[g.IPv4], kept[g.Slot] = g.Slot, true
	}
	cut := map[uint16]bool{}
	for _, set := range []map[netip.Addr]ipset.Entry{k.up, k.dn} {
		for ip, e := range set {
			if _, is := adopted[ip]; is {
				continue
			}
			ch.remove = append(ch.remove, ip)
			if n := slotOf(e); n != 0 && !kept[n] {
				cut[n] = true
			}
		}
	}
	slices.SortFunc(ch.remove, netip.Addr.Compare)
	ch.remove = slices.Compact(ch.remove)
	ch.flush = sortedKeys(cut)
	ch.classes = append(planClasses(false, ch, k.guestSide, s), planClasses(true, ch, k.wanSide, s)...)
	return ch
}

func planClasses(wan bool, ch changes, has map[uint16]class, s sides) []classChange {
	d := s.of(wan)
	want := map[uint16]class{
		classLine: d.top(), classHouse: d.house(), classEnded: {parent: classLine, rate: minRate, ceil: minRate},
	}
	for _, g := range slices.Concat(ch.adopt, ch.add) {
		rate := g.Down
		if wan {
			rate = g.Up
		}
		want[g.Slot] = d.want(rate, g.Parent, s.slots)
	}
	var out []classChange
	for _, minor := range sortedKeys(want) { // ascending: parents are below the slots
		w := want[minor]
		h, is := has[minor]
		switch {
		case !is:
			out = append(out, classChange{wan, minor, &w, false})
		case h != w:
			out = append(out, classChange{wan, minor, &w, h.parent != w.parent})
		}
	}
	for _, minor := range sortedKeys(has) {
		// Classes below the slots that are not ours are a parent's that somebody laid for a group.
		if _, is := want[minor]; !is && minor >= firstSlot {
			out = append(out, classChange{wan, minor, nil, false})
		}
	}
	return out
}
