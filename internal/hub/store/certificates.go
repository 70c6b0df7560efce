package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Certificate is one that a site has asked for.
type Certificate struct {
	Site, Name string
	CSR        []byte    // DER
	Chain      string    // PEM; "" not yet
	Until      time.Time // when it ends
	Tried      time.Time // zero: never
	Why        string    // the last try failed: dns, authority
}

// SetNames gives a site its DNS names, in place of those that it had. ErrTaken: another site, maybe of another commune, has one of them.
func (t *Tenant) SetNames(ctx context.Context, site string, names []string) error {
	if _, err := t.Site(ctx, site); err != nil {
		return err
	}
	lower := make([]string, len(names))
	for i, n := range names {
		lower[i] = strings.ToLower(strings.TrimSuffix(n, "."))
	}
	if _, err := t.tx.Exec(ctx, "DELETE FROM site_name WHERE site = $1 AND name <> ALL($2)", site, lower); err != nil {
		return fmt.Errorf("store: names: %w", err)
	}
	for _, n := range lower {
		_, err := t.tx.Exec(ctx, "INSERT INTO site_name (name, tenant, site) SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT FROM site_name WHERE name = $1 AND site = $3)", n, t.id, site)
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "23505" { // unique_violation
			return fmt.Errorf("%w: %s", ErrTaken, n)
		}
		if err != nil {
			return fmt.Errorf("store: names: %w", err)
		}
	}
	return nil
}

// Names are a site's DNS names.
func (t *Tenant) Names(ctx context.Context, site string) ([]string, error) {
	rows, err := t.tx.Query(ctx, "SELECT name FROM site_name WHERE site = $1 ORDER BY name", site)
	if err != nil {
		return nil, fmt.Errorf("store: names: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("store: names: %w", err)
	}
	return all, nil
}

const certificateColumns = "SELECT site, name, csr, chain, until, tried, why FROM certificate"

func scanCertificate(r pgx.CollectableRow) (c Certificate, err error) {
	var until, tried *time.Time
	if err = r.Scan(&c.Site, &c.Name, &c.CSR, &c.Chain, &until, &tried, &c.Why); err != nil {
		return c, err
	}
	c.Until, c.Tried = from(until), from(tried)
	return c, nil
}

// AskCertificate keeps a site's request for one of its names and returns what there is for it. Another request than before begins anew.
func (t *Tenant) AskCertificate(ctx context.Context, site, name string, csr []byte) (c Certificate, err error) {
	var ours bool
	if err := t.tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM site_name WHERE site = $1 AND name = $2)", site, name).Scan(&ours); err != nil {
		return c, fmt.Errorf("store: certificate: %w", err)
	}
	if !ours {
		return c, ErrUnknown
	}
	_, err = t.tx.Exec(ctx, `INSERT INTO certificate (name, tenant, site, csr) VALUES ($1, $2, $3, $4)
		ON CONFLICT (name) DO UPDATE SET site = excluded.site, csr = excluded.csr, chain = '', until = NULL, tried = NULL, why = ''
		WHERE certificate.csr <> excluded.csr OR certificate.site <> excluded.site`, name, t.id, site, csr)
	if err != nil {
		return c, fmt.Errorf("store: certificate: %w", err)
	}
	rows, err := t.tx.Query(ctx, certificateColumns+" WHERE name = $1", name)
	if err == nil {
		c, err = pgx.CollectOneRow(rows, scanCertificate)
	}
	if err != nil {
		return c, fmt.Errorf("store: certificate: %w", err)
	}
	return c, nil
}

// WaitingCertificates are requests without a certificate that were not tried since a moment.
func (t *Tenant) WaitingCertificates(ctx context.Context, since time.Time) ([]Certificate, error) {
	rows, err := t.tx.Query(ctx, certificateColumns+" WHERE chain = '' AND (tried IS NULL OR tried < $1) ORDER BY tried NULLS FIRST, name", since)
	if err != nil {
		return nil, fmt.Errorf("store: certificates: %w", err)
	}
	all, err := pgx.CollectRows(rows, scanCertificate)
	if err != nil {
		return nil, fmt.Errorf("store: certificates: %w", err)
	}
	return all, nil
}

// SetCertificate keeps what became of a request, unless the site has made another one meanwhile.
func (t *Tenant) SetCertificate(ctx context.Context, c Certificate) error {
	_, err := t.tx.Exec(ctx, "UPDATE certificate SET chain = $3, until = $4, tried = $5, why = $6 WHERE name = $1 AND csr = $2",
		c.Name, c.CSR, c.Chain, at(c.Until), at(c.Tried), c.Why)
	if err != nil {
		return fmt.Errorf("store: certificate: %w", err)
	}
	return nil
}

// ACMEKey is the private key of our account at an authority: the one that there is, or fresh from now on. DER.
func (h *Hub) ACMEKey(ctx context.Context, directory string, fresh []byte) (key []byte, err error) {
	if err = h.pool.QueryRow(ctx, "SELECT acme_key($1, $2)", directory, fresh).Scan(&key); err != nil {
		return nil, fmt.Errorf("store: account: %w", err)
	}
	return key, nil
}
