package portal_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/portal"
	"parvis/sessions"
)

// says checks a page's status and what a person reads on it: tags and no-break spaces are taken out first.
func says(t *testing.T, w interface {
	Result() *http.Response
}, status int, want ...string,
) {
	t.Helper()
	r := w.Result()
	defer r.Body.Close()
	text := readable(t, r.Body)
	if r.StatusCode != status {
		t.Errorf("status %d, expected %d", r.StatusCode, status)
	}
	for _, s := range want {
		if !strings.Contains(text, s) {
			t.Errorf("the page does not say %q; it says\n%s", s, text)
		}
	}
}

func leads(t *testing.T, w interface{ Result() *http.Response }, to string) {
	t.Helper()
	r := w.Result()
	defer r.Body.Close()
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != to {
		t.Errorf("status %d to %q, expected 303 to %q", r.StatusCode, r.Header.Get("Location"), to)
	}
}

func TestAResidentGetsOnlineWithOneButton(t *testing.T) {
	p := newPlace(t)
	says(t, p.get("/"), 200, "Bienvenue à la médiathèque des Tilleuls.", "Ici, internet est gratuit.", "Appuyez sur le bouton.",
		"Aller sur internet", "Vous avez 1 heure.", "Si vous appuyez, vous acceptez les règles du Wi-Fi.")
	if p.passes(phone) {
		t.Fatal("the kernel lets the phone pass before anybody has asked")
	}
	leads(t, p.post("/ouvrir"), "/ouvert")
	if !p.passes(phone) {
		t.Fatal("the answer came, and the kernel does not let the phone pass")
	}
	p.clock.Advance(2 * time.Minute)
	says(t, p.get("/ouvert"), 200, "Internet est ouvert.", "Il vous reste 58 minutes.", "Fin à 15 h 42.", "Continuer",
		"Pour revoir votre temps, tapez : wifi.ville.example")
	leads(t, p.get("/"), "/ma-connexion")
	says(t, p.get("/ma-connexion"), 200, "Il vous reste 58 minutes.", "Fin à 15 h 42.", "Vous voulez plus de temps ? Demandez à l'accueil.")
	leads(t, p.post("/ouvrir"), "/ouvert")
}

func TestAResidentStopsAndComesBack(t *testing.T) {
	p := newPlace(t)
	p.post("/ouvrir")
	p.clock.Advance(18 * time.Minute)
	leads(t, p.post("/arreter"), "/")
	if p.passes(phone) {
		t.Fatal("the phone still passes")
	}
	says(t, p.get("/"), 200, "Vous avez arrêté internet.", "Il vous reste 42 minutes.", "Reprendre")
	leads(t, p.get("/ma-connexion"), "/")
	leads(t, p.get("/ouvert"), "/")
	p.clock.Advance(time.Hour)
	leads(t, p.post("/ouvrir"), "/ouvert")
	says(t, p.get("/ma-connexion"), 200, "Il vous reste 42 minutes.")
	leads(t, p.post("/arreter"), "/")
	leads(t, p.post("/arreter"), "/") // a second tap changes nothing
}

// What an operator has given under other rules is not lost by a click.
func TestComingBackGoesOnUnderTheSameRules(t *testing.T) {
	p := newPlace(t)
	s := p.open(phone, measured, sessions.FromOperator)
	p.end(s, sessions.ByIdle)
	says(t, p.get("/"), 200, "Bienvenue", "Il vous reste 2 heures.", "Reprendre")
	leads(t, p.post("/ouvrir"), "/ouvert")
	if got, _ := p.manager.Of(phone.MAC); got.ID != s.ID || got.Profile != measured.Name {
		t.Errorf("another session was opened: %+v", got)
	}
}

