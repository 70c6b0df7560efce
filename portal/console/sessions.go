package console

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"parvis/sessions"
	"parvis/sessions/waiting"
)

// Sessions is what the console asks about the right to pass: *sessions.Manager.
type Sessions interface {
	List() []sessions.Session
	Get(id string) (sessions.Session, error)
	Profiles() []sessions.Profile
	Open(context.Context, sessions.OpenRequest) (sessions.Session, error)
	End(ctx context.Context, id string, why sessions.Reason) (sessions.Session, error)
}

// Gestures is what the desk does with one session: *sessions.Manager.
type Gestures interface {
	Adjust(ctx context.Context, id string, by time.Duration, who sessions.Opener) (sessions.Session, error)
	PastClosing(ctx context.Context, id string, d time.Duration) (sessions.Session, error)
	Message(ctx context.Context, id, text string) error
	TakeBack(context.Context, sessions.TakeBack) (sessions.Session, error)
}

func (c *Console) sessionPages(m *http.ServeMux) {
	m.HandleFunc("GET /connexions", c.connected)
	m.HandleFunc("GET /connexions/{id}", c.one)
	m.HandleFunc("GET /connexions/{id}/meme", c.same)
	m.Handle("POST /connexions/{id}/temps", c.gesture(c.adjust))
	m.Handle("POST /connexions/{id}/fermeture", c.gesture(c.pastClosing))
	m.Handle("POST /connexions/{id}/message", c.gesture(c.message))
	m.Handle("POST /connexions/{id}/meme", c.gesture(c.takeBack))
	m.Handle("POST /connexions/{id}/arreter", c.gesture(c.stop))
}

// inside returns who is in, the first opened first. Devices of the staff are nobody's business.
func (c *Console) inside() []sessions.Session {
	return slices.DeleteFunc(c.Sessions.List(), func(s sessions.Session) bool {
		return s.State != sessions.Open || s.OpenedBy == sessions.FromStaff
	})
}

type connected struct {
	Asked string
	All   int
	Lines []sessions.Session
}

// connected lists who is in, those alone whose code holds what was asked for.
func (c *Console) connected(w http.ResponseWriter, r *http.Request) {
	in := c.inside()
	d := connected{Asked: clip(r.URL.Query().Get("q"), 10), All: len(in)}
	asked := signs.Replace(strings.ToUpper(d.Asked))
	for _, s := range in {
		if strings.Contains(signs.Replace(s.Code), asked) {
			d.Lines = append(d.Lines, s)
		}
	}
	c.render(w, r, page{Template: "connected", Title: "Connectés", Live: true, Typed: true}, d)
}

// signs are what people leave out of a code.
var signs = strings.NewReplacer("-", "", " ", "")

// clip is what a person typed, trimmed and at most n bytes long.
func clip(s string, n int) string {
	if s = strings.TrimSpace(s); len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}

type one struct {
	sessions.Session
	Ends    time.Time // civil time of the end; zero: not known
	More    []choice  // time to add
	Less    []choice  // time to take
	Past    []choice  // time after closing
	Unseen  time.Duration
	Reasons string // why it ended, in words
}

var (
	more = []choice{{"15m", "+ 15" + space + "min", "15 minutes"}, {"30m", "+ 30" + space + "min", "30 minutes"}, {"1h", "+ 1" + space + "h", "1 heure"}}
	less = []choice{{"-15m", "− 15" + space + "min", "15 minutes"}, {"-30m", "− 30" + space + "min", "30 minutes"}}
	past = []choice{{"15m", "15" + space + "min", "15 minutes"}, {"30m", "30" + space + "min", "30 minutes"}, {"1h", "1" + space + "h", "1 heure"}}
)

// pastOffered is how long before the place's closing the desk is offered to let somebody go on after it: earlier nobody knows
// who will still be here, and the time until then would be given along with it.
const pastOffered = 2 * time.Hour

var reasons = map[sessions.Reason]string{
	sessions.ByTime:     "Son temps est fini.",
	sessions.ByIdle:     "L'appareil ne s'en servait plus.",
	sessions.ByVolume:   "Le volume permis est utilisé.",
	sessions.ByResident: "La personne l'a arrêtée.",
	sessions.ByOperator: "L'accueil l'a arrêtée.",
	sessions.ByClosing:  "Le lieu a fermé.",
	sessions.ByReplaced: "Un autre appareil a pris cette adresse.",
	sessions.ByDay:      "Le temps permis dans la journée est utilisé.",
	sessions.ByPause:    "Le Wi-Fi est en pause.",
	sessions.ByMoved:    "L'appareil a repris une autre connexion.",
	sessions.ByWorkshop: "L'atelier est fini.",
}

