package console

import (
	"context"
	"net/http"
	"slices"
	"time"

	"parvis/internal/mac"
	"parvis/kiosk"
	"parvis/kiosk/catalogue"
	"parvis/portal/staff"
)

// Terminals is what the pages about fixed posts (postes) work with.
type Terminals struct {
	Posts    Posts
	Offers   []time.Duration // that the desk gives by one tap; the first one is the main one
	Restarts bool            // posts ask whether to restart their browser
	USB      bool            // keys can be used on a post that is added, until something else is said of it
}

// Posts is the terminals of the place: *kiosk.Posts.
type Posts interface {
	Terminals() []kiosk.Terminal
	Terminal(id string) (kiosk.Terminal, error)
	Use(id string) (kiosk.Use, error)
	Registry
	PostGestures
}

// Registry is which terminals there are.
type Registry interface {
	Adopt(context.Context, mac.Addr, kiosk.Details) (kiosk.Terminal, error)
	Change(ctx context.Context, id string, d kiosk.Details) (kiosk.Terminal, error)
	Remove(ctx context.Context, id string) error
}

// PostGestures is what the desk does with one terminal.
type PostGestures interface {
	Open(ctx context.Context, id string, o kiosk.Opening) (kiosk.Session, error)
	Extend(ctx context.Context, id string, by time.Duration) (kiosk.Session, error)
	Grace(ctx context.Context, id string) (kiosk.Session, error)
	End(ctx context.Context, id string) error
	Message(ctx context.Context, id, text string) error
	SetBundles(ctx context.Context, id string, bundles []string, mail bool) error
	AddName(ctx context.Context, id, host string) error
	Propose(ctx context.Context, id, host string) error
	Restart(id string) error
}

// postPages are C11 and C12. They need Parts.Terminals and Parts.Catalogue.
func (c *Console) postPages(m *http.ServeMux) {
	if c.Terminals == nil || c.Catalogue == nil {
		return
	}
	m.HandleFunc("GET /postes", c.posts)
	m.HandleFunc("GET /postes/{id}", c.post)
	for path, gesture := range map[string]func(http.ResponseWriter, *http.Request, Person){
		"ouvrir": c.openPost, "temps": c.extendPost, "delai": c.gracePost, "fin": c.endPost, "message": c.messagePost,
		"services": c.changePost, "nom": c.namePost, "redemarrer": c.restartPost,
		"ajouter": c.adoptPost, "fiche": c.describePost, "retirer": c.removePost,
	} {
		m.Handle("POST /postes/{id}/"+path, c.gesture(gesture))
	}
}

// card is one terminal as a page shows it.
type card struct {
	kiosk.Terminal
	Use    kiosk.Use
	Words  string // what it does
	Do     string // what to do about it; "" nothing
	Open   bool
	Free   bool
	Call   *call
	Offers []choice
	Main   string // value of the main offer
	Self   bool   // the reader may add it, describe it and take it away
	Silent time.Duration
}

// stateWords are what a terminal does, and what to do about it.
var stateWords = map[kiosk.State][2]string{
	kiosk.Newcomer: {"Nouveau", "Une personne du service informatique doit l'ajouter."},
	kiosk.Locked:   {"Prêt", ""},
	kiosk.Open:     {"Ouvert", ""},
	kiosk.Ending:   {"Bientôt fini", ""},
	kiosk.Cleaning: {"Nettoyage", "Attendez un peu. Le navigateur doit redémarrer."},
	kiosk.Waiting:  {"Redémarrage attendu", "Sur le poste, fermez le navigateur : touchez la croix, en haut."},
	kiosk.Silent:   {"Ne répond pas", "Regardez s'il est allumé et branché."},
}

func (c *Console) card(t kiosk.Terminal, r *http.Request) card {
	d := card{Terminal: t, Offers: c.offers(), Self: c.keepsPosts(r)}
	d.Main = d.Offers[0].Value
	d.Words, d.Do = stateWords[t.State][0], stateWords[t.State][1]
	d.Open = t.State == kiosk.Open || t.State == kiosk.Ending
	d.Free = t.State == kiosk.Locked || t.State == kiosk.Silent
	if use, err := c.Terminals.Posts.Use(t.ID); err == nil {
		d.Use = use
	}
	for _, o := range c.openCalls() {
		if o.Post == t.Name && t.Name != "" {
			d.Call = &o
		}
	}
	return d
}

// keepsPosts reports whether who reads may say which posts there are.
func (c *Console) keepsPosts(r *http.Request) bool {
	who, ok := c.Staff.Who(r)
	return ok && staff.Role(who.Role).May(staff.ManageAll)
}

// offers are the times that the desk gives by one tap.
func (c *Console) offers() (all []choice) {
	for _, d := range c.Terminals.Offers {
		all = append(all, choice{Value: d.String(), Text: span(d), Say: span(d)})
	}
	if len(all) == 0 {
		all = []choice{{"30m0s", span(30 * time.Minute), span(30 * time.Minute)}}
	}
	return all
}

type postsPage struct {
	Posts, New []card
	Calls      []call
	Free       int
}

func (c *Console) posts(w http.ResponseWriter, r *http.Request) {
	d := postsPage{Calls: slices.DeleteFunc(c.openCalls(), func(o call) bool { return o.Post == "" })}
	for _, t := range c.Terminals.Posts.Terminals() {
		one := c.card(t, r)
		switch {
		case !t.Adopted:
			d.New = append(d.New, one)
		default:
			d.Posts = append(d.Posts, one)
			if t.State == kiosk.Locked {
				d.Free++
			}
		}
	}
	c.render(w, r, page{Template: "posts", Title: "Postes", Live: true}, d)
}

type postPage struct {
	card
	Ends    time.Time // civil time of the end; zero: not known
	More    []choice
	Less    []choice
	Phones  []waiter
	Bundles []pickable
	Restart bool
}

// pickable is a bundle that can be opened alone.
type pickable struct {
	catalogue.Bundle
	On     bool
	Trials []service // its services, and when they were tried from here
}

func (c *Console) post(w http.ResponseWriter, r *http.Request) {
	t, err := c.Terminals.Posts.Terminal(r.PathValue("id"))
	if err != nil {
		c.refused(w, r, err)
		return
	}
	d := postPage{card: c.card(t, r), More: more, Restart: c.Terminals.Restarts && !stillUsed(t.State)}
	if wall := c.Clock.Wall(); d.Open && known(wall) && !d.Use.Session.LineDown {
		d.Ends = wall.Time.Add(d.Use.Session.Left)
	}
	for _, l := range less {
		if by, _ := time.ParseDuration(l.Value); d.Use.Session.Left > -by {
			d.Less = append(d.Less, l)
		}
	}
	if d.Free {
		d.Phones = c.queue(r, "").Lines
	}
	list := c.Catalogue()
	for _, b := range list.Bundles() {
		if b.ID == kiosk.Mail || len(b.Services) == 0 {
			continue
		}
		one := pickable{Bundle: b, On: slices.Contains(d.Use.Bundles, b.ID)}
		for _, id := range b.Services {
			if s, ok := list.Service(id); ok {
				one.Trials = append(one.Trials, c.tried(s))
			}
		}
		d.Bundles = append(d.Bundles, one)
	}
	title := t.Name
	if title == "" {
		title = "Nouveau poste"
	}
	c.render(w, r, page{Template: "post", Title: title, Here: "/postes", Live: true, Typed: true}, d)
}
