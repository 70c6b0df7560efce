package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/portal"
	"parvis/portal/drawings"
	"parvis/portal/probes"
	"parvis/sessions"
	"parvis/sessions/waiting"
)

func atDesk(c *portal.Config) { c.AtDesk = true }

func TestTheWaitingPageShowsTheCodeAndItsDrawing(t *testing.T) {
	p := newPlace(t)
	code := p.manager.CodeOf(phone.MAC)
	w := p.get("/attendre")
	says(t, w, 200, "Montrez cet écran à l'accueil.", code, "Dessin : "+drawings.Word(sessions.Drawing(code), "fr"), "Une personne vous ouvre internet.",
		"Laissez cette page ouverte.", "Elle change toute seule.", "Voir si c'est ouvert", "Arrêter le changement automatique")
	if !strings.Contains(w.Body.String(), string(drawings.SVG(sessions.Drawing(code), 96))) {
		t.Error("the drawing is not on the page")
	}
}

// The window is closed, another one opened, by another browser: the code is the device's.
func TestTheCodeStaysTheSame(t *testing.T) {
	p := newPlace(t)
	code := p.manager.CodeOf(phone.MAC)
	for range 3 {
		p.clock.Advance(time.Minute)
		says(t, p.get("/attendre"), 200, code)
	}
	p.open(phone, visitor, sessions.FromDesk)
	says(t, p.get("/ma-connexion"), 200, "Votre code : "+code)
}

func TestTheWaitingPageLeadsOnOnceInternetIsOpen(t *testing.T) {
	p := newPlace(t)
	const refresh = `<meta http-equiv="refresh" content="2;url=/attendre?l=fr">`
	if body := p.get("/attendre?l=fr").Body.String(); !strings.Contains(body, refresh) {
		t.Errorf("no %s on\n%s", refresh, body)
	}
	p.open(phone, visitor, sessions.FromDesk)
	leads(t, p.get("/attendre?l=fr"), "/ouvert?l=fr")
	says(t, p.get("/ouvert"), 200, "Internet est ouvert.")
}

func TestTheAutomaticChangeCanBeStopped(t *testing.T) {
	for _, tc := range []struct {
		path    string
		prepare func(*place)
	}{
		{"/attendre", func(*place) {}},
		{"/ma-connexion", func(p *place) { p.open(phone, visitor, sessions.FromDesk) }},
		{"/", func(p *place) { p.down = true }},
		{"/", (*place).pause},
		{"/aide", func(p *place) { p.get("/aide"); p.post("/aide") }},
	} {
		p := newPlace(t)
		tc.prepare(p)
		body := p.get(tc.path).Body.String()
		stop := `href="` + tc.path + `?fixe=1">Arrêter le changement automatique</a>`
		if !strings.Contains(body, `http-equiv="refresh"`) || strings.Count(body, stop) != 2 {
			t.Errorf("%s: expected it to change by itself, and twice a link to stop that, first after the one to the text:\n%s", tc.path, body)
		}
		body = p.get(tc.path + "?fixe=1").Body.String()
		if strings.Contains(body, "http-equiv") || !strings.Contains(body, `href="`+tc.path+`">Remettre le changement automatique</a>`) {
			t.Errorf("%s: stopped, it changes all the same, or cannot again:\n%s", tc.path, body)
		}
	}
}

func TestWhereOnlyTheDeskOpensTheFirstPageIsTheWaitingPage(t *testing.T) {
	p := newPlace(t, atDesk)
	says(t, p.get("/"), 200, "Montrez cet écran à l'accueil.", p.manager.CodeOf(phone.MAC))
	leads(t, p.post("/ouvrir"), "/attendre")
	if p.passes(phone) {
		t.Fatal("a click has opened internet")
	}
	p.end(p.open(phone, visitor, sessions.FromDesk), sessions.ByTime)
	w := p.get("/")
	says(t, w, 200, "Votre temps est fini.", "Demander du temps")
	if !strings.Contains(w.Body.String(), `<a class="go" href="/attendre">Demander du temps</a>`) {
		t.Error("the button does not lead to the desk")
	}
}

