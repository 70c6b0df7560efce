package pages

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/openid"
	"parvis/internal/secrets"
)

// siteRoles are what a colleague may be at sites, the weakest first: portal/staff's.
var siteRoles = []string{"mediator", "referent", "dsi", "dpo"}

// personView is somebody who works at sites.
type personView struct {
	store.Colleague
	All     []store.Site // of the commune
	NotTold []store.Site // that do not know of the last change yet
	Wrong   string
}

// Works reports whether she works at a site.
func (v personView) Works(site string) bool { return slices.Contains(v.Sites, site) }

// Roles and HubRoles are what she may be, at sites and at the hub.
func (v personView) Roles() []string        { return siteRoles }
func (v personView) HubRoles() []staff.Role { return staff.Roles("a commune") }

// peopleView is everybody who works at sites, and what somebody has typed of one more.
type peopleView struct {
	People []store.Colleague
	New    personView
	Wrong  string
}

func (p *Pages) people(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v := peopleView{}
	v.New.Role = siteRoles[0]
	return p.showPeople(w, r, who, v, 0)
}

func (p *Pages) showPeople(w http.ResponseWriter, r *http.Request, who staff.Person, v peopleView, status int) error {
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) (err error) {
		if v.People, err = t.Colleagues(ctx); err != nil {
			return err
		}
		v.New.All, err = t.Sites(ctx)
		return err
	})
	if err != nil {
		return err
	}
	return p.show(w, r, page{template: "people", Title: "people.title", Here: "/personnes", status: status}, v)
}

// addPerson makes the account of a colleague at sites, and gives the link with which they choose its password.
func (p *Pages) addPerson(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	if err := r.ParseForm(); err != nil {
		return store.ErrUnknown
	}
	c := store.Colleague{
		Name: line(r, "nom"), Login: strings.ToLower(line(r, "identifiant")), Role: r.PostForm.Get("role"), Hub: r.PostForm.Get("centre"), Sites: r.PostForm["lieu"],
	}
	again := func(key string, status int) error {
		return p.showPeople(w, r, who, peopleView{New: personView{Colleague: c}, Wrong: key}, status)
	}
	name, ok := openid.Name(c.Name)
	switch {
	case !ok:
		return again("choice.name", http.StatusUnprocessableEntity)
	case !secrets.Login(c.Login):
		return again("choice.login", http.StatusUnprocessableEntity)
	case !slices.Contains(siteRoles, c.Role) || c.Hub != "" && !p.seats(who, c.Hub):
		return errRole
	}
	c.Name = name
	var made store.Colleague
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) (err error) {
		if made, err = t.AddColleague(ctx, c); err != nil {
			return err
		}
		return t.SendColleague(ctx, made.ID, c.Sites)
	})
	if errors.Is(err, store.ErrTaken) {
		return again("choice.taken", http.StatusConflict)
	}
	if err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, "add-person", made.ID)
	return p.handWelcome(w, r, who, made)
}

// seats reports whether somebody may give a colleague that role at the hub.
func (p *Pages) seats(who staff.Person, role string) bool {
	return who.Role.May(staff.ManageTeam) && slices.Contains(staff.Roles(who.Tenant), staff.Role(role))
}

// handWelcome shows the link with which a colleague chooses a password.
func (p *Pages) handWelcome(w http.ResponseWriter, r *http.Request, who staff.Person, c store.Colleague) error {
	l, err := p.Staff.Welcome(r.Context(), who, staff.Person{ID: c.ID, Name: c.Name, Tenant: who.Tenant, Role: staff.Role(c.Hub)}, c.Login)
	if err != nil {
		return err
	}
	return p.handLink(w, r, l, "link.person", "/personnes/"+c.ID)
}

// welcome gives another link: the one before works no longer.
func (p *Pages) welcome(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.personOf(r, who)
	switch {
	case err != nil:
		return err
	case !v.Closed.IsZero() || v.Login == "":
		return store.ErrUnknown
	}
	return p.handWelcome(w, r, who, v.Colleague)
}

