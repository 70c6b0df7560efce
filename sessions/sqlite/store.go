// Package sqlite remembers sessions in one SQLite file (see internal/database). Nothing is read after the start, and no
// address is readable in the file: see sealer.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"time"

	"parvis/internal/clock"
	"parvis/internal/database"
	"parvis/internal/lang"
	"parvis/sessions"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open database.
type Store struct {
	db   *database.DB
	seal *sealer
}

var _ sessions.Store = (*Store)(nil)

// Open opens the database at path, or begins one there (mode 0600), and takes it to this program's version. key is the
// site's; c names the boot, for the name under which a damaged database is to be set aside. It fails as database.Open
// does, and with ErrKey.
func Open(path string, key [32]byte, c clock.Clock) (*Store, error) {
	seal, err := newSealer(key)
	if err != nil {
		return nil, err
	}
	db, err := database.Open(context.Background(), database.Options{
		Path: path, BootID: c.BootID(), Migrations: migrations, Examine: seal.checkKey,
		Loss: lang.Text{EN: "people press the button again", FR: "les gens appuient à nouveau sur le bouton"},
	})
	if err != nil {
		return nil, err
	}
	return &Store{db: db, seal: seal}, nil
}

// Close writes the log back into the file and closes it.
func (s *Store) Close() error { return s.db.Close() }

const selectAll = `SELECT id, device, sealed, profile, state, slot, opened_by, opened_at, end_boot, left_ns, down, up,
	kernel_down, kernel_up, active, reason, ended, ended_at, own_rates, rate_down, rate_up, suspended, suspended_at,
	code, extensions, past_until, line_down, line_at, message, message_at, message_seen, voucher, workshop, ticket
	FROM session ORDER BY id`

// Load implements sessions.Store.
func (s *Store) Load(ctx context.Context) (sessions.Saved, error) {
	var saved sessions.Saved
	var wall int64
	err := s.db.QueryRowContext(ctx, "SELECT boot_id, seen, wall, sure, day FROM mark").
		Scan(&saved.Mark.BootID, &saved.Mark.Seen, &wall, &saved.Mark.Sure, &saved.Mark.Day)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return sessions.Saved{}, s.db.Explain("read", err)
	}
	saved.Mark.Wall = fromMillis(wall)
	if saved.Rows, err = s.rows(ctx); err != nil {
		return sessions.Saved{}, s.db.Explain("read", err)
	}
	if saved.Rests, err = s.rests(ctx); err != nil {
		return sessions.Saved{}, s.db.Explain("read", err)
	}
	if saved.Days, err = s.days(ctx); err != nil {
		return sessions.Saved{}, s.db.Explain("read", err)
	}
	if saved.Site, err = s.site(ctx); err != nil {
		return sessions.Saved{}, s.db.Explain("read", err)
	}
	if saved.Papers, err = s.papers(ctx); err != nil {
		return sessions.Saved{}, s.db.Explain("read", err)
	}
	return saved, nil
}

func (s *Store) rows(ctx context.Context) (rows []sessions.Row, err error) {
	found, err := s.db.QueryContext(ctx, selectAll)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var r sessions.Row
		var device, sealed, ticket []byte
		var openedAt, endedAt int64
		if err := found.Scan(&r.ID, &device, &sealed, &r.Profile, &r.State, &r.Slot, &r.OpenedBy, &openedAt, &r.End, &r.Left,
			&r.Down, &r.Up, &r.KernelDown, &r.KernelUp, &r.Active, &r.Reason, &r.Ended, &endedAt, &r.OwnRates, &r.RateDown, &r.RateUp,
			&r.Suspended, &r.SuspendedAt, &r.Code, &r.Extensions, &r.PastUntil, &r.LineDown, &r.LineAt, &r.MessageText, &r.MessageAt,
			&r.MessageSeen, &r.Voucher, &r.Workshop, &ticket); err != nil {
			return nil, err
		}
		if r.Device, err = s.seal.open(r.ID, sealed, device); err != nil {
			return nil, s.db.Corrupt(err)
		}
		copy(r.Ticket[:], ticket) // the table holds 32 bytes or none
		r.OpenedAt, r.EndedAt = fromMillis(openedAt), fromMillis(endedAt)
		rows = append(rows, r)
	}
	return rows, found.Err()
}

func (s *Store) rests(ctx context.Context) (rests []sessions.Rest, err error) {
	found, err := s.db.QueryContext(ctx, "SELECT slot, since FROM rest ORDER BY slot")
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var r sessions.Rest
		if err := found.Scan(&r.Slot, &r.Since); err != nil {
			return nil, err
		}
		rests = append(rests, r)
	}
	return rests, found.Err()
}

