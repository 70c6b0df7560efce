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
	"parvis/sessions/hours"
)

// tickets makes a batch of the place and returns its codes.
func (p *place) tickets(r sessions.BatchRequest) (batch string, codes []string) {
	p.t.Helper()
	r.Profile = visitor.Name
	b, all, err := p.manager.MakeBatch(p.t.Context(), r)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, one := range all {
		codes = append(codes, one.Code)
	}
	return b.ID, codes
}

func typing(code string) url.Values { return url.Values{"c": {code}} }

func TestATicketOpensInternet(t *testing.T) {
	for name, spell := range map[string]func(string) string{
		"as printed":           func(s string) string { return s },
		"in small letters":     strings.ToLower,
		"without dashes":       func(s string) string { return strings.ReplaceAll(s, "-", "") },
		"pasted with spaces":   func(s string) string { return "  " + strings.ReplaceAll(s, "-", " ") + "\n" },
		"filled in by its QR":  func(s string) string { return s },
		"where the desk opens": func(s string) string { return s },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, func(c *portal.Config) { c.AtDesk = name == "where the desk opens" })
			_, codes := p.tickets(sessions.BatchRequest{Count: 1})
			if name == "filled in by its QR" {
				w := p.get("/code?c=" + url.QueryEscape(codes[0]))
				says(t, w, 200, "Le code est déjà là. Appuyez sur le bouton.", "Valider")
				if !strings.Contains(w.Body.String(), `value="`+codes[0]+`"`) {
					t.Error("the field is empty")
				}
				if p.passes(phone) {
					t.Error("reading the page has opened internet")
				}
			}
			leads(t, p.submit("/code", "", typing(spell(codes[0]))), "/ouvert")
			if !p.passes(phone) {
				t.Error("the phone does not pass")
			}
			says(t, p.get("/ouvert"), 200, "Il vous reste 1 heure.")
			leads(t, p.get("/code?c="+codes[0]), "/ma-connexion") // the QR code read again
		})
	}
}

func TestACodeThatDoesNotWorkSaysWhatToDo(t *testing.T) {
	var code string
	for _, tc := range []struct {
		name    string
		prepare func(*place)
		status  int
		want    []string
	}{
		{"mistyped", func(*place) { code = "ABCD" }, 403, []string{"Ce code ne marche pas.", "Regardez le ticket. Tapez le code encore une fois."}},
		{"nothing typed", func(*place) { code = "" }, 403, []string{"Ce code ne marche pas."}},
		{"much too long", func(*place) { code = strings.Repeat("K", 3000) }, 403, []string{"Ce code ne marche pas."}},
		{"used", func(p *place) {
			_, codes := p.tickets(sessions.BatchRequest{Count: 1})
			p.who = other(1)
			p.submit("/code", "", typing(codes[0]))
			p.who, code = phone, codes[0]
		}, 403, []string{"Ce ticket est déjà utilisé. Demandez un autre ticket à l'accueil."}},
		{"too old", func(p *place) {
			_, codes := p.tickets(sessions.BatchRequest{Count: 1, Until: p.clock.Wall().Time.Add(time.Hour)})
			p.clock.Advance(2 * time.Hour)
			code = codes[0]
		}, 403, []string{"Ce ticket est trop vieux."}},
		{"too early", func(p *place) {
			_, codes := p.tickets(sessions.BatchRequest{Count: 1, From: p.clock.Wall().Time.Add(time.Hour)})
			code = codes[0]
		}, 403, []string{"Il est trop tôt pour ce ticket."}},
		{"revoked", func(p *place) {
			batch, codes := p.tickets(sessions.BatchRequest{Count: 1})
			if err := p.manager.RevokeBatch(p.t.Context(), batch, false); err != nil {
				p.t.Fatal(err)
			}
			code = codes[0]
		}, 403, []string{"Ce ticket est arrêté."}},
		{"of a workshop that has not started", func(p *place) { code = p.workshop(2).Code }, 403, []string{"L'atelier commence bientôt. Attendez un peu."}},
		{"of a workshop that is full", func(p *place) {
			w := p.workshop(1)
			p.start(w)
			p.who = other(1)
			p.submit("/code", "", typing(w.Code))
			p.who, code = phone, w.Code
		}, 403, []string{"L'atelier est complet. Parlez à l'animateur."}},
		{"of a workshop that is over", func(p *place) {
			w := p.workshop(1)
			p.start(w)
			if _, err := p.manager.EndWorkshop(p.t.Context(), w.ID); err != nil {
				p.t.Fatal(err)
			}
			code = w.Code
		}, 403, []string{"L'atelier est fini."}},
		{"after too many tries", func(p *place) {
			for range 5 {
				p.submit("/code", "", typing("AAAA-BBBB-CCCC"))
			}
			_, codes := p.tickets(sessions.BatchRequest{Count: 1})
			code = codes[0]
		}, 429, []string{"Trop d'essais. Attendez 2 minutes."}},
		{"while the place is closed", func(p *place) {
			_, codes := p.tickets(sessions.BatchRequest{Count: 1})
			p.pause()
			code = codes[0]
		}, 403, []string{"Internet est fermé."}},
		{"while nobody knows who asks", func(p *place) {
			_, codes := p.tickets(sessions.BatchRequest{Count: 1})
			p.whoErr, code = portal.ErrNoLease, codes[0]
		}, 409, []string{"Votre appareil a une ancienne adresse."}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlace(t)
			tc.prepare(p)
			says(t, p.submit("/code", "", typing(code)), tc.status, tc.want...)
			if p.passes(phone) {
				t.Error("and yet the phone passes")
			}
			if log := p.log.String(); code != "" && strings.Contains(log, code) {
				t.Errorf("the code is in the log: %s", log)
			}
		})
	}
}

