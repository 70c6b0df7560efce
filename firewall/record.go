package firewall

import (
	"net/netip"
	"slices"

	"parvis/firewall/ipset"
	"parvis/internal/mac"
)

// record is what we last wrote into the kernel, or found there, for one slot.
type record struct {
	Grant
	open    bool    // it was not dropped; a suspended one is open and has no entries
	carried counts  // by entries that are gone: another address, or re-made after somebody emptied the set
	at      []tally // the addresses with entries
}

// tally is one address of a record and what its entries have counted.
type tally struct {
	addr netip.Addr
	seen counts // the highest known
	gone bool   // closed for good: the next dump takes its count and its entries
	// since is the number of the last dump that had begun when its entries began to count, or were closed: what that one
	// says of them, or an earlier one, is of before.
	since uint64
}

// total is all that the slot has carried.
func (r *record) total() counts {
	t := r.carried
	for _, a := range r.at {
		t = t.plus(a.seen)
	}
	return t
}

// of is the record's tally for the address; nil when there is none. It is valid until the list changes.
func (r *record) of(a netip.Addr) *tally {
	for i := range r.at {
		if r.at[i].addr == a {
			return &r.at[i]
		}
	}
	return nil
}

// restart takes what the address has counted into carried, for each direction whose entry is written anew, with
// counters of zero. dump is the number of the last one that has begun.
func (r *record) restart(a netip.Addr, dump uint64, up, down bool) {
	t := r.of(a)
	if t == nil {
		r.at = append(r.at, tally{addr: a, since: dump})
		return
	}
	if up || down {
		t.since = dump
	}
	if up {
		r.carried.up, t.seen.up = r.carried.up+t.seen.up, 0
	}
	if down {
		r.carried.down, t.seen.down = r.carried.down+t.seen.down, 0
	}
}

// settle takes the addresses that do not stay out of the record; their counts stay.
func (r *record) settle(stays func(*tally) bool) {
	r.at = slices.DeleteFunc(slices.Clone(r.at), func(t tally) bool {
		if stays(&t) {
			return false
		}
		r.carried = r.carried.plus(t.seen)
		return true
	})
}

// The ledger keeps record.carried in the kernel, where a restart finds it: otherwise the counts of entries that are gone
// would be those of one process, and its successor would report less than what was stored. It is an entry of the
// download set at an address of 127.0.0.0/8, which no forwarded packet has (RFC 1122, 3.2.1.3): bytes is what was carried
// down, packets what was carried up, and the MAC stands where others have their mark.
const ledgerNet = 127

func ledgerAddr(slot uint16) netip.Addr {
	return netip.AddrFrom4([4]byte{ledgerNet, 1, byte(slot >> 8), byte(slot)})
}

func isLedger(a netip.Addr) bool { return a.Is4() && a.As4()[0] == ledgerNet }

// ledger is one entry of it.
type ledger struct {
	mac mac.Addr
	counts
}

func (r *record) ledger(seconds uint32) ipset.Entry {
	m := r.MAC
	up, down := r.carried.up, r.carried.down
	return ipset.Entry{
		IP: ledgerAddr(r.Slot), Timeout: seconds, Packets: &up, Bytes: &down,
		Mark: uint32(m[0])<<24 | uint32(m[1])<<16 | uint32(m[2])<<8 | uint32(m[3]), Mask: uint32(m[4])<<8 | uint32(m[5]),
		Prio: qdisc<<16 | uint32(r.Slot),
	}
}

func readLedger(e ipset.Entry) (slot uint16, l ledger) {
	l.mac = mac.Addr{byte(e.Mark >> 24), byte(e.Mark >> 16), byte(e.Mark >> 8), byte(e.Mark), byte(e.Mask >> 8), byte(e.Mask)}
	l.up, l.down = value(e.Packets), value(e.Bytes)
	return uint16(e.Prio), l
}

