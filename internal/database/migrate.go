package database

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
)

// migrations returns the steps in order: step i leads from user_version i to i+1.
func migrations(files fs.FS) ([]string, error) {
	names, err := fs.Glob(files, "migrations/*.sql") // sorted
	if err != nil {
		return nil, fmt.Errorf("database: list migrations: %w", err)
	}
	steps := make([]string, len(names))
	for i, name := range names {
		if want := fmt.Sprintf("migrations/%04d.sql", i+1); name != want {
			return nil, fmt.Errorf("database: list migrations: %s where %s should be", name, want)
		}
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("database: read migration: %w", err)
		}
		steps[i] = string(b)
	}
	return steps, nil
}

// migrate takes the database to the last version, each step with its version in one transaction: a power cut leaves
// one version or the next.
func migrate(ctx context.Context, db *sql.DB, steps []string) error {
	version, err := userVersion(ctx, db)
	if err != nil {
		return err
	}
	for ; version < len(steps); version++ {
		if err := step(ctx, db, steps[version], version+1); err != nil {
			return fmt.Errorf("migrate to version %d: %w", version+1, err)
		}
	}
	return nil
}

func step(ctx context.Context, db *sql.DB, statements string, version int) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it has nothing to do, before it there is an error already
	if _, err := tx.ExecContext(ctx, statements); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		return err
	}
	return tx.Commit()
}

func userVersion(ctx context.Context, db *sql.DB) (v int, err error) {
	err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&v)
	return v, err
}
