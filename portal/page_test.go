package portal_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"parvis/portal"
	"parvis/sessions"
	"parvis/sessions/sessionstest"
	"parvis/sessions/waiting"
)

func all(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// readable is what a person reads on a page, one block a line.
func readable(t *testing.T, r io.Reader) string {
	t.Helper()
	doc, err := html.Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for n := range doc.Descendants() {
		switch {
		case n.Type == html.TextNode && (n.Parent.DataAtom == atom.Style || n.Parent.DataAtom == atom.Script || n.Parent.DataAtom == atom.Title):
		case n.Type == html.TextNode:
			b.WriteString(strings.ReplaceAll(n.Data, "\u00a0", " "))
		case n.DataAtom == atom.P || n.DataAtom == atom.Li || n.DataAtom == atom.Button:
			b.WriteString("\n")
		}
	}
	return b.String()
}

// state is a place as a page is seen in it.
type state struct {
	name    string
	prepare func(*place)
	method  string
	path    string
}

// in is the page's address in a language.
func (s state) in(lang string) string {
	sep := "?"
	if strings.Contains(s.path, "?") {
		sep = "&"
	}
	return s.path + sep + "l=" + lang
}

// configure adapts the configuration to the state.
func (s state) configure(c *portal.Config) {
	if s.name == "refused for today" {
		c.Profile = daily.Name
	}
}

// place is one in the state.
func (s state) place(t *testing.T) *place {
	t.Helper()
	p := newPlace(t, s.configure)
	if s.prepare != nil {
		s.prepare(p)
	}
	return p
}

// states puts a place where each page can be seen; path is asked for then.
var states = []state{
	{"home", nil, "GET", "/"},
	{"home with time left", func(p *place) { p.end(p.open(phone, visitor, sessions.FromResident), sessions.ByIdle) }, "GET", "/"},
	{"opened", func(p *place) { p.open(phone, measured, sessions.FromResident) }, "GET", "/ouvert"},
	{"mine", func(p *place) { p.open(phone, measured, sessions.FromResident) }, "GET", "/ma-connexion"},
	{"over", func(p *place) { p.end(p.open(phone, visitor, sessions.FromResident), sessions.ByTime) }, "GET", "/"},
	{"over for today", func(p *place) { p.end(p.open(phone, visitor, sessions.FromResident), sessions.ByDay) }, "GET", "/"},
	{"mine slower", func(p *place) { p.use(p.open(phone, generous, sessions.FromResident), generous.Volume) }, "GET", "/ma-connexion"},
	{"on hold", func(p *place) { p.open(phone, visitor, sessions.FromResident); p.contested(sessions.TwoPorts) }, "GET", "/"},
	{"on hold at the tap", func(p *place) { p.contested(sessions.OtherAddress) }, "POST", "/ouvrir"},
	{"refused for today", func(p *place) { p.use(p.open(phone, daily, sessions.FromResident), daily.DailyVolume) }, "POST", "/ouvrir"},
	{"refused", func(p *place) { p.whoErr = portal.ErrNoLease }, "POST", "/ouvrir"},
	{"not stopped", func(p *place) {
		p.open(phone, visitor, sessions.FromResident)
		p.kernel.Fail(sessionstest.Drop, errBroken)
		p.kernel.Fail(sessionstest.Sync, errBroken)
	}, "POST", "/arreter"},
	{"waiting", func(p *place) { p.clock.Advance(time.Second) }, "GET", "/attendre"},
	{"a code", nil, "GET", "/code"},
	{"a code filled in", nil, "GET", "/code?c=K4RT-9X2M-7HWQ"},
	{"a code refused", nil, "POST", "/code"},
	{"taking back", nil, "GET", "/reprendre"},
	{"taking back refused", nil, "POST", "/reprendre"},
	{"taking back by cookie", func(p *place) { p.cookie = p.open(phone, visitor, sessions.FromDesk).Token; p.comesBack() }, "GET", "/reprendre"},
	{"closed", (*place).pause, "GET", "/"},
	{"over as it is closed", func(p *place) { p.open(phone, visitor, sessions.FromResident); p.pause() }, "GET", "/"},
	{"the line is down", func(p *place) { p.down = true }, "GET", "/"},
	{"the line is down inside", func(p *place) { p.open(phone, visitor, sessions.FromResident); p.down = true }, "GET", "/ma-connexion"},
	{"mine with everything", func(p *place) {
		s := p.open(phone, generous, sessions.FromResident)
		if err := p.manager.Message(context.Background(), s.ID, "Venez nous voir, s'il vous plaît : nous avons trouvé vos clés."); err != nil {
			p.t.Fatal(err)
		}
		p.desk = true
		p.clock.Advance(2*time.Hour - 4*time.Minute)
	}, "GET", "/ma-connexion"},
	{"help asked for", func(p *place) { p.get("/aide"); p.post("/aide") }, "GET", "/aide"},
	{"help that nobody has seen", func(p *place) { p.post("/aide"); p.clock.Advance(waiting.Unanswered) }, "GET", "/aide"},
	{"help", nil, "GET", "/aide"},
	{"rules", nil, "GET", "/regles"},
	{"data", func(p *place) { p.end(p.open(phone, visitor, sessions.FromResident), sessions.ByIdle) }, "GET", "/vos-donnees"},
	{"languages", nil, "GET", "/langues"},
	{"accessibility", nil, "GET", "/accessibilite"},
	{"legal notice", nil, "GET", "/mentions-legales"},
	{"plan", nil, "GET", "/plan"},
	{"missing", nil, "GET", "/nulle-part"},
	{"problem", nil, "PUT", "/"},
}

// each shows every page in every language.
func each(t *testing.T, check func(t *testing.T, lang string, w *http.Response, body string)) {
	for _, s := range states {
		for _, lang := range config.Languages {
			t.Run(s.name+"/"+lang, func(t *testing.T) {
				p := s.place(t)
				r := request(s.method, s.in(lang), nil)
				w := p.do(r).Result()
				defer w.Body.Close()
				check(t, lang, w, all(t, w.Body))
			})
		}
	}
}

func TestEveryPageIsSoundAndLight(t *testing.T) {
	titles := map[string]string{}
	each(t, func(t *testing.T, lang string, w *http.Response, body string) {
		head := fmt.Sprintf("%v", w.Header)
		if size := len(body) + len(head); size > 14_000 {
			t.Errorf("%d bytes, expected at most 14,000", size)
		}
		if strings.Contains(body, "no value") || strings.ContainsAny(body, "\uE000\uE001") || strings.Contains(body, "ZgotmplZ") {
			t.Errorf("a value is missing:\n%s", body)
		}
		doc, err := html.Parse(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		count := map[string]int{}
		ids := map[string]bool{}
		var level int
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			count[n.Data]++
			checkElement(t, n)
			if id := attr(n, "id"); id != "" && ids[id] {
				t.Errorf("id %q twice", id)
			} else if id != "" {
				ids[id] = true
			}
			if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
				if l := int(n.Data[1] - '0'); l > level+1 {
					t.Errorf("<%s> after level %d", n.Data, level)
				} else {
					level = l
				}
			}
			if n.DataAtom == atom.Html && (attr(n, "lang") != lang || attr(n, "dir") != map[bool]string{true: "rtl", false: "ltr"}[lang == "ar"]) {
				t.Errorf("language %q, direction %q", attr(n, "lang"), attr(n, "dir"))
			}
			if n.DataAtom == atom.Title {
				title := n.FirstChild.Data
				if other, ok := titles[lang+title]; ok && pageOf(other) != pageOf(t.Name()) {
					t.Errorf("title %q is that of %s too", title, other)
				}
				titles[lang+title] = t.Name()
			}
		}
		for _, one := range []string{"h1", "main", "header", "footer", "title", "style"} {
			if count[one] != 1 {
				t.Errorf("%d <%s>", count[one], one)
			}
		}
		for _, none := range []string{"script", "img", "link", "iframe", "table", "video", "object"} {
			if none == "script" && strings.Contains(t.Name(), "/a_code/") {
				continue // fills the field, and is not needed: TestTheCodeOfAnAddressFillsTheField
			}
			if count[none] != 0 {
				t.Errorf("%d <%s>: a page is one request, without script", count[none], none)
			}
		}
		if !strings.Contains(body, `href="#texte"`) || !ids["texte"] {
			t.Error("no skip link")
		}
	})
}

