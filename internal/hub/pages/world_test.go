package pages_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hub/pages"
	"parvis/internal/hub/pgtest"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Run(m)) }

const (
	password = "hibou nuage escalier"
	epoch    = "00000000000000aa"
)

// world is a hub on a real PostgreSQL: the communes lac and bois, each with its team and sites. Its clock is the machine's at its
// start, because the database has that one too.
type world struct {
	*pages.Pages
	t     testing.TB
	hub   *store.Hub
	staff *staff.Staff
	clock *clock.Fake
	who   *http.Cookie // who has entered; nil nobody

	lac, bois store.Site
	ways      ways
	now       time.Time
	log       strings.Builder
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, clock: clock.NewFake(), now: time.Now().Truncate(time.Second)}
	w.clock.SetWall(clock.Wall{Time: w.now, Quality: clock.Synchronised})
	w.hub, _ = storetest.New(t)
	for _, c := range []struct{ id, name string }{{"lac", "Saint-Lac"}, {"bois", "Bois-Secret"}} {
		w.must(w.hub.AddTenant(t.Context(), c.id, c.name))
	}
	w.staff = staff.New(staff.Options{Origin: "https://hub.exemple.test", Store: w.hub.Staff(), Clock: w.clock, Log: slog.New(slog.DiscardHandler)})
	var err error
	w.Pages, err = pages.New(pages.Options{
		Store: w.hub, Staff: w.staff, Clock: w.clock, Log: slog.New(slog.NewTextHandler(&w.log, nil)), Version: "1.0", Contact: "dsi@exemple.test",
		Drop: func(context.Context, string, string) error { return nil }, Alerts: &w.ways,
		Published: "https://hub.exemple.test/donnees",
	})
	w.must(err)
	w.lac, w.bois = storetest.Site(t, w.hub, "lac", "Médiathèque du Lac"), storetest.Site(t, w.hub, "bois", "Lieu-Secret")
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// join makes an account.
func (w *world) join(tenant, login string, role staff.Role) staff.Person {
	w.t.Helper()
	by := staff.Operator
	by.Tenant = tenant
	l, err := w.staff.Invite(w.t.Context(), by, tenant, role, login)
	w.must(err)
	_, secret, _ := strings.Cut(l.URL, "?j=")
	p, err := w.staff.Accept(w.t.Context(), secret, login, login, password)
	w.must(err)
	return p
}

// wallAt is a clock that everybody believes.
func wallAt(t time.Time) clock.Wall { return clock.Wall{Time: t, Quality: clock.Synchronised} }

// enter makes login the one who asks.
func (w *world) enter(login string) {
	w.t.Helper()
	w.enterAs(login, password)
}

func (w *world) enterAs(login, password string) {
	w.t.Helper()
	w.who = nil
	answer := w.ask(http.MethodPost, "/entrer", "identifiant", login, "mot-de-passe", password)
	if answer.Code != http.StatusSeeOther {
		w.t.Fatalf("%s does not get in: %d", login, answer.Code)
	}
	w.who = answer.Result().Cookies()[0]
}

// ask sends a request; fields are names and values of a form.
func (w *world) ask(method, path string, fields ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if w.who != nil {
		r.AddCookie(w.who)
	}
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, r)
	return answer
}

// counted is how a site was used: each hour of the opening on each day of so many before now, and how it is now.
func (w *world) counted(tenant, site string, days int, now wire.Now) {
	w.t.Helper()
	zone, err := time.LoadLocation("Europe/Paris")
	w.must(err)
	b := wire.Batch{Epoch: epoch, Sent: w.now.Unix(), Now: now}
	send := func() {
		if err := b.Check(); err != nil {
			w.t.Fatal(err)
		}
		storetest.In(w.t, w.hub, tenant, func(ctx context.Context, t *store.Tenant) error {
			_, err := t.Take(ctx, site, b, w.now)
			return err
		})
		b.Hours = nil
	}
	for back := days - 1; back >= 0; back-- {
		day := w.now.In(zone).AddDate(0, 0, -back)
		for hour := 9; hour < 18; hour++ {
			at := time.Date(day.Year(), day.Month(), day.Day(), hour, 0, 0, 0, zone)
			if at.After(w.now) {
				continue
			}
			n := uint64((hour-8)*(9-hour/3) + back%5)
			b.Seq++
			b.Hours = append(b.Hours, wire.Hour{
				At: at.Unix() / 3600, Seq: b.Seq, Measured: 3_600_000, Peak: int(n),
				Line: wire.Quality{Asked: 60, Down: int64(back % 3), Questions: 180, Lost: 2, Latency: 4200, Full: int64(hour % 7)},
				Counts: []wire.Count{
					{What: "sessions", Word: "visite", N: n},
					{What: "sessions", Word: "etude", N: n / 2},
					{What: "time", Word: "visite", N: n * 1_800_000},
					{What: "terminal-sessions", Word: "poste-1", N: 2},
					{What: "terminal-time", Word: "poste-1", N: 3_000_000},
				},
			})
		}
		if len(b.Hours) > wire.MaxHours-10 {
			send()
		}
	}
	send()
}

// well is a site on which nothing is wrong.
func well() wire.Now {
	return wire.Now{
		Version: "1.0", Up: 86400, Clock: "synchronised", Place: "open", Open: 7, Slots: 60, Waiting: 1, Line: wire.Line{Up: true, Latency: 24, Down: 35, Upload: 12},
		Terminals: []wire.Terminal{{ID: "poste-1", State: "open"}, {ID: "poste-2", State: "locked"}}, Expires: map[string]int{"portal": 61, "console": 61},
	}
}

// many adds so many sites of a commune with a week each, all at once.
func (w *world) many(tenant string, n int) {
	w.t.Helper()
	storetest.In(w.t, w.hub, tenant, func(ctx context.Context, t *store.Tenant) error {
		for i := range n {
			s, err := t.AddSite(ctx, fmt.Sprintf("Lieu %03d", i), "Europe/Paris")
			if err != nil {
				return err
			}
			now := well()
			switch {
			case i%50 == 7:
				now.Line.Up = false
			case i%40 == 9:
				now.Problems = []wire.Problem{{Code: "disk"}}
			case i%9 == 3:
				now.Place = "closed"
			}
			at := w.now
			if i%100 == 5 {
				at = at.Add(-2 * time.Hour)
			}
			h := wire.Hour{At: w.now.Unix() / 3600, Seq: 1, Measured: 60_000, Peak: i % 30, Counts: []wire.Count{{What: "sessions", Word: "visite", N: uint64(i % 40)}}}
			if _, err := t.Take(ctx, s.ID, wire.Batch{Epoch: epoch, Seq: 1, Sent: w.now.Unix(), Now: now, Hours: []wire.Hour{h}}, at); err != nil {
				return err
			}
		}
		return nil
	})
}
