package console

import (
	"net/http"
	"slices"
	"time"

	"parvis/internal/clock"
	"parvis/sessions"
)

// Line is how the line to the internet is.
type Line interface {
	State() LineState
	// Outages are the last ones, the oldest first: *sessions.Manager.
	Outages() []sessions.Outage
}

// LineState is the line at the moment of asking.
type LineState struct {
	Down  bool
	Since clock.Boot // of Down
	Part  string     // that does not answer: "gateway", "resolver", "http"
}

func (c *Console) incidentPages(m *http.ServeMux) { m.HandleFunc("GET /incident", c.incident) }

type incident struct {
	Down     bool
	For      time.Duration
	Began    time.Time // civil; zero: not known
	Part     string    // in words
	Problems []Problem
	Last     []sessions.Outage // the newest first
}

// parts are what to look at, by what does not answer.
var parts = map[string]string{
	"gateway":  "La box de l'opérateur ne répond pas. Regardez si elle est allumée et branchée.",
	"resolver": "La box répond, mais internet ne répond pas. La panne est chez l'opérateur.",
	"http":     "La box répond, mais les sites ne répondent pas. La panne est chez l'opérateur.",
}

func (c *Console) incident(w http.ResponseWriter, r *http.Request) {
	s, now := c.Line.State(), c.Clock.Boot()
	d := incident{Down: s.Down, For: now.Sub(s.Since), Part: parts[s.Part], Problems: c.Health(), Last: c.Line.Outages()}
	if wall := c.Clock.Wall(); s.Down && known(wall) {
		d.Began = wall.Time.Add(-d.For)
	}
	slices.Reverse(d.Last)
	c.render(w, r, page{Template: "incident", Title: "Panne", Live: true}, d)
}
