package console

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"parvis/internal/clock"
	"parvis/portal/paper"
	"parvis/sessions"
)

// Workshops is what the console asks about groups that start and end together.
type Workshops interface {
	Workshops() []sessions.Workshop
	Workshop(id string) (sessions.Workshop, error)
	MakeWorkshop(context.Context, sessions.WorkshopRequest) (sessions.Workshop, error)
	StartWorkshop(ctx context.Context, id string) (sessions.Workshop, error)
	ProlongWorkshop(ctx context.Context, id string, by time.Duration) (sessions.Workshop, error)
	EndWorkshop(ctx context.Context, id string) (sessions.Workshop, error)
	CountHeads(ctx context.Context, id string, n int) (sessions.Workshop, error)
}

// prolongBy is one press of the button.
const prolongBy = 15 * time.Minute

// workshopPages needs Parts.Workshops and Parts.Place.
func (c *Console) workshopPages(m *http.ServeMux) {
	if c.Workshops == nil || c.Place == nil {
		return
	}
	m.HandleFunc("GET /ateliers", c.workshops)
	m.HandleFunc("GET /ateliers/nouveau", c.newWorkshop)
	m.Handle("POST /ateliers/nouveau", c.gesture(c.makeWorkshop))
	m.HandleFunc("GET /ateliers/{id}", c.workshop)
	m.Handle("GET /ateliers/{id}/ecran", c.entered(c.roomScreen))
	m.HandleFunc("GET /ateliers/{id}/terminer", c.askEnd)
	m.Handle("POST /ateliers/{id}/refaire", c.gesture(c.again))
	m.Handle("POST /ateliers/{id}/compter", c.gesture(c.countHeads))
	for path, g := range map[string]struct {
		do           func(context.Context, string) (sessions.Workshop, error)
		what, notice string
	}{
		"demarrer":  {c.Workshops.StartWorkshop, "workshop.start", "atelier-commence"},
		"prolonger": {c.prolong, "workshop.prolong", "atelier-prolonge"},
		"terminer":  {c.Workshops.EndWorkshop, "workshop.end", "atelier-fini"},
	} {
		m.Handle("POST /ateliers/{id}/"+path, c.gesture(func(w http.ResponseWriter, r *http.Request, who Person) {
			id := r.PathValue("id")
			_, err := g.do(r.Context(), id)
			c.workshopDone(w, r, who, err, g.what, id, g.notice)
		}))
	}
}

func (c *Console) prolong(ctx context.Context, id string) (sessions.Workshop, error) {
	return c.Workshops.ProlongWorkshop(ctx, id, prolongBy)
}

// workshopDone ends a gesture on a workshop.
func (c *Console) workshopDone(w http.ResponseWriter, r *http.Request, who Person, err error, what, id, notice string) {
	switch {
	case errors.Is(err, sessions.ErrNotFound):
		c.noWorkshop(w, r)
	case errors.Is(err, sessions.ErrWorkshopState):
		c.problem(w, r, http.StatusConflict, problem{
			Head: "Ce n'est plus possible pour cet atelier.", Do: "Il a changé pendant ce temps. Regardez-le encore.", To: "/ateliers/" + id, Go: "Voir l'atelier",
		})
	case err != nil:
		c.refused(w, r, err)
	default:
		c.Staff.Record(r.Context(), who, what, id)
		c.done(w, "/ateliers/"+id, notice)
	}
}

func (c *Console) noWorkshop(w http.ResponseWriter, r *http.Request) {
	c.problem(w, r, http.StatusNotFound, problem{
		Head: "Cet atelier n'existe plus.", Do: "Choisissez dans la liste.", To: "/ateliers", Go: "Voir les ateliers",
	})
}

// group is a workshop as pages show it.
type group struct {
	sessions.Workshop
	Name, Rules, When string
	In                int // devices that are in now
	Within            []sessions.Session
}

