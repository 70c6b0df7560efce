package firewall_test

import (
	"net/netip"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
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
