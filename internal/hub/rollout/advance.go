package rollout

import (
	"context"
	"slices"
	"strconv"
	"time"

	"parvis/internal/hub/store"
)

// Silent is how long a site may say nothing before a rollout no longer waits for it.
const Silent = time.Hour

// Advance notes what sites say of the newest rollout of each kind, also when nobody is left to be told, and tells those whose turn it is. It
// may run in any hub, at any time.
func Advance(ctx context.Context, t *store.Tenant, now time.Time) error {
	sites, err := t.Sites(ctx)
	if err != nil {
		return err
	}
	contact := map[string]*store.Contact{}
	for _, s := range sites {
		contact[s.ID] = s.Contact
	}
	for _, kind := range []store.Kind{store.Settings, store.Upgrades} {
		newest, err := t.Publications(ctx, kind, 1)
		if err == nil && len(newest) > 0 {
			err = advance(ctx, t, newest[0], contact, now)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func advance(ctx context.Context, t *store.Tenant, p store.Publication, contact map[string]*store.Contact, now time.Time) error {
	offers, err := t.Offers(ctx, p.ID)
	if err != nil {
		return err
	}
	var all []Site
	for i, o := range offers {
		c := contact[o.Site]
		if seen := see(p, o, c); seen != o {
			if err := t.SetOffer(ctx, seen); err != nil {
				return err
			}
			offers[i], o = seen, seen
		}
		if o.Passed {
			continue // a person goes on without it
		}
		s := Site{ID: o.Site, Offered: !o.Told.IsZero(), Back: o.Back != "", Away: c == nil || now.Sub(c.At) > Silent}
		if !o.Runs.IsZero() {
			s.Since = now.Sub(o.Runs)
		}
		all = append(all, s)
	}
	if p.State == "ended" || p.State == string(Done) {
		return nil
	}
	next := Step(all)
	for _, id := range next.Offer {
		i := slices.IndexFunc(offers, func(o store.Offer) bool { return o.Site == id })
		offers[i].Told = now
		if err := t.SetOffer(ctx, offers[i]); err != nil {
			return err
		}
	}
	if next.State == Going && len(next.Offer) > 0 && len(next.Offer) == left(all) {
		next.State = Done
	}
	if next.State == Done && p.Kind() == store.Upgrades && slices.ContainsFunc(all, func(s Site) bool { return s.Since == 0 && !s.Away }) {
		next.State = Going // whoever waits for its night is held when another one goes back
	}
	return t.SetPublication(ctx, p.ID, string(next.State), next.Stage)
}

// left is how many sites were not told yet.
func left(all []Site) (n int) {
	for _, s := range all {
		if !s.Offered {
			n++
		}
	}
	return n
}

// see is an offer with what its site says of it.
func see(p store.Publication, o store.Offer, c *store.Contact) store.Offer {
	if c == nil || o.Told.IsZero() {
		return o
	}
	back, runs := "", false
	if p.Kind() == store.Upgrades {
		u := c.Now.Upgrade
		if u != nil && u.Number == o.Version && (u.State == "back" || u.State == "refused") {
			back = u.Why
		}
		runs = c.Now.Version == p.Release && (u == nil || u.State != "trial")
	} else {
		version := strconv.FormatInt(o.Version, 10)
		if r := c.Now.Refused; r != nil && r.Bundle == version {
			back = r.Why
		}
		runs = c.Now.Bundle == version && !c.Now.Trial
	}
	switch {
	case back != "":
		o.Back, o.Runs = back, time.Time{}
	case runs && o.Runs.IsZero():
		o.Runs, o.Back = c.At, ""
	}
	return o
}
