package pages_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"parvis/internal/hub/pages"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
	"parvis/internal/lab/browser"
)

// `go test -run Axe -screens DIR` keeps a picture of every page at each width.
var screens = flag.String("screens", "", "a folder for pictures of every page")

type shown struct {
	name   string
	answer *httptest.ResponseRecorder
}

// album is a hub with all that pages can show, and the pages.
type album struct {
	*world
	pages []shown
}

func (a *album) see(name, path string) {
	a.t.Helper()
	a.keep(name, a.ask(http.MethodGet, path))
}

func (a *album) send(name, path string, fields ...string) {
	a.t.Helper()
	a.keep(name, a.ask(http.MethodPost, path, fields...))
}

func (a *album) keep(name string, answer *httptest.ResponseRecorder) {
	a.t.Helper()
	if kind := answer.Header().Get("Content-Type"); !strings.HasPrefix(kind, "text/html") {
		a.t.Fatalf("%s is no page: %d %q", name, answer.Code, kind)
	}
	a.pages = append(a.pages, shown{name, answer})
}

func newAlbum(t *testing.T) *album {
	a := &album{world: newWorld(t)}
	a.see("H1", "/entrer")
	a.see("H1-ville", "/entrer?refus=ville")
	a.send("H1-refus", "/entrer", "identifiant", "personne", "mot-de-passe", "x")
	a.see("continuer", "/entrer/suite?suite=/sites")
	a.see("lien-vieux", "/invitation?j=x")
	for _, page := range []string{"aide", "accessibilite", "mentions"} {
		a.see("H24-"+page, "/"+page)
	}
	by := staff.Operator
	by.Tenant = "lac"
	l, err := a.staff.Invite(t.Context(), by, "lac", staff.DPO, "Protection des données")
	a.must(err)
	_, secret, _ := strings.Cut(l.URL, "?j=")
	a.see("invitation", "/invitation?j="+secret)
	a.send("invitation-refus", "/invitation", "j", secret, "nom", "Protection", "identifiant", "dpo", "mot-de-passe", "court", "encore", "court")

	a.join("", "centre", staff.EPCI)
	a.enter("centre")
	a.see("H11", "/communes")
	a.send("H11-refus", "/communes", "identifiant", "É", "nom", "Val", "personne", "Une personne")
	a.send("H11-lien", "/communes", "identifiant", "val", "nom", "Val-sur-Rive", "personne", "Administration")
	a.see("H11-depart", "/communes/val/depart")
	a.see("H12-centre", "/equipe")
	a.see("H23-sans-sauvegarde", "/centre")
	a.must(a.hub.AddBackup(t.Context(), store.Backup{At: a.now.Add(-3 * time.Hour), Bytes: 12_345_678, Checked: true}))
	a.see("H23", "/centre")
	a.see("interdit", "/sites")
	a.centreSettings()

	a.join("bois", "bois", staff.DSI)
	a.enter("bois")
	a.must(a.inBois(func(ctx context.Context, tt *store.Tenant) error { return tt.RemoveSite(ctx, a.bois.ID) }))
	a.see("H2-vide", "/sites")
	a.see("H4-vide", "/parc")
	a.see("H6-vide", "/incidents")
	a.see("H13-vide", "/rapport")
	a.see("H7-vide", "/reglages")
	a.see("H8-vide", "/publications")
	a.see("H16-vide", "/alertes")
	a.see("H14-vide", "/exports")

	admin := a.join("lac", "administration", staff.DSI)
	reader := a.join("lac", "lecture", staff.Reader)
	a.enter("administration")
	a.see("H3-vide", "/sites/"+a.lac.ID)
	ill := well()
	ill.Problems = []wire.Problem{{Code: "terminal", What: "poste-2"}, {Code: "line-saturated"}}
	ill.Terminals = append(ill.Terminals, wire.Terminal{ID: "poste-3", State: "silent"}, wire.Terminal{ID: "poste-4", State: "of-a-later-version"})
	ill.Refused, ill.Bundle, ill.Trial = &wire.Refused{Bundle: "12", Why: "line"}, "13", true
	a.counted("lac", a.lac.ID, 75, ill)
	storetest.In(t, a.hub, "lac", func(ctx context.Context, tt *store.Tenant) error {
		for _, code := range []string{"terminal", "line-saturated"} {
			if _, err := tt.BeginIncident(ctx, a.lac.ID, code, []string{"poste-2"}, a.now.Add(-3*time.Hour)); err != nil {
				return err
			}
		}
		id, err := tt.BeginIncident(ctx, a.lac.ID, "disk", nil, a.now.Add(-50*time.Hour))
		if err != nil {
			return err
		}
		return tt.EndIncident(ctx, id, a.now.Add(-40*time.Hour))
	})
	var colleague, code string
	storetest.In(t, a.hub, "lac", func(ctx context.Context, tt *store.Tenant) (err error) {
		c, err := tt.AddColleague(ctx, store.Colleague{Login: "mediation", Name: "Médiation", Role: "mediator"})
		if err != nil {
			return err
		}
		colleague = c.ID
		code, _, err = tt.Code(ctx, a.lac.ID, time.Hour)
		return err
	})
	_, _, _, err = a.hub.Enrol(t.Context(), enrolment(code))
	a.must(err)
	storetest.In(t, a.hub, "lac", func(ctx context.Context, tt *store.Tenant) error {
		return tt.SendColleague(ctx, colleague, []string{a.lac.ID})
	})
	a.many("lac", 60)
	monday := a.now.AddDate(0, 0, -7)
	y, week := monday.ISOWeek()
	for name, path := range map[string]string{
		"H2": "/sites", "H2-filtre": "/sites?q=10&tri=jour", "H2-rien": "/sites?q=zzz", "H3": fmt.Sprintf("/sites/%s?semaine=%d-W%02d", a.lac.ID, y, week),
		"H3-compare": fmt.Sprintf("/sites/%s?semaine=%d-W%02d&comparer=1", a.lac.ID, y, week), "H3-maintenant": "/sites/" + a.lac.ID, "H4": "/parc", "H6": "/incidents",
		"H6-fait": "/incidents?fait=charge", "H9": "/enroler", "H9-retirer": "/sites/" + a.lac.ID + "/retirer", "H12": "/equipe", "H12-fermer": "/equipe/" + reader.ID + "/fermer",
		"H13": "/rapport", "H13-lieu": "/rapport?lieu=" + a.lac.ID, "H22": "/journal", "H22-une": "/journal?qui=" + admin.ID, "H12-personnes": "/personnes",
		"H12-personne": "/personnes/" + colleague, "H12-partout": "/personnes/" + colleague + "/fermer", "compte": "/compte", "rien": "/rien",
	} {
		a.see(name, path)
	}
	a.communeSettings()
	a.upgrades()
	a.cards()
	a.send("H9-refus", "/enroler", "nom", "x")
	a.send("H9-code", "/enroler", "nom", "Maison des services")
	a.send("H12-refus", "/equipe", "nom", "x", "role", "reader")
	a.send("H12-lien", "/equipe", "nom", "Renfort", "role", "reader")
	a.send("H12-mot-de-passe", "/equipe/"+reader.ID+"/mot-de-passe")
	a.send("compte-refus", "/compte", "actuel", "x", "mot-de-passe", "a", "encore", "b")
	return a
}

