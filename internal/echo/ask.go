package echo

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// ErrAnswer is wrapped when what answers is no echo service.
var ErrAnswer = errors.New("echo: an answer that no echo service gives")

// Asker asks an echo service.
type Asker struct {
	URL     *url.URL                                                             // of the service: http://host:port
	Control func(network, address string, conn syscall.RawConn) error            // of every socket, before it connects: its mark
	Dial    func(ctx context.Context, network, address string) (net.Conn, error) // instead of the system's; Control is not used then
	Timeout time.Duration                                                        // of one question; 0: 5 s
}

// Seen is how one connection looked outside.
type Seen struct {
	Network string         `json:"network"` // tcp or udp
	At      netip.AddrPort `json:"at"`
}

// Ask makes n connections over TCP and n over UDP, one after the other, each from a port of its own. It stops at the first that has
// no answer: the error says which, and what was seen before is returned.
func (a Asker) Ask(ctx context.Context, n int) ([]Seen, error) {
	var all []Seen
	for _, one := range []struct {
		network string
		ask     func(context.Context) (netip.AddrPort, error)
	}{{"tcp", a.tcp}, {"udp", a.udp}} {
		for range n {
			at, err := one.ask(ctx)
			if err != nil {
				return all, fmt.Errorf("echo: ask %s over %s: %w", a.URL.Host, one.network, err)
			}
			all = append(all, Seen{one.network, at})
		}
	}
	return all, nil
}

func (a Asker) dial(ctx context.Context, network string) (net.Conn, error) {
	if a.Dial != nil {
		return a.Dial(ctx, network+"4", a.host())
	}
	d := net.Dialer{Control: a.Control}
	return d.DialContext(ctx, network+"4", a.host()) // blocks are of IPv4: IPv6 is not translated
}

func (a Asker) host() string {
	if a.URL.Port() == "" {
		return net.JoinHostPort(a.URL.Hostname(), "80")
	}
	return a.URL.Host
}

func (a Asker) timeout() time.Duration {
	if a.Timeout == 0 {
		return 5 * time.Second
	}
	return a.Timeout
}

func (a Asker) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, MaxResponseHeaderBytes: 8 << 10,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return a.dial(ctx, "tcp") },
	}}
}

func (a Asker) tcp(ctx context.Context) (netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout())
	defer cancel()
	resp, err := a.get(ctx, PathSeen)
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 100))
	if err != nil {
		return netip.AddrPort{}, err
	}
	return parse(strings.TrimSuffix(string(b), "\n"))
}

func (a Asker) get(ctx context.Context, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL.JoinPath(path).String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := a.client().Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, fmt.Errorf("%w: %s", ErrAnswer, resp.Status)
	}
	return resp, nil
}

// udp asks up to three times: a datagram may be lost without anything being wrong.
func (a Asker) udp(ctx context.Context) (netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout())
	defer cancel()
	c, err := a.dial(ctx, "udp")
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })()
	question := append([]byte(greeting), make([]byte, questionSize-len(greeting))...)
	nonce := question[len(greeting):][:nonceSize]
	rand.Read(nonce) // never fails since Go 1.24
	b := make([]byte, questionSize)
	for range 3 {
		if _, err = c.Write(question); err != nil {
			return netip.AddrPort{}, err
		}
		if err := c.SetReadDeadline(time.Now().Add(a.timeout() / 3)); err != nil {
			return netip.AddrPort{}, err
		}
		var n int
		if n, err = c.Read(b); err != nil {
			if ctx.Err() != nil {
				return netip.AddrPort{}, err
			}
			continue
		}
		if !bytes.HasPrefix(b[:n], nonce) {
			return netip.AddrPort{}, ErrAnswer
		}
		return parse(string(b[nonceSize:n]))
	}
	return netip.AddrPort{}, err
}

func parse(s string) (netip.AddrPort, error) {
	at, err := netip.ParseAddrPort(s)
	if err != nil || !at.Addr().Is4() || at.Port() == 0 {
		return netip.AddrPort{}, ErrAnswer
	}
	return at, nil
}

// Block is ports from First to Last.
type Block struct{ First, Last uint16 }

// Finding is what the answers say together.
type Finding struct {
	Address     netip.Addr // by which we are known outside; the zero Addr when not all connections had the same one
	SameAddress bool       // it is one of the router's own
	SamePorts   bool       // every port was of the block
	Strange     []uint16   // the ports that were not
}

// Judge compares what was seen with the block that the connections were made from and the router's own addresses.
func Judge(seen []Seen, block Block, own []netip.Addr) Finding {
	f := Finding{SamePorts: len(seen) > 0}
	for i, s := range seen {
		switch {
		case i == 0:
			f.Address = s.At.Addr()
		case f.Address != s.At.Addr():
			f.Address = netip.Addr{}
		}
		if p := s.At.Port(); p < block.First || p > block.Last {
			f.SamePorts = false
			f.Strange = append(f.Strange, p)
		}
	}
	for _, a := range own {
		f.SameAddress = f.SameAddress || f.Address.IsValid() && a == f.Address
	}
	return f
}

// Rate is how fast a line was.
type Rate struct{ Down, Up uint64 } // bits per second

// Measure fills the line for about d each way. The service must measure (Server.Measure).
func (a Asker) Measure(ctx context.Context, d time.Duration) (r Rate, err error) {
	if r.Down, err = a.measureDown(ctx, d); err != nil {
		return r, fmt.Errorf("echo: measure down from %s: %w", a.URL.Host, err)
	}
	if r.Up, err = a.measureUp(ctx, d); err != nil {
		return r, fmt.Errorf("echo: measure up to %s: %w", a.URL.Host, err)
	}
	return r, nil
}

// slack is how much longer than what is measured a measure may take altogether: names, connecting, a full line's queue.
const slack = 10 * time.Second

func (a Asker) measureDown(ctx context.Context, d time.Duration) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, d+slack)
	defer cancel()
	resp, err := a.get(ctx, PathDown)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	began := time.Now()
	b, n := make([]byte, 64<<10), 0
	for time.Since(began) < d {
		k, err := resp.Body.Read(b)
		n += k
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return 0, err
		}
	}
	return rate(n, time.Since(began)), nil
}

// upload is bytes for so long; it ends by itself, so that the service can say how many it has got.
type upload struct {
	until time.Time
	sent  int
}

func (u *upload) Read(b []byte) (int, error) {
	if !time.Now().Before(u.until) || u.sent >= measureBytes-len(b) {
		return 0, io.EOF
	}
	u.sent += len(b)
	return len(b), nil
}

func (a Asker) measureUp(ctx context.Context, d time.Duration) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, d+slack)
	defer cancel()
	began := time.Now()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL.JoinPath(PathUp).String(), &upload{until: began.Add(d)})
	if err != nil {
		return 0, err
	}
	resp, err := a.client().Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var n int
	if _, err := fmt.Fscan(io.LimitReader(resp.Body, 100), &n); err != nil || resp.StatusCode != http.StatusOK || n < 0 {
		return 0, fmt.Errorf("%w: %s", ErrAnswer, resp.Status)
	}
	return rate(n, time.Since(began)), nil
}

func rate(bytes int, took time.Duration) uint64 {
	return uint64(float64(bytes) * 8 / took.Seconds())
}
