package gate

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"parvis/kiosk/names"
)

// ServeProxy serves browsers that know it for their proxy, until ctx ends. It closes ln.
func (g *Gate) ServeProxy(ctx context.Context, ln net.Listener) error {
	return g.serveHTTP(ctx, ln, false)
}

// ServeRelayHTTP serves plain HTTP clients that were led here and know nothing of it, by their Host, until ctx ends. It closes ln.
func (g *Gate) ServeRelayHTTP(ctx context.Context, ln net.Listener) error {
	return g.serveHTTP(ctx, ln, true)
}

// serveHTTP is either. Requests are net/http's to read, so that what it does not understand goes no further, and are written anew.
func (g *Gate) serveHTTP(ctx context.Context, ln net.Listener, relay bool) error {
	d := newDoor(ln, g.opt.Bounds)
	h := &handler{gate: g, door: d, relay: relay}
	defer d.wait()
	ctx, cancel := context.WithCancel(ctx)
	defer g.cutWhere(func(f *flow) bool { return f.relay == relay })
	defer d.shut()
	defer cancel()
	srv := &http.Server{
		Handler:                      h,
		DisableGeneralOptionsHandler: true,
		ReadHeaderTimeout:            g.opt.Hello,
		IdleTimeout:                  time.Minute,
		MaxHeaderBytes:               g.opt.Header,
		ErrorLog:                     log.New(io.Discard, "", 0), // it would hold addresses of devices
		BaseContext:                  func(net.Listener) context.Context { return ctx },
		ConnContext:                  func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, client{}, c) },
		ConnState: func(c net.Conn, s http.ConnState) {
			if s == http.StateClosed {
				d.leave(c)
			}
		},
	}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(d); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// client is the key of a request's *net.TCPConn in its context.
type client struct{}

// handler decides about requests.
type handler struct {
	gate  *Gate
	door  *door
	relay bool
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tcp, ok := r.Context().Value(client{}).(*net.TCPConn)
	if !ok {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	g, v := h.gate, visitor{ip: address(tcp), relay: h.relay}
	if v.mac, ok = g.opt.Who(v.ip); !ok {
		g.answer(w, r, http.StatusForbidden, Unknown)
		return
	}
	connect := r.Method == http.MethodConnect
	if connect && h.relay || !connect && !h.relay && r.URL.Host == "" { // a request that is not for a proxy, or for another one
		g.answer(w, r, http.StatusBadRequest, "")
		return
	}
	port := "80"
	if connect {
		port = "443"
	}
	if !connect && r.URL.Host != "" && r.URL.Scheme != "http" {
		port = "" // none that would be right
	}
	host, why := target(r.Host, port)
	if connect && !strings.HasSuffix(r.Host, ":443") {
		why = cmp.Or(why, Port)
	}
	if why != "" {
		g.refuse(v, host, why)
		g.answer(w, r, http.StatusForbidden, why)
		return
	}
	if connect {
		h.connect(w, r, v, tcp, host)
		return
	}
	g.forward(w, r, v, tcp, host)
}

// target returns the host of an authority (RFC 3986 §3.2) whose port must be the one given. None is that one.
func target(authority, port string) (host string, why Why) {
	name, given := authority, port
	if i := strings.LastIndexByte(authority, ':'); i >= 0 && !strings.HasSuffix(authority, "]") {
		name, given = authority[:i], authority[i+1:]
	}
	host, err := names.Host(name)
	switch {
	case err != nil:
		return "", spelling(err)
	case given != port || port == "":
		return host, Port
	}
	return host, ""
}

func spelling(err error) Why {
	if errors.Is(err, names.ErrAddress) {
		return Literal
	}
	return BadName
}

// because is what is the policy's in a failure to connect; "" is nothing.
func because(err error) Why {
	if errors.Is(err, errInside) {
		return Inside
	}
	return ""
}

// refuse tells whoever wants to know; of a device that nobody knows there is nothing to tell.
func (g *Gate) refuse(v visitor, host string, why Why) {
	if g.opt.Refused != nil && why != "" && why != Unknown {
		g.opt.Refused(Refusal{MAC: v.mac, IPv4: v.ip, Host: host, Why: why})
	}
}

// connect is CONNECT: the host is dialled first, so that a browser hears whether it can be; then the client must speak TLS to it.
func (h *handler) connect(w http.ResponseWriter, r *http.Request, v visitor, tcp *net.TCPConn, host string) {
	g := h.gate
	f, why := g.call(r.Context(), v, tcp, host)
	if f == nil {
		g.refuse(v, host, why)
		g.answer(w, r, status(why), why)
		return
	}
	_, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		g.end(f)
		return
	}
	first, _ := buf.Reader.Peek(buf.Reader.Buffered()) // what is buffered cannot fail to be read
	first = append([]byte(nil), first...)
	// On a goroutine of its own: the request, its header and buffers are given back, and a tunnel costs only itself.
	go func() {
		defer h.door.leave(tcp)
		g.tunnel(f, first)
	}()
}

// tunnel serves a client whose CONNECT was let in: its hello must be for a name that is allowed too. It closes the client.
func (g *Gate) tunnel(f *flow, first []byte) {
	defer f.client.Close()
	defer g.end(f)
	if _, err := f.client.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
		return
	}
	host, taken, ok := g.hear(f.visitor, f.client, first)
	if !ok {
		return
	}
	if why := g.also(f, host); why != "" {
		g.deny(f.visitor, f.client, host, why)
		return
	}
	g.carry(f, taken)
}

// status is the answer to a client whose flow did not come about.
func status(why Why) int {
	if why == "" {
		return http.StatusBadGateway
	}
	return http.StatusForbidden
}
