package neighbour

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

var (
	ann = mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 0x01}
	bob = mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 0x02}
	eve = mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 0x66}

	ann4, bob4, eve4 = netip.MustParseAddr("10.77.0.20"), netip.MustParseAddr("10.77.0.21"), netip.MustParseAddr("10.77.0.66")
	ann6             = netip.MustParseAddr("2001:db8:77::a")
	our6             = netip.MustParseAddr("2001:db8:77::1")
	prefix           = netip.MustParsePrefix("2001:db8:77::/64")
)

// world is a guest link around a core: devices that answer, and a clock that runs from deadline to deadline.
type world struct {
	*core
	now    clock.Boot
	leases map[netip.Addr]mac.Addr
	story  []string
	// has says whether a device answers for an address; behind says whether it is there, behind that port.
	has    func(mac.Addr, netip.Addr) bool
	behind func(mac.Addr, int) bool
}

func newWorld() *world {
	w := &world{
		now:    clock.Boot(time.Hour),
		leases: map[netip.Addr]mac.Addr{ann4: ann, bob4: bob, eve4: eve},
		has:    func(mac.Addr, netip.Addr) bool { return false },
		behind: func(mac.Addr, int) bool { return false },
	}
	w.core = newCore(settings{
		limit: 64, network: netip.MustParsePrefix("10.77.0.1/16"),
		owner: func(a netip.Addr) (mac.Addr, bool) { m, ok := w.leases[a]; return m, ok },
		address: func(m mac.Addr) (netip.Addr, bool) {
			for a, o := range w.leases {
				if o == m {
					return a, true
				}
			}
			return netip.Addr{}, false
		},
	})
	w.link([]netip.Prefix{prefix}, []netip.Addr{our6})
	return w
}

func name(m mac.Addr) string {
	switch m {
	case ann:
		return "ann"
	case bob:
		return "bob"
	case eve:
		return "eve"
	}
	return m.String()
}

// settle lets probes be answered at once and writes the story down.
func (w *world) settle() {
	for range 100 {
		for _, c := range w.changes {
			kind := [...]string{Bound: "bound", Unbound: "unbound", Contested: "contested", Settled: "settled"}[c.Kind]
			line := name(c.MAC) + " " + kind
			if c.Contest != "" {
				line += " " + c.Contest
			} else if c.IP.IsValid() {
				line += " " + c.IP.String()
			}
			w.story = append(w.story, line)
		}
		w.changes = nil
		probes := w.probes
		w.probes = nil
		if len(probes) == 0 {
			return
		}
		for _, p := range probes {
			switch {
			case p.port != 0:
				if w.behind(p.to, p.port) {
					w.answer(w.now, p.to, p.port)
					w.at(w.now, p.to, p.port) // the answer shows it to the bridge too
				}
			case w.has(p.to, p.ip) && p.ip.Is4():
				w.heard4(w.now, p.to, p.ip)
			case w.has(p.to, p.ip):
				w.heard6(w.now, p.to, p.ip, false)
			}
		}
	}
	panic("probes without end")
}

// pass lets time go by, stopping where something is due.
func (w *world) pass(d time.Duration) {
	w.settle()
	end := w.now.Add(d)
	for {
		at, ok := w.next()
		if !ok || at > end {
			break
		}
		w.now = max(at, w.now)
		w.tick(w.now)
		w.settle()
	}
	w.now = end
	w.tick(w.now)
	w.settle()
}

func (w *world) want(t *testing.T, lines ...string) {
	t.Helper()
	if d := cmp.Diff(strings.Join(lines, "\n"), strings.Join(w.story, "\n")); d != "" {
		t.Errorf("what was told (-want +got):\n%s", d)
	}
	w.story = nil
}

func (w *world) addresses(m mac.Addr) []netip.Addr {
	var out []netip.Addr
	if d := w.devices[m]; d != nil {
		for _, b := range d.addrs {
			out = append(out, b.ip)
		}
	}
	return out
}

func TestAnAddressBelongsToWhoSpeaksForItFirst(t *testing.T) {
	w := newWorld()
	w.heard6(w.now, ann, ann6, true)
	w.heard6(w.now, ann, ann6, false)
	w.pass(time.Minute)
	w.want(t, "ann bound 2001:db8:77::a")
}

