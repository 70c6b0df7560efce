package firewall_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	nl "github.com/vishvananda/netlink"

	"parvis/firewall"
	"parvis/internal/clock"
	"parvis/internal/lab"
	"parvis/internal/mac"
)

// The test's own network namespace is the router; guest, thief and inet are others.
//
//	guest 10.77.0.20 ┐                                  ┌ 203.0.113.1
//	                 ├ br-g 10.77.0.1 [router] wan .2 ──┤ inet: 198.51.100.9 (public), 10.200.0.9 (inner network)
//	thief, the same ┘                                   └
var (
	router  = netip.MustParsePrefix("10.77.0.1/16")
	guestIP = netip.MustParseAddr("10.77.0.20")
	thiefIP = netip.MustParseAddr("10.77.0.21")
)

const (
	public  = "198.51.100.9"
	inner   = "10.200.0.9"
	allowed = "10.201.0.9"
	slot    = 0x20
)

var (
	guestMAC = mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 0x01}
	thiefMAC = mac.Addr{0x3c, 0x22, 0xfb, 0, 0, 0x66}
)

type town struct {
	guest, thief, inet *lab.NS
	clock              *clock.Fake
	cfg                firewall.Config
	fw                 *firewall.Firewall
}

// discard is a log that nobody reads.
var discard = slog.New(slog.DiscardHandler)

var towns atomic.Int32 // names of namespaces are not used twice

// newTown raises the wires and a firewall that has laid nothing yet.
func newTown(t testing.TB, backend firewall.Backend) *town {
	t.Helper()
	lab.NeedsLab(t)
	tw := &town{clock: clock.NewFake(), cfg: firewall.Config{
		Guest: "br-g", WAN: "wan", Address: router, Backend: backend,
		Allow:  []netip.Prefix{netip.MustParsePrefix("10.201.0.0/16")},
		Memory: filepath.Join(t.TempDir(), "switches"), Leases: filepath.Join(t.TempDir(), "leases"),
	}}
	n := towns.Add(1)
	for _, m := range []struct {
		ns   **lab.NS
		name string
	}{{&tw.guest, "guest"}, {&tw.thief, "thief"}, {&tw.inet, "inet"}} {
		ns, err := lab.NewNS(fmt.Sprintf("%s%d", m.name, n))
		must(t, err)
		*m.ns = ns
		t.Cleanup(func() { ns.Close() })
	}
	// The wires go with their namespaces later than the next town comes: take them down by name.
	t.Cleanup(func() { clean(t) })
	must(t, addLink(&nl.Bridge{LinkAttrs: attrs("br-g")}))
	address(t, nil, "br-g", router.String())
	wire(t, "g0", "br-g", tw.guest, guestMAC)
	wire(t, "g1", "br-g", tw.thief, thiefMAC)
	wire(t, "wan", "", tw.inet, mac.Addr{2, 0, 0, 0, 0, 9})
	address(t, nil, "wan", "203.0.113.2/24")
	address(t, tw.guest, "eth0", guestIP.String()+"/16")
	address(t, tw.thief, "eth0", thiefIP.String()+"/16")
	address(t, tw.inet, "eth0", "203.0.113.1/24")
	for _, a := range []string{public, inner, allowed} {
		address(t, tw.inet, "lo", a+"/32")
	}
	route(t, tw.guest, "0.0.0.0/0", "10.77.0.1")
	route(t, tw.thief, "0.0.0.0/0", "10.77.0.1")
	route(t, nil, "0.0.0.0/0", "203.0.113.1")
	route(t, nil, "10.200.0.0/15", "203.0.113.1")
	route(t, tw.inet, "10.77.0.0/16", "203.0.113.2")
	for _, a := range []string{":80", ":443", public + ":7"} { // UDP answers from the address that it is bound to
		tw.serve(t, tw.inet, a, "inet "+a)
	}
	tw.fw = tw.open(t, tw.cfg)
	return tw
}

// open makes a firewall on the same kernel, as a restart does.
func (tw *town) open(t testing.TB, cfg firewall.Config) *firewall.Firewall {
	t.Helper()
	fw, err := firewall.New(cfg, tw.clock, discard)
	must(t, err)
	t.Cleanup(func() { fw.Close() })
	return fw
}

// eachBackend runs the test on both.
func eachBackend(t *testing.T, test func(*testing.T, *town)) {
	for _, b := range []firewall.Backend{firewall.Legacy, firewall.NFT} {
		t.Run(string(b), func(t *testing.T) { test(t, newTown(t, b)) })
	}
}

func (tw *town) grant() firewall.Grant {
	return firewall.Grant{Slot: slot, MAC: guestMAC, IPv4: guestIP, End: tw.clock.Boot().Add(time.Hour), Down: 50_000_000, Up: 20_000_000}
}

