package firewall

import (
	"fmt"
	"net/netip"
	"slices"

	"parvis/firewall/ipset"
	"parvis/internal/mac"
	"parvis/internal/order"
)

// kernel is what the kernel says: the entries of the sets of both families, the classes of both sides, the neighbours of
// the guest interface; and what the link's watch says, which is taken as it was at the same moment.
type kernel struct {
	dump               uint64 // its number
	up, dn             map[netip.Addr]ipset.Entry
	ledger             map[uint16]ledger
	guestSide, wanSide map[uint16]class
	neighbours         map[netip.Addr]neighbourState
	six                map[mac.Addr][]netip.Addr // IPv6 addresses of devices
}

// counts are bytes both ways.
type counts struct{ down, up uint64 }

func (c counts) plus(d counts) counts { return counts{c.down + d.down, c.up + d.up} }

func (c counts) atLeast(d counts) counts { return counts{max(c.down, d.down), max(c.up, d.up)} }

// slotOf is the slot that an entry admits; 0 when it is closed.
func slotOf(e ipset.Entry) uint16 {
	if e.Mark&backstop != 0 {
		return 0
	}
	return uint16(e.Mark >> 16)
}

// is reports whether the entry is that device's: a hash:ip set knows no MAC and is not contradicted.
func is(e ipset.Entry, m mac.Addr) bool {
	return e.MAC == m || e.IP.Is6() && e.MAC == (mac.Addr{})
}

// holds reports in which of its sets the kernel admits exactly the grant's device at the address, in its slot. The
// download set knows no MAC: its entry is the device's as long as the upload entry is not another's.
func (k kernel) holds(a netip.Addr, g Grant) (up, dn bool) {
	u, isUp := k.up[a]
	d, isDn := k.dn[a]
	up = isUp && is(u, g.MAC) && slotOf(u) == g.Slot
	return up, isDn && slotOf(d) == g.Slot && (up || !isUp)
}

// has reports whether the address has both its entries, whoever's.
func (k kernel) has(a netip.Addr) bool {
	_, up := k.up[a]
	_, dn := k.dn[a]
	return up && dn
}

// keep is an entry of the grant that takes the place of the one that was read: its counters stay. One that may expire
// before it is written would come back with anybody's counters, so those that were read are written with it.
func keep(e, was ipset.Entry) ipset.Entry {
	if was.Timeout <= 1 { // the kernel rounds down, and says 1 for less
		e.Packets, e.Bytes = was.Packets, was.Bytes
	}
	return e
}

// counted is what the kernel has counted for a device at an address, whatever the state of its entries. The download set
// knows no MAC; its count is the device's only as long as the upload entry is not another's.
func (k kernel) counted(a netip.Addr, g Grant) (c counts) {
	up, isUp := k.up[a]
	if isUp {
		if !is(up, g.MAC) || !ends(up, g) {
			return c
		}
		c.up = value(up.Bytes)
	}
	if dn, is := k.dn[a]; is && ends(dn, g) {
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

// changes turn the kernel's state into the desired one.
type changes struct {
	adopt      []Grant // there already, at all its addresses
	add        []Grant
	named      []Grant      // for names: they have a class and a neighbour, and no entries here
	places     []place      // where those of adopt and add that are not suspended are to pass
	removeUp   []netip.Addr // entries that are nobody's, of either family
	removeDn   []netip.Addr
	flush      []uint16 // slots whose flows are cut
	neighbours []neighbourChange
	classes    []classChange
	refused    []error // grants that cannot be enforced; everything else is
}

// place is one address of a grant in the sets.
type place struct {
	Grant
	addr   netip.Addr
	up, dn bool // the entry is there already: only its timeout is corrected, its counters stay. Else they are written to zero
}

// plan compares. It is pure: the same two states always give the same changes, and the changes applied give a state whose
// plan is to adopt everything.
func plan(desired []Grant, k kernel, c Config, s sides) changes {
	var ch changes
	slots, addresses := map[uint16]bool{}, map[netip.Addr]bool{}
	var granted []Grant
	for _, g := range desired {
		switch err := g.check(c); {
		case err != nil:
			ch.refused = append(ch.refused, err)
			continue
		case slots[g.Slot]:
			ch.refused = append(ch.refused, fmt.Errorf("%w: slot %#x twice", ErrGrant, g.Slot))
			continue
		case addresses[g.IPv4]:
			ch.refused = append(ch.refused, fmt.Errorf("%w: slot %#x: %v is in another slot", ErrGrant, g.Slot, g.IPv4))
			continue
		}
		slots[g.Slot], addresses[g.IPv4] = true, true
		granted = append(granted, g)
	}
	// Where two claim the same address (one device in two slots), the lower slot has it, in whatever order they came.
	order.Func(granted, func(a, b Grant) int { return int(a.Slot) - int(b.Slot) })
	at, kept := map[netip.Addr]place{}, map[uint16]bool{}
	var near []place // whose neighbours are permanent beside those of ch.places
	for _, g := range granted {
		if g.Named {
			ch.named = append(ch.named, g)
			if _, taken := at[g.IPv4]; !taken && !g.Suspended {
				at[g.IPv4] = place{Grant: g, addr: g.IPv4}
				near = append(near, at[g.IPv4])
			}
			continue
		}
		whole := true
		if !g.Suspended {
			for _, a := range append([]netip.Addr{g.IPv4}, k.six[g.MAC]...) {
				if _, taken := at[a]; taken {
					continue
				}
				p := place{Grant: g, addr: a}
				p.up, p.dn = k.holds(a, g)
				at[a] = p
				ch.places = append(ch.places, p)
				whole = whole && p.up && p.dn
				kept[g.Slot] = kept[g.Slot] || p.up || p.dn
			}
		}
		if whole {
			ch.adopt = append(ch.adopt, g)
		} else {
			ch.add = append(ch.add, g)
		}
	}
	cut := map[uint16]bool{}
	stray := func(set map[netip.Addr]ipset.Entry, stays func(place) bool) (gone []netip.Addr) {
		for a, e := range set {
			if stays(at[a]) {
				continue
			}
			gone = append(gone, a)
			if n := slotOf(e); n != 0 && !kept[n] {
				cut[n] = true
			}
		}
		order.Func(gone, netip.Addr.Compare)
		return gone
	}
	ch.removeUp = stray(k.up, func(p place) bool { return p.up })
	ch.removeDn = stray(k.dn, func(p place) bool { return p.dn })
	ch.flush = sortedKeys(cut)
	ch.neighbours = planNeighbours(slices.Concat(ch.places, near), at, k)
	ch.classes = append(planClasses(false, ch, k.guestSide, s), planClasses(true, ch, k.wanSide, s)...)
	return ch
}

// planNeighbours makes every admitted address permanent and gives back what is ours and admitted no more.
func planNeighbours(places []place, at map[netip.Addr]place, k kernel) []neighbourChange {
	var out []neighbourChange
	for a, n := range k.neighbours {
		if p := at[a]; n.ours && n.permanent && p.Slot == 0 {
			out = append(out, neighbourChange{addr: a, mac: n.mac})
		}
	}
	order.Func(out, func(a, b neighbourChange) int { return a.addr.Compare(b.addr) })
	for _, p := range places {
		if !k.neighbours[p.addr].holds(p.MAC) {
			out = append(out, neighbourChange{addr: p.addr, mac: p.MAC, permanent: true})
		}
	}
	return out
}
