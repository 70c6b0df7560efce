package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/ndp"
	"golang.org/x/net/dns/dnsmessage"

	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/sessions"
)

// slaac joins a device as phones are: IPv4 by DHCP, IPv6 by advertisements, with a privacy address.
func (p *place) slaac() (*lab.Guest, []netip.Addr) {
	p.t.Helper()
	g, err := p.AddGuest(lab.GuestOptions{SLAAC: true})
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := g.DHCP(ctx(p.t)); err != nil {
		p.t.Fatal(err)
	}
	addrs, err := g.WaitAddresses6(ctx(p.t), 2)
	if err != nil {
		p.t.Fatal(err)
	}
	return g, addrs
}

// echo6 is a server beyond the line that sends back what it gets.
func echo6() string {
	_, v6 := lab.Echo()
	return v6.String()
}

// carries sends n bytes from one address and reads them again.
func carries(t *testing.T, g *lab.Guest, from netip.Addr, n int) error {
	c, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn, err := g.Dial6(c, from, "tcp6", echo6())
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	go conn.Write(make([]byte, n))
	_, err = io.ReadFull(conn, make([]byte, n))
	return err
}

func TestTheAPIHasOneAddressInDHCPAndInAdvertisements(t *testing.T) {
	for _, tc := range []struct {
		name string
		site lab.Site
		want string
	}{
		{"with a certificate", lab.Site{IPv6: true}, apiURI(lab.PortalName)},
		{"without", lab.Site{IPv6: true, NoTLS: true}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := open(t, lab.Options{}, tc.site)
			g, _ := p.slaac()
			if got := g.Lease().CaptiveURI; got != tc.want {
				t.Errorf("DHCPv4 114: %q, want %q", got, tc.want)
			}
			if got, err := g.DHCPv6(ctx(t)); err != nil || got != tc.want {
				t.Errorf("DHCPv6 103: %q, want %q (%v)", got, tc.want, err)
			}
			ra, err := g.Advertisement(ctx(t))
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, o := range ra.Options {
				if c, is := o.(*ndp.CaptivePortal); is {
					got = c.URI
				}
			}
			if got != tc.want {
				t.Errorf("router advertisement 37: %q, want %q", got, tc.want)
			}
		})
	}
}

func TestEveryAddressOfADevicePassesWithItsSession(t *testing.T) {
	for _, backend := range []string{"legacy", "nft"} {
		t.Run(backend, func(t *testing.T) {
			p := open(t, lab.Options{Iptables: backend}, lab.Site{IPv6: true})
			g, addrs := p.slaac()
			for _, a := range addrs {
				began := time.Now()
				if err := carries(t, g, a, 10); err == nil {
					t.Errorf("before: %s passes", kind(a))
				} else if took := time.Since(began); took > time.Second {
					t.Errorf("before: %s is refused after %v: %v", kind(a), took, err)
				}
			}
			// Names are answered, whatever resolver the device has in mind.
			for _, server := range []string{p.GuestAddress6().String(), "2001:4860:4860::8888"} {
				if err := resolves(t, g, addrs[0], server); err != nil {
					t.Errorf("before: names by %s: %v", server, err)
				}
			}
			p.accept(g)
			const n = 100_000
			for _, a := range addrs {
				if err := carries(t, g, a, n); err != nil {
					t.Errorf("after: %s: %v", kind(a), err)
				}
			}
			if err := p.client.Shift(ctx(t), time.Minute); err != nil { // counts are read in between
				t.Fatal(err)
			}
			low, high := uint64(len(addrs)*n), uint64(len(addrs)*n*12/10+50_000)
			p.until("count what IPv6 has carried", func() bool { s := p.sessionOf(g); return s.Down >= low && s.Up >= low })
			if s := p.sessionOf(g); s.Down > high || s.Up > high {
				t.Errorf("%d down and %d up counted for %d carried", s.Down, s.Up, low)
			}
			// An address that comes later passes by itself.
			later := netip.MustParseAddr("2001:db8:77::abc")
			if out, err := g.NS.Output(ctx(t), "ip", "-6", "addr", "add", later.String()+"/64", "dev", "eth0"); err != nil {
				t.Fatal(out, err)
			}
			p.until("let a later address pass", func() bool { return carries(t, g, later, 10) == nil })

			conn, err := g.Dial6(ctx(t), later, "tcp6", echo6())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := p.client.End(ctx(t), control.EndRequest{Which: g.Lease().Address.Addr().String(), Reason: sessions.ByOperator}); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
				t.Fatal(err)
			}
			conn.Write([]byte("still there?"))
			if _, err := conn.Read(make([]byte, 1)); err == nil {
				t.Error("a connection over IPv6 outlives its session")
			}
			for _, a := range append(addrs, later) {
				if err := carries(t, g, a, 10); err == nil {
					t.Errorf("ended, and %s passes", kind(a))
				}
			}
		})
	}
}

