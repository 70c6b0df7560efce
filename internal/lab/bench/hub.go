package bench

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"parvis/internal/clock"
	"parvis/internal/hub/intake"
	"parvis/internal/hub/intake/intaketest"
	"parvis/internal/hub/pages"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/hublink/wire"
	"parvis/internal/lab/postgres"
)

// centreScale is how much the hub is measured with.
type centreScale struct {
	senders int // sites that send at the same time
	history int // hours that each of them sends at first
	lives   int // signs of life that each sends then
	sites   int // whose history pages look at
	years   int
	pages   int // times that each page is asked
}

// centre is a hub in this process, with a PostgreSQL of its own that keeps what it has said, as it does outside of measurements.
type centre struct {
	server *postgres.Server
	store  *store.Hub
	ended  chan error
	pages  *pages.Pages
	staff  *staff.Staff
	http   *http.Server
	client *http.Client
}

const centreURL = "http://centre"

// hub measures the centre: how fast it takes what sites send, how long its database takes for what a page asks, and how much disk a
// site needs.
func (r *run) hub(ctx context.Context) (err error) {
	c, err := newCentre(ctx, r.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := r.ingest(ctx, c); err != nil {
		return err
	}
	if err := c.fill(ctx, r.centre.sites, r.centre.years); err != nil {
		return err
	}
	if err := r.size(ctx, c); err != nil {
		return err
	}
	return r.pages(ctx, c)
}

func newCentre(ctx context.Context, dir string) (c *centre, err error) {
	c = &centre{ended: make(chan error, 1)}
	if c.server, err = postgres.Start("", "shared_buffers=512MB", "max_connections=60", "max_wal_size=4GB"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	if err := c.server.Run("postgres", "CREATE DATABASE centre OWNER "+postgres.Owner); err != nil {
		return nil, err
	}
	if err := store.Migrate(ctx, c.server.Connect(postgres.Owner, "centre")); err != nil {
		return nil, err
	}
	if c.store, err = store.Open(ctx, c.server.Connect(postgres.Program, "centre")); err != nil {
		return nil, err
	}
	return c, c.serve(ctx, dir)
}

// serve answers sites and people.
func (c *centre) serve(ctx context.Context, dir string) error {
	_, sign, err := ed25519.GenerateKey(nil)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	system, err := clock.NewSystem()
	if err != nil {
		return err
	}
	if err := c.people(ctx, system); err != nil {
		return err
	}
	// A socket in a directory: a lab's namespace has no loopback of its own at first, and TLS is a proxy's.
	socket := filepath.Join(dir, "centre.sock")
	ln, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", c.pages)
	mux.Handle("/v1/", intake.New(intake.Options{
		Hub: c.store, Sign: sign, Clock: hasty{system}, Log: slog.New(slog.DiscardHandler), From: func(r *http.Request) string { return r.Header.Get("From") },
	}))
	c.http = &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: mux}
	go func() { c.ended <- c.http.Serve(ln) }()
	c.client = &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		MaxIdleConnsPerHost: 64,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	return nil
}

// hasty is a clock by which ever more time passes between two requests, so that no site is told to wait.
type hasty struct{ clock.Clock }

var haste atomic.Int64

func (h hasty) Boot() clock.Boot {
	return h.Clock.Boot().Add(time.Duration(haste.Add(int64(time.Minute))))
}

func (c *centre) close() error {
	var err error
	if c.http != nil {
		err = c.http.Close()
		if end := <-c.ended; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		c.client.CloseIdleConnections()
	}
	if c.store != nil {
		c.store.Close()
	}
	return errors.Join(err, c.server.Close())
}

const benchEpoch = "00000000000000aa"

// box enrols a site of its own.
func (c *centre) box(ctx context.Context, name string) (*intaketest.Box, error) {
	var code string
	err := c.store.Tenant(ctx, "sent", func(t *store.Tenant) error {
		s, err := t.AddSite(ctx, name, "Europe/Paris")
		if err == nil {
			code, _, err = t.Code(ctx, s.ID, time.Hour)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	b := &intaketest.Box{URL: centreURL, Client: c.client}
	if _, a, err := b.Enrol(ctx, code); err != nil || a.Status != http.StatusOK {
		return nil, fmt.Errorf("bench: enrol %s: %d %s: %w", name, a.Status, a.Body, err)
	}
	return b, nil
}

// busy is an hour of a place that is open, with every counter that a site of two profiles and terminals has.
func busy(at, seq int64) wire.Hour {
	h := wire.Hour{At: at, Seq: seq, Measured: 3_600_000, Peak: 14, Line: wire.Quality{Asked: 60, Questions: 180, Lost: 1, Latency: 3400}}
	for _, c := range []struct{ what, word string }{
		{"sessions", "visite"},
		{"sessions", "carte"},
		{"time", "visite"},
		{"time", "carte"},
		{"bytes", "visite"},
		{"bytes", "carte"},
		{"opener", "portal"},
		{"opener", "voucher"},
		{"language", "fr"},
		{"language", "en"},
		{"kind", "phone"},
		{"kind", "computer"},
		{"pages", "start"},
		{"terminal-sessions", "poste-1"},
		{"terminal-time", "poste-1"},
	} {
		h.Counts = append(h.Counts, wire.Count{What: c.what, Word: c.word, N: uint64(at*7+seq)%5000 + 1})
	}
	return h
}

// ingest: sites that come back with a history, and then sites that say every minute how they are, with the hour that runs.
func (r *run) ingest(ctx context.Context, c *centre) error {
	if err := c.store.AddTenant(ctx, "sent", "Sent"); err != nil {
		return err
	}
	boxes := make([]*intaketest.Box, r.centre.senders)
	for i := range boxes {
		var err error
		if boxes[i], err = c.box(ctx, fmt.Sprintf("Place %d", i)); err != nil {
			return err
		}
	}
	now := time.Now().Unix() / 3600
	all := func(send func(b *intaketest.Box) error) (time.Duration, error) {
		begun := time.Now()
		group := new(errgroup.Group)
		for _, b := range boxes {
			group.Go(func() error { return send(b) })
		}
		err := group.Wait()
		return time.Since(begun), err
	}
	took, err := all(func(b *intaketest.Box) error {
		for seq := int64(0); seq < int64(r.centre.history); {
			batch := intaketest.Batch(benchEpoch, 0)
			for range min(wire.MaxHours, r.centre.history-int(seq)) {
				seq++
				batch.Hours = append(batch.Hours, busy(now-int64(r.centre.history)+seq-1, seq))
			}
			batch.Seq = seq
			if _, err := b.Send(ctx, batch); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("bench: history: %w", err)
	}
	r.value("hub_ingest_rows_per_s", "per s", float64(len(boxes)*r.centre.history)/took.Seconds())
	took, err = all(func(b *intaketest.Box) error {
		for i := range int64(r.centre.lives) {
			seq := int64(r.centre.history) + 1 + i
			if _, err := b.Send(ctx, intaketest.Batch(benchEpoch, seq, busy(now, seq))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("bench: signs of life: %w", err)
	}
	perSecond := float64(len(boxes)*r.centre.lives) / took.Seconds()
	r.value("hub_batches_per_s", "per s", perSecond)
	r.value("hub_busy_pct_500_sites", "%", 100*500/float64(intake.Every)/perSecond)
	return nil
}

// size is what a site needs in a year, indexes and sums included.
func (r *run) size(ctx context.Context, c *centre) error {
	n, err := c.bytes(ctx)
	if err != nil {
		return err
	}
	r.value("hub_bytes_per_site_year", "bytes", float64(n)/float64(r.centre.sites*r.centre.years))
	return nil
}
