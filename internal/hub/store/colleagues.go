package store

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Colleague is somebody of a commune's staff, who works at sites.
type Colleague struct {
	ID, Login, Name string
	Role            string // of portal/staff
	Password        string // argon2id in its usual text form; "" none
	Subject         string // at the town's provider: issuer, a space, sub; "" none
	Made            time.Time
	Closed          time.Time // zero: works here
	Sites           []string  // where
	Worked          []string  // where, when the account was closed everywhere
	Hub             string    // role at the hub, of internal/hub/staff; "" none
}

// Chosen reports whether there is a password that this colleague has chosen.
func (c Colleague) Chosen() bool { return c.Password != "" }

// AddColleague makes one who works nowhere yet, with an account at the hub where c has a role there; ID, Made and Sites of c are not looked at.
// ErrTaken: the commune has this login, or somebody has it at the hub.
func (t *Tenant) AddColleague(ctx context.Context, c Colleague) (Colleague, error) {
	c.ID = strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random(16)))
	c.Login, c.Sites = strings.ToLower(strings.TrimSpace(c.Login)), nil
	err := t.tx.QueryRow(ctx, "INSERT INTO colleague (id, tenant, login, name, role, password, subject) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING made",
		c.ID, t.id, c.Login, c.Name, c.Role, c.Password, c.Subject).Scan(&c.Made)
	if err == nil && c.Hub != "" {
		_, err = t.tx.Exec(ctx, hubAccount, c.ID, c.Hub)
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" { // unique_violation
		return Colleague{}, ErrTaken
	}
	if err != nil {
		return Colleague{}, fmt.Errorf("store: add colleague: %w", err)
	}
	return c, nil
}

// hubAccount gives a colleague an account at the hub, or opens the one that they had: it has the same number, login and password.
const hubAccount = `INSERT INTO staff_account (id, tenant, login, name, role, password, made)
	SELECT id, tenant, login, name, $2, password, now() FROM colleague WHERE id = $1 AND closed IS NULL
	ON CONFLICT (id) DO UPDATE SET login = excluded.login, name = excluded.name, role = excluded.role, password = excluded.password, closed = NULL`

// SeatColleague lets a colleague of sites work with the hub too, in a role of internal/hub/staff. ErrTaken: somebody has this login at the hub.
func (t *Tenant) SeatColleague(ctx context.Context, id, role string) error {
	err := t.changed(ctx, hubAccount, id, role)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "23505" { // unique_violation
		return ErrTaken
	}
	return err
}

// Colleagues are all of them, also those who left, by name.
func (t *Tenant) Colleagues(ctx context.Context) ([]Colleague, error) {
	return t.colleagues(ctx, `SELECT c.id, c.login, c.name, c.role, c.password, c.subject, c.made, c.closed,
		coalesce(array_agg(s.site ORDER BY s.site) FILTER (WHERE s.site IS NOT NULL AND NOT s.former), '{}'), c.worked,
		coalesce((SELECT a.role FROM staff_account a WHERE a.id = c.id AND a.closed IS NULL), '')
		FROM colleague c LEFT JOIN colleague_site s ON s.colleague = c.id GROUP BY c.id ORDER BY c.name, c.id`)
}

func (t *Tenant) colleagues(ctx context.Context, sql string, args ...any) ([]Colleague, error) {
	rows, err := t.tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("store: colleagues: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (c Colleague, err error) {
		var closed *time.Time
		err = r.Scan(&c.ID, &c.Login, &c.Name, &c.Role, &c.Password, &c.Subject, &c.Made, &closed, &c.Sites, &c.Worked, &c.Hub)
		c.Closed = from(closed)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("store: colleagues: %w", err)
	}
	return all, nil
}

// SetColleague keeps another name, role, password and subject of a colleague; each site where she works is told.
func (t *Tenant) SetColleague(ctx context.Context, c Colleague) error {
	if err := t.changed(ctx, "UPDATE colleague SET name = $2, role = $3, password = $4, subject = $5 WHERE id = $1", c.ID, c.Name, c.Role, c.Password, c.Subject); err != nil {
		return err
	}
	return t.tell(ctx, c.ID)
}

// SendColleague says at which sites she works from now on; those where she no longer does close her account.
func (t *Tenant) SendColleague(ctx context.Context, id string, sites []string) error {
	if err := t.changed(ctx, "UPDATE colleague SET closed = NULL WHERE id = $1", id); err != nil {
		return err
	}
	for _, s := range sites {
		if _, err := t.Site(ctx, s); err != nil {
			return err
		}
		_, err := t.tx.Exec(ctx, `INSERT INTO colleague_site (colleague, tenant, site) VALUES ($1, $2, $3)
			ON CONFLICT (colleague, site) DO UPDATE SET former = false`, id, t.id, s)
		if err != nil {
			return fmt.Errorf("store: send colleague: %w", err)
		}
	}
	if _, err := t.tx.Exec(ctx, "UPDATE colleague_site SET former = true WHERE colleague = $1 AND site <> ALL($2)", id, sites); err != nil {
		return fmt.Errorf("store: send colleague: %w", err)
	}
	return t.tell(ctx, id)
}

