package gate_test

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/kiosk/gate"
	"parvis/kiosk/names"
)

// model is the gate as a page of text would say it.
type model struct {
	clock    *clock.Fake
	grants   []gate.Grant
	finals   map[uint16]bool
	allow    map[mac.Addr]names.List
	windows  map[mac.Addr]names.List
	profiles map[string]names.List
	always   names.List
	garden   names.List
}

// may says which slot pays for a visit; 0 nobody's. It knows nothing of how the gate keeps things.
func (m *model) may(d mac.Addr, ip netip.Addr, relay bool, host string) (slot uint16, why gate.Why) {
	why = gate.NoGrant
	for _, g := range m.grants {
		if g.MAC != d || g.IPv4 != ip || g.Suspended || m.clock.Boot() >= g.End {
			continue
		}
		why = gate.NotAllowed
		if m.allow[d].Allows(host) || m.profiles[g.Profile].Allows(host) || m.always.Allows(host) {
			return g.Slot, ""
		}
	}
	if m.always.Allows(host) || m.windows[d].Allows(host) || relay && m.garden.Allows(host) {
		return 0, ""
	}
	return 0, why
}

// clash reports whether two grants cannot be there together.
func clash(a, b gate.Grant) bool { return a.Slot == b.Slot || a.MAC == b.MAC || a.IPv4 == b.IPv4 }

func (m *model) drop(slot uint16) {
	n := len(m.grants)
	m.grants = slices.DeleteFunc(m.grants, func(g gate.Grant) bool { return g.Slot == slot })
	if len(m.grants) < n {
		m.finals[slot] = true
	}
}

// visit is a flow, and what the model thinks of it.
type visit struct {
	mac   mac.Addr
	ip    netip.Addr
	relay bool
	host  string
	slot  uint16
	there bool
	live  func() bool
}

