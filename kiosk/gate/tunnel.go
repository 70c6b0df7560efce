package gate

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"time"

	"parvis/kiosk/names"
)

// hear waits for a client's ClientHello, of which first was read already, and returns the host that it names and its bytes.
// A client that is refused has heard so then.
func (g *Gate) hear(v visitor, client *net.TCPConn, first []byte) (host string, taken []byte, ok bool) {
	client.SetReadDeadline(time.Now().Add(g.opt.Hello))
	server, taken, err := readHello(io.MultiReader(bytes.NewReader(first), client))
	client.SetReadDeadline(time.Time{})
	why := NotTLS
	if err == nil {
		if host, err = names.Host(server); err == nil {
			return host, taken, true
		}
		why = spelling(err)
	}
	g.deny(v, client, "", why)
	return "", nil, false
}

// call begins a flow to port 443 of a host. Without a flow why says why not; "" is that the host could not be reached.
func (g *Gate) call(ctx context.Context, v visitor, client *net.TCPConn, host string) (f *flow, why Why) {
	ctx, cancel := context.WithTimeout(ctx, g.opt.Dial)
	if f, why = g.begin(ctx, v, client, cancel, host); f == nil {
		cancel()
		return nil, why
	}
	if err := g.connect(ctx, f, host, 443); err != nil {
		g.end(f)
		return nil, because(err)
	}
	return f, ""
}

// carry sends what was taken of the client already, then joins both sides until both directions are over.
func (g *Gate) carry(f *flow, taken []byte) {
	if _, err := f.beyond.Write(taken); err != nil {
		reset(f.client)
		return
	}
	var both sync.WaitGroup
	both.Go(func() { pour(f.beyond, f.client) })
	pour(f.client, f.beyond)
	both.Wait()
}

// pour moves bytes one way; between two *net.TCPConn the kernel does it (splice(2)). It passes an end on as an end, and a failure as
// a reset of both, by which the other direction ends too.
func pour(to, from *net.TCPConn) {
	if _, err := to.ReadFrom(from); err == nil && to.CloseWrite() == nil {
		return
	}
	reset(to)
	reset(from)
}

// lingering is how long a refused client is given to hear it.
const lingering = time.Second

// deny tells a TLS client that it is refused. What it may still send is thrown away: a reset would overtake the alert.
func (g *Gate) deny(v visitor, client *net.TCPConn, host string, why Why) {
	g.refuse(v, host, why)
	client.SetDeadline(time.Now().Add(lingering))
	if _, err := client.Write(accessDenied); err == nil && client.CloseWrite() == nil {
		io.Copy(io.Discard, io.LimitReader(client, longestHello))
	}
}
