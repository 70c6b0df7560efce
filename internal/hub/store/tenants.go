package store

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Commune is a tenant, as those who run the hub see it.
type Commune struct {
	ID, Name string
	Made     time.Time
}

var identifier = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// Identifier reports whether a commune can be called so.
func Identifier(id string) bool { return identifier.MatchString(id) }

// AddTenant lets a commune join; its identifier is of lower-case letters, digits and hyphens. ErrTaken when there is one.
func (h *Hub) AddTenant(ctx context.Context, id, name string) error {
	_, err := h.pool.Exec(ctx, "SELECT add_tenant($1, $2)", id, name)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" { // unique_violation
		return ErrTaken
	}
	if err != nil {
		return fmt.Errorf("store: add commune %q: %w", id, err)
	}
	return nil
}

// RemoveTenant removes a commune and everything of it. Its boxes are unknown from then on, and go on.
func (h *Hub) RemoveTenant(ctx context.Context, id string) error {
	var found bool
	if err := h.pool.QueryRow(ctx, "SELECT remove_tenant($1)", id).Scan(&found); err != nil {
		return fmt.Errorf("store: remove commune %q: %w", id, err)
	}
	if !found {
		return ErrUnknown
	}
	return nil
}

// Tenants are all communes, by name.
func (h *Hub) Tenants(ctx context.Context) ([]Commune, error) {
	rows, err := h.pool.Query(ctx, "SELECT id, name, made FROM epci_tenant ORDER BY name, id")
	if err != nil {
		return nil, fmt.Errorf("store: communes: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Commune])
	if err != nil {
		return nil, fmt.Errorf("store: communes: %w", err)
	}
	return all, nil
}

// Glance is all that those who run the hub see of a commune's site: that it is well, and totals.
type Glance struct {
	Tenant, TenantName string
	Site, Name         string
	Version, Model     string
	Contact            *time.Time // nil: never heard
	Waiting            *int       // hours that it still has to send
	LineUp             *bool
	Problems           *int
	Sessions           int64 // of the last 30 days
}

// Glances are all sites of all communes, by commune and name.
func (h *Hub) Glances(ctx context.Context) ([]Glance, error) {
	rows, err := h.pool.Query(ctx, `SELECT tenant, tenant_name, site, name, version, model, contact, waiting, line_up, problems, sessions_30_days
		FROM epci_site ORDER BY tenant_name, name, site`)
	if err != nil {
		return nil, fmt.Errorf("store: glances: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Glance])
	if err != nil {
		return nil, fmt.Errorf("store: glances: %w", err)
	}
	return all, nil
}

// Card is what a commune is called.
func (t *Tenant) Card(ctx context.Context) (c Commune, err error) {
	err = t.tx.QueryRow(ctx, "SELECT id, name, made FROM tenant WHERE id = $1", t.id).Scan(&c.ID, &c.Name, &c.Made)
	if err = one(err); err != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("store: commune: %w", err)
	}
	return c, err
}

// Export writes everything of the commune as a ZIP archive with a CSV file for each table, secrets' hashes included: whoever runs another hub
// can take its sites over without a visit.
func (t *Tenant) Export(ctx context.Context, w io.Writer) error {
	rows, err := t.tx.Query(ctx, `SELECT c.table_name::text FROM information_schema.columns c JOIN pg_class k ON k.oid = to_regclass(quote_ident(c.table_name))
		WHERE c.table_schema = 'public' AND c.column_name = 'tenant' AND k.relkind IN ('r', 'p') AND NOT k.relispartition ORDER BY 1`)
	if err != nil {
		return fmt.Errorf("store: export: %w", err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("store: export: %w", err)
	}
	z := zip.NewWriter(w)
	for _, table := range append([]string{"tenant"}, tables...) {
		f, err := z.Create(table + ".csv")
		if err != nil {
			return fmt.Errorf("store: export %s: %w", table, err)
		}
		sql := "COPY (SELECT * FROM " + pgx.Identifier{table}.Sanitize() + ") TO STDOUT (FORMAT csv, HEADER)"
		if _, err := t.tx.Conn().PgConn().CopyTo(ctx, f, sql); err != nil {
			return fmt.Errorf("store: export %s: %w", table, err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("store: export: %w", err)
	}
	return nil
}
