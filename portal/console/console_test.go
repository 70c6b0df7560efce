package console_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"parvis/portal/console"
	"parvis/sessions"
	"parvis/sessions/hours"
	"parvis/sessions/waiting"
)

// pages are those that a test of every page looks at, with what stands for an id.
func pages(t *testing.T, options ...func(*place)) (*place, []string) {
	p := newPlace(t, append(options, papers, withCounts, withPosts, withSeats, withDSI, func(p *place) {
		p.parts.Joined = func(sessions.Device) (time.Duration, bool) { return 0, true }
	})...)
	s := p.open(1)
	ended := p.open(2)
	if _, err := p.manager.End(t.Context(), ended.ID, sessions.ByIdle); err != nil {
		t.Fatal(err)
	}
	p.wait(3, waiting.Visit{Page: true, Kind: waiting.Phone, Language: "ar"})
	p.wait(4, waiting.Visit{})
	if _, err := p.calls.Ask("K7-42", ""); err != nil {
		t.Fatal(err)
	}
	if err := p.manager.SetException(t.Context(), hours.Exception{Date: hours.Date{Year: 2026, Month: 12, Day: 25}}); err != nil {
		t.Fatal(err)
	}
	lot, _ := p.makeLot("nombre", "30")
	group, err := p.manager.MakeWorkshop(t.Context(), sessions.WorkshopRequest{Title: "Ma boîte mail", Profile: "visite", Places: 12, Length: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.calls.Ask("", "Poste 2"); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		p.follow("/file/donner")
	}
	for _, path := range []string{"/file/appeler", "/file/1/absent", "/file/appeler"} {
		p.follow(path)
	}
	p.follow("/reservations", "jour", "2026-11-24", "heure", "900", "duree", "30")
	return p, []string{
		"/file", "/file/hall", "/reservations?numero=R1", "/reservations?jour=2026-11-26", "/catalogue",
		"/postes", "/postes/poste-1", "/postes/poste-2", "/postes/poste-3", "/postes/poste-4", "/postes/poste-5", "/postes/poste-6", "/postes/nouveau-7",
		"/tickets", "/tickets/nouveau", "/tickets/" + lot, "/tickets/" + lot + "/annuler", "/ateliers", "/ateliers/nouveau",
		"/ateliers/" + group.ID, "/ateliers/" + group.ID + "/ecran", "/ateliers/" + group.ID + "/terminer", "/bilan",
		"/", "/attente", "/attente/trouver", "/attente/trouver?depuis=1", "/connexions", "/connexions?q=k7", "/connexions/" + s.ID,
		"/connexions/" + ended.ID, "/connexions/" + s.ID + "/meme", "/demandes", "/ouverture", "/ouverture/pause?pour=1h", "/incident",
		"/aide", "/aide?q=arreter", "/aide/arreter",
	}
}

// text is what a page says to a reader, on one line; spaces that do not break count as spaces.
func text(page string) string {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return ""
	}
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.DataAtom == atom.Script || n.DataAtom == atom.Style {
			return
		}
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
			b.WriteByte(' ')
		}
		for c := range n.ChildNodes() {
			walk(c)
		}
	}
	walk(doc)
	return strings.Join(strings.Fields(b.String()), " ")
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// each runs f on every page.
func each(t *testing.T, f func(t *testing.T, path string, body string)) {
	p, paths := pages(t)
	for _, path := range paths {
		t.Run(path, func(t *testing.T) { f(t, path, p.get(path)) })
	}
}

func TestEveryPageIsAccessibleMarkup(t *testing.T) {
	titles := map[string]string{}
	each(t, func(t *testing.T, path, body string) {
		doc, err := html.Parse(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		count, ids, labels, main := map[string]int{}, map[string]int{}, map[string]bool{}, 0
		var fields []*html.Node
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			count[n.Data]++
			if id := attr(n, "id"); id != "" {
				ids[id]++
			}
			switch n.DataAtom {
			case atom.Html:
				if attr(n, "lang") != "fr" {
					t.Error("the page does not say that it is French")
				}
			case atom.Title:
				title := text(n.FirstChild.Data)
				if other, twice := titles[title]; twice && strings.Split(other, "?")[0] != strings.Split(path, "?")[0] {
					t.Errorf("the title %q is that of %s too", title, other)
				}
				titles[title] = path
			case atom.Nav:
				if attr(n, "aria-label") == "" {
					t.Error("a navigation without a name")
				}
			case atom.Label:
				labels[attr(n, "for")] = true
			case atom.Input, atom.Select, atom.Textarea:
				if kind := attr(n, "type"); kind != "hidden" && kind != "submit" {
					fields = append(fields, n)
				}
			case atom.Form:
				if method := attr(n, "method"); method != "post" && method != "get" || !strings.HasPrefix(attr(n, "action"), "/") {
					t.Errorf("a form by %q to %q", method, attr(n, "action"))
				}
			case atom.Button:
				if attr(n, "type") == "" {
					t.Error("a button that does not say what it is")
				}
			}
			if strings.Contains(" "+attr(n, "class")+" ", " go ") {
				main++
			}
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("<%s %s>: the policy forbids it", n.Data, a.Key)
				}
			}
		}
		for _, one := range []string{"h1", "main", "title"} {
			if count[one] != 1 {
				t.Errorf("%d <%s>", count[one], one)
			}
		}
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%d elements have the id %q", n, id)
			}
		}
		for _, f := range fields {
			if !labels[attr(f, "id")] && attr(f, "aria-label") == "" && attr(f, "aria-labelledby") == "" {
				t.Errorf("the field %q has no name", attr(f, "name"))
			}
		}
		if main > 1 {
			t.Errorf("%d main actions", main)
		}
		if !strings.Contains(body, `href="#texte"`) || ids["texte"] != 1 {
			t.Error("no skip link")
		}
		if count["style"] != 0 || regexp.MustCompile(`<script(?: [^>]*)?>[^<]`).MatchString(body) {
			t.Error("the policy forbids styles and scripts in a page")
		}
	})
}

