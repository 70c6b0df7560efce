// Package store is everything that the hub keeps, in PostgreSQL 15 or newer: every SQL statement of the hub is here.
//
// A commune is a tenant. Row-level security compares each row's tenant with the setting `parvis.tenant` of the transaction, and
// the program's role owns no table: a query that forgets whose rows it wants finds none. Hub.Tenant is the only way to a commune's rows. What is
// asked before a tenant is known goes through functions of the database that do one thing each (docs/adr/0020-hub.md).
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // goose speaks database/sql
	"github.com/pressly/goose/v3"
)

// Errors of the store.
var (
	ErrUnknown = errors.New("store: there is no such thing in this commune")
	ErrTaken   = errors.New("store: this name is taken")
	// ErrBusy: another transaction stood in the way of this one, and nothing of it was kept. The same again may well go through.
	ErrBusy = errors.New("store: another transaction stood in the way")
	// ErrNumbers: what was to be kept has a number that no column holds.
	ErrNumbers = errors.New("store: a number that is too large to be kept")
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the schema to this version. owner connects as the role that owns the tables; the program's role is parvis_hub, and
// exists already. Two that run at once wait for each other.
func Migrate(ctx context.Context, owner string) error {
	db, err := sql.Open("pgx", owner)
	if err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	defer db.Close()
	db.SetMaxOpenConns(2)
	lock, err := db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	defer lock.Close()
	if _, err := lock.ExecContext(ctx, "SELECT pg_advisory_lock($1)", key("migrate")); err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithAllowOutofOrder(true))
	if err == nil {
		_, err = p.Up(ctx)
	}
	if err == nil {
		_, err = db.ExecContext(ctx, "GRANT SELECT ON goose_db_version TO parvis_hub") // for Current
	}
	if err != nil {
		return fmt.Errorf("store: migrate: %w", err)
	}
	return nil
}

// Hub is the connections to the database. Its methods may be called from several goroutines, and several processes.
type Hub struct{ pool *pgxpool.Pool }

// Open connects as the program's role. It does not wait for the database; Ping does.
func Open(ctx context.Context, program string) (*Hub, error) {
	cfg, err := pgxpool.ParseConfig(program)
	if err != nil {
		return nil, errors.New("store: the database's connection string cannot be read") // the cause would print it, password included
	}
	cfg.MaxConns = 20
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	return &Hub{pool}, nil
}

// Close waits for what is going on.
func (h *Hub) Close() { h.pool.Close() }

// Ping asks the database for a sign of life.
func (h *Hub) Ping(ctx context.Context) error {
	if err := h.pool.Ping(ctx); err != nil {
		return fmt.Errorf("store: ping: %w", err)
	}
	return nil
}

// Tenant is a transaction in one commune: nothing of another can be seen or changed by it.
type Tenant struct {
	tx pgx.Tx
	id string
}

// ID is the commune's.
func (t *Tenant) ID() string { return t.id }

// Tenant runs fn in a transaction of a commune, which is kept when fn returns nil. A commune that there is not has no rows. The setting
// parvis.releases says that this hub tells rollouts of releases from those of configurations (migration 00040).
func (h *Hub) Tenant(ctx context.Context, id string, fn func(*Tenant) error) error {
	return named(pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT set_config('parvis.tenant', $1, true), set_config('parvis.releases', 'known', true)", id); err != nil {
			return fmt.Errorf("store: begin: %w", err)
		}
		return fn(&Tenant{tx, id})
	}))
}

// named wraps what PostgreSQL says in the error that callers ask for (its appendix A, error codes).
func named(err error) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return err
	}
	switch pg.Code {
	case "40001", "40P01", "55P03": // serialization_failure, deadlock_detected, lock_not_available
		return fmt.Errorf("%w: %w", ErrBusy, err)
	case "22003": // numeric_value_out_of_range
		return fmt.Errorf("%w: %w", ErrNumbers, err)
	}
	return err
}

// Once runs fn where no other hub runs the same at this moment; ran tells whether. The lock goes with the connection, also of a hub
// that falls.
func (h *Hub) Once(ctx context.Context, what string, fn func(context.Context) error) (ran bool, err error) {
	c, err := h.pool.Acquire(ctx)
	if err != nil {
		return false, fmt.Errorf("store: lock %s: %w", what, err)
	}
	defer c.Release()
	if err := c.QueryRow(ctx, "SELECT pg_try_advisory_lock($1)", key(what)).Scan(&ran); err != nil || !ran {
		return false, err
	}
	defer func() {
		if _, uerr := c.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", key(what)); uerr != nil {
			c.Conn().Close(context.WithoutCancel(ctx)) // which unlocks
		}
	}()
	return true, fn(ctx)
}

// key is an advisory lock's number.
func key(what string) int64 {
	h := fnv.New64a()
	h.Write([]byte("parvis " + what))
	return int64(h.Sum64())
}

// one turns "no row" into ErrUnknown.
func one(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrUnknown
	}
	return err
}

// at is a time as the database has it: zero is NULL.
func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// from is the reverse.
func from(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