func TestTheEndIsExplainedAndLeadsOn(t *testing.T) {
	for _, tc := range []struct {
		why  sessions.Reason
		want []string
	}{
		{sessions.ByTime, []string{"Votre temps est fini.", "Internet est arrêté sur cet appareil.", "Vous voulez continuer ?", "Demander du temps"}},
		{sessions.ByVolume, []string{"Vous avez utilisé 2 Go. C'est la limite.", "Demander du temps"}},
		{sessions.ByOperator, []string{"L'accueil a arrêté votre connexion.", "Demander du temps"}},
		{sessions.ByClosing, []string{"Le lieu ferme.", "Demander du temps"}},
		{sessions.ByResident, []string{"Vous avez arrêté internet.", "Il vous reste 2 heures.", "Reprendre"}},
		{sessions.ByIdle, []string{"Bienvenue", "Il vous reste 2 heures.", "Reprendre"}},
		{sessions.ByReplaced, []string{"Bienvenue", "Vous avez 1 heure.", "Aller sur internet"}},
	} {
		t.Run(string(tc.why), func(t *testing.T) {
			p := newPlace(t)
			p.end(p.open(phone, measured, sessions.FromResident), tc.why)
			says(t, p.get("/"), 200, tc.want...)
			leads(t, p.post("/ouvrir"), "/ouvert")
			if !p.passes(phone) {
				t.Error("the phone does not pass")
			}
		})
	}
}

// The kernel lets the former address pass, not this one: to its owner internet is closed, and one click heals it.
func TestAPhoneWithAnotherAddressOpensAgainAndKeepsItsTime(t *testing.T) {
	p := newPlace(t)
	before := phone
	before.IPv4 = other(9).IPv4
	s := p.open(before, visitor, sessions.FromResident)
	p.clock.Advance(10 * time.Minute)
	says(t, p.get("/"), 200, "Reprendre", "Il vous reste 50 minutes.")
	leads(t, p.post("/ouvrir"), "/ouvert")
	if !p.passes(phone) || p.passes(before) {
		t.Error("the grant did not move to the new address")
	}
	if got, _ := p.manager.Of(phone.MAC); got.ID != s.ID || got.Left != 50*time.Minute {
		t.Errorf("the session did not go on: %+v", got)
	}
}

func TestTheOwnPageRefreshesItselfUntilAsked(t *testing.T) {
	p := newPlace(t)
	p.post("/ouvrir")
	const refresh = `<meta http-equiv="refresh" content="60;url=/ma-connexion?l=fr">`
	w := p.get("/ma-connexion?l=fr")
	if body := w.Body.String(); !strings.Contains(body, refresh) || !strings.Contains(body, `href="/ma-connexion?fixe=1&amp;l=fr"`) {
		t.Errorf("no refresh, or no way to stop it:\n%s", body)
	}
	w = p.get("/ma-connexion?fixe=1")
	if body := w.Body.String(); strings.Contains(body, "http-equiv") || !strings.Contains(body, `<a class="lk" href="/ma-connexion">Remettre le changement automatique</a>`) {
		t.Errorf("it still refreshes, or cannot again:\n%s", body)
	}
}

func TestTheEndIsAnnouncedFiveMinutesBefore(t *testing.T) {
	p := newPlace(t)
	p.post("/ouvrir")
	p.clock.Advance(54 * time.Minute)
	if body := p.get("/ma-connexion").Body.String(); strings.Contains(body, "Enregistrez") {
		t.Error("six minutes before, it already warns")
	}
	p.clock.Advance(time.Minute)
	says(t, p.get("/ma-connexion"), 200, "Internet s'arrête dans 5 minutes.", "Enregistrez votre travail.")
}

// A router without a battery clock does not know the hour until NTP has set it.
func TestNoHourIsShownThatNobodyIsSureOf(t *testing.T) {
	p := newPlace(t)
	p.clock.SetWall(clock.Wall{Time: time.Date(1970, 1, 1, 0, 1, 0, 0, time.UTC), Quality: clock.Unknown})
	p.post("/ouvrir")
	for _, page := range []string{"/ouvert", "/ma-connexion", "/vos-donnees"} {
		w := p.get(page)
		if strings.Contains(w.Body.String(), "Fin") || strings.Contains(w.Body.String(), "Début :") {
			t.Errorf("%s shows an hour", page)
		}
	}
	says(t, p.get("/ouvert"), 200, "Il vous reste 1 heure.")
}

