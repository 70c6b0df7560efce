package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Names and addresses of the town that do not change.
const (
	GuestBridge = "br-guest"
	PostBridge  = "br-posts"
	WAN         = "wan"
	PortalName  = "wifi.lab.test"
	ConsoleName = "console.lab.test"

	runDir = "/run/parvis"
)

var (
	wanV4     = netip.MustParsePrefix("203.0.113.2/24")
	gatewayV4 = netip.MustParsePrefix("203.0.113.1/24")
	wanV6     = netip.MustParsePrefix("2001:db8:113::2/64")
	gatewayV6 = netip.MustParsePrefix("2001:db8:113::1/64")
	guestV6   = netip.MustParsePrefix("2001:db8:77::1/64")
	postV4    = netip.MustParsePrefix("10.30.0.1/24")
	postV6    = netip.MustParsePrefix("2001:db8:30::1/64")
)

// BridgeMAC is the router's address on the guests' link.
var (
	BridgeMAC     = net.HardwareAddr{0x02, 0x77, 0, 0, 0, 1}
	postBridgeMAC = net.HardwareAddr{0x02, 0x77, 0, 0, 0, 2}
)

// PostAddress is the router's address on the network of the fixed terminals.
func PostAddress() netip.Addr { return postV4.Addr() }

// Gateway is the router's neighbour beyond the line.
func Gateway() netip.Addr { return gatewayV4.Addr() }

// Ports are the names of a router's interfaces, and its address on the guests' link.
type Ports struct {
	WAN, Guests, Posts string
	MAC, PostMAC       net.HardwareAddr
}

var usualPorts = Ports{WAN, GuestBridge, PostBridge, BridgeMAC, postBridgeMAC}

// Options of a town; the zero value is the usual one.
type Options struct {
	// Guests is the router's address on the guest network with its length. Zero: 10.77.0.1/16.
	Guests netip.Prefix
	// Iptables is the backend that programs of the router find under the name iptables: "legacy", "nft", or "" for the
	// machine's own choice.
	Iptables string
	// Apart leaves the router to a machine of its own (internal/lab/box): its namespace then only holds its cables' ends, TapWAN
	// and TapGuests. What starts programs on the router does not serve then.
	Apart bool
}

// Town is a public place, its router and an internet, in network namespaces of this lab.
//
//	guest ── br-guest [router] wan ── [inet] resolver, probe hosts, public services, inner networks
//	terminal ── br-posts ─┘
//
// The router neither forwards nor filters until a program makes it. IPv6 is there on every cable, with routes both ways, so
// that "closed" is something that the router does. A lab has one town at a time.
type Town struct {
	Dir      string
	Options  Options
	CA       *CA
	Router   *NS
	Internet *NS

	ports    Ports // of the router as it is now
	net      *internet
	upstream *Process

	mu        sync.Mutex
	guests    map[string]*Guest
	known     []net.HardwareAddr // of every device that ever joined
	nextGuest int
	cuts      int // of the power
	programs  []*Process
	beyond    []*Process // of machines behind the line: no power cut of the router ends them
}

// NewTown raises a town whose files are in dir.
func NewTown(dir string, opts Options) (_ *Town, err error) {
	if !opts.Guests.IsValid() {
		opts.Guests = netip.MustParsePrefix("10.77.0.1/16")
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	for _, d := range []string{dir, dir + "/etc", dir + "/var", dir + "/guests", runDir} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, fmt.Errorf("lab: %w", err)
		}
	}
	t := &Town{Dir: dir, Options: opts, ports: usualPorts, guests: map[string]*Guest{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.Close())
		}
	}()
	if t.CA, err = newCA(); err != nil {
		return nil, err
	}
	if err := os.WriteFile(t.CAFile(), t.CA.PEM, 0o644); err != nil {
		return nil, fmt.Errorf("lab: write CA: %w", err)
	}
	if err := t.layRouter(); err != nil {
		return nil, err
	}
	if err := t.layInternet(); err != nil {
		return nil, err
	}
	return t, nil
}

// CAFile is the certificate of the lab's CA, in PEM.
func (t *Town) CAFile() string { return t.Dir + "/ca.pem" }

// GuestAddress is the router's address on the guest network.
func (t *Town) GuestAddress() netip.Addr { return t.Options.Guests.Addr() }

// GuestAddress6 is the router's IPv6 address on the guest network.
func (t *Town) GuestAddress6() netip.Addr { return guestV6.Addr() }

func (t *Town) layRouter() (err error) {
	if t.Router, err = NewNS("router"); err != nil {
		return err
	}
	if t.Internet, err = NewNS("inet"); err != nil {
		return err
	}
	if t.Router.Resolv, err = t.writeResolv("router", upstreamDNS); err != nil {
		return err
	}
	return t.startRouter(func() error { return veth(t.Router, WAN, nil, t.Internet, "eth0") })
}

