package console

import (
	"errors"
	"net/http"
	"time"

	"parvis/internal/clock"
	"parvis/sessions/waiting"
)

// Calls is who asks for help: *waiting.Calls.
type Calls interface {
	Open() []waiting.Call
	Coming(id string) error
	Done(id string) error
}

func (c *Console) callPages(m *http.ServeMux) {
	m.HandleFunc("GET /demandes", c.calls)
	m.Handle("POST /demandes/{id}/viens", c.gesture(c.coming))
	m.Handle("POST /demandes/{id}/fini", c.gesture(c.answered))
}

// call is a line of the open calls.
type call struct {
	waiting.Call
	now clock.Boot
}

// Waited is how long the person has been waiting for an answer.
func (c call) Waited() time.Duration { return c.now.Sub(c.Since) }

func (c *Console) openCalls() []call {
	var all []call
	now := c.Clock.Boot()
	for _, o := range c.Calls.Open() {
		all = append(all, call{o, now})
	}
	return all
}

func (c *Console) calls(w http.ResponseWriter, r *http.Request) {
	c.render(w, r, page{Template: "calls", Title: "Demandes d'aide", Live: true}, c.openCalls())
}

func (c *Console) coming(w http.ResponseWriter, r *http.Request, who Person) {
	c.answer(w, r, who, c.Calls.Coming(r.PathValue("id")), "call.coming", "viens")
}

func (c *Console) answered(w http.ResponseWriter, r *http.Request, who Person) {
	c.answer(w, r, who, c.Calls.Done(r.PathValue("id")), "call.done", "aide")
}

func (c *Console) answer(w http.ResponseWriter, r *http.Request, who Person, err error, what, notice string) {
	switch {
	case errors.Is(err, waiting.ErrNoCall):
		c.problem(w, r, http.StatusNotFound, problem{
			Head: "Cette demande est déjà terminée.", Do: "Une autre personne s'en est peut-être occupée.", To: "/demandes", Go: "Voir les demandes",
		})
		return
	case err != nil:
		c.refused(w, r, err)
		return
	}
	c.Staff.Record(r.Context(), who, what, r.PathValue("id"))
	c.done(w, "/demandes", notice)
}
