package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"parvis/internal/clock"
	"parvis/internal/config"
	"parvis/internal/config/layers"
	"parvis/internal/durable"
	"parvis/internal/hublink"
	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/certs"
	"parvis/internal/hublink/releases"
	"parvis/internal/hublink/wire"
	"parvis/internal/monitor"
	"parvis/portal/staff"
)

// errAgain ends the daemon that runs, to begin anew with another configuration.
var errAgain = errors.New("another configuration is to be run")

// inForce is where people read what the site runs when a hub has a say in it.
const inForce = "parvis-in-force.toml"

// follow is what the site does of what its hub decides: configuration on trial, and certificates. Its zero value is a site that lives alone.
type follow struct {
	keeper *bundle.Keeper
	certs  *certs.Keeper
	wanted map[string]func(*daemon) *certificate // name → who serves it; of names without a certificate in the configuration
	again  chan struct{}                         // something to begin anew with
	joined bool                                  // the site was enrolled at the daemon's start

	releases *releases.Keeper // nil: not enrolled
	wants    chan string      // version that the hub wants here, the newest

	mu    sync.Mutex
	staff string // version of the colleagues in force; "" none since the daemon's start
}

// follow lays the hub's part over the site's own configuration. What cannot be used is gone back from here: a site always comes up.
func (a *app) follow(own *config.Config, log *slog.Logger) (*config.Config, *follow) {
	f := &follow{again: make(chan struct{}, 1), wants: make(chan string, 1)}
	if err := os.Remove(filepath.Join(a.cli.State, inForce)); err != nil && !errors.Is(err, os.ErrNotExist) {
		log.Warn("what was in force before is still written down", "error", err)
	}
	if own.Hub.URL == "" {
		return own, f
	}
	cfg := *own
	if site, key, err := hublink.Signer(filepath.Join(a.cli.State, "hub.json")); err != nil {
		log.Error("no hub", "error", err)
	} else if site != "" {
		f.joined = true
		f.openReleases(a, site, log)
		if f.keeper, err = bundle.Keep(filepath.Join(a.cli.State, "bundle.json"), site, key); err != nil {
			log.Error("what the hub published is left out", "error", err)
		} else if merged := f.merged(a, log); merged != nil {
			cfg = *merged
		}
	}
	f.certificates(&cfg, a.cli.State, log)
	return &cfg, f
}

// merged is the site's own configuration with the hub's part over it; nil: its own alone.
func (f *follow) merged(a *app, log *slog.Logger) *config.Config {
	for range 2 { // the one on trial, then the one before it
		p, ok, err := f.keeper.Begin()
		if err != nil {
			log.Error("what the hub published is left out", "error", err)
			return nil
		}
		if !ok {
			return nil
		}
		cfg, source, err := a.over(p.Config)
		if err == nil {
			// For people to read: a disk that does not take it is told, and is no fault of the configuration.
			if err := durable.Write(filepath.Join(a.cli.State, inForce), []byte(source)); err != nil {
				log.Error("what is in force is not written down", "error", err)
			}
			return cfg
		}
		log.Error("what the hub published cannot be used", "version", p.Version, "error", err)
		if !f.keeper.Trying() {
			return nil // the site's own file has changed since
		}
		if err := f.keeper.Back("check"); err != nil {
			log.Error("the trial is not ended", "error", err)
			return nil
		}
	}
	return nil
}

// over lays a piece of a configuration over the site's own file; source is both as people read them. The error is of the configuration.
func (a *app) over(piece string) (cfg *config.Config, source string, err error) {
	own, err := os.ReadFile(a.cli.Config)
	if err != nil {
		return nil, "", err
	}
	if err := layers.Check(piece); err != nil {
		return nil, "", err
	}
	m, err := layers.Merge(layers.Layer{Origin: "site", Source: string(own)}, layers.Layer{Origin: "hub", Source: piece})
	if err != nil {
		return nil, "", err
	}
	source = "# Written by Parvis: " + a.cli.Config + " with what the hub has published. Changes here are lost.\n\n" + m.Source
	cfg, problems := config.Parse(filepath.Join(a.cli.State, inForce), []byte(source))
	if config.HasErrors(problems) {
		all := make([]error, 0, len(problems))
		for _, p := range problems {
			if p.Severity == config.Error {
				all = append(all, errors.New(p.In(a.lang)))
			}
		}
		return nil, "", errors.Join(all...)
	}
	return cfg, source, nil
}

