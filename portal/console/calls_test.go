package console_test

import (
	"net/http"
	"testing"
	"time"
)

func TestACallForHelpIsAnsweredAndClosed(t *testing.T) {
	p := newPlace(t)
	c, err := p.calls.Ask("K7-42", "")
	if err != nil {
		t.Fatal(err)
	}
	p.clock.Advance(2 * time.Minute)
	says(t, p.get("/"), "K7-42", "Demande de l'aide depuis 2 min.")
	page := p.follow("/demandes/" + c.ID + "/viens")
	says(t, page, "La personne est prévenue : vous arrivez.", "quelqu'un vient")
	silent(t, page, "J'arrive")
	if open := p.calls.Open(); len(open) != 1 || !open[0].Coming {
		t.Errorf("%+v", open)
	}
	says(t, p.follow("/demandes/"+c.ID+"/fini"), "La demande est terminée.", "Personne ne demande de l'aide.")
	if done := p.staff.recorded(); len(done) != 2 || done[0] != "call.coming "+c.ID || done[1] != "call.done "+c.ID {
		t.Error(done)
	}
}

func TestACallThatAnotherHasClosedSaysSo(t *testing.T) {
	p := newPlace(t)
	w := p.post("/demandes/zzz/viens")
	if w.Code != http.StatusNotFound || len(p.staff.recorded()) != 0 {
		t.Error(w.Code)
	}
	says(t, w.Body.String(), "Cette demande est déjà terminée.")
}
