package portal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// limits is what one listener gives to strangers.
type limits struct {
	header, read, write, idle time.Duration
	headerBytes               int // request line and header together
	perAddress, all           int // connections
	goodbye                   time.Duration
}

var defaultLimits = limits{
	header: 5 * time.Second, read: 10 * time.Second, write: 15 * time.Second, idle: 15 * time.Second,
	headerBytes: 8 << 10,
	perAddress:  32, all: 1024,
	goodbye: 3 * time.Second,
}

// slack is what net/http adds to MaxHeaderBytes by itself (Server.initialReadLimitSize).
const slack = 4 << 10

// Serve answers on ln until ctx ends, then lets the answers under way finish for at most three seconds. ln may be one
// of crypto/tls. A client's header is at most 8 kB in 5 s, its whole request 10 s; an address has at most
// 32 connections, all together 1,024, and one too many is closed at once.
func Serve(ctx context.Context, ln net.Listener, h http.Handler, log *slog.Logger) error {
	return serve(ctx, ln, h, log, defaultLimits)
}

func serve(ctx context.Context, ln net.Listener, h http.Handler, logger *slog.Logger, l limits) error {
	limited := &limiter{Listener: ln, perAddress: l.perAddress, all: l.all, count: map[netip.Addr]int{}}
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: l.header,
		ReadTimeout:       l.read,
		WriteTimeout:      l.write,
		IdleTimeout:       l.idle,
		MaxHeaderBytes:    l.headerBytes - slack,
		ConnState:         limited.state,
		ErrorLog:          log.New(acceptErrors{logger}, "", 0),
	}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(limited) }()
	select {
	case err := <-done:
		return fmt.Errorf("portal: serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.goodbye)
	defer cancel()
	if err := srv.Shutdown(bye); err != nil {
		_ = srv.Close() // those who have not finished by now are cut
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("portal: serve %s: %w", ln.Addr(), err)
	}
	return nil
}

// acceptErrors passes on the only lines of net/http's log without a client's address in them.
type acceptErrors struct{ log *slog.Logger }

func (a acceptErrors) Write(line []byte) (int, error) {
	if bytes.HasPrefix(line, []byte("http: Accept error")) {
		a.log.Warn("portal: accept a connection", "error", string(bytes.TrimSpace(line)))
	}
	return len(line), nil
}

// limiter is a listener that gives each address, and all of them together, so many connections at once. It hands the
// connections on as they are, because net/http must see that one is TLS; state gives a place back.
type limiter struct {
	net.Listener
	perAddress, all int

	mu    sync.Mutex
	count map[netip.Addr]int // without zeroes, so at most `all` entries
	total int
}

// Accept implements net.Listener.
func (l *limiter) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.take(remote(c)) {
			return c, nil
		}
		_ = c.Close() // it is refused either way
	}
}

func (l *limiter) take(a netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total >= l.all || l.count[a] >= l.perAddress {
		return false
	}
	l.total++
	l.count[a]++
	return true
}

// state is http.Server's ConnState.
func (l *limiter) state(c net.Conn, s http.ConnState) {
	if s != http.StateClosed && s != http.StateHijacked {
		return
	}
	a := remote(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total--
	if l.count[a]--; l.count[a] <= 0 {
		delete(l.count, a)
	}
}

func remote(c net.Conn) netip.Addr {
	if t, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		return t.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
