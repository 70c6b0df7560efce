package console_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parvis/internal/bell"
	"parvis/internal/mac"
	"parvis/kiosk"
	"parvis/kiosk/catalogue"
	"parvis/portal/console"
	"parvis/sessions/waiting"
)

// seats are terminals in whatever state a test puts them. It keeps what was asked of it, as one line each.
type seats struct {
	mu   sync.Mutex
	bell bell.Bell
	all  []kiosk.Terminal
	uses map[string]kiosk.Use
	did  []string
	err  error // of the next gesture
}

func seat(n byte, state kiosk.State) kiosk.Terminal {
	id := string('0' + rune(n))
	t := kiosk.Terminal{
		ID: "poste-" + id, MAC: mac.Addr{0x3c, 0x22, 0xfb, 1, 0, n}, IPv4: netip.AddrFrom4([4]byte{10, 21, 0, n}), State: state, Adopted: state != kiosk.Newcomer,
		Details: kiosk.Details{Name: "Poste " + id, Place: "salle du fond", PCID: "1-B3-" + id, Renderer: kiosk.Porteus, Prints: true},
	}
	if !t.Adopted {
		t.ID, t.Name, t.Place = "nouveau-"+id, "", ""
	}
	return t
}

func (s *seats) Terminals() []kiosk.Terminal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

func (s *seats) Terminal(id string) (kiosk.Terminal, error) {
	for _, t := range s.Terminals() {
		if t.ID == id {
			return t, nil
		}
	}
	return kiosk.Terminal{}, kiosk.ErrNotFound
}

func (s *seats) Use(id string) (kiosk.Use, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u, ok := s.uses[id]; ok {
		return u, nil
	}
	return kiosk.Use{}, kiosk.ErrNotOpen
}

// does notes a gesture on a terminal that is there.
func (s *seats) does(id string, words ...string) error {
	if _, err := s.Terminal(id); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.err; err != nil {
		s.err = nil
		return err
	}
	s.did = append(s.did, strings.Join(append([]string{id}, words...), " "))
	s.bell.Ring()
	return nil
}

func (s *seats) done() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.did)
}

func (s *seats) Adopt(_ context.Context, a mac.Addr, d kiosk.Details) (kiosk.Terminal, error) {
	for _, t := range s.Terminals() {
		if t.MAC == a {
			words := []string{"adopt", d.PCID, d.Renderer}
			if d.USB {
				words = append(words, "usb")
			}
			return kiosk.Terminal{ID: "poste-9"}, s.does(t.ID, words...)
		}
	}
	return kiosk.Terminal{}, kiosk.ErrNotFound
}

func (s *seats) Change(_ context.Context, id string, d kiosk.Details) (kiosk.Terminal, error) {
	return kiosk.Terminal{}, s.does(id, "change", d.Name, d.Place, d.Renderer)
}
func (s *seats) Remove(_ context.Context, id string) error { return s.does(id, "remove") }

func (s *seats) Open(_ context.Context, id string, o kiosk.Opening) (kiosk.Session, error) {
	words := []string{"open", o.For.String()}
	if o.Mail {
		words = append(words, "mail")
	}
	if o.Phone != "" {
		words = append(words, "phone")
	}
	if err := s.does(id, append(words, o.Bundles...)...); err != nil {
		return kiosk.Session{}, err
	}
	return kiosk.Session{ID: "of-" + id, Open: true}, nil
}

func (s *seats) Extend(_ context.Context, id string, by time.Duration) (kiosk.Session, error) {
	return kiosk.Session{}, s.does(id, "extend", by.String())
}

func (s *seats) Grace(_ context.Context, id string) (kiosk.Session, error) {
	return kiosk.Session{}, s.does(id, "grace")
}
func (s *seats) End(_ context.Context, id string) error { return s.does(id, "end") }
func (s *seats) Message(_ context.Context, id, text string) error {
	return s.does(id, "message", text)
}

