package portal_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"parvis/portal"
	"parvis/sessions"
	"parvis/sessions/sessionstest"
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
		case n.Type == html.TextNode && (n.Parent.DataAtom == atom.Style || n.Parent.DataAtom == atom.Title):
		case n.Type == html.TextNode:
			b.WriteString(strings.ReplaceAll(n.Data, "\u00a0", " "))
		case n.DataAtom == atom.P || n.DataAtom == atom.Li || n.DataAtom == atom.Button:
			b.WriteString("\n")
		}
	}
	return b.String()
}

// states puts a place where each page can be seen; path is asked for then.
var states = []struct {
	name    string
	prepare func(*place)
	method  string
	path    string
}{
	{"home", nil, "GET", "/"},
	{"home with time left", func(p *place) { p.end(p.open(phone, visitor, sessions.FromResident), sessions.ByIdle) }, "GET", "/"},
	{"opened", func(p *place) { p.open(phone, measured, sessions.FromResident) }, "GET", "/ouvert"},
	{"mine", func(p *place) { p.open(phone, measured, sessions.FromResident) }, "GET", "/ma-connexion"},
	{"over", func(p *place) { p.end(p.open(phone, visitor, sessions.FromResident), sessions.ByTime) }, "GET", "/"},
	{"refused", func(p *place) { p.whoErr = portal.ErrNoLease }, "POST", "/ouvrir"},
	{"not stopped", func(p *place) {
		p.open(phone, visitor, sessions.FromResident)
		p.kernel.Fail(sessionstest.Drop, errBroken)
		p.kernel.Fail(sessionstest.Sync, errBroken)
	}, "POST", "/arreter"},
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
				p := newPlace(t)
				if s.prepare != nil {
					s.prepare(p)
				}
				r := request(s.method, s.path+"?l="+lang, nil)
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
	return strings.TrimSuffix(name, "_with_time_left")
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

func TestTranslationsSayThatNobodyHasProofreadThem(t *testing.T) {
	notice := map[string]string{"en": "Nobody has proofread it yet.", "ar": "لم يراجعه أحد بعد."}
	each(t, func(t *testing.T, lang string, _ *http.Response, body string) {
		if want := notice[lang]; want != "" && !strings.Contains(body, want) {
			t.Error("the notice is missing")
		}
	})
}

func TestThePolicyAllowsOneStyleSheetAndOurForms(t *testing.T) {
	each(t, func(t *testing.T, _ string, w *http.Response, body string) {
		_, style, _ := strings.Cut(body, "<style>")
		style, _, _ = strings.Cut(style, "</style>")
		sum := sha256.Sum256([]byte(style))
		want := "default-src 'none'; style-src 'unsafe-inline' 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
		for k, v := range map[string]string{
			"Content-Security-Policy": want, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
			"Content-Length": strconv.Itoa(len(body)), "Content-Type": "text/html; charset=utf-8",
		} {
			if got := w.Header.Get(k); got != v {
				t.Errorf("%s: %q, expected %q", k, got, v)
			}
		}
	})
}

// contrast is WCAG's, of two colours #rrggbb or #rgb.
func contrast(a, b string) float64 {
	light := func(s string) float64 {
		s = strings.TrimPrefix(s, "#")
		if len(s) == 3 {
			s = string([]byte{s[0], s[0], s[1], s[1], s[2], s[2]})
		}
		v, _ := strconv.ParseUint(s, 16, 32)
		channel := func(shift uint) float64 {
			c := float64(v>>shift&255) / 255
			if c <= 0.03928 {
				return c / 12.92
			}
			return math.Pow((c+0.055)/1.055, 2.4)
		}
		return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
	}
	x, y := light(a), light(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func TestColoursAreReadable(t *testing.T) {
	style := newPlace(t).get("/").Body.String()
	for _, tc := range []struct {
		what, text, under string
		least             float64
	}{
		{"text on the page", "#2b2420", "#f6efe3", 4.5},
		{"text on the sheet", "#2b2420", "#fffdf9", 4.5},
		{"link on the page", "#17564b", "#f6efe3", 4.5},
		{"link on the sheet", "#17564b", "#fffdf9", 4.5},
		{"main button", "#fff", "#17564b", 4.5},
		{"main button under the pointer", "#fff", "#0f4138", 4.5},
		{"pictures", "#a4501f", "#fffdf9", 3},
		{"focus on the sheet", "#9a3d12", "#fffdf9", 3},
		{"focus on the page", "#9a3d12", "#f6efe3", 3},
	} {
		if !strings.Contains(style, tc.text) || !strings.Contains(style, tc.under) {
			t.Errorf("%s: the style has other colours than this test", tc.what)
		}
		if got := contrast(tc.text, tc.under); got < tc.least {
			t.Errorf("%s: contrast %.2f, expected %v", tc.what, got, tc.least)
		}
	}
}

// Chrome 37 (Android 5) and Safari of iOS 10 know none of these.
func TestOldBrowsersUnderstandTheStyle(t *testing.T) {
	body := newPlace(t).get("/").Body.String()
	for _, modern := range []string{"grid", "var(", ":is(", ":where(", ":has(", "-inline", "inset", "gap:", "clamp(", "min(", "max(", "@layer", "aspect-ratio", ":focus-visible", "@supports"} {
		style, _, _ := strings.Cut(strings.SplitN(body, "<style>", 2)[1], "</style>")
		if strings.Contains(style, modern) {
			t.Errorf("the style uses %q", modern)
		}
	}
}

func TestAValueKeepsItsOwnDirection(t *testing.T) {
	p := newPlace(t)
	p.open(phone, visitor, sessions.FromResident)
	body := p.get("/ouvert?l=ar").Body.String()
	for _, want := range []string{"<bdi>15:42</bdi>", "<bdi>ساعة واحدة</bdi>", "<bdi>wifi.ville.example</bdi>"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
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
		if _, err := portal.New(cfg, p.manager, p.identify, p.clock, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestThePageIsInTheReadersLanguage(t *testing.T) {
	for _, tc := range []struct{ accept, query, want string }{
		{"", "", "fr"},
		{"fr-FR,fr;q=0.9,en;q=0.8", "", "fr"},
		{"en-GB,en;q=0.9", "", "en"},
		{"ar-DZ,fr;q=0.5", "", "ar"},
		{"tr,ar;q=0.5", "", "ar"},
		{"tr", "", "fr"},
		{"zh-CN", "", "fr"},
		{"en", "ar", "ar"},
		{"en", "xx", "en"},
		{"en", "AR", "en"},
		{strings.Repeat("a-b-c,", 4000), "", "fr"},
		{"\x00;q=x", "", "fr"},
	} {
		r := request(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", tc.accept)
		if tc.query != "" {
			r.URL.RawQuery = "l=" + tc.query
		}
		if got := newPlace(t).do(r).Header().Get("Content-Language"); got != tc.want {
			t.Errorf("%.40q with l=%q: %s, expected %s", tc.accept, tc.query, got, tc.want)
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

func FuzzLanguage(f *testing.F) {
	for _, s := range []string{"", "fr", "ar-DZ;q=0.3,*", "x-y-z", "en;q=2", strings.Repeat("a,", 300), "\xff"} {
		f.Add(s, s)
	}
	p := newPlace(f)
	f.Fuzz(func(t *testing.T, accept, l string) {
		r := request(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", accept)
		q := r.URL.Query()
		q.Set("l", l)
		r.URL.RawQuery = q.Encode()
		w := p.do(r)
		got := w.Header().Get("Content-Language")
		if w.Code != http.StatusOK || got != "fr" && got != "en" && got != "ar" {
			t.Errorf("status %d in %q", w.Code, got)
		}
		if (l == "fr" || l == "en" || l == "ar") && got != l {
			t.Errorf("%s was chosen, %s came", l, got)
		}
	})
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
