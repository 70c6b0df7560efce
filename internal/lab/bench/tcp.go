package bench

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"parvis/internal/lab"
)

// streams compares TCP through both, up and down, in bits per second of payload, with frames of 1,514 bytes.
func (r *run) streams(ctx context.Context, n int, backend string, with, without *path) error {
	for _, up := range []bool{true, false} {
		stream := func(p *path) func() (float64, error) {
			return func() (float64, error) {
				s, err := dialStream(ctx, p.device, p.host, up)
				if err != nil {
					return 0, err
				}
				defer s.close()
				s.measure(r.round / 2) // the window opens
				return s.measure(r.round) / 1e6, nil
			}
		}
		p, err := alternate(r.scale.rounds, stream(with), stream(without))
		if err != nil {
			return fmt.Errorf("tcp with %d admitted: %w", n, err)
		}
		f := p.figure(fmt.Sprintf("forward_tcp_%s_ratio_%d", map[bool]string{true: "up", false: "down"}[up], n), "Mbit/s")
		f.Iptables = backend
		r.note(f)
	}
	return nil
}

// stream is a TCP connection from a device to a host beyond the line, kept full one way.
type stream struct {
	from, into net.Conn
	received   atomic.Uint64 // bytes
	ended      sync.WaitGroup
}

// dialStream connects and begins to send: up from the device, else to it.
func dialStream(ctx context.Context, device, host *lab.NS, up bool) (*stream, error) {
	ln, err := host.Listen(netip.AddrPortFrom(lab.Gateway(), 0).String())
	if err != nil {
		return nil, fmt.Errorf("bench: listen: %w", err)
	}
	defer ln.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	near, err := device.Dial(ctx, "tcp4", ln.Addr().String())
	if err != nil {
		return nil, fmt.Errorf("bench: dial: %w", err)
	}
	far, err := ln.Accept()
	if err != nil {
		near.Close()
		return nil, fmt.Errorf("bench: accept: %w", err)
	}
	from, into := near, far
	if !up {
		from, into = far, near
	}
	return newStream(from, into), nil
}

// newStream keeps a connection full from one end to the other until it is closed.
func newStream(from, into net.Conn) *stream {
	s := &stream{from: from, into: into}
	s.ended.Go(func() {
		buf := make([]byte, 128<<10)
		for {
			if _, err := from.Write(buf); err != nil {
				return
			}
		}
	})
	s.ended.Go(func() {
		buf := make([]byte, 128<<10)
		for {
			n, err := into.Read(buf)
			s.received.Add(uint64(n))
			if err != nil {
				return
			}
		}
	})
	return s
}

// measure returns the bits per second of payload that arrive during d.
func (s *stream) measure(d time.Duration) float64 {
	before, begun := s.received.Load(), time.Now()
	time.Sleep(d)
	return float64(s.received.Load()-before) * 8 / time.Since(begun).Seconds()
}

// close cuts it at once, whatever is still on its way (SO_LINGER 0, socket(7)).
func (s *stream) close() {
	for _, c := range []net.Conn{s.from, s.into} {
		if tcp, ok := c.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
		c.Close()
	}
	s.ended.Wait()
}
