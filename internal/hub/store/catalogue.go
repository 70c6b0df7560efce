package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"parvis/internal/hublink/wire"
)

// Catalogue is a commune's own services as they were last written, most of them first: so many versions, the newest first. In a commune that wrote
// nothing there is none.
func (t *Tenant) Catalogue(ctx context.Context, most int) ([]Written, error) {
	rows, err := t.tx.Query(ctx, "SELECT source, by, made FROM catalogue WHERE tenant = $1 ORDER BY id DESC LIMIT $2", t.id, most)
	var all []Written
	if err == nil {
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Written])
	}
	if err != nil {
		return nil, fmt.Errorf("store: catalogue: %w", err)
	}
	return all, nil
}

// WriteCatalogue puts another one in force for what is published from now on. Its text has been checked.
func (t *Tenant) WriteCatalogue(ctx context.Context, source, by string) error {
	if _, err := t.tx.Exec(ctx, "INSERT INTO catalogue (tenant, source, by) VALUES ($1, $2, $3)", t.id, source, by); err != nil {
		return fmt.Errorf("store: catalogue: %w", err)
	}
	return nil
}

// SaidOf is what a site says of its catalogue.
type SaidOf struct {
	Site, Name string
	Said       wire.Catalogue
}

// SaidOfCatalogue is what all sites of the commune say, by their names.
func (t *Tenant) SaidOfCatalogue(ctx context.Context) ([]SaidOf, error) {
	rows, err := t.tx.Query(ctx, "SELECT s.id, s.name, c.said FROM site_catalogue c JOIN site s ON s.id = c.site ORDER BY s.name, s.id")
	var all []SaidOf
	if err == nil {
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[SaidOf])
	}
	if err != nil {
		return nil, fmt.Errorf("store: catalogue of sites: %w", err)
	}
	return all, nil
}

// SayCatalogue keeps what a site says of its catalogue. It has passed wire's Check.
func (t *Tenant) SayCatalogue(ctx context.Context, site string, said wire.Catalogue) error {
	if _, err := t.Site(ctx, site); err != nil {
		return err
	}
	_, err := t.tx.Exec(ctx, `INSERT INTO site_catalogue (site, tenant, mark, said) VALUES ($1, $2, $3, $4)
		ON CONFLICT (site) DO UPDATE SET mark = excluded.mark, said = excluded.said`, site, t.id, said.Mark, said)
	if err != nil {
		return fmt.Errorf("store: catalogue of a site: %w", err)
	}
	return nil
}

// CatalogueMark is that of what a site last said of its catalogue; "" nothing.
func (t *Tenant) CatalogueMark(ctx context.Context, site string) (mark string, err error) {
	err = t.tx.QueryRow(ctx, "SELECT mark FROM site_catalogue WHERE site = $1", site).Scan(&mark)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("store: catalogue of a site: %w", err)
	}
	return mark, nil
}

// Decline notes that the commune does not want a proposal, Undecline that it may after all.
func (t *Tenant) Decline(ctx context.Context, p wire.Proposal, by string) error {
	_, err := t.tx.Exec(ctx, "INSERT INTO declined (tenant, service, host, by) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", t.id, p.Service, p.Host, by)
	if err != nil {
		return fmt.Errorf("store: decline: %w", err)
	}
	return nil
}

// Undecline takes a Decline back.
func (t *Tenant) Undecline(ctx context.Context, p wire.Proposal) error {
	return t.changed(ctx, "DELETE FROM declined WHERE tenant = $1 AND service = $2 AND host = $3", t.id, p.Service, p.Host)
}

// Declined are the proposals that the commune does not want, the last one first.
func (t *Tenant) Declined(ctx context.Context) ([]wire.Proposal, error) {
	rows, err := t.tx.Query(ctx, "SELECT service, host FROM declined WHERE tenant = $1 ORDER BY made DESC, service, host", t.id)
	var all []wire.Proposal
	if err == nil {
		all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[wire.Proposal])
	}
	if err != nil {
		return nil, fmt.Errorf("store: declined: %w", err)
	}
	return all, nil
}
