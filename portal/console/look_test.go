package console_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parvis/internal/lab/browser"
	"parvis/kiosk"
	"parvis/portal/console"
	crew "parvis/portal/staff"
	"parvis/sessions"
	"parvis/sessions/hours"
	"parvis/sessions/waiting"
)

// `go test -run Axe -screens DIR` keeps a picture of every page at each width.
var screens = flag.String("screens", "", "a folder for pictures of every page")

// shown is a page as it was answered, and the templates that it was rendered from.
type shown struct {
	name   string
	answer *httptest.ResponseRecorder
	from   []string
}

// album is a place with all its parts, and the pages that it has shown.
type album struct {
	*team
	pages []shown
	saw   []string // since the last page
	line  *console.LineState
	ill   *[]console.Problem
	roll  *roll
}

func newAlbum(t *testing.T) *album {
	a := &album{ill: &[]console.Problem{}, roll: &roll{}}
	a.team = newTeam(t, papers, withCounts, withWhole, withPosts, withSeats, func(p *place) {
		p.parts.Printer = a.roll
		p.parts.Joined = func(sessions.Device) (time.Duration, bool) { return 0, true }
		p.parts.Health = func() []console.Problem { return *a.ill }
	})
	a.line = &a.team.place.line.state
	a.Watch(func(template string) { a.saw = append(a.saw, template) })
	return a
}

// keep keeps a page under its name.
func (a *album) keep(name string, answer *httptest.ResponseRecorder) *httptest.ResponseRecorder {
	a.pages = append(a.pages, shown{name, answer, a.saw})
	a.saw = nil
	return answer
}

func (a *album) see(name, path string) { a.saw = nil; a.keep(name, a.ask(http.MethodGet, path)) }

func (a *album) send(name, path string, fields ...string) {
	a.saw = nil
	a.keep(name, a.ask(http.MethodPost, path, fields...))
}

func (a *album) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// entering is C1 and what leads to an account, in all their states; the DSI is in at the end.
func (a *album) entering() {
	a.join("informatique", crew.DSI)
	a.join("mediatrice", crew.Mediator)
	ctx := a.t.Context()
	invited, err := a.crew.Invite(ctx, crew.Operator, crew.Mediator, "Renfort", true)
	a.must(err)
	forgot, err := a.crew.Reset(ctx, crew.Operator, "mediatrice")
	a.must(err)
	machine, err := a.crew.InviteDevice(ctx, crew.Operator, "", "PC de l'accueil")
	a.must(err)
	a.see("C1", "/entrer")
	a.see("C1-ville", "/entrer?refus=ville")
	a.send("C1-refus", "/entrer", "identifiant", "informatique", "mot-de-passe", "x")
	a.see("invitation", "/invitation?j="+secretOf(invited))
	a.send("invitation-refus", "/invitation", "j", secretOf(invited), "nom", "Renfort", "identifiant", "renfort", "mot-de-passe", "court", "encore", "court")
	a.see("invitation-oubli", "/invitation?j="+secretOf(forgot))
	a.see("invitation-vieille", "/invitation?j=x")
	a.see("porte", "/appareil?j="+secretOf(machine))
	a.see("porte-vieille", "/appareil?j=x")
	a.enter("mediatrice")
	a.see("C19-mediatrice", "/equipe")
	a.see("C20-mediatrice", "/compte")
	a.see("C20-trace-mediatrice", "/compte/trace")
	a.enter("informatique")
	who, _ := a.crew.Find("informatique")
	a.must(a.crew.SetPIN(ctx, who, teamPassword, "804273"))
	a.ask(http.MethodPost, "/appareil", "j", secretOf(machine))
	a.see("C1-poste", "/entrer")
	a.send("C1-poste-refus", "/entrer", "personne", who.ID, "code", "1")
	own, err := a.crew.InviteDevice(ctx, who, who.ID, "mon téléphone")
	a.must(err)
	a.ask(http.MethodPost, "/appareil", "j", secretOf(own))
	a.keep("sorti-ville", func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		console.Left(a.Console, w, httptest.NewRequest(http.MethodPost, "/sortir", nil), "https://compte.ville.test/sortir")
		return w
	}())
}

