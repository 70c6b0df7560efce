package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/portal/paper"
	"parvis/sessions"
)

var printed = paper.Place{Name: "La Maison des habitants", Desk: "l'accueil", Portal: "wifi.lab.test", WiFi: paper.WiFi{Name: "Parvis-Public"}}

// papers gives a place its tickets and workshops, of the real manager.
func papers(p *place) {
	p.parts.Tickets, p.parts.Workshops = p.manager, p.manager
	p.parts.Place = func() (paper.Place, error) { return printed, nil }
}

// makeLot makes a batch through its page, and returns its id and the page that follows.
func (p *place) makeLot(fields ...string) (id, page string) {
	p.t.Helper()
	w := p.post("/tickets/nouveau", append([]string{"profil", "visite", "papier", "planche"}, fields...)...)
	at := w.Header().Get("Location")
	if w.Code != http.StatusSeeOther {
		p.t.Fatalf("%d: %s", w.Code, text(w.Body.String()))
	}
	u, err := url.Parse(at)
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/tickets/"), p.get(at)
}

func (p *place) lot(id string) sessions.Batch {
	p.t.Helper()
	all := p.manager.Batches()
	i := slices.IndexFunc(all, func(b sessions.Batch) bool { return b.ID == id })
	if i < 0 {
		p.t.Fatal("no batch", id)
	}
	return all[i]
}

func TestANewLotLeadsToItsPaper(t *testing.T) {
	p := newPlace(t, papers)
	says(t, p.get("/tickets"), "Il n'y a pas encore de ticket.", "Imprimer une planche")
	id, page := p.makeLot("nombre", "30", "fin", "2027-03-31", "nom", "Semaine 48", "appareils", "2", "temps", "120")
	says(t, page, "Les tickets sont créés.", "30 tickets restent", "0 utilisé", "Visite, 2 h, 2 appareils par ticket.", "Jusqu'au 31 mars 2027", "Imprimer (PDF)", "Planche 2")
	b := p.lot(id)
	if b.Count != 30 || b.Label != "Semaine 48" || b.Devices != 2 || b.For != 2*time.Hour || !b.Until.Equal(time.Date(2027, 4, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", b)
	}
	if done := p.staff.recorded(); !slices.Equal(done, []string{"batch.make " + id}) {
		t.Error(done)
	}
	says(t, p.get("/tickets"), "Semaine 48", "30 restants", "Valables. Jusqu'au 31 mars 2027")
}

func TestWhatIsWrongWithALotIsSaidAtItsField(t *testing.T) {
	p := newPlace(t, papers)
	for about, c := range map[string]struct {
		fields []string
		says   string
	}{
		"no number":             {[]string{"nombre", "beaucoup"}, "Tapez un nombre de 1 à 960."},
		"too many":              {[]string{"nombre", "961"}, "Tapez un nombre de 1 à 960."},
		"no date":               {[]string{"fin", "bientôt"}, "Tapez une date : jour/mois/année."},
		"a day that is over":    {[]string{"fin", "2001-01-01"}, "Cette date est passée."},
		"ends before it begins": {[]string{"debut", "2027-05-02", "fin", "2027-05-01"}, "Choisissez une fin après le début."},
		"too long a name":       {[]string{"nom", strings.Repeat("x", 81)}, "Tapez au plus 80 caractères."},
		"no such profile":       {[]string{"profil", "zzz"}, "Choisissez dans la liste."},
	} {
		t.Run(about, func(t *testing.T) {
			fields := append([]string{"papier", "planche"}, c.fields...)
			if !slices.Contains(fields, "profil") {
				fields = append(fields, "profil", "visite")
			}
			w := p.post("/tickets/nouveau", fields...)
			if w.Code != http.StatusUnprocessableEntity {
				t.Fatal(w.Code)
			}
			says(t, w.Body.String(), c.says)
			if !strings.Contains(w.Body.String(), `value="`+c.fields[1]+`"`) && c.fields[0] != "profil" {
				t.Error("what was typed is gone")
			}
		})
	}
	if n := len(p.manager.Batches()); n != 0 {
		t.Errorf("%d batches were made", n)
	}
}

func TestTicketsArePrintedOnceAndASpoiledSheetIsReplaced(t *testing.T) {
	p := newPlace(t, papers)
	id, _ := p.makeLot("nombre", "26")
	w := p.do(httptest.NewRequest(http.MethodGet, "/tickets/"+id+"/tickets.pdf?papier=planche", nil))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/pdf" || !strings.HasPrefix(w.Body.String(), "%PDF") || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatal(w.Code, w.Header())
	}
	tickets, _ := p.manager.Tickets(id)
	page := p.get("/tickets/" + id + "/imprimer?papier=planche&planche=2")
	says(t, page, tickets[24].Code, tickets[25].Code)
	silent(t, page, tickets[23].Code)

	p.clock.Advance(15 * time.Minute)
	for _, path := range []string{"/imprimer", "/tickets.pdf"} {
		w := p.do(httptest.NewRequest(http.MethodGet, "/tickets/"+id+path, nil))
		if w.Code != http.StatusGone {
			t.Errorf("%s: %d", path, w.Code)
		}
		says(t, w.Body.String(), "Ces codes ne sont plus là.", "Planche perdue ? Remplacez-la.")
	}
	page = p.get("/tickets/" + id)
	says(t, page, "Déjà imprimé", "Un lot s'imprime une seule fois")
	silent(t, page, "Imprimer (PDF)")

	page = p.follow("/tickets/"+id+"/remplacer", "planche", "2")
	says(t, page, "La planche est remplacée.", "Imprimer la planche 3 (PDF)", "26 tickets restent", "2 annulés")
	page = p.get("/tickets/" + id + "/imprimer?planche=3")
	silent(t, page, tickets[24].Code, tickets[0].Code)
	if done := p.staff.recorded(); !slices.Equal(done, []string{"batch.make " + id, "batch.replace " + id}) {
		t.Error(done)
	}
	w = p.post("/tickets/"+id+"/remplacer", "planche", "2")
	says(t, w.Body.String(), "Cette planche n'a plus de ticket à remplacer.")
}