func (c *Console) group(w sessions.Workshop) group {
	g := group{Workshop: w, Name: w.Title, Rules: c.rules(w.Profile).Label + ", " + count(w.Places, "place", "places") + ", " + span(w.Length)}
	if g.Name == "" {
		g.Name = "Atelier"
	}
	for _, s := range c.Sessions.List() {
		if s.State == sessions.Open && s.Workshop == w.ID {
			g.In++
			g.Within = append(g.Within, s)
		}
	}
	switch {
	case w.State == sessions.Running && !known(c.Clock.Wall()):
		g.When = "En cours"
	case w.State == sessions.Running:
		g.When = "Finit à " + c.hour(w.End)
	case w.Start.IsZero():
		g.When = "Commence quand vous le démarrez"
	case w.State == sessions.Planned:
		g.When = c.day(w.Start) + " à " + c.hour(w.Start)
	default:
		g.When = c.day(w.Start) + ", de " + c.hour(w.Start) + " à " + c.hour(w.End)
	}
	return g
}

func (c *Console) workshops(w http.ResponseWriter, r *http.Request) {
	var list struct{ Now, Coming, Past []group }
	for _, one := range c.Workshops.Workshops() {
		g := c.group(one)
		switch one.State {
		case sessions.Running:
			list.Now = append(list.Now, g)
		case sessions.Planned:
			list.Coming = append([]group{g}, list.Coming...) // the next one first
		default:
			if len(list.Past) < 20 {
				list.Past = append(list.Past, g)
			}
		}
	}
	c.render(w, r, page{Template: "workshops", Title: "Ateliers", Live: true}, list)
}

// findWorkshop returns the workshop of the path, or answers that there is none.
func (c *Console) findWorkshop(w http.ResponseWriter, r *http.Request) (group, bool) {
	one, err := c.Workshops.Workshop(r.PathValue("id"))
	if err != nil {
		c.noWorkshop(w, r)
		return group{}, false
	}
	return c.group(one), true
}

func (c *Console) workshop(w http.ResponseWriter, r *http.Request) {
	if g, ok := c.findWorkshop(w, r); ok {
		c.render(w, r, page{Template: "workshop", Title: g.Name + ", atelier", Here: "/ateliers", Live: g.State != sessions.Over}, g)
	}
}

func (c *Console) askEnd(w http.ResponseWriter, r *http.Request) {
	if g, ok := c.findWorkshop(w, r); ok {
		c.render(w, r, page{Template: "endworkshop", Title: "Terminer un atelier", Here: "/ateliers"}, g)
	}
}

func (c *Console) again(w http.ResponseWriter, r *http.Request, who Person) {
	one, err := c.Workshops.MakeWorkshop(r.Context(), sessions.WorkshopRequest{Again: r.PathValue("id")})
	c.workshopMade(w, r, who, one, err)
}

func (c *Console) workshopMade(w http.ResponseWriter, r *http.Request, who Person, one sessions.Workshop, err error) {
	switch {
	case errors.Is(err, sessions.ErrReserve):
		c.problem(w, r, http.StatusConflict, problem{
			Head: "Ces ateliers prendraient plus de la moitié de la ligne.", Do: "Réservez moins d'internet, ou changez l'heure.", To: "/ateliers/nouveau", Go: "Recommencer",
		})
	case errors.Is(err, sessions.ErrInvalid):
		c.problem(w, r, http.StatusConflict, problem{
			Head: "Cet atelier ne peut pas être créé.", Do: "Regardez le nombre de places et la durée.", To: "/ateliers/nouveau", Go: "Recommencer",
		})
	default:
		c.workshopDone(w, r, who, err, "workshop.make", one.ID, "atelier-fait")
	}
}

func (c *Console) countHeads(w http.ResponseWriter, r *http.Request, who Person) {
	id := r.PathValue("id")
	f := form{r.PostForm, map[string]string{}}
	n := f.number("personnes", -1, 0, headsMost)
	if len(f.Wrong) > 0 || n < 0 {
		c.problem(w, r, http.StatusUnprocessableEntity, problem{
			Head: "Le nombre de personnes n'est pas noté.", Do: "Tapez un nombre de 0 à " + strconv.Itoa(headsMost) + ".", To: "/ateliers/" + id, Go: "Revenir à l'atelier",
		})
		return
	}
	_, err := c.Workshops.CountHeads(r.Context(), id, n)
	c.workshopDone(w, r, who, err, "workshop.count", id, "atelier-compte")
}

