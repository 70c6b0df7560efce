package sqlite

import (
	"context"
	"database/sql"

	"parvis/kiosk/printing"
)

var _ printing.Memory = (*Store)(nil)

// Printing implements printing.Memory.
func (s *Store) Printing(ctx context.Context) (users map[string]string, err error) {
	users, err = s.printing(ctx)
	return users, s.db.Explain("read", err)
}

func (s *Store) printing(ctx context.Context) (map[string]string, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT session, name FROM printing")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	users := map[string]string{}
	for rows.Next() {
		var session, user string
		if err := rows.Scan(&session, &user); err != nil {
			return nil, err
		}
		users[session] = user
	}
	return users, rows.Err()
}

// Prints implements printing.Memory.
func (s *Store) Prints(ctx context.Context, session, user string) error {
	return s.db.Do(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO printing (session, name) VALUES (?, ?)", session, user)
		return err
	})
}

// HasPrinted implements printing.Memory.
func (s *Store) HasPrinted(ctx context.Context, session string) error {
	return s.db.Do(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM printing WHERE session = ?", session)
		return err
	})
}