// kind names an address of a test's device.
func kind(a netip.Addr) string {
	if b := a.As16(); b[11] == 0xff && b[12] == 0xfe {
		return "the lasting address"
	}
	return "the privacy address"
}

func resolves(t *testing.T, g *lab.Guest, from netip.Addr, server string) error {
	conn, err := g.Dial6(ctx(t), from, "udp6", net.JoinHostPort(server, "53"))
	if err != nil {
		return err
	}
	defer conn.Close()
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: 7, RecursionDesired: true})
	name, err := dnsmessage.NewName(lab.PortalName + ".")
	err = errors.Join(err, b.StartQuestions(), b.Question(dnsmessage.Question{Name: name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}))
	q, ferr := b.Finish()
	if err = errors.Join(err, ferr, conn.SetDeadline(time.Now().Add(3*time.Second))); err != nil {
		return err
	}
	if _, err := conn.Write(q); err != nil {
		return err
	}
	in := make([]byte, 512)
	n, err := conn.Read(in)
	if err != nil {
		return err
	}
	var m dnsmessage.Message
	if err := m.Unpack(in[:n]); err != nil {
		return err
	}
	if len(m.Answers) != 1 {
		return fmt.Errorf("%d answers", len(m.Answers))
	}
	return nil
}

// sessionOf is the device's open session.
func (p *place) sessionOf(g *lab.Guest) sessions.Session {
	p.t.Helper()
	list, err := p.client.Sessions(ctx(p.t))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, s := range list {
		if s.Device.MAC.String() == g.MAC.String() {
			return s
		}
	}
	p.t.Fatalf("no session among %d", len(list))
	return sessions.Session{}
}

