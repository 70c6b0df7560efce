package firewall

import (
	"net/netip"
	"testing"
	"time"

	"parvis/firewall/ipset"
	"parvis/internal/clock"
	"parvis/internal/mac"
)

// A dump of the sets goes on while people come and go. What it says of an entry is of before when the entry began to count, or
// was closed, after the dump had begun.
func TestADumpSaysNothingOfWhatHasChangedSince(t *testing.T) {
	m := mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 1}
	a := netip.MustParseAddr("10.77.0.9")
	for _, tt := range []struct {
		name        string
		since, dump uint64
		open, gone  bool
		seen        uint64
		finals      int
	}{
		{"began to count before", 4, 5, true, false, 100, 0},
		{"began to count while it ran", 5, 5, true, false, 0, 0},
		{"dropped before", 4, 5, false, true, 100, 1},
		{"dropped while it ran", 5, 5, false, true, 0, 0},
		{"left before", 4, 5, true, true, 100, 0},
		{"left while it ran", 5, 5, true, true, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := Grant{Slot: 0x20, MAC: m, IPv4: a, End: clock.Boot(time.Hour)}
			r := &record{Grant: g, open: tt.open, at: []tally{{addr: a, gone: tt.gone, since: tt.since}}}
			f := &Firewall{clock: clock.NewFake(), slots: map[uint16]*record{}, byIP: map[netip.Addr]uint16{}, byMAC: map[mac.Addr]uint16{}}
			f.remember(r)
			bytes := uint64(100)
			up := ipset.Entry{IP: a, MAC: m, Bytes: &bytes, Mark: uint32(g.Slot) << 16}
			f.harvest(kernel{dump: tt.dump, up: map[netip.Addr]ipset.Entry{a: up}, dn: map[netip.Addr]ipset.Entry{a: up}})
			if got := r.at[0].seen; got != (counts{tt.seen, tt.seen}) {
				t.Errorf("seen %+v, expected %d both ways", got, tt.seen)
			}
			if tt.open && tt.since < tt.dump {
				return // what was left is written down in the kernel
			}
			f.sets = &ipset.Conn{} // nothing is to be written: the dump shows no entry
			f.take(kernel{dump: tt.dump})
			if len(f.finals) != tt.finals || (f.slots[g.Slot] == nil) != (tt.finals == 1) {
				t.Errorf("last counts %+v, record %+v", f.finals, f.slots[g.Slot])
			}
		})
	}
}
