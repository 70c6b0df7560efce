package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"parvis/internal/clock"
	"parvis/internal/hub/intake"
	"parvis/internal/hub/store"
)

// figures are what the hub says of itself in Prometheus' text format. No label has anything of a person, or more of a commune than the
// EPCI's view.
type figures struct{ set *metrics.Set }

func newFigures(h *store.Hub) *figures {
	set := metrics.NewSet()
	set.GetOrCreateGauge(fmt.Sprintf(`parvis_hub_info{version=%q}`, version), func() float64 { return 1 })
	set.NewGauge(`parvis_hub_database_connections{state="busy"}`, func() float64 { busy, _ := h.Connections(); return float64(busy) })
	set.NewGauge(`parvis_hub_database_connections{state="idle"}`, func() float64 { _, idle := h.Connections(); return float64(idle) })
	for _, name := range []string{"parvis_hub_kept_hours_total", "parvis_hub_left_out_hours_total"} {
		set.NewCounter(name)
	}
	return &figures{set}
}

// watch counts one request of a site.
func (f *figures) watch(e intake.Event) {
	f.set.GetOrCreateCounter(fmt.Sprintf(`parvis_hub_requests_total{what=%q,status="%d"}`, e.What, e.Status)).Inc()
	f.set.GetOrCreatePrometheusHistogram(fmt.Sprintf(`parvis_hub_request_seconds{what=%q}`, e.What)).Update(e.Took.Seconds())
	f.set.GetOrCreateCounter("parvis_hub_kept_hours_total").Add(e.Hours)
	f.set.GetOrCreateCounter("parvis_hub_left_out_hours_total").Add(e.LeftOut)
}

// glances are all sites as those who run the hub see them, asked at most once in fresh: Prometheus asks site by site.
type glances struct {
	hub   *store.Hub
	clock clock.Clock

	mu   sync.Mutex
	all  []store.Glance
	till clock.Boot
}

const fresh = 10 * time.Second

func (g *glances) get(ctx context.Context) ([]store.Glance, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.clock.Boot(); now >= g.till {
		all, err := g.hub.Glances(ctx)
		if err != nil {
			return nil, err
		}
		g.all, g.till = all, now.Add(fresh)
	}
	return g.all, nil
}

// monitor is what the centre's own monitoring reaches: /metrics of the hub, /sites for Prometheus' HTTP service discovery, and behind each
// of its targets what is known of one site. It is the hub that answers for a site: nobody reaches into one.
func (d *daemon) monitor() http.Handler {
	g := &glances{hub: d.hub, clock: d.clock}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", textFormat)
		d.figures.set.WritePrometheus(w)
		d.writeFacts(r.Context(), w)
		metrics.WriteProcessMetrics(w)
	})
	mux.HandleFunc("GET /sites", func(w http.ResponseWriter, r *http.Request) {
		all, err := g.get(r.Context())
		if err != nil {
			d.unavailable(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(targets(all, r.Host)) // who has gone asks again
	})
	mux.HandleFunc("GET /sites/{site}/metrics", func(w http.ResponseWriter, r *http.Request) {
		all, err := g.get(r.Context())
		if err != nil {
			d.unavailable(w, err)
			return
		}
		for _, one := range all {
			if one.Site == r.PathValue("site") {
				w.Header().Set("Content-Type", textFormat)
				writeSite(w, one, d.clock.Wall().Time)
				return
			}
		}
		http.NotFound(w, r)
	})
	return mux
}

// hubMetrics are what the database says of the hub, by name and help; nothing where it is not known.
var hubMetrics = []struct {
	name, help string
	value      func(facts) (float64, bool)
}{
	{"parvis_hub_sites", "Sites of all communes.", func(f facts) (float64, bool) { return float64(f.sites), true }},
	{"parvis_hub_silent_sites", "Sites that were heard once, and not for ten minutes.", func(f facts) (float64, bool) { return float64(f.silent), true }},
	{"parvis_hub_waiting_messages", "Alerts that their other side has not taken yet.", func(f facts) (float64, bool) { return float64(f.waiting), true }},
	{"parvis_hub_oldest_message_seconds", "Since when the oldest of them waits.", func(f facts) (float64, bool) { return f.oldest.Seconds(), true }},
	{"parvis_hub_backup_age_seconds", "Since the last backup. Missing where there never was one.", func(f facts) (float64, bool) { return f.age.Seconds(), f.backup != nil }},
	{"parvis_hub_backup_bytes", "Its size. Missing where the town makes it.", func(f facts) (float64, bool) {
		if f.backup == nil || f.backup.Bytes == 0 {
			return 0, false
		}
		return float64(f.backup.Bytes), true
	}},
}

// writeFacts says whether the database answers, and what it says.
func (d *daemon) writeFacts(ctx context.Context, w io.Writer) {
	ctx, cancel := context.WithTimeout(ctx, healthWithin)
	defer cancel()
	f, err := lookAt(ctx, d.hub, d.clock.Wall().Time)
	up := 1.0
	if err != nil {
		d.log.Error("the monitoring does not hear from the database", "error", err)
		up = 0
	}
	gauge(w, "parvis_hub_database_up", "1 while the database answers, and has this version's tables.", up)
	if err != nil {
		return
	}
	for _, m := range hubMetrics {
		if v, known := m.value(f); known {
			gauge(w, m.name, m.help, v)
		}
	}
}

func gauge(w io.Writer, name, help string, v float64) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %[1]s gauge\n", name, help)
	metrics.WriteGaugeFloat64(w, name, v)
}

