package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"

	"golang.org/x/sync/errgroup"

	"parvis/internal/clock"
	"parvis/internal/lab"
	"parvis/internal/mac"
	"parvis/kiosk/gate"
	"parvis/kiosk/names"
)

// The gate that is measured, at the router's address of lab.Beside.
const (
	gateAddress = "10.77.0.1:3128"
	gateSite    = "www.site.example" // the one that is allowed, at lab.Gateway
)

// seat is the address of a terminal, from 1.
func seat(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 77, 1, byte(i)}) }

// anywhere resolves every name to the host beyond the line.
type anywhere struct{}

func (anywhere) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{lab.Gateway()}, nil
}

// ServeGate is a name gate by itself, for a number of terminals that all have a session. It reads from in, line by line, "drop I" and
// "put I", and ends with it.
func ServeGate(terminals int, in io.Reader) error {
	system, err := clock.NewSystem()
	if err != nil {
		return fmt.Errorf("bench: gate: %w", err)
	}
	g := gate.New(gate.Options{
		Clock: system, Resolver: anywhere{},
		Who: func(a netip.Addr) (mac.Addr, bool) {
			b := a.As4()
			return mac.Addr{2, 0, 0, 0, 0, b[3]}, true
		},
		Mark: func(n gate.Grant) (mark, priority uint32) { return uint32(n.Slot) << 16, 1<<16 | 5 },
		// All connections of this measurement may be one terminal's.
		Bounds: gate.Bounds{Client: 4000, All: 4000},
	})
	defer g.Close()
	put := func(i int) error {
		m := mac.Addr{2, 0, 0, 0, 0, byte(i)}
		g.Allow(m, names.List{gateSite})
		return g.Put(gate.Grant{Slot: 0x20 + uint16(i), MAC: m, IPv4: seat(i), End: 1 << 62})
	}
	for i := range terminals {
		if err := put(i + 1); err != nil {
			return fmt.Errorf("bench: gate: %w", err)
		}
	}
	ln, err := net.Listen("tcp4", gateAddress)
	if err != nil {
		return fmt.Errorf("bench: gate: %w", err)
	}
	group, ctx := errgroup.WithContext(context.Background())
	ctx, cancel := context.WithCancel(ctx)
	group.Go(func() error { return g.ServeProxy(ctx, ln) })
	group.Go(func() error {
		defer cancel()
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			var verb string
			var i int
			if _, err := fmt.Sscan(lines.Text(), &verb, &i); err != nil {
				return fmt.Errorf("bench: gate: read %q: %w", lines.Text(), err)
			}
			do := put
			if verb == "drop" {
				do = func(i int) error { return g.Drop(0x20 + uint16(i)) }
			}
			if err := do(i); err != nil {
				return fmt.Errorf("bench: gate: %w", err)
			}
		}
		return lines.Err()
	})
	return group.Wait()
}
