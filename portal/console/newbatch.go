package console

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"parvis/internal/clock"
	"parvis/portal/paper"
	"parvis/sessions"
)

type newBatch struct {
	Form     form
	Profiles []sessions.Profile
	Times    []option
	Formats  any
	NoWiFi   bool // the tickets will not have the Wi-Fi's QR code
	More     bool // one of the fields that are rarely used is
}

// option is an entry of a list: what is sent, and what it says.
type option struct{ Value, Words string }

// ticketTimes are the times that a ticket may open, in minutes.
var ticketTimes = []option{
	{"", "Comme le type de connexion"},
	{"30", "30 min"},
	{"60", "1 h"},
	{"120", "2 h"},
	{"240", "4 h"},
	{"480", "8 h"},
}

func (c *Console) newBatch(w http.ResponseWriter, r *http.Request) {
	f := form{url.Values{"profil": {c.profile()}, "nombre": {strconv.Itoa(paper.PerSheet)}, "papier": {string(paper.Sheet)}}, nil}
	if wall := c.Clock.Wall(); wall.Quality == clock.Synchronised {
		f.Set("fin", wall.Time.In(c.cfg.Location).AddDate(0, 3, 0).Format(time.DateOnly))
	}
	c.askBatch(w, r, 0, f)
}

func (c *Console) askBatch(w http.ResponseWriter, r *http.Request, status int, f form) {
	place, err := c.Place()
	c.render(w, r, page{Template: "newbatch", Title: "Nouveau lot de tickets", Here: "/tickets", Status: status},
		newBatch{
			Form: f, Profiles: c.Sessions.Profiles(), Times: ticketTimes, Formats: paper.Formats,
			NoWiFi: err == nil && place.WiFi.Name == "",
			More:   f.Get("temps")+f.Get("appareils")+f.Get("debut")+f.Get("nom") != "",
		})
}

// Bounds of what is typed; those of the batch itself are the manager's.
const (
	labelMost   = 80
	ticketsMost = 960
	devicesMost = 20
)

func (c *Console) makeBatch(w http.ResponseWriter, r *http.Request, who Person) {
	f := form{r.PostForm, map[string]string{}}
	req := sessions.BatchRequest{
		Label: f.text("nom", labelMost), Profile: f.profile("profil", c.Sessions.Profiles()), For: f.minutes("temps"),
		Devices: f.number("appareils", 0, 1, devicesMost), Count: f.number("nombre", paper.PerSheet, 1, ticketsMost),
		From: f.day("debut", c.cfg.Location), Until: f.day("fin", c.cfg.Location),
	}
	if !req.Until.IsZero() {
		req.Until = req.Until.AddDate(0, 0, 1) // the last day is a whole one
	}
	wall := c.Clock.Wall()
	switch {
	case !req.Until.IsZero() && !req.From.IsZero() && !req.Until.After(req.From):
		f.wrong("fin", "Choisissez une fin après le début.")
	case !req.Until.IsZero() && wall.Quality == clock.Synchronised && !req.Until.After(wall.Time):
		f.wrong("fin", "Cette date est passée. Choisissez une date plus tard.")
	}
	if len(f.Wrong) > 0 {
		c.askBatch(w, r, http.StatusUnprocessableEntity, f)
		return
	}
	b, _, err := c.Tickets.MakeBatch(r.Context(), req)
	switch {
	case errors.Is(err, sessions.ErrInvalid):
		c.problem(w, r, http.StatusConflict, problem{
			Head: "Il y a déjà trop de tickets.", Do: "Annulez un lot qui ne sert plus, ou faites un lot plus petit.", To: "/tickets", Go: "Voir les tickets",
		})
	case err != nil:
		c.refused(w, r, err)
	default:
		c.Staff.Record(r.Context(), who, "batch.make", b.ID)
		c.done(w, "/tickets/"+b.ID+"?papier="+string(format(f.Get("papier"))), "lot-fait")
	}
}