func (a *album) inBois(fn func(context.Context, *store.Tenant) error) error {
	ctx := a.t.Context()
	return a.hub.Tenant(ctx, "bois", func(tt *store.Tenant) error { return fn(ctx, tt) })
}

// RGAA, by what a program can see: every page at 320 px, at 200 % zoom of 1280 px, and at 1280 px, with its charts.
func TestNoPageBreaksARuleOfAxe(t *testing.T) {
	browser.NeedsAxe(t)
	a := newAlbum(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n int
		if _, err := fmt.Sscanf(r.URL.Path, "/page/%d", &n); err == nil && n < len(a.pages) {
			for k, v := range a.pages[n].answer.Header() {
				w.Header()[k] = v
			}
			w.Header().Del("Refresh")
			_, _ = w.Write(a.pages[n].answer.Body.Bytes())
			return
		}
		a.ServeHTTP(w, r)
	}))
	defer server.Close()
	b, err := browser.Here(t.Context(), t.TempDir())
	a.must(err)
	defer func() { a.must(b.Close()) }()
	for n, page := range a.pages {
		a.must(b.Open(t.Context(), fmt.Sprintf("%s/page/%d", server.URL, n)))
		for _, width := range []int64{320, 640, 1280} {
			a.must(b.Viewport(t.Context(), width, 720))
			found, err := b.Axe(t.Context())
			a.must(err)
			for _, v := range found {
				t.Errorf("%s at %d px: %v", page.name, width, v)
			}
			if *screens != "" {
				a.must(b.Whole(t.Context(), filepath.Join(*screens, fmt.Sprintf("%s-%d.png", page.name, width))))
			}
		}
	}
}

// Every template is on one of the album's pages (by its first heading or its own words), has one h1, and says what it is in its title.
func TestEveryPageHasItsLandmarks(t *testing.T) {
	a := newAlbum(t)
	titles := regexp.MustCompile(`<title>([^<]+)</title>`)
	for _, page := range a.pages {
		body := page.answer.Body.String()
		for what, n := range map[string]int{"<h1": 1, "<main": 1, `<a class="skip"`: 1, "<footer": 1} {
			if got := strings.Count(body, what); got != n {
				t.Errorf("%s has %d of %s", page.name, got, what)
			}
		}
		if m := titles.FindStringSubmatch(body); m == nil || strings.HasPrefix(m[1], " ·") {
			t.Errorf("%s has no title", page.name)
		}
		if strings.Contains(body, "<no value>") || strings.Contains(body, "style=") || strings.Contains(body, "<script>") {
			t.Errorf("%s says <no value>, or holds something inline", page.name)
		}
	}
	if a.log.Len() > 0 {
		t.Errorf("the log says: %s", a.log.String())
	}
	seen := pages.Rendered()
	for _, name := range pages.Names() {
		if name != "left" && !slices.Contains(seen, name) { // left needs a town's provider
			t.Errorf("no page here is rendered from templates/%s.html", name)
		}
	}
}

// With 500 sites a page is there in a fraction of a second, and whole.
func TestFiveHundredSites(t *testing.T) {
	w := newWorld(t)
	w.join("lac", "lecture", staff.Reader)
	w.many("lac", 499)
	w.enter("lecture")
	for path, want := range map[string]string{"/sites": "500 lieux dans la liste", "/parc": "Lieu 498", "/rapport": "Rapport du mois"} {
		answer := w.ask(http.MethodGet, path)
		if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), want) {
			t.Errorf("%s: %d, without %q", path, answer.Code, want)
		}
	}
}
