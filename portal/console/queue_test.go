package console_test

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/lab/browser"
	"parvis/kiosk"
	"parvis/kiosk/catalogue"
	"parvis/kiosk/queue"
	"parvis/portal/console"
	crew "parvis/portal/staff"
)

// memory is where the queue of the tests is written.
type memory struct{ b []byte }

func (m *memory) Load() ([]byte, error) { return m.b, nil }
func (m *memory) Save(b []byte) error   { m.b = b; return nil }

// learnt is what terminals were refused.
type learnt struct {
	mu    sync.Mutex
	hosts []string
}

func (l *learnt) Proposals() (all []kiosk.Proposal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.hosts {
		all = append(all, kiosk.Proposal{Host: h, Times: 3})
	}
	return all
}

func (l *learnt) Dismiss(host string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hosts = slices.DeleteFunc(l.hosts, func(h string) bool { return h == host })
}

// withPosts gives the place terminals, two of them free, its queue open from 9 to 18, and the catalogue.
func withPosts(p *place) {
	q, err := queue.New(queue.Options{
		Clock: p.clock, Store: &memory{}, Posts: func() int { return 2 },
		Hours: func(time.Time) []queue.Span { return []queue.Span{{From: 9 * 60, To: 18 * 60}} },
	})
	if err != nil {
		p.t.Fatal(err)
	}
	list, err := catalogue.Load(catalogue.Files(), "")
	if err != nil {
		p.t.Fatal(err)
	}
	list = list.With(catalogue.Trials{"caf": {Date: "2026-11-20", Failed: []string{"wwwd.caf.fr"}}})
	p.parts.Queue, p.parts.FreePosts = q, func() []string { return []string{"Poste 1", "Poste 3"} }
	p.parts.Catalogue, p.parts.Learnt = func() *catalogue.Catalogue { return list }, &learnt{hosts: []string{"images.caf.example"}}
	p.parts.Proposals = func() console.Proposals { return p.town }
	p.parts.Changes = append(p.parts.Changes, q.Changes)
}

func (p *place) queue() *queue.Queue { return p.parts.Queue.(*queue.Queue) }

