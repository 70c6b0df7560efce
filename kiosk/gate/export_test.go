package gate

import (
	"context"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"parvis/internal/mac"
)

// What only tests see.
var (
	ReadHello = readHello
	Outside   = outside
)

// Divert makes the gate dial elsewhere, for servers in the test's own process. The dialler's own look at the address stays.
func (g *Gate) Divert(to func(netip.AddrPort) string) {
	g.dial = func(ctx context.Context, d *net.Dialer, a netip.AddrPort) (net.Conn, error) {
		if err := d.Control("tcp", a.String(), nil); err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, "tcp", to(a))
	}
}

// Straight takes a diversion back.
func (g *Gate) Straight() { g.dial = straight }

// Marks are what the one live flow's sockets carry: SO_MARK and SO_PRIORITY of the one beyond, SO_PRIORITY of the client's.
func (g *Gate) Marks() (mark, priority, client int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	option := func(c *net.TCPConn, name int) (v int) {
		if raw, err := c.SyscallConn(); err == nil {
			raw.Control(func(fd uintptr) { v, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, name) })
		}
		return v
	}
	for f := range g.flows {
		return option(f.beyond, unix.SO_MARK), option(f.beyond, unix.SO_PRIORITY), option(f.client, unix.SO_PRIORITY)
	}
	return 0, 0, 0
}

// Sweep looks for silent flows now.
func (g *Gate) Sweep() { g.sweep(g.opt.Clock.Boot()) }

// Flows is how many connections are live.
func (g *Gate) Flows() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.flows)
}

// Visit begins a flow without a connection; slot 0 is the house's.
func (g *Gate) Visit(m mac.Addr, ip netip.Addr, relay bool, host string) (live func() bool, slot uint16, why Why) {
	f, why := g.begin(context.Background(), visitor{mac: m, ip: ip, relay: relay}, new(net.TCPConn), func() {}, host)
	if f == nil {
		return nil, 0, why
	}
	return func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		_, there := g.flows[f]
		return there
	}, f.grant.Slot, ""
}

// Rejudge does what the gate's timer does at the end of a grant.
func (g *Gate) Rejudge() { g.rejudge() }
