package sqlite

import (
	"context"
	"errors"
	"fmt"

	"parvis/internal/database"
	"parvis/internal/lang"
)

// ErrKey is a database that another site's key has sealed. Nothing of it is deleted or overwritten.
var ErrKey = errors.New("sqlite: the database is sealed by another key")

var keyText = lang.Text{
	EN: "%s: the database is sealed by another key; expected the site.key that it was written with; put back your copy of site.key, or set the database aside and begin an empty one: %s",
	FR: "%s : la base est scellée par une autre clé ; le site.key qui a servi à l'écrire est attendu ; remettez votre copie de site.key, ou mettez la base de côté pour en commencer une vide : %s",
}

// checkKey opens every sealed device: none opens under another key, some do when rows are damaged.
func (s *sealer) checkKey(ctx context.Context, db *database.DB, _ int) error {
	rows, err := db.QueryContext(ctx, "SELECT id, sealed, device FROM session")
	if err != nil {
		return err
	}
	defer rows.Close()
	opened, not := 0, 0
	for rows.Next() {
		var id string
		var sealed, device []byte
		if err := rows.Scan(&id, &sealed, &device); err != nil {
			return err
		}
		if _, err := s.open(id, sealed, device); err != nil {
			not++
		} else {
			opened++
		}
	}
	switch {
	case rows.Err() != nil:
		return rows.Err()
	case not > 0 && opened == 0:
		return db.Fail(ErrKey, nil, keyText, db.Path(), db.Aside())
	case not > 0:
		return db.Corrupt(fmt.Errorf("%d of %d rows: %w", not, opened+not, errSealed))
	}
	return nil
}
