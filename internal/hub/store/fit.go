package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
)

// Why a hub does not work on a database.
var (
	ErrOld    = errors.New("store: PostgreSQL is older than 15")
	ErrRole   = errors.New("store: the program's role may look past the rows of its commune")
	ErrSchema = errors.New("store: the database is not this version's")
)

// Fit reports whether this hub may work on the database as the role that it has: ErrOld, ErrRole, ErrSchema, or why the database did not say.
func (h *Hub) Fit(ctx context.Context) error {
	var old, all bool
	// Row-level security is not for superusers, for roles that bypass it, and for a table's owner (PostgreSQL 15, §5.8).
	err := h.pool.QueryRow(ctx, `SELECT current_setting('server_version_num')::int < 150000, r.rolsuper OR r.rolbypassrls OR EXISTS (
			SELECT FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND pg_has_role(c.relowner, 'MEMBER'))
		FROM pg_roles r WHERE r.rolname = current_user`).Scan(&old, &all)
	switch {
	case err != nil:
		return fmt.Errorf("store: role: %w", err)
	case old:
		return ErrOld
	case all:
		return ErrRole
	}
	return h.Current(ctx)
}

// Current reports whether the schema has everything that this version needs; it may have more, while a newer hub works beside this one. It is asked
// as the program, which cannot change it. ErrSchema, or why the database did not say.
func (h *Hub) Current(ctx context.Context) error {
	rows, err := h.pool.Query(ctx, "SELECT version_id FROM goose_db_version WHERE is_applied")
	var there []int64
	if err == nil {
		there, err = pgx.CollectRows(rows, pgx.RowTo[int64])
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "42501") { // undefined_table, insufficient_privilege
		return ErrSchema
	}
	if err != nil {
		return fmt.Errorf("store: schema: %w", err)
	}
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return fmt.Errorf("store: schema: %w", err)
	}
	for _, f := range files {
		n, err := goose.NumericComponent(f)
		if err != nil {
			return fmt.Errorf("store: schema: %w", err)
		}
		if !slices.Contains(there, n) {
			return fmt.Errorf("%w: %s is missing", ErrSchema, path.Base(f))
		}
	}
	return nil
}

// Connections are those to the database: at work, and kept ready.
func (h *Hub) Connections() (busy, idle int) {
	s := h.pool.Stat()
	return int(s.AcquiredConns()), int(s.IdleConns())
}
