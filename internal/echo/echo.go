// Package echo is a host outside that says from which address and port it was reached, and who asks it. A block of ports tells who
// used a public address only while nothing between the router and the internet writes other ports (docs/adr/0003); nobody
// inside can see that, so somebody outside is asked.
//
// The service answers with what it has seen and keeps nothing. A UDP answer is never longer than its question, so that a forged
// source address gains nothing.
package echo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/net/netutil"
	"golang.org/x/sync/errgroup"
)

// What is served at most.
const (
	mostMeasures = 2                // that fill a line at once
	measureBytes = 1 << 30          // of one measure
	measureTime  = 15 * time.Second // of one measure
	mostClients  = 200
)

// Paths of the service over HTTP. The same port answers questions over UDP.
const (
	PathSeen = "/"     // GET: address and port of who asks, as text
	PathDown = "/down" // GET: bytes until the client has enough, at most 1 GiB and 15 s
	PathUp   = "/up"   // POST: takes bytes, and answers how many
)

// Server is the service.
type Server struct {
	Measure bool // also serves PathDown and PathUp, which take bandwidth
}

// Serve answers over TCP and UDP at listen ("host:port") until ctx ends. ready is called once with the address in use.
func (s Server) Serve(ctx context.Context, listen string, ready func(net.Addr)) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	defer ln.Close()
	pc, err := new(net.ListenConfig).ListenPacket(ctx, "udp", ln.Addr().String())
	if err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	defer pc.Close()
	web := http.Server{
		Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 2 * measureTime, ReadTimeout: 2 * measureTime, IdleTimeout: 5 * time.Second,
		MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // who comes and goes is nobody's matter
	}
	if ready != nil {
		ready(ln.Addr())
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		if err := web.Serve(netutil.LimitListener(ln, mostClients)); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("echo: serve TCP: %w", err)
		}
		return nil
	})
	g.Go(func() error { return answerUDP(ctx, pc) })
	g.Go(func() error {
		<-ctx.Done()
		return errors.Join(web.Close(), pc.Close())
	})
	return g.Wait()
}

func (s Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Cache-Control", "no-store")
		fmt.Fprintln(w, plain(r.RemoteAddr))
	})
	if !s.Measure {
		return mux
	}
	places := make(chan struct{}, mostMeasures)
	measure := func(do http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			select {
			case places <- struct{}{}:
				defer func() { <-places }()
				do(w, r)
			default:
				w.Header().Set("Retry-After", "20")
				http.Error(w, "others measure their line now", http.StatusServiceUnavailable)
			}
		}
	}
	mux.HandleFunc("GET "+PathDown, measure(down))
	mux.HandleFunc("POST "+PathUp, measure(up))
	return mux
}

func down(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "no-store")
	block := bytes.Repeat([]byte("parvis"), 10_000)
	until := time.Now().Add(measureTime)
	for n := 0; n < measureBytes && time.Now().Before(until); n += len(block) {
		if _, err := w.Write(block); err != nil {
			return // the client has enough
		}
	}
}

func up(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, measureBytes))
	if err != nil {
		http.Error(w, "cut", http.StatusBadRequest)
		return
	}
	fmt.Fprintln(w, n)
}

// A question over UDP is questionSize bytes: the greeting, 16 bytes that only who asks knows, and filling. The answer has those 16
// bytes and the address as text.
const (
	greeting     = "parvis-echo 1\n"
	nonceSize    = 16
	questionSize = 96
)

func answerUDP(ctx context.Context, pc net.PacketConn) error {
	b := make([]byte, questionSize+1)
	for {
		n, from, err := pc.ReadFrom(b)
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return nil
			}
			continue // an error of one datagram, such as a refused answer
		}
		if a := answer(b[:n], from.String()); a != nil {
			pc.WriteTo(a, from) // best effort, as UDP is: who asks asks again
		}
	}
}

// answer is what a question gets; nil for what is none.
func answer(question []byte, from string) []byte {
	if len(question) != questionSize || !bytes.HasPrefix(question, []byte(greeting)) {
		return nil
	}
	a := append([]byte(nil), question[len(greeting):len(greeting)+nonceSize]...)
	return append(a, plain(from)...)
}

// plain writes an address as netip does, an IPv4 address that came over an IPv6 socket as IPv4.
func plain(address string) string {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return address
	}
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()).String()
}
