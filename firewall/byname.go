package firewall

import (
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

// putNamed lets a device reach the relay. It counts nothing: that is the relay's.
func (f *Firewall) putNamed(g Grant) error {
	if old, is := f.named[g.Slot]; is && old.MAC != g.MAC {
		return ErrSlotTaken
	}
	if r := f.slots[g.Slot]; r != nil && r.open {
		return ErrSlotTaken
	}
	if r := f.slots[f.byIP[g.IPv4]]; r != nil && r.open && r.IPv4 == g.IPv4 || f.namedAt(g.IPv4, g.Slot) {
		return fmt.Errorf("%v: %w", g.IPv4, ErrAddressTaken)
	}
	if err := f.dropNamed(g.Slot); err != nil {
		return err
	}
	f.named[g.Slot] = g
	if g.Suspended {
		return nil
	}
	return f.sets.Add(setNames4, f.namedEntry(g))
}

// namedAt reports whether an address has a session for names in another slot.
func (f *Firewall) namedAt(a netip.Addr, slot uint16) bool {
	for s, g := range f.named {
		if g.IPv4 == a && s != slot {
			return true
		}
	}
	return false
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
	if err := f.sets.Del(setNames4, ipset.Entry{IP: g.IPv4, MAC: g.MAC}); err != nil {
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
