package console

import (
	"context"
	"net/http"
	"time"

	"parvis/sessions"
	"parvis/sessions/hours"
)

// Hours is when the place is open: *sessions.Manager.
type Hours interface {
	Site() sessions.SiteState
	OpenUntil(ctx context.Context, until time.Time) error
	Pause(context.Context, sessions.PauseRequest) (cut int, err error)
	Resume(context.Context) error
	Exceptions() []hours.Exception
	SetException(context.Context, hours.Exception) error
	DropException(context.Context, hours.Date) error
}

func (c *Console) hourPages(m *http.ServeMux) {
	m.HandleFunc("GET /ouverture", c.hours)
	m.HandleFunc("GET /ouverture/pause", c.beforePause)
	m.Handle("POST /ouverture/ouvrir", c.gesture(c.openPlace))
	m.Handle("POST /ouverture/pause", c.gesture(c.pause))
	m.Handle("POST /ouverture/reprendre", c.gesture(c.resume))
	m.Handle("POST /ouverture/jour", c.gesture(c.setException))
	m.Handle("POST /ouverture/jour/oublier", c.gesture(c.dropException))
}

// site is the place's opening, in words.
type site struct {
	sessions.SiteState
	Known bool          // the civil time may be shown
	Left  time.Duration // until it closes; 0: not known, or never
}

func (c *Console) site() site {
	s := site{SiteState: c.Hours.Site(), Known: known(c.Clock.Wall())}
	if s.Open && s.Closes != sessions.Never {
		s.Left = s.Closes.Sub(c.Clock.Boot())
	}
	return s
}

// lengths are what the place can be opened or paused for.
var lengths = []choice{
	{"15m", "15" + space + "min", "15 minutes"},
	{"30m", "30" + space + "min", "30 minutes"},
	{"1h", "1" + space + "h", "1 heure"},
	{"2h", "2" + space + "h", "2 heures"},
}

type opened struct {
	Site    site
	Lengths []choice
	Days    []dated
	Today   string // for the field of a date
}

// dated is a date that is otherwise than its week.
type dated struct {
	Date string
	When time.Time
	Open []string
}

func (c *Console) hours(w http.ResponseWriter, r *http.Request) {
	d := opened{Site: c.site(), Lengths: lengths}
	if d.Site.Known {
		d.Today = c.Clock.Wall().Time.In(c.cfg.Location).Format(time.DateOnly)
	}
	for _, e := range c.Hours.Exceptions() {
		when, err := time.ParseInLocation(time.DateOnly, e.Date.String(), c.cfg.Location)
		if err != nil {
			continue // a Date writes itself so
		}
		day := dated{Date: e.Date.String(), When: when.Add(12 * time.Hour)} // noon is on the day, whatever the clocks do at night
		for _, s := range e.Open {
			day.Open = append(day.Open, minutes(s.From)+" à "+minutes(s.To))
		}
		d.Days = append(d.Days, day)
	}
	c.render(w, r, page{Template: "hours", Title: "Ouverture du lieu", Live: true, Typed: true}, d)
}

func (c *Console) openPlace(w http.ResponseWriter, r *http.Request, who Person) {
	now := c.Clock.Wall().Time
	until, ok := time.Time{}, false
	if d, is := gift(r.PostForm.Get("pour"), lengths); is {
		until, ok = now.Add(d), true
		if s := c.Hours.Site(); s.Open && !s.Until.IsZero() { // longer than it would be
			until = s.Until.Add(d)
		}
	} else if at, err := clockTime(r.PostForm.Get("heure")); err == nil {
		until, ok = next(now.In(c.cfg.Location), at), true
	}
	if !ok {
		c.problem(w, r, http.StatusBadRequest, problem{
			Head: "Cette heure ne peut pas être lue.", Do: "Écrivez l'heure comme 18:30.", To: "/ouverture", Go: "Revenir",
		})
		return
	}
	c.onPlace(w, r, who, c.Hours.OpenUntil(r.Context(), until), "site.open", "ouvert")
}

// next is the next time that a clock on the wall shows these minutes after midnight.
func next(now time.Time, minutes int) time.Time {
	at := time.Date(now.Year(), now.Month(), now.Day(), minutes/60, minutes%60, 0, 0, now.Location())
	if !at.After(now) {
		at = time.Date(now.Year(), now.Month(), now.Day()+1, minutes/60, minutes%60, 0, 0, now.Location())
	}
	return at
}

type pausing struct {
	Choice choice
	Cut    int
}

// beforePause says how many a pause cuts, and asks once.
func (c *Console) beforePause(w http.ResponseWriter, r *http.Request) {
	for _, l := range lengths {
		if l.Value == r.URL.Query().Get("pour") {
			c.render(w, r, page{Template: "pause", Title: "Mettre en pause", Here: "/ouverture"}, pausing{l, c.Hours.Site().Bound})
			return
		}
	}
	c.problem(w, r, http.StatusBadRequest, problem{Head: "Ce temps n'existe pas.", Do: "Choisissez un temps de la page.", To: "/ouverture", Go: "Revenir"})
}

func (c *Console) pause(w http.ResponseWriter, r *http.Request, who Person) {
	d, ok := gift(r.PostForm.Get("pour"), lengths)
	if !ok {
		c.problem(w, r, http.StatusBadRequest, problem{Head: "Ce temps n'existe pas.", Do: "Choisissez un temps de la page.", To: "/ouverture", Go: "Revenir"})
		return
	}
	_, err := c.Hours.Pause(r.Context(), sessions.PauseRequest{Until: c.Clock.Wall().Time.Add(d)})
	c.onPlace(w, r, who, err, "site.pause", "pause")
}

func (c *Console) resume(w http.ResponseWriter, r *http.Request, who Person) {
	c.onPlace(w, r, who, c.Hours.Resume(r.Context()), "site.resume", "reprise")
}

func (c *Console) onPlace(w http.ResponseWriter, r *http.Request, who Person, err error, what, notice string) {
	if err != nil {
		c.refused(w, r, err)
		return
	}
	c.Staff.Record(r.Context(), who, what, "site")
	c.done(w, "/ouverture", notice)
}