func TestRevokingALotAsksOnceAndSaysHowManyAreUnused(t *testing.T) {
	p := newPlace(t, papers)
	id, _ := p.makeLot("nombre", "3")
	tickets, _ := p.manager.Tickets(id)
	s, err := p.manager.Redeem(t.Context(), sessions.Redemption{Device: device(1), Code: tickets[0].Code})
	if err != nil {
		t.Fatal(err)
	}
	says(t, p.get("/tickets/"+id+"/annuler"), "2 tickets pas encore utilisés ne marcheront plus.")
	if p.lot(id).State == sessions.BatchRevoked {
		t.Fatal("asking has revoked it")
	}
	says(t, p.follow("/tickets/"+id+"/annuler"), "Le lot est annulé.", "0 ticket reste", "1 utilisé, 2 annulés")
	if now, err := p.manager.Get(s.ID); err != nil || now.State != sessions.Open {
		t.Errorf("%+v %v: nobody asked to cut it", now, err)
	}
	p.follow("/tickets/"+id+"/annuler", "couper", "1")
	if now, err := p.manager.Get(s.ID); err != nil || now.State == sessions.Open {
		t.Errorf("%+v %v: it was to be cut", now, err)
	}
}

func TestNobodyWhoHasNotEnteredGetsACode(t *testing.T) {
	p := newPlace(t, papers)
	id, _ := p.makeLot("nombre", "1")
	tickets, _ := p.manager.Tickets(id)
	ws, err := p.manager.MakeWorkshop(t.Context(), sessions.WorkshopRequest{Title: "Essai", Profile: "visite", Places: 2, Length: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/tickets/" + id + "/imprimer", "/tickets/" + id + "/tickets.pdf", "/tickets/affiche", "/tickets/affiche.pdf", "/ateliers/" + ws.ID + "/ecran"} {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), tickets[0].Code) || strings.Contains(w.Body.String(), ws.Code) {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestThePapersForWallsAreThereAsPDFAndAsPages(t *testing.T) {
	p := newPlace(t, papers)
	says(t, p.get("/tickets/affiche"), "Wi-Fi gratuit", "Parvis-Public")
	says(t, p.get("/tickets/pictogramme"), "Dans ce bâtiment, il y a le Wi-Fi.")
	for _, path := range []string{"/tickets/affiche.pdf", "/tickets/pictogramme.pdf"} {
		if !strings.HasPrefix(p.get(path), "%PDF") {
			t.Errorf("%s is no PDF", path)
		}
	}
}

func TestWithoutTheWiFisNameTheConsoleSaysWhatToSet(t *testing.T) {
	p := newPlace(t, papers, func(p *place) {
		p.parts.Place = func() (paper.Place, error) {
			return paper.Place{Name: "X", Desk: "l'accueil", Portal: "wifi.lab.test"}, nil
		}
	})
	w := p.do(httptest.NewRequest(http.MethodGet, "/tickets/affiche", nil))
	says(t, w.Body.String(), "Le nom du Wi-Fi n'est pas réglé.", "guests.ssid")
	says(t, p.get("/tickets/nouveau"), "Les tickets n'auront que le carré du code.")
}

func TestAWorkshopFromItsPlanningToItsSummary(t *testing.T) {
	p := newPlace(t, papers)
	says(t, p.get("/ateliers"), "Aucun atelier n'est prévu.")
	w := p.post("/ateliers/nouveau", "nom", "Ma boîte mail", "profil", "visite", "places", "2", "duree", "60")
	at, _, _ := strings.Cut(w.Header().Get("Location"), "?")
	says(t, p.get(at), "Ma boîte mail", "0/2", "Commence quand vous le démarrez", "Démarrer")
	id := strings.TrimPrefix(at, "/ateliers/")
	code := regexp.MustCompile(`<b class="code">([^<]+)</b>`).FindStringSubmatch(p.get(at))
	if code == nil {
		t.Fatal("no code")
	}

	says(t, p.follow(at+"/demarrer"), "L'atelier a commencé.", "Il reste 1 h")
	for n := byte(1); n <= 2; n++ {
		if _, err := p.manager.Redeem(t.Context(), sessions.Redemption{Device: device(n), Code: code[1]}); err != nil {
			t.Fatal(err)
		}
	}
	says(t, p.get(at), "2/2", "L'atelier est complet.", "Qui est là")
	p.clock.Advance(50 * time.Minute)
	says(t, p.follow(at+"/prolonger"), "L'atelier dure 15 minutes de plus.", "Il reste 25 min")
	says(t, p.get(at+"/terminer"), "Internet s'arrête pour 2 appareils.")
	says(t, p.follow(at+"/terminer"), "L'atelier est terminé.", "Personnes, comptées par vous pas encore noté", "Appareils, comptés par le boîtier 2")
	says(t, p.follow(at+"/compter", "personnes", "3"), "Le nombre de personnes est noté.", "Personnes, comptées par vous 3")
	w = p.post(at+"/compter", "personnes", "-1")
	says(t, w.Body.String(), "Tapez un nombre de 0 à 1000.")

	page := p.follow(at + "/refaire")
	says(t, page, "L'atelier est prêt.", "Ma boîte mail", "0/2")
	says(t, p.get("/ateliers"), "À venir", "Passés")
	want := []string{"workshop.make " + id, "workshop.start " + id, "workshop.prolong " + id, "workshop.end " + id, "workshop.count " + id}
	if done := p.staff.recorded(); len(done) != 6 || !slices.Equal(done[:5], want) {
		t.Error(done)
	}
	w = p.post(at + "/demarrer")
	says(t, w.Body.String(), "Ce n'est plus possible pour cet atelier.")
}

func TestWhatIsWrongWithAWorkshopIsSaidAtItsField(t *testing.T) {
	p := newPlace(t, papers)
	for about, c := range map[string]struct {
		fields []string
		says   string
	}{
		"no places":    {[]string{"places", "0"}, "Tapez un nombre de 1 à 100."},
		"no length":    {[]string{"duree", ""}, "Choisissez une durée."},
		"only an hour": {[]string{"heure", "14:00"}, "Choisissez le jour."},
		"only a day":   {[]string{"jour", "2027-05-02"}, "Tapez l'heure, par exemple 14:00."},
		"over":         {[]string{"jour", "2001-05-02", "heure", "14:00"}, "Ce moment est passé."},
	} {
		t.Run(about, func(t *testing.T) {
			fields := []string{"nom", "Essai", "profil", "visite"}
			if c.fields[0] != "duree" {
				fields = append(fields, "duree", "60")
			}
			w := p.post("/ateliers/nouveau", append(fields, c.fields...)...)
			if w.Code != http.StatusUnprocessableEntity {
				t.Fatal(w.Code)
			}
			says(t, w.Body.String(), c.says)
		})
	}
	if n := len(p.manager.Workshops()); n != 0 {
		t.Errorf("%d workshops were made", n)
	}
}

func TestTheRoomsScreenShowsTheCodeAndNobodysCode(t *testing.T) {
	p := newPlace(t, papers)
	ws, err := p.manager.MakeWorkshop(t.Context(), sessions.WorkshopRequest{Title: "Ma boîte mail", Profile: "visite", Places: 12, Length: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.manager.StartWorkshop(t.Context(), ws.ID); err != nil {
		t.Fatal(err)
	}
	s, err := p.manager.Redeem(t.Context(), sessions.Redemption{Device: device(1), Code: ws.Code})
	if err != nil {
		t.Fatal(err)
	}
	page := p.get("/ateliers/" + ws.ID + "/ecran")
	says(t, page, ws.Code, "1/12", "Parvis-Public", "Arrêter le changement automatique")
	silent(t, page, s.Code, "Connectés")
	if strings.Count(page, `class="dr"`) != 1 || strings.Count(page, `class="qr"`) != 2 {
		t.Error("a drawing of who is in, and two QR codes")
	}
}

func TestWithAnUnsetClockAWorkshopHasNoHourOfItsEnd(t *testing.T) {
	p := newPlace(t, papers)
	ws, err := p.manager.MakeWorkshop(t.Context(), sessions.WorkshopRequest{Title: "Essai", Profile: "visite", Places: 2, Length: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.manager.StartWorkshop(t.Context(), ws.ID); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/ateliers", "/ateliers/" + ws.ID, "/ateliers/" + ws.ID + "/ecran"} {
		says(t, p.get(path), "Finit à 15 h 42")
	}
	p.clock.SetWall(clock.Wall{Time: p.clock.Wall().Time, Quality: clock.Unknown})
	for _, path := range []string{"/ateliers", "/ateliers/" + ws.ID, "/ateliers/" + ws.ID + "/ecran"} {
		page := p.get(path)
		says(t, page, "En cours")
		silent(t, page, "15 h 42")
	}
}
