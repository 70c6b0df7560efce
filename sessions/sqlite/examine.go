package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"golang.org/x/sys/unix"
)

// examine looks at the file without writing to it and begins one where there is none. known is this program's version.
func (s *Store) examine(ctx context.Context, known int) error {
	// access(2) tells a read-only mount to root as well (EROFS), for whom modes mean nothing.
	if err := unix.Access(s.dir, unix.W_OK|unix.X_OK); errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("sqlite: open %s: no folder %s: %w", s.path, s.dir, err)
	} else if err != nil {
		return s.readOnly(fmt.Errorf("%s: %w", s.dir, err))
	}
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := s.begin(); errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
			return s.full(err)
		} else if err != nil {
			return fmt.Errorf("sqlite: begin %s: %w", s.path, err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("sqlite: open %s: %w", s.path, err)
	case !info.Mode().IsRegular():
		return s.corrupt(errors.New("it is not a file"))
	}
	if err := unix.Access(s.path, unix.R_OK|unix.W_OK); err != nil {
		return s.readOnly(fmt.Errorf("%s: %w", s.path, err))
	}
	if info.Size() == 0 {
		return nil // begun, and the power went before the first write
	}
	look := url.Values{"mode": {"ro"}}
	if log, err := os.Stat(s.path + "-wal"); err != nil || log.Size() == 0 {
		look.Set("immutable", "1") // it was closed well; without this SQLite leaves an empty log behind
	}
	db, err := s.connect(look)
	if err != nil {
		return err
	}
	defer db.Close()
	return s.explain("examine", s.judge(ctx, db, known))
}

func (s *Store) judge(ctx context.Context, db *sql.DB, known int) error {
	version, err := userVersion(ctx, db)
	if err != nil {
		return err
	}
	if version > known {
		return s.newer(version, known)
	}
	var said string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said); err != nil {
		return err
	}
	if said != "ok" {
		return s.corrupt(errors.New(said))
	}
	if version == 0 {
		var tables int
		if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
			return err
		}
		if tables > 0 {
			return s.corrupt(errors.New("it is another program's"))
		}
		return nil
	}
	return s.checkKey(ctx, db)
}

// checkKey opens every sealed device: none opens under another key, some do when rows are damaged.
func (s *Store) checkKey(ctx context.Context, db *sql.DB) error {
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
		if _, err := s.seal.open(id, sealed, device); err != nil {
			not++
		} else {
			opened++
		}
	}
	switch {
	case rows.Err() != nil:
		return rows.Err()
	case not > 0 && opened == 0:
		return s.otherKey()
	case not > 0:
		return s.corrupt(fmt.Errorf("%d of %d rows: %w", not, opened+not, errSealed))
	}
	return nil
}