// pageOf takes a test's name apart; the two states of the first page share a title.
func pageOf(test string) string {
	name := strings.Split(test, "/")[1]
	for _, variant := range []string{"_with_time_left", "_for_today", "_slower", "_at_the_tap", "_filled_in", "_refused", "_inside", "_with_everything", "_asked_for", "_that_nobody_has_seen", "_by_cookie", "_as_it_is_closed"} {
		name = strings.TrimSuffix(name, variant)
	}
	return name
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func checkElement(t *testing.T, n *html.Node) {
	t.Helper()
	for _, a := range n.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
			t.Errorf("<%s %s>: the policy forbids it", n.Data, a.Key)
		}
	}
	switch n.DataAtom {
	case atom.Svg:
		if attr(n, "aria-hidden") != "true" || attr(n, "focusable") != "false" {
			t.Error("a picture that is not hidden from screen readers")
		}
		if attr(n, "width") == "" || attr(n, "height") == "" {
			t.Error("a picture that fills the page where styles are off")
		}
	case atom.A:
		to := attr(n, "href")
		if !strings.HasPrefix(to, "/") && to != "#texte" || strings.HasPrefix(to, "//") || attr(n, "target") != "" {
			t.Errorf("a link to %q", to)
		}
	case atom.Form:
		if attr(n, "method") != "post" || !strings.HasPrefix(attr(n, "action"), "/") {
			t.Errorf("a form to %q", attr(n, "action"))
		}
	case atom.Nav:
		if attr(n, "aria-label") == "" {
			t.Error("a navigation without a name")
		}
	}
}