func TestTheVolumeLeftIsShownWhereOneIsSet(t *testing.T) {
	p := newPlace(t, func(c *portal.Config) { c.Profile = measured.Name })
	s := p.open(phone, measured, sessions.FromResident)
	p.kernel.Carry(s.Slot, 400_000_000, 100_000_000)
	p.clock.Advance(2 * time.Minute)
	p.manager.Step(t.Context())
	says(t, p.get("/ma-connexion"), 200, "Vous pouvez encore utiliser 1,5 Go.")
	says(t, p.get("/regles"), 200, "Vous avez 2 heures.", "Vous pouvez utiliser 2 Go.")
}

func TestTheDataPageTellsWhatIsReallyKept(t *testing.T) {
	p := newPlace(t)
	says(t, p.get("/vos-donnees"), 200, "le numéro de votre appareil", "Nous effaçons tout 12 heures après la fin.",
		"Nous ne savons pas qui vous êtes.", "Nous ne gardons pas les sites que vous regardez.")
	if body := p.get("/vos-donnees").Body.String(); strings.Contains(body, phone.MAC.String()) {
		t.Error("nothing is kept of this device, and yet its number is shown")
	}
	s := p.open(phone, measured, sessions.FromResident)
	says(t, p.get("/vos-donnees"), 200, "Numéro : "+phone.MAC.String(), "Début : 14 h 42", "Nous effaçons tout 3 jours après la fin.")
	p.end(s, sessions.ByResident)
	says(t, p.get("/vos-donnees"), 200, "Fin : 14 h 42", "Nous effaçons tout le 27 novembre.")
	p.clock.Advance(72 * time.Hour)
	if body := p.get("/vos-donnees").Body.String(); strings.Contains(body, phone.MAC.String()) {
		t.Error("after the time that the page promised, it still shows the device")
	}
}

func TestTheDataPageTellsOfTheCodeTheCookieAndTheCounting(t *testing.T) {
	p := newPlace(t, func(c *portal.Config) { c.Counts = true })
	says(t, p.get("/vos-donnees"), 200, "votre code,", "Vous attendez internet ? Nous notons aussi :", "Votre navigateur garde 1 cookie.",
		"Nous comptons les appareils de la journée.", "À minuit, nous effaçons leurs numéros.")
	s := p.open(phone, visitor, sessions.FromDesk)
	says(t, p.get("/vos-donnees"), 200, "Code : "+s.Code)
	if body := newPlace(t).get("/vos-donnees").Body.String(); strings.Contains(body, "Nous comptons") {
		t.Error("nobody counts here, and the page says so")
	}
}

func TestTheDeskIsCalledAsThePlaceCallsIt(t *testing.T) {
	for _, tc := range []struct{ desk, lang, want string }{
		{"le bureau 12", "fr", "Demandez au bureau 12."},
		{"Les bibliothécaires", "fr", "Demandez aux bibliothécaires."},
		{"la banque de prêt", "fr", "Demandez à la banque de prêt."},
		{"L'accueil", "fr", "Demandez à l'accueil."},
		{"l'accueil", "en", "Ask at the welcome desk."},
		{"le bureau 12", "en", "Ask at the welcome desk (le bureau 12)."},
	} {
		p := newPlace(t, func(c *portal.Config) { c.Site.Desk = tc.desk })
		p.post("/ouvrir")
		says(t, p.get("/ma-connexion?l="+tc.lang), 200, tc.want)
	}
}

func TestTheChosenLanguageTravelsWithoutACookie(t *testing.T) {
	p := newPlace(t)
	w := p.get("/?l=ar")
	if body := w.Body.String(); !strings.Contains(body, `<input type="hidden" name="l" value="ar">`) || !strings.Contains(body, `href="/aide?l=ar"`) {
		t.Errorf("the language stops here:\n%s", body)
	}
	leads(t, p.do(request(http.MethodPost, "/ouvrir", url.Values{"l": {"ar"}})), "/ouvert?l=ar")
	leads(t, p.get("/?l=ar"), "/ma-connexion?l=ar")
	leads(t, p.do(request(http.MethodPost, "/arreter", url.Values{"l": {"ar"}})), "/?l=ar")
	leads(t, p.do(request(http.MethodPost, "/ouvrir", url.Values{"l": {"//evil.example"}})), "/ouvert")
	if w.Header().Get("Set-Cookie") != "" {
		t.Error("a cookie is set")
	}
}

