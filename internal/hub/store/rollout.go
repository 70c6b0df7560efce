package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
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

// Layers are what was written for single sites, by site, as it is in force.
func (t *Tenant) Layers(ctx context.Context) (map[string]Written, error) {
	rows, err := t.tx.Query(ctx, "SELECT DISTINCT ON (site) site, source, by, made FROM layer WHERE tenant = $1 AND site IS NOT NULL ORDER BY site, id DESC", t.id)
	if err != nil {
		return nil, fmt.Errorf("store: layers: %w", err)
	}
	var (
		all  = map[string]Written{}
		site string
		w    Written
	)
	_, err = pgx.ForEachRow(rows, []any{&site, &w.Source, &w.By, &w.Made}, func() error {
		all[site] = w
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("store: layers: %w", err)
	}
	return all, nil
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

// Kind is what a rollout brings.
type Kind string

// The kinds.
const (
	Settings Kind = "NULL"     // a configuration
	Upgrades Kind = "NOT NULL" // a release
)

// of is the condition of a kind's publications.
func (k Kind) of() string { return "release IS " + string(k) }

// Publication is one act of publishing: a rollout of a configuration, or of a release.
type Publication struct {
	ID      int64
	By      string
	Made    time.Time
	State   string // going, stopped, done; ended: by a person, or by a newer one
	Stage   int
	Release string // version; "" it is of a configuration
	Force   bool   // the release is tried also while places are open
}

// Kind is what it brings.
func (p Publication) Kind() Kind {
	if p.Release != "" {
		return Upgrades
	}
	return Settings
}

// Offer is what one site is told by a publication.
type Offer struct {
	Site    string
	Version int64 // its number: never used again, neither for a configuration nor for a release
	Config  string
	Told    time.Time // zero: not yet
	Runs    time.Time // since when it has proved itself; zero: not yet
	Back    string    // why the site does not run it; ""
	Was     string    // version of Parvis before a release; ""
	Passed  bool      // it went back, and a person goes on without it
}

// Publish begins one: By, Release and Force of p count, and of each offer Site, Config, Was and Told; their order is that of telling. A former one of its kind that still
// goes on is ended: sites are never told two things.
func (t *Tenant) Publish(ctx context.Context, p Publication, offers []Offer) (Publication, error) {
	if _, err := t.tx.Exec(ctx, "UPDATE publication SET state = 'ended' WHERE state IN ('going', 'stopped') AND "+p.Kind().of()); err != nil {
		return p, fmt.Errorf("store: publish: %w", err)
	}
	err := t.tx.QueryRow(ctx, "INSERT INTO publication (tenant, by, release, force) VALUES ($1, $2, NULLIF($3, ''), $4) RETURNING id, made, state, stage",
		t.id, p.By, p.Release, p.Force).Scan(&p.ID, &p.Made, &p.State, &p.Stage)
	if err != nil {
		return p, fmt.Errorf("store: publish: %w", err)
	}
	for _, o := range offers {
		if _, err := t.Site(ctx, o.Site); err != nil {
			return p, err
		}
		if _, err := t.tx.Exec(ctx, "INSERT INTO offer (publication, tenant, site, config, was, told) VALUES ($1, $2, $3, $4, $5, $6)",
			p.ID, t.id, o.Site, o.Config, o.Was, at(o.Told)); err != nil {
			return p, fmt.Errorf("store: publish: %w", err)
		}
	}
	return p, nil
}

const publicationColumns = "SELECT id, by, made, state, stage, coalesce(release, ''), force FROM publication"

// Publications are the last ones of a kind, newest first.
func (t *Tenant) Publications(ctx context.Context, of Kind, most int) ([]Publication, error) {
	rows, err := t.tx.Query(ctx, publicationColumns+" WHERE "+of.of()+" ORDER BY id DESC LIMIT $1", most)
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
	rows, err := t.tx.Query(ctx, publicationColumns+" WHERE id = $1", id)
	if err == nil {
		p, err = pgx.CollectOneRow(rows, pgx.RowToStructByPos[Publication])
	}
	if err = one(err); err != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("store: publication: %w", err)
	}
	return p, err
}

const offerColumns = "SELECT site, version, config, told, runs, back, was, passed FROM offer"

func scanOffer(r pgx.CollectableRow) (o Offer, err error) {
	var told, runs *time.Time
	if err = r.Scan(&o.Site, &o.Version, &o.Config, &told, &runs, &o.Back, &o.Was, &o.Passed); err != nil {
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

// Told is the newest of what a site has been told of a kind; ErrUnknown: nothing yet.
func (t *Tenant) Told(ctx context.Context, of Kind, site string) (Offer, error) {
	return t.offer(ctx, "site = $1 AND told IS NOT NULL AND publication IN (SELECT id FROM publication WHERE "+of.of()+")", site)
}

// ToldBefore is what a site had been told of a configuration before an offer; ErrUnknown: nothing.
func (t *Tenant) ToldBefore(ctx context.Context, o Offer) (Offer, error) {
	return t.offer(ctx, "site = $1 AND told IS NOT NULL AND back = '' AND version < $2 AND publication IN (SELECT id FROM publication WHERE "+Settings.of()+")",
		o.Site, o.Version)
}

// offer is the newest for which a condition holds.
func (t *Tenant) offer(ctx context.Context, where string, args ...any) (o Offer, err error) {
	rows, err := t.tx.Query(ctx, offerColumns+" WHERE "+where+" ORDER BY version DESC LIMIT 1", args...)
	if err == nil {
		o, err = pgx.CollectOneRow(rows, scanOffer)
	}
	if err = one(err); err != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("store: offer: %w", err)
	}
	return o, err
}

// AllTold is Told of every site that has been told anything, by site.
func (t *Tenant) AllTold(ctx context.Context, of Kind) (map[string]Offer, error) {
	rows, err := t.tx.Query(ctx, "SELECT DISTINCT ON (site) "+strings.TrimPrefix(offerColumns, "SELECT ")+" WHERE told IS NOT NULL AND publication IN (SELECT id FROM publication WHERE "+of.of()+") ORDER BY site, version DESC")
	if err != nil {
		return nil, fmt.Errorf("store: offers: %w", err)
	}
	offers, err := pgx.CollectRows(rows, scanOffer)
	if err != nil {
		return nil, fmt.Errorf("store: offers: %w", err)
	}
	all := make(map[string]Offer, len(offers))
	for _, o := range offers {
		all[o.Site] = o
	}
	return all, nil
}

// SetOffer keeps what is known of a site's offer now: Told, Runs and Back of o.
func (t *Tenant) SetOffer(ctx context.Context, o Offer) error {
	return t.changed(ctx, "UPDATE offer SET told = $3, runs = $4, back = $5 WHERE site = $1 AND version = $2", o.Site, o.Version, at(o.Told), at(o.Runs), o.Back)
}

// Wanted is the release that a site should run: the newest that it was told of, unless it went back from it, or the rollout has been held since, or
// the release was withdrawn. ErrUnknown: none.
func (t *Tenant) Wanted(ctx context.Context, site string) (o Offer, p Publication, err error) {
	if o, err = t.Told(ctx, Upgrades, site); err != nil {
		return o, p, err
	}
	err = one(t.tx.QueryRow(ctx, `SELECT p.id, p.release, p.force FROM offer o JOIN publication p ON p.id = o.publication JOIN release r ON r.version = p.release
		WHERE o.version = $1 AND o.back = '' AND r.withdrawn IS NULL AND (p.state IN ('going', 'done') OR o.runs IS NOT NULL)`, o.Version).
		Scan(&p.ID, &p.Release, &p.Force))
	if err != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("store: wanted release: %w", err)
	}
	return o, p, err
}

// GoOn lets a publication that has stopped go on without the sites that went back. ErrUnknown: it has not stopped.
func (t *Tenant) GoOn(ctx context.Context, id int64) error {
	if err := t.changed(ctx, "UPDATE publication SET state = 'going' WHERE id = $1 AND state = 'stopped'", id); err != nil {
		return err
	}
	if _, err := t.tx.Exec(ctx, "UPDATE offer SET passed = true WHERE publication = $1 AND back <> ''", id); err != nil {
		return fmt.Errorf("store: go on: %w", err)
	}
	return nil
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