func TestANumberIsGivenCalledAndGone(t *testing.T) {
	p := newPlace(t, withPosts)
	says(t, p.get("/file"), "Personne n'attend", "2 postes sont libres")
	says(t, p.follow("/file/donner"), "Le numéro est donné.", "1 donné", "Appeler le 1")
	p.follow("/file/donner")
	page := p.follow("/file/appeler", "poste", "Poste 3")
	says(t, page, "Le numéro est appelé.", "1 Poste 3", "Appeler le 2")
	says(t, p.get("/file/hall"), "1 Poste 3", "1 personne attend. Le suivant : 2.")
	says(t, p.follow("/file/1/installe"), "La personne est installée.", "Aucun numéro n'est appelé.")
	says(t, p.follow("/file/appeler", "poste", "Un poste inventé"), "2 à l'accueil")
	says(t, p.follow("/file/2/absent"), "2 absent", "2 à l'instant Est revenu")
	says(t, p.follow("/file/2/revenu"), "Appeler le 2")
	want := []string{"queue.take 1", "queue.take 2", "queue.call 1", "queue.served 1", "queue.call 2", "queue.absent 2", "queue.back 2"}
	if got := p.staff.recorded(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestTheLastGestureOfTheQueueIsTakenBack(t *testing.T) {
	p := newPlace(t, withPosts)
	p.follow("/file/donner")
	p.follow("/file/appeler")
	says(t, p.follow("/file/annuler", "geste", "2"), "Le geste est annulé.", "Appeler le 1")
	for _, seq := range []string{"2", "", "x", "99999999999999999999"} {
		if w := p.post("/file/annuler", "geste", seq); w.Code != http.StatusConflict {
			t.Errorf("%q: %d", seq, w.Code)
		}
	}
	p.follow("/file/donner")
	p.clock.Advance(time.Minute)
	silent(t, p.get("/file"), "2 donné")
}

func TestWhoIsTooLateIsTold(t *testing.T) {
	p := newPlace(t, withPosts)
	for path, sentence := range map[string]string{"/file/appeler": "Personne n'attend.", "/file/7/installe": "Ce numéro a déjà changé.", "/file/R7/arrive": "Ce numéro a déjà changé."} {
		w := p.post(path)
		if w.Code != http.StatusConflict {
			t.Errorf("%s: %d", path, w.Code)
		}
		says(t, w.Body.String(), sentence)
	}
	if got := p.staff.recorded(); len(got) != 0 {
		t.Errorf("what was not done is recorded: %q", got)
	}
}

func TestASlotIsBookedByNumberAndGivenBack(t *testing.T) {
	p := newPlace(t, withPosts) // 14:42
	says(t, p.get("/reservations"), "aujourd'hui", "14 h 30", "17 h 45", "passé")
	page := p.follow("/reservations", "jour", "2026-11-24", "heure", "900", "duree", "30")
	says(t, page, "Le créneau est réservé.", "Donnez ce numéro R1", "aujourd'hui à 15 h, 30 min.", "R1 30 min")
	says(t, p.get("/file"), "R1 15 h", "Est là")
	says(t, p.follow("/file/R1/arrive"), "La personne qui a réservé est dans la file.", "R1 a réservé")
	p.follow("/reservations", "jour", "2026-11-26", "heure", "600", "duree", "60")
	says(t, p.get("/reservations?jour=2026-11-26"), "jeudi 26 novembre", "R1 1 h")
	page = p.follow("/reservations/annuler", "jour", "2026-11-26", "numero", "R1")
	says(t, page, "La réservation est annulée.", "jeudi 26 novembre")
	for _, x := range []struct{ day, hour, length, sentence string }{
		{"2026-11-24", "600", "30", "Cette heure est passée."},
		{"2026-11-25", "1065", "30", "Le lieu n'est pas ouvert assez longtemps à cette heure."},
		{"2026-11-25", "601", "30", "Cette heure ne peut pas être réservée."},
		{"2027-11-25", "600", "30", "Cette heure ne peut pas être réservée."},
		{"demain", "600", "30", "Cette heure ne peut pas être réservée."},
		{"2026-11-25", "", "", "Cette heure ne peut pas être réservée."},
	} {
		w := p.post("/reservations", "jour", x.day, "heure", x.hour, "duree", x.length)
		if w.Code != http.StatusConflict {
			t.Errorf("%+v: %d", x, w.Code)
		}
		says(t, w.Body.String(), x.sentence)
	}
	for _, day := range []string{"x", "2020-01-01", "2099-01-01"} {
		says(t, p.get("/reservations?jour="+day), "aujourd'hui")
	}
}

func TestWithoutAClockTheQueueWorksAndBookingSaysWhyNot(t *testing.T) {
	p := newPlace(t, withPosts)
	p.clock.SetWall(clock.Wall{Time: time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)})
	says(t, p.get("/reservations"), "Le boîtier ne connaît pas encore l'heure.")
	says(t, p.follow("/file/donner"), "1 donné")
	if w := p.post("/reservations", "jour", "2026-11-25", "heure", "600", "duree", "30"); w.Code != http.StatusServiceUnavailable {
		t.Error(w.Code)
	}
}

func TestTheHallShowsNumbersAndNothingElse(t *testing.T) {
	p := newPlace(t, withPosts)
	for range 6 {
		p.follow("/file/donner")
		p.follow("/file/appeler", "poste", "Poste 1")
		p.clock.Advance(time.Second)
	}
	page := p.get("/file/hall")
	says(t, page, "6 Poste 1 5 Poste 1 4 Poste 1 3 Poste 1", "Personne n'attend.")
	silent(t, page, "2 Poste 1", mediatrice.Name, "Menu")
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/file/hall", nil))
	if w.Code != http.StatusForbidden {
		t.Errorf("who has not entered: %d", w.Code)
	}
}

func TestTheCatalogueSaysHowSureItIs(t *testing.T) {
	p := newPlace(t, withPosts)
	page := p.get("/catalogue")
	says(t, page, "Caf : mes aides, mon dossier essayé le 20/11/2026, 1 nom ne répond pas", "Ameli : Assurance Maladie jamais essayé",
		"www.caf.fr vu dans une source publique", ".perfdrive.com de mémoire, à vérifier", "Ouvre aussi : FranceConnect et ses fournisseurs d'identité.",
		"Souvent nécessaire : FranceConnect, une boîte mail.", "ouvert seulement sur demande", "images.caf.example refusé 3 fois")
}

// joins gives the place a centre that hears of proposals.
func (p *place) joins() {
	p.t.Helper()
	all, err := catalogue.OpenProposals(filepath.Join(p.t.TempDir(), "proposals.json"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.town = all
}

// Where the place has a centre, a refused name is proposed to the town, and can be taken back; only what was refused here can be proposed.
func TestARefusedNameIsProposedToTheTown(t *testing.T) {
	p := newPlace(t, withPosts)
	p.joins()
	says(t, p.get("/catalogue"), "Proposer à la DSI")
	for _, x := range [][2]string{{"images.caf.example", "all"}, {"images.caf.example", "nobody"}, {"other.example", "caf"}, {"", "caf"}} {
		if w := p.post("/catalogue/ajouter", "hote", x[0], "service", x[1]); w.Code < 400 {
			t.Errorf("%q: %d", x, w.Code)
		}
	}
	page := p.follow("/catalogue/ajouter", "hote", "images.caf.example", "service", "caf")
	says(t, page, "Le nom est proposé à la DSI. Elle décide.", "Noms proposés à la DSI", "images.caf.example pour « Caf : mes aides, mon dossier »")
	silent(t, page, "refusé 3 fois")
	page = p.follow("/catalogue/reprendre", "hote", "images.caf.example", "service", "caf")
	says(t, page, "Le nom n'est plus proposé.")
	silent(t, page, "images.caf.example")
	if w := p.post("/catalogue/reprendre", "hote", "images.caf.example", "service", "caf"); w.Code != http.StatusNotFound {
		t.Errorf("taken back twice: %d", w.Code)
	}
	for _, line := range p.staff.recorded() {
		if strings.Contains(line, "example") {
			t.Errorf("the log keeps a refused name: %s", line)
		}
	}
}

func TestARefusedNameBecomesLinesForTheTownsFile(t *testing.T) {
	p := newPlace(t, withPosts)
	w := p.post("/catalogue/ajouter", "hote", "images.caf.example", "service", "caf")
	if w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	says(t, w.Body.String(), `[[more]] of = "caf" believed = ["images.caf.example"]`, "Rien n'est encore changé.")
	for _, x := range [][2]string{{"images.caf.example", "all"}, {"images.caf.example", "nobody"}, {"other.example", "caf"}, {"", "caf"}, {"a\"]", "caf"}} {
		if w := p.post("/catalogue/ajouter", "hote", x[0], "service", x[1]); w.Code < 400 {
			t.Errorf("%q: %d", x, w.Code)
		}
	}
	page := p.follow("/catalogue/ecarter", "hote", "images.caf.example")
	says(t, page, "Le nom est écarté.")
	silent(t, page, "images.caf.example")
	if w := p.post("/catalogue/ecarter", "hote", "images.caf.example"); w.Code != http.StatusNotFound {
		t.Error(w.Code)
	}
	for _, line := range p.staff.recorded() {
		if strings.Contains(line, "example") {
			t.Errorf("the log keeps a refused name: %s", line)
		}
	}
}

func TestAPlaceWithoutTerminalsHasNoneOfTheirPages(t *testing.T) {
	p := newPlace(t)
	for _, path := range []string{"/file", "/file/hall", "/reservations", "/catalogue"} {
		if w := p.do(httptest.NewRequest(http.MethodGet, path, nil)); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	silent(t, p.get("/"), "File d'attente", "Réservations", "Catalogue")
}

// terminals is C13, its screen of the hall, C14 and the catalogue.
func (a *album) terminals() {
	for name, path := range map[string]string{"C13-vide": "/file", "hall-vide": "/file/hall", "C14-vide": "/reservations", "catalogue": "/catalogue"} {
		a.see(name, path)
	}
	do := func(path string, fields ...string) {
		a.t.Helper()
		if w := a.ask(http.MethodPost, path, fields...); w.Code != http.StatusSeeOther {
			a.t.Fatalf("POST %s: %d", path, w.Code)
		}
	}
	for range 5 {
		do("/file/donner")
	}
	for _, path := range []string{"/file/appeler", "/file/1/absent", "/file/appeler"} {
		do(path, "poste", "Poste 3")
	}
	do("/file/appeler", "poste", "Poste 1") // which is ready: the number sits down and its terminal opens by one gesture
	for range 2 {
		do("/reservations", "jour", "2026-11-24", "heure", "900", "duree", "30")
	}
	a.send("catalogue-ajouter", "/catalogue/ajouter", "hote", "images.caf.example", "service", "caf")
	a.joins()
	do("/catalogue/ajouter", "hote", "images.caf.example", "service", "caf")
	a.see("catalogue-propose", "/catalogue")
	a.send("C13-refus", "/file/99/installe")
	for name, path := range map[string]string{
		"C13": "/file?fait=file-appele", "hall": "/file/hall", "C14": "/reservations?jour=2026-11-24&numero=R1&fait=file-reserve", "C14-demain": "/reservations?jour=2026-11-25",
	} {
		a.see(name, path)
	}
	a.clock.SetWall(clock.Wall{Time: a.clock.Wall().Time})
	a.see("C14-sans-heure", "/reservations")
}

// The pages of this file alone, for who works on them; TestNoPageBreaksARuleOfAxe examines them with the others.
func TestThePagesOfTheQueueAreAccessible(t *testing.T) {
	browser.NeedsAxe(t)
	if *screens == "" {
		t.Skip("without -screens")
	}
	a := newAlbum(t)
	a.join("informatique", crew.DSI)
	a.enter("informatique")
	a.terminals()
	examine(t, a)
}

// The screen of the hall changes while nobody touches it, with and without its script.
func TestTheHallIsToldOfTheNextNumber(t *testing.T) {
	browser.NeedsAxe(t)
	for name, scripts := range map[string]bool{"by events": true, "without script": false} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, withPosts, withEverybody)
			b, url := window(t, p, true)
			must(t, b.Scripts(t.Context(), scripts))
			must(t, b.Open(t.Context(), url+"/file/hall"))
			must(t, b.See(t.Context(), "Attendez que votre numéro s'affiche."))
			for range 2 {
				_, err := p.queue().Take()
				must(t, err)
			}
			_, err := p.queue().Next("Poste 3")
			must(t, err)
			see(t, b, "Le suivant : 2.")
			must(t, b.See(t.Context(), "Poste 3"))
		})
	}
}

// A mediator gives a number, calls it and takes the call back, in a browser.
func TestTheDeskCallsByTaps(t *testing.T) {
	browser.NeedsAxe(t)
	p := newPlace(t, withPosts, withEverybody)
	b, url := window(t, p, true)
	must(t, b.Open(t.Context(), url+"/file"))
	must(t, b.Click(t.Context(), "Donner un numéro"))
	must(t, b.See(t.Context(), "Le numéro est donné."))
	must(t, b.Click(t.Context(), "Appeler le 1"))
	must(t, b.See(t.Context(), "Le numéro est appelé.", "Poste 1"))
	must(t, b.Click(t.Context(), "Annuler"))
	must(t, b.See(t.Context(), "Le geste est annulé.", "Appeler le 1"))
}
