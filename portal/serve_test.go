package portal_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parvis/portal"
)

// wires is a listener whose connections are pipes: inside a synctest bubble the real deadlines pass in no time.
type wires struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newWires() *wires { return &wires{conns: make(chan net.Conn), done: make(chan struct{})} }

func (w *wires) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.done:
		return nil, net.ErrClosed
	}
}

func (w *wires) Close() error   { w.once.Do(func() { close(w.done) }); return nil }
func (w *wires) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(10, 20, 0, 1), Port: 8080} }

type from struct {
	net.Conn
	addr net.Addr
}

func (f from) RemoteAddr() net.Addr { return f.addr }

// dial connects a client with the address a.
func (w *wires) dial(a string) net.Conn {
	client, server := net.Pipe()
	w.conns <- from{server, net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(a), 40000))}
	return client
}

// serving runs Serve around a test and stops it.
func serving(t *testing.T, h http.Handler, log io.Writer, test func(*wires)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWires()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- portal.Serve(ctx, w, h, slog.New(slog.NewTextHandler(log, nil))) }()
		test(w)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		w.WriteHeader(http.StatusRequestTimeout)
	}
})

// answered reports the status that a client gets; 0 when the connection was closed without one.
func answered(c net.Conn) int {
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0
	}
	r.Body.Close()
	return r.StatusCode
}

func TestSlowClientsAreCut(t *testing.T) {
	for _, tc := range []struct {
		name, sent string
		after      time.Duration
		want       int
	}{
		{"who says nothing", "", 5 * time.Second, 0},
		{"who does not finish the header", "GET / HTTP/1.1\r\nHost: a\r\n", 5 * time.Second, 0},
		{"who does not finish the body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nl=", 10 * time.Second, http.StatusRequestTimeout},
		{"who keeps the connection", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0, http.StatusOK},
	} {
		t.Run(tc.name, func(t *testing.T) {
			serving(t, hello, io.Discard, func(w *wires) {
				c := w.dial("10.20.0.11")
				defer c.Close()
				start := time.Now()
				if tc.sent != "" {
					if _, err := io.WriteString(c, tc.sent); err != nil {
						t.Fatal(err)
					}
				}
				if got := answered(c); got != tc.want {
					t.Errorf("status %d, expected %d", got, tc.want)
				}
				if got := time.Since(start).Round(time.Second); got != tc.after {
					t.Errorf("after %v, expected %v", got, tc.after)
				}
				_, _ = io.Copy(io.Discard, c) // until it is closed
				if got := time.Since(start); got > 16*time.Second {
					t.Errorf("the connection stayed for %v", got)
				}
			})
		})
	}
}

// refused checks that a connection is closed before any time has passed.
func refused(t *testing.T, c net.Conn) {
	t.Helper()
	start := time.Now()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) || time.Since(start) > 0 {
		t.Errorf("one connection too many ended with %v after %v, expected %v at once", err, time.Since(start), io.EOF)
	}
}

func TestAnAddressHasSoManyConnections(t *testing.T) {
	serving(t, hello, io.Discard, func(w *wires) {
		var cs []net.Conn
		for range 32 {
			cs = append(cs, w.dial("10.20.0.11"))
		}
		synctest.Wait()
		extra := w.dial("10.20.0.11")
		refused(t, extra)
		neighbour := w.dial("10.20.0.12")
		fmt.Fprint(neighbour, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if got := answered(neighbour); got != http.StatusOK {
			t.Errorf("a neighbour gets status %d", got)
		}
		cs[0].Close()
		synctest.Wait()
		again := w.dial("10.20.0.11")
		fmt.Fprint(again, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if got := answered(again); got != http.StatusOK {
			t.Errorf("after one has gone, the next gets status %d", got)
		}
		for _, c := range append(cs, neighbour, again) {
			c.Close()
		}
	})
}

func TestAllTogetherHaveSoManyConnections(t *testing.T) {
	serving(t, hello, io.Discard, func(w *wires) {
		var cs []net.Conn
		for i := range 1024 {
			cs = append(cs, w.dial(fmt.Sprintf("10.20.%d.%d", i/32, i%32)))
		}
		synctest.Wait()
		extra := w.dial("10.20.255.1")
		refused(t, extra)
		for _, c := range cs {
			c.Close()
		}
		synctest.Wait()
		next := w.dial("10.20.255.1")
		fmt.Fprint(next, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if got := answered(next); got != http.StatusOK {
			t.Errorf("after all have gone, the next gets status %d", got)
		}
		next.Close()
	})
}

func TestAnswersUnderWayFinishWhenTheServerStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := make(chan struct{})
		slow := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(begun)
			time.Sleep(2 * time.Second)
			w.WriteHeader(http.StatusTeapot)
		})
		w := newWires()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- portal.Serve(ctx, w, slow, slog.New(slog.DiscardHandler)) }()
		c := w.dial("10.20.0.11")
		defer c.Close()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		<-begun
		cancel()
		if got := answered(c); got != http.StatusTeapot {
			t.Errorf("status %d", got)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestAHandlerThatNeverEndsDoesNotHoldTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, release := make(chan struct{}), make(chan struct{})
		w := newWires()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- portal.Serve(ctx, w, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(begun); <-release }), slog.New(slog.DiscardHandler))
		}()
		c := w.dial("10.20.0.11")
		defer c.Close()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		<-begun
		start := time.Now()
		cancel()
		if err := <-done; err != nil || time.Since(start) > 3*time.Second {
			t.Errorf("it took %v: %v", time.Since(start), err)
		}
		close(release)
	})
}

func TestAListenerThatFailsIsAnError(t *testing.T) {
	w := newWires()
	w.Close()
	if err := portal.Serve(t.Context(), w, hello, slog.New(slog.DiscardHandler)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, expected %v", err, net.ErrClosed)
	}
}

// net/http logs clients' addresses, with panics and failed handshakes.
func TestTheServerLogsNoAddress(t *testing.T) {
	var log bytes.Buffer
	serving(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("3c:22:fb:00:00:01") }), &log, func(w *wires) {
		c := w.dial("10.20.0.11")
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if got := answered(c); got != 0 {
			t.Errorf("status %d", got)
		}
		c.Close()
	})
	if log.Len() != 0 {
		t.Errorf("the log says %q", &log)
	}
	accept := portal.AcceptErrors(slog.New(slog.NewTextHandler(&log, nil)))
	fmt.Fprint(accept, "http: Accept error: accept tcp4: too many open files; retrying in 5ms\n")
	if !bytes.Contains(log.Bytes(), []byte("too many open files")) {
		t.Errorf("a lack of descriptors is not logged: %q", &log)
	}
}

// The API tells TLS from plain HTTP by the connection: limiting must not hide its kind.
func TestALimitedTLSListenerIsStillTLS(t *testing.T) {
	cert := httptest.NewUnstartedServer(nil)
	cert.StartTLS()
	defer cert.Close()
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	seen := make(chan bool, 1)
	go func() {
		done <- portal.Serve(ctx, tls.NewListener(raw, cert.TLS), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.TLS != nil }), slog.New(slog.DiscardHandler))
	}()
	c := cert.Client()
	r, err := c.Get("https://" + raw.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	if !<-seen {
		t.Error("the handler sees plain HTTP")
	}
	c.CloseIdleConnections()
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
