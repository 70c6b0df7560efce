package scenes

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"parvis/internal/clock"
	"parvis/internal/control"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/lab"
	"parvis/internal/lab/postgres"
)

const (
	centrePort   = 8440
	centreWithin = 60 * time.Second // of a loaded machine: to begin, and to hear a place
	commune      = "exemple"
	communeName  = "Commune d'exemple (chiffres inventés)"
	homeName     = "La Maison des habitants (cette démonstration)"
)

// centre is the town's hub: the real parvis-hub with a PostgreSQL of its own, on a machine beyond the router's line. A commune joins it
// with the stage's place and with others, which are made up and say so in their names.
type centre struct {
	town     *lab.Town
	database *postgres.Server
	store    *store.Hub
	process  *lab.Process
	home     string // identifier of the stage's place
	made     []*madeSite
}

// raiseCentre starts a hub and gives the stage's place the address of it; the daemon must not run yet. It wraps postgres.ErrMissing where
// there can be no hub. parvis-hub is looked for beside parvis.
func (s *Stage) raiseCentre(ctx context.Context, parvis string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, centreWithin)
	defer cancel()
	binary := filepath.Join(filepath.Dir(parvis), "parvis-hub")
	if _, err := os.Stat(binary); err != nil {
		return fmt.Errorf("scenes: hub: %w; expected it beside %s: make build", err, parvis)
	}
	c := &centre{town: s.Town}
	// /run is the lab's own and in memory, and ends with the lab, however that ends.
	c.database, err = postgres.Start("/run", "fsync=off", "shared_buffers=32MB", "max_connections=40", "max_wal_size=64MB", "dynamic_shared_memory_type=mmap")
	if err != nil {
		return fmt.Errorf("scenes: hub: %w", err)
	}
	s.centre = c
	if err := c.database.Run("postgres", "CREATE DATABASE centre OWNER "+postgres.Owner); err != nil {
		return err
	}
	file, err := c.configure()
	if err != nil {
		return err
	}
	verb := func(name string) (*lab.Process, error) {
		return s.Town.Internet.Spawn(exec.Command(binary, "--config", file, name))
	}
	migrate, err := verb("migrate")
	if err == nil {
		err = migrate.Wait(ctx)
	}
	if err != nil {
		return err
	}
	if c.process, err = verb("serve"); err != nil {
		return err
	}
	if err := c.process.WaitPort(ctx, s.Town.Internet, c.address()); err != nil {
		return err
	}
	if c.store, err = store.Open(ctx, c.database.Connect(postgres.Program, "centre")); err != nil {
		return err
	}
	if err := c.populate(ctx, time.Now()); err != nil {
		return err
	}
	look, err := c.wears(ctx)
	if err != nil {
		return err
	}
	return s.Parvis.Configure(lab.Site{Portal: look, More: fmt.Sprintf("\n[hub]\nurl = %q\nca = %q\n", c.url(), s.Town.CAFile())})
}

func (c *centre) url() string { return fmt.Sprintf("https://%s:%d", lab.Centre, centrePort) }

func (c *centre) address() string {
	return netip.AddrPortFrom(lab.CentreAddress(), centrePort).String()
}

// configure writes the hub's files.
func (c *centre) configure() (file string, err error) {
	dir := filepath.Join(c.town.Dir, "centre")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("scenes: hub: %w", err)
	}
	cert, key := filepath.Join(dir, "centre.crt"), filepath.Join(dir, "centre.key")
	if err := c.town.CA.WriteCertificate(cert, key, lab.Centre); err != nil {
		return "", err
	}
	file = filepath.Join(dir, "parvis-hub.toml")
	text := fmt.Sprintf("url = %q\nlisten = \"0.0.0.0:%d\"\ncertificate = %q\nkey = %q\nsign-key = %q\n[database]\nprogram = %q\nowner = %q\n",
		c.url(), centrePort, cert, key, filepath.Join(dir, "sign.key"), c.database.Connect(postgres.Program, "centre"), c.database.Connect(postgres.Owner, "centre"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("scenes: hub: %w", err)
	}
	return file, nil
}

// enrol lets the stage's place, which runs, redeem a code of the hub.
func (s *Stage) enrol(ctx context.Context) error {
	var code string
	err := s.centre.store.Tenant(ctx, commune, func(t *store.Tenant) (err error) {
		code, _, err = t.Code(ctx, s.centre.home, time.Hour)
		return err
	})
	if err != nil {
		return err
	}
	// As the router's time daemon does: a place counts no hours before it knows the time, and this machine may not have said that it does.
	if err := s.Control.SetClock(ctx, time.Now()); err != nil {
		return err
	}
	h, err := s.Control.Hub(ctx, control.HubRequest{Do: control.HubEnrol, Code: code})
	if err == nil && h.Site != s.centre.home {
		err = fmt.Errorf("scenes: enrol: the place is %q at the hub, expected %q", h.Site, s.centre.home)
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, s.centre.lastWords())
	}
	return nil
}

// heard waits until the hub has a sign of life of the stage's place, and says what was in it.
func (s *Stage) heard(ctx context.Context) (at store.Contact, err error) {
	ctx, cancel := context.WithTimeout(ctx, centreWithin)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		var site store.Site
		err := s.centre.store.Tenant(ctx, commune, func(t *store.Tenant) (err error) {
			site, err = t.Site(ctx, s.centre.home)
			return err
		})
		if err == nil && site.Contact != nil {
			return *site.Contact, nil
		}
		select {
		case <-tick.C:
		case <-s.centre.process.Done():
			return at, fmt.Errorf("scenes: the hub has ended\n%s", s.centre.lastWords())
		case <-ctx.Done():
			soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			link, lerr := s.Control.HubStatus(soon)
			return at, errors.Join(fmt.Errorf("scenes: the hub has heard nothing for %v; the place says %q\n%s", centreWithin, link.Error, s.centre.lastWords()), err, lerr)
		}
	}
}

// link makes the first account of the commune's team; origin is where the browser finds the hub.
func (c *centre) link(ctx context.Context, origin string) (string, error) {
	system, err := clock.NewSystem()
	if err != nil {
		return "", err
	}
	by := staff.Operator
	by.Tenant = commune
	l, err := staff.New(staff.Options{Origin: origin, Store: c.store.Staff(), Clock: system, Log: slog.New(slog.DiscardHandler)}).
		Invite(ctx, by, commune, staff.DSI, "démonstration")
	if err != nil {
		return "", err
	}
	return l.URL, nil
}

// dial reaches the hub's pages without the TLS that only the lab's own machines can check.
func (c *centre) dial(ctx context.Context) (net.Conn, error) {
	conn, err := c.town.Internet.Dial(ctx, "tcp", c.address())
	if err != nil {
		return nil, err
	}
	secure := tls.Client(conn, &tls.Config{RootCAs: c.town.CA.Pool(), ServerName: lab.Centre})
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("scenes: hub: %w", err)
	}
	return secure, nil
}

// lastWords is the end of the hub's log, for a failure.
func (c *centre) lastWords() string {
	if c.process == nil {
		return ""
	}
	return ending("journal du centre", c.process.Log())
}

// close ends the hub at once, and then its database: nothing of either is kept.
func (c *centre) close() error {
	var errs []error
	if c.process != nil {
		errs = append(errs, c.process.Kill())
	}
	if c.store != nil {
		c.store.Close()
	}
	return errors.Join(append(errs, c.database.Close())...)
}
