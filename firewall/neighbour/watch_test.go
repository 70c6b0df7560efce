package neighbour_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	nl "github.com/vishvananda/netlink"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"parvis/firewall/neighbour"
	"parvis/internal/clock"
	"parvis/internal/lab"
	"parvis/internal/mac"
)

func TestMain(m *testing.M) { lab.Main(m.Run) }

var (
	annMAC = mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 0x01}
	eveMAC = mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 0x66}
	ann4   = netip.MustParseAddr("10.77.0.20")
	eve4   = netip.MustParseAddr("10.77.0.66")
	ann6   = netip.MustParseAddr("2001:db8:77::a")
)

// link is a guests' bridge in the test's own namespace, and a Watch on it.
type link struct {
	t     *testing.T
	watch *neighbour.Watch
	seen  []string
}

var machines atomic.Int32

func newLink(t *testing.T) *link {
	t.Helper()
	lab.NeedsLab(t)
	t.Cleanup(func() { goleak.VerifyNone(t, goleak.IgnoreTopFunction("runtime.LockOSThread")) })
	// Its own MAC: a bridge otherwise takes the lowest of its ports', and the kernel forgets every neighbour when it changes.
	bridge := attrs("br-g")
	bridge.HardwareAddr = net.HardwareAddr{0x02, 0, 0, 0, 0, 0x01}
	must(t, add(&nl.Bridge{LinkAttrs: bridge}))
	t.Cleanup(func() { del(t, "br-g") })
	address(t, nil, "br-g", "10.77.0.1/16")
	address(t, nil, "br-g", "2001:db8:77::1/64")
	l := &link{t: t}
	l.open()
	return l
}

func (l *link) open() {
	l.t.Helper()
	sys, err := clock.NewSystem()
	must(l.t, err)
	leases := map[netip.Addr]mac.Addr{ann4: annMAC, eve4: eveMAC}
	l.watch, err = neighbour.Open(neighbour.Options{
		Interface: "br-g", Network: netip.MustParsePrefix("10.77.0.1/16"), Clock: sys, Log: slog.New(slog.DiscardHandler),
		Owner: func(a netip.Addr) (mac.Addr, bool) { m, ok := leases[a]; return m, ok },
		Address: func(m mac.Addr) (netip.Addr, bool) {
			for a, o := range leases {
				if o == m {
					return a, true
				}
			}
			return netip.Addr{}, false
		},
	})
	must(l.t, err)
	w := l.watch
	l.t.Cleanup(func() { must(l.t, w.Close()) })
}

// join wires a machine to a port of the bridge.
func (l *link) join(port string, m mac.Addr, addresses ...string) *lab.NS {
	l.t.Helper()
	ns, err := lab.NewNS(fmt.Sprintf("m%d", machines.Add(1)))
	must(l.t, err)
	l.t.Cleanup(func() {
		del(l.t, port)
		ns.Close()
	})
	must(l.t, ns.Do(func() error {
		return os.WriteFile("/proc/sys/net/ipv6/conf/default/accept_dad", []byte("0"), 0o644)
	}))
	wire(l.t, ns, port, "eth0", m)
	plug(l.t, port)
	for _, a := range addresses {
		address(l.t, ns, "eth0", a)
	}
	return ns
}

// until waits for a change, at most as long as a clone may stay unnoticed.
func (l *link) until(what string) {
	l.t.Helper()
	deadline := time.After(5 * time.Second)
	for {
		select {
		case c := <-l.watch.Changes():
			if l.note(c) == what {
				return
			}
		case <-deadline:
			l.t.Fatalf("no %q; seen: %v", what, l.seen)
		}
	}
}

func (l *link) note(c neighbour.Change) string {
	s := map[neighbour.Kind]string{neighbour.Bound: "bound", neighbour.Unbound: "unbound", neighbour.Contested: "contested", neighbour.Settled: "settled"}[c.Kind]
	s = fmt.Sprintf("%v %s", c.MAC, s)
	if c.Contest != "" {
		s += " " + c.Contest
	} else if c.IP.IsValid() {
		s += " " + c.IP.String()
	}
	l.seen = append(l.seen, s)
	return s
}

// never fails when somebody is contested in that time.
func (l *link) never(d time.Duration) {
	l.t.Helper()
	over := time.After(d)
	for {
		select {
		case c := <-l.watch.Changes():
			if s := l.note(c); c.Kind == neighbour.Contested {
				l.t.Fatalf("%s; seen: %v", s, l.seen)
			}
		case <-over:
			return
		}
	}
}

