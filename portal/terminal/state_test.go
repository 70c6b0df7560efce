package terminal_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"parvis/internal/mac"
	"parvis/kiosk"
	"parvis/portal/terminal"
	"parvis/sessions"
)

// state is what the script is told once.
func (p *place) state(t *testing.T) (n struct {
	Stamp, Left, Title string
	Warn               int
},
) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/kiosk/etat", nil)
	r.Header.Set("Accept", "application/json")
	if err := json.Unmarshal(p.do(r).Body.Bytes(), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestTheScriptIsToldTheTimeAndTheWarnings(t *testing.T) {
	p := newPlace(t)
	if n := p.state(t); n.Left != "" || n.Warn != 0 {
		t.Errorf("%+v", n)
	}
	p.open(30 * time.Minute)
	if n := p.state(t); n.Left != "Il vous reste 30 minutes." || n.Title != "30\u00a0min" || n.Warn != 0 {
		t.Errorf("%+v", n)
	}
	p.clock.Advance(25 * time.Minute)
	if n := p.state(t); n.Warn != 5 {
		t.Errorf("%+v", n)
	}
	p.clock.Advance(4 * time.Minute)
	if n := p.state(t); n.Warn != 1 {
		t.Errorf("%+v", n)
	}
	p.down = true
	if n := p.state(t); n.Warn != 0 {
		t.Errorf("time stands still and it warns: %+v", n)
	}
}

// The stamp on a page is the one that its script is told, or the page would load itself again for ever.
func TestThePageHasTheStampThatItsScriptIsTold(t *testing.T) {
	for _, s := range shots {
		p := newPlace(t)
		if s.prepare != nil {
			s.prepare(p)
		}
		if p.unknown {
			continue // nobody tells it anything
		}
		call(p)
		body := p.do(httptest.NewRequest(http.MethodGet, s.path, nil)).Body.String()
		_, rest, live := strings.Cut(body, `data-stamp="`)
		stamp, _, _ := strings.Cut(rest, `"`)
		if n := p.state(t); live && n.Stamp != stamp {
			t.Errorf("%s: %s on the page, %s", s.name, stamp, n.Stamp)
		}
	}
}

// A page of the update window tells the router that the terminal is back, and may so end the window that it speaks of.
func TestAPageThatEndsItsUpdateIsToldSo(t *testing.T) {
	p := newPlace(t)
	p.updating, p.back = true, true
	body := p.do(httptest.NewRequest(http.MethodGet, "/kiosk/", nil)).Body.String()
	if !strings.Contains(body, "L&#39;ordinateur se met à jour.") && !strings.Contains(body, "L'ordinateur se met à jour.") {
		t.Fatalf("the page says\n%s", body)
	}
	if n := p.state(t); strings.Contains(body, `data-stamp="`+n.Stamp+`"`) {
		t.Error("the page takes itself for one of a terminal that is ready, and stays")
	}
}

func TestEveryChangeOfAPageChangesItsStamp(t *testing.T) {
	p := newPlace(t)
	seen := map[string]string{p.state(t).Stamp: "locked"}
	for _, c := range []struct {
		name string
		do   func()
	}{
		{"open", func() { p.open(30 * time.Minute) }},
		{"message", func() { p.change(func(x *posts) { x.use.Message = "a" }) }},
		{"refused", func() { p.change(func(x *posts) { x.refused = "www.refuse.example" }) }},
		{"mail", func() { p.change(func(x *posts) { x.use.Mail = true }) }},
		{"name", func() { p.change(func(x *posts) { x.use.Names = []string{"www.refuse.example"} }) }},
		{"call", func() { call(p) }},
		{"ending", func() { p.change(func(x *posts) { x.post.State = kiosk.Ending }) }},
		{"down", func() { p.down = true }},
		{"over", func() { p.down = false; p.ended(kiosk.Cleaning) }},
		{"waiting", func() { p.ended(kiosk.Waiting) }},
		{"closed", func() {
			p.change(func(x *posts) { x.post.State, x.use = kiosk.Locked, kiosk.Use{} })
			p.site.Open = false
		}},
		{"update", func() { p.updating = true }},
	} {
		c.do()
		stamp := p.state(t).Stamp
		if other, twice := seen[stamp]; twice {
			t.Errorf("%s has the stamp of %s", c.name, other)
		}
		seen[stamp] = c.name
	}
}

func TestAStreamTellsOfChangesAndEndsWithTheServer(t *testing.T) {
	p := newPlace(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host, r.RemoteAddr = ours.String(), address.String()+":1"
		p.handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/kiosk/etat", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	next := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		return ""
	}
	if first := next(); !strings.Contains(first, `"left":""`) {
		t.Error(first)
	}
	p.open(30 * time.Minute)
	if second := next(); !strings.Contains(second, "Il vous reste 30 minutes.") {
		t.Error(second)
	}
	p.handler.Close()
	if last := next(); last != "" {
		t.Error(last)
	}
}

func TestANewHandlerRefusesWhatIsMissing(t *testing.T) {
	if _, err := terminal.New(terminal.Options{}); err == nil {
		t.Error("nothing is accepted")
	}
	p := newPlace(t)
	o := p.handler.Options
	o.Languages = []string{"xx"}
	if _, err := terminal.New(o); err == nil {
		t.Error("an unknown language is accepted")
	}
	o = terminal.Options{
		Languages: languages, Clock: o.Clock, Posts: o.Posts, Catalogue: o.Catalogue, Calls: o.Calls,
		Who: func(netip.Addr) (mac.Addr, bool) { return mac.Addr{}, false }, Place: func() sessions.SiteState { return sessions.SiteState{} },
	}
	h, err := terminal.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/kiosk/config.txt", nil))
	if w.Code != http.StatusFound { // its Host is not ours
		t.Error(w.Code)
	}
}
