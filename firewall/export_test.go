package firewall

import (
	"net/netip"

	"parvis/internal/mac"
)

// Known is a neighbour watch whose knowledge the test writes.
type Known map[mac.Addr][]netip.Addr

func (k Known) Addresses(m mac.Addr) []netip.Addr { return k[m] }

// Know makes the firewall ask k.
func (f *Firewall) Know(k Known) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bindings = k
}

// Rebind is what the watch's news about a device do.
func (f *Firewall) Rebind(m mac.Addr) error { return f.rebind(m) }

// Glance looks once.
func (f *Firewall) Glance() (Event, bool) { return f.glance() }
