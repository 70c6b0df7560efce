package pages

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"parvis/internal/hub/rollout"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
)

// mostPublications is how far back the list of H8 goes.
const mostPublications = 100

// underway reports whether a publication can still be ended.
func underway(p store.Publication) bool {
	return p.State == string(rollout.Going) || p.State == string(rollout.Stopped)
}

// told is one site of a publication.
type told struct {
	store.Offer
	Name string
}

// State is the key of how far it is.
func (o told) State() string {
	switch {
	case o.Back != "":
		return "back"
	case !o.Runs.IsZero():
		return "runs"
	case !o.Told.IsZero():
		return "told"
	}
	return "waiting"
}

// publicationView is H8.
type publicationView struct {
	store.Publication
	Sites  []told
	Count  map[string]int // sites by their State
	States []string       // in which they are counted
	May    bool           // end it
}

func (p *Pages) publications(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	var all []store.Publication
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) (err error) {
		all, err = t.Publications(ctx, store.Settings, mostPublications)
		return err
	})
	if err != nil {
		return err
	}
	return p.show(w, r, page{template: "publications", Title: "publications.title", Here: "/publications"}, all)
}

func (p *Pages) publication(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	id, err := strconv.ParseInt(r.PathValue("publication"), 10, 64)
	if err != nil {
		return store.ErrUnknown
	}
	v := publicationView{Count: map[string]int{}, States: []string{"waiting", "told", "runs", "back"}}
	err = p.in(r, who, func(ctx context.Context, t *store.Tenant) (err error) {
		if v.Publication, err = t.Publication(ctx, id); err != nil {
			return err
		}
		sites, err := t.Sites(ctx)
		if err != nil {
			return err
		}
		names := map[string]string{}
		for _, s := range sites {
			names[s.ID] = s.Name
		}
		offers, err := t.Offers(ctx, id)
		for _, o := range offers {
			one := told{o, names[o.Site]}
			v.Sites = append(v.Sites, one)
			v.Count[one.State()]++
		}
		return err
	})
	if err != nil {
		return err
	}
	v.May = who.Role.May(staff.Operate) && underway(v.Publication)
	return p.show(w, r, page{template: "publication", Title: "publication.title", Here: "/publications"}, v)
}

// publish begins to tell the sites what has changed.
func (p *Pages) publish(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	var made store.Publication
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) (err error) {
		made, err = rollout.Publish(ctx, t, who.Name)
		return err
	})
	if errors.Is(err, rollout.ErrNothing) {
		v, err := p.settingsOf(r, who)
		if err != nil {
			return err
		}
		v.Text, v.Wrong = v.Written.Source, "settings.nothing"
		return p.showSettings(w, r, v, http.StatusConflict)
	}
	if err != nil {
		return err
	}
	id := strconv.FormatInt(made.ID, 10)
	p.Staff.Record(r.Context(), who, "publish", id)
	return done(w, "/publications/"+id, "publie")
}

// endPublication: nobody else is told.
func (p *Pages) endPublication(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	id, err := strconv.ParseInt(r.PathValue("publication"), 10, 64)
	if err != nil {
		return store.ErrUnknown
	}
	if err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error { return t.EndPublication(ctx, id) }); err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, "end-publication", r.PathValue("publication"))
	return done(w, "/publications/"+r.PathValue("publication"), "arrete")
}
