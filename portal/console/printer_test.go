package console_test

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"parvis/portal/console"
	"parvis/portal/paper"
)

// roll is a ticket printer that does what it is told.
type roll struct {
	lots []paper.Lot
	then console.Printed
}

func (r *roll) Print(_ context.Context, l paper.Lot) console.Printed {
	r.lots = append(r.lots, l)
	if r.then == (console.Printed{}) {
		return console.Printed{Tickets: len(l.Tickets)}
	}
	return r.then
}

func withRoll(r *roll) func(*place) {
	return func(p *place) {
		papers(p)
		p.parts.Printer = r
	}
}

func TestASheetComesOutOfTheTicketPrinter(t *testing.T) {
	r := &roll{}
	p := newPlace(t, withRoll(r))
	id, page := p.makeLot("nombre", "26")
	says(t, page, "Planche à sortir sur l'imprimante à tickets", "Sortir les tickets")
	says(t, p.follow("/tickets/"+id+"/sortir", "planche", "2"), "Les tickets sont sortis.")
	tickets, _ := p.manager.Tickets(id)
	if len(r.lots) != 1 || len(r.lots[0].Tickets) != 2 || r.lots[0].Tickets[0].Code != tickets[24].Code || r.lots[0].Place.Name != printed.Name {
		t.Errorf("%+v", r.lots)
	}
	if done := p.staff.recorded(); !slices.Equal(done, []string{"batch.make " + id, "batch.print " + id}) {
		t.Error(done)
	}
	p.follow("/tickets/"+id+"/sortir", "planche", "")
	if n := len(r.lots[1].Tickets); n != paper.PerSheet {
		t.Errorf("%d tickets on one strip", n)
	}
	r.then.Going = true
	says(t, p.follow("/tickets/"+id+"/sortir", "planche", "1"), "Les tickets sortent. Restez près de l'imprimante.")
}

func TestWhatThePrinterLacksIsSaidAndTheRestComesOutAfter(t *testing.T) {
	for why, want := range map[string]string{
		"no-paper": "L'imprimante n'a plus de papier.", "cover": "L'imprimante est ouverte.", "off": "L'imprimante ne répond pas.",
		"busy": "L'imprimante est occupée.", "fault": "L'imprimante s'est arrêtée.",
	} {
		t.Run(why, func(t *testing.T) {
			r := &roll{then: console.Printed{Tickets: 5, Why: why}}
			p := newPlace(t, withRoll(r))
			id, _ := p.makeLot("nombre", "24")
			w := p.post("/tickets/"+id+"/sortir", "planche", "1")
			if w.Code != http.StatusServiceUnavailable {
				t.Error(w.Code)
			}
			says(t, w.Body.String(), want, "Déjà sortis et bons : 5 tickets.")
			says(t, p.get("/tickets/"+id+"?sortis=5&planche=1"), "5 tickets sont déjà sortis. L'imprimante fait la suite.")
			r.then = console.Printed{}
			p.follow("/tickets/"+id+"/sortir", "planche", "1", "sortis", "5", "sortis-de", "1")
			if tickets, _ := p.manager.Tickets(id); len(r.lots) != 2 || len(r.lots[1].Tickets) != 19 || r.lots[1].Tickets[0].Code != tickets[5].Code {
				t.Errorf("%d", len(r.lots[1].Tickets))
			}
			for _, nonsense := range []string{"24", "-1", "x"} {
				p.follow("/tickets/"+id+"/sortir", "planche", "1", "sortis", nonsense, "sortis-de", "1")
				if n := len(r.lots[len(r.lots)-1].Tickets); n != 24 {
					t.Errorf("%s: %d", nonsense, n)
				}
			}
		})
	}
}

func TestWithoutATicketPrinterThePageDoesNotSpeakOfOne(t *testing.T) {
	p := newPlace(t, papers)
	id, page := p.makeLot("nombre", "1")
	silent(t, page, "imprimante à tickets")
	if w := p.post("/tickets/"+id+"/sortir", "planche", "1"); w.Code != http.StatusNotFound && w.Code != http.StatusMethodNotAllowed {
		t.Error(w.Code)
	}
}
