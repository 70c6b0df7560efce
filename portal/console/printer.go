package console

import (
	"context"
	"net/http"
	"strconv"

	"parvis/portal/paper"
)

// Printer is the place's ticket printer.
type Printer interface {
	// Print sends tickets to it and waits until they are out, for as long as a page may take.
	Print(context.Context, paper.Lot) Printed
}

// Printed is what has become of tickets on their way.
type Printed struct {
	Tickets int    // that are out, for all that is known
	Going   bool   // the rest goes on by itself
	Why     string // it stopped: no-paper, cover, off, busy, fault; "" it did not
}

// stops say what keeps a printer from printing, and what to do.
var stops = map[string]problem{
	"no-paper": {Head: "L'imprimante n'a plus de papier.", Do: "Mettez un rouleau, puis faites sortir la suite."},
	"cover":    {Head: "L'imprimante est ouverte.", Do: "Fermez son capot, puis faites sortir la suite."},
	"off":      {Head: "L'imprimante ne répond pas.", Do: "Regardez si elle est allumée et branchée."},
	"busy":     {Head: "L'imprimante est occupée.", Do: "Attendez la fin, puis recommencez."},
}

// printOut prints a sheet on the ticket printer, or what is left of it.
func (c *Console) printOut(w http.ResponseWriter, r *http.Request, who Person) {
	sheet := r.PostForm.Get("planche")
	b, tickets, ok := c.printable(w, r, sheet)
	if !ok {
		return
	}
	tickets = tickets[:min(len(tickets), paper.PerSheet)] // a sheet at a time: nobody wants 960 tickets on one strip
	out, err := strconv.Atoi(r.PostForm.Get("sortis"))
	if err != nil || out < 0 || out >= len(tickets) || r.PostForm.Get("sortis-de") != sheet {
		out = 0
	}
	place, ok := c.place(w, r)
	if !ok {
		return
	}
	c.Staff.Record(r.Context(), who, "batch.print", b.ID)
	back := "/tickets/" + b.ID
	switch p := c.Printer.Print(r.Context(), Lot(place, b, c.rules(b.Profile), c.cfg.Location, tickets[out:])); {
	case p.Why == "" && p.Going:
		c.done(w, back, "tickets-sortent")
	case p.Why == "":
		c.done(w, back, "tickets-sortis")
	default:
		stop, known := stops[p.Why]
		if !known {
			stop = problem{Head: "L'imprimante s'est arrêtée.", Do: "Éteignez-la, rallumez-la, puis faites sortir la suite."}
		}
		stop.To, stop.Go = back, "Voir le lot"
		if out += p.Tickets; out > 0 {
			stop.Do += " Déjà sortis et bons" + space + ": " + count(out, "ticket", "tickets") + "."
			stop.To += "?sortis=" + strconv.Itoa(out) + "&planche=" + strconv.Itoa(tickets[0].Sheet)
		}
		c.problem(w, r, http.StatusServiceUnavailable, stop)
	}
}
