package console

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"parvis/portal/paper"
	"parvis/sessions"
)

// Tickets is what the console asks about batches of tickets. Codes are in clear only in what MakeBatch, ReplaceSheet and,
// for some minutes after them, Tickets return.
type Tickets interface {
	Batches() []sessions.Batch
	MakeBatch(context.Context, sessions.BatchRequest) (sessions.Batch, []sessions.Ticket, error)
	Tickets(batch string) ([]sessions.Ticket, bool)
	RevokeBatch(ctx context.Context, batch string, cut bool) error
	ReplaceSheet(ctx context.Context, batch string, sheet int) ([]sessions.Ticket, error)
}

// ticketPages needs Parts.Tickets and Parts.Place; without them there are no such pages.
func (c *Console) ticketPages(m *http.ServeMux) {
	if c.Tickets == nil || c.Place == nil {
		return
	}
	m.HandleFunc("GET /tickets", c.batches)
	m.HandleFunc("GET /tickets/nouveau", c.newBatch)
	m.Handle("POST /tickets/nouveau", c.gesture(c.makeBatch))
	m.HandleFunc("GET /tickets/{id}", c.batch)
	m.HandleFunc("GET /tickets/{id}/annuler", c.askRevoke)
	m.Handle("POST /tickets/{id}/annuler", c.gesture(c.revoke))
	m.Handle("POST /tickets/{id}/remplacer", c.gesture(c.replace))
	if c.Printer != nil {
		m.Handle("POST /tickets/{id}/sortir", c.gesture(c.printOut))
	}
	m.Handle("GET /tickets/{id}/imprimer", c.entered(c.printBatch))
	m.Handle("GET /tickets/{id}/tickets.pdf", c.entered(c.printBatch))
	m.Handle("GET /tickets/affiche", c.entered(c.poster))
	m.Handle("GET /tickets/affiche.pdf", c.entered(c.poster))
	m.HandleFunc("GET /tickets/pictogramme", c.pictogram)
	m.HandleFunc("GET /tickets/pictogramme.pdf", c.pictogram)
}

// batchStates are the states of a batch in words.
var batchStates = map[sessions.BatchState]string{
	sessions.BatchValid: "Valables", sessions.BatchEarly: "Pas encore valables", sessions.BatchOld: "Trop vieux",
	sessions.BatchUsed: "Tous utilisés", sessions.BatchRevoked: "Annulés",
}

// lot is a batch as pages show it.
type lot struct {
	sessions.Batch
	Title, Rules, Validity, Word string
}

func (c *Console) lot(b sessions.Batch) lot {
	l := lot{Batch: b, Title: b.Label, Word: batchStates[b.State]}
	if l.Title == "" {
		l.Title = "Lot de " + count(b.Count, "ticket", "tickets")
	}
	p := c.rules(b.Profile)
	l.Rules = p.Label + ", " + span(length(b, p)) + ", " + count(b.Devices, "appareil", "appareils") + " par ticket"
	if !b.Until.IsZero() {
		l.Validity = "Jusqu'au " + c.date(b.Until.Add(-time.Second))
	}
	if !b.From.IsZero() {
		l.Validity = "À partir du " + c.date(b.From)
		if !b.Until.IsZero() {
			l.Validity = "Du " + c.date(b.From) + " au " + c.date(b.Until.Add(-time.Second))
		}
	}
	return l
}

// length is how long a ticket's session is.
func length(b sessions.Batch, p sessions.Profile) time.Duration {
	if b.For > 0 {
		return b.For
	}
	return p.Duration
}

func (c *Console) rules(name string) sessions.Profile {
	for _, p := range c.Sessions.Profiles() {
		if p.Name == name {
			return p
		}
	}
	return sessions.Profile{Name: name, Label: name}
}

// date says a date at the place, which may be far away: "31 décembre 2026".
func (c *Console) date(t time.Time) string {
	t = t.In(c.cfg.Location)
	n := strconv.Itoa(t.Day())
	if t.Day() == 1 {
		n = "1er"
	}
	return n + space + months[t.Month()-1] + space + strconv.Itoa(t.Year())
}

func (c *Console) batches(w http.ResponseWriter, r *http.Request) {
	var all []lot
	for _, b := range c.Tickets.Batches() {
		all = append(all, c.lot(b))
	}
	c.render(w, r, page{Template: "batches", Title: "Tickets"}, all)
}

