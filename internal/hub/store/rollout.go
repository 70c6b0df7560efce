package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Written is a layer of a configuration, as a centre wrote it.
type Written struct {
	Source, By string
	Made       time.Time
}

// EPCILayer is what those who run the hub wrote for all communes; its zero value where they wrote nothing.
func (h *Hub) EPCILayer(ctx context.Context) (w Written, err error) { return epciLayer(ctx, h.pool) }

func epciLayer(ctx context.Context, q interface {
	QueryRow(context.Context, string, ...any) pgx.Row
},
) (w Written, err error) {
	err = q.QueryRow(ctx, "SELECT source, by, made FROM current_epci_layer()").Scan(&w.Source, &w.By, &w.Made)
	if errors.Is(err, pgx.ErrNoRows) {
		return Written{}, nil
	}
	if err != nil {
		return Written{}, fmt.Errorf("store: layer: %w", err)
	}
	return w, nil
}

// WriteEPCILayer puts another one in force for what is published from now on. Its text has been checked.
func (h *Hub) WriteEPCILayer(ctx context.Context, source, by string) error {
	if _, err := h.pool.Exec(ctx, "SELECT add_epci_layer($1, $2)", source, by); err != nil {
		return fmt.Errorf("store: layer: %w", err)
	}
	return nil
}

// EPCILayer is the same, as a commune sees it.
func (t *Tenant) EPCILayer(ctx context.Context) (Written, error) { return epciLayer(ctx, t.tx) }

// Layer is what was written for a site, or with "" for all of the commune; its zero value where nothing was.
func (t *Tenant) Layer(ctx context.Context, site string) (w Written, err error) {
	if site != "" {
		if _, err := t.Site(ctx, site); err != nil {
			return Written{}, err
		}
	}
	err = t.tx.QueryRow(ctx, `SELECT source, by, made FROM layer WHERE tenant = $1 AND site IS NOT DISTINCT FROM NULLIF($2, '')
		ORDER BY id DESC LIMIT 1`, t.id, site).Scan(&w.Source, &w.By, &w.Made)
	if errors.Is(err, pgx.ErrNoRows) {
		return Written{}, nil
	}
	if err != nil {
		return Written{}, fmt.Errorf("store: layer: %w", err)
	}
	return w, nil
}

// WriteLayer puts another one in force for what is published from now on. Its text has been checked.
func (t *Tenant) WriteLayer(ctx context.Context, site, source, by string) error {
	if site != "" {
		if _, err := t.Site(ctx, site); err != nil {
			return err
		}
	}
	if _, err := t.tx.Exec(ctx, "INSERT INTO layer (tenant, site, source, by) VALUES ($1, NULLIF($2, ''), $3, $4)", t.id, site, source, by); err != nil {
		return fmt.Errorf("store: layer: %w", err)
	}
	return nil
}

// Publication is one act of publishing.
type Publication struct {
	ID    int64
	By    string
	Made  time.Time
	State string // going, stopped, done; ended: by a person, or by a newer one
	Stage int
}

// Offer is what one site is told by a publication.
type Offer struct {
	Site    string
	Version int64
	Config  string
	// Hashes of attachments; "" none.
	Logo, Catalogue string

	Told time.Time // zero: not yet
	Runs time.Time // since when it has proved itself; zero: not yet
	Back string    // why the site does not run it; ""
}

// Publish begins one: of each offer Site, Config, Logo and Catalogue count, and their order is that of telling. A former one that still goes on is ended: sites are never told two things.
func (t *Tenant) Publish(ctx context.Context, by string, offers []Offer) (p Publication, err error) {
	if _, err = t.tx.Exec(ctx, "UPDATE publication SET state = 'ended' WHERE state IN ('going', 'stopped')"); err != nil {
		return p, fmt.Errorf("store: publish: %w", err)
	}
	err = t.tx.QueryRow(ctx, "INSERT INTO publication (tenant, by) VALUES ($1, $2) RETURNING id, by, made, state, stage", t.id, by).
		Scan(&p.ID, &p.By, &p.Made, &p.State, &p.Stage)
	if err != nil {
		return p, fmt.Errorf("store: publish: %w", err)
	}
	for _, o := range offers {
		if _, err := t.Site(ctx, o.Site); err != nil {
			return p, err
		}
		if _, err := t.tx.Exec(ctx,
			"INSERT INTO offer (publication, tenant, site, config, logo, catalogue) VALUES ($1, $2, $3, $4, $5, $6)",
			p.ID, t.id, o.Site, o.Config, o.Logo, o.Catalogue); err != nil {
			return p, fmt.Errorf("store: publish: %w", err)
		}
	}
	return p, nil
}

