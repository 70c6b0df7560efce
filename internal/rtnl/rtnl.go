// Package rtnl is what Parvis asks and tells the kernel about links, addresses, routes, neighbours and root queues, by
// vishvananda/netlink over sockets that stay in the network namespace they were opened in.
//
// It exists for the size of the router's binary. html/template calls methods by names that the linker does not know, so the
// linker keeps every exported method of every type that an interface leads to. netlink.Handle has 258 of them, down to IPsec and
// vDPA; behind functions, only those that are named here are kept (docs/adr/0026-packages.md).
package rtnl

import (
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Handle is the verbs, each netlink.Handle's method of that name.
type Handle struct {
	LinkByName      func(string) (netlink.Link, error)
	LinkByIndex     func(int) (netlink.Link, error)
	LinkList        func() ([]netlink.Link, error)
	LinkGetProtinfo func(netlink.Link) (netlink.Protinfo, error)
	LinkSetIsolated func(netlink.Link, bool) error

	AddrList          func(netlink.Link, int) ([]netlink.Addr, error)
	RouteListFiltered func(int, *netlink.Route, uint64) ([]netlink.Route, error)

	NeighList        func(int, int) ([]netlink.Neigh, error)
	NeighListExecute func(netlink.Ndmsg) ([]netlink.Neigh, error)

	QdiscReplace func(netlink.Qdisc) error
	QdiscDel     func(netlink.Qdisc) error

	Close func()
}

// Open returns a handle on the calling thread's network namespace.
func Open() (*Handle, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("rtnl: open: %w", err)
	}
	return &Handle{
		LinkByName: h.LinkByName, LinkByIndex: h.LinkByIndex, LinkList: h.LinkList,
		LinkGetProtinfo: h.LinkGetProtinfo, LinkSetIsolated: h.LinkSetIsolated,
		AddrList: h.AddrList, RouteListFiltered: h.RouteListFiltered,
		NeighList: h.NeighList, NeighListExecute: h.NeighListExecute,
		QdiscReplace: h.QdiscReplace, QdiscDel: h.QdiscDel,
		Close: h.Close,
	}, nil
}
