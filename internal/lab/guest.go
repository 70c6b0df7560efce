package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sync/errgroup"
)

// GuestOptions describe a device that joins the guest network.
type GuestOptions struct {
	Name string // unique in the town; "" makes one up
	// MAC of the device; nil makes up a unique one.
	MAC net.HardwareAddr
	// SLAAC leaves IPv6 to the device, as phones do it: addresses made from router advertisements, a privacy address beside
	// the lasting one. Otherwise it has one address from the start, and a route.
	SLAAC bool
	// Roams gives it a second port of the guest bridge; see Roam.
	Roams bool
	// Radio gives it a radio in place of a cable, and an address of that radio's making; an access point must be there. Only in a router
	// in a box (InBox).
	Radio bool
	// Post makes it a fixed terminal: a machine of the terminals' own network.
	Post bool
}

// Guest is a resident's device: a machine of its own on a port of the guest bridge, with an IPv6 address from the start and an
// IPv4 address once it asks for one.
type Guest struct {
	Name string
	MAC  net.HardwareAddr
	NS   *NS
	Port string     // its port of the bridge, an interface of the router
	V6   netip.Addr // its address of the guest network's IPv6; invalid with SLAAC

	town   *Town
	bridge string

	mu     sync.Mutex
	lease  Lease
	client *Process // the DHCP client
}

// AddGuest joins a device to the guest network.
func (t *Town) AddGuest(o GuestOptions) (_ *Guest, err error) {
	t.mu.Lock()
	t.nextGuest++
	n := t.nextGuest
	t.mu.Unlock()
	if o.Name == "" {
		o.Name = fmt.Sprintf("guest%d", n)
	}
	if o.MAC == nil {
		o.MAC = net.HardwareAddr{0x3c, 0x22, 0xfb, byte(n >> 16), byte(n >> 8), byte(n)}
	}
	g := &Guest{Name: o.Name, MAC: o.MAC, Port: fmt.Sprintf("p%d", n), town: t, bridge: t.ports.Guests}
	net6 := guestV6
	if o.Post {
		g.bridge, net6 = t.ports.Posts, postV6
	}
	v6 := net6.Addr().As16()
	v6[13], v6[14], v6[15] = 0x10|byte(n>>16), byte(n>>8), byte(n)
	g.V6 = netip.AddrFrom16(v6)
	if g.NS, err = NewNS("g-" + o.Name); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.end())
		}
	}()
	if g.NS.Resolv, err = t.writeResolv("guests/" + o.Name); err != nil {
		return nil, err
	}
	switch {
	case o.Radio:
		err = g.antenna(context.Background()) // it knows how long that may take
	case o.Roams:
		err = g.roams()
	default:
		err = veth(g.NS, "eth0", g.MAC, t.Router, g.Port)
	}
	if err != nil {
		return nil, err
	}
	if !o.Radio {
		if err := t.Router.plug(g.Port, g.bridge); err != nil {
			return nil, err
		}
	}
	switch {
	case o.Radio: // its kernel makes addresses as it comes
		g.V6 = netip.Addr{}
	case o.SLAAC:
		err = g.slaac()
	default:
		err = errors.Join(
			g.NS.addAddress("eth0", netip.PrefixFrom(g.V6, net6.Bits())),
			g.NS.addRoute(netip.MustParsePrefix("::/0"), net6.Addr()),
		)
	}
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.guests[g.Name] = g
	t.known = append(t.known, g.MAC)
	t.mu.Unlock()
	return g, nil
}

// Devices are the MACs of every device that ever joined, those too that have left.
func (t *Town) Devices() []net.HardwareAddr {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.known)
}

// RunDir is where the router's programs have their run-time files.
func (t *Town) RunDir() string { return runDir }

// AddGuests joins n devices that have asked for an address, some at a time.
func (t *Town) AddGuests(ctx context.Context, n int) ([]*Guest, error) {
	guests := make([]*Guest, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for i := range guests {
		group.Go(func() (err error) {
			if guests[i], err = t.AddGuest(GuestOptions{}); err != nil {
				return err
			}
			_, err = guests[i].DHCP(ctx)
			return err
		})
	}
	return guests, group.Wait()
}

// Lease returns what the device was last given; the zero Lease before that.
func (g *Guest) Lease() Lease {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lease
}

// Dial connects from the device to a literal address and port.
func (g *Guest) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return g.NS.Dial(ctx, network, address)
}

// Ask asks the device's resolver for one type of record.
func (g *Guest) Ask(ctx context.Context, name string, typ dnsmessage.Type) (Answer, error) {
	dns := g.Lease().DNS
	if len(dns) == 0 {
		return Answer{}, fmt.Errorf("lab: guest %s: ask for %s: no resolver: no lease yet", g.Name, name)
	}
	return ask(ctx, g.NS, netip.AddrPortFrom(dns[0], 53), name, typ)
}

// Lookup returns the addresses of a name, IPv4 first; ErrNoSuchName when there are none.
func (g *Guest) Lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	var addrs []netip.Addr
	for _, typ := range []dnsmessage.Type{typeA, typeAAAA} {
		a, err := g.Ask(ctx, name, typ)
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, a.Addrs...)
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrNoSuchName, name)
	}
	return addrs, nil
}

// Client makes HTTP requests as a probe of the device does: names by the device's resolver, a new connection each time, the
// lab's CA trusted, redirections returned and not followed.
func (g *Guest) Client() *http.Client {
	return &http.Client{
		Timeout:       Patient(15 * time.Second),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:       g.dialName,
			TLSClientConfig:   &tls.Config{RootCAs: g.town.CA.Pool()},
			DisableKeepAlives: true,
		},
	}
}

func (g *Guest) dialName(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("lab: guest %s: dial %s: %w", g.Name, address, err)
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return g.Dial(ctx, network, address)
	}
	addrs, err := g.Lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	return g.Dial(ctx, network, net.JoinHostPort(addrs[0].String(), port))
}

// Clone adds a device with everything of another's, as whoever listens to the radio can have it: MAC, address, route.
func (t *Town) Clone(ctx context.Context, g *Guest, name string) (*Guest, error) {
	clone, err := t.AddGuest(GuestOptions{Name: name, MAC: g.MAC})
	if err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"addr", "add", g.Lease().Address.String(), "dev", "eth0"},
		{"route", "add", "default", "via", g.Lease().Router.String()},
	} {
		if out, err := clone.NS.Output(ctx, "ip", args...); err != nil {
			return nil, fmt.Errorf("lab: clone %s: %w: %s", g.Name, err, out)
		}
	}
	return clone, nil
}

// Unplug takes the device's cable out, or puts it back: it leaves without a word, as phones do.
func (g *Guest) Unplug(out bool) error {
	return g.town.Router.setLink(g.Port, !out, nil)
}

// Close makes the device leave for good.
func (g *Guest) Close() error {
	g.town.mu.Lock()
	delete(g.town.guests, g.Name)
	g.town.mu.Unlock()
	// The cables go with the namespace too, but when the kernel comes to it; the ports must be free now.
	return errors.Join(g.town.Router.unplug(g.Port), g.town.Router.unplug(g.second()), g.end())
}

// end stops the device's programs and forgets its machine.
func (g *Guest) end() error {
	g.mu.Lock()
	client := g.client
	g.client = nil
	g.mu.Unlock()
	var err error
	if client != nil {
		err = client.Kill()
	}
	return errors.Join(err, g.NS.Close())
}
