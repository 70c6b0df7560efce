package console

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"parvis/portal/paper"
	"parvis/sessions"
)

// entered is a page with codes or a password in clear: what keeps strangers out stands before the console, and here too.
func (c *Console) entered(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := c.Staff.Who(r); !ok {
			c.problem(w, r, http.StatusForbidden, problem{Head: "Vous n'êtes pas entré.", Do: "Entrez, puis recommencez.", To: "/entrer", Go: "Entrer"})
			return
		}
		h(w, r)
	})
}

// printBatch answers with the tickets of a batch, or of one of its sheets: a PDF or a page by the end of the path.
func (c *Console) printBatch(w http.ResponseWriter, r *http.Request) {
	b, tickets, ok := c.printable(w, r, r.URL.Query().Get("planche"))
	if !ok {
		return
	}
	place, ok := c.place(w, r)
	if !ok {
		return
	}
	l := Lot(place, b, c.rules(b.Profile), c.cfg.Location, tickets)
	f := format(r.URL.Query().Get("papier"))
	c.paper(w, r, func(out io.Writer) error { return l.PDF(out, f) }, func(out io.Writer) error { return l.HTML(out, f, "/tickets/"+b.ID) })
}

// printable returns the batch of the path and its tickets, or those of a sheet, or answers why there are none.
func (c *Console) printable(w http.ResponseWriter, r *http.Request, sheet string) (sessions.Batch, []sessions.Ticket, bool) {
	b, ok := c.findBatch(w, r)
	if !ok {
		return b, nil, false
	}
	tickets, ok := c.Tickets.Tickets(b.ID)
	if n, err := strconv.Atoi(sheet); err == nil && n > 0 {
		tickets = slices.DeleteFunc(slices.Clone(tickets), func(t sessions.Ticket) bool { return t.Sheet != n })
	}
	if !ok || len(tickets) == 0 {
		c.problem(w, r, http.StatusGone, problem{
			Head: "Ces codes ne sont plus là.",
			Do:   "On imprime un lot une seule fois, dans les 15 minutes. Planche perdue ? Remplacez-la.", To: "/tickets/" + b.ID, Go: "Voir le lot",
		})
		return b, nil, false
	}
	return b, tickets, true
}

// Lot is tickets of a batch on their way to paper, of whatever kind.
func Lot(place paper.Place, b sessions.Batch, p sessions.Profile, zone *time.Location, tickets []sessions.Ticket) paper.Lot {
	l := paper.Lot{Place: place, Title: b.Label, Length: length(b, p), Devices: b.Devices}
	if !b.From.IsZero() {
		l.From = b.From.In(zone)
	}
	if !b.Until.IsZero() {
		l.Until = b.Until.In(zone)
	}
	number := map[int]int{}
	for _, t := range tickets {
		number[t.Sheet]++
		l.Tickets = append(l.Tickets, paper.Ticket{Code: t.Code, Sheet: t.Sheet, Number: number[t.Sheet]})
	}
	return l
}

func (c *Console) poster(w http.ResponseWriter, r *http.Request) {
	if place, ok := c.place(w, r); ok {
		c.paper(w, r, place.PosterPDF, func(out io.Writer) error { return place.PosterHTML(out, "/tickets") })
	}
}

func (c *Console) pictogram(w http.ResponseWriter, r *http.Request) {
	place := paper.Place{Name: c.cfg.Site.Name}
	c.paper(w, r, place.PictogramPDF, func(out io.Writer) error { return place.PictogramHTML(out, "/tickets") })
}

// place returns what papers say of the place, or answers why it cannot be known.
func (c *Console) place(w http.ResponseWriter, r *http.Request) (paper.Place, bool) {
	place, err := c.Place()
	if err != nil {
		c.Log.Error("console: the Wi-Fi's password cannot be read", "error", err)
		c.problem(w, r, http.StatusServiceUnavailable, problem{
			Head: "Le mot de passe du Wi-Fi ne peut pas être lu.", Do: "Prévenez la personne responsable : " + c.cfg.Site.Contact + ".",
			To: "/tickets", Go: "Voir les tickets",
		})
	}
	return place, err == nil
}

// paper answers with a PDF where the path ends so, and otherwise with the page.
func (c *Console) paper(w http.ResponseWriter, r *http.Request, pdf, html func(io.Writer) error) {
	write, kind := html, "text/html; charset=utf-8"
	if strings.HasSuffix(r.URL.Path, ".pdf") {
		write, kind = pdf, "application/pdf"
	}
	var b bytes.Buffer
	switch err := write(&b); {
	case errors.Is(err, paper.ErrNoWiFi):
		c.problem(w, r, http.StatusNotFound, problem{
			Head: "Le nom du Wi-Fi n'est pas réglé.", Do: "La personne responsable l'écrit dans le réglage guests.ssid.", To: "/tickets", Go: "Voir les tickets",
		})
		return
	case errors.Is(err, paper.ErrRoom):
		c.problem(w, r, http.StatusConflict, problem{
			Head: "Le carré à lire ne tient pas sur ce papier.", Do: "Choisissez une page A4 par ticket.", To: "/tickets", Go: "Voir les tickets",
		})
		return
	case err != nil:
		c.refused(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Content-Type", kind)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	if kind == "application/pdf" {
		h.Set("Content-Disposition", `inline; filename="`+r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]+`"`)
	} else {
		h.Set("Content-Security-Policy", paper.Policy)
	}
	_, _ = w.Write(b.Bytes()) // the client may have gone
}
