package advertise

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/ndp"
	"github.com/mdlayher/netlink"
	nl "github.com/vishvananda/netlink"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/internal/order"
	"parvis/internal/rtnl"
)

// Options of Run; API alone may be empty.
type Options struct {
	Interface string // of the guests
	API       string // URI of the captive portal's API; "" announces none
	Clock     clock.Clock
	Log       *slog.Logger
}

var (
	everybody  = netip.MustParseAddr("ff02::1")
	allRouters = netip.MustParseAddr("ff02::2")
)

// errAbsent: the interface, or its link-local address, is not there (yet).
var errAbsent = errors.New("not there")

// How long changes of the kernel's are gathered, and how long we wait for an interface at most before we look again.
const (
	gather = 300 * time.Millisecond
	retry  = 2 * time.Second
)

// Run advertises until ctx ends, in the network namespace of the process. Nothing is taken back when it ends: a router that
// restarts goes on being one (see Withdraw). It needs CAP_NET_RAW.
func Run(ctx context.Context, o Options) error {
	a := &advertiser{Options: o, gone: gone{}}
	rt, err := rtnl.Open()
	if err != nil {
		return fmt.Errorf("advertise: rtnetlink: %w", err)
	}
	defer rt.Close()
	a.rt = rt
	changed, stop, err := watch()
	if err != nil {
		return fmt.Errorf("advertise: %w", err)
	}
	defer stop()
	for ctx.Err() == nil {
		s, err := listen(rt, o.Interface)
		if err != nil && !errors.Is(err, errAbsent) {
			o.Log.Warn("router advertisements wait for the guests' interface", "cause", err)
		}
		if err == nil {
			err = a.serve(ctx, s, changed)
			s.close()
			if err != nil {
				o.Log.Warn("router advertisements begin again", "cause", err)
			}
		}
		if err != nil {
			a.pause(ctx, changed)
		}
	}
	return nil
}

type advertiser struct {
	Options
	rt     *rtnl.Handle
	link   link
	gone   gone
	timing *timing
}

// pause waits for a change, and not for ever: an address that is being looked for duplicates of tells nothing when it is ready
// on every kernel.
func (a *advertiser) pause(ctx context.Context, changed <-chan struct{}) {
	timer, stop := a.Clock.At(a.Clock.Boot().Add(retry))
	defer stop()
	select {
	case <-ctx.Done():
	case <-changed:
		a.sleep(ctx, gather)
	case <-timer:
	}
}

func (a *advertiser) sleep(ctx context.Context, d time.Duration) {
	timer, stop := a.Clock.At(a.Clock.Boot().Add(d))
	defer stop()
	select {
	case <-ctx.Done():
	case <-timer:
	}
}

// serve answers and advertises while the socket is good.
func (a *advertiser) serve(ctx context.Context, s *socket, changed <-chan struct{}) error {
	if err := a.look(s); err != nil {
		return err
	}
	a.timing = newTiming(a.Clock.Boot(), func(d time.Duration) time.Duration { return time.Duration(rand.Int64N(int64(d))) })
	asked := make(chan netip.Addr)
	done := make(chan struct{})
	defer close(done)
	go s.read(asked, done)
	for {
		timer, stop := a.Clock.At(a.timing.next)
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-changed:
			a.sleep(ctx, gather)
			before := a.link
			if err := a.look(s); err != nil {
				stop()
				return err
			}
			if !a.link.equal(before) {
				a.timing.soon(a.Clock.Boot(), 0)
			}
		case from := <-asked:
			if a.timing.solicited(a.Clock.Boot(), !from.IsUnspecified()) {
				if err := s.send(message(a.link, a.gone, a.API), from); err != nil {
					a.Log.Debug("a router solicitation is not answered", "cause", err) // the device has gone
				}
			}
		case <-timer:
			if err := s.send(message(a.link, a.gone, a.API), everybody); err != nil {
				stop()
				return err
			}
			a.timing.done(a.Clock.Boot())
		}
		stop()
	}
}

// look reads the link again. The error is errAbsent when the socket's interface is no longer there.
func (a *advertiser) look(s *socket) error {
	l, index, err := read(a.rt, a.Interface)
	if err != nil {
		return err
	}
	if index != s.index {
		return fmt.Errorf("%s: %w", a.Interface, errAbsent)
	}
	a.gone.compare(a.Clock.Boot(), a.link, l)
	a.link = l
	return nil
}

// Withdraw tells devices on the guest link that the router is none for IPv6 any more (RFC 4861, 6.2.5). It is no error when the
// interface is not there.
func Withdraw(iface string) error {
	rt, err := rtnl.Open()
	if err != nil {
		return fmt.Errorf("advertise: withdraw: rtnetlink: %w", err)
	}
	defer rt.Close()
	s, err := listen(rt, iface)
	if errors.Is(err, errAbsent) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("advertise: withdraw: %w", err)
	}
	defer s.close()
	l, _, err := read(rt, iface)
	if err != nil {
		return fmt.Errorf("advertise: withdraw: %w", err)
	}
	for range initialCount { // radio loses some
		if err := s.send(farewell(l), everybody); err != nil {
			return fmt.Errorf("advertise: withdraw: %w", err)
		}
	}
	return nil
}

