package gate

import (
	"context"
	"net"

	"golang.org/x/sys/unix"

	"parvis/internal/clock"
)

// flow is one connection of a client and the one beyond that serves it. The gate's lock guards what is in it.
type flow struct {
	visitor
	names   []string // all of which must stay allowed: the host that was asked for, the server name inside
	account *account
	grant   Grant // the account's when the flow began; none, of slot 0, for the house's
	client  *net.TCPConn
	cancel  context.CancelFunc // of finding and dialling the host
	beyond  *net.TCPConn       // nil before it is dialled

	down, up uint64     // bytes, as last counted
	moved    clock.Boot // when a count last found more of them
}

// begin lets a client's flow in, or says why not. The caller ends it, unless it was cut before.
func (g *Gate) begin(ctx context.Context, v visitor, client *net.TCPConn, cancel context.CancelFunc, host string) (*flow, Why) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a, why := g.judge(v, host)
	if a == nil || ctx.Err() != nil { // a listener that ends cancels first and cuts then: nothing slips in between
		return nil, why
	}
	if g.classify(client, a.Grant) != nil {
		return nil, "" // what is sent to it would be in nobody's class: rather none
	}
	f := &flow{
		visitor: v, names: []string{host}, account: a, grant: a.Grant, client: client, cancel: cancel, moved: g.opt.Clock.Boot(),
	}
	g.flows[f] = struct{}{}
	return f, ""
}

// attach gives a flow its connection beyond; false, with that connection closed, when the flow was cut meanwhile.
func (g *Gate) attach(f *flow, beyond *net.TCPConn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, live := g.flows[f]; !live {
		reset(beyond)
		return false
	}
	f.beyond = beyond
	return true
}

// also adds a name that a flow turned out to be for; what it says is why that is refused.
func (g *Gate) also(f *flow, host string) Why {
	g.mu.Lock()
	defer g.mu.Unlock()
	a, why := g.judge(f.visitor, host)
	if a != f.account {
		return why
	}
	f.names = append(f.names, host)
	return ""
}

// end closes what is beyond and settles the flow's counts. The client's connection is its caller's.
func (g *Gate) end(f *flow) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, live := g.flows[f]; !live {
		return
	}
	g.settle(f)
	if f.beyond != nil {
		f.beyond.Close()
	}
}

// settle counts a flow for the last time and forgets it.
func (g *Gate) settle(f *flow) {
	f.cancel()
	g.count(f)
	f.account.down += f.down
	f.account.up += f.up
	delete(g.flows, f)
}

// cutWhere cuts the flows that are so. The gate's lock is not held by the caller.
func (g *Gate) cutWhere(so func(*flow) bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.cutAll(so)
}

// cutAll cuts both sides by a reset: nothing that is on its way in the kernel's buffers arrives after it.
func (g *Gate) cutAll(so func(*flow) bool) {
	for f := range g.flows {
		if !so(f) {
			continue
		}
		reset(f.client)
		g.settle(f) // after the client has got its last byte, before the socket that knows the number is gone
		if f.beyond != nil {
			reset(f.beyond)
		}
	}
}

// reset closes a connection with what is still to be sent thrown away (SO_LINGER 0, socket(7)).
func reset(c *net.TCPConn) {
	c.SetLinger(0)
	c.Close()
}

// count reads the kernel's counts. Whoever asks finds out whether the flow has moved: a count that kept this to itself would make
// the flow look silent to the next one. A socket that is closed keeps its last counts.
func (g *Gate) count(f *flow) {
	if f.beyond == nil {
		return
	}
	raw, err := f.beyond.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		if err != nil {
			return
		}
		// A byte that is sent again is still one byte.
		down, up := info.Bytes_received, info.Bytes_sent-info.Bytes_retrans
		if down != f.down || up != f.up {
			f.moved = g.opt.Clock.Boot()
		}
		f.down, f.up = max(f.down, down), max(f.up, up)
	})
}