const textFormat = "text/plain; version=0.0.4; charset=utf-8"

func (d *daemon) unavailable(w http.ResponseWriter, err error) {
	d.log.Error("the monitoring was not answered", "error", err)
	http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
}

// target is one entry of http_sd (Prometheus, "HTTP SD", version 2).
type target struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// targets are all sites, each a path of the hub at the address by which it was asked.
func targets(all []store.Glance, host string) []target {
	list := make([]target, 0, len(all))
	for _, g := range all {
		list = append(list, target{[]string{host}, map[string]string{
			"__metrics_path__": "/sites/" + g.Site + "/metrics", "instance": g.Site,
			"commune": g.Tenant, "commune_name": g.TenantName, "site_name": g.Name,
		}})
	}
	return list
}

// siteMetrics are what is said of a site, by name and help; nothing where it is not known.
var siteMetrics = []struct {
	name, help string
	value      func(store.Glance, time.Time) (float64, bool)
}{
	{"parvis_site_silent_seconds", "Since the hub last heard of the site. Missing where it never has.", func(g store.Glance, now time.Time) (float64, bool) {
		if g.Contact == nil {
			return 0, false
		}
		return max(0, now.Sub(*g.Contact).Seconds()), true
	}},
	{"parvis_site_waiting_hours", "Hours that the site has counted and not sent yet.", func(g store.Glance, _ time.Time) (float64, bool) {
		if g.Waiting == nil {
			return 0, false
		}
		return float64(*g.Waiting), true
	}},
	{"parvis_site_line_up", "1 while the site's line leads to the internet, as it last said.", func(g store.Glance, _ time.Time) (float64, bool) {
		if g.LineUp == nil {
			return 0, false
		}
		if *g.LineUp {
			return 1, true
		}
		return 0, true
	}},
	{"parvis_site_problems", "What needs a hand there, as it last said.", func(g store.Glance, _ time.Time) (float64, bool) {
		if g.Contact == nil || g.Problems == nil {
			return 0, false
		}
		return float64(*g.Problems), true
	}},
	{"parvis_site_recent_sessions", "Sessions of the last 30 days.", func(g store.Glance, _ time.Time) (float64, bool) { return float64(g.Sessions), true }},
}

func writeSite(w io.Writer, g store.Glance, now time.Time) {
	for _, m := range siteMetrics {
		if v, known := m.value(g, now); known {
			gauge(w, m.name, m.help, v)
		}
	}
}