func (c *Console) one(w http.ResponseWriter, r *http.Request) {
	s, err := c.Sessions.Get(r.PathValue("id"))
	if err != nil {
		c.refused(w, r, err)
		return
	}
	d := one{Session: s, More: more, Reasons: reasons[s.Reason]}
	now := c.Clock.Boot()
	if wall := c.Clock.Wall(); s.State == sessions.Open && known(wall) {
		d.Ends = wall.Time.Add(s.End.Sub(now))
	}
	for _, l := range less {
		if by, _ := time.ParseDuration(l.Value); s.Left > -by { // what would end it is the button that says so
			d.Less = append(d.Less, l)
		}
	}
	if s.Past || s.Closing && c.Hours.Site().Closes.Sub(now) <= pastOffered {
		d.Past = past
	}
	if s.Message != nil && !s.Message.Seen {
		d.Unseen = now.Sub(s.Message.At)
	}
	c.render(w, r, page{Template: "one", Title: "Connexion " + s.Code, Here: "/connexions", Live: true, Typed: true}, d)
}

// same lists the waiting devices: one of them is the one that has changed its address.
func (c *Console) same(w http.ResponseWriter, r *http.Request) {
	s, err := c.Sessions.Get(r.PathValue("id"))
	if err != nil {
		c.refused(w, r, err)
		return
	}
	q := c.queue(r, "")
	c.render(w, r, page{Template: "same", Title: "Le même appareil", Here: "/connexions"}, struct {
		sessions.Session
		Lines []waiter
	}{s, append(q.Lines, q.Pageless...)})
}

// on answers a gesture on one session.
func (c *Console) on(w http.ResponseWriter, r *http.Request, who Person, err error, what, notice string) {
	id := r.PathValue("id")
	if err != nil {
		c.refused(w, r, err)
		return
	}
	c.Staff.Record(r.Context(), who, what, id)
	c.done(w, "/connexions/"+id, notice)
}

// gift is the time of a button among those of all, in either direction.
func gift(value string, all ...[]choice) (time.Duration, bool) {
	for _, list := range all {
		if slices.ContainsFunc(list, func(o choice) bool { return o.Value == value }) {
			d, err := time.ParseDuration(value)
			return d, err == nil
		}
	}
	return 0, false
}

var notATime = problem{Head: "Ce temps n'existe pas.", Do: "Choisissez un temps de la page.", To: "/connexions", Go: "Voir qui est connecté"}

func (c *Console) adjust(w http.ResponseWriter, r *http.Request, who Person) {
	by, ok := gift(r.PostForm.Get("temps"), more, less)
	if !ok {
		c.problem(w, r, http.StatusBadRequest, notATime)
		return
	}
	what, notice := "session.extend", "ajoute"
	if by < 0 {
		what, notice = "session.shorten", "enleve"
	}
	_, err := c.Gestures.Adjust(r.Context(), r.PathValue("id"), by, sessions.FromDesk)
	c.on(w, r, who, err, what, notice)
}

func (c *Console) pastClosing(w http.ResponseWriter, r *http.Request, who Person) {
	d, ok := gift(r.PostForm.Get("temps"), past)
	if !ok {
		c.problem(w, r, http.StatusBadRequest, notATime)
		return
	}
	_, err := c.Gestures.PastClosing(r.Context(), r.PathValue("id"), d)
	c.on(w, r, who, err, "session.past-closing", "apres")
}

// oneLine is what was typed, as one line: a field on a phone may hold several.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (c *Console) message(w http.ResponseWriter, r *http.Request, who Person) {
	text := oneLine(r.PostForm.Get("texte"))
	if text == "" {
		c.problem(w, r, http.StatusBadRequest, problem{
			Head: "Le message est vide.", Do: "Écrivez le message, puis envoyez-le.",
			To: "/connexions/" + r.PathValue("id"), Go: "Écrire le message",
		})
		return
	}
	err := c.Gestures.Message(r.Context(), r.PathValue("id"), text)
	c.on(w, r, who, err, "session.message", "message")
}

// takeBack is "C'est le même appareil": the session goes on, on the device that waits with this code.
func (c *Console) takeBack(w http.ResponseWriter, r *http.Request, who Person) {
	code := r.PostForm.Get("code")
	entries := c.Waiting.Entries()
	i := slices.IndexFunc(entries, func(e waiting.Entry) bool { return e.Code == code && code != "" })
	if i < 0 {
		c.problem(w, r, http.StatusConflict, problem{
			Head: "Cet appareil n'attend plus.", Do: "Regardez le code sur son écran, puis recommencez.",
			To: "/connexions/" + r.PathValue("id") + "/meme", Go: "Choisir l'appareil",
		})
		return
	}
	_, err := c.Gestures.TakeBack(r.Context(), sessions.TakeBack{Device: entries[i].Device, ID: r.PathValue("id"), By: sessions.FromDesk})
	c.on(w, r, who, err, "session.move", "repris")
}

func (c *Console) stop(w http.ResponseWriter, r *http.Request, who Person) {
	_, err := c.Sessions.End(r.Context(), r.PathValue("id"), sessions.ByOperator)
	c.on(w, r, who, err, "session.end", "arrete")
}
