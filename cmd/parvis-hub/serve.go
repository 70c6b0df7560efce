package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"parvis/internal/clock"
	"parvis/internal/hub/alerts"
	"parvis/internal/hub/intake"
	"parvis/internal/hub/opendata"
	"parvis/internal/hub/pages"
	"parvis/internal/hub/report"
	"parvis/internal/hub/rollout"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/lang"
)

// Bounds of a connection.
const (
	headWithin    = 10 * time.Second
	requestWithin = 30 * time.Second
	answerTakes   = 60 * time.Second // a report or an archive over a slow line
	idleFor       = 2 * time.Minute
	maxHead       = 32 << 10         // bytes
	endWithin     = 20 * time.Second // what is under way may end itself
)

const (
	rolloutEvery = 30 * time.Second
	issueEvery   = time.Minute
	healthWithin = 2 * time.Second
)

type serveCmd struct{}

func (serveCmd) Run(a *app) error {
	s, err := a.settings()
	if err != nil {
		return err
	}
	sign, err := readSignKey(s.SignKey)
	if err != nil {
		return err
	}
	cert, err := s.loadCertificate()
	if err != nil {
		return err
	}
	system, err := clock.NewSystem()
	if err != nil {
		return err
	}
	hub, err := a.open(s)
	if err != nil {
		return err
	}
	defer hub.Close()
	log := slog.New(slog.NewTextHandler(a.err, nil))
	d := &daemon{settings: s, hub: hub, clock: system, log: log, figures: newFigures(hub)}
	out, err := d.out()
	if err != nil {
		return err
	}
	authority, err := s.authority(log)
	if err != nil {
		return err
	}
	o := intake.Options{Hub: hub, Sign: sign, Clock: system, From: intake.Peer, Log: log, Watch: d.figures.watch}
	if cert == nil {
		o.From = intake.Forwarded
	}
	ctx, cancel := context.WithCancel(a.ctx)
	group, ctx := errgroup.WithContext(ctx)
	defer func() { cancel(); group.Wait() }()
	people, err := d.people(o.From)
	if err != nil {
		return err
	}
	public := d.server(d.public(intake.New(o), people))
	group.Go(func() error { return d.tidy(ctx) })
	if cert != nil {
		public.TLSConfig = cert.config()
		group.Go(func() error { return d.reload(ctx, cert) })
	}
	if err := d.listen(ctx, group, "listen", s.Listen, public); err != nil {
		return err
	}
	if s.Monitor != "" {
		if err := d.listen(ctx, group, "monitor", s.Monitor, d.server(d.monitor())); err != nil {
			return err
		}
	}
	for _, run := range out {
		group.Go(func() error { return run(ctx) })
	}
	group.Go(func() error {
		return d.every(ctx, rolloutEvery, "rollout", func(ctx context.Context, commune string) error {
			return hub.Tenant(ctx, commune, func(t *store.Tenant) error { return rollout.Advance(ctx, t, system.Wall().Time) })
		})
	})
	if authority != nil {
		group.Go(func() error {
			return d.every(ctx, issueEvery, "certificates", func(ctx context.Context, commune string) error {
				return authority.Work(ctx, hub, commune, system.Wall().Time)
			})
		})
	}
	err = group.Wait()
	log.Info("the hub has ended")
	return err
}

// daemon is a hub that serves.
type daemon struct {
	settings
	hub     *store.Hub
	clock   clock.Clock
	log     *slog.Logger
	figures *figures
	job     *report.Job
	alerts  *alerts.Manager
	staff   *staff.Staff
}

// public is what sites and people reach.
func (d *daemon) public(sites, people http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", people)
	mux.Handle("/v1/", sites)
	open := opendata.NewServer(opendata.Kept{Hub: d.hub, Clock: d.clock}, d.clock, d.URL+publishedAt, d.log)
	mux.Handle(publishedAt+"/", http.StripPrefix(publishedAt, open))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), healthWithin)
		defer cancel()
		w.Header().Set("Cache-Control", "no-store")
		if err := d.hub.Ping(ctx); err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}

// people makes the pages. from is whom a request comes from.
func (d *daemon) people(from func(*http.Request) string) (http.Handler, error) {
	city, err := d.provider()
	if err != nil {
		return nil, err
	}
	d.staff = staff.New(staff.Options{
		Origin: d.URL, Store: d.hub.Staff(), Clock: d.clock, Log: d.log, City: city, Keep: d.Keep.terms().Log,
		Address: func(r *http.Request) netip.Addr {
			a, _ := netip.ParseAddr(from(r)) // whoever is nobody counts as one
			return a
		},
	})
	return pages.New(pages.Options{
		Store: d.hub, Staff: d.staff, Clock: d.clock, Log: d.log, Version: version, Contact: d.Contact, Drop: d.drop(),
		Alerts: d.alerts, Published: d.URL + publishedAt,
	})
}

// drop puts a month's report into its folder, where a commune has one.
func (d *daemon) drop() func(ctx context.Context, commune, month string) error {
	if len(d.Report) == 0 {
		return nil
	}
	return func(ctx context.Context, commune, month string) error {
		m, err := report.ParseMonth(month)
		if err != nil {
			return err
		}
		return d.job.Drop(ctx, commune, m)
	}
}

// tidyEvery is how often what is over is looked for.
const tidyEvery = time.Hour

