package pages

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/hublink/wire"
	"parvis/internal/lang"
	"parvis/kiosk/catalogue"
)

// catalogueView is H15.
type catalogueView struct {
	Needs     []needView
	Bundles   []catalogue.Bundle
	Count     int
	Proposals []proposalView
	Declined  []proposalView
	Written   store.Written // in force
	Back      bool          // there is a version before it
	Text      string        // in the field
	Wrong     string
	Faults    []string
	May       bool // change it

	list *catalogue.Catalogue // nil: the commune's own text is not right
	said []store.SaidOf
}

type needView struct {
	ID, Title string
	Services  []serviceView
}

// serviceView is a service with what sites say of it.
type serviceView struct {
	catalogue.Service
	Last   time.Time // of its trials; zero: never tried
	Sites  int       // that have tried it
	Failed []string  // names of those where it did not go
}

// proposalView is a host that sites propose for a service.
type proposalView struct {
	wire.Proposal
	Title string
	Sites []string
}

// Read is a mark of the text in force: who saves on top of another one is told.
func (v catalogueView) Read() string { return v.Written.Made.UTC().Format(time.RFC3339Nano) }

// catalogueOf is what a commune has of services, and what its sites say.
func (p *Pages) catalogueOf(r *http.Request, who staff.Person) (v catalogueView, err error) {
	var declined []wire.Proposal
	err = p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		versions, err := t.Catalogue(ctx, 2)
		if err != nil {
			return err
		}
		if len(versions) > 0 {
			v.Written, v.Back = versions[0], true
		}
		if v.said, err = t.SaidOfCatalogue(ctx); err != nil {
			return err
		}
		declined, err = t.Declined(ctx)
		return err
	})
	if err != nil {
		return v, err
	}
	v.Text, v.May = v.Written.Source, who.Role.May(staff.Operate)
	var wrong []catalogue.Problem
	if v.list, wrong = catalogue.Judge(catalogue.Files(), v.Text); v.list == nil {
		// A later version of the list has what the commune called so: it is shown without the commune's own, with why.
		v.Wrong = "catalogue.clash"
		v.Faults = faultsOf(wrong)
		if v.list, wrong = catalogue.Judge(catalogue.Files(), ""); v.list == nil {
			return v, fmt.Errorf("hub pages: the list of services: %v", wrong)
		}
	}
	v.services()
	v.propose(declined)
	return v, nil
}

func faultsOf(wrong []catalogue.Problem) (all []string) {
	for _, w := range wrong {
		all = append(all, strings.TrimPrefix(w.In(lang.FR), catalogue.PublishedFile+": ")) // the file is a field of the page here
	}
	return all
}

// services puts beside each service what sites say of its trials.
func (v *catalogueView) services() {
	for _, n := range v.list.Needs() {
		need := needView{ID: n.ID, Title: n.Title}
		for _, s := range n.Services {
			one := serviceView{Service: s}
			for _, site := range v.said {
				for _, t := range site.Said.Trials {
					if t.Service != s.ID {
						continue
					}
					one.Sites++
					if day := time.Date(t.Day/10000, time.Month(t.Day/100%100), t.Day%100, 12, 0, 0, 0, time.UTC); day.After(one.Last) {
						one.Last = day
					}
					if !t.OK {
						one.Failed = append(one.Failed, site.Name)
					}
				}
			}
			need.Services = append(need.Services, one)
			v.Count++
		}
		v.Needs = append(v.Needs, need)
	}
	v.Bundles = v.list.Bundles()
}

// propose gathers what sites propose, the most often proposed first. What the catalogue has by now is answered.
func (v *catalogueView) propose(declined []wire.Proposal) {
	found := map[wire.Proposal]*proposalView{}
	for _, site := range v.said {
		for _, one := range site.Said.Proposals {
			if !v.list.Lacks(one.Service, one.Host) {
				continue
			}
			if found[one] == nil {
				found[one] = &proposalView{Proposal: one, Title: v.titleOf(one.Service)}
			}
			found[one].Sites = append(found[one].Sites, site.Name)
		}
	}
	for _, one := range declined {
		if found[one] != nil {
			v.Declined = append(v.Declined, *found[one])
			delete(found, one)
		}
	}
	for _, one := range found {
		v.Proposals = append(v.Proposals, *one)
	}
	slices.SortFunc(v.Proposals, func(a, b proposalView) int {
		return cmp.Or(cmp.Compare(len(b.Sites), len(a.Sites)), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Host, b.Host))
	})
}

func (v *catalogueView) titleOf(id string) string {
	if s, ok := v.list.Service(id); ok {
		return s.Title
	}
	b, _ := v.list.Bundle(id)
	return b.Title
}

func (p *Pages) catalogue(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.catalogueOf(r, who)
	if err != nil {
		return err
	}
	return p.showCatalogue(w, r, v, 0)
}

func (p *Pages) showCatalogue(w http.ResponseWriter, r *http.Request, v catalogueView, status int) error {
	return p.show(w, r, page{template: "catalogue", Title: "catalogue.title", Here: "/catalogue", status: status}, v)
}

