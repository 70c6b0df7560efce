package pages

import (
	"context"
	"net/http"
	"slices"

	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
)

// personView is somebody who works at sites.
type personView struct {
	store.Colleague
	All     []store.Site // of the commune
	NotTold []store.Site // that do not know of the last change yet
}

// Works reports whether she works at a site.
func (v personView) Works(site string) bool { return slices.Contains(v.Sites, site) }

func (p *Pages) people(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	var v struct{ All []personView }
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		all, err := t.Colleagues(ctx)
		for _, c := range all {
			v.All = append(v.All, personView{Colleague: c})
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.show(w, r, page{template: "people", Title: "people.title", Here: "/personnes"}, v)
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
	return p.show(w, r, page{template: "person", Name: v.Name, Here: "/personnes"}, v)
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

// personClosing asks before an account is closed everywhere.
func (p *Pages) personClosing(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.personOf(r, who)
	if err != nil {
		return err
	}
	return p.show(w, r, page{template: "everywhere", Title: "everywhere.title", Here: "/personnes"}, v)
}

func (p *Pages) closeEverywhere(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	id := r.PathValue("colleague")
	if err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error { return t.CloseColleague(ctx, id) }); err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, "close-everywhere", id)
	return done(w, "/personnes/"+id, "partout")
}
