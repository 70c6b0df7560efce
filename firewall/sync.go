package firewall

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"parvis/firewall/ipset"
	"parvis/internal/mac"
)

// maxElements bounds a hash set (the kernel's own default): every address of a full house several times.
const maxElements = 65536

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
	if f.synced {
		f.repaired()
	}
	if err != nil {
		return fmt.Errorf("firewall: sync: %w", err)
	}
	return nil
}

// Deny lays the skeleton and admits nobody: the boot step, before the network comes up. Interfaces need not be there: rules name
// them and hold when they come. It is for a process that does nothing else; whoever was admitted before stays so until a Sync.
func (f *Firewall) Deny() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.laySkeleton(); err != nil && !errors.Is(err, ErrNoInterface) {
		return fmt.Errorf("firewall: deny: %w", err)
	}
	return nil
}

func (f *Firewall) sync(desired []Grant) error {
	desired, refused := f.splitNamed(desired)
	if err := f.laySkeleton(); err != nil {
		return err
	}
	k, err := f.readAll(desired)
	if err != nil {
		return err
	}
	f.find(desired, k)
	f.harvest(k)
	desired = append(desired, f.namedGrants()...)
	f.sides.floors = f.sides.floorsFor(floorsOf(desired))
	return errors.Join(refused, f.apply(plan(desired, k, f.cfg, f.sides), k))
}

// readAll is what plan compares with the desired grants.
func (f *Firewall) readAll(desired []Grant) (kernel, error) {
	k, err := f.read(f.sets, f.begin())
	if err == nil {
		err = f.readClasses(&k)
	}
	if err == nil {
		k.neighbours, err = f.neighbours()
	}
	if err != nil {
		return kernel{}, err
	}
	k.six = map[mac.Addr][]netip.Addr{}
	for _, g := range desired {
		k.six[g.MAC] = f.bound(g.MAC)
	}
	return k, nil
}

// layRules lays the rules until it has seen them stand. What the kernel's tables look like is taken before they are read:
// a change by somebody else in between is then seen by the next glance.
func (f *Firewall) layRules() error {
	for range 3 {
		seen, err := f.tableMarks()
		if err != nil {
			return err
		}
		changed := false
		for _, x := range f.tables {
			did, err := x.lay(f.cfg)
			if err != nil {
				return err
			}
			changed = changed || did
		}
		if !changed {
			f.marks = seen
			return nil
		}
	}
	f.marks = tableMarks{} // somebody changes them all the time: the next glance looks again
	return nil
}

