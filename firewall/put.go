package firewall

import (
	"errors"
	"fmt"
	"slices"

	"parvis/firewall/ipset"
)

// Put makes one grant true: a new session, or a change of one that is open in the same slot for the same device (its
// end, its rates, its address). A new one starts with counts of zero; a change keeps them. It speaks netlink only.
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
	if or(g.Parent, classLine) != classLine { // seldom: a group's
		var k kernel
		if err := f.readClasses(&k); err != nil {
			return err
		}
		if !k.hasParent(g) {
			return noParent(g)
		}
	}
	old := f.slots[g.Slot]
	holder := f.slots[f.byIP[g.IPv4]]
	switch {
	case old != nil && old.open && old.MAC != g.MAC:
		return ErrSlotTaken
	case holder != nil && holder.open && holder.Slot != g.Slot:
		return fmt.Errorf("%v: %w", g.IPv4, ErrAddressTaken)
	}
	// Ended ones that wait to be counted must not lend their entry, class or counts to this one.
	if (old != nil && !old.open) || (holder != nil && !holder.open) {
		if _, err := f.collect(); err != nil {
			return err
		}
		old = f.slots[g.Slot]
	}
	if old == nil {
		return f.admit(g, counts{}, nil)
	}
	if old.IPv4 != g.IPv4 {
		return f.move(g, old)
	}
	there, err := f.there(old.Grant)
	if err != nil {
		return err
	}
	if !there[setUp4] || !there[setDn4] { // expired, or somebody emptied the set
		return f.admit(g, old.seen, old)
	}
	if err := f.putClasses(g, old); err != nil {
		return err
	}
	if err := f.write(g, false); err != nil {
		return err
	}
	old.Grant = g
	return nil
}

// admit opens. carried is what the slot has carried before; has is its record while its classes are still there.
func (f *Firewall) admit(g Grant, carried counts, has *record) error {
	err := f.putClasses(g, has)
	if err == nil {
		err = f.write(g, true)
	}
	if err != nil {
		undo := f.erase([]ipset.Entry{{IP: g.IPv4, MAC: g.MAC}})
		if has == nil {
			undo = errors.Join(undo, f.dropClass(f.sides.guest, g.Slot), f.dropClass(f.sides.wan, g.Slot))
		} else {
			has.open = false // nothing passes any more; the next Usage reports it as ended
		}
		return errors.Join(err, undo)
	}
	f.forget(g.Slot)
	f.remember(&record{Grant: g, open: true, carried: carried, seen: carried})
	return nil
}

// move opens the same session at another address: the entry at the old one goes first, and its counts are carried over.
func (f *Firewall) move(g Grant, old *record) error {
	k, err := f.read()
	if err != nil {
		return err
	}
	f.harvest(k)
	if err := f.erase([]ipset.Entry{{IP: old.IPv4, MAC: old.MAC}}); err != nil {
		return err
	}
	if err := f.cut(g.Slot); err != nil {
		return err
	}
	return f.admit(g, old.seen, old)
}

func (f *Firewall) putClasses(g Grant, old *record) error {
	anew := old != nil && or(old.Parent, classLine) != or(g.Parent, classLine)
	for _, d := range []struct {
		side
		rate uint64
	}{{f.sides.guest, g.Down}, {f.sides.wan, g.Up}} {
		if err := f.putClass(d.side, g.Slot, d.want(d.rate, g.Parent, f.sides.slots), anew); err != nil {
			return err
		}
	}
	return nil
}

// write puts the grant into both sets; the upload one last, since with it the device passes.
func (f *Firewall) write(g Grant, fresh bool) error {
	e := g.entry(f.clock.Boot(), fresh)
	if err := f.sets.Add(setDn4, down(e)); err != nil {
		return err
	}
	return f.sets.Add(setUp4, e)
}

// there asks which of the sets has the grant's entry.
func (f *Firewall) there(g Grant) (map[string]bool, error) {
	out := map[string]bool{}
	for _, s := range []string{setUp4, setDn4} {
		e := ipset.Entry{IP: g.IPv4, MAC: g.MAC}
		if s == setDn4 {
			e = down(e)
		}
		has, err := f.sets.Has(s, e)
		if err != nil {
			return nil, err
		}
		out[s] = has
	}
	return out, nil
}

// Drop stops the slot's flows at once. Its last counts are reported by the next Usage, which frees what it held. It is no
// error when the slot is not open.
func (f *Firewall) Drop(slot uint16) error {
	f.mu.Lock()
	defer f.mu.Unlock()
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
	// Only what is there is overwritten: an entry that has expired would come back with anybody's counters.
	there, err := f.there(r.Grant)
	if err != nil {
		return err
	}
	e := r.closed()
	if there[setUp4] {
		if err := f.sets.Add(setUp4, e); err != nil {
			return err
		}
	}
	if there[setDn4] {
		if err := f.sets.Add(setDn4, down(e)); err != nil {
			return err
		}
	}
	r.open = false
	return f.cut(r.Slot)
}

// Usage returns what every known slot has carried, in the order of slots, one dump per set. A slot that was dropped is in
// it once more, Final.
func (f *Firewall) Usage() ([]Usage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.laid {
		return nil, fmt.Errorf("firewall: usage: %w", ErrNotLaid)
	}
	if _, err := f.collect(); err != nil {
		return nil, fmt.Errorf("firewall: usage: %w", err)
	}
	out := f.finals
	f.finals = nil
	for slot, r := range f.slots {
		out = append(out, Usage{Slot: slot, Down: r.seen.down, Up: r.seen.up})
	}
	// A slot that was given again since has its predecessor's final count first.
	slices.SortStableFunc(out, func(a, b Usage) int { return int(a.Slot) - int(b.Slot) })
	return out, nil
}
