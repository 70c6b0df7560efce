package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Backup is a copy of the whole database.
type Backup struct {
	At      time.Time // what it holds is of this moment
	Bytes   int64     // 0: not known, the town's own
	Checked bool      // it was read back to its end
}

// AddBackup writes down that there is one.
func (h *Hub) AddBackup(ctx context.Context, b Backup) error {
	_, err := h.pool.Exec(ctx, "INSERT INTO backup (at, bytes, checked) VALUES ($1, $2, $3) ON CONFLICT (at) DO NOTHING", b.At, b.Bytes, b.Checked)
	if err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	return nil
}

// LastBackup is the newest; ErrUnknown: there never was one.
func (h *Hub) LastBackup(ctx context.Context) (b Backup, err error) {
	err = h.pool.QueryRow(ctx, "SELECT at, bytes, checked FROM backup ORDER BY at DESC LIMIT 1").Scan(&b.At, &b.Bytes, &b.Checked)
	if err = one(err); err != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("store: backup: %w", err)
	}
	return b, err
}

// AllWaiting is what has not arrived yet of all communes' messages, by way; Why is not told.
func (h *Hub) AllWaiting(ctx context.Context) ([]Waiting, error) {
	rows, err := h.pool.Query(ctx, "SELECT way, waiting, since, '' FROM epci_messages ORDER BY way")
	if err != nil {
		return nil, fmt.Errorf("store: waiting messages: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Waiting])
	if err != nil {
		return nil, fmt.Errorf("store: waiting messages: %w", err)
	}
	return all, nil
}