// findBatch returns the batch of the path, or answers that there is none.
func (c *Console) findBatch(w http.ResponseWriter, r *http.Request) (sessions.Batch, bool) {
	all := c.Tickets.Batches()
	i := slices.IndexFunc(all, func(b sessions.Batch) bool { return b.ID == r.PathValue("id") })
	if i < 0 {
		c.noBatch(w, r)
		return sessions.Batch{}, false
	}
	return all[i], true
}

func (c *Console) noBatch(w http.ResponseWriter, r *http.Request) {
	c.problem(w, r, http.StatusNotFound, problem{
		Head: "Ce lot n'existe plus.", Do: "Les lots sont effacés 30 jours après leur fin.", To: "/tickets", Go: "Voir les tickets",
	})
}

// sheet is a sheet of a batch as pages show it.
type sheet struct {
	sessions.Sheet
	Printable bool // its codes are still there
}

type onebatch struct {
	Lot       lot
	Printable bool
	Sheets    []sheet
	Paper     paper.Format
	Formats   any
	New       int // number of the sheet that was just made in the place of another; 0 none
	// Of the ticket printer: there is one; how many tickets of the sheet are out already.
	Printer bool
	Out     int
}

func (c *Console) batch(w http.ResponseWriter, r *http.Request) {
	b, ok := c.findBatch(w, r)
	if !ok {
		return
	}
	tickets, printable := c.Tickets.Tickets(b.ID)
	one := onebatch{Lot: c.lot(b), Printable: printable, Paper: format(r.URL.Query().Get("papier")), Formats: paper.Formats}
	one.New, _ = strconv.Atoi(r.URL.Query().Get("planche"))
	one.Printer = c.Printer != nil
	if n, err := strconv.Atoi(r.URL.Query().Get("sortis")); err == nil && n > 0 && n < paper.PerSheet {
		one.Out = n
	}
	for _, s := range b.Sheets {
		one.Sheets = append(one.Sheets, sheet{s, slices.ContainsFunc(tickets, func(t sessions.Ticket) bool { return t.Sheet == s.Number })})
	}
	c.render(w, r, page{Template: "batch", Title: one.Lot.Title + ", tickets", Here: "/tickets"}, one)
}

// format is the paper that was asked for; the sheet when it was none of ours.
func format(asked string) paper.Format {
	for _, f := range paper.Formats {
		if string(f.Format) == asked {
			return f.Format
		}
	}
	return paper.Sheet
}

func (c *Console) askRevoke(w http.ResponseWriter, r *http.Request) {
	if b, ok := c.findBatch(w, r); ok {
		c.render(w, r, page{Template: "revoke", Title: "Annuler un lot", Here: "/tickets"}, c.lot(b))
	}
}

func (c *Console) revoke(w http.ResponseWriter, r *http.Request, who Person) {
	id := r.PathValue("id")
	switch err := c.Tickets.RevokeBatch(r.Context(), id, r.PostForm.Get("couper") != ""); {
	case errors.Is(err, sessions.ErrNotFound):
		c.noBatch(w, r)
	case err != nil:
		c.refused(w, r, err)
	default:
		c.Staff.Record(r.Context(), who, "batch.revoke", id)
		c.done(w, "/tickets/"+id, "lot-annule")
	}
}

func (c *Console) replace(w http.ResponseWriter, r *http.Request, who Person) {
	id := r.PathValue("id")
	n, _ := strconv.Atoi(r.PostForm.Get("planche")) // 0 is no sheet's number
	fresh, err := c.Tickets.ReplaceSheet(r.Context(), id, n)
	switch {
	case errors.Is(err, sessions.ErrNotFound):
		c.noBatch(w, r)
	case errors.Is(err, sessions.ErrUsed), errors.Is(err, sessions.ErrRevoked):
		c.problem(w, r, http.StatusConflict, problem{
			Head: "Cette planche n'a plus de ticket à remplacer.", Do: "Faites un nouveau lot.", To: "/tickets/nouveau", Go: "Nouveau lot",
		})
	case err != nil:
		c.refused(w, r, err)
	default:
		c.Staff.Record(r.Context(), who, "batch.replace", id)
		c.done(w, "/tickets/"+id+"?planche="+strconv.Itoa(fresh[0].Sheet), "planche-remplacee")
	}
}
