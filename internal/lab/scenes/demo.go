package scenes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"path/filepath"
	"time"

	"parvis/internal/control"
	"parvis/internal/lab"
)

const defaultListen = "127.0.0.1:8088"

// doorway is the socket through which the outside reaches the portal as the demonstration's guest.
func doorway() string { return filepath.Join(lab.SharedDir(), "portail.sock") }

// Demo raises a town with one guest and stays until ctx ends. The portal is seen as that guest on Options.Listen of this
// machine, and the daemon's socket is in the lab's shared folder, so that the command line works from outside.
func Demo(ctx context.Context, o Options) (err error) {
	s, err := raise(ctx, o, lab.Site{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	s.Parvis.Socket = filepath.Join(lab.SharedDir(), "parvis.sock")
	s.Control = control.NewClient(s.Parvis.Socket)
	if err := s.Start(ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, s.lastWords())
	}
	g, err := s.Town.AddGuest(lab.GuestOptions{Name: "demo"})
	if err != nil {
		return err
	}
	lease, err := g.DHCP(ctx)
	if err != nil {
		return err
	}
	ln, err := net.Listen("unix", doorway())
	if err != nil {
		return fmt.Errorf("scenes: open doorway: %w", err)
	}
	defer ln.Close()
	go admit(ctx, ln, g, netip.AddrPortFrom(lease.Router, 80))

	fmt.Fprintf(o.Out, `Une petite commune tourne sur cette machine.

  Le portail      http://%s/
                  vu comme l'appareil « demo » (%s, %s)
  L'API           %s, annoncée par DHCP
  L'état          %[5]s status --socket %[6]s
  Les connexions  %[5]s session list --socket %[6]s

Ctrl-C arrête tout, sans rien laisser.
`, cmp.Or(o.Listen, defaultListen), lease.Address.Addr(), g.MAC, lease.CaptiveURI, o.Binary, s.Parvis.Socket)
	select {
	case <-ctx.Done():
		return nil
	case <-s.Daemon.Done():
		return fmt.Errorf("le service parvis s'est arrêté\n%s", s.lastWords())
	}
}

// admit leads what comes through the doorway to the portal, from the guest's own network.
func admit(ctx context.Context, ln net.Listener, g *lab.Guest, portal netip.AddrPort) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			dial, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			p, err := g.Dial(dial, "tcp", portal.String())
			if err != nil {
				c.Close() // the browser says so
				return
			}
			pipe(c, p)
		}()
	}
}

// listen opens the demonstration's port on this machine and returns what serves it.
func listen(o Options) (serve func(), err error) {
	address := cmp.Or(o.Listen, defaultListen)
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("le port de la démonstration n'est pas libre : %w", err)
	}
	srv := http.Server{
		ReadHeaderTimeout: 10 * time.Second,
		Handler: portalProxy(func(ctx context.Context) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", doorway())
		}),
	}
	return func() { srv.Serve(ln) }, nil // ends with the process
}

// portalProxy shows the portal under another name than its own: requests are made to the portal's name, and addresses that
// lead to it stay where the reader is.
func portalProxy(dial func(context.Context) (net.Conn, error)) http.Handler {
	portal := url.URL{Scheme: "http", Host: lab.PortalName}
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&portal) // the Host header too
			if o := r.In.Header.Get("Origin"); o == "http://"+r.In.Host {
				r.Out.Header.Set("Origin", portal.String())
			}
		},
		ModifyResponse: func(resp *http.Response) error {
			to, err := resp.Location()
			if err != nil {
				return nil // it leads nowhere
			}
			if to.Host == lab.PortalName {
				to.Scheme, to.Host = "", ""
				resp.Header.Set("Location", to.String())
			}
			return nil
		},
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "La commune n'est pas encore là, ou plus là : "+err.Error(), http.StatusBadGateway)
		},
	}
}
