package firewall_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
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
	must(t, tw.fw.Sync(nil))
	conn, err := ipset.Dial()
	must(t, err)
	defer conn.Close()
	grants := rapid.Custom(func(t *rapid.T) firewall.Grant {
		return firewall.Grant{
			Slot: uint16(rapid.IntRange(0x10, 0x17).Draw(t, "slot")),
			MAC:  mac.Addr{2, 0, 0, 0, 0, byte(rapid.IntRange(1, 3).Draw(t, "mac"))},
			IPv4: netip.AddrFrom4([4]byte{10, 77, 1, byte(rapid.IntRange(1, 9).Draw(t, "ip"))}),
			End:  tw.clock.Boot().Add(time.Duration(rapid.IntRange(100, 9000).Draw(t, "left")) * time.Second),
			Down: rapid.Uint64Range(0, 2e9).Draw(t, "down"), Up: rapid.Uint64Range(0, 2e9).Draw(t, "up"),
			Parent: uint16(rapid.IntRange(0, 1).Draw(t, "parent")),
		}
	})
	// A Sync costs as much as a hundred other steps.
	actions := slices.Concat(slices.Repeat([]string{"put"}, 40), slices.Repeat([]string{"drop", "usage", "traffic"}, 12),
		slices.Repeat([]string{"damage"}, 3), []string{"sync", "restart"})
	const steps = 20 // of each of rapid's 100 checks
	started, done := time.Now(), 0
	rapid.Check(t, func(t *rapid.T) {
		m := &model{tw: tw, conn: conn, open: map[uint16]*promise{}, ended: map[netip.Addr]bool{}}
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
				if p := m.open[grants.Draw(t, "grant").Slot]; p != nil {
					p.missing, p.kernel = true, 0
					fatal(t, errors.Join(
						conn.Del("parvis-up4", ipset.Entry{IP: p.IPv4, MAC: p.MAC}), conn.Del("parvis-dn4", ipset.Entry{IP: p.IPv4})))
				}
			case "sync":
				all := distinct(rapid.SliceOfN(grants, 0, 5).Draw(t, "desired"))
				m.sync(all, false)
				fatal(t, tw.fw.Sync(all))
			case "restart":
				all := distinct(rapid.SliceOfN(grants, 0, 2).Draw(t, "and more"), m.open)
				m.sync(all, true)
				fatal(t, tw.fw.Close())
				tw.fw = tw.open(outer, tw.cfg)
				fatal(t, tw.fw.Sync(all))
			}
			m.compare(t)
		}
		m.settle(t)
		classes(t, m)
	})
	t.Logf("%d steps in %v", done, time.Since(started).Round(time.Millisecond))
	if done < 500 {
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

// classes: once all is counted there is one on each side for each open slot, and none of anybody else's.
func classes(t *rapid.T, m *model) {
	for _, device := range []string{m.tw.cfg.Guest, m.tw.cfg.WAN} {
		want := []string{"1:1", "1:2", "1:3"}
		for slot := range m.open {
			want = append(want, fmt.Sprintf("1:%x", slot))
		}
		link, err := nl.LinkByName(device)
		fatal(t, err)
		list, err := nl.ClassList(link, nl.HANDLE_NONE)
		fatal(t, err)
		var got []string
		for _, c := range list {
			got = append(got, fmt.Sprintf("%x:%x", c.Attrs().Handle>>16, c.Attrs().Handle&0xffff))
		}
		slices.Sort(want)
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("classes on %s (-promised +kernel):\n%s", device, d)
		}
	}
}
