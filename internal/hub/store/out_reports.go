package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Dropped is a month's report that was dropped into the commune's folder.
type Dropped struct {
	Month      int // 202611
	Definitive bool
	At         time.Time
}

// Reports are those that were dropped, the newest month first.
func (t *Tenant) Reports(ctx context.Context) ([]Dropped, error) {
	rows, err := t.tx.Query(ctx, "SELECT month, definitive, at FROM report ORDER BY month DESC")
	if err != nil {
		return nil, fmt.Errorf("store: reports: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Dropped])
	if err != nil {
		return nil, fmt.Errorf("store: reports: %w", err)
	}
	return all, nil
}

// SetReport writes down that a month's report was dropped.
func (t *Tenant) SetReport(ctx context.Context, d Dropped) error {
	return t.changed(ctx, `INSERT INTO report (tenant, month, definitive, at) SELECT id, $2, $3, $4 FROM tenant WHERE id = $1
		ON CONFLICT (tenant, month) DO UPDATE SET definitive = excluded.definitive, at = excluded.at`, t.id, d.Month, d.Definitive, d.At)
}

// FirstDays are the first days of which something was counted, by site; one without is not in it.
func (t *Tenant) FirstDays(ctx context.Context) (map[string]int, error) {
	rows, err := t.tx.Query(ctx, "SELECT s.id, (SELECT min(d.day) FROM day d WHERE d.site = s.id) FROM site s")
	if err != nil {
		return nil, fmt.Errorf("store: first days: %w", err)
	}
	all := map[string]int{}
	var (
		site string
		day  *int
	)
	_, err = pgx.ForEachRow(rows, []any{&site, &day}, func() error {
		if day != nil {
			all[site] = *day
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("store: first days: %w", err)
	}
	return all, nil
}