func addrs(list ...string) []netip.Addr {
	out := make([]netip.Addr, len(list))
	for i, a := range list {
		out[i] = netip.MustParseAddr(a)
	}
	return out
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

func addLink(l nl.Link) error {
	if err := nl.LinkAdd(l); err != nil {
		return err
	}
	return nl.LinkSetUp(l)
}

// wire lays a cable from the router's port (in the bridge, if one is named) to eth0 of the machine.
func wire(t testing.TB, port, bridge string, ns *lab.NS, m mac.Addr) {
	t.Helper()
	far := port + "-far"
	must(t, addLink(&nl.Veth{LinkAttrs: attrs(port), PeerName: far}))
	peer, err := nl.LinkByName(far)
	must(t, err)
	must(t, nl.LinkSetHardwareAddr(peer, net.HardwareAddr(m[:])))
	if bridge != "" {
		near, err := nl.LinkByName(port)
		must(t, err)
		master, err := nl.LinkByName(bridge)
		must(t, err)
		must(t, nl.LinkSetMaster(near, master))
	}
	must(t, run("ip", "link", "set", far, "netns", ns.Name))
	must(t, ns.Do(func() error {
		if err := nl.LinkSetName(peer, "eth0"); err != nil {
			return err
		}
		return nl.LinkSetUp(peer)
	}))
}

func in(ns *lab.NS, f func() error) error {
	if ns == nil {
		return f()
	}
	return ns.Do(f)
}

func address(t testing.TB, ns *lab.NS, device, cidr string) {
	t.Helper()
	must(t, in(ns, func() error {
		link, err := nl.LinkByName(device)
		if err != nil {
			return err
		}
		a, err := nl.ParseAddr(cidr)
		if err != nil {
			return err
		}
		return nl.AddrAdd(link, a)
	}))
}

func route(t testing.TB, ns *lab.NS, to, via string) {
	t.Helper()
	_, dst, err := net.ParseCIDR(to)
	must(t, err)
	must(t, in(ns, func() error { return nl.RouteAdd(&nl.Route{Dst: dst, Gw: net.ParseIP(via)}) }))
}

// clean takes everything away that a test has left in the router's namespace.
func clean(t testing.TB) {
	t.Helper()
	for _, l := range append(crowdPorts(), "br-g", "g0", "g1", "g2", "wan") {
		if link, err := nl.LinkByName(l); err == nil {
			if err := nl.LinkDel(link); err != nil && !errors.Is(err, syscall.ENODEV) {
				t.Error(err)
			}
		}
	}
	for _, p := range []string{"iptables", "ip6tables"} {
		for _, b := range []string{"legacy", "nft"} {
			if err := restore(p+"-"+b, empty); err != nil {
				t.Error(err)
			}
		}
	}
	for _, s := range strings.Fields(output(t, "ipset", "list", "-n")) {
		must(t, run("ipset", "destroy", s))
	}
	must(t, run("conntrack", "-F"))
}

const empty = `*mangle
:FORWARD ACCEPT
COMMIT
*filter
:INPUT ACCEPT
:FORWARD ACCEPT
COMMIT
*nat
:PREROUTING ACCEPT
COMMIT
`

func restore(program, text string) error {
	cmd := exec.Command(program + "-restore")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s-restore: %w: %s", program, err, out)
	}
	return nil
}

func run(argv ...string) error {
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, out)
	}
	return nil
}

func output(t testing.TB, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).Output()
	must(t, err)
	return string(out)
}

var counters = regexp.MustCompile(`\[\d+:\d+\]`)

// state is everything that is ours in the kernel, as text: rules of both families, sets, queues, classes, switches.
// What changes by itself (counters, timeouts) is left out.
func (tw *town) state(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	for _, p := range []string{"iptables", "ip6tables"} {
		b.WriteString(rules(output(t, p+"-"+string(tw.cfg.Backend)+"-save")))
	}
	b.WriteString(ledger.ReplaceAllString(timeouts.ReplaceAllString(output(t, "ipset", "save", "-sorted"), ""), ""))
	for _, d := range []string{"br-g", "wan"} {
		b.WriteString(direct.ReplaceAllString(output(t, "tc", "qdisc", "show", "dev", d), ""))
		classes := strings.Split(output(t, "tc", "class", "show", "dev", d), "\n")
		slices.Sort(classes)
		b.WriteString(strings.Join(classes, "\n") + "\n")
	}
	for _, s := range []string{"net.ipv4.ip_forward", "net.bridge.bridge-nf-call-iptables"} {
		out, _ := exec.Command("sysctl", s).Output() // the second only where the kernel has it
		b.Write(out)
	}
	b.WriteString(output(t, "bridge", "-d", "link", "show", "dev", "g0"))
	return b.String()
}

// ledger is where the firewall keeps counts of entries that are gone.
var ledger = regexp.MustCompile(`(?m)^add parvis-dn4 127\..*\n`)

var timeouts = regexp.MustCompile(` (initval 0x[0-9a-f]+|timeout [1-9]\d*|packets \d+|bytes \d+)`)

// direct are packets that met no class: while an interface is new they have none.
var direct = regexp.MustCompile(`direct_packets_stat \d+ `)

// rules are the lines of iptables-save that say something: no comments, no counters, no table that is loaded and empty.
func rules(save string) string {
	var out []string
	for _, l := range strings.Split(save, "\n") {
		l = counters.ReplaceAllString(l, "")
		if l == "" || strings.HasPrefix(l, "#") || strings.HasSuffix(strings.TrimSpace(l), " ACCEPT") && strings.HasPrefix(l, ":") {
			continue
		}
		out = append(out, l)
	}
	text := strings.Join(out, "\n") + "\n"
	for _, table := range []string{"raw", "mangle", "nat", "filter", "security"} {
		text = strings.ReplaceAll(text, "*"+table+"\nCOMMIT\n", "")
	}
	return strings.TrimSpace(text) + "\n"
}
