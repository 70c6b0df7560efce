package bench

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"time"

	nl "github.com/vishvananda/netlink"

	"parvis/internal/lab"
)

// door is a gate on a router that also forwards: the same terminals reach the same host through the one or the other.
type door struct {
	*lab.Beside
	process *lab.Process
	orders  io.WriteCloser
	site    net.Listener // port 443 of the host beyond the line
	hello   []byte       // what a browser says first
}

// gate measures the name gate.
func (r *run) gate(ctx context.Context) (err error) {
	d, err := r.raiseGate(ctx, "gate")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	return errors.Join(r.gateThroughput(ctx, d), r.gateConnect(ctx, d), r.gateCut(ctx, d), r.gateMemory(ctx, d))
}

func (r *run) raiseGate(ctx context.Context, name string) (d *door, err error) {
	d = &door{}
	if d.Beside, err = r.beside(name, r.Backend); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	err = onLink(d.Device, "eth0", func(link nl.Link) error {
		for i := 2; i <= r.scale.devices; i++ { // the first is there
			if err := nl.AddrAdd(link, &nl.Addr{IPNet: &net.IPNet{IP: seat(i).AsSlice(), Mask: net.CIDRMask(16, 32)}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if d.hello, err = firstHello(); err != nil {
		return nil, err
	}
	if d.site, err = d.Host.Listen(netip.AddrPortFrom(lab.Gateway(), 443).String()); err != nil {
		return nil, fmt.Errorf("bench: gate: %w", err)
	}
	argv := append(slices.Clone(r.Gate), strconv.Itoa(r.scale.devices))
	cmd := exec.Command(argv[0], argv[1:]...)
	if d.orders, err = cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("bench: gate: %w", err)
	}
	if d.process, err = d.Router.Spawn(cmd); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(startWithin); ; time.Sleep(20 * time.Millisecond) {
		c, err := d.Device.Dial(ctx, "tcp4", gateAddress)
		if err == nil {
			return d, c.Close()
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return nil, fmt.Errorf("bench: the gate does not listen: %w\n%s", err, d.process.Log())
		}
	}
}

func (d *door) close() error {
	var errs []error
	if d.site != nil {
		d.site.Close()
	}
	if d.process != nil {
		errs = append(errs, d.process.Kill())
	}
	return errors.Join(append(errs, d.Beside.Close())...)
}

// firstHello is the ClientHello of a TLS client that asks for gateSite.
func firstHello() ([]byte, error) {
	here, there := net.Pipe()
	defer here.Close()
	go tls.Client(there, &tls.Config{ServerName: gateSite}).Handshake() // ends with the pipe
	b := make([]byte, 16<<10)
	n, err := here.Read(b)
	if err != nil {
		return nil, fmt.Errorf("bench: make a ClientHello: %w", err)
	}
	return b[:n], nil
}

// dial connects from a terminal's address.
func (d *door) dial(ctx context.Context, terminal int, to string) (c net.Conn, err error) {
	dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(seat(terminal), 0)), Timeout: 10 * time.Second}
	dialer.SetMultipathTCP(false)
	err = d.Device.Do(func() error {
		c, err = dialer.DialContext(ctx, "tcp4", to)
		return err
	})
	return c, err
}

// connect is a browser's CONNECT, until it has been answered well.
func (d *door) connect(ctx context.Context, terminal int) (net.Conn, error) {
	c, err := d.dial(ctx, terminal, gateAddress)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(10 * time.Second))
	_, err = io.WriteString(c, "CONNECT "+gateSite+":443 HTTP/1.1\r\nHost: "+gateSite+":443\r\n\r\n")
	if err == nil {
		var resp *http.Response
		// What follows an answer to CONNECT is the client's turn: nothing is left in the buffer.
		if resp, err = http.ReadResponse(bufio.NewReader(c), &http.Request{Method: http.MethodConnect}); err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("bench: CONNECT: %s", resp.Status)
		}
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	c.SetDeadline(time.Time{})
	return c, nil
}

// tunnel is a terminal's tunnel after the hello, with its end at the site.
func (d *door) tunnel(ctx context.Context, terminal int) (near, far net.Conn, err error) {
	if near, err = d.connect(ctx, terminal); err != nil {
		return nil, nil, err
	}
	if far, err = d.site.Accept(); err == nil {
		if _, err = near.Write(d.hello); err == nil {
			_, err = io.ReadFull(far, make([]byte, len(d.hello)))
		}
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("bench: tunnel: %w", err), near.Close())
	}
	return near, far, nil
}

// direct is a connection that the router forwards and translates.
func (d *door) direct(ctx context.Context, terminal int) (near, far net.Conn, err error) {
	if near, err = d.dial(ctx, terminal, d.site.Addr().String()); err != nil {
		return nil, nil, err
	}
	far, err = d.site.Accept()
	return near, far, err
}

// gateThroughput compares one TCP connection through the gate with one that is forwarded, in payload.
func (r *run) gateThroughput(ctx context.Context, d *door) error {
	for _, way := range []struct {
		name string
		up   bool
	}{{"gate_throughput_ratio", false}, {"gate_throughput_up_ratio", true}} {
		stream := func(open func(context.Context, int) (near, far net.Conn, err error)) func() (float64, error) {
			return func() (float64, error) {
				from, into, err := open(ctx, 1)
				if err != nil {
					return 0, err
				}
				if !way.up {
					from, into = into, from
				}
				s := newStream(from, into)
				defer s.close()
				s.measure(r.round / 2) // the window opens
				return s.measure(r.round) / 1e6, nil
			}
		}
		p, err := alternate(r.scale.rounds, stream(d.tunnel), stream(d.direct))
		if err != nil {
			return err
		}
		r.note(p.figure(way.name, "Mbit/s"))
	}
	return nil
}

// gateConnect lets all terminals connect at once, through the gate until its answer and directly, in turn.
func (r *run) gateConnect(ctx context.Context, d *door) error {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			c, err := d.site.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	// The site belongs to the parts after this one again: its connections are told apart by nothing else.
	defer func() {
		addr := d.site.Addr().String()
		d.site.Close()
		<-gone
		d.site, _ = d.Host.Listen(addr)
	}()
	var with, without []float64
	for i := range r.scale.openings * 2 {
		for _, side := range []struct {
			took *[]float64
			open func(context.Context, int) (net.Conn, error)
		}{{&with, d.connect}, {&without, func(ctx context.Context, t int) (net.Conn, error) { return d.dial(ctx, t, d.site.Addr().String()) }}} {
			took, err := atOnce(r.scale.devices, func(t int) error {
				c, err := side.open(ctx, t)
				if err == nil {
					err = c.Close()
				}
				return err
			})
			if err != nil {
				return fmt.Errorf("bench: round %d: %w", i, err)
			}
			*side.took = append(*side.took, took...)
		}
	}
	for _, p := range []int{50, 99} {
		w, wo := percentile(with, p), percentile(without, p)
		r.note(Figure{Name: fmt.Sprintf("gate_connect_ms_p%d", p), Unit: "ms", Value: w - wo, With: w, Without: wo, Of: "ms"})
	}
	return nil
}

// atOnce lets n terminals do something at the same moment and returns how many milliseconds each took.
func atOnce(n int, do func(terminal int) error) ([]float64, error) {
	took, errs := make([]float64, n), make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			begun := time.Now()
			errs[i] = do(i + 1)
			took[i] = float64(time.Since(begun)) / float64(time.Millisecond)
		})
	}
	close(start)
	all.Wait()
	return took, errors.Join(errs...)
}