// CloseColleague closes her account everywhere: every site of the commune is told, also those where she never worked, for she may have entered
// there by the town's provider.
func (t *Tenant) CloseColleague(ctx context.Context, id string) error {
	if err := t.changed(ctx, `UPDATE colleague SET closed = coalesce(closed, now()), password = '', worked = CASE WHEN closed IS NULL
		THEN ARRAY(SELECT site FROM colleague_site WHERE colleague = $1 AND NOT former ORDER BY site) ELSE worked END WHERE id = $1`, id); err != nil {
		return err
	}
	if _, err := t.tx.Exec(ctx, "DELETE FROM staff_token WHERE person = $1", id); err != nil {
		return fmt.Errorf("store: close colleague: %w", err)
	}
	_, err := t.tx.Exec(ctx, `INSERT INTO colleague_site (colleague, tenant, site, former) SELECT $1, $2, id, true FROM site
		ON CONFLICT (colleague, site) DO UPDATE SET former = true`, id, t.id)
	if err != nil {
		return fmt.Errorf("store: close colleague: %w", err)
	}
	return t.tell(ctx, id)
}

// ReopenColleague takes a closing back: the colleague works again where they did, without a password until they choose one.
func (t *Tenant) ReopenColleague(ctx context.Context, id string) error {
	var worked []string
	err := t.tx.QueryRow(ctx, `SELECT ARRAY(SELECT s.id FROM site s WHERE s.id = ANY(c.worked)) FROM colleague c WHERE c.id = $1 AND c.closed IS NOT NULL`, id).Scan(&worked)
	if err = one(err); err != nil {
		if !errors.Is(err, ErrUnknown) {
			err = fmt.Errorf("store: open colleague: %w", err)
		}
		return err
	}
	return t.SendColleague(ctx, id, worked)
}

// tell makes the list of each site that is concerned a new one.
func (t *Tenant) tell(ctx context.Context, id string) error {
	_, err := t.tx.Exec(ctx, "UPDATE site SET staff_version = staff_version + 1 WHERE id IN (SELECT site FROM colleague_site WHERE colleague = $1)", id)
	if err != nil {
		return fmt.Errorf("store: tell sites: %w", err)
	}
	return nil
}

// Roster is who works at a site, and who no longer does (Closed is then not zero), with the list's version; 0: nobody ever did.
func (t *Tenant) Roster(ctx context.Context, site string) (all []Colleague, version int64, err error) {
	if err := t.tx.QueryRow(ctx, "SELECT staff_version FROM site WHERE id = $1", site).Scan(&version); err != nil {
		return nil, 0, one(err)
	}
	all, err = t.colleagues(ctx, `SELECT c.id, c.login, c.name, c.role, c.password, c.subject, c.made,
		CASE WHEN s.former THEN coalesce(c.closed, c.made) END, '{}'::text[], '{}'::text[], ''
		FROM colleague c JOIN colleague_site s ON s.colleague = c.id WHERE s.site = $1 ORDER BY c.id`, site)
	return all, version, err
}

// SealKey is the public key to which the hub seals what is for a site alone; ErrUnknown: no box is enrolled.
func (t *Tenant) SealKey(ctx context.Context, site string) (key []byte, err error) {
	err = t.tx.QueryRow(ctx, "SELECT seal_key FROM site WHERE id = $1 AND seal_key IS NOT NULL", site).Scan(&key)
	if err = one(err); err != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("store: seal key: %w", err)
	}
	return key, err
}

// NotTold are the sites that have not said yet that they know a colleague's last change, those first that were silent for longest.
func (t *Tenant) NotTold(ctx context.Context, id string) ([]string, error) {
	rows, err := t.tx.Query(ctx, `SELECT s.id FROM colleague_site cs JOIN site s ON s.id = cs.site LEFT JOIN contact c ON c.site = s.id
		WHERE cs.colleague = $1 AND s.enrolled IS NOT NULL AND coalesce(NULLIF(c.now->>'staff', '')::bigint, 0) < s.staff_version
		ORDER BY c.at NULLS FIRST, s.name`, id)
	if err != nil {
		return nil, fmt.Errorf("store: not told: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("store: not told: %w", err)
	}
	return all, nil
}