// people is C19 and C20.
func (a *album) people() {
	a.see("C19", "/equipe")
	a.send("C19-refus", "/equipe/inviter", "nom", "", "role", "mediator")
	a.send("C19-lien", "/equipe/inviter", "nom", "Renfort du samedi", "role", "referent")
	a.send("C19-machine", "/equipe/machine", "nom", "Tablette du hall")
	for _, m := range a.crew.People() {
		a.see("C19-personne-"+strings.ReplaceAll(m.Name, " ", "-"), "/equipe/"+m.ID)
	}
	a.see("C20", "/compte")
	a.send("C20-mot-refus", "/compte/mot-de-passe", "actuel", "x", "mot-de-passe", "hibou nuage escalier", "encore", "hibou nuage escalier")
	a.send("C20-code-refus", "/compte/code", "actuel", teamPassword, "code", "123456")
	a.see("C20-trace", "/compte/trace")
	a.see("C20-trace-tous", "/compte/trace?tous=1")
}

// posts is C11 and C12, in each of a terminal's states.
func (a *album) posts() {
	_, err := a.calls.Ask("", "Poste 2")
	a.must(err)
	a.see("C11", "/postes")
	for _, t := range a.seats.Terminals() {
		a.see("C12-"+string(t.State), "/postes/"+t.ID)
	}
	a.seats.err = kiosk.ErrNotFresh
	a.send("C12-refus", "/postes/poste-4/ouvrir", "pour", "30m0s")
}

// desk is what a mediator has before her on a day: C2 to C5, C15 to C18, C23.
func (a *album) desk() {
	ctx := a.t.Context()
	a.see("C2-vide", "/")
	a.see("C3-vide", "/attente")
	a.see("C4-vide", "/connexions")
	a.see("C15-vide", "/demandes")
	a.see("C16", "/ouverture")
	s, ended, doubted := a.open(1), a.open(2), a.open(5)
	_, err := a.manager.End(ctx, ended.ID, sessions.ByIdle)
	a.must(err)
	a.suspend(5, sessions.TwoPorts)
	a.must(a.manager.Message(ctx, s.ID, "Votre dossier est prêt."))
	code := a.wait(3, waiting.Visit{Page: true, Kind: waiting.Phone, Language: "ar"})
	a.wait(4, waiting.Visit{})
	_, err = a.calls.Ask("K7-42", "")
	a.must(err)
	a.must(a.manager.SetException(ctx, hours.Exception{Date: hours.Date{Year: 2026, Month: 12, Day: 25}}))
	for name, path := range map[string]string{
		"C2": "/", "C3": "/attente", "C3-trouver": "/attente/trouver", "C3-trouve": "/attente/trouver?depuis=1", "C4": "/connexions",
		"C4-cherche": "/connexions?q=k7", "C5": "/connexions/" + s.ID, "C5-finie": "/connexions/" + ended.ID, "C5-suspendue": "/connexions/" + doubted.ID,
		"C5-meme": "/connexions/" + s.ID + "/meme", "C15": "/demandes", "C16-jour": "/ouverture", "C16-pause": "/ouverture/pause?pour=1h",
		"C17": "/incident", "C18": "/bilan", "C22-lieu": "/lieu", "C18-mois": "/bilan?mois=2026-11", "C23": "/aide", "C23-cherche": "/aide?q=arreter", "C23-rien": "/aide?q=zzz",
		"rien": "/rien", "C3-fixe": "/attente?fixe=1",
	} {
		a.see(name, path)
	}
	for _, l := range console.Lessons[:3] {
		a.see("C23-"+l.Name, "/aide/"+l.Name)
	}
	w := a.ask(http.MethodPost, "/attente/ouvrir", "code", code, "pour", "1h", "retour", "/attente")
	a.see("C3-annuler", w.Header().Get("Location"))
	w = a.ask(http.MethodPost, "/ouverture/pause", "pour", "15m")
	a.see("C16-en-pause", w.Header().Get("Location"))
	a.see("C2-en-pause", "/")
	a.must(a.manager.Resume(ctx))
	*a.line = console.LineState{Down: true, Part: "gateway"}
	*a.ill = []console.Problem{{What: "L'imprimante n'a plus de papier.", Do: "Mettez du papier."}, {What: "Le disque est plein.", Do: "Appelez l'informatique."}}
	a.see("C2-panne", "/")
	a.see("C17-panne", "/incident")
}