func (s *seats) SetBundles(_ context.Context, id string, bundles []string, mail bool) error {
	words := append([]string{"services"}, bundles...)
	if mail {
		words = append(words, "mail")
	}
	return s.does(id, words...)
}

func (s *seats) AddName(_ context.Context, id, host string) error { return s.does(id, "name", host) }

func (s *seats) Propose(_ context.Context, id, host string) error { return s.does(id, "propose", host) }
func (s *seats) Restart(id string) error                          { return s.does(id, "restart") }

var services = sync.OnceValues(func() (*catalogue.Catalogue, error) { return catalogue.Load(catalogue.Files(), "") })

// withSeats gives a place one terminal in each state: 1 locked, 2 open, 3 ending, 4 cleaning, 5 waiting, 6 silent, and a new one.
func withSeats(p *place) {
	list, err := services()
	if err != nil {
		p.t.Fatal(err)
	}
	p.seats = &seats{uses: map[string]kiosk.Use{}}
	for i, state := range []kiosk.State{kiosk.Locked, kiosk.Open, kiosk.Ending, kiosk.Cleaning, kiosk.Waiting, kiosk.Silent, kiosk.Newcomer} {
		p.seats.all = append(p.seats.all, seat(byte(i+1), state))
	}
	p.seats.uses["poste-2"] = kiosk.Use{
		Session: kiosk.Session{ID: "s2", Open: true, Left: 28 * time.Minute}, Bundles: []string{catalogue.All}, Shown: []string{"www.refuse.example"},
		Message: "Votre impression est prête.", Phone: true,
	}
	p.seats.uses["poste-3"] = kiosk.Use{Session: kiosk.Session{ID: "s3", Open: true, Left: 4 * time.Minute}, Bundles: []string{"jeunesse"}, Mail: true, Grace: true}
	p.parts.Terminals = &console.Terminals{
		Posts: p.seats, Offers: []time.Duration{30 * time.Minute, time.Hour}, Restarts: true,
	}
	if p.parts.Catalogue == nil {
		p.parts.Catalogue = func() *catalogue.Catalogue { return list }
	}
	p.parts.Changes = append(p.parts.Changes, func() (<-chan struct{}, func()) { return p.seats.bell.Listen() })
}

// informatics has the DSI at the desk.
type informatics struct{ *staff }

func (s informatics) Who(r *http.Request) (console.Person, bool) {
	who, ok := s.staff.Who(r)
	who.Role = "dsi"
	return who, ok
}

func withDSI(p *place) { p.parts.Staff = informatics{p.staff} }