func (p *place) workshop(places int) sessions.Workshop {
	p.t.Helper()
	w, err := p.manager.MakeWorkshop(p.t.Context(), sessions.WorkshopRequest{Title: "Premiers pas", Profile: visitor.Name, Places: places, Length: time.Hour})
	if err != nil {
		p.t.Fatal(err)
	}
	return w
}

func (p *place) start(w sessions.Workshop) {
	p.t.Helper()
	if _, err := p.manager.StartWorkshop(p.t.Context(), w.ID); err != nil {
		p.t.Fatal(err)
	}
}

// A code that is shown again is what can be a code, whatever was sent.
func TestWhatIsTypedIsShownWithoutAnythingElse(t *testing.T) {
	p := newPlace(t)
	const sent = `"><script>alert(1)</script> K7éé`
	for _, w := range []interface{ Result() *http.Response }{p.get("/code?c=" + url.QueryEscape(sent)), p.submit("/code", "", typing(sent))} {
		r := w.Result()
		body := all(t, r.Body)
		r.Body.Close()
		if strings.Contains(body, "<script") || !strings.Contains(body, `value="scriptalert1script K7"`) {
			t.Errorf("%s", body)
		}
	}
}

func TestTheBrowserIsGivenItsTokenOnceItIsIn(t *testing.T) {
	p := newPlace(t)
	for _, path := range []string{"/", "/attendre", "/code", "/reprendre", "/aide"} {
		if got := p.get(path).Header().Get("Set-Cookie"); got != "" {
			t.Errorf("%s gives the cookie %q to who has nothing", path, got)
		}
	}
	s := p.open(phone, visitor, sessions.FromDesk)
	for _, path := range []string{"/ouvert", "/ma-connexion"} {
		got := p.get(path).Header().Get("Set-Cookie")
		want := "parvis=" + s.Token + "; Path=/; Max-Age=46800; HttpOnly; SameSite=Lax"
		if got != want {
			t.Errorf("%s: %q, expected %q", path, got, want)
		}
	}
}

