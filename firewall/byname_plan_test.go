package firewall

import (
	"net/netip"
	"path/filepath"
	"slices"
	"testing"

	"parvis/internal/mac"
)

// A grant for names has its class and its neighbour as others do, and no entry by which anything would be forwarded.
func TestAGrantForNamesIsPlannedWithoutEntries(t *testing.T) {
	c := config(t, nil)
	g := grant(0x20, "10.77.0.20", 1)
	g.Named, g.Down, g.Up = true, 16e6, 8e6
	k := state(line, grant(0x20, "10.77.0.20", 1))
	ch := plan([]Grant{g}, k, c, line)
	if len(ch.adopt)+len(ch.add)+len(ch.places)+len(ch.refused) != 0 {
		t.Errorf("it is forwarded: %+v", ch)
	}
	if !slices.Equal(ch.removeUp, []netip.Addr{g.IPv4}) || !slices.Equal(ch.flush, []uint16{g.Slot}) {
		t.Errorf("what forwarded it before stays: %+v", ch)
	}
	k.apply(ch)
	if !k.neighbours[g.IPv4].holds(g.MAC) {
		t.Errorf("its neighbour is %+v", k.neighbours[g.IPv4])
	}
	if down, up := k.guestSide[g.Slot].ceil, k.wanSide[g.Slot].ceil; down != 2e6 || up != 1e6 {
		t.Errorf("its classes have ceilings of %d and %d bytes per second", down, up)
	}
	if ch = plan([]Grant{g}, k, c, line); len(ch.neighbours)+len(ch.classes)+len(ch.removeUp)+len(ch.removeDn)+len(ch.flush) != 0 {
		t.Errorf("planned again it is changed: %+v", ch)
	}
	g.Suspended = true
	if ch = plan([]Grant{g}, k, c, line); len(ch.neighbours) != 1 || ch.neighbours[0].permanent {
		t.Errorf("suspended, it keeps its neighbour: %+v", ch.neighbours)
	}
}

// The link's watch asks whose an address is. An admission outlives the lease that it was made by.
func TestAnAddressThatWasAdmittedByNameIsItsDevices(t *testing.T) {
	g := grant(0x20, "10.77.0.20", 1)
	g.Named = true
	f := &Firewall{leases: leaseFile{path: filepath.Join(t.TempDir(), "none")}, named: map[uint16]Grant{g.Slot: g}}
	if m, ok := f.owner(g.IPv4); !ok || m != g.MAC {
		t.Errorf("the owner is %v %t", m, ok)
	}
	if a, ok := f.addressOf(g.MAC); !ok || a != g.IPv4 {
		t.Errorf("its address is %v %t", a, ok)
	}
	if m, ok := f.owner(ip("10.77.0.21")); ok {
		t.Errorf("an address of nobody is %v's", m)
	}
	if a, ok := f.addressOf(mac.Addr{2, 0, 0, 0, 0, 9}); ok {
		t.Errorf("a device without one has %v", a)
	}
}