func TestNobodyOutsideReachesAnAdmittedDevice(t *testing.T) {
	for _, backend := range []string{"legacy", "nft"} {
		t.Run(backend, func(t *testing.T) {
			p := open(t, lab.Options{Iptables: backend}, lab.Site{IPv6: true})
			g, addrs := p.slaac()
			p.accept(g)
			if err := carries(t, g, addrs[0], 10); err != nil {
				t.Fatal(err)
			}
			ln, err := g.NS.Listen("[::]:7777")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			for _, a := range addrs {
				c, cancel := context.WithTimeout(t.Context(), time.Second)
				conn, err := p.Internet.Dial(c, "tcp6", netip.AddrPortFrom(a, 7777).String())
				cancel()
				if err == nil {
					conn.Close()
					t.Errorf("%s is reached from outside", kind(a))
				}
			}
			// The wires are there: its own connections work at the same time.
			if err := carries(t, g, addrs[0], 10); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAThiefOfAnIPv6AddressIsRefused(t *testing.T) {
	for _, admitted := range []bool{false, true} {
		t.Run(fmt.Sprintf("admitted=%v", admitted), func(t *testing.T) {
			p := open(t, lab.Options{}, lab.Site{IPv6: true})
			g, addrs := p.slaac()
			thief, _ := p.slaac()
			p.accept(g)
			if admitted {
				p.accept(thief)
			}
			for _, a := range addrs {
				if err := carries(t, g, a, 10); err != nil {
					t.Fatal(err)
				}
			}
			stolen := addrs[0]
			if out, err := thief.NS.Output(ctx(t), "ip", "-6", "addr", "add", stolen.String()+"/64", "dev", "eth0", "nodad"); err != nil {
				t.Fatal(out, err)
			}
			// It comes anew and looks for the router, in the name of that address.
			if out, err := thief.NS.Output(ctx(t), "ip", "-6", "neigh", "flush", "dev", "eth0"); err != nil {
				t.Fatal(out, err)
			}
			if err := carries(t, thief, stolen, 10); err == nil {
				t.Fatal("the thief is answered")
			}
			if err := carries(t, g, stolen, 10); err != nil {
				t.Errorf("whose address it is: %v", err)
			}
			if admitted {
				p.until("suspend the thief", func() bool { return p.sessionOf(thief).Suspended != "" })
			}
			if c := p.sessionOf(g).Suspended; c != "" {
				t.Errorf("whose address it is, is contested: %s", c)
			}
		})
	}
}

func TestWithoutIPv6ItIsClosedAndARogueRouterIsNotHeard(t *testing.T) {
	for _, backend := range []string{"legacy", "nft"} {
		t.Run(backend, func(t *testing.T) {
			p := open(t, lab.Options{Iptables: backend}, lab.Site{})
			g, other := p.guest(), p.guest()
			p.accept(g)
			if err := carries(t, g, g.V6, 10); err == nil {
				t.Error("IPv6 passes")
			}
			routes := func() string {
				out, err := p.RouterOutput(ctx(t), "ip", "-6", "route", "show", "dev", lab.GuestBridge)
				if err != nil {
					t.Fatal(err)
				}
				return out
			}
			before := routes()
			c, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			rogue := make(chan error, 1)
			go func() {
				for c.Err() == nil {
					if err := g.Advertise(netip.MustParsePrefix("2001:db8:666::/64")); err != nil {
						rogue <- err
						return
					}
					time.Sleep(200 * time.Millisecond)
				}
				rogue <- nil
			}()
			ra, err := other.Advertisement(c)
			if err != nil || ra != nil {
				t.Errorf("another device hears %+v, %v", ra, err)
			}
			if err := <-rogue; err != nil {
				t.Error(err)
			}
			if after := routes(); after != before {
				t.Errorf("the router believes a guest:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
}

func TestRoamingFiftyTimesInADownload(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{IPv6: true, Down: "50mbit"})
	g, err := p.AddGuest(lab.GuestOptions{SLAAC: true, Roams: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.DHCP(ctx(t)); err != nil {
		t.Fatal(err)
	}
	p.accept(g)
	flow := p.download(g)
	flow.flows(t)
	for i := range 50 {
		if err := g.Roam(1 - i%2); err != nil {
			t.Fatal(err)
		}
		flow.flows(t)
		if c := p.sessionOf(g).Suspended; c != "" {
			t.Fatalf("contested after %d moves: %s", i+1, c)
		}
	}
	flow.flows(t)
	if s := p.sessionOf(g); s.Suspended != "" || s.State != sessions.Open {
		t.Errorf("at the end: %+v", s)
	}
}

func TestACloneIsSuspendedWithinFiveSeconds(t *testing.T) {
	for _, silent := range []bool{false, true} {
		t.Run(fmt.Sprintf("silent=%v", silent), func(t *testing.T) {
			p := open(t, lab.Options{}, lab.Site{})
			g := p.guest()
			p.accept(g)
			clone, err := p.Clone(ctx(t), g, "")
			if err != nil {
				t.Fatal(err)
			}
			if silent { // and it knows where the router is
				for _, args := range [][]string{
					{"neigh", "replace", g.Lease().Router.String(), "lladdr", lab.BridgeMAC.String(), "dev", "eth0"},
					{"link", "set", "eth0", "arp", "off"},
				} {
					if out, err := clone.NS.Output(ctx(t), "ip", args...); err != nil {
						t.Fatal(out, err)
					}
				}
			}
			began := time.Now()
			for p.sessionOf(g).Suspended == "" {
				if time.Since(began) > 5*time.Second {
					t.Fatal("not suspended")
				}
				c, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				if conn, err := clone.Dial(c, "tcp4", p.Host(lab.ServicePublic).V4.String()+":443"); err == nil {
					conn.Close()
				}
				cancel()
			}
			t.Logf("suspended after %v", time.Since(began).Round(time.Millisecond))
			if s := p.sessionOf(g); s.Suspended != sessions.TwoPorts {
				t.Errorf("contest %q", s.Suspended)
			}
		})
	}
}

// Nobody listened when the address was made, and the kernel has forgotten its neighbours: the refusal of a packet makes the
// router ask who sent it, and the answer is heard.
func TestAnAddressMadeWhileTheDaemonWasAwayPassesSoon(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{IPv6: true})
	g, addrs := p.slaac()
	p.accept(g)
	if err := carries(t, g, addrs[0], 10); err != nil {
		t.Fatal(err)
	}
	if err := p.daemon.Kill(); err != nil {
		t.Fatal(err)
	}
	later := netip.MustParseAddr("2001:db8:77::abc")
	if out, err := g.NS.Output(ctx(t), "ip", "-6", "addr", "add", later.String()+"/64", "dev", "eth0", "nodad"); err != nil {
		t.Fatal(out, err)
	}
	if _, err := p.RouterOutput(ctx(t), "ip", "-6", "neigh", "flush", "dev", lab.GuestBridge); err != nil {
		t.Fatal(err)
	}
	// The device knows the router for ever and asks nothing that would show its address.
	route, err := g.NS.Output(ctx(t), "ip", "-6", "route", "show", "default")
	if err != nil {
		t.Fatal(err)
	}
	via := strings.Fields(route)[2]
	if out, err := g.NS.Output(ctx(t), "ip", "-6", "neigh", "replace", via, "lladdr", "02:77:00:00:00:01", "nud", "permanent", "dev", "eth0"); err != nil {
		t.Fatal(out, err)
	}
	p.serve()
	p.until("let an address of before pass", func() bool { return carries(t, g, later, 10) == nil })
	p.until("let the first address pass", func() bool { return carries(t, g, addrs[0], 10) == nil })
}

func TestDownTakesIPv6BackToo(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{IPv6: true})
	switches := func() string {
		out, err := p.RouterOutput(ctx(t), "sysctl", "net.ipv6.conf.all.forwarding", "net.ipv6.conf."+lab.WAN+".accept_ra")
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	before := rules(t, p) + switches()
	p.serve()
	if _, err := p.parvis.Dnsmasq(ctx(t)); err != nil {
		t.Fatal(err)
	}
	g, _ := p.slaac()
	p.accept(g)
	if !defaultRoute(t, g) {
		t.Error("no route over IPv6")
	}
	stop(t, p)
	if !defaultRoute(t, g) {
		t.Error("the end of the daemon took the route away")
	}
	if out, err := p.parvis.Output(ctx(t), "down"); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	if d := cmp.Diff(before, rules(t, p)+switches()); d != "" {
		t.Errorf("left behind (-before +after):\n%s", d)
	}
	p.until("take the route of devices away", func() bool { return !defaultRoute(t, g) })
}

func defaultRoute(t *testing.T, g *lab.Guest) bool {
	out, err := g.NS.Output(ctx(t), "ip", "-6", "route", "show", "default")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(out, "default")
}

func TestAfterAPowerCutADeviceThatKeepsItsAddressIsKnown(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{})
	g := p.guest()
	if err := p.daemon.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.RouterOutput(ctx(t), "ip", "neigh", "flush", "all"); err != nil {
		t.Fatal(err)
	}
	p.serve()
	p.accept(g) // no word of DHCP since
	if status, _ := p.get(g, "http://"+lab.ServicePublic+"/"); status != http.StatusOK {
		t.Errorf("the web answers %d", status)
	}
}