// read asks the kernel for the link and its index.
func read(rt *rtnl.Handle, iface string) (link, int, error) {
	dev, err := rt.LinkByName(iface)
	if errors.As(err, new(nl.LinkNotFoundError)) {
		return link{}, 0, fmt.Errorf("%s: %w", iface, errAbsent)
	}
	if err != nil {
		return link{}, 0, fmt.Errorf("find %s: %w", iface, err)
	}
	l := link{mtu: dev.Attrs().MTU}
	l.mac, _ = mac.From(dev.Attrs().HardwareAddr)
	addrs, err := rt.AddrList(dev, nl.FAMILY_V6)
	if err != nil {
		return link{}, 0, fmt.Errorf("list addresses of %s: %w", iface, err)
	}
	for _, a := range addrs {
		ip, _ := netip.AddrFromSlice(a.IP)
		ones, _ := a.Mask.Size()
		// Devices make addresses of 64 bits (RFC 4862); what is deprecated is on its way out.
		if !ip.IsGlobalUnicast() || ones != 64 || a.Flags&(unix.IFA_F_DEPRECATED|unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED) != 0 {
			continue
		}
		p := prefix{netip.PrefixFrom(ip, ones).Masked(), ip, left(a.ValidLft), left(a.PreferedLft)}
		if !slices.ContainsFunc(l.prefixes, func(o prefix) bool { return o.Prefix == p.Prefix }) {
			l.prefixes = append(l.prefixes, p)
		}
	}
	order.Func(l.prefixes, func(a, b prefix) int { return a.Prefix.Compare(b.Prefix) })
	routes, err := rt.RouteListFiltered(nl.FAMILY_V6, &nl.Route{Table: unix.RT_TABLE_MAIN}, nl.RT_FILTER_TABLE)
	if err != nil {
		return link{}, 0, fmt.Errorf("list routes: %w", err)
	}
	l.leads = slices.ContainsFunc(routes, func(r nl.Route) bool {
		ones := 0
		if r.Dst != nil {
			ones, _ = r.Dst.Mask.Size()
		}
		return ones == 0 && cmp.Or(r.Type, unix.RTN_UNICAST) == unix.RTN_UNICAST && r.LinkIndex != dev.Attrs().Index
	})
	return l, dev.Attrs().Index, nil
}

// left is a lifetime as the kernel says it: seconds, or for ever.
func left(seconds int) time.Duration {
	if seconds <= 0 || uint32(seconds) == ^uint32(0) {
		return validLifetime
	}
	return time.Duration(seconds) * time.Second
}

// socket speaks neighbour discovery on the guest interface, from its link-local address.
type socket struct {
	conn  *ndp.Conn
	index int
}

func listen(rt *rtnl.Handle, iface string) (*socket, error) {
	dev, err := rt.LinkByName(iface)
	if errors.As(err, new(nl.LinkNotFoundError)) {
		return nil, fmt.Errorf("%s: %w", iface, errAbsent)
	}
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", iface, err)
	}
	a := dev.Attrs()
	conn, _, err := ndp.Listen(&net.Interface{Index: a.Index, MTU: a.MTU, Name: a.Name, HardwareAddr: a.HardwareAddr, Flags: a.Flags}, ndp.LinkLocal)
	if err != nil {
		// No link-local address yet, or one that is still tentative.
		return nil, fmt.Errorf("%s: link-local address: %w: %w", iface, errAbsent, err)
	}
	var only ipv6.ICMPFilter
	only.SetAll(true)
	only.Accept(ipv6.ICMPTypeRouterSolicitation)
	err = errors.Join(conn.SetICMPFilter(&only), conn.SetControlMessage(ipv6.FlagHopLimit, true), conn.JoinGroup(allRouters))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("listen on %s: %w", iface, err)
	}
	return &socket{conn: conn, index: a.Index}, nil
}

func (s *socket) close() { s.conn.Close() }

func (s *socket) send(ra *ndp.RouterAdvertisement, to netip.Addr) error {
	if err := s.conn.WriteTo(ra, nil, to); err != nil {
		return fmt.Errorf("send router advertisement: %w", err)
	}
	return nil
}

// read tells who solicits until the socket is closed.
func (s *socket) read(asked chan<- netip.Addr, done <-chan struct{}) {
	for {
		m, cm, from, err := s.conn.ReadFrom()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		// RFC 4861, 6.1.1
		if _, is := m.(*ndp.RouterSolicitation); !is || cm == nil || cm.HopLimit != ndp.HopLimit {
			continue
		}
		select {
		case asked <- from.WithZone(""):
		case <-done:
			return
		}
	}
}

// watch tells, with at most one signal waiting, that interfaces, addresses or routes of IPv6 have changed.
func watch() (changed <-chan struct{}, stop func(), err error) {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("rtnetlink: %w", err)
	}
	for _, g := range []uint32{unix.RTNLGRP_LINK, unix.RTNLGRP_IPV6_IFADDR, unix.RTNLGRP_IPV6_ROUTE} {
		if err := conn.JoinGroup(g); err != nil {
			conn.Close()
			return nil, nil, fmt.Errorf("subscribe to rtnetlink: %w", err)
		}
	}
	signal := make(chan struct{}, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			// Lost notices are a change too.
			if _, err := conn.Receive(); err != nil && !errors.Is(err, unix.ENOBUFS) {
				return
			}
			select {
			case signal <- struct{}{}:
			default:
			}
		}
	}()
	return signal, func() {
		conn.Close()
		<-ended
	}, nil
}