// The phone has changed its address: one button, and the old address is out.
func TestASessionIsTakenBackByItsCookie(t *testing.T) {
	p := newPlace(t, atDesk)
	s := p.open(phone, visitor, sessions.FromDesk)
	token := cookie(p.get("/ouvert"))
	p.clock.Advance(18 * time.Minute)
	d := p.comesBack()
	says(t, p.show("/", token), 200, "Vous aviez déjà internet ici ?", "C'est normal.", "Nous avons retrouvé votre temps.", "Il vous reste 42 minutes.", "Reprendre ma connexion")
	leads(t, p.submit("/reprendre", token, url.Values{}), "/ouvert")
	if !p.passes(d) || p.passes(phone) {
		t.Error("the new address does not pass, or the old one does")
	}
	says(t, p.get("/ma-connexion"), 200, "Il vous reste 42 minutes.", "Votre code : "+s.Code)
}

// What is left of a workshop belongs to nobody: a click opens a connection of its own where clicks do, and shows the code where the
// desk opens. The page says which.
func TestAfterAWorkshopsEndTheButtonDoesWhatThePageSays(t *testing.T) {
	for name, tc := range map[string]struct {
		option              func(*portal.Config)
		says, silent, leads string
		passes              bool
	}{
		"a click opens":  {func(*portal.Config) {}, "Ce bouton ouvre internet.", "Ce bouton montre votre code.", "/ouvert", true},
		"the desk opens": {atDesk, "Ce bouton montre votre code.", "Ce bouton ouvre internet.", "/attendre", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, tc.option)
			w := p.workshop(2)
			p.start(w)
			leads(t, p.submit("/code", "", typing(w.Code)), "/ouvert")
			if _, err := p.manager.EndWorkshop(t.Context(), w.ID); err != nil {
				t.Fatal(err)
			}
			page := p.get("/")
			says(t, page, 200, "L'atelier est fini.", tc.says)
			if text := page.Body.String(); strings.Contains(text, tc.silent) || strings.Contains(text, `action="/ouvrir"`) != tc.passes {
				t.Errorf("%s", text)
			}
			leads(t, p.post("/ouvrir"), tc.leads)
			if p.passes(phone) != tc.passes {
				t.Errorf("the phone passes: %v", !tc.passes)
			}
			s, _ := p.manager.Of(phone.MAC)
			if tc.passes && (s.Workshop != "" || s.State != sessions.Open || s.OpenedBy != sessions.FromResident) || !tc.passes && s.State != sessions.Ended {
				t.Errorf("%+v", s)
			}
		})
	}
}

// A browser may be another person's, who had internet here before.
func TestWhoDoesNotWantAnothersTimeGetsTheirOwn(t *testing.T) {
	for _, click := range []bool{true, false} {
		p := newPlace(t, func(c *portal.Config) { c.AtDesk = !click })
		s := p.open(phone, visitor, sessions.FromDesk)
		d := p.comesBack()
		w := p.show("/", s.Token)
		says(t, w, 200, "Reprendre ma connexion", "Montrer mon code", "J'ai un code")
		if got := strings.Contains(w.Body.String(), `action="/ouvrir"`); got != click {
			t.Errorf("a click opens: %v, and a button for it: %v", click, got)
		}
		says(t, p.show("/attendre", s.Token), 200, p.manager.CodeOf(d.MAC))
	}
}

func TestASessionIsTakenBackByItsShortCode(t *testing.T) {
	for _, form := range []string{"/reprendre", "/code"} {
		p := newPlace(t, atDesk)
		s := p.open(phone, visitor, sessions.FromDesk)
		d := p.comesBack()
		says(t, p.get("/reprendre"), 200, "Vous aviez déjà internet ici ?", "Votre téléphone a changé d'adresse. C'est normal.", "Tapez votre code :",
			"Code oublié ? Montrez cet écran à l'accueil.", p.manager.CodeOf(d.MAC))
		leads(t, p.submit(form, "", typing(strings.ToLower(strings.ReplaceAll(s.Code, "-", "")))), "/ouvert")
		if !p.passes(d) || p.passes(phone) {
			t.Errorf("%s: the new address does not pass, or the old one does", form)
		}
	}
}