// saveCatalogue puts the commune's own services in force for what is published from now on.
func (p *Pages) saveCatalogue(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.catalogueOf(r, who)
	if err != nil {
		return err
	}
	v.Wrong, v.Faults = "", nil
	if err := r.ParseForm(); err != nil { // longer than any form of ours
		v.Wrong = "settings.long"
		return p.showCatalogue(w, r, v, http.StatusRequestEntityTooLarge)
	}
	if !r.PostForm.Has("texte") {
		return store.ErrUnknown
	}
	read := v.Read()
	v.Text = strings.ReplaceAll(r.PostForm.Get("texte"), "\r\n", "\n")
	switch {
	case len(v.Text) > maxPiece:
		v.Wrong = "settings.long"
		return p.showCatalogue(w, r, v, http.StatusRequestEntityTooLarge)
	case !utf8.ValidString(v.Text) || strings.ContainsRune(v.Text, 0):
		v.Wrong = "settings.shape"
		return p.showCatalogue(w, r, v, http.StatusUnprocessableEntity)
	}
	if _, wrong := catalogue.Judge(catalogue.Files(), v.Text); len(wrong) > 0 {
		v.Wrong, v.Faults = "settings.wrong", faultsOf(wrong)
		return p.showCatalogue(w, r, v, http.StatusUnprocessableEntity)
	}
	if r.PostForm.Get("lu") != read {
		v.Wrong = "settings.meanwhile"
		return p.showCatalogue(w, r, v, http.StatusConflict)
	}
	return p.writeCatalogue(w, r, who, v.Text, "catalogue", "catalogue", "")
}

// writeCatalogue keeps a text that was judged. what is the gesture's name, said what the page says after it, object the service's id.
func (p *Pages) writeCatalogue(w http.ResponseWriter, r *http.Request, who staff.Person, text, what, said, object string) error {
	if err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error { return t.WriteCatalogue(ctx, text, who.Name) }); err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, what, object)
	return done(w, "/catalogue", said)
}

// named is the proposal that a request names, of those that a list has.
func named(r *http.Request, of []proposalView) (wire.Proposal, error) {
	one := wire.Proposal{Service: r.PostFormValue("service"), Host: r.PostFormValue("hote")}
	if !slices.ContainsFunc(of, func(p proposalView) bool { return p.Proposal == one }) {
		return one, store.ErrUnknown
	}
	return one, nil
}

// acceptName adds a proposed host to the commune's own catalogue. The log says for which service, and not which host.
func (p *Pages) acceptName(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.catalogueOf(r, who)
	if err != nil {
		return err
	}
	one, err := named(r, v.Proposals)
	if err != nil {
		return err
	}
	text := strings.TrimRight(v.Text, "\n")
	if text != "" {
		text += "\n\n"
	}
	text += fmt.Sprintf("[[more]]\nof = %q\nbelieved = [%q]\n", one.Service, one.Host)
	if _, wrong := catalogue.Judge(catalogue.Files(), text); len(wrong) > 0 || len(text) > maxPiece {
		v.Wrong, v.Faults = "catalogue.refused", faultsOf(wrong)
		return p.showCatalogue(w, r, v, http.StatusUnprocessableEntity)
	}
	return p.writeCatalogue(w, r, who, text, "accept-proposal", "accepte", one.Service)
}

func (p *Pages) declineName(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	decline := func(ctx context.Context, t *store.Tenant, one wire.Proposal) error {
		return t.Decline(ctx, one, who.Name)
	}
	return p.settleName(w, r, who, func(v catalogueView) []proposalView { return v.Proposals }, decline, "decline-proposal", "ecarte")
}

func (p *Pages) undeclineName(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	undecline := func(ctx context.Context, t *store.Tenant, one wire.Proposal) error { return t.Undecline(ctx, one) }
	return p.settleName(w, r, who, func(v catalogueView) []proposalView { return v.Declined }, undecline, "undecline-proposal", "repris")
}

// settleName does something with a proposal that is on the page.
func (p *Pages) settleName(w http.ResponseWriter, r *http.Request, who staff.Person, among func(catalogueView) []proposalView,
	do func(context.Context, *store.Tenant, wire.Proposal) error, recorded, says string,
) error {
	v, err := p.catalogueOf(r, who)
	if err != nil {
		return err
	}
	one, err := named(r, among(v))
	if err != nil {
		return err
	}
	if err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error { return do(ctx, t, one) }); err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, recorded, one.Service)
	return done(w, "/catalogue", says)
}

// catalogueBack takes the last change back: the text before it is written once more.
func (p *Pages) catalogueBack(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.catalogueOf(r, who)
	if err != nil {
		return err
	}
	if !v.Back {
		return store.ErrUnknown
	}
	if r.PostFormValue("lu") != v.Read() {
		v.Wrong = "catalogue.meanwhile"
		return p.showCatalogue(w, r, v, http.StatusConflict)
	}
	before := ""
	err = p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		versions, err := t.Catalogue(ctx, 2)
		if len(versions) > 1 {
			before = versions[1].Source
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.writeCatalogue(w, r, who, before, "catalogue-back", "retour", "")
}
