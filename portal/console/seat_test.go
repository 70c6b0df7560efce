package console_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"parvis/kiosk"
)

// sitsDown takes the session that a terminal was opened with for the one that is on it.
func (p *place) sitsDown(id string) {
	p.seats.mu.Lock()
	defer p.seats.mu.Unlock()
	p.seats.uses[id] = kiosk.Use{Session: kiosk.Session{ID: "of-" + id, Open: true, Left: 30 * time.Minute}}
}

func TestACalledNumberSitsDownAndItsTerminalOpensByOneGesture(t *testing.T) {
	p := newPlace(t, withPosts, withSeats)
	p.follow("/file/donner")
	says(t, p.follow("/file/appeler", "poste", "Poste 1"), "Installer et ouvrir 30 min", "Installé", "Passer", "Absent")
	page := p.follow("/file/1/ouvrir")
	says(t, page, "La personne est installée. Son poste est ouvert.", "1 installé", "Annuler", "Aucun numéro n'est appelé.")
	if got := p.seats.done(); !slices.Equal(got, []string{"poste-1 open 30m0s"}) {
		t.Errorf("%q", got)
	}
	want := []string{"queue.take 1", "queue.call 1", "terminal.open poste-1", "queue.served 1"}
	if got := p.staff.recorded(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if w := p.post("/file/1/ouvrir"); w.Code != http.StatusConflict { // a finger that taps twice
		t.Errorf("%d", w.Code)
	}
}

func TestTheOneGestureIsTakenBackWhole(t *testing.T) {
	for name, k := range map[string]struct {
		meanwhile func(*place)
		says      string
		did       []string
	}{
		"both": {func(p *place) { p.sitsDown("poste-1") }, "Le poste est fermé, son navigateur doit redémarrer.", []string{"poste-1 open 30m0s", "poste-1 end"}},
		"the terminal is somebody else's meanwhile": {func(p *place) {
			p.seats.mu.Lock()
			defer p.seats.mu.Unlock()
			p.seats.uses["poste-1"] = kiosk.Use{Session: kiosk.Session{ID: "another", Open: true}}
		}, "Le geste est annulé.", []string{"poste-1 open 30m0s"}},
		"the terminal is closed already": {func(*place) {}, "Le geste est annulé.", []string{"poste-1 open 30m0s"}},
		"the terminal cannot be closed": {func(p *place) {
			p.sitsDown("poste-1")
			p.seats.mu.Lock()
			defer p.seats.mu.Unlock()
			p.seats.err = kiosk.ErrStore
		}, "Le poste n'a pas pu être fermé", []string{"poste-1 open 30m0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, withPosts, withSeats)
			p.follow("/file/donner")
			p.follow("/file/appeler", "poste", "Poste 1")
			p.follow("/file/1/ouvrir")
			k.meanwhile(p)
			page := p.follow("/file/annuler", "geste", "3")
			says(t, page, k.says, "1 Poste 1")
			if got := p.seats.done(); !slices.Equal(got, k.did) {
				t.Errorf("%q", got)
			}
		})
	}
	t.Run("too late", func(t *testing.T) {
		p := newPlace(t, withPosts, withSeats)
		p.follow("/file/donner")
		p.follow("/file/appeler", "poste", "Poste 1")
		p.follow("/file/1/ouvrir")
		p.sitsDown("poste-1")
		p.clock.Advance(time.Minute)
		if w := p.post("/file/annuler", "geste", "3"); w.Code != http.StatusConflict || len(p.seats.done()) != 1 {
			t.Errorf("%d, %q", w.Code, p.seats.done())
		}
	})
}

func TestANumberWhoseTerminalIsNotReadyKeepsItsPlace(t *testing.T) {
	p := newPlace(t, withPosts, withSeats) // Poste 3 is somebody's by now
	p.follow("/file/donner")
	silent(t, p.follow("/file/appeler", "poste", "Poste 3"), "Installer et ouvrir")
	w := p.post("/file/1/ouvrir")
	if w.Code != http.StatusConflict {
		t.Errorf("%d", w.Code)
	}
	says(t, w.Body.String(), "Ce poste n'est pas prêt.")
	p.follow("/file/1/absent")
	p.follow("/file/1/revenu")
	p.follow("/file/appeler", "poste", "Poste 1")
	p.seats.mu.Lock()
	p.seats.err = kiosk.ErrNotFresh
	p.seats.mu.Unlock()
	w = p.post("/file/1/ouvrir")
	if w.Code != http.StatusConflict {
		t.Errorf("%d", w.Code)
	}
	says(t, w.Body.String(), "pas encore nettoyé")
	says(t, p.get("/file"), "1 Poste 1")
	p.follow("/file/1/installe") // the plain gesture is there as before
	if got := p.seats.done(); len(got) != 0 {
		t.Errorf("%q", got)
	}
}
