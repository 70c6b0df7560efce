package firewall_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"parvis/firewall"
	"parvis/firewall/ipset"
	"parvis/internal/lab"
	"parvis/internal/mac"
)

// Datagrams are not merged or cut on their way, so that every byte is known: what the guest sent and got back is what is
// counted, through an emptied set, a suspension, addresses that come and go, and a restart.
func TestEveryByteIsCountedOnce(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		tw.cfg.IPv6 = true
		tw.layIPv6(t)
		known := firewall.Known{guestMAC: addrs(guest6)}
		open := func() {
			must(t, tw.fw.Close())
			tw.fw = tw.open(t, tw.cfg)
			tw.fw.Know(known)
		}
		open()
		g := tw.grant()
		sync := func() { must(t, tw.fw.Sync([]firewall.Grant{g})) }
		sync()
		for _, a := range []string{public + ":77", "[" + public6 + "]:77"} { // every machine finds its neighbours
			s := flow(t, tw.guest, a, time.Millisecond)
			answered(t, s)
			s.End()
		}
		must(t, tw.fw.Drop(slot))
		usageOf(t, tw.fw, slot)
		sync()
		var total uint64
		carry := func(after string, six bool) {
			t.Helper()
			flows := map[int]*lab.Stream{28: flow(t, tw.guest, public+":77", time.Millisecond)} // headers of IPv4 and UDP
			if six {
				flows[48] = flow(t, tw.guest, "["+public6+"]:77", time.Millisecond)
			}
			for _, s := range flows {
				until(t, "some are sent", func() bool { n, _ := s.Sent(); return n >= 100 })
			}
			for header, s := range flows {
				r := s.End()
				n, bytes := s.Sent()
				if r.Came != n {
					t.Fatalf("%s: %d of %d came back", after, r.Came, n)
				}
				total += bytes + uint64(header*n)
			}
			if u := usageOf(t, tw.fw, slot); u.Up != total || u.Down != total {
				t.Errorf("%s: %d up and %d down are counted, %d were carried each way", after, u.Up, u.Down, total)
			}
		}
		carry("a Sync", true)
		must(t, run("ipset", "flush"))
		sync()
		carry("an emptied set", true)
		must(t, run("ipset", "flush", "parvis-up6"))
		sync()
		carry("an emptied half", true)
		open()
		sync()
		carry("a restart", true)
		delete(known, guestMAC)
		must(t, tw.fw.Rebind(guestMAC))
		carry("an address that has gone", false)
		known[guestMAC] = addrs(guest6)
		must(t, tw.fw.Rebind(guestMAC))
		carry("and is there again", true)
		g.Suspended = true
		must(t, tw.fw.Put(g))
		g.Suspended = false
		must(t, tw.fw.Put(g))
		carry("a suspension", true)
		open()
		sync()
		carry("another restart", true)
		must(t, tw.fw.Drop(slot))
		if u := usageOf(t, tw.fw, slot); !u.Final || u.Up != total || u.Down != total {
			t.Errorf("the last count is %+v for %d", u, total)
		}
	})
}

// Five thousand are admitted, changed, suspended and ended in random order on the real kernel, which then holds what is
// promised and nothing else.
func TestFiveThousandInRandomOrder(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	const people = 5000
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	tw := newTown(t, firewall.NFT)
	tw.cfg.Capacity, tw.cfg.IPv6 = 10000, true
	tw.fw = tw.open(t, tw.cfg)
	six := firewall.Known{}
	tw.fw.Know(six)
	conn, err := ipset.Dial()
	must(t, err)
	defer conn.Close()
	m := &model{tw: tw, conn: conn, six: six, open: map[uint16]*promise{}, ended: map[netip.Addr]bool{}, late: 600}
	who := func(i int) firewall.Grant {
		return firewall.Grant{
			Slot: uint16(0x10 + i), MAC: mac.Addr{2, 0, 0, 1, byte(i >> 8), byte(i)},
			IPv4: netip.AddrFrom4([4]byte{10, 77, byte(1 + i>>8), byte(i)}), End: tw.clock.Boot().Add(2 * time.Hour),
			Down: uint64(1+rnd.IntN(9)) * 1_000_000, Up: 5_000_000, Suspended: rnd.IntN(10) == 0,
		}
	}
	var all []firewall.Grant // the machine has just started, and half of them were inside
	for i := range people {
		g := who(i)
		for n := range rnd.IntN(3) {
			six[g.MAC] = append(six[g.MAC], netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 13: byte(i >> 8), 14: byte(i), 15: byte(n)}))
		}
		if i%2 == 0 {
			all = append(all, g)
		}
	}
	m.sync(all, false)
	must(t, tw.fw.Sync(all))
	m.compare(t)
	started, steps := time.Now(), 0
	for _, i := range rnd.Perm(3 * people) {
		if time.Since(started) > 90*time.Second { // a machine that is busy with something else
			break
		}
		steps++
		g := who(i % people)
		switch {
		case rnd.IntN(3) == 0:
			if m.open[g.Slot] != nil {
				m.end(g.Slot)
			}
			must(t, tw.fw.Drop(g.Slot))
		default:
			must(t, m.put(g))
			must(t, tw.fw.Put(g))
		}
		if steps%1000 == 0 {
			m.settle(t)
		}
	}
	m.settle(t)
	t.Logf("%d steps in %v, %d open at the end", steps, time.Since(started).Round(time.Millisecond), len(m.open))
	m.sync(nil, false)
	must(t, tw.fw.Sync(nil))
	m.settle(t)
}
