package pages

import (
	"context"
	"net/http"
	"time"
	"unicode/utf8"

	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
)

// codeFor is how long a code may be used: a box is sent by post.
const codeFor = 14 * 24 * time.Hour

// maxName is the most characters of a site's or a commune's name.
const maxName = 80

func usable(name string) bool {
	n := utf8.RuneCountInString(name)
	return n >= 2 && n <= maxName && utf8.ValidString(name)
}

// enrolView is H9.
type enrolView struct {
	Sites       []siteRow
	Wrong, Name string
}

func (p *Pages) enrolment(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	return p.showEnrolment(w, r, who, enrolView{}, 0)
}

func (p *Pages) showEnrolment(w http.ResponseWriter, r *http.Request, who staff.Person, v enrolView, status int) error {
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		all, err := t.Sites(ctx)
		for _, s := range all {
			v.Sites = append(v.Sites, p.row(s))
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.show(w, r, page{template: "enrol", Title: "enrol.title", Here: "/enroler", status: status}, v)
}

// addSite makes a site and its code.
func (p *Pages) addSite(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	name := line(r, "nom")
	if !usable(name) {
		return p.showEnrolment(w, r, who, enrolView{Wrong: "enrol.wrong", Name: name}, http.StatusUnprocessableEntity)
	}
	var s store.Site
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) (err error) {
		s, err = t.AddSite(ctx, name, p.Zone.String())
		return err
	})
	if err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, "add-site", s.ID)
	return p.hand(w, r, who, s.ID)
}

func (p *Pages) code(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	return p.hand(w, r, who, r.PathValue("site"))
}

// hand shows a code: it is on no other page, so that it cannot be seen again.
func (p *Pages) hand(w http.ResponseWriter, r *http.Request, who staff.Person, site string) error {
	var v struct {
		store.Site
		Code  string
		Until time.Time
	}
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) (err error) {
		if v.Site, err = t.Site(ctx, site); err != nil {
			return err
		}
		v.Code, v.Until, err = t.Code(ctx, site, codeFor)
		return err
	})
	if err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, "code", site)
	return p.show(w, r, page{template: "code", Title: "code.title", Here: "/enroler"}, v)
}

func (p *Pages) rename(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	name, site := line(r, "nom"), r.PathValue("site")
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		if _, err := t.Site(ctx, site); err != nil || !usable(name) {
			return err
		}
		return t.RenameSite(ctx, site, name)
	})
	if err != nil {
		return err
	}
	if !usable(name) {
		return p.showEnrolment(w, r, who, enrolView{Wrong: "enrol.wrong"}, http.StatusUnprocessableEntity)
	}
	p.Staff.Record(r.Context(), who, "rename-site", site)
	return done(w, "/enroler", "renomme")
}

// removal asks before a site and all that was counted there goes.
func (p *Pages) removal(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	var s store.Site
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) (err error) {
		s, err = t.Site(ctx, r.PathValue("site"))
		return err
	})
	if err != nil {
		return err
	}
	return p.show(w, r, page{template: "removal", Title: "removal.title", Here: "/enroler"}, s)
}

func (p *Pages) removeSite(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	site := r.PathValue("site")
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error { return t.RemoveSite(ctx, site) })
	if err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, "remove-site", site)
	return done(w, "/enroler", "retire")
}
