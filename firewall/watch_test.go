package firewall_test

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	nl "github.com/vishvananda/netlink"
	"go.uber.org/goleak"

	"parvis/firewall"
	"parvis/internal/clock"
	"parvis/internal/lab"
	"parvis/internal/mac"
)

// next is the next event; tests know that there will be one.
func next(t *testing.T, fw *firewall.Firewall) firewall.Event {
	t.Helper()
	select {
	case e := <-fw.Events():
		return e
	case <-time.After(5 * time.Second):
		t.Fatal("no event")
		return firewall.Event{}
	}
}

func TestEventsOfInterfaces(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	must(t, tw.fw.Sync(nil))
	expect := func(kind firewall.EventKind, detail string) {
		t.Helper()
		if e := next(t, tw.fw); e.Kind != kind || !strings.Contains(e.Detail, detail) {
			t.Errorf("got %+v, want kind %d about %s", e, kind, detail)
		}
	}
	must(t, run("ip", "link", "del", "wan"))
	expect(firewall.LinkLost, "wan")
	must(t, addLink(&nl.Veth{LinkAttrs: attrs("wan"), PeerName: "g2"}))
	expect(firewall.LinkBack, "wan")
	must(t, run("ip", "link", "set", "wan", "down"))
	must(t, run("ip", "link", "set", "wan", "name", "elsewhere"))
	expect(firewall.LinkLost, "wan")
	must(t, run("ip", "link", "set", "elsewhere", "name", "wan"))
	expect(firewall.LinkBack, "wan")
	must(t, run("ip", "link", "del", "br-g"))
	expect(firewall.LinkLost, "br-g")
	select {
	case e := <-tw.fw.Events():
		t.Errorf("one event too many: %+v", e)
	default:
	}
}

// isolated waits until the bridge's port is.
func isolated(t *testing.T, port string) {
	t.Helper()
	until(t, port+" is isolated", func() bool {
		return strings.Contains(output(t, "bridge", "-d", "link", "show", "dev", port), "isolated on")
	})
}

// until waits for what must come soon.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for start := time.Now(); !is(); time.Sleep(2 * time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatalf("not in 10 s: %s", what)
		}
	}
}

func TestAPortIsIsolatedInPlace(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	must(t, tw.fw.Sync(nil))
	must(t, run("bridge", "link", "set", "dev", "g0", "isolated", "off"))
	isolated(t, "g0")
	must(t, run("ip", "link", "set", "g0", "nomaster"))
	must(t, run("ip", "link", "set", "g0", "master", "br-g"))
	isolated(t, "g0")
	select {
	case e := <-tw.fw.Events():
		t.Errorf("all is to be laid for one port: %+v", e)
	default:
	}
	if n := len(tw.fw.Status().Repairs); n != 2 {
		t.Errorf("%d repairs are told, want 2", n)
	}
	must(t, run("ip", "link", "add", "new0", "type", "veth", "peer", "name", "new1"))
	must(t, run("ip", "link", "set", "new0", "master", "br-g"))
	isolated(t, "new0")
	if n := len(tw.fw.Status().Repairs); n != 2 {
		t.Errorf("a port that is new is told as a repair: %+v", tw.fw.Status().Repairs)
	}
	must(t, tw.fw.Remove())
	if out := output(t, "bridge", "-d", "link", "show", "dev", "g0"); !strings.Contains(out, "isolated off") {
		t.Errorf("isolation was not given back: %s", out)
	}
}

func TestAReturnedInterfaceIsLaidAnew(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	must(t, tw.fw.Sync([]firewall.Grant{tw.grant()}))
	must(t, run("ip", "link", "del", "wan"))
	if e := next(t, tw.fw); e.Kind != firewall.LinkLost {
		t.Fatal(e)
	}
	if err := tw.fw.Put(tw.grant()); err == nil {
		t.Error("a change was put on an interface that is gone")
	}
	wireWAN(t, tw)
	if e := next(t, tw.fw); e.Kind != firewall.LinkBack {
		t.Fatal(e)
	}
	must(t, tw.fw.Sync([]firewall.Grant{tw.grant()}))
	open(t, tw.guest, public+":443")
	if out := output(t, "tc", "class", "show", "dev", "wan", "classid", "1:20"); !strings.Contains(out, "1:20") {
		t.Error("the new interface has no class")
	}
}

// wireWAN plugs the line in again.
func wireWAN(t *testing.T, tw *town) {
	t.Helper()
	wire(t, "wan", "", tw.inet, mac.Addr{2, 0, 0, 0, 0, 9})
	address(t, nil, "wan", "203.0.113.2/24")
	address(t, tw.inet, "eth0", "203.0.113.1/24")
	route(t, nil, "0.0.0.0/0", "203.0.113.1")
}

