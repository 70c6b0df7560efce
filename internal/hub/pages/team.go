package pages

import (
	"net/http"
	"time"

	"parvis/internal/hub/staff"
)

// teamView is H12.
type teamView struct {
	People []staff.Member
	Closed int
	Roles  []staff.Role
	Wrong  string
	Name   string
}

func (p *Pages) team(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	return p.showTeam(w, r, who, teamView{}, 0)
}

func (p *Pages) showTeam(w http.ResponseWriter, r *http.Request, who staff.Person, v teamView, status int) error {
	all, err := p.Staff.People(r.Context(), who)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.Closed {
			v.Closed++
			continue
		}
		v.People = append(v.People, m)
	}
	v.Roles = staff.Roles(who.Tenant)
	return p.show(w, r, page{template: "team", Title: "team.title", Here: "/equipe", status: status}, v)
}

func (p *Pages) invite(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	name := line(r, "nom")
	l, err := p.Staff.Invite(r.Context(), who, who.Tenant, staff.Role(r.PostFormValue("role")), name)
	if key, _ := choice(err); key != "" {
		return p.showTeam(w, r, who, teamView{Wrong: key, Name: name}, http.StatusUnprocessableEntity)
	}
	if err != nil {
		return err
	}
	return p.handLink(w, r, l, "link.invite", "/equipe")
}

// handLink shows a one-time link: it is in no address and on no other page, so that it cannot be seen again.
func (p *Pages) handLink(w http.ResponseWriter, r *http.Request, l staff.Link, text, back string) error {
	return p.show(w, r, page{template: "link", Title: "link.title", Here: back}, struct {
		URL, Text, Back string
		Until           time.Time
	}{l.URL, text, back, l.Until})
}

func (p *Pages) setRole(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	if err := p.Staff.SetRole(r.Context(), who, r.PathValue("person"), staff.Role(r.PostFormValue("role"))); err != nil {
		return err
	}
	return done(w, "/equipe", "role")
}

func (p *Pages) reset(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	l, err := p.Staff.Reset(r.Context(), who, r.PathValue("person"))
	if err != nil {
		return err
	}
	return p.handLink(w, r, l, "link.reset", "/equipe")
}

// closing asks before an account is closed.
func (p *Pages) closing(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	all, err := p.Staff.People(r.Context(), who)
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.ID == r.PathValue("person") && !m.Closed {
			return p.show(w, r, page{template: "closing", Title: "closing.title", Here: "/equipe"}, m)
		}
	}
	return staff.ErrNotFound
}

func (p *Pages) closePerson(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	if err := p.Staff.Close(r.Context(), who, r.PathValue("person")); err != nil {
		return err
	}
	return done(w, "/equipe", "ferme")
}

// journalPage is how many entries one page of H22 shows.
const journalPage = 100

func (p *Pages) journal(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	var v struct {
		Entries []staff.Entry
		People  []staff.Member
		Who     string
		Older   string // the address of what was before; "" nothing
	}
	q := r.URL.Query()
	f := staff.Filter{Who: q.Get("qui"), Most: journalPage + 1}
	if before, err := time.Parse(time.RFC3339Nano, q.Get("avant")); err == nil {
		f.Before = before
	}
	var err error
	if v.Entries, err = p.Staff.Trace(r.Context(), who, f); err != nil {
		return err
	}
	if v.People, err = p.Staff.People(r.Context(), who); err != nil {
		return err
	}
	v.Who = f.Who
	if len(v.Entries) > journalPage {
		v.Entries = v.Entries[:journalPage]
		q.Set("avant", v.Entries[journalPage-1].At.Format(time.RFC3339Nano))
		v.Older = "/journal?" + q.Encode()
	}
	return p.show(w, r, page{template: "log", Title: "log.title", Here: "/journal"}, v)
}
