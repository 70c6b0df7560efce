package firewall

import (
	"fmt"
	"maps"
	"net/netip"
	"time"

	"parvis/firewall/ipset"
	"parvis/internal/clock"
	"parvis/internal/mac"
)

// setStaff4 holds the staff's devices on the guest network: address and MAC together. Only they reach the console from there;
// an entry opens nothing else. It is IPv4 alone, as the console is.
const setStaff4 = "parvis-staff4"

// maxStaff bounds the set far above any team.
const maxStaff = 1000

// staffEntry is a device of the staff at its address.
type staffEntry struct {
	mac mac.Addr
	end clock.Boot
}

func (e staffEntry) entry(a netip.Addr, now clock.Boot) ipset.Entry {
	return ipset.Entry{IP: a, MAC: e.mac, Timeout: Grant{End: e.end}.seconds(now)}
}

// StaffPut lets a device of the guest network reach the console for d, from that address with that MAC. It takes the
// place of what was put for the address or for the device before.
func (f *Firewall) StaffPut(m mac.Addr, a netip.Addr, d time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	e := staffEntry{mac: m, end: f.clock.Boot().Add(d)}
	switch {
	case !f.laid || f.cfg.StaffPort == 0:
		return fmt.Errorf("firewall: let staff in: %w", ErrNotLaid)
	case m == (mac.Addr{}) || m[0]&1 == 1 || !f.cfg.Address.Contains(a) || a == f.cfg.Address.Addr() || d <= 0:
		return fmt.Errorf("firewall: let staff in: %w", ErrGrant)
	case len(f.staff) >= maxStaff:
		return fmt.Errorf("firewall: let staff in: %w: more than %d", ErrGrant, maxStaff)
	}
	for old, x := range f.staff {
		if x.mac == m && old != a {
			if err := f.staffOut(old); err != nil {
				return err
			}
		}
	}
	if err := f.sets.Add(setStaff4, e.entry(a, f.clock.Boot())); err != nil {
		return fmt.Errorf("firewall: let staff in: %w", err)
	}
	f.staff[a] = e
	return nil
}

// StaffDrop puts a device out at once, its open connections too; the zero MAC puts all of them out. It is no error when it was
// not in.
func (f *Firewall) StaffDrop(m mac.Addr) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for a, e := range f.staff {
		if m == (mac.Addr{}) || e.mac == m {
			if err := f.staffOut(a); err != nil {
				return err
			}
		}
	}
	return nil
}

// staffOut takes one entry out. It is forgotten first: what cannot be taken out now is no more to be there at the next Sync.
func (f *Firewall) staffOut(a netip.Addr) error {
	e := f.staff[a]
	delete(f.staff, a)
	if !f.laid {
		return nil
	}
	if err := f.sets.Del(setStaff4, ipset.Entry{IP: a, MAC: e.mac}); err != nil {
		f.suspect(faultSets)
		return fmt.Errorf("firewall: put staff out: %w", err)
	}
	return nil
}

// layStaff makes the set hold exactly who was let in. The first time it takes over what a process before us has left: a
// restart sends nobody out.
func (f *Firewall) layStaff() error {
	gone, missing, err := f.staffDiffers()
	if err != nil {
		return err
	}
	if err := f.sets.Del(setStaff4, gone...); err != nil {
		return err
	}
	return f.sets.Add(setStaff4, missing...)
}

// staffDiffers compares the set with who was let in.
func (f *Firewall) staffDiffers() (gone, missing []ipset.Entry, err error) {
	list, err := f.sets.List(setStaff4)
	if err != nil {
		return nil, nil, err
	}
	now := f.clock.Boot()
	if f.staff == nil {
		f.staff = map[netip.Addr]staffEntry{}
		for _, e := range list {
			if f.cfg.StaffPort != 0 && e.Timeout > 0 && e.MAC != (mac.Addr{}) {
				f.staff[e.IP] = staffEntry{mac: e.MAC, end: now.Add(time.Duration(e.Timeout) * time.Second)}
			}
		}
	}
	maps.DeleteFunc(f.staff, func(_ netip.Addr, e staffEntry) bool { return e.end <= now })
	held := map[netip.Addr]bool{}
	for _, e := range list {
		want, is := f.staff[e.IP]
		if is && want.mac == e.MAC && e.Timeout > 0 {
			held[e.IP] = true
			continue
		}
		gone = append(gone, ipset.Entry{IP: e.IP, MAC: e.MAC})
	}
	for a, e := range f.staff {
		if !held[a] && e.end > now.Add(lateEntry) {
			missing = append(missing, e.entry(a, now))
		}
	}
	return gone, missing, nil
}

// tryStaff asks for one of those who were let in, at random.
func (f *Firewall) tryStaff() error {
	for a, e := range f.staff {
		if e.end <= f.clock.Boot().Add(lateEntry) {
			continue
		}
		is, err := f.sets.Has(setStaff4, ipset.Entry{IP: a, MAC: e.mac})
		if err == nil && !is {
			f.suspect(faultSets)
		}
		return err
	}
	return nil
}

// staffNAT leads the console's port to its listener: for who is in the set, and on the staff's own network.
func staffNAT(r *rules, c Config) {
	if c.StaffPort == 0 {
		return
	}
	r.add("PARVIS-PRE -i %s -d %s -p tcp --dport 443 -m set --match-set %s src,src ! --update-counters -j REDIRECT --to-ports %d",
		c.Guest, c.Address.Addr(), setStaff4, c.StaffPort)
	if c.Staff != "" {
		r.add("PARVIS-PRE -i %s -d %s -p tcp --dport 443 -j REDIRECT --to-ports %d", c.Staff, c.StaffAddress, c.StaffPort)
	}
}

// staffInput lets them through to it, packet by packet: who is put out is cut off at once.
func staffInput(r *rules, c Config) {
	if c.StaffPort == 0 {
		return
	}
	r.add("PARVIS-IN-G -d %s -p tcp --dport %d -m set --match-set %s src,src ! --update-counters -j ACCEPT",
		c.Address.Addr(), c.StaffPort, setStaff4)
	if c.Staff != "" {
		r.add("PARVIS-IN -i %s -d %s -p tcp --dport %d -j ACCEPT", c.Staff, c.StaffAddress, c.StaffPort)
	}
}