// certificates takes those that came by the hub where the configuration names none. A console without one waits for it.
func (f *follow) certificates(cfg *config.Config, state string, log *slog.Logger) {
	f.certs = &certs.Keeper{Dir: filepath.Join(state, "names")}
	f.wanted = map[string]func(*daemon) *certificate{}
	take := func(name string, certificate, key *string) {
		if _, err := f.certs.Load(name); err == nil {
			*certificate, *key = f.certs.File(name), f.certs.File(name)
		} else if !errors.Is(err, os.ErrNotExist) {
			log.Error("a certificate is not read", "error", err)
		}
	}
	if cfg.Portal.Certificate == "" {
		f.wanted[cfg.Portal.Name] = func(d *daemon) *certificate { return d.certs.portal }
		take(cfg.Portal.Name, &cfg.Portal.Certificate, &cfg.Portal.Key)
	}
	if name := cfg.Staff.Name; name != "" && cfg.Staff.Certificate == "" {
		f.wanted[name] = func(d *daemon) *certificate { return d.certs.staff }
		take(name, &cfg.Staff.Certificate, &cfg.Staff.Key)
		if cfg.Staff.Certificate == "" {
			log.Warn("the console waits for its certificate from the hub", "name", name)
			cfg.Staff.Name = ""
		}
	}
}

// told takes up what a receipt says is new, the staff first: whom the town has closed is out before anything else happens. What fails is
// tried again with the next batch.
func (f *follow) told(ctx context.Context, d *daemon, r wire.Receipt, said wire.Now) {
	if r.Staff != "" && r.Staff != said.Staff {
		if err := f.colleagues(ctx, d); err != nil {
			d.log.Warn("the town's list of colleagues was not taken; it is asked for again", "error", err)
		}
	}
	refused := said.Refused != nil && said.Refused.Bundle == r.Bundle
	if r.Bundle != "" && r.Bundle != said.Bundle && !refused {
		if err := f.bundle(ctx, d); err != nil {
			d.log.Warn("what the hub publishes was not taken", "version", r.Bundle, "error", err)
		}
	}
	f.want(d, r.Release)
}

// bundle fetches what is published. A trial waits until nothing else is being tried.
func (f *follow) bundle(ctx context.Context, d *daemon) error {
	if d.confirm.left(d.clock) > 0 {
		return nil
	}
	if f.keeper == nil {
		if !f.joined {
			f.begin() // enrolled meanwhile: the next start knows who signs
		}
		return nil
	}
	b, _, err := d.hub.link.Fetch(ctx, wire.PathBundle, "")
	if err != nil || b == nil {
		return err
	}
	news, err := f.keeper.Offer(b)
	if news {
		d.log.Info("the hub has published another configuration: it is tried now")
		f.begin()
	}
	return err
}

// colleagues makes their accounts what the hub says. A site without a console has none. The version is known until the daemon ends: after
// that the same list is asked for once more, which changes nothing.
func (f *follow) colleagues(ctx context.Context, d *daemon) error {
	if d.team.staff == nil {
		return nil
	}
	all, version, err := d.hub.link.Colleagues(ctx, f.known())
	if err != nil || version == "" {
		return err
	}
	people := make([]staff.Colleague, len(all))
	for i, c := range all {
		people[i] = staff.Colleague{ID: c.ID, Login: c.Login, Name: c.Name, Role: staff.Role(c.Role), Password: c.Password, Subject: c.Subject, Closed: c.Closed}
	}
	taken, err := d.team.staff.Follow(ctx, people)
	if err != nil {
		return err
	}
	if len(taken) > 0 {
		d.log.Warn("colleagues whose login somebody else has here enter by the town's accounts alone", "count", len(taken))
	}
	f.mu.Lock()
	f.staff = version
	f.mu.Unlock()
	return nil
}

// known is the version of the colleagues in force.
func (f *follow) known() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.staff
}

// left begins anew without what the hub had published, where it had.
func (f *follow) left() {
	if f.keeper == nil {
		return
	}
	if version, _ := f.keeper.Says(); version != "" {
		f.begin()
	}
}

