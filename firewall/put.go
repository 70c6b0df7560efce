package firewall

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"parvis/firewall/ipset"
	"parvis/internal/mac"
	"parvis/internal/order"
)

// Put makes one grant true: a new session, or a change of one that is open in the same slot for the same device (its
// end, its rates, its address, whether it is suspended). A new one starts with counts of zero; a change keeps them. It
// speaks netlink only.
//
// When it returns an error nothing new is open: a new admission or one at another address is undone altogether, and a
// session that was to be changed in place stays as it was.
func (f *Firewall) Put(g Grant) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.put(g); err != nil {
		return fmt.Errorf("firewall: put slot %s: %w", slotText(g.Slot), err)
	}
	return nil
}

func (f *Firewall) put(g Grant) error {
	if !f.laid {
		return ErrNotLaid
	}
	if err := g.check(f.cfg); err != nil {
		return err
	}
	if g.Named {
		return f.putNamed(g)
	}
	if f.namedAt(g.IPv4, 0) {
		return fmt.Errorf("%v: %w", g.IPv4, ErrAddressTaken)
	}
	if err := f.makeRoom(g); err != nil {
		return err
	}
	old := f.slots[g.Slot]
	holder := f.slots[f.byIP[g.IPv4]]
	switch {
	case old != nil && old.open && old.MAC != g.MAC:
		return ErrSlotTaken
	case holder != nil && holder.open && holder.Slot != g.Slot && holder.IPv4 == g.IPv4:
		return fmt.Errorf("%v: %w", g.IPv4, ErrAddressTaken)
	}
	// What was dropped, or left, and waits to be counted must not lend its entry, class or counts to this one.
	if (old != nil && !old.open) || (holder != nil && (!holder.open || holder.Slot != g.Slot)) {
		if err := f.collect(); err != nil {
			return err
		}
		old = f.slots[g.Slot]
	}
	if g.Suspended {
		return f.suspend(g, old)
	}
	return f.admit(g, old)
}

// admit opens, or changes what is open. old is the slot's record, nil for a new session.
func (f *Firewall) admit(g Grant, old *record) error {
	want := append([]netip.Addr{g.IPv4}, f.bound(g.MAC)...)
	for _, a := range want[1:] {
		if err := f.release(a, g.Slot); err != nil {
			return err
		}
	}
	r := old
	if r == nil {
		r = &record{Grant: g, open: true}
		f.opened = f.ready < f.sides.last
	}
	opens := old == nil || old.Suspended || old.IPv4 != g.IPv4
	if opens && old != nil { // the flows of the old address end with it
		if err := errors.Join(f.leave(old, old.IPv4), f.cut(g.Slot)); err != nil {
			return err
		}
	}
	err := f.putClasses(g)
	if err == nil {
		err = f.write(g, r, want)
	}
	if err != nil {
		switch {
		case old == nil:
			up, dn := keys(g.MAC, want)
			err = errors.Join(err, f.erase(up, dn), f.setNeighbours(neighbourChanges(g.MAC, want, false)...))
		case opens: // nothing passes any more; the next Usage reports it as ended
			err = errors.Join(err, f.drop(old))
		}
		return err
	}
	f.forget(g.Slot)
	r.Grant = g
	f.remember(r)
	return f.leave(r, r.addresses(func(t *tally) bool { return !t.gone && !slices.Contains(want, t.addr) })...)
}

// suspend keeps the slot and its class and takes its entries away, once their counts are known: a device without an
// entry is sent to the portal, which says why.
func (f *Firewall) suspend(g Grant, old *record) error {
	if err := f.putClasses(g); err != nil {
		return err
	}
	if old == nil {
		f.remember(&record{Grant: g, open: true})
		return nil
	}
	err := f.leave(old, old.addresses(func(t *tally) bool { return !t.gone })...)
	if err == nil {
		err = f.cut(g.Slot)
	}
	if err != nil {
		return err
	}
	f.forget(g.Slot)
	old.Grant = g
	f.remember(old)
	return f.collect()
}

// write puts the grant into the sets at the addresses, and its device into the neighbour table; the upload entries last,
// since with them the device passes. An entry that is there keeps its counters; one that has expired, or that
// somebody took out, starts anew.
func (f *Firewall) write(g Grant, r *record, list []netip.Addr) error {
	now := f.clock.Boot()
	next := record{Grant: g, open: true, carried: r.carried, at: slices.Clone(r.at)}
	var up, dn []ipset.Entry
	for _, a := range list {
		var isUp, isDn bool
		if t := next.of(a); t != nil {
			var err error
			if isUp, isDn, err = f.there(g.MAC, a); err != nil {
				return err
			}
			t.gone = false
		}
		next.restart(a, f.dump, !isUp, !isDn)
		up, dn = append(up, f.up(g.entry(a, now, !isUp))), append(dn, down(g.entry(a, now, !isDn)))
	}
	err := f.setNeighbours(neighbourChanges(g.MAC, list, true)...)
	if err == nil && next.carried != r.carried {
		err = f.sets.Add(setDn4, next.ledger(g.seconds(now)))
	}
	if err == nil {
		err = f.fromPortal(up)
	}
	if err == nil {
		err = f.add(up, dn)
	}
	if err == nil {
		r.carried, r.at = next.carried, next.at
	}
	return err
}