func TestAddressesThatNoGuestMayHaveAreNotBound(t *testing.T) {
	for _, a := range []string{
		"fe80::1", "2001:db8:78::a", "2001:db8:77::1", "ff02::1", "::1",
		"2001:db8:77::3e22:fbff:fe00:2", // bob's own
	} {
		w := newWorld()
		w.heard6(w.now, ann, netip.MustParseAddr(a), false)
		w.pass(time.Minute)
		w.want(t)
	}
	w := newWorld()
	own := netip.MustParseAddr("2001:db8:77::3e22:fbff:fe00:1")
	w.heard6(w.now, ann, own, false)
	w.pass(0)
	w.want(t, "ann bound "+own.String())
}

func TestAnAddressWhoseHolderAnswersIsRefused(t *testing.T) {
	w := newWorld()
	w.heard6(w.now, ann, ann6, false)
	w.has = func(m mac.Addr, a netip.Addr) bool { return m == ann }
	w.pass(time.Minute)
	w.heard6(w.now, eve, ann6, false)
	w.pass(time.Second)
	w.want(t, "ann bound 2001:db8:77::a", "eve contested other-address")
	w.pass(time.Minute)
	w.want(t, "eve settled")
}

func TestTheQuestionWhetherAnAddressIsTakenIsNoOffence(t *testing.T) {
	w := newWorld()
	w.heard6(w.now, ann, ann6, false)
	w.has = func(m mac.Addr, a netip.Addr) bool { return m == ann }
	w.heard6(w.now, bob, ann6, true)
	w.pass(time.Minute)
	w.want(t, "ann bound 2001:db8:77::a")
}

func TestAnAddressWhoseHolderIsSilentMovesAndComesBack(t *testing.T) {
	w := newWorld()
	w.heard6(w.now, ann, ann6, false)
	w.pass(time.Minute)
	w.heard6(w.now, bob, ann6, false)
	w.pass(answerTime - time.Millisecond)
	w.want(t, "ann bound 2001:db8:77::a")
	w.pass(time.Second)
	w.want(t, "ann unbound 2001:db8:77::a", "bob bound 2001:db8:77::a")
	w.heard6(w.now, ann, ann6, false) // she was asleep
	w.pass(time.Minute)
	w.want(t, "bob unbound 2001:db8:77::a", "ann bound 2001:db8:77::a")
}

func TestADeviceKeepsItsSixteenFreshestAddresses(t *testing.T) {
	w := newWorld()
	for i := range 20 {
		w.heard6(w.now, ann, netip.MustParseAddr(fmt.Sprintf("2001:db8:77::1:%x", i)), false)
		w.pass(newAddresses)
	}
	got := w.addresses(ann)
	if len(got) != 16 || slices.Contains(got, netip.MustParseAddr("2001:db8:77::1:3")) || !slices.Contains(got, netip.MustParseAddr("2001:db8:77::1:4")) {
		t.Errorf("left: %v", got)
	}
}

func TestADeviceThatShowsNewAddressesWithoutEndIsHeldBack(t *testing.T) {
	w := newWorld()
	for i := range 1000 {
		w.heard6(w.now, ann, netip.MustParseAddr(fmt.Sprintf("2001:db8:77::1:%x", i)), false)
	}
	w.pass(0)
	if n := len(w.story); n != 16 {
		t.Errorf("%d changes told", n)
	}
}

func TestAPrefixThatGoesTakesItsAddressesAlong(t *testing.T) {
	w := newWorld()
	w.heard6(w.now, ann, ann6, false)
	w.link(nil, nil)
	w.pass(0)
	w.want(t, "ann bound 2001:db8:77::a", "ann unbound 2001:db8:77::a")
}

func TestMemoryIsBounded(t *testing.T) {
	w := newWorld()
	for i := range 10_000 {
		m := mac.Addr{2, 0, 0, 0, byte(i >> 8), byte(i)}
		w.heard6(w.now, m, netip.MustParseAddr(fmt.Sprintf("2001:db8:77::2:%x", i)), false)
		w.at(w.now, m, i%3+1)
		w.pass(time.Millisecond)
	}
	if len(w.devices) > w.limit || len(w.bindings) > w.limit || w.order.Len() != len(w.devices) {
		t.Errorf("%d devices, %d addresses, limit %d", len(w.devices), len(w.bindings), w.limit)
	}
}

func TestWhoseIPv4AddressItIsDecides(t *testing.T) {
	for _, tc := range []struct {
		name string
		mac  mac.Addr
		ip   string
		has  bool // it answers when it is asked
		want []string
	}{
		{"its own", ann, "10.77.0.20", true, nil},
		{"another's", eve, "10.77.0.20", true, []string{"eve contested other-address"}},
		{"another's, spoken of once and not kept", eve, "10.77.0.20", false, nil},
		{"leased to nobody", eve, "10.77.9.9", true, []string{"eve contested other-address"}},
		{"the router's", eve, "10.77.0.1", true, []string{"eve contested other-address"}},
		{"from another network", eve, "192.168.1.7", true, nil},
		{"of a device that we know nothing of", mac.Addr{2, 0, 0, 0, 0, 9}, "10.77.0.20", true, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			w.has = func(mac.Addr, netip.Addr) bool { return tc.has }
			w.heard4(w.now, tc.mac, netip.MustParseAddr(tc.ip))
			w.pass(4 * time.Second)
			w.want(t, tc.want...)
		})
	}
}