func (f *follow) begin() {
	select {
	case f.again <- struct{}{}:
	default: // it will
	}
}

// says adds to a sign of life what the site runs of its hub's.
func (f *follow) says(n wire.Now) wire.Now {
	n.Staff, n.Arch = f.known(), arch()
	if f.releases != nil {
		n.Upgrade = f.releases.Says()
	}
	n.Problems = slices.DeleteFunc(slices.Clone(n.Problems), func(p wire.Problem) bool { return slices.Contains(monitor.Own, p.Code) })
	if f.keeper == nil {
		return n
	}
	version, refused := f.keeper.Says()
	n.Bundle, n.Trial = version, f.keeper.Trying()
	if refused != nil {
		n.Refused = &wire.Refused{Why: refused.Why}
		if refused.Version != 0 {
			n.Refused.Bundle = strconv.FormatInt(refused.Version, 10)
		}
	}
	return n
}

// prove waits for the trial's end, and for what there is to begin anew with.
func (f *follow) prove(ctx context.Context, d *daemon) error {
	if f.keeper != nil && f.keeper.Trying() {
		back, err := f.keeper.Prove(ctx, d.clock, bundle.Proof{
			Check: func(context.Context) error {
				if s := d.status(); !s.Ready {
					return fmt.Errorf("not ready: %v", s.Problems)
				}
				return nil
			},
			Reached: func() bool { return d.hub.link != nil && d.hub.link.Status().Reached },
			Line:    func() bool { return d.condition().Line.Up },
		})
		switch {
		case err != nil:
			d.log.Error("the trial of what the hub published", "error", err)
		case back:
			d.log.Warn("what the hub published does not work here: the configuration before it is run again")
			return errAgain
		case ctx.Err() == nil:
			d.log.Info("what the hub published works here and is kept")
		}
	}
	select {
	case <-ctx.Done():
		return nil
	case <-f.again:
		return errAgain
	}
}

// How often a certificate is looked after.
const (
	certifySoon  = time.Minute      // it was asked for
	certifyLater = 10 * time.Minute // it could not be
	certifyEvery = 6 * time.Hour
)

// certify keeps certificates by the hub, of names that have none in the configuration.
func (f *follow) certify(ctx context.Context, d *daemon) error {
	if len(f.wanted) == 0 || d.hub.link == nil {
		return nil
	}
	f.certs.Ask = d.hub.link.Certificate
	for {
		pause := certifySoon // also of a site that is not enrolled yet
		if d.hub.link.Status().Reached {
			pause = f.look(ctx, d)
		}
		timer, stop := d.clock.At(d.clock.Boot().Add(pause))
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-timer:
			stop()
		}
	}
}

// look asks for what is needed, and returns when to look again.
func (f *follow) look(ctx context.Context, d *daemon) time.Duration {
	pause := certifyEvery
	for name, serves := range f.wanted {
		var now time.Time
		if w := d.clock.Wall(); w.Quality == clock.Synchronised {
			now = w.Time
		}
		r, err := f.certs.Look(ctx, name, now)
		switch {
		case ctx.Err() != nil:
			return pause
		case err != nil:
			d.log.Warn("no certificate from the hub yet", "name", name, "error", err)
			pause = min(pause, certifyLater)
		case r.Waiting:
			pause = min(pause, certifySoon)
		case r.New && serves(d) == nil:
			d.log.Info("a certificate came by the hub", "name", name)
			f.begin()
		case r.New:
			if err := serves(d).load(); err != nil {
				d.log.Error("certificate not read again, the old one stays", "error", err)
			}
		}
	}
	return pause
}

// again begins this program anew in its place, without the window of --confirm: who armed it has confirmed.
func again(log *slog.Logger) error {
	var args []string
	for i := 0; i < len(os.Args); i++ {
		switch {
		case os.Args[i] == "--confirm":
			i++
		case strings.HasPrefix(os.Args[i], "--confirm="):
		default:
			args = append(args, os.Args[i])
		}
	}
	log.Info("beginning anew")
	return refused(syscall.Exec("/proc/self/exe", args, os.Environ())) // it returns only when it fails
}