func TestCloseLeavesNothingRunning(t *testing.T) {
	lab.NeedsLab(t)
	tw := newTown(t, firewall.NFT)
	must(t, tw.fw.Close()) // its goroutines come and go
	ignore := goleak.IgnoreCurrent()
	fw, err := firewall.New(tw.cfg, clock.NewFake(), slog.New(slog.DiscardHandler))
	must(t, err)
	must(t, errors.Join(fw.Close(), fw.Close()))
	for range fw.Events() {
	}
	goleak.VerifyNone(t, ignore)
}

func TestIdentify(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	tw.serve(t, nil, "10.77.0.1:8080", "portal")
	leases := func(text string) {
		t.Helper()
		must(t, os.WriteFile(tw.cfg.Leases, []byte(text), 0o644))
	}
	expect := func(addr string, want error) {
		t.Helper()
		got, err := tw.fw.Identify(netip.MustParseAddr(addr))
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", addr, err, want)
		}
		if want == nil && (got.MAC != guestMAC || got.IPv4 != guestIP) {
			t.Errorf("%s is %+v", addr, got)
		}
	}
	expect(guestIP.String(), firewall.ErrNoNeighbour) // it has not spoken yet
	open(t, tw.guest, "10.77.0.1:8080")
	expect(guestIP.String(), firewall.ErrNoLease)
	leases("1 " + guestMAC.String() + " 10.77.0.20 * *\n")
	expect(guestIP.String(), nil)
	if got, err := tw.fw.Identify(guestIP); err != nil || got.Port != "g0" {
		t.Errorf("behind port %q, %v", got.Port, err)
	}
	leases("1 " + thiefMAC.String() + " 10.77.0.20 * *\n")
	expect(guestIP.String(), firewall.ErrOtherDevice)
	leases("1 " + guestMAC.String() + " 10.77.0.20 * *\n1 " + thiefMAC.String() + " 10.77.0.21 * *\n")
	expect(guestIP.String(), nil)
	expect("10.77.0.21", firewall.ErrNoNeighbour)
	expect("203.0.113.1", firewall.ErrNoNeighbour) // a neighbour, and not a guest
	expect("2001:db8::1", firewall.ErrNoNeighbour)
	// An address that nobody answers for is being looked for; it is nobody's.
	c, err := net.Dial("udp4", "10.77.0.99:9")
	must(t, err)
	defer c.Close()
	_, err = c.Write([]byte{0})
	must(t, err)
	expect("10.77.0.99", firewall.ErrNoNeighbour)
	must(t, run("ip", "link", "del", "br-g"))
	expect(guestIP.String(), firewall.ErrNoInterface)
}

func TestProbeFindsWhatTheToolsFind(t *testing.T) {
	lab.NeedsLab(t)
	before := output(t, "ip", "-br", "link") + output(t, "ipset", "list", "-n")
	found := firewall.Probe(true)
	for _, name := range []string{firewall.CapBitmap, firewall.CapHash, firewall.CapTargetSet, firewall.CapNAT, firewall.CapHTB, firewall.CapLegacy, firewall.CapNFT} {
		if !found.Has(name) {
			t.Errorf("%s is not found, and everything here stands on it", name)
		}
	}
	for _, kind := range []string{firewall.CapFqCodel, firewall.CapHTB} {
		must(t, run("ip", "link", "add", "oracle", "type", "bridge"))
		there := run("tc", "qdisc", "add", "dev", "oracle", "root", strings.ToLower(kind)) == nil
		must(t, run("ip", "link", "del", "oracle"))
		if found.Has(kind) != there {
			t.Errorf("%s: found %v, tc says %v", kind, found.Has(kind), there)
		}
	}
	for _, c := range found {
		if c.Costs.EN == "" || c.Costs.FR == "" {
			t.Errorf("%s: what its absence costs is not said", c.Name)
		}
	}
	if after := output(t, "ip", "-br", "link") + output(t, "ipset", "list", "-n"); after != before {
		t.Errorf("left behind:\n%s", after)
	}
	for _, b := range []string{"legacy", "nft"} {
		if save := output(t, "iptables-"+b+"-save"); strings.Contains(save, "PROBE") {
			t.Errorf("left behind in %s:\n%s", b, save)
		}
	}
}

func TestAnotherBackendTakesOverFromTheFirst(t *testing.T) {
	tw := newTown(t, firewall.Legacy)
	must(t, tw.fw.Sync([]firewall.Grant{tw.grant()}))
	must(t, tw.fw.Close())
	tw.cfg.Backend = firewall.NFT
	fw := tw.open(t, tw.cfg)
	must(t, fw.Sync([]firewall.Grant{tw.grant()}))
	if save := output(t, "iptables-legacy-save"); strings.Contains(save, "PARVIS") {
		t.Errorf("rules stay in legacy:\n%s", rules(save))
	}
	must(t, open(t, tw.guest, public+":443").echo(50_000))
	if u := usageOf(t, fw, slot); u.Down < 50_000 || u.Down > 60_000 {
		t.Errorf("counted %+v for 50,000", u)
	}
}
