package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"parvis/internal/config"
	"parvis/internal/lang"
	"parvis/internal/mac"
	"parvis/portal"
	"parvis/portal/console"
	"parvis/portal/staff"
	staffstore "parvis/portal/staff/sqlite"
	"parvis/sessions"
)

// staffPort is the console's listener; nat leads 443 here for those whom the firewall knows as staff.
const staffPort = 8444

// team is the staff's side: who they are, their console and its listeners. The zero team is a place without a console.
type team struct {
	staff     *staff.Staff
	console   *console.Console
	store     *staffstore.Store
	listeners []net.Listener
	zone      *time.Location // of the place
}

func (t *team) close() {
	for _, l := range t.listeners {
		l.Close()
	}
	if t.store != nil {
		t.store.Close()
	}
}

// newTeam makes it, where a console has a name.
func newTeam(ctx context.Context, d *daemon, key [32]byte) (t team, err error) {
	if d.cfg.Staff.Name == "" {
		return t, nil
	}
	addresses := []netip.Addr{d.cfg.Guests.Address.Addr()}
	if a, ok := staffAddress(d.cfg); ok {
		addresses = append(addresses, a)
	} else if d.cfg.Staff.Interface != "" {
		d.log.Warn("the staff's interface has no IPv4 address: the console is not there", "interface", d.cfg.Staff.Interface)
	}
	for _, a := range addresses {
		ln, err := d.listenOn(ctx, a, staffPort)
		if err != nil {
			t.close()
			return team{}, err
		}
		t.listeners = append(t.listeners, ln)
	}
	if t.store, err = staffstore.Open(filepath.Join(d.app.cli.State, "staff.db"), d.clock); err != nil {
		t.close()
		return team{}, d.app.storeFailure(err)
	}
	if err := t.make(ctx, d, key); err != nil {
		t.close()
		return team{}, err
	}
	return t, nil
}

func (t *team) make(ctx context.Context, d *daemon, key [32]byte) error {
	t.zone = d.cfg.Site.Hours.Zone
	city, err := provider(d.cfg.Staff)
	if err != nil {
		return err
	}
	t.staff, err = staff.New(ctx, staff.Options{
		Name: d.cfg.Staff.Name, Store: t.store, Clock: d.clock, Key: key, Log: d.log,
		Guests: d.cfg.Guests.Address, Lease: d.cfg.Guests.Lease, City: city,
		Location: d.cfg.Site.Hours.Zone, Closing: d.manager.Closing,
		Identify: d.identify,
		Admit:    d.admitStaff,
		Expel:    d.expelStaff,
	})
	if err != nil {
		return refused(err)
	}
	t.console, err = console.New(console.Config{
		Site: console.Site{Name: d.cfg.Site.Name, Desk: d.cfg.Site.Desk, Contact: d.cfg.Site.Contact},
		Name: d.cfg.Staff.Name, Portal: d.cfg.Portal.Name, Profile: d.cfg.Portal.Profile, Location: d.cfg.Site.Hours.Zone, Version: version,
	}, d.withQueue(d.consoleParts(t.staff)))
	if err != nil {
		return refused(err)
	}
	return nil
}

// provider reads the secret of the town's provider.
func provider(c config.Staff) (*staff.Provider, error) {
	if c.Issuer == "" {
		return nil, nil
	}
	p := &staff.Provider{Issuer: c.Issuer, ClientID: c.Client, RoleClaim: c.RoleClaim, PKCE: c.PKCE}
	if c.ClientSecretFile == "" {
		return p, nil
	}
	info, err := os.Stat(c.ClientSecretFile)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = fmt.Errorf("%s: mode %04o: %w", c.ClientSecretFile, info.Mode().Perm(), fs.ErrPermission)
	}
	var secret []byte
	if err == nil {
		secret, err = os.ReadFile(c.ClientSecretFile)
	}
	if err != nil {
		return nil, fail(exitNotRight, lang.Text{
			EN: "staff.client-secret-file: %v; expected a file that only root may read (mode 0600) with the secret of the provider",
			FR: "staff.client-secret-file : %v ; un fichier que seul root peut lire (droits 0600), avec le secret du fournisseur, est attendu",
		}, err)
	}
	p.Secret = strings.TrimSpace(string(secret))
	return p, nil
}

// staffAddress is our IPv4 address on the staff's own network.
func staffAddress(c *config.Config) (netip.Addr, bool) {
	i, err := net.InterfaceByName(c.Staff.Interface)
	if err != nil {
		return netip.Addr{}, false
	}
	all, err := i.Addrs()
	if err != nil {
		return netip.Addr{}, false
	}
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
			return p.Addr(), true
		}
	}
	return netip.Addr{}, false
}

// consoleStaff says who works here in the console's words.
type consoleStaff struct{ *staff.Staff }

