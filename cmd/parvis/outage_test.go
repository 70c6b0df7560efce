package main

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"parvis/internal/clock"
	"parvis/internal/config"
	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/portal/probes"
	"parvis/sessions"
	"parvis/sessions/usage"
)

// Two hours without a line, for a phone that asks the API, one that knows probes alone, and one that was not inside yet.
func TestTwoHoursWithoutALine(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{Idle: "0s", Lease: "24h"})
	modern, old, late := p.guest(), p.guest(), p.guest()
	if modern.Lease().CaptiveURI == "" {
		t.Fatal("no option 114")
	}
	p.accept(modern)
	p.accept(old)
	before := p.sessionOf(modern).Left

	for _, cut := range []func(bool) error{p.CutLine, p.StopUpstream} {
		if err := cut(true); err != nil {
			t.Fatal(err)
		}
	}
	p.minute(t, "answers the probes' names by itself", func() bool {
		a, err := old.Ask(t.Context(), "connectivitycheck.gstatic.com", dnsmessage.TypeA)
		return err == nil && slices.Contains(a.Addrs, p.GuestAddress())
	})

	t.Run("every system that asks a name of its own is led to the page", func(t *testing.T) {
		names := probes.Names()
		for _, pr := range probes.All {
			u, err := url.Parse(pr.URL)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(names, u.Hostname()) {
				continue
			}
			req, err := http.NewRequestWithContext(ctx(t), http.MethodGet, pr.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("User-Agent", pr.UserAgent)
			resp, err := old.Client().Do(req)
			if err != nil {
				t.Errorf("%s: %v", pr.OS, err)
				continue
			}
			if got := pr.Decide(resp); got != probes.Portal || resp.Header.Get("Location") != portalURL+"/" {
				t.Errorf("%s: %s, led to %q", pr.OS, got, resp.Header.Get("Location"))
			}
			resp.Body.Close()
		}
	})
	t.Run("the API leads to it too", func(t *testing.T) {
		a := p.captive(modern)
		if a["captive"] != true || a["user-portal-url"] != "https://"+lab.PortalName+"/" || a["seconds-remaining"] != nil {
			t.Errorf("%v", a)
		}
	})
	t.Run("the page says that the line is at fault", func(t *testing.T) {
		for _, g := range []*lab.Guest{modern, old} {
			if code, body := p.get(g, portalURL+"/ma-connexion"); code != http.StatusOK || !strings.Contains(body, "Internet est en panne") {
				t.Errorf("%d\n%s", code, body)
			}
		}
		if code, body := p.get(late, portalURL+"/"); code != http.StatusOK || !strings.Contains(body, "Internet est en panne") || strings.Contains(body, "Aller sur internet") {
			t.Errorf("who is not inside sees %d\n%s", code, body)
		}
	})
	t.Run("nothing opens falsely", func(t *testing.T) {
		resp, err := late.Client().PostForm(portalURL+"/ouvrir", url.Values{"l": {"fr"}})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), "Internet est en panne") {
			t.Errorf("the tap is answered by %s, %v", resp.Status, err)
		}
		if all, err := p.client.Sessions(ctx(t)); err != nil || len(all) != 2 {
			t.Errorf("%d sessions, %v", len(all), err)
		}
	})

	if err := p.client.Shift(ctx(t), 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	t.Run("time stands still from the third minute on", func(t *testing.T) {
		for _, g := range []*lab.Guest{modern, old} {
			s := p.sessionOf(g)
			// Two minutes of the outage, and what this test takes.
			if spent := before - s.Left; s.State != sessions.Open || !s.LineDown || spent < 110*time.Second || spent > 4*time.Minute {
				t.Errorf("%s, line down %v, %v spent of %v", s.State, s.LineDown, spent, before)
			}
		}
		if _, body := p.get(old, portalURL+"/ma-connexion"); !strings.Contains(body, "Nous gardons votre temps") {
			t.Errorf("the page:\n%s", body)
		}
	})

	for _, cut := range []func(bool) error{p.StopUpstream, p.CutLine} {
		if err := cut(false); err != nil {
			t.Fatal(err)
		}
	}
	p.minute(t, "knows that the line is back", func() bool {
		s, err := p.client.Site(ctx(t))
		return err == nil && len(s.Outages) == 1 && !s.Outages[0].To.IsZero()
	})
	t.Run("one outage is told, with its people and their time", func(t *testing.T) {
		s, err := p.client.Site(ctx(t))
		if err != nil {
			t.Fatal(err)
		}
		o := s.Outages[0]
		lasted := o.To.Sub(o.From)
		if o.Devices != 2 || lasted < 2*time.Hour || lasted > 2*time.Hour+5*time.Minute {
			t.Errorf("%d devices, %v long", o.Devices, lasted)
		}
		if want := 2 * (lasted - 2*time.Minute); o.GivenBack < want-10*time.Second || o.GivenBack > want+10*time.Second {
			t.Errorf("%v given back, want about %v", o.GivenBack, want)
		}
	})
	t.Run("internet is there, and time runs on", func(t *testing.T) {
		p.until("lead to the internet again", func() bool {
			resp, err := old.Client().Get("http://nmcheck.gnome.org/check_network_status.txt")
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			return resp.StatusCode == http.StatusOK
		})
		if a := p.captive(modern); a["captive"] != false {
			t.Errorf("the API says %v", a)
		}
		was := p.sessionOf(old).Left
		if err := p.client.Shift(ctx(t), 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		if s := p.sessionOf(old); s.LineDown || was-s.Left < 10*time.Minute || was-s.Left > 11*time.Minute {
			t.Errorf("line down %v, %v spent in ten minutes", s.LineDown, was-s.Left)
		}
		if err := p.client.Shift(ctx(t), time.Hour); err != nil {
			t.Fatal(err)
		}
		p.until("end what is over", func() bool { return p.sessionOf(old).State == sessions.Ended })
	})
}

// A month is named or the last one that is over; what was not measured is said, and is not 0.
func TestTheReportOfAMonth(t *testing.T) {
	clk := clock.NewFake() // 24 November 2026
	d := &daemon{cfg: &config.Config{}, clock: clk}
	d.cfg.Site.Hours.Zone = time.UTC
	var err error
	d.usage, err = usage.Open(t.Context(), filepath.Join(t.TempDir(), "usage.db"), usage.Options{Clock: clk, Location: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	defer d.usage.Close()
	for of, want := range map[string]string{
		"":           "2026-10 · Connexions : pas de mesure",
		"2026-02":    "2026-02 · Connexions : pas de mesure",
		"2026-02-03": "2026-02-03 · Connexions : pas de mesure",
	} {
		r, err := d.report(t.Context(), control.ReportRequest{Of: of})
		if err != nil || !strings.HasPrefix(r.Text(), want+"\n") {
			t.Errorf("%q: %v\n%s", of, err, r.Text())
		}
	}
	for of, want := range map[string]string{"2026-11": control.Refused, "2026-11-03": control.Refused, "2027-01": control.Refused, "novembre": control.BadInput} {
		_, err := d.report(t.Context(), control.ReportRequest{Of: of})
		if ref := (*control.Refusal)(nil); !errors.As(err, &ref) || ref.Kind != want {
			t.Errorf("%q: %v", of, err)
		}
	}
}

func TestTheReportSpeaksThroughTheSocket(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{})
	out, err := p.parvis.Output(ctx(t), "site", "report", "--month", "2000-02")
	switch { // by whether this machine's clock was ever set
	case err != nil && strings.Contains(err.Error(), "2000-02 is not over, or nobody has set the clock"):
	case err == nil && strings.HasPrefix(out, "2000-02 · Connexions : pas de mesure\n"):
	default:
		t.Errorf("%v\n%s", err, out)
	}
}
