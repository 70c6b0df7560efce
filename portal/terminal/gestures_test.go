package terminal_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAPersonGoesFromTheGreetingToAService(t *testing.T) {
	p := newPlace(t)
	says(t, p.get("/kiosk/"), "Cet ordinateur est fermé.")
	p.open(30 * time.Minute)
	says(t, p.get("/kiosk/"), "Bonjour.")
	says(t, p.follow("/kiosk/commencer"), "De quoi avez-vous besoin ?")
	says(t, p.get("/kiosk/"), "De quoi avez-vous besoin ?") // the home button of the browser
	says(t, p.get("/kiosk/besoins/logement"), "Je cherche un logement")
	says(t, p.get("/kiosk/service/caf"), "Y aller")
}

func TestTheNextPersonIsGreetedAnew(t *testing.T) {
	p := newPlace(t)
	p.open(30 * time.Minute)
	p.follow("/kiosk/commencer")
	p.change(func(x *posts) { x.use.Session.ID = "s2" })
	says(t, p.get("/kiosk/"), "Bonjour.")
}

func TestPagesOfAnOpenPostAreClosedWithIt(t *testing.T) {
	for _, path := range []string{"/kiosk/besoins", "/kiosk/besoins/aides", "/kiosk/service/caf", "/kiosk/site-ferme", "/kiosk/temps", "/kiosk/commencer", "/kiosk/fini"} {
		says(t, newPlace(t).get(path), "Cet ordinateur est fermé.")
	}
	for _, path := range []string{"/kiosk/commencer", "/kiosk/temps", "/kiosk/site-ferme"} {
		p := newPlace(t)
		says(t, p.follow(path, "montrer", "oui", "nom", "www.refuse.example"), "Cet ordinateur est fermé.")
		if p.posts.graced != 0 || len(p.posts.shown) != 0 {
			t.Errorf("%s did something", path)
		}
	}
}

func TestOnlyServicesThatAreOpenHaveATile(t *testing.T) {
	p := newPlace(t)
	p.open(30 * time.Minute)
	p.change(func(x *posts) { x.use.Bundles = []string{"impots"} })
	page := p.get("/kiosk/besoins")
	says(t, page, "Impôts : déclarer, payer")
	silent(t, page, "Caf", "MSA") // the MSA's own names are those of FranceConnect too
	if w := p.do(httptest.NewRequest(http.MethodGet, "/kiosk/service/caf", nil)); w.Code != http.StatusNotFound {
		t.Error(w.Code)
	}
	p.change(func(x *posts) { x.use.Bundles = []string{} })
	says(t, p.get("/kiosk/besoins"), "Rien n'est ouvert.")
}

func TestARefusedNameIsShownOnlyByAYes(t *testing.T) {
	for answer, want := range map[string]int{"oui": 1, "non": 0, "": 0} {
		p := newPlace(t)
		p.open(30 * time.Minute)
		p.change(func(x *posts) { x.refused = "www.refuse.example" })
		says(t, p.get("/kiosk/besoins"), "Un site est fermé sur cet ordinateur.")
		page := p.follow("/kiosk/site-ferme", "nom", "www.refuse.example", "montrer", answer)
		silent(t, page, "Un site est fermé sur cet ordinateur.", "www.refuse.example")
		if len(p.posts.shown) != want {
			t.Errorf("%q: %v", answer, p.posts.shown)
		}
		if want == 1 {
			says(t, page, "L'accueil voit le nom du site.")
		}
		p.change(func(x *posts) { x.refused = "www.autre.example" }) // it asks about each name
		says(t, p.get("/kiosk/besoins"), "Un site est fermé sur cet ordinateur.")
		for _, c := range p.cookies {
			if strings.Contains(c, "refuse") {
				t.Errorf("a cookie holds the name: %s", c)
			}
		}
	}
}

func TestANameThatWasNotRefusedIsNotShown(t *testing.T) {
	p := newPlace(t)
	p.open(30 * time.Minute)
	p.change(func(x *posts) { x.refused = "www.refuse.example" })
	p.follow("/kiosk/site-ferme", "nom", "www.autre.example", "montrer", "oui")
	if len(p.posts.shown) != 0 {
		t.Error(p.posts.shown)
	}
}

func TestTimeIsAskedForOnce(t *testing.T) {
	p := newPlace(t)
	p.open(4 * time.Minute)
	says(t, p.follow("/kiosk/temps"), "Vous avez 5 minutes de plus.", "Il vous reste 9 minutes.", "Vous voulez plus de temps ? Demandez à l'accueil.")
	says(t, p.follow("/kiosk/temps"), "Pour plus de temps, demandez à l'accueil.")
	if p.posts.graced != 1 {
		t.Error(p.posts.graced)
	}
}

func TestACallForHelpIsOneAndIsFollowed(t *testing.T) {
	p := newPlace(t)
	says(t, p.follow("/kiosk/aide"), "Votre demande est partie à 14 h 42.")
	p.follow("/kiosk/aide")
	if calls := p.calls.Open(); len(calls) != 1 || calls[0].Post != "Poste 3" || calls[0].Code != "" {
		t.Errorf("%+v", calls)
	}
	p.open(30 * time.Minute)
	says(t, p.get("/kiosk/besoins"), "Votre demande est partie")
}

