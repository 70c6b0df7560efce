package firewall

import (
	"errors"
	"fmt"

	"parvis/firewall/ipset"
)

// Sync makes the whole desired state true, whatever the kernel's state is: start, restart and repair. It lays the
// skeleton, sets, classes and switches; entries that are already the desired ones keep their counters, what is not
// desired is taken away and its flows cut, what is missing is added.
//
// Grants that cannot be enforced do not keep the others from being so: the error then wraps ErrGrant. The error wraps
// ErrNoInterface when the guest interface or the line's is not there; call again on LinkBack.
func (f *Firewall) Sync(desired []Grant) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.sync(desired)
	f.synced = err == nil || errors.Is(err, ErrGrant)
	if err != nil {
		return fmt.Errorf("firewall: sync: %w", err)
	}
	return nil
}

func (f *Firewall) sync(desired []Grant) error {
	if err := f.laySkeleton(); err != nil {
		return err
	}
	k, err := f.read()
	if err != nil {
		return err
	}
	if err := f.readClasses(&k); err != nil {
		return err
	}
	f.harvest(k)
	return f.apply(plan(desired, k, f.cfg, f.sides), k)
}

// laySkeleton lays everything that does not depend on who is admitted. Sets come before the rules that name them, rules
// before the interfaces are looked for: where an interface is missing, its absence must not leave the others open.
func (f *Firewall) laySkeleton() error {
	if err := f.laySets(); err != nil {
		return err
	}
	for _, x := range f.tables {
		if err := x.lay(f.cfg); err != nil {
			return err
		}
	}
	if !f.swept { // a skeleton in both backends would mark and count every packet twice
		if err := f.removeOther(); err != nil {
			f.log.Warn("the other iptables backend may hold rules of ours", "cause", err)
		}
		f.swept = true
	}
	guest, err := f.rt.LinkByName(f.cfg.Guest)
	if err != nil {
		return fmt.Errorf("%w: guests' %s: %w", ErrNoInterface, f.cfg.Guest, err)
	}
	wan, err := f.rt.LinkByName(f.cfg.WAN)
	if err != nil {
		return fmt.Errorf("%w: line's %s: %w", ErrNoInterface, f.cfg.WAN, err)
	}
	if err := f.laySwitches(guest); err != nil {
		return err
	}
	f.sides.guest.index, f.sides.wan.index = guest.Attrs().Index, wan.Attrs().Index
	for _, s := range []side{f.sides.guest, f.sides.wan} {
		displaced, err := f.layRoot(s)
		if err != nil {
			return err
		}
		if displaced != "" {
			f.notes[s.device] = displaced
		}
	}
	return nil
}

func (f *Firewall) laySets() error {
	sets := []ipset.Set{
		{Name: setUp4, Type: ipset.BitmapIPMAC, Family: ipset.IPv4, Range: f.cfg.Address.Masked()},
		{Name: setDn4, Type: ipset.HashIP, Family: ipset.IPv4, MaxElem: 65536},
	}
	if len(f.tables) > 1 {
		sets = append(sets,
			ipset.Set{Name: setUp6, Type: ipset.HashIP, Family: ipset.IPv6, MaxElem: 65536},
			ipset.Set{Name: setDn6, Type: ipset.HashIP, Family: ipset.IPv6, MaxElem: 65536})
	}
	for _, s := range sets {
		err := f.sets.Ensure(s)
		if errors.Is(err, ipset.ErrShape) { // another guest network than last time
			for _, x := range append(f.otherTables(), f.tables...) {
				if err := x.letGo(); err != nil {
					return err
				}
			}
			err = f.sets.Ensure(s)
		}
		if err != nil {
			return err
		}
		if s.Family == ipset.IPv6 { // nobody is admitted over IPv6
			if err := f.sets.Flush(s.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// apply closes first, then opens.
func (f *Firewall) apply(ch changes, k kernel) error {
	errs := ch.refused
	gone := make([]ipset.Entry, len(ch.remove))
	for i, ip := range ch.remove {
		gone[i] = ipset.Entry{IP: ip, MAC: k.up[ip].MAC}
	}
	if err := f.erase(gone); err != nil {
		return err
	}
	if err := f.cut(ch.flush...); err != nil {
		return err
	}
	failed := map[uint16]bool{}
	for _, c := range ch.classes {
		if c.want == nil {
			continue
		}
		if err := f.putClass(f.sides.of(c.wan), c.minor, *c.want, c.anew); err != nil {
			if c.minor < firstSlot {
				return err
			}
			failed[c.minor] = true
			errs = append(errs, fmt.Errorf("%w: slot %s: %w", ErrGrant, slotText(c.minor), err))
		}
	}
	records := f.records(ch, k)
	now := f.clock.Boot()
	var up, dn, undo []ipset.Entry
	for _, list := range []struct {
		grants []Grant
		fresh  bool
	}{{ch.adopt, false}, {ch.add, true}} {
		for _, g := range list.grants {
			if failed[g.Slot] && list.fresh {
				delete(records, g.Slot)
				continue
			}
			e := g.entry(now, list.fresh)
			if list.fresh {
				up, dn, undo = append(up, e), append(dn, down(e)), append(undo, e)
			} else {
				up, dn = append(up, keep(e, k.up[g.IPv4])), append(dn, keep(down(e), k.dn[g.IPv4]))
			}
		}
	}
	err := f.sets.Add(setDn4, dn...)
	if err == nil {
		err = f.sets.Add(setUp4, up...)
	}
	if err != nil {
		f.laid = false // the records do not know how far it went: another Sync, before any Put
		return errors.Join(append(errs, err, f.erase(undo))...)
	}
	f.replace(records)
	f.laid = true
	for _, c := range ch.classes {
		if c.want == nil {
			if err := f.dropClass(f.sides.of(c.wan), c.minor); err != nil {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// records are what we shall know once the changes are made: counts go on where slot and device are the same.
func (f *Firewall) records(ch changes, k kernel) map[uint16]*record {
	before := map[uint16]ipset.Entry{} // by slot, as another process left it
	for _, e := range k.up {
		before[slotOf(e)] = e
	}
	out := make(map[uint16]*record, len(ch.adopt)+len(ch.add))
	for _, g := range ch.adopt {
		r := &record{Grant: g, open: true, seen: k.counted(g)}
		if old := f.slots[g.Slot]; old != nil && old.open && old.MAC == g.MAC && old.IPv4 == g.IPv4 {
			r.carried, r.seen = old.carried, old.seen
		}
		out[g.Slot] = r
	}
	for _, g := range ch.add {
		r := &record{Grant: g, open: true}
		if old := f.slots[g.Slot]; old != nil {
			if old.open && old.MAC == g.MAC {
				r.carried = old.seen
			}
		} else if e := before[g.Slot]; e.MAC == g.MAC {
			r.carried = k.counted(Grant{Slot: g.Slot, MAC: g.MAC, IPv4: e.IP})
		}
		r.seen = r.carried
		out[g.Slot] = r
	}
	return out
}

// replace takes the new records in place of the old ones, whose last counts become final where they do not go on.
func (f *Firewall) replace(records map[uint16]*record) {
	for slot, old := range f.slots {
		if r := records[slot]; r == nil || r.MAC != old.MAC || !old.open {
			f.finals = append(f.finals, Usage{Slot: slot, Down: old.seen.down, Up: old.seen.up, Final: true})
		}
	}
	clear(f.slots)
	clear(f.byIP)
	for _, r := range records {
		f.remember(r)
	}
}
