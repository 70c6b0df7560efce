package console

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"parvis/kiosk"
	"parvis/kiosk/catalogue"
)

// stillUsed reports whether somebody sits at a terminal in this state, or nobody knows it.
func stillUsed(s kiosk.State) bool {
	return s == kiosk.Open || s == kiosk.Ending || s == kiosk.Newcomer
}

// didPost answers a gesture on one terminal.
func (c *Console) didPost(w http.ResponseWriter, r *http.Request, who Person, err error, what, notice string) {
	id := r.PathValue("id")
	if err != nil {
		c.refusedPost(w, r, err)
		return
	}
	c.Staff.Record(r.Context(), who, what, id)
	to := "/postes/" + id
	if r.PostForm.Get("retour") == "/postes" {
		to = "/postes"
	}
	c.done(w, to, notice)
}

// refusedPost says why a gesture on a terminal was not done, and leads back to it.
func (c *Console) refusedPost(w http.ResponseWriter, r *http.Request, err error) {
	p, status := why(err)
	if status == http.StatusInternalServerError {
		c.Log.Error("console: a gesture failed", "route", r.Pattern, "error", err)
	}
	if p.To == "" || p.To == "/connexions" {
		p.To, p.Go = "/postes/"+r.PathValue("id"), "Revenir au poste"
		if errors.Is(err, kiosk.ErrNotFound) {
			p.To, p.Go = "/postes", "Voir les postes"
		}
	}
	c.problem(w, r, status, p)
}

func (c *Console) openPost(w http.ResponseWriter, r *http.Request, who Person) {
	o := kiosk.Opening{Mail: r.PostForm.Get("messagerie") != "", Phone: clip(r.PostForm.Get("telephone"), 10)}
	d, ok := gift(r.PostForm.Get("pour"), c.offers())
	if !ok {
		p := notATime
		p.To, p.Go = "/postes", "Voir les postes"
		c.problem(w, r, http.StatusBadRequest, p)
		return
	}
	o.For = d
	if r.PostForm.Get("choix") == "seulement" {
		o.Bundles = c.picked(r)
	}
	s, err := c.Terminals.Posts.Open(r.Context(), r.PathValue("id"), o)
	if s.ID != "" && errors.Is(err, kiosk.ErrPhone) { // the post is open all the same
		c.didPost(w, r, who, nil, "terminal.open", "poste-sans-telephone")
		return
	}
	c.didPost(w, r, who, err, "terminal.open", "poste-ouvert")
}

// picked is the bundles that were chosen, of those that there are.
func (c *Console) picked(r *http.Request) []string {
	all := []string{}
	for _, b := range c.Catalogue().Bundles() {
		if slices.Contains(r.PostForm["lot"], b.ID) {
			all = append(all, b.ID)
		}
	}
	return all
}

func (c *Console) extendPost(w http.ResponseWriter, r *http.Request, who Person) {
	by, ok := gift(r.PostForm.Get("temps"), more, less)
	if !ok {
		c.problem(w, r, http.StatusBadRequest, notATime)
		return
	}
	what, notice := "terminal.extend", "ajoute"
	if by < 0 {
		what, notice = "terminal.shorten", "enleve"
	}
	_, err := c.Terminals.Posts.Extend(r.Context(), r.PathValue("id"), by)
	c.didPost(w, r, who, err, what, notice)
}

func (c *Console) gracePost(w http.ResponseWriter, r *http.Request, who Person) {
	_, err := c.Terminals.Posts.Grace(r.Context(), r.PathValue("id"))
	c.didPost(w, r, who, err, "terminal.grace", "ajoute")
}

func (c *Console) endPost(w http.ResponseWriter, r *http.Request, who Person) {
	c.didPost(w, r, who, c.Terminals.Posts.End(r.Context(), r.PathValue("id")), "terminal.end", "poste-fini")
}

func (c *Console) messagePost(w http.ResponseWriter, r *http.Request, who Person) {
	text := oneLine(r.PostForm.Get("texte"))
	if text == "" {
		c.problem(w, r, http.StatusBadRequest, problem{
			Head: "Le message est vide.", Do: "Écrivez le message, puis envoyez-le.", To: "/postes/" + r.PathValue("id"), Go: "Écrire le message",
		})
		return
	}
	c.didPost(w, r, who, c.Terminals.Posts.Message(r.Context(), r.PathValue("id"), text), "terminal.message", "message")
}

