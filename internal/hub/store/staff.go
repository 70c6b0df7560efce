package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"parvis/internal/hub/staff"
	"parvis/internal/openid"
	"parvis/internal/secrets"
)

// Staff keeps who works with the hub: it is a staff.Store. Its transactions alone see people of every commune, because who somebody is
// must be found before their commune is known.
type Staff struct{ hub *Hub }

// Staff is the hub's.
func (h *Hub) Staff() Staff { return Staff{h} }

var _ staff.Store = Staff{}

func (s Staff) in(ctx context.Context, what string, fn func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, s.hub.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT set_config('parvis.staff', 'on', true)"); err != nil {
			return err
		}
		return fn(tx)
	})
	for _, known := range []error{nil, staff.ErrNotFound, staff.ErrToken, staff.ErrTaken, staff.ErrTenant, staff.ErrLast} {
		if errors.Is(err, known) {
			return err
		}
	}
	return fmt.Errorf("store: staff: %s: %w", what, err)
}

const accountColumns = "a.id, coalesce(a.tenant, ''), coalesce(a.login, ''), a.name, a.role, a.password, coalesce(a.subject, ''), a.made, a.closed"

func accountFields(a *staff.Account, closed **time.Time) []any {
	return []any{&a.ID, &a.Tenant, &a.Login, &a.Name, &a.Role, &a.Password, &a.Subject, &a.Made, closed}
}

// Account implements staff.Store.
func (s Staff) Account(ctx context.Context, by staff.Key) (a staff.Account, err error) {
	err = s.in(ctx, "account", func(tx pgx.Tx) error {
		var closed *time.Time
		err := tx.QueryRow(ctx, "SELECT "+accountColumns+" FROM staff_account a WHERE a.id = nullif($1, '') OR a.login = nullif($2, '') OR a.subject = nullif($3, '')",
			by.ID, by.Login, by.Subject).Scan(accountFields(&a, &closed)...)
		a.ClosedAt = from(closed)
		if errors.Is(err, pgx.ErrNoRows) {
			return staff.ErrNotFound
		}
		return err
	})
	return a, err
}

// People implements staff.Store.
func (s Staff) People(ctx context.Context, tenant string) (accounts []staff.Account, tokens []staff.Token, err error) {
	err = s.in(ctx, "people", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT "+accountColumns+" FROM staff_account a WHERE coalesce(a.tenant, '') = $1 ORDER BY a.name, a.id", tenant)
		if err != nil {
			return err
		}
		accounts, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (a staff.Account, err error) {
			var closed *time.Time
			err = r.Scan(accountFields(&a, &closed)...)
			a.ClosedAt = from(closed)
			return a, err
		})
		if err != nil {
			return err
		}
		rows, err = tx.Query(ctx, tokenColumns+" WHERE coalesce(tenant, '') = $1 ORDER BY label, person", tenant)
		if err != nil {
			return err
		}
		tokens, err = pgx.CollectRows(rows, pgx.RowToStructByPos[staff.Token])
		return err
	})
	return accounts, tokens, err
}

const tokenColumns = "SELECT hash, maker, until, person, coalesce(tenant, ''), role, label FROM staff_token"

// Login implements staff.Store.
func (s Staff) Login(ctx context.Context, hash string) (l staff.Login, a staff.Account, err error) {
	err = s.in(ctx, "login", func(tx pgx.Tx) error {
		var closed *time.Time
		err := tx.QueryRow(ctx, "SELECT l.hash, l.person, l.city, l.seen, "+accountColumns+" FROM staff_login l JOIN staff_account a ON a.id = l.person WHERE l.hash = $1", hash).
			Scan(append([]any{&l.Hash, &l.Person, &l.City, &l.Seen}, accountFields(&a, &closed)...)...)
		a.ClosedAt = from(closed)
		if errors.Is(err, pgx.ErrNoRows) {
			return staff.ErrNotFound
		}
		return err
	})
	return l, a, err
}

