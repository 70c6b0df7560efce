package console

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"parvis/kiosk"
	"parvis/kiosk/catalogue"
	"parvis/kiosk/names"
)

// Learnt is the names that terminals were refused, of nobody in particular: *kiosk.Posts.
type Learnt interface {
	Proposals() []kiosk.Proposal
	Dismiss(host string)
}

// Proposals are the names that colleagues propose to the town for its catalogue: *catalogue.Proposals.
type Proposals interface {
	All() []catalogue.Proposal
	Add(catalogue.Proposal) error
	Remove(catalogue.Proposal) error
}

// toTown is where proposals go; nil: to nobody but a file.
func (c *Console) toTown() Proposals {
	if c.Parts.Proposals == nil {
		return nil
	}
	return c.Parts.Proposals()
}

// sentName is one that was proposed to the town.
type sentName struct{ Host, Service, Title string }

// servicePages need Parts.Catalogue.
func (c *Console) servicePages(m *http.ServeMux) {
	if c.Catalogue == nil {
		return
	}
	m.Handle("GET /catalogue", c.entered(c.services))
	if c.Learnt == nil {
		return
	}
	m.Handle("POST /catalogue/ajouter", c.gesture(c.addName))
	m.Handle("POST /catalogue/ecarter", c.gesture(c.dismissName))
	m.Handle("POST /catalogue/reprendre", c.gesture(c.withdrawName))
}

// thingWords are what a service may ask of a person.
var thingWords = map[string]string{
	"franceconnect": "FranceConnect", "mailbox": "une boîte mail", "phone": "un téléphone", "card": "une carte bancaire", "papers": "des papiers",
}

// service is one as pages show it.
type service struct {
	catalogue.Service
	When     time.Time // of its trial; zero never
	Needs    []string
	With     []string
	Believed int // hosts from memory
}

type servicesPage struct {
	Needs     []serviceNeed
	Bundles   []bundle
	Proposals []kiosk.Proposal
	Sent      []sentName
	Town      bool     // what is added goes to the town
	Choices   []option // services and bundles that a name can belong to
	Count     int
}

type serviceNeed struct {
	Title    string
	ID       string
	Services []service
}

type bundle struct {
	catalogue.Bundle
	Believed int
}

func believed(hosts []catalogue.Host) (n int) {
	for _, h := range hosts {
		if !h.Sure {
			n++
		}
	}
	return n
}

func (c *Console) services(w http.ResponseWriter, r *http.Request) {
	list := c.Catalogue()
	var d servicesPage
	for _, n := range list.Needs() {
		need := serviceNeed{Title: n.Title, ID: n.ID}
		for _, s := range n.Services {
			one := c.tried(s)
			one.Believed = believed(s.Hosts)
			for _, thing := range s.Needs {
				one.Needs = append(one.Needs, thingWords[thing])
			}
			for _, id := range s.With {
				one.With = append(one.With, titleOf(list, id))
			}
			need.Services = append(need.Services, one)
			d.Choices = append(d.Choices, option{s.ID, s.Title})
			d.Count++
		}
		d.Needs = append(d.Needs, need)
	}
	for _, b := range list.Bundles() {
		d.Bundles = append(d.Bundles, bundle{b, believed(b.Hosts)})
		d.Choices = append(d.Choices, option{b.ID, b.Title})
	}
	if c.Learnt != nil {
		d.Proposals = c.Learnt.Proposals()
	}
	if town := c.toTown(); town != nil {
		d.Town = true
		for _, p := range town.All() {
			d.Sent = append(d.Sent, sentName{p.Host, p.Service, titleOf(list, p.Service)})
		}
	}
	c.render(w, r, page{Template: "services", Title: "Catalogue des services", Live: true, Typed: true}, d)
}

// tried is a service with the day of its last trial.
func (c *Console) tried(s catalogue.Service) service {
	one := service{Service: s}
	if t, err := time.ParseInLocation(time.DateOnly, s.Tried, c.cfg.Location); err == nil {
		one.When = t.Add(12 * time.Hour)
	}
	return one
}

func titleOf(list *catalogue.Catalogue, id string) string {
	if s, ok := list.Service(id); ok {
		return s.Title
	}
	if b, ok := list.Bundle(id); ok {
		return b.Title
	}
	return id
}

