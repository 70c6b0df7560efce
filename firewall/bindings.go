package firewall

import (
	"net/netip"
	"slices"

	"parvis/internal/mac"
)

// bindings says which IPv6 addresses are a device's: a neighbour.Watch, which also reads the neighbour table at its start
// and so knows what a process before us has made permanent.
type bindings interface {
	Addresses(mac.Addr) []netip.Addr
}

// maxAddresses is how many IPv6 addresses of one device pass. A phone has two or three at a time.
const maxAddresses = 16

// bound are the IPv6 addresses that the watch ties to the device; none where IPv6 is closed.
func (f *Firewall) bound(m mac.Addr) []netip.Addr {
	if f.bindings == nil || !f.six() {
		return nil
	}
	list := f.bindings.Addresses(m)
	list = slices.DeleteFunc(slices.Clone(list), func(a netip.Addr) bool { return !a.Is6() || a.Is4In6() })
	return list[:min(len(list), maxAddresses)]
}

// rebind makes the sets and the neighbour table follow what the watch knows of the device's addresses. It does nothing for
// who is not admitted, and sends a bounded number of messages for who is.
func (f *Firewall) rebind(m mac.Addr) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.slots[f.byMAC[m]]
	if !f.laid || r == nil || !r.open || r.Suspended {
		return nil
	}
	want := f.bound(m)
	gone := r.addresses(func(t *tally) bool { return t.addr.Is6() && !t.gone && !slices.Contains(want, t.addr) })
	if err := f.leave(r, gone...); err != nil {
		return err
	}
	more := slices.DeleteFunc(want, func(a netip.Addr) bool { t := r.of(a); return t != nil && !t.gone })
	if len(more) == 0 {
		return nil
	}
	for _, a := range more {
		if err := f.release(a, r.Slot); err != nil {
			return err
		}
	}
	if err := f.write(r.Grant, r, more); err != nil {
		return err
	}
	f.remember(r)
	return nil
}
