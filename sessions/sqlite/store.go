// Package sqlite remembers sessions in one SQLite file.
//
// Every change is one transaction in the write-ahead log with synchronous=FULL: when Save returns, a power cut takes
// nothing back (https://www.sqlite.org/pragma.html#pragma_synchronous). There is one connection, because there is one
// writer and nothing is read after the start. No address is readable in the file: see sealer.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"

	"parvis/internal/clock"
	"parvis/sessions"
)

// Store is an open database.
type Store struct {
	db        *sql.DB
	path, dir string
	bootID    string
	seal      *sealer
}

var _ sessions.Store = (*Store)(nil)

// Open opens the database at path, or begins one there (mode 0600), and takes it to this program's version. key is the
// site's; c names the boot, for the name under which a damaged database is to be set aside.
//
// A file that cannot be used is looked at read-only and left as it is: ErrCorrupt, ErrReadOnly, ErrNewer, ErrFull and ErrKey
// are *Error and say what to do.
func Open(path string, key [32]byte, c clock.Clock) (*Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", path, err)
	}
	s := &Store{path: abs, dir: filepath.Dir(abs), bootID: c.BootID()}
	if s.seal, err = newSealer(key); err != nil {
		return nil, err
	}
	steps, err := migrations()
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	if err := s.examine(ctx, len(steps)); err != nil {
		return nil, err
	}
	if s.db, err = s.connect(url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_foreign_keys": {"on"}, "_secure_delete": {"on"},
		"_txlock": {"immediate"},
	}); err != nil {
		return nil, err
	}
	if err := migrate(ctx, s.db, steps); err != nil {
		s.db.Close()
		return nil, s.explain("open", err)
	}
	return s, nil
}

// connect prepares the one connection; nothing is opened before it is used.
func (s *Store) connect(params url.Values) (*sql.DB, error) {
	params.Set("_busy_timeout", "5000") // ms; somebody may be looking with the sqlite3 shell
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: s.path}).EscapedPath(), RawQuery: params.Encode()}
	db, err := sql.Open("sqlite3", name.String())
	if err != nil {
		return nil, fmt.Errorf("sqlite: open %s: %w", s.path, err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// Close writes the log back into the file and closes it.
func (s *Store) Close() error {
	if err := s.db.Close(); err != nil {
		return s.explain("close", err)
	}
	return nil
}

const selectAll = `SELECT id, device, sealed, profile, state, slot, opened_by, opened_at, end_boot, left_ns, down, up,
	kernel_down, kernel_up, active, reason, ended, ended_at FROM session ORDER BY id`

// Load implements sessions.Store.
func (s *Store) Load(ctx context.Context) (sessions.Saved, error) {
	var saved sessions.Saved
	err := s.db.QueryRowContext(ctx, "SELECT boot_id, seen FROM mark").Scan(&saved.Mark.BootID, &saved.Mark.Seen)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return sessions.Saved{}, s.explain("read", err)
	}
	if saved.Rows, err = s.rows(ctx); err != nil {
		return sessions.Saved{}, s.explain("read", err)
	}
	if saved.Rests, err = s.rests(ctx); err != nil {
		return sessions.Saved{}, s.explain("read", err)
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
		var device, sealed []byte
		var openedAt, endedAt int64
		if err := found.Scan(&r.ID, &device, &sealed, &r.Profile, &r.State, &r.Slot, &r.OpenedBy, &openedAt, &r.End, &r.Left,
			&r.Down, &r.Up, &r.KernelDown, &r.KernelUp, &r.Active, &r.Reason, &r.Ended, &endedAt); err != nil {
			return nil, err
		}
		if r.Device, err = s.seal.open(r.ID, sealed, device); err != nil {
			return nil, s.corrupt(err)
		}
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

const upsert = `INSERT INTO session (id, device, sealed, profile, state, slot, opened_by, opened_at, end_boot, left_ns, down, up,
	kernel_down, kernel_up, active, reason, ended, ended_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET device = excluded.device, sealed = excluded.sealed, profile = excluded.profile,
	state = excluded.state, slot = excluded.slot, opened_by = excluded.opened_by, opened_at = excluded.opened_at,
	end_boot = excluded.end_boot, left_ns = excluded.left_ns, down = excluded.down, up = excluded.up,
	kernel_down = excluded.kernel_down, kernel_up = excluded.kernel_up, active = excluded.active,
	reason = excluded.reason, ended = excluded.ended, ended_at = excluded.ended_at`

// Save implements sessions.Store.
func (s *Store) Save(ctx context.Context, c sessions.Change) error {
	return s.explain("write", s.save(ctx, c))
}

func (s *Store) save(ctx context.Context, c sessions.Change) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it has nothing to do, before it there is an error already
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
				r.Ended, millis(r.EndedAt)); err != nil {
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
	if _, err := tx.ExecContext(ctx, `INSERT INTO mark (one, boot_id, seen) VALUES (1, ?, ?)
		ON CONFLICT (one) DO UPDATE SET boot_id = excluded.boot_id, seen = excluded.seen`, c.Mark.BootID, c.Mark.Seen); err != nil {
		return err
	}
	return tx.Commit()
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

// begin makes an empty file that only its owner reads; SQLite gives its log the same mode.
func (s *Store) begin() error {
	f, err := os.OpenFile(s.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}