// tidy forgets what is over, once an hour, in one hub of the database at a time.
func (d *daemon) tidy(ctx context.Context) error {
	for {
		if _, err := d.hub.Once(ctx, "tidy", d.forget); err != nil && ctx.Err() == nil {
			d.log.Error("what is over is not all forgotten yet; it is tried again", "error", err)
		}
		due, stop := d.clock.At(d.clock.Boot().Add(tidyEvery))
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-due:
		}
	}
}

// forget removes what is over, or was kept for its term: of people who work with the hub, of each commune, and of the hours. What fails keeps nothing
// else from it.
func (d *daemon) forget(ctx context.Context) error {
	terms, now := d.Keep.terms(), d.clock.Wall().Time
	failed := []error{d.staff.Tidy(ctx)}
	all, err := d.hub.Tenants(ctx)
	failed = append(failed, err)
	for _, c := range all {
		var p store.Purged
		err := d.hub.Tenant(ctx, c.ID, func(t *store.Tenant) (err error) {
			p, err = t.Purge(ctx, terms, now)
			return err
		})
		switch {
		case err != nil:
			failed = append(failed, fmt.Errorf("commune %s: %w", c.ID, err))
		case p.Sum() > 0:
			d.log.Info("removed after their term", "commune", c.ID, "incidents", p.Incidents, "messages", p.Messages, "codes", p.Codes, "layers", p.Layers, "publications", p.Publications)
		}
	}
	months, err := d.hub.DropHours(ctx, terms.Hours, now)
	if months > 0 {
		d.log.Info("single hours removed after their term; their days stay", "months", months)
	}
	return errors.Join(append(failed, err)...)
}

// publishedAt is where what everybody may know is.
const publishedAt = "/donnees"

// out is what the hub tells others by itself: alerts, and the month's reports.
func (d *daemon) out() ([]func(context.Context) error, error) {
	manager, job, err := d.outlets(d.hub, d.clock, d.log)
	if err != nil {
		return nil, err
	}
	d.job, d.alerts = job, manager
	return []func(context.Context) error{manager.Run, job.Run}, nil
}

// outlets checks what is configured; hub may be nil until they run.
func (s settings) outlets(hub *store.Hub, c clock.Clock, log *slog.Logger) (*alerts.Manager, *report.Job, error) {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return nil, nil, err
	}
	wrong := func(err error) error {
		return fail(exitNotRight, lang.Text{EN: "the configuration's %v", FR: "dans la configuration, %v"}, err)
	}
	manager, err := alerts.New(alerts.Options{
		Store: alerts.Kept{Hub: hub, Every: intake.Every * time.Second}, Ways: s.Alerts, Mail: s.Mail, Clock: c, Zone: zone, Transport: http.DefaultTransport, Log: log,
	})
	if err != nil {
		return nil, nil, wrong(err)
	}
	job := &report.Job{Hub: hub, Folders: s.Report, Clock: c, Transport: http.DefaultTransport, Log: log}
	if err := job.Check(); err != nil {
		return nil, nil, wrong(err)
	}
	return manager, job, nil
}

func (d *daemon) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headWithin, ReadTimeout: requestWithin, WriteTimeout: answerTakes, IdleTimeout: idleFor, MaxHeaderBytes: maxHead,
		ErrorLog: slog.NewLogLogger(quiet{d.log.Handler()}, slog.LevelDebug),
	}
}

// quiet leaves net/http's lines out that name who connects.
type quiet struct{ slog.Handler }

func (quiet) Enabled(context.Context, slog.Level) bool { return false }

// listen serves until ctx ends, and lets what is under way end itself.
func (d *daemon) listen(ctx context.Context, group *errgroup.Group, key, address string, srv *http.Server) error {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return fail(exitRefused, lang.Text{
			EN: "%s: nobody can be served at %s (%v); is another hub running here?",
			FR: "%s : impossible de servir sur %s (%v) ; un autre centre tourne-t-il ici ?",
		}, key, address, err)
	}
	d.log.Info("serving", "what", key, "address", ln.Addr().String(), "tls", srv.TLSConfig != nil)
	group.Go(func() error {
		var err error
		if srv.TLSConfig != nil {
			err = srv.ServeTLS(ln, "", "")
		} else {
			err = srv.Serve(ln)
		}
		if errors.Is(err, http.ErrServerClosed) {
			return nil
		}
		return err
	})
	group.Go(func() error {
		<-ctx.Done()
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWithin)
		defer cancel()
		return srv.Shutdown(within)
	})
	return nil
}

// every does something in each commune again and again, in one hub of the database at a time, until ctx ends. What fails in one commune
// is logged, and tried again.
func (d *daemon) every(ctx context.Context, pause time.Duration, what string, do func(ctx context.Context, commune string) error) error {
	for {
		_, err := d.hub.Once(ctx, what, func(ctx context.Context) error {
			all, err := d.hub.Tenants(ctx)
			for _, c := range all {
				if err := do(ctx, c.ID); err != nil && ctx.Err() == nil {
					d.log.Error("a commune's turn went wrong; it is tried again", "what", what, "commune", c.ID, "error", err)
				}
			}
			return err
		})
		if err != nil && ctx.Err() == nil {
			d.log.Error("a turn went wrong; it is tried again", "what", what, "error", err)
		}
		due, stop := d.clock.At(d.clock.Boot().Add(pause))
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-due:
		}
	}
}

// reload reads the certificate again on SIGHUP.
func (d *daemon) reload(ctx context.Context, c *certificate) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, unix.SIGHUP)
	defer signal.Stop(hup)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			if err := c.load(); err != nil {
				d.log.Error("the certificate was not read again; the former one stays", "error", err)
			} else {
				d.log.Info("the certificate was read again")
			}
		}
	}
}
