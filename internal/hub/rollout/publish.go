package rollout

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/BurntSushi/toml"

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
	Look    = "look" // of the commune
	Commune = "commune"
	Place   = "site"
)

// Merged is a site's configuration as its centre has it now, with the origin of each value.
func Merged(ctx context.Context, t *store.Tenant, site string) (layers.Merged, error) {
	all, err := shared(ctx, t)
	if err != nil {
		return layers.Merged{}, err
	}
	return merged(ctx, t, all, site)
}

// shared are the layers of all sites of a commune.
func shared(ctx context.Context, t *store.Tenant) ([]layers.Layer, error) {
	above, err := t.EPCILayer(ctx)
	if err != nil {
		return nil, err
	}
	l, err := t.Look(ctx)
	if err != nil {
		return nil, err
	}
	wears, err := wearing(l)
	if err != nil {
		return nil, err
	}
	own, err := t.Layer(ctx, "")
	return []layers.Layer{{Origin: EPCI, Source: above.Source}, {Origin: Look, Source: wears}, {Origin: Commune, Source: own.Source}}, err
}

// wearing is a look as a layer. Its logo goes beside it.
func wearing(l store.Look) (string, error) {
	portal := map[string]string{}
	for key, v := range map[string]string{"town": l.Town, "colour": l.Main, "accent": l.Accent} {
		if v != "" {
			portal[key] = v
		}
	}
	if len(portal) == 0 {
		return "", nil
	}
	var out bytes.Buffer
	if err := toml.NewEncoder(&out).Encode(map[string]any{"portal": portal}); err != nil {
		return "", fmt.Errorf("rollout: look: %w", err)
	}
	return out.String(), nil
}

// beside is what goes to every site of a commune beside its configuration: the names of the logo and of the catalogue, and the latter's text.
func beside(ctx context.Context, t *store.Tenant) (logo, catalogue, text string, err error) {
	l, err := t.Look(ctx)
	if err != nil {
		return "", "", "", err
	}
	newest, err := t.Catalogue(ctx, 1)
	if err != nil {
		return "", "", "", err
	}
	if len(newest) > 0 {
		text = newest[0].Source
	}
	return l.Logo, store.HashOf([]byte(text)), text, nil
}

func merged(ctx context.Context, t *store.Tenant, shared []layers.Layer, site string) (layers.Merged, error) {
	w, err := t.Layer(ctx, site)
	if err != nil {
		return layers.Merged{}, err
	}
	return layers.Merge(append(slices.Clip(shared), layers.Layer{Origin: Place, Source: w.Source})...)
}

// Beside is what would go to every site of a commune beside its configuration: names of the logo and of the catalogue, "" none.
func Beside(ctx context.Context, t *store.Tenant) (logo, catalogue string, err error) {
	logo, catalogue, _, err = beside(ctx, t)
	return logo, catalogue, err
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
	_, _, text, err := beside(ctx, t)
	if err != nil {
		return store.Publication{}, err
	}
	if _, err := t.Attach(ctx, []byte(text)); err != nil {
		return store.Publication{}, err
	}
	return t.Publish(ctx, by, offers)
}

// Pending is what Publish would tell now: Site, Config, Logo and Catalogue of each site that would be told something.
func Pending(ctx context.Context, t *store.Tenant) (offers []store.Offer, err error) {
	sites, err := t.Sites(ctx)
	if err != nil {
		return nil, err
	}
	all, err := shared(ctx, t)
	if err != nil {
		return nil, err
	}
	logo, catalogue, _, err := beside(ctx, t)
	if err != nil {
		return nil, err
	}
	for _, s := range sites {
		if s.Enrolled.IsZero() {
			continue
		}
		m, err := merged(ctx, t, all, s.ID)
		if err != nil {
			return nil, fmt.Errorf("rollout: %s: %w", s.Name, err)
		}
		told, err := t.Told(ctx, s.ID)
		switch {
		case errors.Is(err, store.ErrUnknown):
			if m.Source == "" && logo == "" && catalogue == "" {
				continue // it has never had anything of its centre's
			}
		case err != nil:
			return nil, err
		case told.Config == m.Source && told.Logo == logo && told.Catalogue == catalogue && told.Back == "":
			continue
		}
		offers = append(offers, store.Offer{Site: s.ID, Config: m.Source, Logo: logo, Catalogue: catalogue})
	}
	return offers, nil
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
	logo, err := t.Attachment(ctx, o.Logo)
	if err != nil {
		return nil, "", err
	}
	services, err := t.Attachment(ctx, o.Catalogue)
	if err != nil {
		return nil, "", err
	}
	b, err = bundle.Sign(key, bundle.Payload{
		Site: site, Version: o.Version, Made: o.Told.Unix(), Config: o.Config, Logo: logo, Catalogue: string(services),
	})
	return b, strconv.FormatInt(o.Version, 10), err
}
