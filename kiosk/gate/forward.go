package gate

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// forward passes one plain HTTP request on, by a connection beyond of its own: the next may be another session's. ReverseProxy takes
// out what is between two hops (RFC 9110 §7.6.1) and, used so, says nothing of who asked.
func (g *Gate) forward(w http.ResponseWriter, r *http.Request, v visitor, tcp *net.TCPConn, host string) {
	ctx, cancel := context.WithTimeout(r.Context(), g.opt.Dial)
	f, why := g.begin(ctx, v, tcp, cancel, host)
	if f == nil {
		cancel()
		g.refuse(v, host, why)
		g.answer(w, r, status(why), why)
		return
	}
	defer g.end(f)
	if err := g.connect(ctx, f, host, 80); err != nil {
		why = because(err)
		g.refuse(v, host, why)
		g.answer(w, r, status(why), why)
		return
	}
	transport := &http.Transport{
		DisableKeepAlives:  true,
		DisableCompression: true,
		DialContext:        func(context.Context, string, string) (net.Conn, error) { return lent{f.beyond}, nil },

		MaxResponseHeaderBytes: int64(g.opt.Header),
	}
	defer transport.CloseIdleConnections()
	// Some sites answer while they are still being sent to.
	http.NewResponseController(w).EnableFullDuplex()
	// A change of protocol would be a tunnel whose content nobody has looked at.
	r.Header.Del("Upgrade")
	(&httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL = &url.URL{Scheme: "http", Host: host, Path: p.In.URL.Path, RawPath: p.In.URL.RawPath, RawQuery: p.In.URL.RawQuery}
			p.Out.Host = host
		},
		ErrorLog:     log.New(io.Discard, "", 0), // it would hold names
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, _ error) { g.answer(w, r, http.StatusBadGateway, "") },
	}).ServeHTTP(w, r)
}

// lent is a flow's connection in the hands of net/http: the flow closes it, once it has read the kernel's counts.
type lent struct{ *net.TCPConn }

func (lent) Close() error { return nil }