func TestTheGateDoesWhatItsModelSays(t *testing.T) {
	var (
		device  = rapid.Custom(func(t *rapid.T) mac.Addr { return mac.Addr{2, byte(rapid.IntRange(1, 3).Draw(t, "device"))} })
		address = rapid.Custom(func(t *rapid.T) netip.Addr {
			return netip.AddrFrom4([4]byte{10, 0, 0, byte(rapid.IntRange(1, 3).Draw(t, "address"))})
		})
		hosts = []string{"a.fr", "b.a.fr", "c.fr"}
		list  = rapid.Custom(func(t *rapid.T) names.List {
			return rapid.SliceOfN(rapid.SampledFrom([]names.Rule{"a.fr", ".a.fr", "b.a.fr", "c.fr"}), 0, 2).Draw(t, "list")
		})
		profile = rapid.SampledFrom([]string{"poste", "jeunesse"})
		slot    = rapid.Uint16Range(16, 18)
	)
	rapid.Check(t, func(t *rapid.T) {
		m := &model{
			clock: clock.NewFake(), finals: map[uint16]bool{}, allow: map[mac.Addr]names.List{}, windows: map[mac.Addr]names.List{},
			profiles: map[string]names.List{},
		}
		g := gate.New(gate.Options{Clock: m.clock, Who: func(netip.Addr) (mac.Addr, bool) { return mac.Addr{}, false }, Bounds: gate.Bounds{Idle: 1000 * time.Hour}})
		defer g.Close()
		grant := rapid.Custom(func(t *rapid.T) gate.Grant {
			return gate.Grant{
				Slot: slot.Draw(t, "slot"), MAC: device.Draw(t, "mac"), IPv4: address.Draw(t, "ip"), Profile: profile.Draw(t, "profile"),
				End: m.clock.Boot().Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "minutes")) * time.Minute), Suspended: rapid.Bool().Draw(t, "suspended"),
			}
		})
		var visits []*visit
		t.Repeat(map[string]func(*rapid.T){
			"Put": func(t *rapid.T) {
				n := grant.Draw(t, "grant")
				bad, changed := false, false
				for i, old := range m.grants {
					switch {
					case old.Slot == n.Slot && old.MAC == n.MAC:
						changed = true
						defer func() {
							if !bad {
								m.grants[i] = n
							}
						}()
					case clash(old, n):
						bad = true
					}
				}
				if err := g.Put(n); (err != nil) != bad {
					t.Fatalf("Put %+v beside %+v: %v", n, m.grants, err)
				}
				if !bad && !changed {
					m.grants = append(m.grants, n)
					delete(m.finals, n.Slot)
				}
			},
			"Drop": func(t *rapid.T) {
				s := slot.Draw(t, "slot")
				if err := g.Drop(s); err != nil {
					t.Fatal(err)
				}
				m.drop(s)
			},
			"Sync": func(t *rapid.T) {
				all := rapid.SliceOfN(grant, 0, 3).Draw(t, "grants")
				bad := false
				for i, a := range all {
					bad = bad || slices.ContainsFunc(all[:i], func(b gate.Grant) bool { return clash(a, b) })
				}
				if err := g.Sync(all); (err != nil) != bad {
					t.Fatalf("Sync %+v: %v", all, err)
				}
				if bad {
					return
				}
				for _, old := range slices.Clone(m.grants) {
					if !slices.ContainsFunc(all, func(n gate.Grant) bool { return n.Slot == old.Slot && n.MAC == old.MAC }) {
						m.drop(old.Slot)
					}
				}
				m.grants = all
				for _, n := range all {
					delete(m.finals, n.Slot)
				}
			},
			"Allow":  func(t *rapid.T) { d, l := device.Draw(t, "mac"), list.Draw(t, "l"); g.Allow(d, l); m.allow[d] = l },
			"Window": func(t *rapid.T) { d, l := device.Draw(t, "mac"), list.Draw(t, "l"); g.Window(d, l); m.windows[d] = l },
			"AllowProfile": func(t *rapid.T) {
				p, l := profile.Draw(t, "profile"), list.Draw(t, "l")
				g.AllowProfile(p, l)
				m.profiles[p] = l
			},
			"Always": func(t *rapid.T) { m.always = list.Draw(t, "l"); g.Always(m.always) },
			"Garden": func(t *rapid.T) { m.garden = list.Draw(t, "l"); g.Garden(m.garden) },
			"Advance": func(t *rapid.T) {
				m.clock.Advance(time.Duration(rapid.IntRange(1, 90).Draw(t, "seconds")) * time.Second)
				g.Rejudge() // its own timer does so too, and a test of its own says when
			},
			"Visit": func(t *rapid.T) {
				v := &visit{mac: device.Draw(t, "mac"), ip: address.Draw(t, "ip"), relay: rapid.Bool().Draw(t, "relay"), host: rapid.SampledFrom(hosts).Draw(t, "host"), there: true}
				want, wantWhy := m.may(v.mac, v.ip, v.relay, v.host)
				var why gate.Why
				if v.live, v.slot, why = g.Visit(v.mac, v.ip, v.relay, v.host); why != wantWhy || v.slot != want {
					t.Fatalf("%+v: slot %d %q, want %d %q", v, v.slot, why, want, wantWhy)
				}
				if v.live != nil {
					visits = append(visits, v)
				}
			},
			"Usage": func(t *rapid.T) {
				got, err := g.Usage()
				if err != nil {
					t.Fatal(err)
				}
				var want []gate.Usage
				for _, n := range m.grants {
					want = append(want, gate.Usage{Slot: n.Slot})
				}
				slices.SortFunc(want, func(a, b gate.Usage) int { return int(a.Slot) - int(b.Slot) })
				for _, s := range slices.Sorted(maps.Keys(m.finals)) {
					want = append(want, gate.Usage{Slot: s, Final: true})
				}
				clear(m.finals)
				if !slices.Equal(got, want) {
					t.Fatalf("counts %+v, want %+v", got, want)
				}
			},
			"": func(t *rapid.T) {
				for _, v := range visits {
					slot, why := m.may(v.mac, v.ip, v.relay, v.host)
					v.there = v.there && why == "" && slot == v.slot
					if got := v.live(); got != v.there {
						t.Fatalf("%+v lives: %t, want %t, %s", v, got, v.there, fmt.Sprint(m.grants))
					}
				}
			},
		})
	})
}

// The gate ends what has ended by itself: the moment is its clock's, and nobody has to call.
func TestAGrantEndsByItself(t *testing.T) {
	w := newWorld(t, nil)
	w.live()
	w.clock.Advance(time.Hour - time.Nanosecond)
	if w.gate.Flows() != 1 {
		t.Fatal("cut too early")
	}
	w.clock.Advance(time.Nanosecond)
	w.until("the tunnel is cut", func() bool { return w.gate.Flows() == 0 })
}

// A listener that ends takes with it what it has let in, and nothing of the others.
func TestAListenerEndsWithItsFlows(t *testing.T) {
	w := newWorld(t, nil)
	w.gate.Garden(names.List{"www.caf.fr"})
	w.live()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	relay := w.listen()
	go func() { ended <- w.gate.ServeRelay(ctx, relay) }()
	c := w.dial(otherIP, relay.Addr().String())
	c.Write(hello(t, "www.caf.fr"))
	w.until("the relay's flow is there", func() bool { return w.gate.Flows() == 2 })
	w.dial(otherIP, relay.Addr().String()) // says nothing
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	w.wantCut(c)
	if n := w.gate.Flows(); n != 1 {
		t.Errorf("%d flows are left, want the proxy's", n)
	}
}