func TestAMessageIsNotedAsSeenWhenItsPageWasSent(t *testing.T) {
	p := newPlace(t)
	p.open(30 * time.Minute)
	p.get("/kiosk/besoins")
	if p.posts.seen != 0 {
		t.Error("seen without a message")
	}
	p.change(func(x *posts) { x.use.Message = "Bonjour" })
	p.get("/kiosk/besoins")
	if p.posts.seen != 1 {
		t.Error("not seen")
	}
}

// A clean browser is one that asks for the homepage, as a page, without our cookie.
func TestWhatCountsAsACleanBrowser(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   bool
	}{
		"a browser":                     {func(*http.Request) {}, true},
		"with its label":                {func(r *http.Request) { r.URL.RawQuery = "kiosk=AB" }, true},
		"looking whether it is there":   {func(r *http.Request) { r.Method = http.MethodHead }, false},
		"wget":                          {func(r *http.Request) { r.Header.Set("User-Agent", "Wget/1.21") }, false},
		"another page's picture":        {func(r *http.Request) { r.Header.Set("Accept", "image/*") }, false},
		"another page's script":         {func(r *http.Request) { r.Header.Set("Origin", "http://www.example.org") }, false},
		"a browser that was here":       {func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "poste", Value: "x"}) }, false},
		"another page than the first":   {func(r *http.Request) { r.URL.Path = "/kiosk/aide" }, false},
		"the configuration":             {func(r *http.Request) { r.URL.Path = "/kiosk/config.txt" }, false},
		"asking what there is to do":    {func(r *http.Request) { r.URL.Path = "/kiosk/etat" }, false},
		"a browser that says who it is": {func(r *http.Request) { r.Header.Set("User-Agent", "Mozilla/5.0") }, true},
	} {
		p := newPlace(t)
		r := httptest.NewRequest(http.MethodGet, "/kiosk/", nil)
		c.change(r)
		w := p.do(r)
		if v := p.posts.visits; len(v) != 1 || v[0].Fresh != c.want || v[0].MAC != machine || v[0].IPv4 != address {
			t.Errorf("%s: %+v", name, v)
		}
		if set := strings.Contains(w.Header().Get("Set-Cookie"), "poste="); set != c.want {
			t.Errorf("%s: cookie %v", name, set)
		}
	}
}

func TestTheLabelIsPassedOnAndBounded(t *testing.T) {
	for sent, want := range map[string]string{"1-B3-D5E": "1-B3-D5E", strings.Repeat("a", 65): "", "": ""} {
		p := newPlace(t)
		p.get("/kiosk/?kiosk=" + sent)
		if got := p.posts.visits[0].Label; got != want {
			t.Errorf("%q: %q", sent, got)
		}
	}
}

func TestTheConfigurationIsTheSameForHEADAndGET(t *testing.T) {
	p := newPlace(t)
	head := p.do(httptest.NewRequest(http.MethodHead, "/kiosk/config.txt?kiosk=AB", nil))
	get := p.do(httptest.NewRequest(http.MethodGet, "/kiosk/config.txt?kiosk=AB", nil))
	if head.Code != http.StatusOK || get.Code != http.StatusOK || head.Header().Get("Content-Length") != get.Header().Get("Content-Length") || !strings.HasPrefix(get.Body.String(), "[[ GLOBAL ]]") {
		t.Errorf("%v %v %s", head, get, get.Body)
	}
	if v := p.posts.visits; len(v) != 2 || v[0].Label != "AB" {
		t.Errorf("%+v", v)
	}
	if w := p.do(httptest.NewRequest(http.MethodGet, "/kiosk/config.txt?kiosk=none", nil)); w.Code != http.StatusNotFound {
		t.Error(w.Code)
	}
	if w := p.do(httptest.NewRequest(http.MethodGet, "/kiosk/prefs.js", nil)); !strings.Contains(w.Body.String(), "user_pref") {
		t.Error(w.Body)
	}
	if w := p.do(httptest.NewRequest(http.MethodGet, "/kiosk/verbe", nil)); w.Body.String() != "rester\n" {
		t.Error(w.Body)
	}
}

func TestAnotherSitesFormAndAnotherNameDoNothing(t *testing.T) {
	p := newPlace(t)
	p.open(4 * time.Minute)
	r := httptest.NewRequest(http.MethodPost, "/kiosk/temps", nil)
	r.Header.Set("Origin", "http://www.example.org")
	if w := p.do(r); w.Code != http.StatusForbidden || p.posts.graced != 0 {
		t.Errorf("%d, %d", w.Code, p.posts.graced)
	}
	r = httptest.NewRequest(http.MethodGet, "http://www.example.org/x", nil)
	r.RemoteAddr = address.String() + ":40000"
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	if w.Code != http.StatusFound || w.Header().Get("Location") != "http://10.21.0.1/kiosk/" || strings.Contains(w.Body.String(), "example.org") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestWhatIsTooLongIsRefused(t *testing.T) {
	p := newPlace(t)
	if w := p.do(httptest.NewRequest(http.MethodGet, "/kiosk/?kiosk="+strings.Repeat("a", 3000), nil)); w.Code != http.StatusRequestURITooLong {
		t.Error(w.Code)
	}
	if w := p.post("/kiosk/aide", "l", strings.Repeat("a", 5000)); w.Code != http.StatusRequestEntityTooLarge {
		t.Error(w.Code)
	}
}