func TestThePostsPageSaysWhatEachDoes(t *testing.T) {
	p := newPlace(t, withSeats)
	if _, err := p.calls.Ask("", "Poste 2"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.calls.Ask("K7-42", ""); err != nil {
		t.Fatal(err)
	}
	page := p.get("/postes")
	says(t, page, "Poste 1", "Prêt", "Ouvrir 30 min", "Ouvert · reste 28 min", "Bientôt fini · reste 4 min", "Nettoyage", "Redémarrage attendu", "Ne répond pas",
		"demande de l'aide", "montre un nom", "Nouveaux postes", "1-B3-7", "Une personne du service informatique doit l'ajouter.")
	silent(t, page, "www.refuse.example", "K7-42", "Ajouter ce poste")
	says(t, p.get("/"), "1 sur 6 postes prêts")
}

func TestAPostIsOpenedByOneTap(t *testing.T) {
	p := newPlace(t, withSeats)
	says(t, p.follow("/postes/poste-1/ouvrir", "pour", "30m0s", "retour", "/postes"), "Le poste est ouvert.")
	code := p.wait(3, waiting.Visit{Page: true})
	says(t, p.get("/postes/poste-1"), code, "Avec les boîtes mail")
	p.follow("/postes/poste-1/ouvrir", "pour", "1h0m0s", "messagerie", "1", "telephone", code, "choix", "seulement", "lot", "jeunesse", "lot", "rien")
	want := []string{"poste-1 open 30m0s", "poste-1 open 1h0m0s mail phone jeunesse"}
	if got := p.seats.done(); !slices.Equal(got, want) {
		t.Errorf("%q, expected %q", got, want)
	}
	if got := p.staff.recorded(); !slices.Equal(got, []string{"terminal.open poste-1", "terminal.open poste-1"}) {
		t.Error(got)
	}
	if w := p.post("/postes/poste-1/ouvrir", "pour", "900h"); w.Code != http.StatusBadRequest {
		t.Error(w.Code)
	}
}

func TestTheGesturesOnAnOpenPost(t *testing.T) {
	p := newPlace(t, withSeats)
	for _, g := range []struct {
		path   string
		fields []string
		want   string
		notice string
	}{
		{"poste-2/temps", []string{"temps", "30m"}, "poste-2 extend 30m0s", "Le temps est ajouté."},
		{"poste-2/temps", []string{"temps", "-15m"}, "poste-2 extend -15m0s", "Le temps est enlevé."},
		{"poste-3/delai", nil, "poste-3 grace", "Le temps est ajouté."},
		{"poste-2/services", []string{"choix", "messagerie"}, "poste-2 services all mail", "Les services sont changés"},
		{"poste-3/services", []string{"choix", "sans-messagerie"}, "poste-3 services jeunesse", "Les services sont changés"},
		{"poste-3/services", []string{"choix", "tout"}, "poste-3 services all mail", "Les services sont changés"},
		{"poste-2/services", []string{"choix", "seulement", "lot", "jeunesse"}, "poste-2 services jeunesse", "Les services sont changés"},
		{"poste-2/nom", []string{"nom", "www.refuse.example", "geste", "ouvrir"}, "poste-2 name www.refuse.example", "Le site est ouvert pour cette personne."},
		{"poste-2/nom", []string{"nom", "www.refuse.example", "geste", "proposer"}, "poste-2 propose www.refuse.example", "Le nom est proposé"},
		{"poste-2/message", []string{"texte", " Venez\n à l'accueil "}, "poste-2 message Venez à l'accueil", "Le message est envoyé."},
		{"poste-2/fin", nil, "poste-2 end", "Le poste est fermé."},
		{"poste-5/redemarrer", nil, "poste-5 restart", "Le navigateur redémarre"},
	} {
		before := len(p.seats.done())
		says(t, p.follow("/postes/"+g.path, g.fields...), g.notice)
		if got := p.seats.done()[before:]; !slices.Equal(got, []string{g.want}) {
			t.Errorf("%s: %q, expected %q", g.path, got, g.want)
		}
	}
}

// Where services are chosen it is said when each was tried from here, as on the page of the catalogue.
func TestThePostsPageSaysWhenItsServicesWereTried(t *testing.T) {
	list, err := services()
	if err != nil {
		t.Fatal(err)
	}
	var bundle catalogue.Bundle
	for _, b := range list.Bundles() {
		if b.ID != kiosk.Mail && len(b.Services) > 2 {
			bundle = b
		}
	}
	if bundle.ID == "" {
		t.Fatal("no bundle has three services")
	}
	p := newPlace(t, func(p *place) {
		tried := list.With(catalogue.Trials{
			bundle.Services[0]: {Date: "2026-11-20"}, bundle.Services[1]: {Date: "2026-11-21", Failed: []string{"www.un.example", "www.deux.example"}},
		})
		p.parts.Catalogue = func() *catalogue.Catalogue { return tried }
	}, withSeats)
	title := func(i int) string {
		s, _ := list.Service(bundle.Services[i])
		return s.Title
	}
	for _, path := range []string{"/postes/poste-1", "/postes/poste-2"} { // one to open, one that is open
		page := p.get(path)
		says(t, page, title(0)+" essayé le 20/11/2026", title(1)+" essayé le 21/11/2026, 2 noms ne répondent pas", title(2)+" jamais essayé")
		silent(t, page, "www.un.example")
	}
}

// Only what its person has shown can be opened or kept: the console is no way to look for what they visit.
func TestANameThatNobodyHasShownIsNotOpened(t *testing.T) {
	p := newPlace(t, withSeats)
	for _, id := range []string{"poste-2", "poste-3", "poste-1"} {
		for _, what := range []string{"ouvrir", "proposer"} {
			if w := p.post("/postes/"+id+"/nom", "nom", "www.autre.example", "geste", what); w.Code == http.StatusSeeOther {
				t.Errorf("%s: %s", id, what)
			}
		}
	}
	if done := p.seats.done(); len(done) != 0 {
		t.Error(done)
	}
}

func TestOnlyTheDSISaysWhichPostsThereAre(t *testing.T) {
	forms := []string{"/postes/nouveau-7/ajouter", "/postes/poste-1/fiche", "/postes/poste-1/retirer"}
	p := newPlace(t, withSeats)
	for _, path := range forms {
		if w := p.post(path, "nom", "Poste 1", "systeme", "linux"); w.Code != http.StatusForbidden {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	silent(t, p.get("/postes/poste-1"), "Fiche du poste")
	if done := p.seats.done(); len(done) != 0 {
		t.Fatal(done)
	}
	p = newPlace(t, withSeats, withDSI)
	says(t, p.get("/postes"), "Ajouter ce poste")
	says(t, p.get("/postes/poste-1"), "Fiche du poste")
	for _, path := range forms[1:] {
		p.follow(path, "nom", " Poste  rouge ", "lieu", "hall", "systeme", "linux")
	}
	w := p.post(forms[0])
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/postes/poste-9?fait=poste-ajoute" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	want := []string{"poste-1 change Poste rouge hall linux", "poste-1 remove", "nouveau-7 adopt 1-B3-7 porteus"}
	if got := p.seats.done(); !slices.Equal(got, want) {
		t.Errorf("%q, expected %q", got, want)
	}
}

func TestAnAddedPostTakesKeysWhereThePlaceDoes(t *testing.T) {
	for usb, want := range map[bool]string{false: "nouveau-7 adopt 1-B3-7 porteus", true: "nouveau-7 adopt 1-B3-7 porteus usb"} {
		p := newPlace(t, withSeats, withDSI, func(p *place) { p.parts.Terminals.USB = usb })
		p.post("/postes/nouveau-7/ajouter")
		if got := p.seats.done(); !slices.Equal(got, []string{want}) {
			t.Errorf("%q, expected %q", got, want)
		}
	}
}

func TestWhyAPostDoesNotOpenIsSaid(t *testing.T) {
	for err, want := range map[error]string{
		kiosk.ErrNotFresh: "Ce poste n'est pas encore nettoyé.", kiosk.ErrBusy: "Quelqu'un utilise ce poste.", kiosk.ErrPhone: "Ce téléphone n'attend plus.",
		kiosk.ErrNoAddress: "Ce poste n'a pas encore donné signe de vie.", kiosk.ErrStore: "Le boîtier n'arrive plus à écrire.",
	} {
		p := newPlace(t, withSeats)
		p.seats.err = err
		w := p.post("/postes/poste-1/ouvrir", "pour", "30m0s")
		if w.Code < 400 || w.Code == http.StatusInternalServerError {
			t.Errorf("%v: %d", err, w.Code)
		}
		says(t, w.Body.String(), want)
		if done := p.staff.recorded(); len(done) != 0 {
			t.Error(done)
		}
	}
	p := newPlace(t, withSeats)
	if w := p.do(httptest.NewRequest(http.MethodGet, "/postes/poste-8", nil)); w.Code != http.StatusNotFound {
		t.Error(w.Code)
	}
}

func TestAPlaceWithoutPostsHasNoPageOfThem(t *testing.T) {
	p := newPlace(t)
	silent(t, p.get("/"), "Postes")
	if w := p.do(httptest.NewRequest(http.MethodGet, "/postes", nil)); w.Code != http.StatusNotFound {
		t.Error(w.Code)
	}
}