// What the desk has given is taken up again without it.
func TestWhereOnlyTheDeskOpensWhoHasTimeLeftComesBackAlone(t *testing.T) {
	p := newPlace(t, atDesk)
	p.end(p.open(phone, visitor, sessions.FromDesk), sessions.ByIdle)
	says(t, p.get("/"), 200, "Reprendre", "Il vous reste 1 heure.")
	leads(t, p.post("/ouvrir"), "/ouvert")
	if !p.passes(phone) {
		t.Error("internet is not open")
	}
}

func TestWhoIsNobodyIsToldSoInsteadOfWaitingForEver(t *testing.T) {
	for _, path := range []string{"/", "/attendre"} {
		p := newPlace(t, atDesk)
		p.whoErr = portal.ErrNoLease
		says(t, p.get(path), http.StatusConflict, "Votre appareil a une ancienne adresse.", "Arrêtez le Wi-Fi, puis remettez le Wi-Fi.")
	}
}

func TestEveryPageNotesWhoWaits(t *testing.T) {
	for _, path := range []string{"/", "/attendre", "/code", "/reprendre", "/aide", "/regles", "/vos-donnees", "/langues", "/accessibilite", "/mentions-legales", "/plan"} {
		p := newPlace(t)
		r := request(http.MethodGet, path+"?l=ar", nil)
		r.Header.Set("User-Agent", "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36")
		p.do(r)
		got := p.waiting.Entries()
		want := waiting.Entry{
			Device: phone, Code: p.manager.CodeOf(phone.MAC), Since: p.clock.Boot(), Seen: p.clock.Boot(), Kind: waiting.Phone, Language: "ar", Page: true,
		}
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

func TestWhoIsInIsNotNoted(t *testing.T) {
	p := newPlace(t)
	p.open(phone, visitor, sessions.FromResident)
	for _, path := range []string{"/ma-connexion", "/ouvert", "/aide"} {
		p.get(path)
	}
	r := request(http.MethodGet, "/generate_204", nil)
	r.Host = "connectivitycheck.gstatic.com"
	p.do(r) // over a connection from before
	p.end(mustOf(t, p), sessions.ByResident)
	if got := p.waiting.Entries(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func mustOf(t *testing.T, p *place) sessions.Session {
	t.Helper()
	s, ok := p.manager.Of(phone.MAC)
	if !ok {
		t.Fatal("no session")
	}
	return s
}

// Before its owner has touched anything, with what the question itself tells of the device.
func TestADeviceIsNotedFromItsFirstProbe(t *testing.T) {
	kinds := map[string]waiting.Kind{
		"iOS and macOS": "", "Android": waiting.Phone, "Android, fallback": "", "Android, other fallback": waiting.Phone, "Huawei": waiting.Phone,
		"Xiaomi": waiting.Phone, "Windows": waiting.Computer, "Windows before 10": waiting.Computer, "Firefox": "", "Firefox, per family": "",
		"ChromeOS": "", "Chrome": "", "GNOME": waiting.Computer, "Debian": waiting.Computer, "Fedora": waiting.Computer, "Kindle": "",
	}
	for _, probe := range probes.All {
		kind, decided := kinds[probe.OS]
		if !decided {
			t.Errorf("%s: decide what kind of device asks so", probe.OS)
			continue
		}
		p := newPlace(t)
		u, err := url.Parse(probe.URL)
		if err != nil {
			t.Fatal(err)
		}
		r := request(http.MethodGet, u.RequestURI(), nil)
		r.Host = u.Host
		r.Header.Set("User-Agent", probe.UserAgent)
		p.do(r)
		want := waiting.Entry{Device: phone, Code: p.manager.CodeOf(phone.MAC), Since: p.clock.Boot(), Seen: p.clock.Boot(), Kind: kind}
		if got := p.waiting.Entries(); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %+v, expected %+v", probe.OS, got, want)
		}
	}
}

func TestTheAPINotesWhoWaits(t *testing.T) {
	p := newPlace(t)
	p.api(captiveJSON, true).Body.Close()
	if got := p.waiting.Entries(); len(got) != 1 || got[0].Page {
		t.Errorf("%+v", got)
	}
}

// An address that is nobody's is asked for once in a while, not at each probe; and its device is noted once it is known.
func TestProbesFromNobodyAreNoted(t *testing.T) {
	p := newPlace(t)
	p.whoErr = portal.ErrNoLease
	probe := func() {
		r := request(http.MethodGet, "/ncsi.txt", nil)
		r.Host = "www.msftncsi.com"
		p.do(r)
	}
	probe()
	p.whoErr = nil
	probe()
	if got := p.waiting.Entries(); len(got) != 0 {
		t.Errorf("it was asked again at once: %+v", got)
	}
	p.clock.Advance(30 * time.Second)
	probe()
	if got := p.waiting.Entries(); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestWhatABrowserCallsItselfIsGuessed(t *testing.T) {
	for agent, want := range map[string]waiting.Kind{
		"":                                    "",
		"CaptiveNetworkSupport-443.0.0 wispr": "",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148":         waiting.Phone,
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36":              waiting.Phone,
		"Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0":                                                  waiting.Phone,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36":       waiting.Computer,
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15": waiting.Computer,
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36":        waiting.Computer,
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                waiting.Computer,
		"curl/8.5.0": "",
	} {
		p := newPlace(t)
		r := request(http.MethodGet, "/", nil)
		r.Header.Set("User-Agent", agent)
		p.do(r)
		if got := p.waiting.Entries(); len(got) != 1 || got[0].Kind != want {
			t.Errorf("%q: %+v, expected %q", agent, got, want)
		}
	}
}

func TestAClosedPlaceSaysWhenItOpens(t *testing.T) {
	p := newPlace(t)
	p.pause()
	for _, path := range []string{"/", "/attendre"} {
		says(t, p.get(path), 200, "Internet est fermé.", "L'accueil a arrêté internet un moment.", "Il ouvre aujourd'hui à 16 h 42.")
	}
	says(t, p.post("/ouvrir"), http.StatusForbidden, "Internet est fermé.", "Il ouvre aujourd'hui à 16 h 42.")
	if p.passes(phone) {
		t.Error("and yet the phone passes")
	}
	p.clock.SetWall(clock.Wall{Time: time.Date(1970, 1, 1, 0, 1, 0, 0, time.UTC), Quality: clock.Unknown})
	says(t, p.get("/"), 200, "Internet est fermé.", "Pour les heures, demandez à l'accueil.")
}

func TestWhoWasInWhenItClosedIsToldWhyAndWhatIsKept(t *testing.T) {
	p := newPlace(t)
	p.open(phone, visitor, sessions.FromResident)
	p.clock.Advance(18 * time.Minute)
	p.pause()
	w := p.get("/")
	says(t, w, 200, "L'accueil a arrêté internet un moment.", "Nous gardons votre temps : 42 minutes.", "Il ouvre aujourd'hui à 17 h.")
	if strings.Contains(w.Body.String(), `action="/ouvrir"`) {
		t.Error("there is a button that opens nothing")
	}
	p.clock.Advance(2 * time.Hour)
	p.manager.Step(t.Context())
	says(t, p.get("/"), 200, "Il vous reste 42 minutes.", "Reprendre")
}

func TestWhileTheLineIsDownNothingIsSaidToBeOpen(t *testing.T) {
	p := newPlace(t)
	p.down = true
	words := []string{"Internet est en panne à la médiathèque des Tilleuls.", "Votre appareil marche bien.", "Cette page change quand internet revient."}
	for _, path := range []string{"/", "/attendre"} {
		says(t, p.get(path), 200, words...)
	}
	says(t, p.post("/ouvrir"), http.StatusServiceUnavailable, words...)
	if p.passes(phone) {
		t.Error("internet was opened")
	}
	p.down = false
	says(t, p.get("/"), 200, "Aller sur internet")
}

func TestWhileTheLineIsDownWhoIsInIsToldThatTheirTimeIsKept(t *testing.T) {
	p := newPlace(t, func(c *portal.Config) { c.Profile = patient.Name })
	p.post("/ouvrir")
	p.clock.Advance(18 * time.Minute)
	p.down = true
	p.manager.SetLine(t.Context(), false, p.clock.Boot())
	for _, path := range []string{"/ouvert", "/ma-connexion"} {
		says(t, p.get(path), 200, "Internet est en panne à la médiathèque des Tilleuls.", "Votre appareil marche bien.", "Il vous reste 42 minutes.")
	}
	p.clock.Advance(10 * time.Minute)
	p.manager.Step(t.Context())
	says(t, p.get("/ma-connexion"), 200, "Nous gardons votre temps : 40 minutes.")
	p.down = false
	p.manager.SetLine(t.Context(), true, p.clock.Boot())
	says(t, p.get("/ma-connexion"), 200, "Il vous reste 40 minutes.")
}