// The console never shows what tells a device or its owner from others.
func TestNoPageShowsAnAddress(t *testing.T) {
	each(t, func(t *testing.T, _, body string) {
		if found := regexp.MustCompile(`(?i)3c:22:fb|3c22fb|10\.20\.0\.`).FindString(body); found != "" {
			t.Errorf("%q:\n%s", found, body)
		}
	})
}

func TestEveryPageIsSentWithItsPolicy(t *testing.T) {
	p, paths := pages(t)
	for _, path := range paths {
		h := p.do(httptest.NewRequest(http.MethodGet, path, nil)).Header()
		if csp := h.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
		if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestStyleAndScriptAreThereUnderTheNameThatPagesGive(t *testing.T) {
	p := newPlace(t)
	for _, path := range regexp.MustCompile(console.AssetPath+`[a-z]+-[0-9a-f]{12}\.(css|js|svg)`).FindAllString(p.get("/"), -1) {
		w := p.do(httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK || w.Body.Len() == 0 || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
}

func TestTheNavigationLeadsOnlyToPagesThatAreThere(t *testing.T) {
	p := newPlace(t)
	for _, m := range regexp.MustCompile(`<li><a href="(/[^"]*)"`).FindAllStringSubmatch(p.get("/"), -1) {
		if w := p.do(httptest.NewRequest(http.MethodGet, m[1], nil)); w.Code != http.StatusOK {
			t.Errorf("%s: %d", m[1], w.Code)
		}
	}
}

func TestAPageThatIsNotThereSaysSo(t *testing.T) {
	w := newPlace(t).do(httptest.NewRequest(http.MethodGet, "/rien", nil))
	if w.Code != http.StatusNotFound {
		t.Error(w.Code)
	}
	says(t, w.Body.String(), "Cette page n'existe pas.")
}

func TestAGestureOfSomebodyWhoHasNotEnteredIsRefused(t *testing.T) {
	p := newPlace(t)
	s := p.open(1)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/connexions/"+s.ID+"/arreter", nil))
	if now, err := p.manager.Get(s.ID); w.Code != http.StatusForbidden || err != nil || now.State != sessions.Open {
		t.Errorf("answered %d; the session is %+v, %v", w.Code, now, err)
	}
	if done := p.staff.recorded(); len(done) != 0 {
		t.Error(done)
	}
}

func TestAPageThatChangesByItselfCanBeStopped(t *testing.T) {
	p := newPlace(t)
	going := p.get("/attente")
	if !strings.Contains(going, `<noscript><meta http-equiv="refresh" content="10;url=/attente">`) || !strings.Contains(going, `href="/attente?fixe=1"`) {
		t.Error(going)
	}
	stopped := p.get("/attente?fixe=1")
	if strings.Contains(stopped, "refresh") || strings.Contains(stopped, "<script") || !strings.Contains(stopped, `href="/attente">Reprendre`) {
		t.Error(stopped)
	}
}

// Without script nobody's half-written message is taken away.
func TestAPageWithFieldsDoesNotRefreshItselfUnderOnesHands(t *testing.T) {
	each(t, func(t *testing.T, path, body string) {
		if typed := regexp.MustCompile(`<textarea|<input[^>]* type="(search|time|date|text|number)"`).MatchString(body); typed && strings.Contains(body, `http-equiv="refresh"`) {
			t.Error("it does")
		}
	})
}

func TestWhatAGestureDidIsSaidOnceAndOnlyInOurWords(t *testing.T) {
	p := newPlace(t)
	says(t, p.get("/?fait=arrete"), "La connexion est arrêtée.")
	silent(t, p.get("/?fait=zq7zq7"), "zq7zq7")
	if body := p.get("/?fait=arrete"); !strings.Contains(body, `content="10;url=/"`) {
		t.Error("the page that refreshes itself says it again")
	}
}

// A line may not begin with a sign that belongs to the word before it.
func TestTheSignsOfFrenchStayWithTheirWords(t *testing.T) {
	for _, name := range console.Pages() {
		source, err := os.ReadFile("templates/" + name + ".html")
		if err != nil {
			t.Fatal(err)
		}
		said := regexp.MustCompile(`(?s)\{\{.*?\}\}|<[^>]*>`).ReplaceAllString(string(source), "|")
		if found := regexp.MustCompile(`.{0,20}(?: [:?!;»]|« )`).FindString(said); found != "" {
			t.Errorf("%s.html: a plain space in « %s »", name, found)
		}
	}
}
