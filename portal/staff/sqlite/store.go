// Package sqlite remembers the staff in one SQLite file (see internal/database). Passwords, PINs, cookies and links are in it
// as hashes only.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"strings"
	"time"

	"parvis/internal/clock"
	"parvis/internal/database"
	"parvis/internal/lang"
	"parvis/portal/staff"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open database.
type Store struct{ db *database.DB }

var _ staff.Store = (*Store)(nil)

// Open opens the database at path, or begins one there (mode 0600). It fails as database.Open does.
func Open(path string, c clock.Clock) (*Store, error) {
	db, err := database.Open(context.Background(), database.Options{
		Path: path, BootID: c.BootID(), Migrations: migrations,
		Loss: lang.Text{
			EN: "accounts of the staff are made anew (parvis staff add)", FR: "les comptes de l'équipe sont à refaire (parvis staff add)",
		},
	})
	if err != nil {
		return nil, err
	}
	return &Store{db: db}, nil
}

// Close writes the log back into the file and closes it.
func (s *Store) Close() error { return s.db.Close() }

// Load implements staff.Store.
func (s *Store) Load(ctx context.Context) (saved staff.Saved, err error) {
	read := func(query string, row func(*sql.Rows) error) {
		if err == nil {
			err = s.read(ctx, query, nil, row)
		}
	}
	read(`SELECT id, login, name, role, password, pin, pin_fails, subject, until_boot_id, until_boot, until_wall, made, closed_at
		FROM account`, func(rows *sql.Rows) error {
		var a staff.Account
		var until, made, closed int64
		err := rows.Scan(&a.ID, &a.Login, &a.Name, &a.Role, &a.Password, &a.PIN, &a.PINFails, &a.Subject,
			&a.Until.BootID, &a.Until.Boot, &until, &made, &closed)
		a.Until.Wall, a.Made, a.ClosedAt = fromMillis(until), fromMillis(made), fromMillis(closed)
		saved.Accounts = append(saved.Accounts, a)
		return err
	})
	read("SELECT id, label, desk, owner, hash, made, seen FROM device", func(rows *sql.Rows) error {
		var d staff.Device
		var made, seen int64
		err := rows.Scan(&d.ID, &d.Label, &d.Desk, &d.Owner, &d.Hash, &made, &seen)
		d.Made, d.Seen = fromMillis(made), fromMillis(seen)
		saved.Devices = append(saved.Devices, d)
		return err
	})
	read(`SELECT hash, kind, by, until_boot_id, until_boot, until_wall, person, role, label, desk, day_boot_id, day_boot, day_wall, device
		FROM token`, func(rows *sql.Rows) error {
		var t staff.Token
		var until, day int64
		err := rows.Scan(&t.Hash, &t.Kind, &t.By, &t.Until.BootID, &t.Until.Boot, &until, &t.Person, &t.Role, &t.Label, &t.Desk,
			&t.Day.BootID, &t.Day.Boot, &day, &t.Device)
		t.Until.Wall, t.Day.Wall = fromMillis(until), fromMillis(day)
		saved.Tokens = append(saved.Tokens, t)
		return err
	})
	read("SELECT hash, person, via, boot_id, seen FROM login", func(rows *sql.Rows) error {
		var l staff.Login
		err := rows.Scan(&l.Hash, &l.Person, &l.Via, &l.BootID, &l.Seen)
		saved.Logins = append(saved.Logins, l)
		return err
	})
	return saved, s.db.Explain("read", err)
}

func (s *Store) read(ctx context.Context, query string, args []any, row func(*sql.Rows) error) error {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Save implements staff.Store.
func (s *Store) Save(ctx context.Context, c staff.Change) error {
	return s.db.Do(ctx, func(tx *sql.Tx) (err error) {
		do := func(statement string, args ...any) {
			if err == nil {
				_, err = tx.ExecContext(ctx, statement, args...)
			}
		}
		put := func(table, key, id, columns string, values ...any) {
			do("DELETE FROM "+table+" WHERE "+key+" = ?", id)
			do("INSERT INTO "+table+" ("+columns+") VALUES (?"+strings.Repeat(", ?", len(values)-1)+")", values...)
		}
		for table, ids := range map[string][]string{
			"account WHERE id": c.ForgetAccounts, "device WHERE id": c.ForgetDevices, "token WHERE hash": c.ForgetTokens, "login WHERE hash": c.ForgetLogins,
		} {
			for _, id := range ids {
				do("DELETE FROM "+table+" = ?", id)
			}
		}
		for _, a := range c.Accounts {
			put("account", "id", a.ID, "id, login, name, role, password, pin, pin_fails, subject, until_boot_id, until_boot, until_wall, made, closed_at",
				a.ID, a.Login, a.Name, a.Role, a.Password, a.PIN, a.PINFails, a.Subject,
				a.Until.BootID, a.Until.Boot, millis(a.Until.Wall), millis(a.Made), millis(a.ClosedAt))
		}
		for _, d := range c.Devices {
			put("device", "id", d.ID, "id, label, desk, owner, hash, made, seen", d.ID, d.Label, d.Desk, d.Owner, d.Hash, millis(d.Made), millis(d.Seen))
		}
		for _, t := range c.Tokens {
			put("token", "hash", t.Hash, "hash, kind, by, until_boot_id, until_boot, until_wall, person, role, label, desk, day_boot_id, day_boot, day_wall, device",
				t.Hash, t.Kind, t.By, t.Until.BootID, t.Until.Boot, millis(t.Until.Wall), t.Person, t.Role, t.Label, t.Desk,
				t.Day.BootID, t.Day.Boot, millis(t.Day.Wall), t.Device)
		}
		for _, l := range c.Logins {
			put("login", "hash", l.Hash, "hash, person, via, boot_id, seen", l.Hash, l.Person, l.Via, l.BootID, l.Seen)
		}
		for _, e := range c.Log {
			do("INSERT INTO log (at, sure, who, name, role, what, object) VALUES (?, ?, ?, ?, ?, ?, ?)",
				millis(e.At), e.Sure, e.Who, e.Name, e.Role, e.What, e.Object)
		}
		return err
	})
}

// Log implements staff.Store.
func (s *Store) Log(ctx context.Context, who string, most int) (all []staff.Entry, err error) {
	query, args := "SELECT at, sure, who, name, role, what, object FROM log", []any{}
	if who != "" {
		query, args = query+" WHERE who = ?", append(args, who)
	}
	err = s.read(ctx, query+" ORDER BY seq DESC LIMIT ?", append(args, most), func(rows *sql.Rows) error {
		var e staff.Entry
		var at int64
		err := rows.Scan(&at, &e.Sure, &e.Who, &e.Name, &e.Role, &e.What, &e.Object)
		e.At = fromMillis(at)
		all = append(all, e)
		return err
	})
	return all, s.db.Explain("read", err)
}

// Purge implements staff.Store. The triggers of the database have the last word.
func (s *Store) Purge(ctx context.Context, before time.Time) error {
	return s.db.Do(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM log WHERE at <= ? AND at <= (unixepoch() - 365 * 86400) * 1000", millis(before))
		return err
	})
}

// A zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
