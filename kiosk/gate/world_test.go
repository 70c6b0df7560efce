package gate_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parvis/internal/clock"
	"parvis/internal/lab"
	"parvis/internal/mac"
	"parvis/kiosk/gate"
	"parvis/kiosk/names"
)

// Some tests need the kernel with rights, in a network of their own; all of them end what they began.
func TestMain(m *testing.M) {
	lab.Main(func() int {
		code := m.Run()
		if err := goleak.Find(); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	})
}

// soon bounds every wait that only a failure reaches the end of.
const soon = 20 * time.Second

var (
	post     = mac.Addr{2, 0, 0, 0, 0, 1} // at 127.0.0.1
	other    = mac.Addr{2, 0, 0, 0, 0, 2} // at 127.0.0.2
	postIP   = netip.MustParseAddr("127.0.0.1")
	otherIP  = netip.MustParseAddr("127.0.0.2")
	caf      = netip.MustParseAddr("203.0.113.10")
	mischief = netip.MustParseAddr("203.0.113.66")
)

// world is a gate with its clients and the internet in one process.
type world struct {
	t       *testing.T
	gate    *gate.Gate
	clock   *clock.Fake
	proxy   string
	relay   string
	plain   string
	secure  *httptest.Server // every host's TLS
	roots   *x509.CertPool
	mu      sync.Mutex
	answers map[string][]netip.Addr
	asked   int    // of the resolver
	hold    func() // what the resolver does first
	dialled []netip.AddrPort
	refused []gate.Refusal
	own     netip.Addr
	since   func() bool       // own is ours from when it says so on
	to      map[uint16]string // where port 80 and 443 of the internet really are
}

// newWorld has the hosts www.caf.fr, other.caf.fr and evil.example, of which the first two are allowed to the post that has slot 16.
func newWorld(t *testing.T, handler http.HandlerFunc, change ...func(*gate.Options)) *world {
	t.Helper()
	w := &world{t: t, clock: clock.NewFake(), to: map[uint16]string{}, own: netip.MustParseAddr("203.0.113.1"), answers: map[string][]netip.Addr{
		"www.caf.fr.": {caf}, "other.caf.fr.": {caf}, "evil.example.": {mischief},
	}}
	if handler == nil {
		handler = func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, "hello from "+r.Host) }
	}
	w.secure = httptest.NewUnstartedServer(handler)
	w.secure.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes are broken off on purpose
	w.secure.StartTLS()
	t.Cleanup(w.secure.Close)
	plain := httptest.NewServer(handler)
	t.Cleanup(plain.Close)
	w.to[443], w.to[80] = w.secure.Listener.Addr().String(), plain.Listener.Addr().String()
	w.roots = x509.NewCertPool()
	w.roots.AddCert(w.secure.Certificate())

	o := gate.Options{
		Clock: w.clock, Resolver: w,
		Who: func(a netip.Addr) (mac.Addr, bool) {
			m, ok := map[netip.Addr]mac.Addr{postIP: post, otherIP: other}[a]
			return m, ok
		},
		Own: func(a netip.Addr) bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return a == w.own && (w.since == nil || w.since())
		},
		Refused: func(r gate.Refusal) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.refused = append(w.refused, r)
		},
		AtDesk: "au comptoir", Home: "http://192.0.2.1/kiosk/",
	}
	for _, f := range change {
		f(&o)
	}
	w.gate = gate.New(o)
	t.Cleanup(w.gate.Close)
	w.gate.Divert(func(a netip.AddrPort) string {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.dialled = append(w.dialled, a)
		return w.to[a.Port()]
	})
	w.proxy = w.serve(w.gate.ServeProxy)
	w.relay = w.serve(w.gate.ServeRelay)
	w.plain = w.serve(w.gate.ServeRelayHTTP)
	w.gate.Allow(post, names.List{".caf.fr"})
	w.put(w.grant())
	return w
}

// serve runs a listener for as long as the test.
func (w *world) serve(f func(context.Context, net.Listener) error) string {
	w.t.Helper()
	ln := w.listen()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx, ln) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	return ln.Addr().String()
}