// leave closes the record's entries at the addresses. The next dump takes their counts and takes them away.
func (f *Firewall) leave(r *record, list ...netip.Addr) error {
	var up, dn []ipset.Entry
	for _, a := range list {
		if r.of(a) == nil {
			continue
		}
		// Only what is there is overwritten: an entry that has expired would come back with anybody's counters.
		isUp, isDn, err := f.there(r.MAC, a)
		if err != nil {
			return err
		}
		e := r.closed(a)
		if isUp {
			up = append(up, f.up(e))
		}
		if isDn {
			dn = append(dn, down(e))
		}
	}
	if err := f.add(up, dn); err != nil {
		return err
	}
	if err := f.toPortal(up); err != nil {
		return err
	}
	for _, a := range list {
		if t := r.of(a); t != nil {
			t.gone, t.since = true, f.dump
		}
	}
	return f.setNeighbours(neighbourChanges(r.MAC, list, false)...)
}

// release makes an IPv6 address free for the slot where another one has it: the link's watch says whose it is now.
func (f *Firewall) release(a netip.Addr, slot uint16) error {
	r := f.slots[f.byIP[a]]
	if r == nil || r.Slot == slot {
		return nil
	}
	if r.open {
		if err := f.leave(r, a); err != nil {
			return err
		}
	}
	return f.collect()
}

// there asks which of its sets have the device's entry at the address.
func (f *Firewall) there(m mac.Addr, a netip.Addr) (up, dn bool, err error) {
	u, d := keys(m, []netip.Addr{a})
	if up, err = f.sets.Has(setUp(a), f.up(u[0])); err != nil {
		return false, false, err
	}
	dn, err = f.sets.Has(setDn(a), d[0])
	return up, dn, err
}

// keys are what names the device's entries at the addresses.
func keys(m mac.Addr, list []netip.Addr) (up, dn []ipset.Entry) {
	for _, a := range list {
		up, dn = append(up, ipset.Entry{IP: a, MAC: m}), append(dn, ipset.Entry{IP: a})
	}
	return up, dn
}

func neighbourChanges(m mac.Addr, list []netip.Addr, permanent bool) []neighbourChange {
	out := make([]neighbourChange, len(list))
	for i, a := range list {
		out[i] = neighbourChange{addr: a, mac: m, permanent: permanent}
	}
	return out
}

// Drop stops the slot's flows at once. Its last counts are reported by the next Usage, which frees what it held. It is no
// error when the slot is not open.
func (f *Firewall) Drop(slot uint16) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.dropNamed(slot); err != nil {
		return fmt.Errorf("firewall: drop slot %s: %w", slotText(slot), err)
	}
	r := f.slots[slot]
	if r == nil || !r.open {
		return nil
	}
	if err := f.drop(r); err != nil {
		return fmt.Errorf("firewall: drop slot %s: %w", slotText(slot), err)
	}
	return nil
}

func (f *Firewall) drop(r *record) error {
	if err := f.leave(r, r.addresses(func(t *tally) bool { return !t.gone })...); err != nil {
		return err
	}
	r.open = false
	return f.cut(r.Slot)
}

// Usage returns what every known slot has carried in both families, in the order of slots, one dump per set. A slot that
// was dropped before is in it once more, Final. Openings and ends go on while it reads.
func (f *Firewall) Usage() ([]Usage, error) {
	f.reading.Lock()
	defer f.reading.Unlock()
	f.mu.Lock()
	laid, dump := f.laid, f.begin()
	f.mu.Unlock()
	if !laid {
		return nil, fmt.Errorf("firewall: usage: %w", ErrNotLaid)
	}
	k, err := f.read(f.lists, dump)
	if err != nil {
		return nil, fmt.Errorf("firewall: usage: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.take(k)
	out := f.finals
	f.finals = nil
	for slot, r := range f.slots {
		t := r.total()
		out = append(out, Usage{Slot: slot, Down: t.down, Up: t.up})
	}
	// A slot that was given again since has its predecessor's final count first.
	order.Stable(out, func(a, b Usage) int { return int(a.Slot) - int(b.Slot) })
	return out, nil
}
