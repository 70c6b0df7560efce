package gate

import (
	"context"
	"net"
	"time"
)

// ServeRelay serves TLS clients that were led here and know nothing of it, until ctx ends. It closes ln.
func (g *Gate) ServeRelay(ctx context.Context, ln net.Listener) error {
	d := newDoor(ln, g.opt.Bounds)
	defer d.wait()
	ctx, cancel := context.WithCancel(ctx)
	defer g.cutWhere(func(f *flow) bool { return f.relay })
	defer d.shut()
	defer cancel()
	stop := context.AfterFunc(ctx, func() { ln.Close() })
	defer stop()
	for ctx.Err() == nil {
		c, err := d.Accept()
		if err != nil {
			pause(ctx)
			continue
		}
		go func() {
			defer d.leave(c)
			g.lead(ctx, c.(*net.TCPConn))
		}()
	}
	return nil
}

// lead serves one client of the relay, and closes it.
func (g *Gate) lead(ctx context.Context, client *net.TCPConn) {
	defer client.Close()
	v := visitor{ip: address(client), relay: true}
	var known bool
	if v.mac, known = g.opt.Who(v.ip); !known {
		g.deny(v, client, "", Unknown)
		return
	}
	host, taken, ok := g.hear(v, client, nil)
	if !ok {
		return
	}
	f, why := g.call(ctx, v, client, host)
	if f == nil {
		g.deny(v, client, host, why)
		return
	}
	defer g.end(f)
	g.carry(f, taken)
}

// pause waits a moment after an Accept that failed, as it does when the machine has no file left to give.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(100 * time.Millisecond):
	}
}