func TestAddressesOfADevice(t *testing.T) {
	l := newLink(t)
	ns := l.join("g0", annMAC, "10.77.0.20/16", ann6.String()+"/64")
	speak(ns, "2001:db8:77::1")
	l.until(annMAC.String() + " bound " + ann6.String())
	if got := l.watch.Addresses(annMAC); !slices.Equal(got, []netip.Addr{ann6}) {
		t.Errorf("addresses: %v", got)
	}
	for limit := time.After(5 * time.Second); l.watch.Port(annMAC) != "g0"; { // the bridge tells it by itself
		select {
		case <-limit:
			t.Fatalf("port %q", l.watch.Port(annMAC))
		case <-time.After(10 * time.Millisecond):
		}
	}
	// A privacy address beside it, heard by duplicate address detection alone.
	must(t, ns.Do(func() error { return os.WriteFile("/proc/sys/net/ipv6/conf/eth0/accept_dad", []byte("1"), 0o644) }))
	must(t, ns.Run(exec.Command("ip", "-6", "addr", "add", "2001:db8:77::b/64", "dev", "eth0")))
	l.until(annMAC.String() + " bound 2001:db8:77::b")
	if got := l.watch.Addresses(annMAC); len(got) != 2 {
		t.Errorf("addresses: %v", got)
	}
}

func TestAddressesFromBeforeAreKnown(t *testing.T) {
	l := newLink(t)
	ns := l.join("g0", annMAC, ann6.String()+"/64")
	speak(ns, "2001:db8:77::1")
	l.until(annMAC.String() + " bound " + ann6.String())
	must(t, l.watch.Close())
	l.open()
	if got := l.watch.Addresses(annMAC); !slices.Equal(got, []netip.Addr{ann6}) {
		t.Errorf("addresses: %v", got)
	}
	if got := l.watch.Port(annMAC); got != "g0" {
		t.Errorf("port %q", got)
	}
}

func TestABridgeThatIsMadeAgainIsWatchedAgain(t *testing.T) {
	l := newLink(t)
	must(t, exec.Command("ip", "link", "del", "br-g").Run())
	must(t, add(&nl.Bridge{LinkAttrs: attrs("br-g")}))
	address(t, nil, "br-g", "2001:db8:77::1/64")
	ns := l.join("g0", annMAC, ann6.String()+"/64")
	l.keepSpeaking(ns, "2001:db8:77::1") // the watch may be a moment behind
	l.until(annMAC.String() + " bound " + ann6.String())
}

func TestAThiefOfAnAddressIsContestedAndItsHolderIsNot(t *testing.T) {
	l := newLink(t)
	ns := l.join("g0", annMAC, "10.77.0.20/16", ann6.String()+"/64")
	speak(ns, "2001:db8:77::1")
	l.until(annMAC.String() + " bound " + ann6.String())
	for _, stolen := range []string{"10.77.0.20/16", ann6.String() + "/64"} {
		port := "t" + stolen[:1]
		thief := l.join(port, eveMAC, stolen)
		if strings.Contains(stolen, ":") {
			speak(thief, "2001:db8:77::1")
		} else {
			speak(thief, "10.77.0.1")
		}
		l.until(eveMAC.String() + " contested other-address")
		must(t, thief.Do(func() error { return exec.Command("ip", "link", "set", "eth0", "down").Run() }))
		must(t, l.watch.Close())
		l.open() // without memory of the first theft
	}
	if slices.ContainsFunc(l.seen, func(s string) bool { return strings.HasPrefix(s, annMAC.String()+" contested") }) {
		t.Errorf("the holder is contested: %v", l.seen)
	}
}

// A machine that roams: behind its own switch it has cables to two ports, of which one carries.
func TestRoamingFiftyTimesIsNeverContested(t *testing.T) {
	for _, stay := range []time.Duration{20 * time.Millisecond, 120 * time.Millisecond} {
		t.Run(stay.String(), func(t *testing.T) {
			l := newLink(t)
			r := l.roamer(annMAC)
			for i := range 50 {
				r.move(i % 2)
				l.never(stay)
			}
			l.never(2 * time.Second)
			if got, want := l.watch.Port(annMAC), "r1"; got != want {
				t.Errorf("port %q, want %q", got, want)
			}
		})
	}
}

func TestACloneBesideALiveDeviceIsContested(t *testing.T) {
	for _, tc := range []struct {
		name   string
		silent bool
	}{{"answers", false}, {"silent", true}} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLink(t)
			ns := l.join("g0", annMAC, "10.77.0.20/16")
			speak(ns, "10.77.0.1")
			l.never(500 * time.Millisecond)
			clone := l.join("g1", annMAC, "10.77.0.20/16")
			if tc.silent {
				must(t, clone.Run(exec.Command("ip", "link", "set", "eth0", "arp", "off")))
				must(t, clone.Run(exec.Command("ip", "neigh", "replace", "10.77.0.1", "lladdr", bridgeMAC(t), "dev", "eth0")))
			}
			l.keepSpeaking(clone, "10.77.0.1")
			l.until(annMAC.String() + " contested two-ports")
		})
	}
}

type roamer struct {
	l   *link
	ns  *lab.NS
	mac mac.Addr
}