// personOf is the one that a request names.
func (p *Pages) personOf(r *http.Request, who staff.Person) (v personView, err error) {
	err = p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		all, err := t.Colleagues(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(c store.Colleague) bool { return c.ID == r.PathValue("colleague") })
		if i < 0 {
			return store.ErrUnknown
		}
		v.Colleague = all[i]
		if v.All, err = t.Sites(ctx); err != nil {
			return err
		}
		late, err := t.NotTold(ctx, v.ID)
		for _, s := range v.All {
			if slices.Contains(late, s.ID) {
				v.NotTold = append(v.NotTold, s)
			}
		}
		return err
	})
	return v, err
}

func (p *Pages) person(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.personOf(r, who)
	if err != nil {
		return err
	}
	return p.showPerson(w, r, v, 0)
}

func (p *Pages) showPerson(w http.ResponseWriter, r *http.Request, v personView, status int) error {
	return p.show(w, r, page{template: "person", Name: v.Name, Here: "/personnes", status: status}, v)
}

// send says at which sites she works.
func (p *Pages) send(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.personOf(r, who)
	if err != nil {
		return err
	}
	if !v.Closed.IsZero() {
		return store.ErrUnknown
	}
	if err := r.ParseForm(); err != nil {
		return store.ErrUnknown
	}
	var sites []string
	for _, s := range v.All { // of the commune's own alone
		if slices.Contains(r.PostForm["lieu"], s.ID) {
			sites = append(sites, s.ID)
		}
	}
	if err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error { return t.SendColleague(ctx, v.ID, sites) }); err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, "send-person", v.ID)
	return done(w, "/personnes/"+v.ID, "lieux")
}

// setPerson changes what she is at sites and at the hub.
func (p *Pages) setPerson(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.personOf(r, who)
	if err != nil {
		return err
	}
	role, hub := r.PostFormValue("role"), r.PostFormValue("centre")
	switch {
	case !v.Closed.IsZero():
		return store.ErrUnknown
	case !slices.Contains(siteRoles, role) || hub != v.Hub && hub != "" && !p.seats(who, hub):
		return errRole
	}
	switch { // the hub's own team first: it may refuse
	case hub == v.Hub:
	case hub == "":
		err = p.Staff.Close(r.Context(), who, v.ID)
	case v.Hub == "":
		err = p.in(r, who, func(ctx context.Context, t *store.Tenant) error { return t.SeatColleague(ctx, v.ID, hub) })
		if errors.Is(err, store.ErrTaken) {
			v.Wrong = "people.taken"
			return p.showPerson(w, r, v, http.StatusConflict)
		}
		if err == nil {
			p.Staff.Record(r.Context(), who, "role-"+hub, v.ID)
		}
	default:
		err = p.Staff.SetRole(r.Context(), who, v.ID, staff.Role(hub))
	}
	if err != nil {
		return err
	}
	if c := v.Colleague; c.Role != role {
		c.Role = role
		if err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error { return t.SetColleague(ctx, c) }); err != nil {
			return err
		}
		p.Staff.Record(r.Context(), who, "role-person", v.ID)
	}
	return done(w, "/personnes/"+v.ID, "role")
}

// personClosing asks before an account is closed everywhere.
func (p *Pages) personClosing(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.personOf(r, who)
	if err != nil {
		return err
	}
	return p.show(w, r, page{template: "everywhere", Title: "everywhere.title", Here: "/personnes"}, v)
}

func (p *Pages) closeEverywhere(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.personOf(r, who)
	if err != nil {
		return err
	}
	if v.Hub != "" { // a commune keeps somebody who administers
		if err := p.Staff.Close(r.Context(), who, v.ID); err != nil {
			return err
		}
	}
	if err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error { return t.CloseColleague(ctx, v.ID) }); err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, "close-everywhere", v.ID)
	return done(w, "/personnes/"+v.ID, "partout")
}

// reopen takes a closing back. The password is gone for good: another one is chosen by a link.
func (p *Pages) reopen(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.personOf(r, who)
	if err != nil {
		return err
	}
	if err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error { return t.ReopenColleague(ctx, v.ID) }); err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, "reopen-person", v.ID)
	return p.handWelcome(w, r, who, v.Colleague)
}
