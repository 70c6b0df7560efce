package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hub/pages"
	"parvis/internal/hub/staff"
)

const benchPassword = "hibou nuage escalier"

// centrePages are every page that reads what grows with sites and years, as its reader asks for it; SITE is one of them, by chance.
var centrePages = []struct {
	name, path string
	epci       bool
}{
	{"sites", "/sites", false},
	{"site", "/sites/SITE", false},
	{"site_beside_a_year_ago", "/sites/SITE?comparer=1", false},
	{"fleet", "/parc", false},
	{"incidents", "/incidents", false},
	{"report", "/rapport", false},
	{"report_of_a_site", "/rapport?lieu=SITE", false},
	{"report_file", "/rapport/fichier?format=csv", false},
	{"exports", "/exports", false},
	{"settings", "/reglages", false},
	{"settings_of_a_site", "/reglages/SITE", false},
	{"publication", "/publications/1", false},
	{"people", "/personnes", false},
	{"log", "/journal", false},
	{"communes", "/communes", true},
	{"centre", "/centre", true},
}

// people makes the pages, and the two who look at them: each is a cookie.
func (c *centre) people(ctx context.Context, system clock.Clock) (err error) {
	quiet := slog.New(slog.DiscardHandler)
	c.staff = staff.New(staff.Options{Origin: centreURL, Store: c.store.Staff(), Clock: system, Log: quiet})
	c.pages, err = pages.New(pages.Options{Store: c.store, Staff: c.staff, Clock: system, Log: quiet, Version: "bench", Published: centreURL + "/donnees"})
	return err
}

// enters makes an account of a commune, or with "" of those who run the hub, and returns the cookie of who has entered.
func (c *centre) enters(ctx context.Context, tenant string, role staff.Role) (*http.Cookie, error) {
	by := staff.Operator
	by.Tenant = tenant
	l, err := c.staff.Invite(ctx, by, tenant, role, "Personne")
	if err != nil {
		return nil, fmt.Errorf("bench: invite: %w", err)
	}
	_, secret, _ := strings.Cut(l.URL, "?j=")
	login := "bench-" + string(role)
	if _, err := c.staff.Accept(ctx, secret, login, "Personne", benchPassword); err != nil {
		return nil, fmt.Errorf("bench: accept: %w", err)
	}
	form := url.Values{"identifiant": {login}, "mot-de-passe": {benchPassword}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, centreURL+staff.EnterPath, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := c.client.Transport.RoundTrip(req) // the answer leads on; its cookie is all that is wanted
	if err != nil {
		return nil, fmt.Errorf("bench: enter: %w", err)
	}
	resp.Body.Close()
	if all := resp.Cookies(); len(all) == 1 {
		return all[0], nil
	}
	return nil, fmt.Errorf("bench: enter: %s", resp.Status)
}

// look asks for a page and returns how long it took until its last byte.
func (c *centre) look(ctx context.Context, path string, who *http.Cookie) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, centreURL+path, nil)
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	req.AddCookie(who)
	begun := time.Now()
	resp, err := c.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("bench: %w", err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	took := time.Since(begun)
	err = errors.Join(err, resp.Body.Close())
	if err == nil && (resp.StatusCode != http.StatusOK || n == 0 || resp.Request.URL.Path == staff.EnterPath) {
		err = fmt.Errorf("%s, %d bytes", resp.Status, n)
	}
	if err != nil {
		return 0, fmt.Errorf("bench: page %s: %w", path, err)
	}
	return took, nil
}

// look at every page of a commune that has every site, and at what those who run the hub see.
func (r *run) pages(ctx context.Context, c *centre) error {
	dsi, err := c.enters(ctx, "made", staff.DSI)
	if err != nil {
		return err
	}
	epci, err := c.enters(ctx, "", staff.EPCI)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // which site is looked at
	worst := 0.0
	for _, page := range centrePages {
		who := dsi
		if page.epci {
			who = epci
		}
		var took []float64
		for i := range r.centre.pages + 1 {
			d, err := c.look(ctx, strings.ReplaceAll(page.path, "SITE", madeSite(1+random.IntN(r.centre.sites))), who)
			if err != nil {
				return err
			}
			if i > 0 { // the first warms up
				took = append(took, float64(d)/float64(time.Millisecond))
			}
		}
		p95 := percentile(took, 95)
		worst = max(worst, p95)
		r.note(Figure{Name: "hub_page_ms_p95_" + page.name, Unit: "ms", Value: p95, Rounds: len(took), Low: percentile(took, 0), High: percentile(took, 100)})
	}
	r.value("hub_page_ms_p95", "ms", worst)
	return nil
}