// harvest takes the kernel's counts into the records. Counts never go backwards: what the kernel has forgotten we
// have seen.
func (f *Firewall) harvest(k kernel) {
	now := f.clock.Boot()
	for _, r := range f.slots {
		for i := range r.at {
			t := &r.at[i]
			if t.since >= k.dump {
				continue
			}
			t.seen = t.seen.atLeast(k.counted(t.addr, r.Grant))
			if r.open && !t.gone && r.End > now.Add(lateEntry) && !k.has(t.addr) {
				f.suspect(faultSets)
			}
		}
	}
}

// collect reads the last counts of what was dropped or left and takes its entries away.
func (f *Firewall) collect() error {
	k, err := f.read(f.sets, f.begin())
	if err == nil {
		f.take(k)
	}
	return err
}

// take takes the counts of a dump, the last ones of what was dropped or left before it began, and that one's entries away.
// Its classes stay for whoever has the slot next.
func (f *Firewall) take(k kernel) {
	f.harvest(k)
	counted := func(t *tally) bool { return t.gone && t.since < k.dump }
	var up, dn []ipset.Entry // to be taken away
	var kept []ipset.Entry   // of the ledger
	take := func(r *record, t *tally) {
		if e, is := k.up[t.addr]; is {
			up = append(up, ipset.Entry{IP: t.addr, MAC: e.MAC})
		}
		if _, is := k.dn[t.addr]; is {
			dn = append(dn, ipset.Entry{IP: t.addr})
		}
	}
	for slot, r := range f.slots {
		if r.open {
			before := r.carried
			r.settle(func(t *tally) bool {
				if !counted(t) {
					return true
				}
				take(r, t)
				if t.addr != r.IPv4 && f.byIP[t.addr] == slot {
					delete(f.byIP, t.addr)
				}
				return false
			})
			if r.carried != before {
				kept = append(kept, r.ledger(r.seconds(f.clock.Boot())))
			}
			continue
		}
		if slices.ContainsFunc(r.at, func(t tally) bool { return !counted(&t) }) {
			continue // dropped since the dump began: the next one knows its last counts
		}
		total := r.total()
		f.finals = append(f.finals, Usage{Slot: slot, Down: total.down, Up: total.up, Final: true})
		f.forget(slot)
		for i := range r.at {
			take(r, &r.at[i])
		}
		if _, is := k.ledger[slot]; is {
			dn = append(dn, ipset.Entry{IP: ledgerAddr(slot)})
		}
	}
	if err := f.sets.Add(setDn4, kept...); err != nil {
		f.log.Warn("counts of addresses that are gone are not kept over a restart", "cause", err)
	}
	// An entry that stays is closed and expires by itself; the next Sync takes it too.
	if err := f.erase(up, dn); err != nil {
		f.log.Warn("ended entries stay until the next sync", "cause", err)
	}
}

// remember makes the record known by its slot, its device and its addresses.
func (f *Firewall) remember(r *record) {
	f.slots[r.Slot] = r
	f.byMAC[r.MAC] = r.Slot
	f.byIP[r.IPv4] = r.Slot
	for _, t := range r.at {
		f.byIP[t.addr] = r.Slot
	}
}

func (f *Firewall) forget(slot uint16) {
	r := f.slots[slot]
	if r == nil {
		return
	}
	for _, a := range append([]netip.Addr{r.IPv4}, r.addresses(nil)...) {
		if f.byIP[a] == slot {
			delete(f.byIP, a)
		}
	}
	if f.byMAC[r.MAC] == slot {
		delete(f.byMAC, r.MAC)
	}
	delete(f.slots, slot)
}

// addresses are those of the record that which is true for; nil takes all.
func (r *record) addresses(which func(*tally) bool) []netip.Addr {
	var out []netip.Addr
	for i := range r.at {
		if which == nil || which(&r.at[i]) {
			out = append(out, r.at[i].addr)
		}
	}
	return out
}
