package opendata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hub/store"
)

// Kept is the Source on the hub's database.
type Kept struct {
	Hub   *store.Hub
	Clock clock.Clock
}

var _ Source = Kept{}

// unheard is the age from which a sign of life says nothing of now any more.
const unheard = 5 * time.Minute

// Commune implements Source. A commune that publishes nothing is as one that there is not.
func (k Kept) Commune(ctx context.Context, id string) (c Commune, err error) {
	err = k.Hub.Tenant(ctx, id, func(t *store.Tenant) error {
		card, err := t.Card(ctx)
		if errors.Is(err, store.ErrUnknown) {
			return ErrNoCommune
		} else if err != nil {
			return err
		}
		c.Name = card.Name
		c.Places, err = Read(ctx, t, k.Clock.Wall().Time)
		return err
	})
	if err != nil {
		return Commune{}, err
	}
	published := false
	for _, p := range c.Places {
		if p.Mediation || p.WiFi || p.Live {
			published = true
		}
		if c.Zone == nil {
			c.Zone = p.Zone
		}
	}
	if !published {
		return Commune{}, ErrNoCommune
	}
	return c, nil
}

// Read reads every site of the commune as a place, also those of which nothing is published: what says them leaves those out.
func Read(ctx context.Context, t *store.Tenant, at time.Time) ([]Place, error) {
	card, err := t.Card(ctx)
	if err != nil {
		return nil, fmt.Errorf("opendata: read places: %w", err)
	}
	all, err := t.Places(ctx)
	if err != nil {
		return nil, fmt.Errorf("opendata: read places: %w", err)
	}
	places := make([]Place, len(all))
	zones := map[string]*time.Location{} // of few names
	for i, s := range all {
		p := Place{Commune: card.Name}
		if s.Card != nil {
			if err := json.Unmarshal(s.Card, &p); err != nil {
				return nil, fmt.Errorf("opendata: read place of site %s: %w", s.Site, err)
			}
		}
		p.ID, p.Name, p.Updated, p.Mediation, p.WiFi, p.Live = s.Site, s.Name, s.Updated, s.Mediation, s.WiFi, s.Live
		if p.Zone = zones[s.Zone]; p.Zone == nil {
			if p.Zone, err = time.LoadLocation(s.Zone); err != nil {
				return nil, fmt.Errorf("opendata: read place of site %s: %w", s.Site, err)
			}
			zones[s.Zone] = p.Zone
		}
		p.State = State{
			Known: !s.Contact.IsZero() && at.Sub(s.Contact) < unheard, Open: s.Open, Since: s.Since,
			Full: s.Now.Slots > 0 && s.Now.Open >= s.Now.Slots,
		}
		places[i] = p
	}
	return places, nil
}

// Save writes what the public may know of a place and what is published of it, unless it is Refused. Name, zone and state are the
// site's own and are not written.
func Save(ctx context.Context, t *store.Tenant, p Place) error {
	if err := p.joined(p.Refused()); err != nil {
		return err
	}
	card, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("opendata: write place %q: %w", p.Name, err)
	}
	return t.SetPlace(ctx, store.Place{Site: p.ID, Card: card, Mediation: p.Mediation, WiFi: p.WiFi, Live: p.Live})
}