func (l *link) roamer(m mac.Addr) *roamer {
	l.t.Helper()
	ns := l.join("r0", mac.Addr{2, 0, 0, 0, 1, 0})
	wire(l.t, ns, "r1", "eth1", mac.Addr{2, 0, 0, 0, 1, 1})
	l.t.Cleanup(func() { del(l.t, "r1") })
	plug(l.t, "r1")
	must(l.t, ns.Do(func() error {
		if err := add(&nl.Bridge{LinkAttrs: attrs("sw")}); err != nil {
			return err
		}
		return add(&nl.Veth{LinkAttrs: attrs("phone"), PeerName: "p", PeerHardwareAddr: nil, PeerNamespace: nil})
	}))
	// The phone's stack is the end "phone"; its switch's end is "p".
	must(l.t, ns.Run(exec.Command("ip", "link", "set", "phone", "address", m.String())))
	must(l.t, ns.Run(exec.Command("ip", "link", "set", "p", "master", "sw", "up")))
	address(l.t, ns, "phone", "10.77.0.20/16")
	return &roamer{l: l, ns: ns, mac: m}
}

// move unplugs one cable from the switch and plugs the other one in, and tells the network of it as access points do.
func (r *roamer) move(to int) {
	r.l.t.Helper()
	must(r.l.t, r.ns.Do(func() error {
		from, err := nl.LinkByName(fmt.Sprintf("eth%d", 1-to))
		if err != nil {
			return err
		}
		near, err := nl.LinkByName(fmt.Sprintf("eth%d", to))
		if err != nil {
			return err
		}
		sw, err := nl.LinkByName("sw")
		if err != nil {
			return err
		}
		if err := nl.LinkSetNoMaster(from); err != nil {
			return err
		}
		if err := nl.LinkSetMaster(near, sw); err != nil {
			return err
		}
		return announce(near.Attrs().Index, r.mac)
	}))
}

// announce sends the frame by which an access point tells the switches that a station is its own now: an empty LLC XID
// (IEEE 802.2) from the station to everybody.
func announce(index int, m mac.Addr) error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	frame := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, m[:]...)
	frame = append(frame, 0, 6, 0, 1, 0xaf, 0x81, 1, 0)
	return unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: index})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func attrs(name string) nl.LinkAttrs {
	a := nl.NewLinkAttrs()
	a.Name = name
	return a
}

func add(l nl.Link) error {
	if err := nl.LinkAdd(l); err != nil {
		return err
	}
	return nl.LinkSetUp(l)
}

func del(t testing.TB, name string) {
	t.Helper()
	if l, err := nl.LinkByName(name); err == nil {
		if err := nl.LinkDel(l); err != nil && !errors.Is(err, unix.ENODEV) {
			t.Error(err)
		}
	}
}

// wire lays a cable from a port here to an interface of the machine.
func wire(t testing.TB, ns *lab.NS, port, dev string, m mac.Addr) {
	t.Helper()
	far := port + "-far"
	must(t, add(&nl.Veth{LinkAttrs: attrs(port), PeerName: far, PeerHardwareAddr: net.HardwareAddr(m[:])}))
	must(t, exec.Command("ip", "link", "set", far, "netns", ns.Name).Run())
	must(t, ns.Do(func() error {
		l, err := nl.LinkByName(far)
		if err != nil {
			return err
		}
		if err := nl.LinkSetName(l, dev); err != nil {
			return err
		}
		return nl.LinkSetUp(l)
	}))
}

// plug makes the interface an isolated port of the bridge.
func plug(t testing.TB, port string) {
	t.Helper()
	must(t, exec.Command("ip", "link", "set", port, "master", "br-g").Run())
	must(t, exec.Command("bridge", "link", "set", "dev", port, "isolated", "on").Run())
}

func address(t testing.TB, ns *lab.NS, dev, cidr string) {
	t.Helper()
	give := func() error {
		l, err := nl.LinkByName(dev)
		if err != nil {
			return err
		}
		a, err := nl.ParseAddr(cidr)
		if err != nil {
			return err
		}
		if strings.Contains(cidr, ":") {
			a.Flags = unix.IFA_F_NODAD
		}
		return nl.AddrAdd(l, a)
	}
	if ns == nil {
		must(t, give())
		return
	}
	must(t, ns.Do(give))
}

// speak sends one datagram, which makes the machine resolve the address; whether anything comes back does not matter.
func speak(ns *lab.NS, to string) {
	c, err := ns.Dial(context.Background(), "udp", net.JoinHostPort(to, "9"))
	if err == nil {
		c.Write([]byte("here"))
		c.Close()
	}
}

// keepSpeaking speaks ten times a second until the test ends.
func (l *link) keepSpeaking(ns *lab.NS, to string) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			speak(ns, to)
			select {
			case <-stop:
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	l.t.Cleanup(func() { close(stop); <-done })
}

func bridgeMAC(t testing.TB) string {
	t.Helper()
	l, err := nl.LinkByName("br-g")
	must(t, err)
	return l.Attrs().HardwareAddr.String()
}