// laySkeleton lays everything that does not depend on who is admitted. Sets come before the rules that name them, rules
// before the interfaces are looked for: where an interface is missing, its absence must not leave the others open.
func (f *Firewall) laySkeleton() error {
	if err := f.laySets(); err != nil {
		return err
	}
	if err := f.layFavour(); err != nil {
		return err
	}
	if err := errors.Join(f.layStaff(), f.layNames()); err != nil {
		return err
	}
	if err := f.layRules(); err != nil {
		return err
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
		{Name: setDn4, Type: ipset.HashIP, Family: ipset.IPv4, MaxElem: maxElements},
		{Name: setStaff4, Type: ipset.BitmapIPMAC, Family: ipset.IPv4, Range: f.cfg.Address.Masked()},
		{Name: setNames4, Type: ipset.BitmapIPMAC, Family: ipset.IPv4, Range: f.cfg.Address.Masked()},
		{Name: setGarden4, Type: ipset.HashIP, Family: ipset.IPv4, MaxElem: maxGarden, Timeout: gardenSeconds},
		{Name: setEnded4, Type: ipset.HashIP, Family: ipset.IPv4, MaxElem: maxElements},
	}
	if len(f.tables) > 1 {
		up := ipset.HashIP
		if f.sixMAC {
			up = ipset.HashIPMAC
		}
		sets = append(sets,
			ipset.Set{Name: setUp6, Type: up, Family: ipset.IPv6, MaxElem: maxElements},
			ipset.Set{Name: setDn6, Type: ipset.HashIP, Family: ipset.IPv6, MaxElem: maxElements})
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
		if s.Family == ipset.IPv6 && !f.six() { // nobody is admitted over IPv6
			if err := f.sets.Flush(s.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// find makes records of what a process before us has left for the desired grants, once: counts go on where slot and
// device are the same.
func (f *Firewall) find(desired []Grant, k kernel) {
	if len(f.slots) > 0 {
		return
	}
	left := map[uint16][]netip.Addr{}
	for a, e := range k.up {
		if slot := slotOf(e); slot != 0 {
			left[slot] = append(left[slot], a)
		}
	}
	for _, g := range desired {
		r := &record{Grant: g, open: true}
		for _, a := range left[g.Slot] {
			e := k.up[a]
			if !is(e, g.MAC) || a.Is6() && !k.neighbours[a].holds(g.MAC) {
				continue
			}
			r.at = append(r.at, tally{addr: a})
		}
		l, is := k.ledger[g.Slot]
		if is && l.mac == g.MAC {
			r.carried = l.counts
		}
		if len(r.at) > 0 || r.carried != (counts{}) {
			f.slots[g.Slot] = r
		}
	}
}

// apply closes first, then opens.
func (f *Firewall) apply(ch changes, k kernel) error {
	errs := ch.refused
	records, ledgers := f.records(ch)
	var up, dn []ipset.Entry
	for _, a := range ch.removeUp {
		up = append(up, ipset.Entry{IP: a, MAC: k.up[a].MAC})
	}
	for _, a := range ch.removeDn {
		dn = append(dn, ipset.Entry{IP: a})
	}
	for slot := range k.ledger {
		if r := records[slot]; r == nil || r.carried == (counts{}) {
			dn = append(dn, ipset.Entry{IP: ledgerAddr(slot)})
		}
	}
	if err := f.erase(up, dn); err != nil {
		return err
	}
	if err := f.sets.Flush(setEnded4); err != nil { // no closed entry is left
		return err
	}
	if err := f.cut(ch.flush...); err != nil {
		return err
	}
	failed := f.layClasses(ch.classes)
	for _, minor := range sortedKeys(failed) {
		if minor < firstSlot {
			return failed[minor]
		}
		errs = append(errs, fmt.Errorf("%w: slot %s: %w", ErrGrant, slotText(minor), failed[minor]))
	}
	for _, g := range ch.add {
		if failed[g.Slot] != nil {
			delete(records, g.Slot)
		}
	}
	for _, g := range ch.named {
		if failed[g.Slot] != nil { // without its class nothing would hold it to its rates
			errs = append(errs, f.dropNamed(g.Slot))
		}
	}
	now := f.clock.Boot()
	up, dn = nil, nil
	var undo []place
	for _, p := range ch.places {
		if records[p.Slot] == nil {
			continue
		}
		u, d := f.up(p.entry(p.addr, now, !p.up)), down(p.entry(p.addr, now, !p.dn))
		if p.up {
			u = keep(u, k.up[p.addr])
		}
		if p.dn {
			d = keep(d, k.dn[p.addr])
		}
		if !p.up || !p.dn {
			undo = append(undo, p)
		}
		up, dn = append(up, u), append(dn, d)
	}
	if err := f.setNeighbours(ch.neighbours...); err != nil {
		errs = append(errs, err) // everything else is enforced, and Sync is called again
	}
	err := f.sets.Add(setDn4, ledgers...)
	if err == nil {
		err = f.add(up, dn)
	}
	if err != nil {
		f.laid = false // the records do not know how far it went: another Sync, before any Put
		up, dn = nil, nil
		for _, p := range undo {
			u, d := keys(p.MAC, []netip.Addr{p.addr})
			up, dn = append(up, u...), append(dn, d...)
		}
		return errors.Join(append(errs, err, f.erase(up, dn))...)
	}
	f.replace(records)
	f.ready = f.sides.readyTo(f.holds)
	f.laid = true
	return errors.Join(append(errs, f.dropClasses(ch.classes))...)
}

// records are what we shall know once the changes are made, and the entries of the ledger that say it to a successor.
func (f *Firewall) records(ch changes) (map[uint16]*record, []ipset.Entry) {
	places := map[uint16][]place{}
	for _, p := range ch.places {
		places[p.Slot] = append(places[p.Slot], p)
	}
	out := make(map[uint16]*record, len(ch.adopt)+len(ch.add))
	var ledgers []ipset.Entry
	now := f.clock.Boot()
	for _, g := range slices.Concat(ch.adopt, ch.add) {
		r := &record{Grant: g, open: true}
		if old := f.slots[g.Slot]; old != nil && old.open && old.MAC == g.MAC {
			r.carried, r.at = old.carried, old.at
		}
		r.settle(func(t *tally) bool {
			return slices.ContainsFunc(places[g.Slot], func(p place) bool { return p.addr == t.addr })
		})
		for _, p := range places[g.Slot] {
			r.restart(p.addr, f.dump, !p.up, !p.dn)
			r.of(p.addr).gone = false
		}
		if r.carried != (counts{}) {
			ledgers = append(ledgers, r.ledger(r.seconds(now)))
		}
		out[g.Slot] = r
	}
	return out, ledgers
}

// replace takes the new records in place of the old ones, whose last counts become final where they do not go on.
func (f *Firewall) replace(records map[uint16]*record) {
	for slot, old := range f.slots {
		if r := records[slot]; r == nil || r.MAC != old.MAC || !old.open {
			t := old.total()
			f.finals = append(f.finals, Usage{Slot: slot, Down: t.down, Up: t.up, Final: true})
		}
	}
	clear(f.slots)
	clear(f.byIP)
	clear(f.byMAC)
	for _, r := range records {
		f.remember(r)
	}
}
