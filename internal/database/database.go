// Package database opens Parvis' SQLite files, each of which has one owner.
//
// Every change is one transaction in the write-ahead log with synchronous=FULL: when it returns, a power cut takes
// nothing back (https://www.sqlite.org/pragma.html#pragma_synchronous). There is one connection, because each file has
// one writer. A file that cannot be used is looked at read-only and left as it is; the error says what to do.
package database

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"

	"parvis/internal/lang"
)

// Options is one owner's file.
type Options struct {
	Path string
	// BootID names the boot, for the name under which a damaged file is to be set aside.
	BootID string
	// Migrations holds migrations/0001.sql and on: step i leads from user_version i-1 to i.
	Migrations fs.FS
	// Loss ends the sentence "set it aside, Parvis then begins an empty one and …": what that costs.
	Loss lang.Text
	// Examine, if any, looks at what is in a file of this program's version or an older one, before anything is
	// written. It may fail with DB.Corrupt or DB.Fail; db can be read only.
	Examine func(ctx context.Context, d *DB, version int) error
}

// DB is an open file. Its errors of SQLite go through Explain before somebody reads them.
type DB struct {
	*sql.DB
	o   Options
	dir string
}

// Open opens the file, or begins one there (mode 0600), and takes it to this program's version. ErrCorrupt, ErrReadOnly,
// ErrNewer, ErrFull and what Examine refuses are *Error and say what to do.
func Open(ctx context.Context, o Options) (*DB, error) {
	abs, err := filepath.Abs(o.Path)
	if err != nil {
		return nil, fmt.Errorf("database: open %s: %w", o.Path, err)
	}
	o.Path = abs
	d := &DB{o: o, dir: filepath.Dir(abs)}
	steps, err := migrations(o.Migrations)
	if err != nil {
		return nil, err
	}
	if err := d.examine(ctx, len(steps)); err != nil {
		return nil, err
	}
	if d.DB, err = d.connect(url.Values{
		"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_foreign_keys": {"on"}, "_secure_delete": {"on"},
		"_txlock": {"immediate"},
	}); err != nil {
		return nil, err
	}
	if err := migrate(ctx, d.DB, steps); err != nil {
		d.DB.Close()
		return nil, d.Explain("open", err)
	}
	return d, nil
}

// connect prepares the one connection; nothing is opened before it is used.
func (d *DB) connect(params url.Values) (*sql.DB, error) {
	params.Set("_busy_timeout", "5000") // ms; somebody may be looking with the sqlite3 shell
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: d.o.Path}).EscapedPath(), RawQuery: params.Encode()}
	db, err := sql.Open("sqlite3", name.String())
	if err != nil {
		return nil, fmt.Errorf("database: open %s: %w", d.o.Path, err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// Close writes the log back into the file and closes it.
func (d *DB) Close() error {
	return d.Explain("close", d.DB.Close())
}

// Do runs f in one transaction, which is taken back when f fails. Errors are explained.
func (d *DB) Do(ctx context.Context, f func(*sql.Tx) error) error {
	return d.Explain("write", d.do(ctx, f))
}

func (d *DB) do(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := d.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it has nothing to do, before it there is an error already
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// Forget takes what was overwritten or deleted out of the write-ahead log too, where secure_delete does not reach: the log is written back into the
// file and cut to nothing (https://www.sqlite.org/pragma.html#pragma_wal_checkpoint). While somebody else reads the file, as with the sqlite3
// shell, nothing is cut, which is no error: the next time is.
func (d *DB) Forget(ctx context.Context) error {
	var busy, frames, written int
	return d.Explain("write", d.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &written))
}

// begin makes an empty file that only its owner reads; SQLite gives its log the same mode.
func (d *DB) begin() error {
	f, err := os.OpenFile(d.o.Path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}
