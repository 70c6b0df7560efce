package console

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"parvis/internal/clock"
	"parvis/sessions"
	"parvis/sessions/waiting"
)

// Waiting is the devices that wait for internet: *waiting.List.
type Waiting interface{ Entries() []waiting.Entry }

func (c *Console) waitingPages(m *http.ServeMux) {
	m.HandleFunc("GET /attente", c.waiting)
	m.HandleFunc("GET /attente/trouver", c.find)
	m.Handle("POST /attente/ouvrir", c.gesture(c.open))
	m.Handle("POST /attente/annuler", c.gesture(c.undo))
}

// waiter is a line of the waiting devices.
type waiter struct {
	Code     string
	Waited   time.Duration
	Kind     waiting.Kind
	Language string // in French: "arabe"; "" French or not known
	Page     bool
	Choices  []choice
	From     string             // path of the page that the line is on
	Profiles []sessions.Profile // when there is more than one
}

// choice is a button that opens for so long.
type choice struct{ Value, Text, Say string }

var choices = []choice{
	{"30m", "30" + space + "min", "30 minutes"},
	{"1h", "1" + space + "h", "1 heure"},
	{"2h", "2" + space + "h", "2 heures"},
	{"jour", "Journée", "la journée"},
}

// dayMost is "la journée" at a place that has no closing hour.
const dayMost = 12 * time.Hour

var languages = map[string]string{"en": "anglais", "ar": "arabe"}

// queue is who waits: with a page of ours, and without one.
type queue struct {
	Lines, Pageless []waiter
	From            string
	Undo            *opening
	Finds           bool // a device without a page can be found
}

func (c *Console) queue(r *http.Request, from string) queue {
	q := queue{From: from, Finds: c.Joined != nil, Undo: c.undoable(r.URL.Query().Get("ouvert"))}
	now := c.Clock.Boot()
	profiles := c.Sessions.Profiles()
	if len(profiles) < 2 {
		profiles = nil
	}
	for _, e := range c.Waiting.Entries() {
		l := waiter{
			Code: e.Code, Waited: now.Sub(e.Since), Kind: e.Kind, Language: languages[e.Language], Page: e.Page,
			Choices: choices, From: from, Profiles: profiles,
		}
		if l.Page {
			q.Lines = append(q.Lines, l)
		} else {
			q.Pageless = append(q.Pageless, l)
		}
	}
	return q
}

func (c *Console) waiting(w http.ResponseWriter, r *http.Request) {
	c.render(w, r, page{Template: "waiting", Title: "En attente", Live: true}, c.queue(r, "/attente"))
}

// opening is an opening that can still be taken back.
type opening struct {
	ID   string // of the session
	Code string
	Left time.Duration
	at   clock.Boot
}

const (
	// undoShown is how long the page offers to take an opening back; undoTaken is how long that is done, so that a tap at
	// the last moment counts.
	undoShown = 10 * time.Second
	undoTaken = 15 * time.Second
	undoMost  = 256
)

// undoable returns the opening of that session while it can be taken back.
func (c *Console) undoable(id string) *opening {
	o, ok := c.opening(id)
	if !ok || c.Clock.Boot().Sub(o.at) >= undoShown {
		return nil
	}
	s, err := c.Sessions.Get(id)
	if err != nil || s.State != sessions.Open {
		return nil
	}
	o.Left = s.Left
	return &o
}

// open is the one gesture: a tap on a waiting device's time.
func (c *Console) open(w http.ResponseWriter, r *http.Request, who Person) {
	from := "/attente"
	if r.PostForm.Get("retour") == "/" {
		from = "/"
	}
	code := r.PostForm.Get("code")
	length, ok := c.length(r.PostForm.Get("pour"))
	if !ok {
		c.problem(w, r, http.StatusBadRequest, problem{Head: "Ce temps n'existe pas.", Do: "Choisissez un temps de la page.", To: from, Go: "Revenir"})
		return
	}
	entries := c.Waiting.Entries()
	i := slices.IndexFunc(entries, func(e waiting.Entry) bool { return e.Code == code && code != "" })
	if i < 0 {
		if o, ok := c.openingOf(code); ok { // a finger that tapped twice
			c.done(w, from+"?ouvert="+o.ID, "")
			return
		}
		c.problem(w, r, http.StatusConflict, problem{
			Head: "Cet appareil n'attend plus.",
			Do:   "Il est peut-être déjà connecté, ou il est parti.", To: "/connexions", Go: "Voir qui est connecté",
		})
		return
	}
	s, err := c.Sessions.Open(r.Context(), sessions.OpenRequest{
		Device: entries[i].Device, Profile: cmp.Or(r.PostForm.Get("profil"), c.profile()), For: length, By: sessions.FromDesk,
	})
	if err != nil {
		c.refused(w, r, err)
		return
	}
	c.remember(opening{ID: s.ID, Code: s.Code, at: c.Clock.Boot()})
	c.Staff.Record(r.Context(), who, "session.open", s.ID)
	c.done(w, from+"?ouvert="+s.ID, "")
}

// length is the time that a button gives; the day ends with the place's.
func (c *Console) length(value string) (time.Duration, bool) {
	switch value {
	case "30m":
		return 30 * time.Minute, true
	case "1h":
		return time.Hour, true
	case "2h":
		return 2 * time.Hour, true
	case "jour":
		if left := c.Hours.Site().Closes.Sub(c.Clock.Boot()); left > 0 && left < dayMost {
			return left, true
		}
		return dayMost, true
	}
	return 0, false
}

// profile is the one that the desk's buttons open.
func (c *Console) profile() string {
	if c.cfg.Profile != "" {
		return c.cfg.Profile
	}
	return c.Sessions.Profiles()[0].Name // there is always one
}

// undo closes what was just opened: the device waits again, as before.
func (c *Console) undo(w http.ResponseWriter, r *http.Request, who Person) {
	id := r.PostForm.Get("id")
	from := "/attente"
	if r.PostForm.Get("retour") == "/" {
		from = "/"
	}
	o, ok := c.opening(id)
	if !ok || c.Clock.Boot().Sub(o.at) >= undoTaken {
		c.problem(w, r, http.StatusConflict, problem{
			Head: "Il est trop tard pour annuler.",
			Do:   "Vous pouvez arrêter la connexion.", To: "/connexions/" + id, Go: "Voir la connexion",
		})
		return
	}
	if _, err := c.Sessions.End(context.WithoutCancel(r.Context()), id, sessions.ByOperator); err != nil {
		c.refused(w, r, err)
		return
	}
	c.forget(id)
	c.Staff.Record(r.Context(), who, "session.undo", id)
	c.done(w, from, "annule")
}

// recent is the openings of the last seconds.
func (c *Console) opening(id string) (opening, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.recent, func(o opening) bool { return o.ID == id })
	if i < 0 {
		return opening{}, false
	}
	return c.recent[i], true
}

func (c *Console) openingOf(code string) (opening, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.Clock.Boot()
	i := slices.IndexFunc(c.recent, func(o opening) bool { return o.Code == code && now.Sub(o.at) < undoTaken })
	if i < 0 {
		return opening{}, false
	}
	return c.recent[i], true
}

func (c *Console) remember(o opening) {
	c.forget(o.ID)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.recent) >= undoMost {
		c.recent = slices.Delete(c.recent, 0, 1)
	}
	c.recent = append(c.recent, o)
}

func (c *Console) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.Clock.Boot()
	c.recent = slices.DeleteFunc(c.recent, func(o opening) bool { return o.ID == id || now.Sub(o.at) >= undoTaken })
}