// The main button is one, and first.
func TestEveryPageHasAtMostOneMainAction(t *testing.T) {
	each(t, func(t *testing.T, _ string, _ *http.Response, body string) {
		if n := strings.Count(body, `class="go"`); n > 1 {
			t.Errorf("%d main actions", n)
		}
		if n := strings.Count(body, `class="go"`) + strings.Count(body, `class="no"`) + strings.Count(body, `class="pl"`); n == 0 {
			t.Error("no action at all")
		}
	})
}

// RGAA: without a valid audit the mention is "non conforme", and it stands on the first page.
func TestEveryPageLeadsToHelpAndTheMandatoryPages(t *testing.T) {
	each(t, func(t *testing.T, lang string, _ *http.Response, body string) {
		for _, to := range []string{"/aide", "/regles", "/vos-donnees", "/accessibilite", "/plan", "/mentions-legales"} {
			if !strings.Contains(body, `<li><a href="`+to+`?l=`+lang+`">`) {
				t.Errorf("no link to %s", to)
			}
		}
		if lang == "fr" && !strings.Contains(body, "Accessibilité\u00a0: non conforme</a>") {
			t.Error("the mention is missing")
		}
	})
}

// A place's name is the operator's text, not markup.
func TestTheConfigurationsTextsAreEscaped(t *testing.T) {
	p := newPlace(t, func(c *portal.Config) {
		c.Site = portal.Site{Name: `<script>alert("a")</script>`, Desk: "<b>x", Contact: `"><img src=x>`, Publisher: "a&b"}
	})
	for _, path := range []string{"/", "/aide", "/vos-donnees", "/accessibilite", "/mentions-legales"} {
		body := p.get(path).Body.String()
		if regexp.MustCompile(`<script|<img|<b>x|a&b`).MatchString(body) {
			t.Errorf("%s:\n%s", path, body)
		}
	}
}

func TestThePlacesOwnRulesAreShownInEveryLanguage(t *testing.T) {
	for _, l := range config.Languages {
		body := newPlace(t).get("/regles?l=" + l).Body.String()
		if !strings.Contains(body, `<li>La salle du fond est silencieuse.</li>`) {
			t.Errorf("%s: the place's rule is not on the page", l)
		}
	}
	p := newPlace(t, func(c *portal.Config) { c.Site.Rules = nil })
	if body := p.get("/regles").Body.String(); strings.Contains(body, "<h2>Ici</h2>") {
		t.Error("a place without rules of its own has a heading for them")
	}
}

func TestANewPortalRefusesWhatDoesNotExist(t *testing.T) {
	for name, change := range map[string]func(*portal.Config){
		"no name":            func(c *portal.Config) { c.Name = "" },
		"no language":        func(c *portal.Config) { c.Languages = nil },
		"unknown language":   func(c *portal.Config) { c.Languages = []string{"fr", "../fr"} },
		"the same one twice": func(c *portal.Config) { c.Languages = []string{"fr", "fr"} },
		"unknown profile":    func(c *portal.Config) { c.Profile = "nobody" },
	} {
		p := newPlace(t)
		cfg := config
		change(&cfg)
		if _, err := portal.New(cfg, portal.Parts{Sessions: p.manager, Identify: p.identify, Waiting: p.waiting, Calls: p.calls, Clock: p.clock}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestNothingThatTheClientSentIsInThePage(t *testing.T) {
	p := newPlace(t)
	const sent = "zq7zq7"
	r := request(http.MethodGet, "/"+sent+"?l="+sent+"&fixe="+sent, nil)
	for _, h := range []string{"Accept-Language", "User-Agent", "Referer", "Cookie"} {
		r.Header.Set(h, sent)
	}
	w := p.do(r)
	if got := fmt.Sprint(w.Header(), w.Body); strings.Contains(got, sent) {
		t.Error(got)
	}
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"/", "/ouvrir", "/aide", "/api/captive", "/../..", "//evil.example", "/%2e%2e/", "*", "/\x00", "/a?b=c#d"} {
		f.Add(s, uint8(0))
	}
	p := newPlace(f)
	methods := []string{"GET", "HEAD", "POST", "PUT", "CONNECT", "OPTIONS", "BREW"}
	f.Fuzz(func(t *testing.T, path string, m uint8) {
		r := request(methods[int(m)%len(methods)], "/", nil)
		r.URL.Path, r.RequestURI = path, path
		w := p.do(r)
		if w.Code >= 500 && w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s %q: status %d", r.Method, path, w.Code)
		}
		if to := w.Header().Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//")) {
			t.Errorf("%s %q leads to %q", r.Method, path, to)
		}
	})
}
