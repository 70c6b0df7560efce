package firewall

import (
	"errors"
	"fmt"
	"net/netip"

	"parvis/firewall/ipset"
	"parvis/internal/mac"
)

// What guests may reach by name alone. The relay decides (kiosk/gate): the firewall only leads the web's connections to it, by two
// sets, and forwards nothing of it.
const (
	// setGarden4 holds the addresses of what is open to everybody. dnsmasq fills it from true answers; an address that is there
	// wrongly opens nothing, since the relay resolves for itself.
	setGarden4 = "parvis-garden4"
	// setNames4 holds the devices whose session is for some names.
	setNames4 = "parvis-names4"
)

const (
	relayTLSPort  = 3129
	relayHTTPPort = 3130

	maxGarden     = 4096
	gardenSeconds = 3600 // an address that no answer has named for so long goes
)

// putNamed lets a device reach the relay, at the rates of its slot's class and as who it is. It counts nothing: that is the relay's.
func (f *Firewall) putNamed(g Grant) error {
	old, is := f.named[g.Slot]
	if is && old.MAC != g.MAC {
		return ErrSlotTaken
	}
	if r := f.slots[g.Slot]; r != nil && r.open {
		return ErrSlotTaken
	}
	if r := f.slots[f.byIP[g.IPv4]]; r != nil && r.open && r.IPv4 == g.IPv4 || f.namedAt(g.IPv4, g.Slot) {
		return fmt.Errorf("%v: %w", g.IPv4, ErrAddressTaken)
	}
	if err := f.makeRoom(g); err != nil {
		return err
	}
	if err := f.putClasses(g); err != nil {
		return err
	}
	if is && (g.Suspended || old.IPv4 != g.IPv4) {
		if err := f.dropNamed(g.Slot); err != nil {
			return err
		}
		is = false
	}
	if !g.Suspended {
		err := f.setNeighbours(neighbourChanges(g.MAC, []netip.Addr{g.IPv4}, true)...)
		if err == nil {
			err = f.sets.Add(setNames4, f.namedEntry(g))
		}
		if err != nil {
			if !is || old.Suspended { // nothing new is open
				err = errors.Join(err, f.leaveNamed(g))
			}
			return err
		}
	}
	f.named[g.Slot] = g
	f.opened = f.ready < f.sides.last
	return nil
}

// leaveNamed takes what leads a device to the relay away. The flows that it has there are the relay's to cut.
func (f *Firewall) leaveNamed(g Grant) error {
	return errors.Join(
		f.sets.Del(setNames4, ipset.Entry{IP: g.IPv4, MAC: g.MAC}),
		f.setNeighbours(neighbourChanges(g.MAC, []netip.Addr{g.IPv4}, false)...),
	)
}

// namedGrants are the grants for names in the order of slots.
func (f *Firewall) namedGrants() (all []Grant) {
	for _, slot := range sortedKeys(f.named) {
		all = append(all, f.named[slot])
	}
	return all
}

// granted is the grant that a slot has, if any: one whose device is forwarded, or one for names.
func (f *Firewall) granted(slot uint16) (Grant, bool) {
	if r := f.slots[slot]; r != nil && r.open {
		return r.Grant, true
	}
	g, is := f.named[slot]
	return g, is
}

// namedWith is the grant for names that an address has, if any.
func (f *Firewall) namedWith(a netip.Addr) (Grant, bool) {
	for _, g := range f.named {
		if g.IPv4 == a {
			return g, true
		}
	}
	return Grant{}, false
}

// namedAt reports whether an address has a session for names in another slot.
func (f *Firewall) namedAt(a netip.Addr, slot uint16) bool {
	g, is := f.namedWith(a)
	return is && g.Slot != slot
}

func (f *Firewall) namedEntry(g Grant) ipset.Entry {
	return ipset.Entry{IP: g.IPv4, MAC: g.MAC, Timeout: g.seconds(f.clock.Boot())}
}

