package machine

import (
	"net"
	"net/netip"

	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Kernel is the machine's own network, by rtnetlink(7), of the network namespace that it is called in.
type Kernel struct{}

var _ Network = Kernel{}

// Interfaces implements Network.
func (Kernel) Interfaces() ([]Interface, error) {
	links, err := nl.LinkList()
	if err != nil {
		return nil, err
	}
	names := map[int]string{}
	for _, l := range links {
		names[l.Attrs().Index] = l.Attrs().Name
	}
	var out []Interface
	for _, l := range links {
		a := l.Attrs()
		i := Interface{
			Name: a.Name, Kind: l.Type(), Master: names[a.MasterIndex],
			Up: a.Flags&net.FlagUp != 0, Loopback: a.Flags&net.FlagLoopback != 0,
			Carrier: a.RawFlags&unix.IFF_LOWER_UP != 0,
		}
		addrs, err := nl.AddrList(l, nl.FAMILY_ALL)
		if err != nil {
			return nil, err
		}
		for _, ad := range addrs {
			if p, ok := prefix(ad.IPNet); ok {
				i.Addresses = append(i.Addresses, p)
			}
		}
		out = append(out, i)
	}
	return out, nil
}

// Routes implements Network.
func (Kernel) Routes() ([]Route, error) {
	links, err := nl.LinkList()
	if err != nil {
		return nil, err
	}
	names := map[int]string{}
	for _, l := range links {
		names[l.Attrs().Index] = l.Attrs().Name
	}
	routes, err := nl.RouteList(nil, nl.FAMILY_ALL)
	if err != nil {
		return nil, err
	}
	var out []Route
	for _, r := range routes {
		n, ok := prefix(r.Dst)
		if !ok {
			n = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
			if r.Family == nl.FAMILY_V6 {
				n = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
			}
		}
		if n.Addr().IsMulticast() {
			continue
		}
		hops := []int{r.LinkIndex}
		for _, h := range r.MultiPath {
			hops = append(hops, h.LinkIndex)
		}
		for _, h := range hops {
			if name := names[h]; name != "" {
				out = append(out, Route{Network: n.Masked(), Interface: name, Metric: r.Priority})
			}
		}
	}
	return out, nil
}

func prefix(n *net.IPNet) (netip.Prefix, bool) {
	if n == nil {
		return netip.Prefix{}, false
	}
	a, ok := netip.AddrFromSlice(n.IP)
	ones, _ := n.Mask.Size()
	return netip.PrefixFrom(a.Unmap(), ones), ok
}
