package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"parvis/internal/hublink/wire"
)

// mostCopies is how many days' copies of a site are kept. A box that sends nonsense needs as many days to push out what was good.
const mostCopies = 3

// Copy is one encrypted copy of a site. The hub has no key to it.
type Copy struct {
	Kept time.Time // when it was whole here, by the database's clock
	Sum  []byte    // SHA-256
	Size int       // bytes
}

// KeepCopy keeps a site's copy in the place of the one of the same day, and lets those go that are too many; ErrUnknown: no such site.
func (t *Tenant) KeepCopy(ctx context.Context, site string, sum, body []byte) error {
	if err := t.changed(ctx, `INSERT INTO copy (site, tenant, day, kept, sum, size, body)
		SELECT id, tenant, (now() AT TIME ZONE 'UTC')::date, now(), $2, $3, $4 FROM site WHERE id = $1
		ON CONFLICT (site, day) DO UPDATE SET kept = excluded.kept, sum = excluded.sum, size = excluded.size, body = excluded.body`,
		site, sum, len(body), body); err != nil {
		return err
	}
	if _, err := t.tx.Exec(ctx, `DELETE FROM copy WHERE site = $1 AND day NOT IN (SELECT day FROM copy WHERE site = $1 ORDER BY day DESC LIMIT $2)`,
		site, mostCopies); err != nil {
		return fmt.Errorf("store: keep copy: %w", err)
	}
	return nil
}

// Copies are those that are kept of a site, the newest first.
func (t *Tenant) Copies(ctx context.Context, site string) ([]Copy, error) {
	rows, err := t.tx.Query(ctx, "SELECT kept, sum, size FROM copy WHERE site = $1 ORDER BY day DESC", site)
	if err != nil {
		return nil, fmt.Errorf("store: copies: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Copy])
	if err != nil {
		return nil, fmt.Errorf("store: copies: %w", err)
	}
	return all, nil
}

// NewestCopies is when the newest copy of each site was kept; a site without one is not in it.
func (t *Tenant) NewestCopies(ctx context.Context) (map[string]time.Time, error) {
	rows, err := t.tx.Query(ctx, "SELECT site, max(kept) FROM copy GROUP BY site")
	if err != nil {
		return nil, fmt.Errorf("store: copies: %w", err)
	}
	newest := map[string]time.Time{}
	var (
		site string
		kept time.Time
	)
	if _, err := pgx.ForEachRow(rows, []any{&site, &kept}, func() error { newest[site] = kept; return nil }); err != nil {
		return nil, fmt.Errorf("store: copies: %w", err)
	}
	return newest, nil
}

// CopyBody is a copy by its SHA-256, or ErrUnknown.
func (t *Tenant) CopyBody(ctx context.Context, site string, sum []byte) (body []byte, err error) {
	err = t.tx.QueryRow(ctx, "SELECT body FROM copy WHERE site = $1 AND sum = $2", site, sum).Scan(&body)
	if err = one(err); err != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("store: copy: %w", err)
	}
	return body, err
}

// Boxes is what became of the boxes of a site.
type Boxes struct {
	Replaced time.Time // when one last took the place of another with its copy; zero: never
	Refused  time.Time // when one that was replaced last spoke, and was refused; zero: never
}

// Boxes of a site, or ErrUnknown.
func (t *Tenant) Boxes(ctx context.Context, site string) (b Boxes, err error) {
	var replaced, seen *time.Time
	err = t.tx.QueryRow(ctx, "SELECT replaced, (SELECT max(seen) FROM retired WHERE retired.site = $1) FROM site WHERE id = $1", site).Scan(&replaced, &seen)
	if err = one(err); err != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("store: boxes: %w", err)
	}
	return Boxes{from(replaced), from(seen)}, err
}

// SiteOfCode tells whose code it is, for a box with that sealing key, and uses nothing up. ErrUnknown: it is worth nothing.
func (h *Hub) SiteOfCode(ctx context.Context, code string, sealKey []byte) (ref Ref, err error) {
	err = h.pool.QueryRow(ctx, "SELECT tenant, site FROM site_of_code($1, $2)", hash(spelled(code)), sealKey).Scan(&ref.Tenant, &ref.Site)
	if err = one(err); err != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("store: code: %w", err)
	}
	return ref, err
}

// HeardRetired tells that a token is a replaced box's, at most once a minute; else ErrUnknown.
func (h *Hub) HeardRetired(ctx context.Context, token string) (ref Ref, err error) {
	err = h.pool.QueryRow(ctx, "SELECT tenant, site FROM heard_retired($1)", hash(token)).Scan(&ref.Tenant, &ref.Site)
	if err = one(err); err != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("store: token: %w", err)
	}
	return ref, err
}

// enrolled writes the new box of a site, and retires the token of the one before.
func enrolled(ctx context.Context, tx pgx.Tx, site, token string, e wire.Enrolment) (name string, err error) {
	if _, err := tx.Exec(ctx, `INSERT INTO retired (hash, tenant, site) SELECT token_hash, tenant, id FROM site WHERE id = $1 AND token_hash IS NOT NULL
		ON CONFLICT DO NOTHING`, site); err != nil {
		return "", err
	}
	err = tx.QueryRow(ctx, `UPDATE site SET token_hash = $2, seal_key = $3, version = $4, model = $5, enrolled = now(),
		replaced = CASE WHEN $6 THEN now() ELSE replaced END WHERE id = $1 RETURNING name`,
		site, hash(token), e.SealKey, e.Version, e.Model, e.Replaces).Scan(&name)
	return name, err
}
