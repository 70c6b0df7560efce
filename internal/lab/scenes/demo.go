package scenes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/internal/lab/postgres"
)

const (
	defaultListen = "127.0.0.1:8088"
	defaultCentre = "127.0.0.1:8440"
)

// door is a way from a port of this machine to pages inside the lab, through a socket that both see.
type door struct{ socket, host string }

var (
	portalDoor = door{"portail.sock", lab.PortalName} // seen as the demonstration's guest
	centreDoor = door{"centre.sock", fmt.Sprintf("%s:%d", lab.Centre, centrePort)}
)

func (d door) path() string { return filepath.Join(lab.SharedDir(), d.socket) }

// Demo raises a town with one guest and stays until ctx ends. The portal is seen as that guest on Options.Listen of this
// machine, and the daemon's socket is in the lab's shared folder, so that the command line works from outside. The town's hub
// is on Options.Centre, with the place enrolled; where there is no PostgreSQL, it says so and goes on without.
func Demo(ctx context.Context, o Options) (err error) {
	s, err := raise(ctx, o, lab.Site{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	s.Parvis.Socket = filepath.Join(lab.SharedDir(), "parvis.sock")
	s.Control = control.NewClient(s.Parvis.Socket)
	err = s.raiseCentre(ctx, o.Binary)
	hub := err == nil
	if errors.Is(err, postgres.ErrMissing) {
		fmt.Fprintln(o.Out, "Il n'y a pas PostgreSQL sur cette machine (apt-get install postgresql)\u00a0: pas de centre dans cette démonstration.")
	} else if err != nil {
		return err
	}
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
	portal := netip.AddrPortFrom(lease.Router, 80).String()
	shut, err := portalDoor.open(ctx, func(ctx context.Context) (net.Conn, error) { return g.Dial(ctx, "tcp", portal) })
	if err != nil {
		return err
	}
	defer shut()

	fmt.Fprintf(o.Out, `Une petite commune tourne sur cette machine.

  Le portail      http://%s/
                  vu comme l'appareil « demo » (%s, %s)
  L'API           %s, annoncée par DHCP
  L'état          %[5]s status --socket %[6]s
  Les connexions  %[5]s session list --socket %[6]s
`, cmp.Or(o.Listen, defaultListen), lease.Address.Addr(), g.MAC, lease.CaptiveURI, o.Binary, s.Parvis.Socket)
	if !hub {
		fmt.Fprint(o.Out, farewell)
		return s.stay(ctx, nil, nil)
	}
	shut, err = s.showCentre(ctx, o)
	if err != nil {
		return err
	}
	defer shut()
	fmt.Fprint(o.Out, farewell)
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	return s.stay(ctx, s.centre.process.Done(), tick.C)
}

const farewell = "\nCtrl-C arrête tout, sans rien laisser.\n"

// showCentre enrols the place and opens the hub's door.
func (s *Stage) showCentre(ctx context.Context, o Options) (shut func(), err error) {
	if err := s.enrol(ctx); err != nil {
		return nil, err
	}
	origin := "http://" + cmp.Or(o.Centre, defaultCentre)
	link, err := s.centre.link(ctx, origin)
	if err != nil {
		return nil, err
	}
	shut, err = centreDoor.open(ctx, s.centre.dial)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(o.Out, `
  Le centre       %s/
                  « %s » : ce lieu, en direct, et %d lieux d'exemple
  Y entrer        %s
                  ce lien crée un compte, une fois
`, origin, communeName, len(s.centre.made), link)
	return shut, nil
}

// stay waits until ctx ends, or something that must not end does. minutes, where there is a hub, are when its made places speak.
func (s *Stage) stay(ctx context.Context, hub <-chan struct{}, minutes <-chan time.Time) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.Daemon.Done():
			return fmt.Errorf("le service parvis s'est arrêté\n%s", s.lastWords())
		case <-hub:
			return fmt.Errorf("le centre s'est arrêté\n%s", s.centre.lastWords())
		case now := <-minutes:
			if err := s.centre.signs(ctx, now); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// open leads what comes to the door to pages inside, by dial.
func (d door) open(ctx context.Context, dial func(context.Context) (net.Conn, error)) (shut func(), err error) {
	ln, err := net.Listen("unix", d.path())
	if err != nil {
		return nil, fmt.Errorf("scenes: open a door: %w", err)
	}
	go admit(ctx, ln, dial)
	return func() { ln.Close() }, nil
}

func admit(ctx context.Context, ln net.Listener, dial func(context.Context) (net.Conn, error)) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			soon, cancel := context.WithTimeout(ctx, 5*time.Second)
			p, err := dial(soon)
			cancel()
			if err != nil {
				c.Close() // the browser says so
				return
			}
			pipe(c, p)
		}()
	}
}