// dropNamed takes a slot's entry away; nothing when it has none. It is forgotten first, as staff is.
func (f *Firewall) dropNamed(slot uint16) error {
	g, is := f.named[slot]
	if !is {
		return nil
	}
	delete(f.named, slot)
	if g.Suspended {
		return nil
	}
	if err := f.leaveNamed(g); err != nil {
		f.suspect(faultSets)
		return err
	}
	return nil
}

// splitNamed takes the grants for names out of the desired ones, and remembers them.
func (f *Firewall) splitNamed(desired []Grant) (others []Grant, refused error) {
	named := map[uint16]Grant{}
	for _, g := range desired {
		switch {
		case !g.Named:
			others = append(others, g)
		case g.check(f.cfg) != nil:
			refused = g.check(f.cfg)
		default:
			named[g.Slot] = g
		}
	}
	f.named = named
	return others, refused
}

// layNames makes the set hold exactly the devices of grants for names.
func (f *Firewall) layNames() error {
	gone, missing, err := f.namesDiffer()
	if err != nil {
		return err
	}
	if err := f.sets.Del(setNames4, gone...); err != nil {
		return err
	}
	return f.sets.Add(setNames4, missing...)
}

func (f *Firewall) namesDiffer() (gone, missing []ipset.Entry, err error) {
	list, err := f.sets.List(setNames4)
	if err != nil {
		return nil, nil, err
	}
	type device struct {
		ip  netip.Addr
		mac mac.Addr
	}
	want := map[device]Grant{}
	for _, g := range f.named {
		if !g.Suspended && g.End > f.clock.Boot().Add(lateEntry) {
			want[device{g.IPv4, g.MAC}] = g
		}
	}
	for _, e := range list {
		d := device{e.IP, e.MAC}
		if _, is := want[d]; is && e.Timeout > 0 {
			delete(want, d)
			continue
		}
		gone = append(gone, ipset.Entry{IP: e.IP, MAC: e.MAC})
	}
	for _, g := range want {
		missing = append(missing, f.namedEntry(g))
	}
	return gone, missing, nil
}

// tryNames asks for one of them, at random.
func (f *Firewall) tryNames() error {
	for _, g := range f.named {
		if g.Suspended || g.End <= f.clock.Boot().Add(lateEntry) {
			continue
		}
		is, err := f.sets.Has(setNames4, ipset.Entry{IP: g.IPv4, MAC: g.MAC})
		if err == nil && !is {
			f.suspect(faultSets)
		}
		return err
	}
	return nil
}

// relayNAT leads to the relay what it decides about. QUIC is not led anywhere, and refused as everything is: browsers
// then take TCP.
func relayNAT(r *rules, f family, c Config) {
	if c.Named {
		for _, p := range []struct{ from, to uint16 }{{443, relayTLSPort}, {80, relayHTTPPort}} {
			r.add("PARVIS-PRE -i %s -p tcp --dport %d -m set --match-set %s src,src ! --update-counters -j REDIRECT --to-ports %d",
				c.Guest, p.from, setNames4, p.to)
		}
	}
	if c.Garden {
		r.add("PARVIS-PRE -i %s -p tcp --dport 443 -m set ! --match-set %s %s ! --update-counters -m set --match-set %s dst ! --update-counters -j REDIRECT --to-ports %d",
			c.Guest, f.up, f.source, setGarden4, relayTLSPort)
	}
}

// relayInput lets them through to it.
func relayInput(r *rules, c Config) {
	me := c.Address.Addr()
	if c.Garden {
		r.add("PARVIS-IN-G -d %s -p tcp --dport %d -j ACCEPT", me, relayTLSPort)
	}
	if c.Named {
		r.add("PARVIS-IN-G -d %s -p tcp -m multiport --dports %d,%d -m set --match-set %s src,src ! --update-counters -j ACCEPT",
			me, relayTLSPort, relayHTTPPort, setNames4)
	}
}