// Bounds of what is typed; those of the workshop itself are the manager's.
const (
	placesMost = 100
	headsMost  = 1000
)

var (
	workshopTimes = []option{{"30", "30 min"}, {"60", "1 h"}, {"90", "1 h 30"}, {"120", "2 h"}, {"180", "3 h"}, {"240", "4 h"}}
	reserves      = []option{{"", "Non"}, {"5", "5 Mbit/s pour tout l'atelier"}, {"10", "10 Mbit/s"}, {"20", "20 Mbit/s"}, {"50", "50 Mbit/s"}, {"100", "100 Mbit/s"}}
)

type newWorkshop struct {
	Form            form
	Profiles        []sessions.Profile
	Times, Reserves []option
}

func (c *Console) newWorkshop(w http.ResponseWriter, r *http.Request) {
	c.askWorkshop(w, r, 0, form{url.Values{"profil": {c.profile()}, "places": {"12"}, "duree": {"120"}}, nil})
}

func (c *Console) askWorkshop(w http.ResponseWriter, r *http.Request, status int, f form) {
	c.render(w, r, page{Template: "newworkshop", Title: "Nouvel atelier", Here: "/ateliers", Status: status},
		newWorkshop{f, c.Sessions.Profiles(), workshopTimes, reserves})
}

func (c *Console) makeWorkshop(w http.ResponseWriter, r *http.Request, who Person) {
	f := form{r.PostForm, map[string]string{}}
	req := sessions.WorkshopRequest{
		Title: f.text("nom", labelMost), Profile: f.profile("profil", c.Sessions.Profiles()), Places: f.number("places", 12, 1, placesMost),
		Length: f.minutes("duree"), Reserve: uint64(max(f.number("debit", 0, 1, 1000), 0)) * 1_000_000,
	}
	if req.Length == 0 {
		f.wrong("duree", "Choisissez une durée.")
	}
	if day := f.day("jour", c.cfg.Location); !day.IsZero() || f.Get("heure") != "" {
		clockTime, err := time.Parse("15:04", f.Get("heure"))
		switch {
		case day.IsZero():
			f.wrong("jour", "Choisissez le jour.")
		case err != nil:
			f.wrong("heure", "Tapez l'heure, par exemple 14:00.")
		default:
			req.Start = time.Date(day.Year(), day.Month(), day.Day(), clockTime.Hour(), clockTime.Minute(), 0, 0, c.cfg.Location)
			if wall := c.Clock.Wall(); wall.Quality == clock.Synchronised && req.Start.Before(wall.Time.Add(-time.Minute)) {
				f.wrong("jour", "Ce moment est passé. Choisissez-en un plus tard.")
			}
		}
	}
	if len(f.Wrong) > 0 {
		c.askWorkshop(w, r, http.StatusUnprocessableEntity, f)
		return
	}
	one, err := c.Workshops.MakeWorkshop(r.Context(), req)
	c.workshopMade(w, r, who, one, err)
}

// room is what the screen of a workshop's room shows. Who is in is shown by drawing alone: with the code beside it anybody in
// the room could take the connection for their own.
type room struct {
	Group      group
	WiFi       string
	WiFiQR, QR template.HTML
	Portal     string
}

func (c *Console) roomScreen(w http.ResponseWriter, r *http.Request) {
	g, ok := c.findWorkshop(w, r)
	if !ok {
		return
	}
	place, ok := c.place(w, r)
	if !ok {
		return
	}
	show := room{Group: g, WiFi: place.WiFi.Name, Portal: place.Portal}
	var err error
	if g.Code != "" {
		show.QR, err = paper.QR(place.Address(g.Code), "Carré 2 : ouvrir internet")
	}
	if err == nil && show.WiFi != "" {
		show.WiFiQR, err = paper.QR(place.WiFi.URI(), "Carré 1 : entrer dans le Wi-Fi")
	}
	if err != nil {
		c.refused(w, r, err)
		return
	}
	c.render(w, r, page{Template: "room", Title: "Écran de salle, " + g.Name, Here: "/ateliers", Live: true, Bare: true}, show)
}
