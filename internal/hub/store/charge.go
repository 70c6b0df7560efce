package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Charge is who has taken an incident in charge, and when.
type Charge struct {
	Incident int64
	Name     string // as colleagues see it
	At       time.Time
}

// Charges are those of all incidents that are kept.
func (t *Tenant) Charges(ctx context.Context) ([]Charge, error) {
	rows, err := t.tx.Query(ctx, "SELECT incident, name, at FROM charge ORDER BY incident")
	if err != nil {
		return nil, fmt.Errorf("store: charges: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Charge])
	if err != nil {
		return nil, fmt.Errorf("store: charges: %w", err)
	}
	return all, nil
}

// TakeCharge says that somebody looks after an open incident; who did so before no longer does.
func (t *Tenant) TakeCharge(ctx context.Context, incident int64, name string) error {
	return t.changed(ctx, `INSERT INTO charge (incident, tenant, name) SELECT id, tenant, $2 FROM incident WHERE id = $1 AND ended IS NULL
		ON CONFLICT (incident) DO UPDATE SET name = excluded.name, at = now()`, incident, name)
}
