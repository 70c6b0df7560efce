package pages

import (
	"context"
	"errors"
	"net/http"
	"slices"
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

// told is one site of a rollout.
type told struct {
	store.Offer
	Name   string
	Doing  string // of a release: how far the site is, as it says (upgradeStates); ""
	Reburn int    // of a configuration: terminals that make their image anew once the place gives them what has changed
}

// State is the key of how far it is.
func (o told) State() string {
	switch {
	case o.Passed:
		return "passed"
	case o.Back != "":
		return "back"
	case !o.Runs.IsZero():
		return "runs"
	case !o.Told.IsZero():
		return "told"
	}
	return "waiting"
}

// rolloutView is H8, of a configuration, and the most of H5, of a release.
type rolloutView struct {
	store.Publication
	Sites  []told
	Count  map[string]int // sites by their State
	States []string       // in which they are counted
	Left   []rollout.Left // of a release: sites that it leaves out, but for those that run it
	End    bool           // the person may end it
	GoOn   bool           // or let it go on without those that went back
	Revert bool           // or have what was before it again
	To     string         // of a release: the version that was before it; "" nobody knows
	Wrong  string
}

// Texts is what the keys of its texts begin with.
func (v rolloutView) Texts() string {
	if v.Release != "" {
		return "upgrade"
	}
	return "publication"
}

// Bad reports whether it needs a hand.
func (v rolloutView) Bad() bool { return v.State == string(rollout.Stopped) }

// rollout shows one.
func rolloutOf(ctx context.Context, t *store.Tenant, who staff.Person, of store.Publication) (rolloutView, error) {
	v := rolloutView{Publication: of, Count: map[string]int{}, States: []string{"waiting", "told", "runs", "back"}}
	sites, err := t.Sites(ctx)
	if err != nil {
		return v, err
	}
	known := map[string]store.Site{}
	for _, s := range sites {
		known[s.ID] = s
	}
	offers, err := t.Offers(ctx, of.ID)
	if err != nil {
		return v, err
	}
	for _, o := range offers {
		one := told{Offer: o, Name: known[o.Site].Name}
		if c := known[o.Site].Contact; c != nil {
			if u := c.Now.Upgrade; u != nil && u.Number == o.Version {
				one.Doing = doing(*u)
			}
			if of.Release == "" {
				one.Reburn = c.Now.Reburn
			}
		}
		v.Sites = append(v.Sites, one)
		state := one.State()
		if state == "passed" {
			state = "back"
		}
		v.Count[state]++
	}
	may := who.Role.May(staff.Operate)
	v.End, v.GoOn = may && underway(of), may && v.Bad()
	v.Revert = may && v.Count["told"]+v.Count["runs"] > 0
	if of.Release == "" {
		return v, nil
	}
	v.To = rollout.Earlier(offers)
	v.Revert = may && v.Count["runs"] > 0
	v.Left, err = leftOut(ctx, t, sites, of.Release, offers)
	return v, err
}

// leftOut are the sites that a release's rollout leaves out, but for those that run it.
func leftOut(ctx context.Context, t *store.Tenant, sites []store.Site, version string, told []store.Offer) (left []rollout.Left, err error) {
	r, err := rollout.Release(ctx, t, version)
	if errors.Is(err, rollout.ErrRelease) { // withdrawn: who has no file now may have had one
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	in := func(site string) bool {
		return slices.ContainsFunc(told, func(o store.Offer) bool { return o.Site == site })
	}
	could, all := rollout.Candidates(sites, r)
	for _, l := range all {
		if l.Why != rollout.Same && !in(l.ID) {
			left = append(left, l)
		}
	}
	for _, o := range could {
		if told != nil && !in(o.Site) {
			i := slices.IndexFunc(sites, func(s store.Site) bool { return s.ID == o.Site })
			left = append(left, rollout.Left{Site: sites[i], Why: rollout.Apart})
		}
	}
	return left, nil
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

// thisPublication is the one that a request names.
func (p *Pages) thisPublication(r *http.Request, who staff.Person) (v rolloutView, err error) {
	id, err := strconv.ParseInt(r.PathValue("publication"), 10, 64)
	if err != nil {
		return v, store.ErrUnknown
	}
	err = p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		of, err := t.Publication(ctx, id)
		if err == nil {
			v, err = rolloutOf(ctx, t, who, of)
		}
		return err
	})
	return v, err
}

func (p *Pages) publication(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v, err := p.thisPublication(r, who)
	if err != nil {
		return err
	}
	return p.showPublication(w, r, v, 0)
}

func (p *Pages) showPublication(w http.ResponseWriter, r *http.Request, v rolloutView, status int) error {
	of := page{template: "publication", Title: v.Texts() + ".title", Here: "/publications", status: status}
	if v.Release != "" {
		of.Here = upgradePath
	}
	return p.show(w, r, of, v)
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
	return p.changePublication(w, r, who, "end-publication", "arrete", func(ctx context.Context, t *store.Tenant, v rolloutView) (store.Publication, error) {
		return v.Publication, t.EndPublication(ctx, v.ID)
	})
}

// goOn without the sites that went back.
func (p *Pages) goOn(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	return p.changePublication(w, r, who, "go-on", "continue", func(ctx context.Context, t *store.Tenant, v rolloutView) (store.Publication, error) {
		return v.Publication, t.GoOn(ctx, v.ID)
	})
}

// revert begins a rollout of what was before.
func (p *Pages) revert(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	return p.changePublication(w, r, who, "revert", "revient", func(ctx context.Context, t *store.Tenant, v rolloutView) (store.Publication, error) {
		if v.Release != "" {
			return rollout.Upgrade(ctx, t, who.Name, v.To, false)
		}
		return rollout.Revert(ctx, t, who.Name, v.ID, p.now())
	})
}

// changePublication does something with the one that a request names, and leads to the one that it has made of it.
func (p *Pages) changePublication(w http.ResponseWriter, r *http.Request, who staff.Person, what, said string, do func(context.Context, *store.Tenant, rolloutView) (store.Publication, error)) error {
	v, err := p.thisPublication(r, who)
	if err != nil {
		return err
	}
	var made store.Publication
	err = p.in(r, who, func(ctx context.Context, t *store.Tenant) (err error) {
		made, err = do(ctx, t, v)
		return err
	})
	switch {
	case errors.Is(err, rollout.ErrNothing):
		v.Wrong = v.Texts() + ".nothing"
	case errors.Is(err, rollout.ErrRelease):
		v.Wrong = "upgrade.gone"
	}
	if v.Wrong != "" {
		return p.showPublication(w, r, v, http.StatusConflict)
	}
	if err != nil {
		return err
	}
	p.Staff.Record(r.Context(), who, what, r.PathValue("publication"))
	return done(w, "/publications/"+strconv.FormatInt(made.ID, 10), said)
}