// paper is C6 to C10 and what is printed.
func (a *album) paper() {
	ctx := a.t.Context()
	a.see("C6-vide", "/tickets")
	a.see("C8-vide", "/ateliers")
	a.see("C7", "/tickets/nouveau")
	a.send("C7-refus", "/tickets/nouveau", "profil", "z", "nombre", "0", "debut", "x", "fin", "x", "nom", strings.Repeat("x", 81))
	w := a.ask(http.MethodPost, "/tickets/nouveau", "profil", "visite", "nombre", "30", "papier", "planche", "nom", "Semaine 48")
	lot, _, _ := strings.Cut(w.Header().Get("Location"), "?")
	for name, path := range map[string]string{
		"C6-imprime": lot + "?planche=2", "C6-lot": lot, "C6-annuler": lot + "/annuler", "C6": "/tickets",
		"P1": lot + "/imprimer?papier=planche", "P2": lot + "/imprimer?papier=a4", "P3": "/tickets/affiche", "P4": "/tickets/pictogramme",
	} {
		a.see(name, path)
	}
	w = a.ask(http.MethodPost, lot+"/sortir", "planche", "1")
	a.see("C6-sorti", w.Header().Get("Location"))
	a.roll.then = console.Printed{Tickets: 5, Why: "no-paper"}
	a.send("C6-sans-papier", lot+"/sortir", "planche", "1")
	a.see("C6-suite", lot+"?sortis=5&planche=1")
	w = a.ask(http.MethodPost, lot+"/annuler")
	a.see("C6-annule", w.Header().Get("Location"))
	a.see("C8-nouveau", "/ateliers/nouveau")
	a.send("C8-refus", "/ateliers/nouveau", "nom", strings.Repeat("x", 81), "places", "0", "duree", "", "profil", "z", "jour", "x", "heure", "x")
	at := func(title string, start time.Time) string {
		w, err := a.manager.MakeWorkshop(ctx, sessions.WorkshopRequest{Title: title, Profile: "etude", Places: 2, Length: 2 * time.Hour, Start: start})
		a.must(err)
		return w.ID
	}
	over, now, next := at("Ma boîte mail", time.Time{}), at("Mes démarches en ligne", time.Time{}), at("Mon téléphone", a.clock.Wall().Time.Add(26*time.Hour))
	for _, id := range []string{over, now} {
		w, err := a.manager.StartWorkshop(ctx, id)
		a.must(err)
		for n := range byte(2) {
			_, err := a.manager.Redeem(ctx, sessions.Redemption{Device: device(20 + n), Code: w.Code})
			a.must(err)
		}
		if id == over {
			_, err = a.manager.EndWorkshop(ctx, id)
			a.must(err)
		}
	}
	for name, path := range map[string]string{
		"C8": "/ateliers", "C9-prevu": "/ateliers/" + next, "C9-supprimer": "/ateliers/" + next + "/terminer", "C9": "/ateliers/" + now,
		"C9-terminer": "/ateliers/" + now + "/terminer", "C9-fini": "/ateliers/" + over, "C10-prevu": "/ateliers/" + next + "/ecran",
		"C10": "/ateliers/" + now + "/ecran", "C10-fini": "/ateliers/" + over + "/ecran",
	} {
		a.see(name, path)
	}
	a.send("C9-compter-refus", "/ateliers/"+over+"/compter", "personnes", "-1")
}

// RGAA, by what a program can see: every page of the console, at 320 px, at 200 % zoom of 1280 px, and at 1280 px. A template that
// no page here is rendered from fails the test.
func TestNoPageBreaksARuleOfAxe(t *testing.T) {
	browser.NeedsAxe(t)
	a := newAlbum(t)
	a.entering()
	a.people()
	a.desk()
	a.paper()
	a.terminals()
	a.posts()
	examine(t, a)
	for _, template := range console.Pages() {
		if !slices.ContainsFunc(a.pages, func(p shown) bool { return slices.Contains(p.from, template) }) {
			t.Errorf("no page here is rendered from templates/%s.html", template)
		}
	}
}

// examine serves the pages as they were answered to a browser, which looks at each of them.
func examine(t *testing.T, a *album) {
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
		if r.URL.Path == "/evenements" {
			w.WriteHeader(http.StatusNoContent) // nothing changes any more
			return
		}
		a.ServeHTTP(w, r)
	}))
	defer server.Close()
	b, err := browser.Here(t.Context(), t.TempDir())
	must(t, err)
	defer func() { must(t, b.Close()) }()
	for n, page := range a.pages {
		if kind := page.answer.Header().Get("Content-Type"); !strings.HasPrefix(kind, "text/html") {
			t.Fatalf("%s is no page: %d %q", page.name, page.answer.Code, kind)
		}
		must(t, b.Open(t.Context(), fmt.Sprintf("%s/page/%d", server.URL, n)))
		for _, width := range []int64{320, 640, 1280} {
			must(t, b.Viewport(t.Context(), width, 720))
			found, err := b.Axe(t.Context())
			must(t, err)
			for _, v := range found {
				t.Errorf("%s at %d px: %v", page.name, width, v)
			}
			if *screens != "" {
				must(t, b.Whole(t.Context(), filepath.Join(*screens, fmt.Sprintf("%s-%d.png", page.name, width))))
			}
		}
	}
}
