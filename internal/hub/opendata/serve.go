package opendata

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"parvis/internal/clock"
)

// ErrNoCommune: there is none under that name, or it publishes nothing.
var ErrNoCommune = errors.New("opendata: no such commune")

// Commune is what a commune publishes.
type Commune struct {
	Name   string
	Zone   *time.Location
	Places []Place
}

// Source is where the places are.
type Source interface {
	// Commune returns a commune by the identifier that its addresses have. It fails with ErrNoCommune.
	Commune(ctx context.Context, id string) (Commune, error)
}

// fresh is how long what was read serves, so that a page of the town that many look at asks the database little.
const fresh = 30 * time.Second

// Server answers everybody, without an account: GET PATH/COMMUNE/FILE.
type Server struct {
	source Source
	clock  clock.Clock
	base   string // address of this hub with PATH
	log    *slog.Logger
	mux    *http.ServeMux

	mu   sync.Mutex
	kept map[string]read
}

type read struct {
	commune Commune
	at      time.Time
	until   clock.Boot
}

// NewServer makes a server. base is the public address below which it answers, without a slash at its end:
// https://parvis.example/donnees.
func NewServer(source Source, c clock.Clock, base string, log *slog.Logger) *Server {
	s := &Server{source: source, clock: c, base: base, log: log, mux: http.NewServeMux(), kept: map[string]read{}}
	for _, f := range []struct {
		name, kind string
		make       func(r *http.Request, id string, c Commune, at time.Time) ([]byte, error)
	}{
		{"lieux-mediation-numerique.csv", "text/csv; charset=utf-8", func(_ *http.Request, _ string, c Commune, _ time.Time) ([]byte, error) {
			return MediationCSV(c.Places), nil
		}},
		{"lieux-mediation-numerique.json", "application/json", func(_ *http.Request, _ string, c Commune, _ time.Time) ([]byte, error) {
			return MediationJSON(c.Places)
		}},
		{"points-acces-wifi.csv", "text/csv; charset=utf-8", func(_ *http.Request, _ string, c Commune, _ time.Time) ([]byte, error) {
			return PointsCSV(c.Places), nil
		}},
		{"ouverts.json", "application/json", func(_ *http.Request, _ string, c Commune, at time.Time) ([]byte, error) {
			return LiveJSON(c.Places, at)
		}},
		{"ouverts.html", "text/html; charset=utf-8", func(r *http.Request, _ string, c Commune, at time.Time) ([]byte, error) {
			level, _ := strconv.Atoi(r.URL.Query().Get("titre"))
			return Fragment(c.Name, c.Places, at, c.Zone, level)
		}},
		{"ouverts.atom", "application/atom+xml; charset=utf-8", func(_ *http.Request, id string, c Commune, at time.Time) ([]byte, error) {
			return Atom(s.base+"/"+id+"/ouverts.atom", c.Name, c.Places, at)
		}},
	} {
		s.mux.HandleFunc("GET /{commune}/"+f.name, func(w http.ResponseWriter, r *http.Request) {
			id := r.PathValue("commune")
			c, at, err := s.commune(r.Context(), id)
			if errors.Is(err, ErrNoCommune) {
				http.NotFound(w, r)
				return
			}
			var body []byte
			if err == nil {
				body, err = f.make(r, id, c, at)
			}
			if err != nil {
				s.log.Error("opendata: answer", "file", f.name, "error", err)
				http.Error(w, "indisponible", http.StatusServiceUnavailable)
				return
			}
			sum := sha256.Sum256(body)
			h := w.Header()
			h.Set("Content-Type", f.kind)
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
			h.Set("Access-Control-Allow-Origin", "*") // is for everybody, and no cookie is looked at
			h.Set("Cache-Control", "public, max-age=60")
			h.Set("ETag", `"`+hex.EncodeToString(sum[:12])+`"`)
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body)) // knows If-None-Match and HEAD
		})
	}
	return s
}

// ServeHTTP implements http.Handler, below base.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// commune reads a commune at most once in fresh. Names that are none are not kept: there is no end of them.
func (s *Server) commune(ctx context.Context, id string) (Commune, time.Time, error) {
	now := s.clock.Boot()
	s.mu.Lock()
	k, ok := s.kept[id]
	s.mu.Unlock()
	if ok && now < k.until {
		return k.commune, k.at, nil
	}
	c, err := s.source.Commune(ctx, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		delete(s.kept, id)
		return Commune{}, time.Time{}, fmt.Errorf("opendata: read commune %q: %w", id, err)
	}
	k = read{c, s.clock.Wall().Time.Truncate(time.Second), now.Add(fresh)}
	s.kept[id] = k
	return k.commune, k.at, nil
}