func (s consoleStaff) Who(r *http.Request) (console.Person, bool) {
	p, ok := s.Staff.Who(r)
	return console.Person{ID: p.ID, Name: p.Name, Role: string(p.Role)}, ok
}

func (s consoleStaff) Record(ctx context.Context, p console.Person, what, object string) {
	s.Staff.Record(ctx, staff.Person{ID: p.ID, Name: p.Name, Role: staff.Role(p.Role)}, what, object)
}

// consoleLine says how the line is in the console's words.
type consoleLine struct{ *daemon }

func (l consoleLine) State() console.LineState {
	s := l.way.uplink.State()
	return console.LineState{Down: s.Down, Since: s.Since, Part: string(s.Part)}
}

func (l consoleLine) Outages() []sessions.Outage { return l.manager.Outages() }

// consoleParts is what the console asks.
func (d *daemon) consoleParts(s *staff.Staff) console.Parts {
	return d.addSeats(console.Parts{
		Clock: d.clock, Log: d.log, Staff: consoleStaff{s}, Team: s,
		Sessions: consoleSessions{d.manager}, Gestures: d.manager, Hours: d.manager, Line: consoleLine{d},
		Waiting: d.hall.waiting, Calls: d.hall.calls, Joined: d.joined, Health: d.consoleHealth,
		Tickets: d.manager, Workshops: d.manager, Place: printed(d.cfg), Printer: d.consolePrinter(), Usage: d.balance(), Overview: overview{d.balance(), d.condition},
		Changes: []func() (<-chan struct{}, func()){d.manager.Changes, d.hall.waiting.Changes, d.hall.calls.Changes},
	})
}

// staffProfile is what devices of the staff pass under: no limit but the line's. It is in no configuration, and the console does
// not offer it.
var staffProfile = sessions.Profile{Name: "parvis-staff", Label: "Équipe", Duration: 24 * time.Hour, Runs: sessions.FromOpening}

// consoleSessions keeps the staff's own profile, and the terminals', out of what the console offers to guests, and terminals, which
// have pages of their own, out of the list of who is connected.
type consoleSessions struct{ *sessions.Manager }

func (s consoleSessions) List() []sessions.Session {
	return slices.DeleteFunc(s.Manager.List(), func(one sessions.Session) bool { return one.Terminal })
}

func (s consoleSessions) Profiles() []sessions.Profile {
	return slices.DeleteFunc(s.Manager.Profiles(), func(p sessions.Profile) bool { return p.Name == staffProfile.Name || p.Terminal })
}

// admitStaff lets a device of the staff reach the console for the lease, and the internet without a page for a day, whatever the
// place's hours. Internet may be refused (every place is taken, a twin of the device is about): the console is open all the same.
func (d *daemon) admitStaff(ctx context.Context, dev sessions.Device, lease time.Duration) error {
	if err := d.firewall.StaffPut(dev.MAC, dev.IPv4, lease); err != nil {
		return err
	}
	_, err := d.manager.Open(context.WithoutCancel(ctx), sessions.OpenRequest{
		Device: dev, Profile: staffProfile.Name, For: staffProfile.Duration, By: sessions.FromStaff,
	})
	if err != nil {
		d.log.Warn("a device of the staff has the console and no internet", "cause", err)
	}
	return nil
}

// expelStaff makes it a resident's device again; the zero address means all of them.
func (d *daemon) expelStaff(ctx context.Context, m mac.Addr) error {
	errs := []error{d.firewall.StaffDrop(m)}
	for _, s := range d.manager.List() {
		if s.State != sessions.Open || s.OpenedBy != sessions.FromStaff || m != (mac.Addr{}) && s.Device.MAC != m {
			continue
		}
		if _, err := d.manager.End(context.WithoutCancel(ctx), s.ID, sessions.ByOperator); err != nil && !errors.Is(err, sessions.ErrNotFound) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// plain and secure are what the portal's listeners serve: under the console's name, the way to it.
func (t *team) plain(pages http.Handler) http.Handler {
	if t.staff == nil {
		return pages
	}
	return t.staff.Front(pages)
}

func (t *team) secure(pages http.Handler) http.Handler {
	if t.staff == nil {
		return pages
	}
	return t.named(t.staff.Door(), pages)
}

// named hands requests under the console's name to one handler, and all others to the portal's pages.
func (t *team) named(own, pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if t.staff.Named(r.Host) {
			own.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
}

// run serves the console until ctx ends.
func (t *team) run(ctx context.Context, d *daemon, certs certificates, pages http.Handler) error {
	if t.staff == nil {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return t.staff.Run(ctx) })
	group.Go(func() error { return t.console.Run(ctx) })
	h := t.named(t.staff.Handler(d.hall.desk.watch(t.console)), pages)
	for _, ln := range t.listeners {
		group.Go(func() error { return portal.Serve(ctx, tls.NewListener(ln, certs.config()), h, d.log) })
	}
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