func (s *Store) days(ctx context.Context) (days []sessions.Day, err error) {
	found, err := s.db.QueryContext(ctx, "SELECT device, sealed, used_ns, bytes, through FROM day ORDER BY device")
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for found.Next() {
		var d sessions.Day
		var device, sealed []byte
		if err := found.Scan(&device, &sealed, &d.Used, &d.Bytes, &d.Through); err != nil {
			return nil, err
		}
		if d.MAC, err = s.seal.openMAC(sealed, device); err != nil {
			return nil, s.db.Corrupt(err)
		}
		days = append(days, d)
	}
	return days, found.Err()
}

const upsert = `INSERT INTO session (id, device, sealed, profile, state, slot, opened_by, opened_at, end_boot, left_ns, down, up,
	kernel_down, kernel_up, active, reason, ended, ended_at, own_rates, rate_down, rate_up, suspended, suspended_at,
	code, extensions, past_until, line_down, line_at, message, message_at, message_seen, voucher, workshop, ticket)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET device = excluded.device, sealed = excluded.sealed, profile = excluded.profile,
	state = excluded.state, slot = excluded.slot, opened_by = excluded.opened_by, opened_at = excluded.opened_at,
	end_boot = excluded.end_boot, left_ns = excluded.left_ns, down = excluded.down, up = excluded.up,
	kernel_down = excluded.kernel_down, kernel_up = excluded.kernel_up, active = excluded.active,
	reason = excluded.reason, ended = excluded.ended, ended_at = excluded.ended_at, own_rates = excluded.own_rates,
	rate_down = excluded.rate_down, rate_up = excluded.rate_up, suspended = excluded.suspended,
	suspended_at = excluded.suspended_at, code = excluded.code, extensions = excluded.extensions,
	past_until = excluded.past_until, line_down = excluded.line_down, line_at = excluded.line_at, message = excluded.message,
	message_at = excluded.message_at, message_seen = excluded.message_seen, voucher = excluded.voucher,
	workshop = excluded.workshop, ticket = excluded.ticket`

// Save implements sessions.Store.
func (s *Store) Save(ctx context.Context, c sessions.Change) error {
	return s.db.Do(ctx, func(tx *sql.Tx) error { return s.save(ctx, tx, c) })
}

func (s *Store) save(ctx context.Context, tx *sql.Tx, c sessions.Change) error {
	for _, id := range c.Forget {
		if _, err := tx.ExecContext(ctx, "DELETE FROM session WHERE id = ?", id); err != nil {
			return err
		}
	}
	if len(c.Put) > 0 {
		put, err := tx.PrepareContext(ctx, upsert)
		if err != nil {
			return err
		}
		defer put.Close()
		for _, r := range c.Put {
			if _, err := put.ExecContext(ctx, r.ID, s.seal.device(r.Device.MAC), s.seal.seal(r.ID, r.Device), r.Profile, r.State,
				r.Slot, r.OpenedBy, millis(r.OpenedAt), r.End, r.Left, r.Down, r.Up, r.KernelDown, r.KernelUp, r.Active, r.Reason,
				r.Ended, millis(r.EndedAt), r.OwnRates, r.RateDown, r.RateUp, r.Suspended, r.SuspendedAt, r.Code, r.Extensions,
				r.PastUntil, r.LineDown, r.LineAt, r.MessageText, r.MessageAt, r.MessageSeen, r.Voucher, r.Workshop,
				ticketKey(r.Ticket)); err != nil {
				return err
			}
		}
	}
	for _, r := range c.Rests {
		if _, err := tx.ExecContext(ctx, `INSERT INTO rest (slot, since) VALUES (?, ?)
			ON CONFLICT (slot) DO UPDATE SET since = excluded.since`, r.Slot, r.Since); err != nil {
			return err
		}
	}
	if err := s.saveDays(ctx, tx, c); err != nil {
		return err
	}
	if err := savePapers(ctx, tx, c); err != nil {
		return err
	}
	if c.Site != nil {
		if err := saveSite(ctx, tx, *c.Site); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO mark (one, boot_id, seen, wall, sure, day) VALUES (1, ?, ?, ?, ?, ?)
		ON CONFLICT (one) DO UPDATE SET boot_id = excluded.boot_id, seen = excluded.seen, wall = excluded.wall,
		sure = excluded.sure, day = excluded.day`,
		c.Mark.BootID, c.Mark.Seen, millis(c.Mark.Wall), c.Mark.Sure, c.Mark.Day)
	return err
}

func (s *Store) saveDays(ctx context.Context, tx *sql.Tx, c sessions.Change) error {
	if c.NewDay {
		if _, err := tx.ExecContext(ctx, "DELETE FROM day"); err != nil {
			return err
		}
	}
	for _, d := range c.Days {
		if _, err := tx.ExecContext(ctx, `INSERT INTO day (device, sealed, used_ns, bytes, through) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (device) DO UPDATE SET sealed = excluded.sealed, used_ns = excluded.used_ns, bytes = excluded.bytes,
			through = excluded.through`, s.seal.device(d.MAC), s.seal.sealMAC(d.MAC), d.Used, d.Bytes, d.Through); err != nil {
			return err
		}
	}
	return nil
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
