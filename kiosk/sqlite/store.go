// Package sqlite remembers terminals in one SQLite file (see internal/database): which they are, and what is open on each, so that
// after a crash the same names are open for the same person. No name that was refused or visited is in it, and one that the desk has opened
// for somebody leaves the file with them.
package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"parvis/internal/clock"
	"parvis/internal/database"
	"parvis/internal/lang"
	"parvis/internal/mac"
	"parvis/kiosk"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open database.
type Store struct{ db *database.DB }

var _ kiosk.Store = (*Store)(nil)

// Open opens the database at path, or begins one there (mode 0600). It fails as database.Open does.
func Open(path string, c clock.Clock) (*Store, error) {
	db, err := database.Open(context.Background(), database.Options{
		Path: path, BootID: c.BootID(), Migrations: migrations,
		Loss: lang.Text{
			EN: "terminals are adopted anew (parvis terminal adopt)", FR: "les postes sont à adopter de nouveau (parvis terminal adopt)",
		},
	})
	if err != nil {
		return nil, err
	}
	return &Store{db: db}, nil
}

// Close writes the log back into the file and closes it.
func (s *Store) Close() error { return s.db.Close() }

const columns = "id, mac, name, place, pcid, renderer, prints, usb, ipv4, seen, dirty, bundles, mail, names, graced, fixed, phone"

// Load implements kiosk.Store.
func (s *Store) Load(ctx context.Context) (all []kiosk.Row, err error) {
	all, err = s.load(ctx)
	return all, s.db.Explain("read", err)
}

func (s *Store) load(ctx context.Context) (all []kiosk.Row, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+columns+" FROM terminal ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r kiosk.Row
		var hw, bundles, names []byte
		var ipv4 string
		var seen int64
		if err := rows.Scan(&r.ID, &hw, &r.Name, &r.Place, &r.PCID, &r.Renderer, &r.Prints, &r.USB, &ipv4, &seen,
			&r.Dirty, &bundles, &r.Mail, &names, &r.Graced, &r.Fixed, &r.Phone); err != nil {
			return nil, err
		}
		r.MAC = mac.Addr(hw) // its length is checked by the table
		if ipv4 != "" {
			if r.IPv4, err = netip.ParseAddr(ipv4); err != nil {
				return nil, fmt.Errorf("kiosk: read %s: %w", r.ID, err)
			}
		}
		if seen != 0 {
			r.Seen = time.UnixMilli(seen)
		}
		for text, into := range map[*[]byte]*[]string{&bundles: &r.Bundles, &names: &r.Names} {
			if err := json.Unmarshal(*text, into); err != nil {
				return nil, fmt.Errorf("kiosk: read %s: %w", r.ID, err)
			}
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// Put implements kiosk.Store.
func (s *Store) Put(ctx context.Context, rows ...kiosk.Row) error {
	less := false // a name that somebody had is no longer there
	err := s.db.Do(ctx, func(tx *sql.Tx) error {
		for _, r := range rows {
			var had string
			switch err := tx.QueryRowContext(ctx, "SELECT names FROM terminal WHERE id = ?", r.ID).Scan(&had); {
			case err == nil:
				less = less || had != "[]" && had != list(r.Names)
			case !errors.Is(err, sql.ErrNoRows):
				return err
			}
			ipv4, seen := "", int64(0)
			if r.IPv4.IsValid() {
				ipv4 = r.IPv4.String()
			}
			if !r.Seen.IsZero() {
				seen = r.Seen.UnixMilli()
			}
			if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO terminal ("+columns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
				r.ID, r.MAC[:], r.Name, r.Place, r.PCID, r.Renderer, r.Prints, r.USB, ipv4, seen,
				r.Dirty, list(r.Bundles), r.Mail, list(r.Names), r.Graced, r.Fixed, r.Phone); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && less {
		err = s.db.Forget(ctx)
	}
	return err
}

// Delete implements kiosk.Store.
func (s *Store) Delete(ctx context.Context, id string) error {
	err := s.db.Do(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM terminal WHERE id = ?", id)
		return err
	})
	if err == nil {
		err = s.db.Forget(ctx)
	}
	return err
}

// list writes texts as JSON, none as [].
func list(texts []string) string {
	if len(texts) == 0 {
		return "[]"
	}
	b, err := json.Marshal(texts)
	if err != nil {
		panic("kiosk: write texts: " + err.Error()) // texts can always be written
	}
	return string(b)
}