// changePost changes what is open for who sits there: the mailboxes, or the bundles.
func (c *Console) changePost(w http.ResponseWriter, r *http.Request, who Person) {
	id := r.PathValue("id")
	use, err := c.Terminals.Posts.Use(id)
	if err != nil {
		c.refusedPost(w, r, err)
		return
	}
	bundles, mail := use.Bundles, use.Mail
	switch r.PostForm.Get("choix") {
	case "messagerie":
		mail = true
	case "sans-messagerie":
		mail = false
	case "tout":
		bundles = []string{catalogue.All}
	case "seulement":
		bundles = c.picked(r)
	}
	c.didPost(w, r, who, c.Terminals.Posts.SetBundles(r.Context(), id, bundles, mail), "terminal.services", "poste-services")
}

// namePost opens a name that the person has shown, or keeps it for the catalogue. No other name can be opened here.
func (c *Console) namePost(w http.ResponseWriter, r *http.Request, who Person) {
	id, host := r.PathValue("id"), r.PostForm.Get("nom")
	use, err := c.Terminals.Posts.Use(id)
	if err == nil && !slices.Contains(use.Shown, host) {
		err = kiosk.ErrName
	}
	switch {
	case err != nil:
		c.refusedPost(w, r, err)
	case r.PostForm.Get("geste") == "proposer":
		c.didPost(w, r, who, c.Terminals.Posts.Propose(r.Context(), id, host), "terminal.propose", "poste-propose")
	default:
		c.didPost(w, r, who, c.Terminals.Posts.AddName(r.Context(), id, host), "terminal.name", "poste-nom")
	}
}

func (c *Console) restartPost(w http.ResponseWriter, r *http.Request, who Person) {
	c.didPost(w, r, who, c.Terminals.Posts.Restart(r.PathValue("id")), "terminal.restart", "poste-redemarre")
}

// keeper refuses gestures on the registry to who may not make them.
func (c *Console) keeper(w http.ResponseWriter, r *http.Request) bool {
	if c.keepsPosts(r) {
		return true
	}
	c.problem(w, r, http.StatusForbidden, problem{
		Head: "Votre rôle ne permet pas ce geste.", Do: "Demandez au service informatique.", To: "/postes", Go: "Voir les postes",
	})
	return false
}

// adoptPost is the one gesture that makes a machine one of the place's posts: it gets the next number, and can be described later.
func (c *Console) adoptPost(w http.ResponseWriter, r *http.Request, who Person) {
	if !c.keeper(w, r) {
		return
	}
	t, err := c.Terminals.Posts.Terminal(r.PathValue("id"))
	if err == nil && t.Adopted {
		c.done(w, "/postes/"+t.ID, "poste-ajoute") // a finger that tapped twice
		return
	}
	if err == nil {
		t, err = c.Terminals.Posts.Adopt(r.Context(), t.MAC, kiosk.Details{PCID: t.PCID, Renderer: kiosk.Porteus, USB: c.Terminals.USB})
	}
	if err != nil {
		c.refusedPost(w, r, err)
		return
	}
	c.Staff.Record(r.Context(), who, "terminal.adopt", t.ID)
	c.done(w, "/postes/"+t.ID, "poste-ajoute")
}

func (c *Console) describePost(w http.ResponseWriter, r *http.Request, who Person) {
	if !c.keeper(w, r) {
		return
	}
	f := r.PostForm
	_, err := c.Terminals.Posts.Change(r.Context(), r.PathValue("id"), kiosk.Details{
		Name: oneLine(f.Get("nom")), Place: oneLine(f.Get("lieu")), PCID: oneLine(f.Get("pcid")), Renderer: f.Get("systeme"),
		Prints: f.Get("imprime") != "", USB: f.Get("usb") != "",
	})
	c.didPost(w, r, who, err, "terminal.change", "poste-fiche")
}

func (c *Console) removePost(w http.ResponseWriter, r *http.Request, who Person) {
	if !c.keeper(w, r) {
		return
	}
	id := r.PathValue("id")
	if err := c.Terminals.Posts.Remove(r.Context(), id); err != nil {
		c.refusedPost(w, r, err)
		return
	}
	c.Staff.Record(r.Context(), who, "terminal.remove", id)
	c.done(w, "/postes", "poste-retire")
}

// readyPosts says how many posts are ready, for the first page; "" where the place has none.
func (c *Console) readyPosts() string {
	if c.Terminals == nil {
		return ""
	}
	free, all := 0, 0
	for _, t := range c.Terminals.Posts.Terminals() {
		if t.Adopted {
			all++
			if t.State == kiosk.Locked {
				free++
			}
		}
	}
	if all == 0 {
		return ""
	}
	return strconv.Itoa(free) + " sur " + count(all, "poste prêt", "postes prêts")
}
