package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"parvis/internal/hublink/wire"
)

// Place is what the public may know of a site, and how it is.
type Place struct {
	Site, Name, Zone      string
	Card                  json.RawMessage // as internal/hub/opendata writes it; nil: nothing was written yet
	Mediation, WiFi, Live bool            // what is published
	Updated               time.Time
	Contact               time.Time // zero: never heard
	Now                   wire.Now
	Open                  bool      // people can get online
	Since                 time.Time // of Open's value
}

// Places are all sites of the commune, by name.
func (t *Tenant) Places(ctx context.Context) ([]Place, error) {
	rows, err := t.tx.Query(ctx, `SELECT s.id, s.name, s.zone, p.card, coalesce(p.mediation, false), coalesce(p.wifi, false), coalesce(p.live, false), p.updated,
			c.at, c.now, coalesce(c.open, false), c.since
		FROM site s LEFT JOIN place p ON p.site = s.id LEFT JOIN contact c ON c.site = s.id ORDER BY s.name, s.id`)
	if err != nil {
		return nil, fmt.Errorf("store: places: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (p Place, err error) {
		var (
			updated, contact, since *time.Time
			now                     *wire.Now
		)
		err = r.Scan(&p.Site, &p.Name, &p.Zone, &p.Card, &p.Mediation, &p.WiFi, &p.Live, &updated, &contact, &now, &p.Open, &since)
		p.Updated, p.Contact, p.Since = from(updated), from(contact), from(since)
		if now != nil {
			p.Now = *now
		}
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("store: places: %w", err)
	}
	return all, nil
}

// SetPlace writes what the public may know of a site: Card, and what is published of it.
func (t *Tenant) SetPlace(ctx context.Context, p Place) error {
	return t.changed(ctx, `INSERT INTO place (site, tenant, card, mediation, wifi, live, updated)
		SELECT id, tenant, $2, $3, $4, $5, now() FROM site WHERE id = $1
		ON CONFLICT (site) DO UPDATE SET card = excluded.card, mediation = excluded.mediation, wifi = excluded.wifi, live = excluded.live,
			updated = excluded.updated`, p.Site, p.Card, p.Mediation, p.WiFi, p.Live)
}
