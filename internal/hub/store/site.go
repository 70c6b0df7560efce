package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"parvis/internal/hublink/wire"
)

// Site is a public place of a commune.
type Site struct {
	ID, Name       string
	Zone           string // name of its time zone
	Version, Model string // of its Parvis and its board, as it said
	Made           time.Time
	Enrolled       time.Time // zero: no box yet
	// Contact is when it was last heard and how it was; nil: never.
	Contact *Contact
	// Today is the day that it is there now; its zero value where nothing was counted yet.
	Today Today
}

// Today is what a list of sites says of the day that it is.
type Today struct {
	Day      int // 20261124
	Peak     int // sessions at once
	Sessions uint64
}

// Contact is a sign of life.
type Contact struct {
	At      time.Time // by the hub's clock
	Sent    time.Time // by the site's; zero while it does not know the time
	Waiting int       // hours that the site still has to send
	Now     wire.Now
}

// Ref names a site of a commune.
type Ref struct{ Tenant, Site string }

// random is n random bytes; crypto/rand does not fail.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func hash(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

// AddSite makes a site that has no box yet.
func (t *Tenant) AddSite(ctx context.Context, name, zone string) (Site, error) {
	if _, err := time.LoadLocation(zone); err != nil || zone == "" {
		return Site{}, fmt.Errorf("store: add site %q: time zone %q: expected a name such as Europe/Paris", name, zone)
	}
	s := Site{ID: hex.EncodeToString(random(8)), Name: name, Zone: zone}
	err := t.tx.QueryRow(ctx, "INSERT INTO site (id, tenant, name, zone) VALUES ($1, $2, $3, $4) RETURNING made", s.ID, t.id, s.Name, s.Zone).Scan(&s.Made)
	if err != nil {
		return Site{}, fmt.Errorf("store: add site %q: %w", name, err)
	}
	return s, nil
}

// RenameSite gives a site another name.
func (t *Tenant) RenameSite(ctx context.Context, site, name string) error {
	return t.changed(ctx, "UPDATE site SET name = $2 WHERE id = $1", site, name)
}

// RemoveSite removes a site with all its counts. Its box is unknown from then on.
func (t *Tenant) RemoveSite(ctx context.Context, site string) error {
	return t.changed(ctx, "DELETE FROM site WHERE id = $1", site)
}

// changed runs a statement that must change one row.
func (t *Tenant) changed(ctx context.Context, sql string, args ...any) error {
	tag, err := t.tx.Exec(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrUnknown
	}
	return nil
}

// Code is what lets one box enrol as a site, until a moment, once. It is shown now and never again: 80 random bits, as
// four groups of four. The codes that the site had before are worth nothing from then on.
func (t *Tenant) Code(ctx context.Context, site string, ttl time.Duration) (code string, until time.Time, err error) {
	if _, err := t.Site(ctx, site); err != nil {
		return "", time.Time{}, err
	}
	code = base32.StdEncoding.EncodeToString(random(10))
	if _, err := t.tx.Exec(ctx, "DELETE FROM code WHERE site = $1", site); err != nil {
		return "", time.Time{}, fmt.Errorf("store: code: %w", err)
	}
	err = t.tx.QueryRow(ctx, "INSERT INTO code (hash, tenant, site, until) VALUES ($1, $2, $3, now() + $4) RETURNING until",
		hash(code), t.id, site, ttl).Scan(&until)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("store: code: %w", err)
	}
	return strings.Join([]string{code[:4], code[4:8], code[8:12], code[12:]}, "-"), until, nil
}

// spelled is a code as it is kept, however it was typed.
func spelled(code string) string {
	return strings.ToUpper(strings.NewReplacer("-", "", " ", "", "\u00a0", "").Replace(strings.TrimSpace(code)))
}

// Enrol uses a code up and gives the site's box a token; a token that another box of this site had is worth nothing from then on.
func (h *Hub) Enrol(ctx context.Context, e wire.Enrolment) (ref Ref, name, token string, err error) {
	token = base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random(32))
	err = pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, "SELECT tenant, site FROM use_code($1)", hash(spelled(e.Code))).Scan(&ref.Tenant, &ref.Site); err != nil {
			return one(err)
		}
		if _, err := tx.Exec(ctx, "SELECT set_config('parvis.tenant', $1, true)", ref.Tenant); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `UPDATE site SET token_hash = $2, seal_key = $3, version = $4, model = $5, enrolled = now()
			WHERE id = $1 RETURNING name`, ref.Site, hash(token), e.SealKey, e.Version, e.Model).Scan(&name)
	})
	if errors.Is(err, ErrUnknown) {
		return Ref{}, "", "", err
	}
	if err != nil {
		return Ref{}, "", "", fmt.Errorf("store: enrol: %w", err)
	}
	return ref, name, token, nil
}

// SiteOf tells whose token it is.
func (h *Hub) SiteOf(ctx context.Context, token string) (ref Ref, err error) {
	err = h.pool.QueryRow(ctx, "SELECT tenant, site FROM site_of_token($1)", hash(token)).Scan(&ref.Tenant, &ref.Site)
	if err = one(err); err != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("store: token: %w", err)
	}
	return ref, err
}

// The bounds of the day say nothing new, but an index may be asked by them: what is made of a row (its zone) is compared only after row-level
// security has let it through, and every day of the commune would be read.
const siteColumns = `SELECT s.id, s.name, s.zone, s.version, s.model, s.made, s.enrolled, c.at, c.sent, c.waiting, c.now,
	d.day, d.peak, d.sessions
	FROM site s LEFT JOIN contact c ON c.site = s.id
	LEFT JOIN day d ON d.site = s.id AND d.day = to_char(now() AT TIME ZONE s.zone, 'YYYYMMDD')::int
		AND d.day BETWEEN to_char(now() AT TIME ZONE 'UTC' - interval '1 day', 'YYYYMMDD')::int AND to_char(now() AT TIME ZONE 'UTC' + interval '1 day', 'YYYYMMDD')::int`

func scanSite(row pgx.Row) (s Site, err error) {
	var (
		enrolled, at *time.Time
		sent         *int64
		waiting      *int
		now          *wire.Now
		day, peak    *int
		sessions     *uint64
	)
	err = row.Scan(&s.ID, &s.Name, &s.Zone, &s.Version, &s.Model, &s.Made, &enrolled, &at, &sent, &waiting, &now, &day, &peak, &sessions)
	if err != nil {
		return Site{}, err
	}
	s.Enrolled = from(enrolled)
	if at != nil {
		s.Contact = &Contact{At: *at, Waiting: *waiting, Now: *now}
		if *sent > 0 {
			s.Contact.Sent = time.Unix(*sent, 0)
		}
	}
	if day != nil {
		s.Today = Today{*day, *peak, *sessions}
	}
	return s, nil
}

// Sites are all sites of the commune, by name.
func (t *Tenant) Sites(ctx context.Context) ([]Site, error) {
	rows, err := t.tx.Query(ctx, siteColumns+" ORDER BY s.name, s.id")
	if err != nil {
		return nil, fmt.Errorf("store: sites: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (Site, error) { return scanSite(r) })
	if err != nil {
		return nil, fmt.Errorf("store: sites: %w", err)
	}
	return all, nil
}

// Site is one of them, or ErrUnknown.
func (t *Tenant) Site(ctx context.Context, id string) (Site, error) {
	s, err := scanSite(t.tx.QueryRow(ctx, siteColumns+" WHERE s.id = $1", id))
	if err = one(err); err != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("store: site: %w", err)
	}
	return s, err
}
