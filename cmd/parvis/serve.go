package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"parvis/firewall"
	"parvis/firewall/advertise"
	"parvis/internal/clock"
	"parvis/internal/config"
	"parvis/internal/control"
	"parvis/internal/database"
	"parvis/internal/lang"
	"parvis/internal/line"
	"parvis/internal/machine"
	"parvis/internal/upgrade"
	"parvis/portal"
	"parvis/sessions"
	"parvis/sessions/carry"
	"parvis/sessions/sqlite"
	"parvis/sessions/usage"
)

// The portal's listeners; nat leads 80 and 443 of the guest address here.
const (
	httpPort  = 8080
	httpsPort = 8443
)

type serveCmd struct {
	Confirm  int  `help:"${help_serve_confirm}" placeholder:"SECONDS"`
	LabClock bool `help:"${help_serve_clock}" name:"lab-clock"`
	// LabHardware is where another box's /sys, /proc, /tmp and /dev/input are.
	LabHardware string `help:"${help_serve_hardware}" name:"lab-hardware" default:"/" placeholder:"DIR"`
}

func (c serveCmd) Run(ctx context.Context, a *app) error {
	log := slog.New(slog.NewTextHandler(a.err, nil))
	cfg, unlock, err := a.alone()
	if err != nil {
		return err
	}
	defer unlock()
	cfg, follow := a.follow(cfg, log)
	if err := a.fit(cfg, log); err != nil {
		return err
	}
	system, err := clock.NewSystem()
	if err != nil {
		return refused(err)
	}
	d := &daemon{app: a, cfg: cfg, root: c.LabHardware, follow: follow, clock: system, log: log, since: time.Now()}
	if c.LabClock {
		d.shifted = clock.NewShifted(system)
		d.clock = d.shifted
	}
	err = d.run(ctx, c.Confirm)
	if errors.Is(err, errAgain) {
		unlock()
		return again(log)
	}
	return err
}

// daemon is everything that runs, wired.
type daemon struct {
	app     *app
	cfg     *config.Config
	clock   clock.Clock
	shifted *clock.Shifted // nil outside the lab
	log     *slog.Logger
	since   time.Time
	root    string // of the box's files

	manager  *sessions.Manager
	firewall *firewall.Firewall
	line     *line.Watch
	way      *way
	usage    *usage.Usage
	team     team
	confirm  confirmation
	hall     *hall
	door     door
	seats    seats
	fleet    fleet
	certs    certificates
	watchers watchers
	box      box
	asked    asked
	hub      hub
	follow   *follow
}

// run brings everything up in the order in which it can be refused: what changes nothing first, the kernel last.
func (d *daemon) run(ctx context.Context, confirm int) error {
	key, err := machine.ReadSiteKey(filepath.Join(filepath.Dir(d.app.cli.Config), "site.key"))
	if err != nil {
		return refused(err)
	}
	calendar, err := d.app.calendar(d.cfg)
	if err != nil {
		return err
	}
	certs, err := loadCertificates(d.cfg)
	if err != nil {
		return err
	}
	d.certs = certs
	plain, secure, err := d.listen(ctx, certs.any())
	if err != nil {
		return err
	}
	defer plain.Close()
	if secure != nil {
		defer secure.Close()
	}
	if err := os.MkdirAll(d.app.cli.State, 0o700); err != nil {
		return refused(err)
	}
	defer d.box.close(d) // the last: it watches over the end
	defer d.fleet.close()
	if err := d.openFleet(ctx); err != nil {
		return err
	}
	store, err := sqlite.Open(filepath.Join(d.app.cli.State, "parvis.db"), [32]byte(key), d.clock)
	if err != nil {
		return d.app.storeFailure(err)
	}
	defer store.Close()

	list, err := carry.Over(store, filepath.Join(d.app.cli.State, "upgrade", upgrade.ListIn), [32]byte(key), d.onTrial, d.log)
	if err != nil {
		return refused(err)
	}

	d.firewall, err = firewall.New(firewallConfig(d.cfg, d.app.cli.State), d.clock, d.log)
	if err != nil {
		return refused(err)
	}
	defer d.firewall.Close()
	first, last, _ := firewall.Slots(d.cfg.Guests.Capacity)
	if err := d.openUsage(ctx); err != nil {
		return err
	}
	defer d.usage.Close()
	defer d.door.close()
	defer d.seats.close()
	if err := d.openDoor(ctx); err != nil {
		return err
	}
	if err := d.openSeats(ctx); err != nil {
		return err
	}
	d.manager, err = sessions.New(sessions.Options{
		Clock: d.clock, Store: list, Enforcer: d.enforcer(), Profiles: profiles(d.cfg), Terminal: d.seats.registered,
		FirstSlot: first, LastSlot: last, Log: d.log,
		Key: [32]byte(key), Line: min(d.cfg.WAN.Down, d.cfg.WAN.Up), Hours: calendar,
		Notice: d.usage.Note,
	})
	if err != nil {
		return refused(err)
	}
	if d.way, err = newWay(ctx, d, d.lineChanged); err != nil {
		return err
	}
	defer d.way.socket.Close()
	d.line = line.New(line.Options{
		Interface: d.cfg.WAN.Interface, Configured: line.Rates{Down: d.cfg.WAN.Down, Up: d.cfg.WAN.Up}, Looked: d.way.gauge.Looked, Log: d.log,
	}, d.clock)
	d.hall = newHall(d)
	if err := d.openSeatPages(ctx); err != nil {
		return err
	}
	if err := d.openBox(plain.Addr(), d.root); err != nil {
		return err
	}
	if d.team, err = newTeam(ctx, d, [32]byte(key)); err != nil {
		return err
	}
	defer d.team.close()
	pages, err := portal.New(portalConfig(d.cfg), d.parts())
	if err != nil {
		return refused(err)
	}
	if err := d.manager.Start(ctx); err != nil {
		return refused(err)
	}
	list.Begin()
	if d.asked, err = newAsked(d); err != nil {
		return err
	}
	defer d.watchers.close()
	d.openWatchers(ctx)
	d.openHub()
	// The socket is there once everything is in force: who waits for it waits for that.
	ctl, err := control.Listen(d.app.cli.Socket)
	if err != nil {
		return refused(err)
	}
	defer ctl.Close()
	d.box.systemd.Ready()
	defer func() {
		if ctx.Err() != nil { // and not when it is only to begin anew in the same process
			d.box.systemd.Stopping()
		}
	}()
	d.log.Info("in force", "site", d.cfg.Site.Name, "open", d.manager.Status().Open)
	err = d.serve(ctx, confirm, plain, secure, certs, ctl, pages)
	if errors.Is(err, errNotConfirmed) {
		return d.takeBack()
	}
	return err
}

