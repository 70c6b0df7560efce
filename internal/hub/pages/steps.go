package pages

import (
	"context"
	"net/http"

	"parvis/internal/hub/rollout"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
)

// step is one of the six by which a commune joins.
type step struct {
	Key, Path string
	Done      bool
	Count     int // that is said beside it; 0 nothing
}

// steps is H11 as a commune sees it: what is done of joining, and what is next.
func (p *Pages) steps(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	var v struct {
		Steps []step
		Next  *step // nil: everything is done
	}
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		l, err := t.Look(ctx)
		if err != nil {
			return err
		}
		layer, err := t.Layer(ctx, "")
		if err != nil {
			return err
		}
		sites, err := t.Sites(ctx)
		if err != nil {
			return err
		}
		people, err := t.Colleagues(ctx)
		if err != nil {
			return err
		}
		published, err := t.Publications(ctx, store.Settings, 1)
		if err != nil {
			return err
		}
		pending, err := rollout.Pending(ctx, t)
		if err != nil {
			return err
		}
		enrolled, chosen := 0, 0
		for _, s := range sites {
			if !s.Enrolled.IsZero() {
				enrolled++
			}
		}
		for _, c := range people {
			if c.Closed.IsZero() && (c.Chosen() || c.Subject != "") {
				chosen++
			}
		}
		v.Steps = []step{
			{"account", "/compte", true, 0},
			{"look", lookPath, !l.Made.IsZero(), 0},
			{"settings", "/reglages", layer.Source != "", 0},
			{"sites", "/enroler", enrolled > 0, enrolled},
			{"people", "/personnes", chosen > 0, chosen},
			{"publish", "/reglages", len(published) > 0 && len(pending) == 0, len(pending)},
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i := range v.Steps {
		if !v.Steps[i].Done {
			v.Next = &v.Steps[i]
			break
		}
	}
	return p.show(w, r, page{template: "steps", Title: "steps.title", Here: "/rejoindre"}, v)
}
