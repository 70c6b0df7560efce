// Package gate is the name gate: the only way from a fixed terminal to the internet, and for guests the way to what is open to
// them by name. It allows by name where an address would leak (a whole CDN opens with one) or break (the CDN moves).
//
//   - An explicit proxy (RFC 9110 §9.3.6 CONNECT, and plain HTTP in absolute form), for terminals.
//   - A transparent relay, for guests: by the server name of the TLS ClientHello (RFC 6066 §3), and by Host of plain HTTP. It never
//     dials the address that the client asked for.
//
// Everything is refused that is not allowed by a list of names: of the device's grant, of its update window, of everybody. Nothing
// is decrypted. Of a name no more is kept than what lives as long as its connection.
//
// A flow is one connection of a client with the one beyond. Each change of what is allowed judges every live flow again, by the
// same function that let it in, and cuts those that it would not let in now; so does the end of a grant, on the boot clock. Bytes
// are the kernel's own counts of the socket beyond (TCP_INFO, tcp(7)), so that tunnels can be spliced and yet be counted at any moment.
package gate

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/kiosk/names"
)

// Resolver finds the addresses of a name; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Options of a gate. Clock, Resolver and Who are needed.
type Options struct {
	Clock    clock.Clock
	Log      *slog.Logger // nil: nothing is said
	Resolver Resolver
	// Who says which device is behind an address, as the neighbour table and the leases know it.
	Who func(netip.Addr) (mac.Addr, bool)
	// Own reports whether an address is the router's: nothing there is reached through the gate.
	Own func(netip.Addr) bool
	// Mark is what the sockets of a grant carry (SO_MARK, SO_PRIORITY of socket(7), which need CAP_NET_ADMIN): the one beyond both,
	// the client's the priority, by which what is sent to it is in its class. nil: nothing. Sockets without a grant carry nothing.
	Mark func(Grant) (mark, priority uint32)
	// Refused is told of each refusal to a known device. It must not block.
	Refused func(Refusal)
	// AtDesk is where people of the place are, as a French sentence says it: "à l'accueil", "au comptoir". The page of a refusal sends there.
	AtDesk string
	// Home is the address of the page to go back to, for the page of a refusal; "" none.
	Home string
	Bounds
}

// Bounds keep what one client, and all, can take. Zero is the default.
type Bounds struct {
	Client int           // connections of one address at once; 96: browsers open 32 to a proxy
	All    int           // connections of each listener at once; 1024
	Header int           // bytes of an HTTP request's header; 32 KiB
	Hello  time.Duration // until a request's header or a ClientHello must be there; 10 s
	Dial   time.Duration // for finding the addresses of a name and connecting; 10 s
	Idle   time.Duration // without a byte either way; 10 min
}

func (b Bounds) orDefault() Bounds {
	for _, d := range []struct {
		value *int
		usual int
	}{{&b.Client, 96}, {&b.All, 1024}, {&b.Header, 32 << 10}} {
		if *d.value <= 0 {
			*d.value = d.usual
		}
	}
	for _, d := range []struct {
		value *time.Duration
		usual time.Duration
	}{{&b.Hello, 10 * time.Second}, {&b.Dial, 10 * time.Second}, {&b.Idle, 10 * time.Minute}} {
		if *d.value <= 0 {
			*d.value = d.usual
		}
	}
	return b
}

// Why something was refused.
type Why string

// The reasons.
const (
	Unknown    Why = "unknown"     // nobody knows the device behind this address
	NoGrant    Why = "no-grant"    // none that is in force for this device at this address
	NotAllowed Why = "not-allowed" // a grant is in force, and the name is in no list of its
	Literal    Why = "literal"     // an address instead of a name
	BadName    Why = "bad-name"    // not the full name of a host
	Port       Why = "port"        // neither 80 nor 443
	Inside     Why = "inside"      // the name leads to an address that is not the internet's
	NotTLS     Why = "not-tls"     // no TLS ClientHello, or one without a server name
)

// Refusal of one request. Host is as names.Host spells it, "" where there is none.
type Refusal struct {
	MAC  mac.Addr
	IPv4 netip.Addr
	Host string
	Why  Why
}

// Gate is the name gate. It is safe for concurrent use.
type Gate struct {
	opt  Options
	dial func(context.Context, *net.Dialer, netip.AddrPort) (net.Conn, error) // the dialer's own, but in tests

	mu       sync.Mutex
	slots    map[uint16]*account
	macs     map[mac.Addr]*account
	finals   map[uint16]Usage
	house    account // of what passes without a grant
	allow    map[mac.Addr]names.List
	profiles map[string]names.List
	windows  map[mac.Addr]names.List
	always   names.List
	garden   names.List
	flows    map[*flow]struct{}

	changed chan struct{} // wakes run: a grant's end may be nearer
	done    chan struct{}
	ended   sync.WaitGroup
	close   sync.Once
}

// New makes a gate that allows nothing. Close ends it.
func New(o Options) *Gate {
	o.Bounds = o.orDefault()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Own == nil {
		o.Own = func(netip.Addr) bool { return false }
	}
	g := &Gate{
		opt:      o,
		slots:    map[uint16]*account{},
		macs:     map[mac.Addr]*account{},
		finals:   map[uint16]Usage{},
		allow:    map[mac.Addr]names.List{},
		profiles: map[string]names.List{},
		windows:  map[mac.Addr]names.List{},
		flows:    map[*flow]struct{}{},
		changed:  make(chan struct{}, 1),
		done:     make(chan struct{}),
		dial:     straight,
	}
	g.ended.Go(g.run)
	return g
}

// Close cuts everything that is left.
func (g *Gate) Close() {
	g.close.Do(func() { close(g.done) })
	g.ended.Wait()
	g.cutWhere(func(*flow) bool { return true })
}

// run cuts what has ended, and what has been silent for too long.
func (g *Gate) run() {
	sweep := g.opt.Clock.Boot().Add(g.opt.Idle / 4)
	for {
		now := g.opt.Clock.Boot()
		if now >= sweep {
			g.sweep(now)
			sweep = now.Add(g.opt.Idle / 4)
		}
		next := g.nextEnd(now) // first: an end that comes while flows are judged has its timer
		g.rejudge()
		timer, stop := g.opt.Clock.At(min(sweep, next))
		select {
		case <-timer:
		case <-g.changed:
		case <-g.done:
			stop()
			return
		}
		stop()
	}
}

// sweep cuts the flows that have carried nothing for Idle.
func (g *Gate) sweep(now clock.Boot) {
	g.cutWhere(func(f *flow) bool {
		g.count(f)
		return now.Sub(f.moved) >= g.opt.Idle
	})
}
