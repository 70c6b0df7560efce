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

// model is what a Firewall promises, in maps.
type model struct {
	tw    *town
	conn  *ipset.Conn
	open  map[uint16]*promise
	owed  []firewall.Usage // final counts to come
	ended map[netip.Addr]bool
}

type promise struct {
	firewall.Grant
	total   uint64 // bytes each way
	kernel  uint64 // of them in the entry that is there now
	missing bool   // somebody has taken its entries out
}

func (m *model) admit(g firewall.Grant, total uint64) {
	m.open[g.Slot] = &promise{Grant: g, total: total}
	delete(m.ended, g.IPv4)
}

func (m *model) end(slot uint16) {
	p := m.open[slot]
	m.owed = append(m.owed, firewall.Usage{Slot: slot, Down: p.total, Up: p.total, Final: true})
	delete(m.open, slot)
	m.ended[p.IPv4] = true
}

func (m *model) put(g firewall.Grant) error {
	old := m.open[g.Slot]
	if old != nil && old.MAC != g.MAC {
		return firewall.ErrSlotTaken
	}
	for slot, p := range m.open {
		if p.IPv4 == g.IPv4 && slot != g.Slot {
			return firewall.ErrAddressTaken
		}
	}
	switch {
	case old == nil:
		m.admit(g, 0)
	case old.IPv4 != g.IPv4 || old.missing:
		m.admit(g, old.total)
	default:
		old.Grant = g
	}
	return nil
}

// sync is the same for a Firewall that goes on and for one that knows nothing yet (restart): this one counts what the
// kernel's entries have, and owes nothing to its predecessor's callers.
func (m *model) sync(desired []firewall.Grant, restart bool) {
	if restart {
		m.owed = nil
		for _, p := range m.open {
			p.total = p.kernel
		}
	}
	before := m.open
	m.open = map[uint16]*promise{}
	for _, g := range desired {
		p := before[g.Slot]
		switch {
		case p == nil || p.MAC != g.MAC:
			m.admit(g, 0)
		case p.IPv4 != g.IPv4 || p.missing:
			m.admit(g, p.total)
		default:
			m.open[g.Slot] = &promise{Grant: g, total: p.total, kernel: p.kernel}
		}
	}
	for slot, p := range before {
		if n := m.open[slot]; !restart && (n == nil || n.MAC != p.MAC) {
			m.owed = append(m.owed, firewall.Usage{Slot: slot, Down: p.total, Up: p.total, Final: true})
		}
	}
	clear(m.ended)
}

// traffic makes the kernel have counted n bytes each way.
func (m *model) traffic(t *rapid.T, slot uint16, n uint64) {
	p := m.open[slot]
	if p == nil || p.missing {
		return
	}
	p.total, p.kernel = p.total+n, p.kernel+n
	for _, set := range []string{"parvis-up4", "parvis-dn4"} {
		for _, e := range m.list(t, set) {
			if e.IP == p.IPv4 {
				e.Bytes = &p.kernel
				fatal(t, m.conn.Add(set, e))
			}
		}
	}
}

func fatal(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func (m *model) list(t *rapid.T, set string) []ipset.Entry {
	l, err := m.conn.List(set)
	fatal(t, err)
	return l
}

// compare: the sets hold those that are open, with their slot, and of others only closed entries of ended ones.
func (m *model) compare(t *rapid.T) {
	type held struct {
		MAC  mac.Addr
		Mark uint32
		Prio uint32
	}
	for _, set := range []string{"parvis-up4", "parvis-dn4"} {
		want, got := map[string]held{}, map[string]held{}
		for slot, p := range m.open {
			if p.missing {
				continue
			}
			h := held{p.MAC, uint32(slot) << 16, 1<<16 | uint32(slot)}
			if set == "parvis-dn4" {
				h.MAC = mac.Addr{}
			}
			want[p.IPv4.String()] = h
		}
		for _, e := range m.list(t, set) {
			if e.Mask != 0xffff0001 {
				t.Fatalf("%s: %v writes through mask %#x", set, e.IP, e.Mask)
			}
			if e.Mark == 1 && m.ended[e.IP] {
				continue
			}
			got[e.IP.String()] = held{e.MAC, e.Mark, e.Prio}
			if p := m.open[uint16(e.Mark>>16)]; p != nil {
				left := uint32(p.End.Sub(m.tw.clock.Boot()) / time.Second)
				if e.Timeout > left || e.Timeout+40 < left {
					t.Fatalf("%s: %v ends in %d s, want %d", set, e.IP, e.Timeout, left)
				}
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%s (-promised +kernel):\n%s", set, d)
		}
	}
}

// settle asks for counts: every open slot once, and what is owed once.
func (m *model) settle(t *rapid.T) {
	got, err := m.tw.fw.Usage()
	fatal(t, err)
	want := m.owed
	for slot, p := range m.open {
		want = append(want, firewall.Usage{Slot: slot, Down: p.total, Up: p.total})
	}
	m.owed = nil
	clear(m.ended)
	order := func(a, b firewall.Usage) int {
		return slices.Compare([]uint64{uint64(a.Slot), a.Down}, []uint64{uint64(b.Slot), b.Down})
	}
	slices.SortFunc(want, order)
	slices.SortFunc(got, order)
	if d := cmp.Diff(append([]firewall.Usage{}, want...), append([]firewall.Usage{}, got...)); d != "" {
		t.Fatalf("usage (-promised +reported):\n%s", d)
	}
	m.compare(t)
}

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