type addedName struct {
	Host, Title, Lines, Copy string
}

// addName shows the lines for the town's own file: what is open everywhere and for good is the town's decision, and a file that is read
// by two people is how it is made. Nothing changes here.
func (c *Console) addName(w http.ResponseWriter, r *http.Request, who Person) {
	host, id := r.PostForm.Get("hote"), r.PostForm.Get("service")
	rule, err := names.Parse(host)
	if err != nil || !c.proposed(host) {
		c.noProposal(w, r)
		return
	}
	if list := c.Catalogue(); id != catalogue.All && list.Known(id) {
		c.Staff.Record(r.Context(), who, "catalogue.accept", id)
		if town := c.toTown(); town != nil {
			c.proposeName(w, r, town, catalogue.Proposal{Service: id, Host: host})
			return
		}
		c.render(w, r, page{Template: "addedname", Title: "Ajouter un nom au catalogue", Here: "/catalogue"}, addedName{
			Host: host, Title: titleOf(list, id), Lines: "[[more]]\nof = \"" + id + "\"\nbelieved = [\"" + string(rule) + "\"]\n", Copy: copyPath,
		})
		return
	}
	c.problem(w, r, http.StatusBadRequest, problem{
		Head: "Ce service n'est pas dans le catalogue.", Do: "Choisissez un service de la liste.", To: "/catalogue", Go: "Revenir au catalogue",
	})
}

// proposeName sends a name to the town's centre, which decides.
func (c *Console) proposeName(w http.ResponseWriter, r *http.Request, town Proposals, p catalogue.Proposal) {
	switch err := town.Add(p); {
	case errors.Is(err, catalogue.ErrProposals):
		c.problem(w, r, http.StatusConflict, problem{
			Head: "Trop de noms attendent déjà la réponse de la DSI.", Do: "Reprenez un nom, ou attendez sa réponse.", To: "/catalogue", Go: "Revenir au catalogue",
		})
	case errors.Is(err, catalogue.ErrProposal):
		c.noProposal(w, r)
	case err != nil:
		c.problem(w, r, http.StatusInternalServerError, problem{
			Head: "Le nom n'a pas pu être noté.", Do: "Essayez encore. Si cela continue, prévenez la personne responsable.", To: "/catalogue", Go: "Revenir au catalogue",
		})
	default:
		c.Learnt.Dismiss(p.Host)
		c.done(w, "/catalogue", "nom-envoye")
	}
}

// withdrawName takes a name back that was sent.
func (c *Console) withdrawName(w http.ResponseWriter, r *http.Request, who Person) {
	p := catalogue.Proposal{Service: r.PostForm.Get("service"), Host: r.PostForm.Get("hote")}
	town := c.toTown()
	if town == nil || !slices.Contains(town.All(), p) {
		c.noProposal(w, r)
		return
	}
	if err := town.Remove(p); err != nil {
		c.problem(w, r, http.StatusInternalServerError, problem{
			Head: "Le nom n'a pas pu être repris.", Do: "Essayez encore.", To: "/catalogue", Go: "Revenir au catalogue",
		})
		return
	}
	c.Staff.Record(r.Context(), who, "catalogue.withdraw", p.Service)
	c.done(w, "/catalogue", "nom-repris")
}

func (c *Console) proposed(host string) bool {
	return slices.ContainsFunc(c.Learnt.Proposals(), func(p kiosk.Proposal) bool { return p.Host == host })
}

func (c *Console) noProposal(w http.ResponseWriter, r *http.Request) {
	c.problem(w, r, http.StatusNotFound, problem{
		Head: "Ce nom n'est plus proposé.", Do: "Un nom reste proposé pendant 24 heures.", To: "/catalogue", Go: "Revenir au catalogue",
	})
}

// dismissName takes a proposal away. The log is told that it was done and not what it was: a refused name is kept by nobody.
func (c *Console) dismissName(w http.ResponseWriter, r *http.Request, who Person) {
	host := r.PostForm.Get("hote")
	if !c.proposed(host) {
		c.noProposal(w, r)
		return
	}
	c.Learnt.Dismiss(host)
	c.Staff.Record(r.Context(), who, "catalogue.dismiss", "catalogue")
	c.done(w, "/catalogue", "nom-ecarte")
}
