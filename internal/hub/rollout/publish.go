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
	return t.Publish(ctx, store.Publication{By: by}, offers)
}

// Revert tells the sites that a publication has told what they had been told before it, as a publication of its own, and all at once: each has
// proved those values. Layers stay as they are written. ErrNothing: no site has anything of it.
func Revert(ctx context.Context, t *store.Tenant, by string, id int64, now time.Time) (store.Publication, error) {
	p, err := t.Publication(ctx, id)
	if err != nil {
		return p, err
	}
	if p.Kind() != store.Settings {
		return p, store.ErrUnknown
	}
	offers, err := t.Offers(ctx, id)
	if err != nil {
		return p, err
	}
	var back []store.Offer
	for _, o := range offers {
		newest, err := t.Told(ctx, store.Settings, o.Site)
		if err != nil && !errors.Is(err, store.ErrUnknown) {
			return p, err
		}
		if newest.Version != o.Version || o.Back != "" { // it was told something else since, or has gone back itself
			continue
		}
		before, err := t.ToldBefore(ctx, o)
		if err != nil && !errors.Is(err, store.ErrUnknown) {
			return p, err
		}
		back = append(back, store.Offer{Site: o.Site, Config: before.Config, Told: now})
	}
	if len(back) == 0 {
		return p, ErrNothing
	}
	return t.Publish(ctx, store.Publication{By: by}, back)
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
	told, err := t.AllTold(ctx, store.Settings)
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

// Bundle is what a site should run, signed; its version as a decimal number serves as an ETag. ErrUnknown of the store: nothing from
// its centre.
func Bundle(ctx context.Context, t *store.Tenant, site string, key ed25519.PrivateKey) (b []byte, version string, err error) {
	o, err := t.Told(ctx, store.Settings, site)
	if err != nil {
		return nil, "", err
	}
	b, err = bundle.Sign(key, bundle.Payload{Site: site, Version: o.Version, Made: o.Told.Unix(), Config: o.Config})
	return b, strconv.FormatInt(o.Version, 10), err
}