// Token implements staff.Store.
func (s Staff) Token(ctx context.Context, hash string) (t staff.Token, err error) {
	err = s.in(ctx, "token", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, tokenColumns+" WHERE hash = $1", hash)
		if err != nil {
			return err
		}
		t, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[staff.Token])
		if errors.Is(err, pgx.ErrNoRows) {
			return staff.ErrToken
		}
		return err
	})
	return t, err
}

// Save implements staff.Store.
func (s Staff) Save(ctx context.Context, c staff.Change) error {
	return s.in(ctx, "save", func(tx pgx.Tx) error {
		if c.Keep != nil { // two who close each other wait for one another
			if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", key("staff "+*c.Keep)); err != nil {
				return err
			}
		}
		for _, h := range c.Use {
			if tag, err := tx.Exec(ctx, "DELETE FROM staff_token WHERE hash = $1", h); err != nil {
				return err
			} else if tag.RowsAffected() == 0 {
				return staff.ErrToken
			}
		}
		var b pgx.Batch
		b.Queue("DELETE FROM staff_token WHERE person = ANY($1)", list(c.ForgetTokens))
		b.Queue("DELETE FROM staff_login WHERE person = ANY($1) OR hash = ANY($2)", list(c.EndLogins), list(c.ForgetLogins))
		for _, a := range c.Accounts {
			b.Queue(`INSERT INTO staff_account (id, tenant, login, name, role, password, subject, made, closed)
				VALUES ($1, nullif($2, ''), nullif($3, ''), $4, $5, $6, nullif($7, ''), $8, $9) ON CONFLICT (id) DO UPDATE SET tenant = excluded.tenant,
				login = excluded.login, name = excluded.name, role = excluded.role, password = excluded.password, subject = excluded.subject, closed = excluded.closed`,
				a.ID, a.Tenant, a.Login, a.Name, a.Role, a.Password, a.Subject, a.Made, at(a.ClosedAt))
		}
		for _, t := range c.Tokens {
			b.Queue("INSERT INTO staff_token (hash, maker, until, person, tenant, role, label) VALUES ($1, $2, $3, $4, nullif($5, ''), $6, $7)",
				t.Hash, t.By, t.Until, t.Person, t.Tenant, t.Role, t.Label)
		}
		for _, l := range c.Logins {
			b.Queue("INSERT INTO staff_login (hash, person, city, seen) VALUES ($1, $2, $3, $4) ON CONFLICT (hash) DO UPDATE SET seen = excluded.seen",
				l.Hash, l.Person, l.City, l.Seen)
		}
		for _, e := range c.Log {
			b.Queue("INSERT INTO staff_log (at, tenant, who, name, role, what, object) VALUES ($1, nullif($2, ''), $3, $4, $5, $6, $7)",
				e.At, e.Tenant, e.Who, e.Name, e.Role, e.What, e.Object)
		}
		if err := tx.SendBatch(ctx, &b).Close(); err != nil {
			var pg *pgconn.PgError
			switch {
			case errors.As(err, &pg) && pg.Code == "23505" && strings.Contains(pg.ConstraintName, "login"): // unique_violation
				return staff.ErrTaken
			case errors.As(err, &pg) && pg.Code == "23503" && strings.Contains(pg.ConstraintName, "tenant"): // foreign_key_violation
				return staff.ErrTenant
			}
			return err
		}
		if c.Keep == nil {
			return nil
		}
		rows, err := tx.Query(ctx, "SELECT role FROM staff_account WHERE coalesce(tenant, '') = $1 AND closed IS NULL", *c.Keep)
		if err != nil {
			return err
		}
		roles, err := pgx.CollectRows(rows, pgx.RowTo[staff.Role])
		if err != nil {
			return err
		}
		for _, r := range roles {
			if r.May(staff.ManageTeam) {
				return nil
			}
		}
		return staff.ErrLast
	})
}

