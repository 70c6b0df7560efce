package gate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"parvis/internal/order"
)

// errInside says that a name leads to an address that is not the internet's.
var errInside = errors.New("gate: not an address of the internet")

// tries bounds how many addresses of a name are tried.
const tries = 4

// connect finds the addresses of a flow's host and dials one of them. The name is resolved once: what was looked at is what is
// dialled, and the dialler looks again. The flow's ctx bounds it all.
func (g *Gate) connect(ctx context.Context, f *flow, host string, port uint16) error {
	addrs, err := g.addresses(ctx, host)
	if err != nil {
		return err
	}
	dialer := &net.Dialer{
		// A dead address must leave time for the next one.
		Timeout: max(g.opt.Dial/tries, 100*time.Millisecond),
		Control: func(_, address string, c syscall.RawConn) error { return g.prepare(address, c, f.grant) },
	}
	dialer.SetMultipathTCP(false)
	for _, a := range addrs {
		var c net.Conn
		if c, err = g.dial(ctx, dialer, netip.AddrPortFrom(a, port)); err != nil {
			continue
		}
		beyond := c.(*net.TCPConn)
		if !g.attach(f, beyond) {
			return context.Canceled
		}
		return nil
	}
	return fmt.Errorf("gate: dial: %w", err)
}

func straight(ctx context.Context, d *net.Dialer, to netip.AddrPort) (net.Conn, error) {
	return d.DialContext(ctx, "tcp", to.String())
}

// addresses returns where a host may be dialled, IPv4 first: the block of ports by which the law's question is answered is IPv4's.
// One address inside among others makes the whole answer one that is not trusted.
func (g *Gate) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	// The final dot: no search list of the router makes it another name.
	addrs, err := g.opt.Resolver.LookupNetIP(ctx, "ip", host+".")
	if err != nil {
		return nil, fmt.Errorf("gate: find addresses: %w", err)
	}
	for i, a := range addrs {
		addrs[i] = a.Unmap()
		if !g.reachable(addrs[i]) {
			return nil, errInside
		}
	}
	order.Stable(addrs, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	if len(addrs) == 0 {
		return nil, errors.New("gate: find addresses: none")
	}
	return addrs[:min(len(addrs), tries)], nil
}

func (g *Gate) reachable(a netip.Addr) bool { return outside(a) && !g.opt.Own(a) }

// prepare looks at the address once more, whatever came between, and gives the socket its slot's mark before it sends anything.
func (g *Gate) prepare(address string, c syscall.RawConn, n Grant) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || !g.reachable(to.Addr()) {
		return errInside
	}
	if n.Slot == 0 || g.opt.Mark == nil {
		return nil
	}
	mark, priority := g.opt.Mark(n)
	// An unmarked socket would leave by the house's ports: rather none.
	return errors.Join(option(c, unix.SO_MARK, mark), option(c, unix.SO_PRIORITY, priority))
}

// classify puts what is sent to a client into its grant's class; into none where there is no grant, since a browser's connection may
// go on after one has ended. It is the download's half of the rates: the client's socket fills, the gate stops reading, and the host waits.
func (g *Gate) classify(client *net.TCPConn, n Grant) error {
	if g.opt.Mark == nil {
		return nil
	}
	raw, err := client.SyscallConn()
	if err != nil {
		return err
	}
	var priority uint32
	if n.Slot != 0 {
		_, priority = g.opt.Mark(n)
	}
	return option(raw, unix.SO_PRIORITY, priority)
}

func option(c syscall.RawConn, name int, value uint32) (failed error) {
	err := c.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, name, int(value)) })
	return errors.Join(err, failed)
}
