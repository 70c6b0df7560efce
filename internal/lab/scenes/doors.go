package scenes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// listen opens the demonstration's ports on this machine and returns what serves them.
func listen(o Options) (serve func(), err error) {
	portal, perr := net.Listen("tcp", cmp.Or(o.Listen, defaultListen))
	hub, herr := net.Listen("tcp", cmp.Or(o.Centre, defaultCentre))
	if err := errors.Join(perr, herr); err != nil {
		return nil, fmt.Errorf("un port de la démonstration n'est pas libre (--listen, --hub)\u00a0: %w", err)
	}
	return func() { // ends with the process
		go portalDoor.serve(portal)
		centreDoor.serve(hub)
	}, nil
}

func (d door) serve(ln net.Listener) {
	srv := http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: proxy(d.host, func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", d.path())
		}),
	}
	srv.Serve(ln)
}

// A cookie that is for HTTPS alone (__Host-) has another name on this machine's port, which has none.
const (
	secureCookie = "__Host-"
	plainCookie  = "demo-"
)

// proxy shows pages under another name than their own: requests are made to host, which thinks that it is visited under its own
// name, and addresses that lead to it stay where the reader is.
func proxy(host string, dial func(context.Context) (net.Conn, error)) http.Handler {
	inside := url.URL{Scheme: "http", Host: host}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&inside) // the Host header too
			if o := r.In.Header.Get("Origin"); o == "http://"+r.In.Host {
				r.Out.Header.Set("Origin", inside.String())
			}
			r.Out.Header.Del("Cookie")
			for _, c := range r.In.Cookies() {
				if name, ok := strings.CutPrefix(c.Name, plainCookie); ok {
					c.Name = secureCookie + name
				}
				r.Out.AddCookie(c)
			}
		},
		ModifyResponse: func(resp *http.Response) error {
			cookies := resp.Cookies()
			resp.Header.Del("Set-Cookie")
			for _, c := range cookies {
				if name, ok := strings.CutPrefix(c.Name, secureCookie); ok {
					c.Name, c.Secure = plainCookie+name, false
				}
				resp.Header.Add("Set-Cookie", c.String())
			}
			to, err := resp.Location()
			if err != nil {
				return nil // it leads nowhere
			}
			if to.Host == host {
				to.Scheme, to.Host = "", ""
				resp.Header.Set("Location", to.String())
			}
			return nil
		},
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "La commune n'est pas encore là, ou plus là\u00a0: "+err.Error(), http.StatusBadGateway)
		},
	}
}
