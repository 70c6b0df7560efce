package advertise_test

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"os/exec"
	"testing"
	"time"

	"github.com/mdlayher/ndp"
	nl "github.com/vishvananda/netlink"

	"parvis/firewall/advertise"
	"parvis/internal/clock"
	"parvis/internal/lab"
)

func TestMain(m *testing.M) { lab.Main(m.Run) }

const api = "https://portail.example.org/api/captive"

// On a real link, with a real device on the other side of it.
func TestADeviceHearsWhatTheLinkIs(t *testing.T) {
	phone := cable(t)
	run(t, "ip", "addr", "add", "2001:db8:77::1/64", "dev", "guests", "nodad")
	stop := start(t)
	conn, end := phone.conn(t)
	defer end()

	ra := next(t, conn, func(ra *ndp.RouterAdvertisement) bool { return len(prefixes(ra)) == 1 })
	if ra.RouterLifetime != 0 || !ra.OtherConfiguration || ra.ManagedConfiguration {
		t.Errorf("%+v", ra)
	}
	if p := prefixes(ra)[0]; p.Prefix != netip.MustParseAddr("2001:db8:77::") || !p.AutonomousAddressConfiguration {
		t.Errorf("%+v", p)
	}
	if got := portal(ra); got != api {
		t.Errorf("portal %q", got)
	}

	// It asks, and is answered at once.
	ask(t, conn)
	next(t, conn, func(*ndp.RouterAdvertisement) bool { return true })

	// The line comes.
	run(t, "ip", "link", "add", "name", "line", "type", "veth", "peer", "name", "line-far")
	t.Cleanup(func() { _ = exec.Command("ip", "link", "del", "line").Run() })
	run(t, "ip", "link", "set", "line-far", "up")
	run(t, "ip", "link", "set", "line", "up")
	run(t, "ip", "-6", "route", "add", "default", "dev", "line")
	next(t, conn, func(ra *ndp.RouterAdvertisement) bool { return ra.RouterLifetime == 1800*time.Second })

	// The provider gives another network.
	run(t, "ip", "addr", "add", "2001:db8:78::1/64", "dev", "guests", "nodad")
	run(t, "ip", "addr", "del", "2001:db8:77::1/64", "dev", "guests")
	ra = next(t, conn, func(ra *ndp.RouterAdvertisement) bool {
		return len(prefixes(ra)) == 2 && prefixes(ra)[1].ValidLifetime == 0
	})
	if p := prefixes(ra); p[0].Prefix != netip.MustParseAddr("2001:db8:78::") || p[0].PreferredLifetime == 0 || p[1].Prefix != netip.MustParseAddr("2001:db8:77::") {
		t.Errorf("%+v %+v", p[0], p[1])
	}

	// A restart takes nothing back; taking Parvis down does.
	stop()
	if err := conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for {
		m, _, _, err := conn.ReadFrom()
		if err != nil {
			break // nothing more
		}
		if ra, is := m.(*ndp.RouterAdvertisement); is && ra.RouterLifetime == 0 {
			t.Error("withdrawn by the end of the program")
		}
	}
	if err := advertise.Withdraw("guests"); err != nil {
		t.Fatal(err)
	}
	ra = next(t, conn, func(ra *ndp.RouterAdvertisement) bool { return ra.RouterLifetime == 0 })
	if p := prefixes(ra); len(p) != 1 || p[0].PreferredLifetime != 0 {
		t.Errorf("%+v", p)
	}
}

func TestWithoutAnInterfaceThereIsNothingToWithdraw(t *testing.T) {
	lab.NeedsLab(t)
	if err := advertise.Withdraw("nowhere"); err != nil {
		t.Error(err)
	}
}

func TestTheInterfaceMayComeLater(t *testing.T) {
	lab.NeedsLab(t)
	stop := start(t)
	defer stop()
	phone := cable(t)
	run(t, "ip", "addr", "add", "fd00:77::1/64", "dev", "guests", "nodad")
	conn, end := phone.conn(t)
	defer end()
	next(t, conn, func(ra *ndp.RouterAdvertisement) bool { return len(prefixes(ra)) == 1 })
}

type phone struct{ *lab.NS }

// cable lays one from "guests" here to eth0 of a phone.
func cable(t *testing.T) phone {
	t.Helper()
	lab.NeedsLab(t)
	ns, err := lab.NewNS("phone")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("ip", "link", "del", "guests").Run()
		ns.Close()
	})
	run(t, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.all.forwarding=1") // a router hears no advertisement
	if err := ns.Do(func() error { return exec.Command("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0").Run() }); err != nil {
		t.Fatal(err)
	}
	run(t, "ip", "link", "add", "name", "guests", "type", "veth", "peer", "name", "eth0", "netns", "phone")
	run(t, "ip", "link", "set", "guests", "up")
	if err := ns.Do(func() error {
		l, err := nl.LinkByName("eth0")
		if err != nil {
			return err
		}
		return nl.LinkSetUp(l)
	}); err != nil {
		t.Fatal(err)
	}
	return phone{ns}
}

// conn hears neighbour discovery on the phone's side, once its link-local address is there.
func (p phone) conn(t *testing.T) (conn *ndp.Conn, end func()) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		err := p.Do(func() error {
			ifi, err := net.InterfaceByName("eth0")
			if err != nil {
				return err
			}
			if conn, _, err = ndp.Listen(ifi, ndp.LinkLocal); err != nil {
				return err
			}
			return conn.JoinGroup(netip.MustParseAddr("ff02::1"))
		})
		if err == nil {
			ask(t, conn)
			return conn, func() { conn.Close() }
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func start(t *testing.T) (stop func()) {
	t.Helper()
	sys, err := clock.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- advertise.Run(ctx, advertise.Options{Interface: "guests", API: api, Clock: sys, Log: slog.New(slog.DiscardHandler)})
	}()
	var once bool
	stop = func() {
		if once {
			return
		}
		once = true
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(stop)
	return stop
}

// next waits for an advertisement of that kind.
func next(t *testing.T, conn *ndp.Conn, is func(*ndp.RouterAdvertisement) bool) *ndp.RouterAdvertisement {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for {
		m, _, _, err := conn.ReadFrom()
		if err != nil {
			t.Fatal(err)
		}
		if ra, ok := m.(*ndp.RouterAdvertisement); ok && is(ra) {
			return ra
		}
	}
}

// ask solicits: what was told before this device listened is told again.
func ask(t *testing.T, conn *ndp.Conn) {
	t.Helper()
	if err := conn.WriteTo(&ndp.RouterSolicitation{}, nil, netip.MustParseAddr("ff02::2")); err != nil {
		t.Fatal(err)
	}
}

func prefixes(ra *ndp.RouterAdvertisement) (out []*ndp.PrefixInformation) {
	for _, o := range ra.Options {
		if p, is := o.(*ndp.PrefixInformation); is {
			out = append(out, p)
		}
	}
	return out
}

func portal(ra *ndp.RouterAdvertisement) string {
	for _, o := range ra.Options {
		if p, is := o.(*ndp.CaptivePortal); is {
			return p.URI
		}
	}
	return ""
}

func run(t *testing.T, argv ...string) {
	t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v: %s", argv, err, out)
	}
}
