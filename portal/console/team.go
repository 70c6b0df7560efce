package console

import (
	"errors"
	"html/template"
	"net/http"
	"time"

	"parvis/portal/paper"
	"parvis/portal/staff"
)

// teamPages are C19: colleagues, invitations, one-day passes, the desk's machines.
func (c *Console) teamPages(m *http.ServeMux) {
	if c.Team == nil {
		return
	}
	m.HandleFunc("GET /equipe", c.team)
	m.HandleFunc("GET /equipe/{id}", c.member)
	m.Handle("POST /equipe/inviter", c.worker(c.invite))
	m.Handle("POST /equipe/machine", c.worker(c.inviteMachine))
	m.Handle("POST /equipe/{id}/fermer", c.worker(c.closeMember))
	m.Handle("POST /equipe/{id}/role", c.worker(c.changeRole))
	m.Handle("POST /equipe/{id}/mot-de-passe", c.worker(c.resetMember))
	m.Handle("POST /equipe/appareils/{id}/retirer", c.worker(c.forgetDevice))
}

// worker gives a gesture the person as portal/staff knows them.
func (c *Console) worker(h func(http.ResponseWriter, *http.Request, staff.Person)) http.Handler {
	return c.gesture(func(w http.ResponseWriter, r *http.Request, _ Person) {
		if who, ok := c.Team.Who(r); ok {
			h(w, r, who)
		}
	})
}

type team struct {
	People  []staff.Member
	Closed  int
	Roles   []staff.Role // that the reader may invite
	Devices []staff.Device
	Wrong   string
}

func (c *Console) teamOf(r *http.Request) team {
	who, _ := c.Team.Who(r)
	var t team
	for _, m := range c.Team.People() {
		if m.Closed {
			t.Closed++
			continue
		}
		t.People = append(t.People, m)
	}
	switch {
	case who.Role.May(staff.ManageAll):
		t.Roles = staff.Roles
	case who.Role.May(staff.Manage):
		t.Roles = []staff.Role{staff.Mediator}
	default:
		return t
	}
	for _, d := range c.Team.Devices(who) {
		if d.Desk {
			t.Devices = append(t.Devices, d)
		}
	}
	return t
}

func (c *Console) team(w http.ResponseWriter, r *http.Request) { c.showTeam(w, r, "") }

// showTeam shows C19, and what is wrong with an invitation; "" nothing is.
func (c *Console) showTeam(w http.ResponseWriter, r *http.Request, wrong string) {
	t := c.teamOf(r)
	t.Wrong = wrong
	c.render(w, r, page{Template: "team", Title: "Équipe", Here: "/equipe", Status: unfit(wrong)}, t)
}

// handed is a one-time link, shown once.
type handed struct {
	Head, Text string
	URL        string
	QR         template.HTML
	Back       string
}

// hand shows a link: it is in no address and no other page, so that it cannot be seen again.
func (c *Console) hand(w http.ResponseWriter, r *http.Request, l staff.Link, h handed) {
	var err error
	h.URL = l.URL
	if h.QR, err = paper.QR(l.URL, "Code QR de ce lien"); err != nil {
		c.refused(w, r, err)
		return
	}
	c.render(w, r, page{Template: "link", Title: "Un lien à donner", Here: h.Back}, h)
}

func (c *Console) invite(w http.ResponseWriter, r *http.Request, who staff.Person) {
	role, day := staff.Role(r.PostFormValue("role")), r.PostFormValue("duree") == "jour"
	if day {
		role = staff.Mediator
	}
	l, err := c.Team.Invite(r.Context(), who, role, r.PostFormValue("nom"), day)
	if err != nil {
		c.teamRefused(w, r, err)
		return
	}
	text := "Montrez ce code à la personne. Elle l'ouvre avec son téléphone sur le Wi-Fi du lieu, puis choisit son mot de passe."
	if day {
		text += " Son compte finit à la fermeture du lieu, à minuit au plus tard."
	}
	c.hand(w, r, l, handed{Head: "Invitation", Text: text, Back: "/equipe"})
}

func (c *Console) inviteMachine(w http.ResponseWriter, r *http.Request, who staff.Person) {
	l, err := c.Team.InviteDevice(r.Context(), who, "", r.PostFormValue("nom"))
	if err != nil {
		c.teamRefused(w, r, err)
		return
	}
	c.hand(w, r, l, handed{
		Head: "Une machine de l'accueil", Text: "Ouvrez ce lien sur la machine. L'équipe y change de personne avec un code à 6 chiffres.", Back: "/equipe",
	})
}

