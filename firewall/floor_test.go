package firewall_test

import (
	"testing"
	"time"

	nl "github.com/vishvananda/netlink"

	"parvis/firewall"
)

// A workshop's guest has its floor on a line that is full, where others have an even share.
func TestAGuestWithAFloorKeepsItOnAFullLine(t *testing.T) {
	const line, every, size = 20e6, 10 * time.Millisecond, 1000 // 0.8 Mbit/s, twice an even share of the line
	arrived := map[uint64]float64{}
	try := func(t *testing.T, floor uint64) {
		tw := newFairTown(t, line, nil)
		g := tw.grant()
		g.Down, g.Up, g.Floor = 0, 0, floor
		must(t, tw.fw.Put(g))
		tw.echo(t, public+":5005")
		tw.greed(t, "udp", 800_000)
		time.Sleep(time.Second) // their queues are full then
		sent, back := stream(t, tw.guest, public+":5005", size, every, 4*time.Second)
		arrived[floor] = float64(len(back)) / float64(sent)
		t.Logf("floor %d: %d of %d came back, half of them within %v", floor, len(back), sent, median(back))
	}
	t.Run("with a floor", func(t *testing.T) { try(t, 1_000_000) })
	t.Run("without", func(t *testing.T) { try(t, 0) })
	if arrived[1_000_000] < 0.98 {
		t.Errorf("%.3f of what the floor promises arrives", arrived[1_000_000])
	}
	if arrived[0] > 0.8 {
		t.Errorf("%.3f arrive without a floor: the line is not full, and this test shows nothing", arrived[0])
	}
}

// What floors take is no longer the others', until the next Sync gives it back; nothing else is found to be changed.
func TestFloorsTakeFromTheOthersAndGiveBack(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	tw.cfg.Down, tw.cfg.Up = 100e6, 100e6
	tw.fw = tw.open(t, tw.cfg)
	with := tw.grant()
	with.Down, with.Up = 0, 0
	other := with
	other.Slot, other.IPv4, other.MAC[5] = with.Slot+1, with.IPv4.Next(), with.MAC[5]+1
	must(t, tw.fw.Sync([]firewall.Grant{with, other}))
	even := rates(t, tw)
	with.Floor = 10e6
	must(t, tw.fw.Put(with))
	taken := rates(t, tw)
	if taken[with.Slot] != 1_250_000 || taken[other.Slot] >= even[other.Slot] || taken[other.Slot] == 0 {
		t.Errorf("even parts %d and %d became %d and %d", even[with.Slot], even[other.Slot], taken[with.Slot], taken[other.Slot])
	}
	must(t, tw.fw.Sync([]firewall.Grant{with, other}))
	if again := rates(t, tw); again[other.Slot] != taken[other.Slot] || again[with.Slot] != taken[with.Slot] {
		t.Errorf("a Sync of the same grants changes %v to %v", taken, again)
	}
	with.Floor = 0
	must(t, tw.fw.Sync([]firewall.Grant{with, other}))
	if back := rates(t, tw); back[with.Slot] != even[with.Slot] || back[other.Slot] != even[other.Slot] {
		t.Errorf("given back: %d and %d, want %d", back[with.Slot], back[other.Slot], even[other.Slot])
	}
}

// rates are what the classes of slots are guaranteed on the line's side, in bytes per second.
func rates(t *testing.T, tw *town) map[uint16]uint64 {
	t.Helper()
	out := map[uint16]uint64{}
	link, err := nl.LinkByName(tw.cfg.WAN)
	must(t, err)
	list, err := nl.ClassList(link, nl.HANDLE_NONE)
	must(t, err)
	for _, c := range list {
		if h, is := c.(*nl.HtbClass); is {
			out[uint16(h.Handle)] = h.Rate
		}
	}
	return out
}
