package rollout

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"parvis/internal/config/layers"
	"parvis/internal/hub/store"
	"parvis/internal/hublink/bundle"
)

// Silent is how long a site may say nothing before a publication no longer waits for it.
const Silent = time.Hour

// ErrNothing: every site has this configuration already.
var ErrNothing = errors.New("rollout: nothing to publish: every site has been told the same already")

// Origins of the layers, as pages show them.
const (
	EPCI    = "epci"
	Commune = "commune"
	Place   = "site"
)

// Merged is a site's configuration as its centre has it now, with the origin of each value.
func Merged(ctx context.Context, t *store.Tenant, site string) (layers.Merged, error) {
	all, err := shared(ctx, t)
	if err != nil {
		return layers.Merged{}, err
	}
	w, err := t.Layer(ctx, site)
	if err != nil {
		return layers.Merged{}, err
	}
	return layers.Merge(append(all, layers.Layer{Origin: Place, Source: w.Source})...)
}

// shared are the layers of all sites of a commune.
func shared(ctx context.Context, t *store.Tenant) ([]layers.Layer, error) {
	above, err := t.EPCILayer(ctx)
	if err != nil {
		return nil, err
	}
	own, err := t.Layer(ctx, "")
	return []layers.Layer{{Origin: EPCI, Source: above.Source}, {Origin: Commune, Source: own.Source}}, err
}

// Publish begins to tell every enrolled site whose configuration has changed since it was last told.
func Publish(ctx context.Context, t *store.Tenant, by string) (store.Publication, error) {
	offers, err := Pending(ctx, t)
	if err != nil {
		return store.Publication{}, err
	}
	if len(offers) == 0 {
		return store.Publication{}, ErrNothing
	}
	return t.Publish(ctx, by, offers)
}

// Pending is what Publish would tell now: Site and Config of each site that would be told something.
func Pending(ctx context.Context, t *store.Tenant) (offers []store.Offer, err error) {
	news, err := News(ctx, t)
	for _, n := range news {
		offers = append(offers, store.Offer{Site: n.Site, Config: n.Config})
	}
	return offers, err
}

// New is what Publish would tell one site now, and what it was told before; "" nothing.
type New struct{ Site, Config, Before string }

// News is Pending with what each site was told before. It asks the database as often for one site as for a thousand.
func News(ctx context.Context, t *store.Tenant) (news []New, err error) {
	sites, err := t.Sites(ctx)
	if err != nil {
		return nil, err
	}
	all, err := shared(ctx, t)
	if err != nil {
		return nil, err
	}
	own, err := t.Layers(ctx)
	if err != nil {
		return nil, err
	}
	told, err := t.AllTold(ctx)
	if err != nil {
		return nil, err
	}
	made := map[string]string{} // configuration by the site's layer: most have none
	for _, s := range sites {
		if s.Enrolled.IsZero() {
			continue
		}
		layer := own[s.ID].Source
		config, done := made[layer]
		if !done {
			m, err := layers.Merge(append(slices.Clip(all), layers.Layer{Origin: Place, Source: layer})...)
			if err != nil {
				return nil, fmt.Errorf("rollout: %s: %w", s.Name, err)
			}
			config = m.Source
			made[layer] = config
		}
		before, ever := told[s.ID]
		if !ever && config == "" || ever && before.Config == config && before.Back == "" {
			continue // it has never had anything of its centre's, or has this
		}
		news = append(news, New{s.ID, config, before.Config})
	}
	return news, nil
}

// Advance notes what sites say of the newest publication, also when nobody is left to be told, and tells those whose turn it is. It may run
// in any hub, at any time.
func Advance(ctx context.Context, t *store.Tenant, now time.Time) error {
	newest, err := t.Publications(ctx, 1)
	if err != nil || len(newest) == 0 {
		return err
	}
	p := newest[0]
	offers, err := t.Offers(ctx, p.ID)
	if err != nil {
		return err
	}
	sites, err := t.Sites(ctx)
	if err != nil {
		return err
	}
	contact := map[string]*store.Contact{}
	for _, s := range sites {
		contact[s.ID] = s.Contact
	}
	all := make([]Site, len(offers))
	for i, o := range offers {
		c := contact[o.Site]
		if seen := see(o, c); seen != o {
			if err := t.SetOffer(ctx, seen); err != nil {
				return err
			}
			offers[i], o = seen, seen
		}
		all[i] = Site{
			ID: o.Site, Offered: !o.Told.IsZero(), Back: o.Back != "", Away: c == nil || now.Sub(c.At) > Silent,
		}
		if !o.Runs.IsZero() {
			all[i].Since = now.Sub(o.Runs)
		}
	}
	if p.State == "ended" || p.State == string(Done) {
		return nil
	}
	next := Step(all)
	for _, id := range next.Offer {
		for _, o := range offers {
			if o.Site == id {
				o.Told = now
				if err := t.SetOffer(ctx, o); err != nil {
					return err
				}
			}
		}
	}
	if next.State == Going && len(next.Offer) > 0 && len(next.Offer) == left(all) {
		next.State = Done
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
func see(o store.Offer, c *store.Contact) store.Offer {
	if c == nil || o.Told.IsZero() {
		return o
	}
	version := strconv.FormatInt(o.Version, 10)
	switch r := c.Now.Refused; {
	case r != nil && r.Bundle == version:
		o.Back, o.Runs = r.Why, time.Time{}
	case c.Now.Bundle == version && !c.Now.Trial && o.Runs.IsZero():
		o.Runs, o.Back = c.At, ""
	}
	return o
}

// Bundle is what a site should run, signed; its version as a decimal number serves as an ETag. ErrUnknown of the store: nothing from
// its centre.
func Bundle(ctx context.Context, t *store.Tenant, site string, key ed25519.PrivateKey) (b []byte, version string, err error) {
	o, err := t.Told(ctx, site)
	if err != nil {
		return nil, "", err
	}
	b, err = bundle.Sign(key, bundle.Payload{Site: site, Version: o.Version, Made: o.Told.Unix(), Config: o.Config})
	return b, strconv.FormatInt(o.Version, 10), err
}