// A browser's history offers the address of a form to whoever types the portal's name.
func TestTheFormsAddressesLeadToTheFirstPage(t *testing.T) {
	p := newPlace(t)
	leads(t, p.get("/ouvrir?l=en"), "/?l=en")
	leads(t, p.get("/arreter"), "/")
	if p.passes(phone) {
		t.Error("a GET has opened internet")
	}
}

// Two devices with one identity: nobody is accused, the time is kept, and the desk helps.
func TestADeviceThatIsNotAloneIsToldWhatToDo(t *testing.T) {
	p := newPlace(t)
	p.post("/ouvrir")
	p.clock.Advance(10 * time.Minute)
	p.contested(sessions.TwoPorts)
	if p.passes(phone) {
		t.Fatal("the phone still passes")
	}
	for _, page := range []string{"/ma-connexion", "/ouvert"} {
		leads(t, p.get(page), "/")
	}
	says(t, p.get("/"), 200, "Internet est en pause.", "2 appareils ont le même numéro.", "Nous gardons votre temps : 50 minutes.",
		"Allez à l'accueil. Une personne vous aide.", "Voir si c'est ouvert")
	says(t, p.post("/ouvrir"), 409, "Internet est en pause.")
	p.happens(sessions.Event{Kind: sessions.Settled, MAC: phone.MAC})
	leads(t, p.get("/"), "/ma-connexion")
	says(t, p.get("/ma-connexion"), 200, "Il vous reste 50 minutes.")
}

func TestADeviceThatClaimsAnothersAddressIsToldSoAtTheTap(t *testing.T) {
	p := newPlace(t)
	p.contested(sessions.OtherAddress)
	says(t, p.get("/"), 200, "Aller sur internet")
	says(t, p.post("/ouvrir"), 409, "Internet est en pause.", "Un autre appareil a la même adresse.",
		"Arrêtez le Wi-Fi, puis remettez le Wi-Fi.", "Allez à l'accueil.")
	if p.passes(phone) {
		t.Error("and yet the phone passes")
	}
}

func TestWhoHasUsedUpTheVolumeGoesOnMoreSlowly(t *testing.T) {
	p := newPlace(t, func(c *portal.Config) { c.Profile = generous.Name })
	says(t, p.get("/regles"), 200, "Vous pouvez utiliser 2 Go.", "Ensuite, internet est plus lent.")
	p.post("/ouvrir")
	says(t, p.get("/ma-connexion"), 200, "Vous pouvez encore utiliser 2 Go.", "Ensuite, internet est plus lent.")
	s, _ := p.manager.Of(phone.MAC)
	p.use(s, generous.Volume)
	says(t, p.get("/ma-connexion"), 200, "Vous avez utilisé 2 Go. Internet est plus lent maintenant.")
	if !p.passes(phone) {
		t.Error("the phone does not pass any more")
	}
	other := newPlace(t) // where a click opens internet under other rules
	other.use(other.open(phone, generous, sessions.FromOperator), generous.Volume)
	says(t, other.get("/ma-connexion"), 200, "Vous avez utilisé 2 Go. Internet est plus lent maintenant.")
}

func TestWhoHasUsedUpTheDayComesBackTomorrow(t *testing.T) {
	p := newPlace(t, func(c *portal.Config) { c.Profile = daily.Name })
	says(t, p.get("/regles"), 200, "Chaque jour, vous avez 2 heures.", "Chaque jour, vous pouvez utiliser 1 Go.")
	says(t, p.get("/vos-donnees"), 200, "ce que vous utilisez dans la journée, effacé le lendemain,")
	p.post("/ouvrir")
	s, _ := p.manager.Of(phone.MAC)
	p.use(s, daily.DailyVolume)
	words := []string{"Revenez demain.", "Vous voulez plus de temps ? Demandez à l'accueil."}
	says(t, p.get("/"), 200, append(words, "C'est fini pour aujourd'hui.")...)
	says(t, p.post("/ouvrir"), 403, append(words, "Vous avez utilisé tout votre internet du jour.")...)
	p.clock.Advance(24 * time.Hour)
	leads(t, p.post("/ouvrir"), "/ouvert")
}