func TestNothingIsTakenBackThatIsNotThere(t *testing.T) {
	p := newPlace(t)
	s := p.open(phone, visitor, sessions.FromDesk)
	stranger := strings.Repeat("a", len(s.Token))
	p.comesBack()
	for _, value := range []string{stranger, "short", s.ID} {
		says(t, p.show("/", value), 200, "Aller sur internet")
		says(t, p.submit("/reprendre", value, url.Values{}), 403, "Nous ne trouvons plus votre temps.", "Tapez votre code :")
	}
	says(t, p.submit("/reprendre", "", typing("K7")), 403, "Ce code ne marche pas.", "Tapez votre code :")
	p.end(s, sessions.ByOperator)
	says(t, p.show("/", s.Token), 200, "Aller sur internet") // ended for good
	if p.passes(phone) {
		t.Error("the phone passes")
	}
}

func TestGuessingShortCodesIsSlowedDown(t *testing.T) {
	p := newPlace(t)
	for range 5 {
		p.submit("/reprendre", "", typing("H2-22"))
	}
	w := p.submit("/reprendre", "", typing("H2-22"))
	says(t, w, http.StatusTooManyRequests, "Trop d'essais. Attendez 2 minutes.")
	if got := w.Header().Get("Retry-After"); got != "120" {
		t.Errorf("Retry-After: %q", got)
	}
}

func TestTimeIsAddedWithinTheProfile(t *testing.T) {
	p := newPlace(t, func(c *portal.Config) { c.Profile = generous.Name })
	p.post("/ouvrir")
	for n := range 3 {
		w := p.get("/ma-connexion")
		if n == 2 {
			says(t, w, 200, "Vous voulez plus de temps ? Demandez à l'accueil.", "Il vous reste 3 heures.")
			break
		}
		says(t, w, 200, "Ajouter 30 minutes")
		leads(t, p.post("/prolonger"), "/ma-connexion")
	}
	leads(t, p.post("/prolonger"), "/ma-connexion") // an old page's button
	says(t, p.get("/ma-connexion"), 200, "Il vous reste 3 heures.")
	p.end(mustOf(t, p), sessions.ByTime)
	leads(t, p.post("/prolonger"), "/")
}

func TestTheDesksMessageIsShownAndThenSeen(t *testing.T) {
	p := newPlace(t)
	s := p.open(phone, visitor, sessions.FromDesk)
	if err := p.manager.Message(t.Context(), s.ID, "Le <b>guichet</b> vous attend."); err != nil {
		t.Fatal(err)
	}
	for what, look := range map[string]func(){
		"another page":   func() { p.get("/aide") },
		"only its size":  func() { p.do(request(http.MethodHead, "/ma-connexion", nil)) },
		"internet opens": func() { p.get("/ouvert") },
	} {
		look()
		if mustOf(t, p).Message.Seen {
			t.Errorf("seen by %s", what)
		}
	}
	w := p.get("/ma-connexion")
	says(t, w, 200, "L'accueil vous écrit :", "Le <b>guichet</b> vous attend.")
	if !mustOf(t, p).Message.Seen {
		t.Error("it was shown, and is not seen")
	}
}

// A message can come only while somebody is at the desk: then the page looks every few seconds, else once a minute and when
// there is something to say.
func TestTheOwnPageLooksAgainWhenSomethingCanHaveHappened(t *testing.T) {
	for _, tc := range []struct {
		name    string
		left    time.Duration
		desk    bool
		seconds string
	}{
		{"in the middle", 40 * time.Minute, false, "60"},
		{"somebody is at the desk", 40 * time.Minute, true, "4"},
		{"half a minute before the notice of closing", 15*time.Minute + 30*time.Second, false, "30"},
		{"before the first warning", 5*time.Minute + 10*time.Second, false, "10"},
		{"before the last warning", time.Minute + 200*time.Millisecond, false, "1"},
		{"before the end", 30 * time.Second, false, "30"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newPlace(t)
			p.desk = tc.desk
			p.open(phone, visitor, sessions.FromDesk)
			p.clock.Advance(time.Hour - tc.left)
			if want, body := `content="`+tc.seconds+`;url=/ma-connexion"`, p.get("/ma-connexion").Body.String(); !strings.Contains(body, want) {
				t.Errorf("no %s on\n%s", want, body)
			}
		})
	}
}

