package firewall_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	nl "github.com/vishvananda/netlink"
	"pgregory.net/rapid"

	"parvis/firewall"
	"parvis/firewall/ipset"
	"parvis/internal/mac"
)

// Two thousand random steps against the real kernel, in at most 20 seconds. Traffic is played by writing the kernel's
// counters.
func TestRandomStepsAgainstTheKernel(t *testing.T) {
	outer := t
	tw := newTown(t, firewall.NFT)
	tw.cfg.IPv6 = true
	six := firewall.Known{}
	tw.fw = tw.open(t, tw.cfg)
	tw.fw.Know(six)
	must(t, tw.fw.Sync(nil))
	conn, err := ipset.Dial()
	must(t, err)
	defer conn.Close()
	grants := rapid.Custom(func(t *rapid.T) firewall.Grant {
		slot := uint16(rapid.IntRange(0x10, 0x17).Draw(t, "slot"))
		return firewall.Grant{
			Slot: slot, Suspended: rapid.IntRange(0, 9).Draw(t, "suspended") == 0,
			MAC:  mac.Addr{2, 0, 0, 0, byte(slot), byte(rapid.IntRange(1, 2).Draw(t, "mac"))},
			IPv4: netip.AddrFrom4([4]byte{10, 77, 1, byte(rapid.IntRange(1, 9).Draw(t, "ip"))}),
			End:  tw.clock.Boot().Add(time.Duration(rapid.IntRange(100, 9000).Draw(t, "left")) * time.Second),
			Down: rapid.Uint64Range(0, 2e9).Draw(t, "down"), Up: rapid.Uint64Range(0, 2e9).Draw(t, "up"),
		}
	})
	// A Sync costs as much as a hundred other steps.
	actions := slices.Concat(slices.Repeat([]string{"put"}, 40), slices.Repeat([]string{"drop", "usage", "traffic"}, 12),
		slices.Repeat([]string{"damage", "bind"}, 5), []string{"sync", "restart"})
	const steps = 20 // of each of rapid's 100 checks
	started, done := time.Now(), 0
	rapid.Check(t, func(t *rapid.T) {
		clear(six)
		m := &model{tw: tw, conn: conn, six: six, open: map[uint16]*promise{}, ended: map[netip.Addr]bool{}, late: 40}
		defer func() { // the next one begins with nothing open
			for slot := range uint16(0x18) {
				fatal(t, tw.fw.Drop(slot))
			}
			_, err := tw.fw.Usage()
			fatal(t, err)
		}()
		for range steps {
			if time.Since(started) > 20*time.Second {
				return
			}
			done++
			switch rapid.SampledFrom(actions).Draw(t, "step") {
			case "put":
				g := grants.Draw(t, "grant")
				want := m.put(g)
				if err := tw.fw.Put(g); !errors.Is(err, want) {
					t.Fatalf("%v, want %v", err, want)
				}
			case "drop":
				slot := grants.Draw(t, "grant").Slot
				if m.open[slot] != nil {
					m.end(slot)
				}
				fatal(t, tw.fw.Drop(slot))
			case "usage":
				m.settle(t)
			case "traffic":
				m.traffic(t, grants.Draw(t, "grant").Slot, uint64(rapid.IntRange(1, 5000).Draw(t, "bytes")))
			case "damage": // somebody takes an entry out; what was counted until the last Usage is not forgotten
				m.settle(t)
				m.damage(t, grants.Draw(t, "grant").Slot)
			case "bind":
				g := grants.Draw(t, "grant")
				var list []netip.Addr
				for i := range byte(3) {
					if rapid.Bool().Draw(t, "bound") {
						list = append(list, netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 14: g.MAC[4], 15: g.MAC[5]<<4 | i}))
					}
				}
				fatal(t, m.bind(g.MAC, list))
			case "sync":
				all := distinct(rapid.SliceOfN(grants, 0, 5).Draw(t, "desired"))
				m.sync(all, false)
				fatal(t, tw.fw.Sync(all))
			case "restart":
				all := distinct(rapid.SliceOfN(grants, 0, 2).Draw(t, "and more"), m.open)
				m.settle(t)
				m.sync(all, true)
				fatal(t, tw.fw.Close())
				tw.fw = tw.open(outer, tw.cfg)
				tw.fw.Know(six)
				fatal(t, tw.fw.Sync(all))
			}
			m.compare(t)
		}
		m.settle(t)
		classes(t, m)
	})
	t.Logf("%d steps in %v", done, time.Since(started).Round(time.Millisecond))
	if done < 300 {
		t.Errorf("only %d steps in 20 seconds: that tries too little", done)
	}
}

// distinct leaves the first of each slot and of each address; who is open already comes first.
func distinct(more []firewall.Grant, open ...map[uint16]*promise) []firewall.Grant {
	var all, out []firewall.Grant
	for _, m := range open {
		for _, p := range m {
			all = append(all, p.Grant)
		}
	}
	slots, ips := map[uint16]bool{}, map[netip.Addr]bool{}
	for _, g := range append(all, more...) {
		if !slots[g.Slot] && !ips[g.IPv4] {
			slots[g.Slot], ips[g.IPv4] = true, true
			out = append(out, g)
		}
	}
	return out
}

// classes: every slot has one on each side, and those of open slots have their rates.
func classes(t judge, m *model) {
	for _, device := range []string{m.tw.cfg.Guest, m.tw.cfg.WAN} {
		link, err := nl.LinkByName(device)
		fatal(t, err)
		list, err := nl.ClassList(link, nl.HANDLE_NONE)
		fatal(t, err)
		got := map[uint16]uint64{}
		for _, c := range list {
			if h, is := c.(*nl.HtbClass); is && h.Parent == nl.MakeHandle(1, 1) {
				got[uint16(h.Handle)] = h.Ceil
			}
		}
		for n := uint16(0x10); n <= 0xff; n++ {
			ceil, is := got[n]
			p := m.open[n]
			if !is || p == nil {
				if !is {
					t.Fatalf("no class 1:%x on %s", n, device)
				}
				continue
			}
			rate := p.Down
			if device == m.tw.cfg.WAN {
				rate = p.Up
			}
			if rate == 0 || rate > 950_000_000 {
				rate = 950_000_000
			}
			if want := max(rate/8, 1000); ceil != want {
				t.Fatalf("class 1:%x on %s has %d bytes per second, want %d", n, device, ceil, want)
			}
		}
	}
}