// startRouter makes of a bare machine the router as it is when it starts; cables lays them, or takes them over.
func (t *Town) startRouter(cables func() error) error {
	if t.Options.Apart {
		return t.layApart(cables)
	}
	if err := errors.Join(t.Router.bridge(t.ports.Guests, t.ports.MAC), t.Router.bridge(t.ports.Posts, t.ports.PostMAC)); err != nil {
		return err
	}
	// As on a router whose bridge traffic goes by the firewall once, at layer 3; ip_forward stays as the kernel has it: closed.
	for _, f := range []string{"iptables", "ip6tables", "arptables"} {
		err := t.Router.sysctl("net/bridge/bridge-nf-call-"+f, "0")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := cables(); err != nil {
		return err
	}
	return errors.Join(
		t.Router.addAddress(t.ports.Guests, t.Options.Guests, guestV6),
		t.Router.addAddress(t.ports.Posts, postV4, postV6),
		t.Router.addAddress(t.ports.WAN, wanV4, wanV6),
		t.Router.addRoute(netip.MustParsePrefix("0.0.0.0/0"), gatewayV4.Addr()),
		t.Router.addRoute(netip.MustParsePrefix("::/0"), gatewayV6.Addr()),
	)
}

func (t *Town) layInternet() error {
	own := []netip.Prefix{hostsV4, hostsV6}
	for _, a := range InnerHosts {
		own = append(own, netip.PrefixFrom(a, a.BitLen()))
	}
	err := errors.Join(
		t.Internet.addAddress("eth0", gatewayV4, gatewayV6),
		// IPv4 guests are unknown beyond the line, as in life: what is not translated gets no answer. IPv6 is routed.
		t.Internet.addRoute(guestV6.Masked(), wanV6.Addr()),
		t.Internet.addRoute(postV6.Masked(), wanV6.Addr()),
		// What a socket is bound to must be an address of an interface.
		t.Internet.addAddress("lo", netip.PrefixFrom(upstreamDNS, 32), netip.PrefixFrom(reboundDNS, 32), netip.PrefixFrom(echoAddr6, 128)),
		t.Internet.ownAll(own...),
	)
	if err != nil {
		return err
	}
	d := newDemarche()
	all, err := hosts(d)
	if err != nil {
		return err
	}
	if t.net, err = newInternet(t, all); err != nil {
		return err
	}
	t.net.demarche = d
	ctx, cancel := context.WithTimeout(context.Background(), Patient(10*time.Second))
	defer cancel()
	t.upstream, err = startUpstream(ctx, t.Internet, t.Dir, all)
	return err
}

// writeResolv makes the resolv.conf of a machine.
func (t *Town) writeResolv(machine string, servers ...netip.Addr) (string, error) {
	var conf string
	for _, s := range servers {
		conf += "nameserver " + s.String() + "\n"
	}
	file := filepath.Join(t.Dir, machine+".resolv.conf")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		return "", fmt.Errorf("lab: write resolv.conf: %w", err)
	}
	return file, nil
}

// Hosts lists the names of the lab's internet.
func (t *Town) Hosts() []Host {
	var all []Host
	for _, h := range t.net.names {
		all = append(all, *h)
	}
	return all
}

// Host returns a named host; the zero Host when the lab's internet has none of that name.
func (t *Town) Host(name string) Host {
	if h := t.net.names[name]; h != nil {
		return *h
	}
	return Host{}
}

// Flows returns what conversations the lab's internet has seen so far, oldest first.
func (t *Town) Flows() []Flow {
	t.net.mu.Lock()
	defer t.net.mu.Unlock()
	return append([]Flow(nil), t.net.flows...)
}

// ForgetFlows empties the list of flows. A UDP source that was seen is not listed again.
func (t *Town) ForgetFlows() {
	t.net.mu.Lock()
	defer t.net.mu.Unlock()
	t.net.flows = nil
}

// CutLine takes the line down, or up again: the router's cable to the internet.
func (t *Town) CutLine(down bool) error {
	return t.Internet.setLink("eth0", !down, func() error {
		// The kernel forgets the IPv6 addresses of what goes down, and the routes with them.
		return errors.Join(
			t.Internet.addAddress("eth0", gatewayV6),
			t.Internet.addRoute(guestV6.Masked(), wanV6.Addr()),
			t.Internet.addRoute(postV6.Masked(), wanV6.Addr()),
		)
	})
}

// StopUpstream freezes the resolver beyond the line, or lets it go on: names get no answer while addresses still do.
func (t *Town) StopUpstream(stopped bool) error {
	if stopped {
		return t.upstream.Signal(sigStop)
	}
	return t.upstream.Signal(sigCont)
}

// Close ends the town: programs first, then guests, servers, machines.
func (t *Town) Close() error {
	t.mu.Lock()
	programs, guests := append(t.programs, t.beyond...), t.guests
	t.programs, t.beyond, t.guests = nil, nil, map[string]*Guest{}
	t.mu.Unlock()
	var errs []error
	for _, p := range programs {
		errs = append(errs, p.Kill())
	}
	for _, g := range guests {
		errs = append(errs, g.end())
	}
	if t.net != nil {
		t.net.close()
	}
	if t.upstream != nil {
		errs = append(errs, t.upstream.Kill())
	}
	for _, ns := range []*NS{t.Router, t.Internet} {
		if ns != nil {
			errs = append(errs, ns.Close())
		}
	}
	return errors.Join(append(errs, os.RemoveAll(runDir))...)
}