func TestThePlacesClosingIsAnnounced(t *testing.T) {
	week := hours.New(hours.Config{Week: []hours.Week{{Days: []time.Weekday{time.Tuesday, time.Friday}, Open: hours.Day{{From: 9 * 60, To: 15*60 + 12}}}}})
	p := newPlaceWith(t, week)
	p.post("/ouvrir")
	w := p.get("/ma-connexion")
	says(t, w, 200, "Il vous reste 30 minutes.", "Fin à 15 h 12.")
	if strings.Contains(w.Body.String(), "Nous fermons") {
		t.Error("half an hour before, it already warns")
	}
	p.clock.Advance(15 * time.Minute)
	says(t, p.get("/ma-connexion"), 200, "Nous fermons à 15 h 12.", "Internet s'arrête à 15 h 12.", "Il vous reste 15 minutes.")
	p.clock.Advance(10 * time.Minute)
	says(t, p.get("/ma-connexion"), 200, "Nous fermons à 15 h 12.", "Internet s'arrête dans 5 minutes.", "Enregistrez votre travail.")
	known := p.clock.Wall()
	p.clock.SetWall(clock.Wall{Time: time.Date(1970, 1, 1, 0, 1, 0, 0, time.UTC), Quality: clock.Unknown})
	says(t, p.get("/ma-connexion"), 200, "Nous fermons dans 5 minutes.")
	p.clock.SetWall(known)
	p.clock.Advance(5 * time.Minute)
	p.manager.Step(t.Context())
	says(t, p.get("/"), 200, "Le lieu ferme.", "Il ouvre vendredi à 9 h.")
	p.who = other(1) // who comes now
	says(t, p.get("/"), 200, "Internet est fermé.", "Il ouvre vendredi à 9 h.")
	p.clock.Advance(48 * time.Hour)
	says(t, p.get("/"), 200, "Internet est fermé.", "Il ouvre demain à 9 h.")
}

func TestHelpIsAskedForSeenAndMissed(t *testing.T) {
	p := newPlace(t)
	code := p.manager.CodeOf(phone.MAC)
	says(t, p.get("/aide"), 200, "Demander de l'aide", code, "mediatheque@ville.example")
	leads(t, p.post("/aide"), "/aide")
	says(t, p.get("/aide"), 200, "Votre demande est partie à 14 h 42.", "Restez là. Une personne vient.")
	calls := p.calls.Open()
	if len(calls) != 1 || calls[0].Code != code {
		t.Fatalf("%+v", calls)
	}
	p.post("/aide") // a second tap is the same call
	if got := p.calls.Open(); len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	p.clock.Advance(2 * time.Minute)
	says(t, p.get("/aide"), 200, "Personne n'a encore répondu. Allez à l'accueil.")
	if err := p.calls.Coming(calls[0].ID); err != nil {
		t.Fatal(err)
	}
	says(t, p.get("/aide"), 200, "L'accueil a vu votre demande.", "Restez là.")
	if err := p.calls.Done(calls[0].ID); err != nil {
		t.Fatal(err)
	}
	says(t, p.get("/aide"), 200, "Demander de l'aide")
}

func TestWhenTooManyAskForHelpTheyAreSentToTheDesk(t *testing.T) {
	p := newPlace(t)
	for n := range 64 {
		if _, err := p.calls.Ask("poste", strings.Repeat("x", n+1)); err != nil {
			t.Fatal(err)
		}
	}
	says(t, p.post("/aide"), http.StatusServiceUnavailable, "Beaucoup de personnes demandent de l'aide. Allez à l'accueil.")
}