// serve runs every loop until ctx ends or one of them fails.
func (d *daemon) serve(ctx context.Context, confirm int, plain, secure net.Listener, certs certificates, ctl net.Listener, pages *portal.Portal) error {
	group, ctx := errgroup.WithContext(ctx)
	if confirm > 0 {
		signal.Ignore(unix.SIGHUP) // a line that drops is what the confirmation is for
		d.confirm.arm(d.clock, time.Duration(confirm)*time.Second)
		group.Go(func() error { return d.confirm.wait(ctx, d.clock) })
	}
	group.Go(func() error { return d.manager.Run(ctx) })
	group.Go(func() error { return d.line.Run(ctx) })
	group.Go(func() error { return d.way.run(ctx) })
	group.Go(func() error { return d.usage.Run(ctx) })
	group.Go(func() error { return d.door.run(ctx) })
	group.Go(func() error { return d.seats.run(ctx, d) })
	group.Go(func() error { return d.fleet.run(ctx, d) })
	group.Go(func() error { return d.watchers.run(ctx, d) })
	group.Go(func() error { return d.box.run(ctx, d) })
	group.Go(func() error { return d.asked.run(ctx, d.clock) })
	group.Go(func() error { return d.hub.run(ctx) })
	group.Go(func() error { return d.follow.prove(ctx, d) })
	group.Go(func() error { return d.follow.certify(ctx, d) })
	group.Go(func() error { return d.follow.upgrades(ctx, d) })
	group.Go(func() error { return d.byItself(ctx) })
	if d.cfg.Guests.IPv6 {
		group.Go(func() error {
			return advertise.Run(ctx, advertise.Options{
				Interface: d.cfg.Guests.Interface, API: d.cfg.Portal.API(), Clock: d.clock, Log: d.log,
			})
		})
	}
	group.Go(func() error { return portal.Serve(ctx, plain, d.team.plain(pages.Handler()), d.log) })
	group.Go(func() error { return d.team.run(ctx, d, certs, pages.Handler()) })
	if secure != nil {
		group.Go(func() error { return certs.reloadOnHangup(ctx, d.log) })
		group.Go(func() error {
			return portal.Serve(ctx, tls.NewListener(secure, certs.config()), d.team.secure(pages.Handler()), d.log)
		})
	}
	group.Go(func() error { return control.Serve(ctx, ctl, d.verbs(), d.log) })
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// listen opens the portal's ports on the guest address.
func (d *daemon) listen(ctx context.Context, tls bool) (plain, secure net.Listener, err error) {
	guest := d.cfg.Guests.Address.Addr()
	if plain, err = d.listenOn(ctx, guest, httpPort); err != nil || !tls {
		return plain, nil, err
	}
	if secure, err = d.listenOn(ctx, guest, httpsPort); err != nil {
		plain.Close()
		return nil, nil, err
	}
	return plain, secure, nil
}

// listenOn opens a port of one of our addresses. IP_FREEBIND: the address may come and go with its interface (ip(7)), and
// the listener stays.
func (d *daemon) listenOn(ctx context.Context, a netip.Addr, port int) (net.Listener, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if cerr := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_IP, unix.IP_FREEBIND, 1)
		}); cerr != nil {
			return cerr
		}
		return err
	}}
	ln, err := lc.Listen(ctx, "tcp", net.JoinHostPort(a.String(), fmt.Sprint(port)))
	if errors.Is(err, unix.EADDRINUSE) {
		return nil, fail(exitRefused, lang.Text{
			EN: "port %d of %s is in use by another program; expected to be free for the portal; find it with: ss -ltnp 'sport = :%d'",
			FR: "le port %d de %s est déjà pris par un autre programme ; il doit être libre pour le portail ; cherchez-le avec : ss -ltnp 'sport = :%d'",
		}, port, a, port)
	}
	return ln, err
}