func (w *world) listen() net.Listener {
	w.t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	return ln
}

// grant is the post's, for an hour.
func (w *world) grant() gate.Grant {
	return gate.Grant{Slot: 16, MAC: post, IPv4: postIP, End: w.clock.Boot().Add(time.Hour), Profile: "poste"}
}

func (w *world) put(g gate.Grant) {
	w.t.Helper()
	if err := w.gate.Put(g); err != nil {
		w.t.Fatal(err)
	}
}

// LookupNetIP is the gate's resolver.
func (w *world) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	w.mu.Lock()
	hold := w.hold
	w.mu.Unlock()
	if hold != nil {
		hold()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if a, ok := w.answers[host]; ok {
		return slices.Clone(a), nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func (w *world) answer(host string, a ...netip.Addr) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers[host+"."] = a
}

func (w *world) ownAfter(f func() bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since = f
}

// slow makes the resolver call f before it answers.
func (w *world) slow(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hold = f
}

// whys are the reasons of the refusals so far.
func (w *world) whys() (all []gate.Why) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.refused {
		all = append(all, r.Why)
	}
	return all
}

func (w *world) dials() []netip.AddrPort {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.dialled)
}

// until waits for a condition.
func (w *world) until(what string, so func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(soon); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("not within %v: %s", soon, what)
		}
	}
}

// dial connects from an address of this machine.
func (w *world) dial(from netip.Addr, to string) *net.TCPConn {
	w.t.Helper()
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
	c, err := d.Dial("tcp4", to)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(soon))
	return c.(*net.TCPConn)
}

// ask sends text to the proxy and returns the answer's status, 0 when it was cut before, and what the connection is then.
func (w *world) ask(from netip.Addr, text string) (int, *net.TCPConn, *bufio.Reader) {
	w.t.Helper()
	c := w.dial(from, w.proxy)
	if _, err := io.WriteString(c, text); err != nil {
		w.t.Fatal(err)
	}
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, &http.Request{Method: "CONNECT"})
	switch {
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.ErrUnexpectedEOF):
		return 0, c, r
	case err != nil:
		w.t.Errorf("answer to %q: %v", text, err)
		return 0, c, r
	}
	return resp.StatusCode, c, r
}

// connect opens a tunnel of the post to a host.
func (w *world) connect(host string) *net.TCPConn {
	w.t.Helper()
	status, c, r := w.ask(postIP, "CONNECT "+host+":443 HTTP/1.1\r\nHost: "+host+":443\r\n\r\n")
	if status != http.StatusOK || r.Buffered() > 0 {
		w.t.Fatalf("CONNECT %s: %d, and %d bytes", host, status, r.Buffered())
	}
	return c
}

// tunnel opens one and shakes hands inside for a server name.
func (w *world) tunnel(host, server string) (*tls.Conn, error) {
	c := tls.Client(w.connect(host), w.tls(server))
	return c, c.Handshake()
}

// tls trusts the internet's certificate, whichever name it is asked for.
func (w *world) tls(server string) *tls.Config {
	return &tls.Config{
		ServerName: server, InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: w.roots})
			return err
		},
	}
}

// browser is an HTTP client that uses the proxy.
func (w *world) browser(from netip.Addr) *http.Client {
	proxy := &url.URL{Scheme: "http", Host: w.proxy}
	tr := &http.Transport{
		Proxy:           http.ProxyURL(proxy),
		DialContext:     (&net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}).DialContext,
		TLSClientConfig: w.tls(""),
	}
	w.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: soon}
}

// get returns a page's status and text.
func (w *world) get(from netip.Addr, address string) (int, string) {
	w.t.Helper()
	resp, err := w.browser(from).Get(address)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// wantCut fails unless a connection ends with nothing more to read.
func (w *world) wantCut(c io.Reader) {
	w.t.Helper()
	n, err := io.Copy(io.Discard, c)
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		w.t.Errorf("the connection is still there after %d bytes", n)
	}
}
