package console

import (
	"net/http"
	"slices"

	"parvis/kiosk"
	numbers "parvis/kiosk/queue"
)

// seated is a number that has sat down at a terminal that was opened by the same gesture, so that both are taken back together.
type seated struct {
	seq     uint64 // the queue's
	post    string // id of the terminal
	session string
}

// readyPost is the terminal with this name, when it can be opened for the next person.
func (c *Console) readyPost(name string) (kiosk.Terminal, bool) {
	if c.Terminals == nil || name == "" {
		return kiosk.Terminal{}, false
	}
	for _, t := range c.Terminals.Posts.Terminals() {
		if t.Adopted && t.Name == name {
			return t, t.State == kiosk.Locked
		}
	}
	return kiosk.Terminal{}, false
}

// seatNumber opens the terminal that a number was called to, for the main offer, and takes the number out of the queue. The terminal
// comes first: where it cannot be opened, its person still has a number.
func (c *Console) seatNumber(w http.ResponseWriter, r *http.Request, who Person) {
	label := r.PathValue("numero")
	called := c.Queue.View().Called
	i := slices.IndexFunc(called, func(t numbers.Ticket) bool { return t.Label() == label })
	if i < 0 {
		c.numberDone(w, r, who, numbers.ErrNumber, "", label, "/file", "")
		return
	}
	t, ready := c.readyPost(called[i].Post)
	if !ready {
		c.problem(w, r, http.StatusConflict, problem{
			Head: "Ce poste n'est pas prêt.", Do: "Regardez les postes. Ou appelez ce numéro à un autre poste.", To: "/file", Go: "Revenir à la file",
		})
		return
	}
	d, _ := gift(c.offers()[0].Value, c.offers())
	s, err := c.Terminals.Posts.Open(r.Context(), t.ID, kiosk.Opening{For: d})
	if err != nil {
		r.SetPathValue("id", t.ID)
		c.refusedPost(w, r, err)
		return
	}
	c.Staff.Record(r.Context(), who, "terminal.open", t.ID)
	if err := c.Queue.Served(label); err != nil { // somebody else was quicker: the terminal is not this number's any more
		if ended := c.Terminals.Posts.End(r.Context(), t.ID); ended != nil {
			c.Log.Error("console: a terminal stays open without its number", "terminal", t.ID, "error", ended)
		} else {
			c.Staff.Record(r.Context(), who, "terminal.end", t.ID)
		}
		c.numberDone(w, r, who, err, "", label, "/file", "")
		return
	}
	if undo := c.Queue.View().Undo; undo != nil && undo.What == "served" && undo.Label == label {
		c.mu.Lock()
		c.seated = seated{undo.Seq, t.ID, s.ID}
		c.mu.Unlock()
	}
	c.numberDone(w, r, who, nil, "queue.served", label, "/file", "file-ouvert")
}

// unseat closes the terminal that was opened by the gesture that is taken back, while it still is its session; it returns the notice
// to show.
func (c *Console) unseat(r *http.Request, who Person, seq uint64, notice string) string {
	c.mu.Lock()
	last := c.seated
	if last.seq == seq {
		c.seated = seated{}
	}
	c.mu.Unlock()
	if last.seq != seq || last.post == "" {
		return notice
	}
	use, err := c.Terminals.Posts.Use(last.post)
	if err != nil || !use.Session.Open || use.Session.ID != last.session {
		return notice // it is somebody else's, or nobody's
	}
	if err := c.Terminals.Posts.End(r.Context(), last.post); err != nil {
		c.Log.Error("console: a terminal is not closed by taking its opening back", "terminal", last.post, "error", err)
		return "file-reste"
	}
	c.Staff.Record(r.Context(), who, "terminal.end", last.post)
	return "file-ferme"
}
