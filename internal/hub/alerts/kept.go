package alerts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"parvis/internal/hub/store"
)

// Kept is the Store on the hub's database. Each commune is looked at in a transaction of its own: what one cannot see, neither can this.
type Kept struct {
	Hub   *store.Hub
	Every time.Duration // how often sites are asked to come
}

var _ Store = Kept{}

// Lead implements Store by an advisory lock.
func (k Kept) Lead(ctx context.Context, f func(context.Context) error) (bool, error) {
	return k.Hub.Once(ctx, "alerts", f)
}

// communes runs f in every commune. One that fails does not keep the others from it.
func (k Kept) communes(ctx context.Context, f func(*store.Tenant) error) error {
	all, err := k.Hub.Tenants(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, c := range all {
		if err := k.Hub.Tenant(ctx, c.ID, f); err != nil {
			failed = append(failed, fmt.Errorf("commune %s: %w", c.ID, err))
		}
	}
	return errors.Join(failed...)
}

// Seen implements Store.
func (k Kept) Seen(ctx context.Context) (all []Seen, err error) {
	err = k.communes(ctx, func(t *store.Tenant) error {
		sites, err := t.Sites(ctx)
		if err != nil {
			return err
		}
		watches, err := t.Watches(ctx)
		if err != nil {
			return err
		}
		of := map[string][]Watch{}
		for _, w := range watches {
			of[w.Site] = append(of[w.Site], Watch{Code: w.Code, Since: w.Since, Quiet: w.Quiet, Incident: w.Incident, What: w.What, Told: w.Told})
		}
		for _, s := range sites {
			seen := Seen{Tenant: t.ID(), Site: s.ID, Name: s.Name, Every: k.Every, Watches: of[s.ID]}
			if c := s.Contact; c != nil {
				seen.Contact, seen.Now = c.At, c.Now
			}
			all = append(all, seen)
		}
		return nil
	})
	return all, err
}

// Write implements Store.
func (k Kept) Write(ctx context.Context, changes []Change) error {
	var failed []error
	for len(changes) > 0 {
		tenant := changes[0].Tenant
		n := slices.IndexFunc(changes, func(c Change) bool { return c.Tenant != tenant })
		if n < 0 {
			n = len(changes)
		}
		err := k.Hub.Tenant(ctx, tenant, func(t *store.Tenant) error {
			for _, c := range changes[:n] {
				if err := write(ctx, t, c); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			failed = append(failed, fmt.Errorf("commune %s: %w", tenant, err))
		}
		changes = changes[n:]
	}
	return errors.Join(failed...)
}

func write(ctx context.Context, t *store.Tenant, c Change) (err error) {
	w, incident := c.Watch, c.Watch.Incident
	switch c.Event {
	case Begin:
		if incident, err = t.BeginIncident(ctx, c.Site, w.Code, w.What, c.Began); err != nil {
			return err
		}
	case More:
		if err := t.GrowIncident(ctx, incident, w.What); err != nil {
			return err
		}
	case End:
		if err := t.EndIncident(ctx, incident, c.Ended); err != nil {
			return err
		}
	}
	for _, way := range c.Ways {
		if err := t.AddMessage(ctx, incident, way, string(c.Event), w.What); err != nil {
			return err
		}
	}
	return t.SetWatch(ctx, store.Watch{Site: c.Site, Code: w.Code, Since: w.Since, Quiet: w.Quiet, Told: w.Told, Incident: incident, What: w.What})
}

// Due implements Store.
func (k Kept) Due(ctx context.Context, now time.Time, most int) (all []Pending, err error) {
	err = k.communes(ctx, func(t *store.Tenant) error {
		due, err := t.DueMessages(ctx, now, most)
		for _, m := range due {
			i := m.Incident
			n := Note{ID: m.ID, Incident: i.ID, Event: Event(m.Event), Tenant: t.ID(), Site: i.Site, Name: i.SiteName, Code: i.Code, What: m.What, Began: i.Began}
			if n.Event == End {
				n.Ended = i.Ended
			}
			all = append(all, Pending{Note: n, Way: m.Way, Attempts: m.Attempts, Ref: m.Ref})
		}
		return err
	})
	slices.SortFunc(all, func(a, b Pending) int { return cmp.Compare(a.ID, b.ID) })
	return all[:min(len(all), most)], err
}

// Claim implements Store.
func (k Kept) Claim(ctx context.Context, p Pending, next time.Time) error {
	return k.Hub.Tenant(ctx, p.Tenant, func(t *store.Tenant) error { return t.ClaimMessage(ctx, p.ID, next) })
}

// Done implements Store.
func (k Kept) Done(ctx context.Context, p Pending, ref string) error {
	return k.Hub.Tenant(ctx, p.Tenant, func(t *store.Tenant) error { return t.DoneMessage(ctx, p.ID, ref) })
}

// Failed implements Store.
func (k Kept) Failed(ctx context.Context, p Pending, why string, next time.Time) error {
	return k.Hub.Tenant(ctx, p.Tenant, func(t *store.Tenant) error { return t.FailMessage(ctx, p.ID, why, next) })
}