// Publications are the last ones, newest first.
func (t *Tenant) Publications(ctx context.Context, most int) ([]Publication, error) {
	rows, err := t.tx.Query(ctx, "SELECT id, by, made, state, stage FROM publication ORDER BY id DESC LIMIT $1", most)
	if err != nil {
		return nil, fmt.Errorf("store: publications: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Publication])
	if err != nil {
		return nil, fmt.Errorf("store: publications: %w", err)
	}
	return all, nil
}

// Publication is one of them; ErrUnknown: there is none of that number.
func (t *Tenant) Publication(ctx context.Context, id int64) (p Publication, err error) {
	err = one(t.tx.QueryRow(ctx, "SELECT id, by, made, state, stage FROM publication WHERE id = $1", id).Scan(&p.ID, &p.By, &p.Made, &p.State, &p.Stage))
	if err != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("store: publication: %w", err)
	}
	return p, err
}

const offerColumns = "SELECT site, version, config, logo, catalogue, told, runs, back FROM offer"

func scanOffer(r pgx.CollectableRow) (o Offer, err error) {
	var told, runs *time.Time
	if err = r.Scan(&o.Site, &o.Version, &o.Config, &o.Logo, &o.Catalogue, &told, &runs, &o.Back); err != nil {
		return o, err
	}
	o.Told, o.Runs = from(told), from(runs)
	return o, nil
}

// Offers are what a publication tells, in the order in which sites are told.
func (t *Tenant) Offers(ctx context.Context, publication int64) ([]Offer, error) {
	rows, err := t.tx.Query(ctx, offerColumns+" WHERE publication = $1 ORDER BY version", publication)
	if err != nil {
		return nil, fmt.Errorf("store: offers: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanOffer)
	if err != nil {
		return nil, fmt.Errorf("store: offers: %w", err)
	}
	return all, nil
}

// Told is the newest of what a site has been told; ErrUnknown: nothing yet.
func (t *Tenant) Told(ctx context.Context, site string) (o Offer, err error) {
	rows, err := t.tx.Query(ctx, offerColumns+" WHERE site = $1 AND told IS NOT NULL ORDER BY version DESC LIMIT 1", site)
	if err == nil {
		o, err = pgx.CollectOneRow(rows, scanOffer)
	}
	if err = one(err); err != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("store: offer: %w", err)
	}
	return o, err
}

// SetOffer keeps what is known of a site's offer now: Told, Runs and Back of o.
func (t *Tenant) SetOffer(ctx context.Context, o Offer) error {
	return t.changed(ctx, "UPDATE offer SET told = $3, runs = $4, back = $5 WHERE site = $1 AND version = $2", o.Site, o.Version, at(o.Told), at(o.Runs), o.Back)
}

// SetPublication keeps a publication's state and stage, unless a person or a newer publication has ended it meanwhile.
func (t *Tenant) SetPublication(ctx context.Context, id int64, state string, stage int) error {
	_, err := t.tx.Exec(ctx, "UPDATE publication SET state = $2, stage = $3 WHERE id = $1 AND state <> 'ended'", id, state, stage)
	if err != nil {
		return fmt.Errorf("store: publication: %w", err)
	}
	return nil
}

// EndPublication: nobody else is told. Who was told goes on with it.
func (t *Tenant) EndPublication(ctx context.Context, id int64) error {
	return t.changed(ctx, "UPDATE publication SET state = 'ended' WHERE id = $1 AND state IN ('going', 'stopped')", id)
}
