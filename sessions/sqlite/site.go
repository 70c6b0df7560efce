package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"parvis/sessions"
)

// site reads what is remembered of the place. It is small, changes a few times a day and is only ever read whole: JSON.
func (s *Store) site(ctx context.Context) (site sessions.Site, err error) {
	var state string
	err = s.db.QueryRowContext(ctx, "SELECT state FROM site").Scan(&state)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return site, nil
	case err != nil:
		return site, err
	}
	if err := json.Unmarshal([]byte(state), &site); err != nil {
		return sessions.Site{}, s.db.Corrupt(err)
	}
	return site, nil
}

func saveSite(ctx context.Context, tx *sql.Tx, site sessions.Site) error {
	state, err := json.Marshal(site)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO site (one, state) VALUES (1, ?)
		ON CONFLICT (one) DO UPDATE SET state = excluded.state`, string(state))
	return err
}