// Try implements staff.Store. One statement counts and decides, so that many at once are counted as many.
func (s Staff) Try(ctx context.Context, name string, free int) (wait time.Duration, err error) {
	err = s.in(ctx, "try", func(tx pgx.Tx) error {
		const waits = "CASE WHEN $W >= $2 THEN now() + least($3::interval * power(2, least($W - $2, 10)), $4::interval) END"
		wrong := "(CASE WHEN t.last < now() - $5::interval THEN 1 ELSE t.wrong + 1 END)"
		tag, err := tx.Exec(ctx, `INSERT INTO staff_try AS t (name, wrong, last, until) VALUES ($1, 1, now(), `+strings.ReplaceAll(waits, "$W", "1")+`)
			ON CONFLICT (name) DO UPDATE SET wrong = `+wrong+`, last = now(), until = `+strings.ReplaceAll(waits, "$W", wrong)+`
			WHERE t.until IS NULL OR t.until <= now()`, secrets.HashOf(name), free, staff.FirstWait, staff.LongestWait, staff.ForgetAfter)
		if err != nil || tag.RowsAffected() > 0 {
			return err
		}
		return tx.QueryRow(ctx, "SELECT greatest(until - now(), '1 second'::interval) FROM staff_try WHERE name = $1", secrets.HashOf(name)).Scan(&wait)
	})
	return wait, err
}

// Forgive implements staff.Store.
func (s Staff) Forgive(ctx context.Context, name string, all bool) error {
	return s.in(ctx, "forgive", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE staff_try SET wrong = CASE WHEN $2 THEN 0 ELSE greatest(wrong - 1, 0) END, until = NULL WHERE name = $1", secrets.HashOf(name), all)
		return err
	})
}

// Log implements staff.Store.
func (s Staff) Log(ctx context.Context, tenant string, f staff.Filter) (found []staff.Entry, err error) {
	err = s.in(ctx, "log", func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT at, coalesce(tenant, ''), who, name, role, what, object FROM staff_log WHERE coalesce(tenant, '') = $1
			AND ($2 = '' OR who = $2) AND ($3 = '' OR what = $3) AND ($4::timestamptz IS NULL OR at < $4) ORDER BY at DESC, id DESC LIMIT $5`,
			tenant, f.Who, f.What, at(f.Before), f.Most)
		if err != nil {
			return err
		}
		found, err = pgx.CollectRows(rows, pgx.RowToStructByPos[staff.Entry])
		return err
	})
	return found, err
}

// Tidy implements staff.Store.
func (s Staff) Tidy(ctx context.Context, now time.Time, idle, keep time.Duration) error {
	return s.in(ctx, "tidy", func(tx pgx.Tx) error {
		var b pgx.Batch
		b.Queue("DELETE FROM staff_token WHERE until <= $1", now)
		b.Queue("DELETE FROM staff_login WHERE seen <= $1", now.Add(-idle-time.Hour))
		b.Queue("DELETE FROM staff_log WHERE at < $1", now.Add(-keep))
		b.Queue("DELETE FROM staff_account WHERE closed < $1", now.Add(-keep))
		b.Queue("DELETE FROM staff_try WHERE last < $1 AND (until IS NULL OR until < $1)", now.Add(-staff.ForgetAfter))
		b.Queue("DELETE FROM staff_journey WHERE made < $1", now.Add(-openid.Patience))
		return tx.SendBatch(ctx, &b).Close()
	})
}

// Put implements openid.Journeys.
func (s Staff) Put(ctx context.Context, state string, j openid.Journey) error {
	return s.in(ctx, "put journey", func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO staff_journey (state, nonce, verifier, next, made) VALUES ($1, $2, $3, $4, now())", secrets.HashOf(state), j.Nonce, j.Verifier, j.Next)
		return err
	})
}

// Take implements openid.Journeys.
func (s Staff) Take(ctx context.Context, state string) (j openid.Journey, ok bool, err error) {
	err = s.in(ctx, "take journey", func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, "DELETE FROM staff_journey WHERE state = $1 RETURNING nonce, verifier, next, made > now() - $2::interval",
			secrets.HashOf(state), openid.Patience).Scan(&j.Nonce, &j.Verifier, &j.Next, &ok)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	return j, ok, err
}