func TestALeaseThatIsWrittenAMomentLaterIsNoContest(t *testing.T) {
	w := newWorld()
	w.has = func(mac.Addr, netip.Addr) bool { return true }
	fresh := netip.MustParseAddr("10.77.3.3")
	w.heard4(w.now, ann, fresh)
	w.pass(askAfter / 2)
	w.leases[fresh] = ann
	w.pass(time.Minute)
	w.want(t)
}

func TestAContestIsSettledWhenTheAddressIsGivenUp(t *testing.T) {
	w := newWorld()
	still := true
	w.has = func(mac.Addr, netip.Addr) bool { return still }
	w.heard4(w.now, eve, ann4)
	w.pass(time.Minute)
	told := slices.Repeat([]string{"eve contested other-address"}, 6)
	w.want(t, told...)
	still = false
	w.pass(settleAfter + verifyEvery)
	w.want(t, "eve settled")
}

// walk moves ann between ports as a phone moves between access points: she is behind one of them at any time.
func (w *world) walk(moves int, stay time.Duration) {
	port := 1
	w.behind = func(m mac.Addr, p int) bool { return p == port }
	w.at(w.now, ann, port)
	for range moves {
		port = 3 - port
		w.at(w.now, ann, port)
		w.pass(stay)
	}
}

func TestADeviceThatRoamsIsNeverContested(t *testing.T) {
	for _, stay := range []time.Duration{0, 10 * time.Millisecond, 100 * time.Millisecond, 299 * time.Millisecond, 300 * time.Millisecond, time.Second, time.Minute} {
		w := newWorld()
		w.walk(50, stay)
		w.pass(time.Minute)
		w.want(t)
	}
}

// That the probe leaves late, when the device is already back, must not make a clone of it.
func TestADeviceThatRoamsWhileWeAreSlowIsNotContested(t *testing.T) {
	w := newWorld()
	port := 1
	w.behind = func(m mac.Addr, p int) bool { return p == port }
	w.at(w.now, ann, 1)
	for i := range 50 {
		w.at(w.now, ann, 2)
		if i%3 == 2 { // now and then the probe is in time
			port = 2
		}
		w.pass(50 * time.Millisecond)
		port = 1
		w.at(w.now, ann, 1)
		w.pass(400 * time.Millisecond)
	}
	w.want(t)
}

func TestAPortThatForgetsADeviceBeforeItIsElsewhereIsNoQuestion(t *testing.T) {
	w := newWorld()
	w.behind = func(mac.Addr, int) bool { return true }
	w.at(w.now, ann, 1)
	w.at(w.now, ann, 0)
	w.at(w.now, ann, 2)
	w.pass(time.Minute)
	w.want(t)
}

func TestAClone(t *testing.T) {
	for _, tc := range []struct {
		name    string
		answers bool          // the clone answers ARP
		every   time.Duration // how often it speaks
	}{
		{"that answers", true, time.Second},
		{"that is silent and downloads", false, 5 * time.Millisecond},
		{"that is silent and speaks once a second", false, time.Second},
		{"that answers and speaks seldom", true, 4 * time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld()
			w.behind = func(m mac.Addr, p int) bool { return p == 1 || tc.answers }
			w.at(w.now, ann, 1)
			w.pass(time.Minute)
			w.want(t)
			began := w.now
			for len(w.story) == 0 && w.now.Sub(began) < 5*time.Second {
				w.at(w.now, ann, 2)
				w.pass(tc.every)
			}
			w.want(t, "ann contested two-ports")
			// It goes on, and is told again, until the clone has been away for a while.
			for range int(20 * time.Second / tc.every) {
				w.at(w.now, ann, 2)
				w.pass(tc.every)
			}
			if slices.Contains(w.story, "ann settled") {
				t.Error("settled beside the clone")
			}
			w.behind = func(m mac.Addr, p int) bool { return p == 1 }
			w.at(w.now, ann, 1)
			w.story = nil
			w.pass(settleAfter + verifyEvery)
			w.want(t, "ann settled")
		})
	}
}

func TestWhateverIsSaidTheBooksBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		w.limit = 8
		w.has = func(mac.Addr, netip.Addr) bool { return rapid.Bool().Draw(t, "has") }
		w.behind = func(mac.Addr, int) bool { return rapid.Bool().Draw(t, "behind") }
		who := rapid.Custom(func(t *rapid.T) mac.Addr {
			return mac.Addr{0x3c, 0x22, 0xfb, 0, 0, rapid.SampledFrom([]byte{1, 2, 0x66, 4, 5, 6, 7, 8, 9, 10, 11}).Draw(t, "mac")}
		})
		v6 := rapid.Custom(func(t *rapid.T) netip.Addr {
			return netip.MustParseAddr(fmt.Sprintf("2001:db8:77::%x", rapid.IntRange(0, 20).Draw(t, "iid")))
		})
		v4 := rapid.Custom(func(t *rapid.T) netip.Addr {
			return netip.AddrFrom4([4]byte{10, 77, 0, byte(rapid.IntRange(0, 70).Draw(t, "host"))})
		})
		told := map[netip.Addr]mac.Addr{} // as somebody knows who only reads changes
		contested := map[mac.Addr]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			m := who.Draw(t, "who")
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0, 1:
				w.heard6(w.now, m, v6.Draw(t, "v6"), rapid.Bool().Draw(t, "asks"))
			case 2:
				w.heard4(w.now, m, v4.Draw(t, "v4"))
			case 3:
				w.at(w.now, m, rapid.IntRange(0, 3).Draw(t, "port"))
			case 4:
				if rapid.Bool().Draw(t, "prefix") {
					w.link([]netip.Prefix{prefix}, []netip.Addr{our6})
				} else {
					w.link(nil, nil)
				}
			}
			for _, c := range w.changes {
				switch c.Kind {
				case Bound:
					if m, taken := told[c.IP]; taken {
						t.Fatalf("%v bound twice: %s, %s", c.IP, name(m), name(c.MAC))
					}
					told[c.IP] = c.MAC
				case Unbound:
					if told[c.IP] != c.MAC {
						t.Fatalf("%v was not %s's", c.IP, name(c.MAC))
					}
					delete(told, c.IP)
				case Contested:
					contested[c.MAC] = true
				case Settled:
					if !contested[c.MAC] {
						t.Fatalf("%s settled out of nothing", name(c.MAC))
					}
					delete(contested, c.MAC)
				}
			}
			w.changes = nil
			// One step at a time, so that every change is seen above.
			for _, p := range w.probes {
				if p.port != 0 && w.behind(p.to, p.port) {
					w.answer(w.now, p.to, p.port)
				} else if p.port == 0 && p.ip.Is4() && w.has(p.to, p.ip) {
					w.heard4(w.now, p.to, p.ip)
				} else if p.port == 0 && w.has(p.to, p.ip) {
					w.heard6(w.now, p.to, p.ip, false)
				}
			}
			w.probes = nil
			if at, ok := w.next(); ok && rapid.Bool().Draw(t, "wait") {
				w.now = max(w.now, at)
				w.tick(w.now)
				if at, ok := w.next(); ok && at < w.now {
					t.Fatalf("still due: %v at %v", at, w.now)
				}
			}
			w.check(t)
		}
	})
}

// check looks whether the indexes agree.
func (w *world) check(t *rapid.T) {
	n, doubts, tries := 0, 0, 0
	for m, d := range w.devices {
		if len(d.addrs) > addressesPerMAC {
			t.Fatalf("%s has %d addresses", name(m), len(d.addrs))
		}
		for _, b := range d.addrs {
			if w.bindings[b.ip] != b || b.dev != d {
				t.Fatalf("%v is not where it should be", b.ip)
			}
			n++
		}
		if d.doubt != nil {
			doubts++
		}
		if d.try != nil {
			tries++
		}
		if waits := d.doubt != nil || d.try != nil || d.contest != nil; waits && w.busy[m] != d {
			t.Fatalf("%s waits for nothing", name(m))
		}
	}
	for ip := range w.claims {
		if w.bindings[ip] == nil {
			t.Fatalf("%v is claimed and nobody's", ip)
		}
	}
	if n != len(w.bindings) || doubts != w.doubts || tries != w.tries || len(w.devices) > w.limit || n > w.limit || w.order.Len() != len(w.devices) {
		t.Fatalf("%d of %d addresses, %d of %d doubts, %d of %d tries, %d devices", n, len(w.bindings), doubts, w.doubts, tries, w.tries, len(w.devices))
	}
	for m, d := range w.busy {
		if w.devices[m] != d {
			t.Fatalf("%s is busy and forgotten", name(m))
		}
	}
}