// takeBack removes everything: nobody confirmed.
func (d *daemon) takeBack() error {
	withdraw(d.cfg, d.log)
	if err := d.firewall.Remove(); err != nil {
		return fail(exitRefused, lang.Text{
			EN: "nobody confirmed, and not everything could be taken back: %v; run: parvis down",
			FR: "personne n'a confirmé, et tout n'a pas pu être défait : %v ; lancez : parvis down",
		}, err)
	}
	return fail(exitRefused, lang.Text{
		EN: "nobody confirmed: everything was taken back. If you saw the portal work, run it again and then: parvis confirm",
		FR: "personne n'a confirmé : tout a été défait. Si le portail marchait, relancez, puis : parvis confirm",
	})
}

var errNotConfirmed = errors.New("not confirmed in time")

// confirmation is the window of --confirm. Its zero value is: nothing to confirm.
type confirmation struct {
	until atomic.Int64 // clock.Boot; 0 none
	done  chan struct{}
}

func (c *confirmation) arm(clk clock.Clock, d time.Duration) {
	c.done = make(chan struct{})
	c.until.Store(int64(clk.Boot().Add(d)))
}

func (c *confirmation) wait(ctx context.Context, clk clock.Clock) error {
	timer, stop := clk.At(clock.Boot(c.until.Load()))
	defer stop()
	select {
	case <-ctx.Done():
		return nil
	case <-c.done:
		return nil
	case <-timer:
		if c.until.Swap(0) == 0 {
			return nil // confirmed at the last moment
		}
		return errNotConfirmed
	}
}

// left is the time left to confirm; 0 when there is nothing to confirm.
func (c *confirmation) left(clk clock.Clock) time.Duration {
	if u := c.until.Load(); u != 0 {
		return max(clock.Boot(u).Sub(clk.Boot()), time.Second)
	}
	return 0
}

func (c *confirmation) confirm() error {
	if c.until.Swap(0) == 0 {
		return control.Refuse(control.Refused, lang.Text{
			EN: "there is nothing to confirm",
			FR: "il n'y a rien à confirmer",
		})
	}
	close(c.done)
	return nil
}

// alone returns the configuration once no other daemon works by it, and what lets the next one in.
func (a *app) alone() (cfg *config.Config, unlock func(), err error) {
	if cfg, err = a.loadConfig(); err != nil {
		return nil, nil, err
	}
	unlock, err = lockDaemon(filepath.Join(filepath.Dir(a.cli.Socket), "parvis.lock"))
	return cfg, unlock, err
}

// lockDaemon keeps a second daemon out. The lock is the kernel's: it ends with the process.
func lockDaemon(path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, refused(err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, refused(err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fail(exitRefused, lang.Text{
			EN: "another parvis daemon is running (it holds %s); expected one at a time; see: parvis status",
			FR: "un autre service parvis est en marche (il tient %s) ; un seul à la fois ; voir : parvis status",
		}, path)
	}
	return func() { f.Close() }, nil
}

// storeFailure says in the operator's language why the database cannot be used.
func (a *app) storeFailure(err error) error {
	why := lang.Text{EN: err.Error(), FR: err.Error()}
	if e := (*database.Error)(nil); errors.As(err, &e) {
		why = lang.Text{EN: e.In(lang.EN), FR: e.In(lang.FR)}
	}
	return fail(exitRefused, lang.Text{
		EN: "%s; people who are connected stay connected until their time ends",
		FR: "%s ; les personnes connectées le restent jusqu'à la fin de leur temps",
	}, why)
}
