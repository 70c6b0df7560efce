package firewall_test

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
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
	six   firewall.Known
	open  map[uint16]*promise
	owed  []firewall.Usage // final counts to come
	ended map[netip.Addr]bool
	late  uint32 // seconds that the kernel's timeouts may have gone on while the test's clock stands
}

type promise struct {
	firewall.Grant
	total uint64 // bytes each way
	at    map[netip.Addr]*cell
}

// cell is one address of a promise.
type cell struct {
	bytes   uint64 // in the entry that is there now
	gone    bool   // left, and not yet counted
	missing bool   // somebody has taken its entries out
}

// opens makes the promise's addresses those of now. fresh says that closed entries do not come back with their counts.
func (m *model) opens(p *promise, fresh bool) {
	for a, c := range p.at {
		if !slices.Contains(m.addresses(p.Grant), a) {
			c.gone, m.ended[a] = true, true
		}
	}
	for _, a := range m.addresses(p.Grant) {
		c := p.at[a]
		if c == nil || c.missing || fresh && c.gone {
			c = &cell{}
		}
		c.gone = false
		p.at[a] = c
		delete(m.ended, a)
	}
	if p.Suspended || fresh {
		m.counted(p)
	}
}

// counted forgets the addresses that were left.
func (m *model) counted(p *promise) {
	for a, c := range p.at {
		if c.gone {
			delete(p.at, a)
		}
	}
}

func (m *model) addresses(g firewall.Grant) []netip.Addr {
	if g.Suspended {
		return nil
	}
	return append([]netip.Addr{g.IPv4}, m.six[g.MAC]...)
}

func (m *model) admit(g firewall.Grant) {
	p := &promise{Grant: g, at: map[netip.Addr]*cell{}}
	m.open[g.Slot] = p
	m.opens(p, false)
}

func (m *model) end(slot uint16) {
	p := m.open[slot]
	m.owed = append(m.owed, firewall.Usage{Slot: slot, Down: p.total, Up: p.total, Final: true})
	delete(m.open, slot)
	for a := range p.at {
		m.ended[a] = true
	}
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
	if old == nil {
		m.admit(g)
		return nil
	}
	old.Grant = g
	m.opens(old, false)
	return nil
}

// bind makes the watch tie these IPv6 addresses to the device.
func (m *model) bind(d mac.Addr, list []netip.Addr) error {
	m.six[d] = list
	for _, p := range m.open {
		if p.MAC != d || p.Suspended {
			continue
		}
		missing := map[netip.Addr]bool{} // an entry that somebody took out is not looked for
		for a, c := range p.at {
			missing[a] = c.missing && !c.gone
		}
		before := maps.Clone(p.at)
		m.opens(p, false)
		for a := range p.at {
			if missing[a] {
				p.at[a] = before[a]
			}
			if missing[a] && !slices.Contains(m.addresses(p.Grant), a) {
				p.at[a].gone = true
			}
		}
	}
	return m.tw.fw.Rebind(d)
}

// sync is the same for a Firewall that goes on and for one that knows nothing yet (restart): this one counts what the
// kernel still has, and owes nothing to its predecessor's callers.
func (m *model) sync(desired []firewall.Grant, restart bool) {
	if restart {
		m.owed = nil
		for _, p := range m.open {
			for _, c := range p.at {
				if c.missing {
					p.total -= c.bytes
				}
			}
		}
	}
	before := m.open
	m.open = map[uint16]*promise{}
	clear(m.ended)
	for _, g := range desired {
		p := before[g.Slot]
		if p == nil || p.MAC != g.MAC {
			m.admit(g)
			continue
		}
		n := &promise{Grant: g, total: p.total, at: maps.Clone(p.at)}
		m.open[g.Slot] = n
		m.opens(n, true)
	}
	for slot, p := range before {
		if n := m.open[slot]; !restart && (n == nil || n.MAC != p.MAC) {
			m.owed = append(m.owed, firewall.Usage{Slot: slot, Down: p.total, Up: p.total, Final: true})
		}
	}
	clear(m.ended)
}

// traffic makes the kernel have counted n bytes each way at one of the slot's addresses.
func (m *model) traffic(t *rapid.T, slot uint16, n uint64) {
	p := m.open[slot]
	if p == nil || p.Suspended {
		return
	}
	a := rapid.SampledFrom(m.addresses(p.Grant)).Draw(t, "address")
	c := p.at[a]
	if c.missing {
		return
	}
	p.total, c.bytes = p.total+n, c.bytes+n
	for _, set := range setsOf(a) {
		for _, e := range m.list(t, set) {
			if e.IP == a {
				e.Bytes = &c.bytes
				fatal(t, m.conn.Add(set, e))
			}
		}
	}
}