func (c *Console) teamRefused(w http.ResponseWriter, r *http.Request, err error) {
	wrong, _ := c.notChosen(r, err)
	c.showTeam(w, r, wrong)
}

type member struct {
	staff.Member
	Mine  bool // the reader's own account
	May   bool // the reader may close it
	Roles []staff.Role
}

func (c *Console) member(w http.ResponseWriter, r *http.Request) {
	who, _ := c.Team.Who(r)
	for _, m := range c.Team.People() {
		if m.ID != r.PathValue("id") {
			continue
		}
		v := member{Member: m, Mine: m.ID == who.ID}
		v.May = !m.Closed && (who.Role.May(staff.ManageAll) || who.Role.May(staff.Manage) && m.Role == staff.Mediator)
		if who.Role.May(staff.ManageAll) && !m.Invited && !m.Closed && !m.City {
			v.Roles = staff.Roles
		}
		c.render(w, r, page{Template: "member", Title: "Une personne de l'équipe", Here: "/equipe"}, v)
		return
	}
	c.noMember(w, r)
}

func (c *Console) noMember(w http.ResponseWriter, r *http.Request) {
	c.problem(w, r, http.StatusNotFound, problem{Head: "Ce compte ou cet appareil n'existe plus.", Do: "Regardez la liste.", To: "/equipe", Go: "Voir l'équipe"})
}

func (c *Console) closeMember(w http.ResponseWriter, r *http.Request, who staff.Person) {
	c.changed(w, r, c.Team.Close(r.Context(), who, r.PathValue("id")), "/equipe", "ferme")
}

func (c *Console) changeRole(w http.ResponseWriter, r *http.Request, who staff.Person) {
	id := r.PathValue("id")
	c.changed(w, r, c.Team.SetRole(r.Context(), who, id, staff.Role(r.PostFormValue("role"))), "/equipe/"+id, "role")
}

func (c *Console) resetMember(w http.ResponseWriter, r *http.Request, who staff.Person) {
	l, err := c.Team.Reset(r.Context(), who, r.PathValue("id"))
	if err != nil {
		c.changed(w, r, err, "", "")
		return
	}
	c.hand(w, r, l, handed{
		Head: "Un nouveau mot de passe", Text: "Montrez ce code à la personne. Elle l'ouvre sur son appareil et choisit un mot de passe.", Back: "/equipe",
	})
}

func (c *Console) forgetDevice(w http.ResponseWriter, r *http.Request, who staff.Person) {
	to := "/compte"
	if r.PostFormValue("de") == "equipe" {
		to = "/equipe"
	}
	c.changed(w, r, c.Team.Forget(r.Context(), who, r.PathValue("id")), to, "retire")
}

// changed ends a gesture about the team.
func (c *Console) changed(w http.ResponseWriter, r *http.Request, err error, to, notice string) {
	switch {
	case err == nil:
		c.done(w, to, notice)
	case errors.Is(err, staff.ErrNotFound):
		c.noMember(w, r)
	case errors.Is(err, staff.ErrForbidden):
		c.problem(w, r, http.StatusForbidden, problem{Head: "Votre rôle ne permet pas ce geste.", Do: "Rien n'a changé.", To: "/equipe", Go: "Voir l'équipe"})
	case errors.Is(err, staff.ErrLast):
		c.problem(w, r, http.StatusConflict, problem{
			Head: "C'est le dernier compte qui gère les autres.", Do: "Invitez d'abord une autre personne de l'informatique.", To: "/equipe", Go: "Voir l'équipe",
		})
	default:
		c.refused(w, r, err)
	}
}

// when says a moment of the log; a clock that nobody had set is said.
func (c *Console) when(e staff.Entry) string {
	t := e.At.In(c.cfg.Location)
	text := c.day(t) + ", " + c.hour(t)
	if c.Clock.Wall().Time.Sub(t) > 300*24*time.Hour {
		text = t.Format("02/01/2006") + ", " + c.hour(t)
	}
	if !e.Sure {
		text += " (horloge pas à l'heure)"
	}
	return text
}