// damage takes an address's entries out, as somebody else might.
func (m *model) damage(t *rapid.T, slot uint16) {
	p := m.open[slot]
	if p == nil || p.Suspended {
		return
	}
	a := rapid.SampledFrom(m.addresses(p.Grant)).Draw(t, "address")
	p.at[a].missing = true
	e := ipset.Entry{IP: a, MAC: p.MAC}
	if a.Is6() {
		e.MAC = mac.Addr{}
	}
	sets := setsOf(a)
	fatal(t, errors.Join(m.conn.Del(sets[0], e), m.conn.Del(sets[1], ipset.Entry{IP: a})))
}

func setsOf(a netip.Addr) []string {
	if a.Is6() {
		return []string{"parvis-up6", "parvis-dn6"}
	}
	return []string{"parvis-up4", "parvis-dn4"}
}

func fatal(t judge, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func (m *model) list(t judge, set string) []ipset.Entry {
	l, err := m.conn.List(set)
	fatal(t, err)
	return l
}

// compare: the sets hold those that are open, with their slot, and of others only closed entries of ended ones; their
// addresses, and no others, have permanent neighbours.
func (m *model) compare(t judge) {
	type held struct {
		MAC  mac.Addr
		Mark uint32
		Prio uint32
	}
	for _, set := range []string{"parvis-up4", "parvis-dn4", "parvis-up6", "parvis-dn6"} {
		want, got := map[string]held{}, map[string]held{}
		for slot, p := range m.open {
			for a, c := range p.at {
				if c.missing || c.gone || !slices.Contains(setsOf(a), set) {
					continue
				}
				h := held{p.MAC, uint32(slot) << 16, 1<<16 | uint32(slot)}
				if set != "parvis-up4" {
					h.MAC = mac.Addr{}
				}
				want[a.String()] = h
			}
		}
		for _, e := range m.list(t, set) {
			if e.IP.Is4() && e.IP.IsLoopback() {
				continue // the ledger
			}
			if e.Mask != 0xffff0001 {
				t.Fatalf("%s: %v writes through mask %#x", set, e.IP, e.Mask)
			}
			if e.Mark == 1 && m.ended[e.IP] {
				continue
			}
			got[e.IP.String()] = held{e.MAC, e.Mark, e.Prio}
			if p := m.open[uint16(e.Mark>>16)]; p != nil {
				left := uint32(p.End.Sub(m.tw.clock.Boot()) / time.Second)
				if e.Timeout > left || e.Timeout+m.late < left {
					t.Fatalf("%s: %v ends in %d s, want %d", set, e.IP, e.Timeout, left)
				}
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("%s (-promised +kernel):\n%s", set, d)
		}
	}
	want := map[string]string{}
	for _, p := range m.open {
		for a, c := range p.at {
			if !c.gone {
				want[a.String()] = p.MAC.String()
			}
		}
	}
	if d := cmp.Diff(want, permanent(t, m.tw.cfg.Guest)); d != "" {
		t.Fatalf("permanent neighbours (-promised +kernel):\n%s", d)
	}
}

// permanent are the permanent neighbours on the device as the kernel lists them.
func permanent(t judge, device string) map[string]string {
	link, err := nl.LinkByName(device)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, family := range []int{nl.FAMILY_V4, nl.FAMILY_V6} {
		list, err := nl.NeighList(link.Attrs().Index, family)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range list {
			if n.State&nl.NUD_PERMANENT != 0 && n.HardwareAddr != nil && !n.IP.IsMulticast() {
				out[n.IP.String()] = n.HardwareAddr.String()
			}
		}
	}
	return out
}

// judge is a test, or one of rapid's checks.
type judge interface {
	Fatal(...any)
	Fatalf(string, ...any)
}

// settle asks for counts: every open slot once, and what is owed once.
func (m *model) settle(t judge) {
	got, err := m.tw.fw.Usage()
	fatal(t, err)
	want := m.owed
	for slot, p := range m.open {
		want = append(want, firewall.Usage{Slot: slot, Down: p.total, Up: p.total})
	}
	m.owed = nil
	clear(m.ended)
	for _, p := range m.open {
		m.counted(p)
	}
	order := func(a, b firewall.Usage) int {
		final := map[bool]uint64{true: 1}
		return slices.Compare([]uint64{uint64(a.Slot), a.Down, final[a.Final]}, []uint64{uint64(b.Slot), b.Down, final[b.Final]})
	}
	slices.SortFunc(want, order)
	slices.SortFunc(got, order)
	if d := cmp.Diff(append([]firewall.Usage{}, want...), append([]firewall.Usage{}, got...)); d != "" {
		t.Fatalf("usage (-promised +reported):\n%s", d)
	}
	m.compare(t)
}
