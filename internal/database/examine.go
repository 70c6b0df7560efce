package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"

	"golang.org/x/sys/unix"
)

// examine looks at the file without writing to it and begins one where there is none. known is this program's version.
func (d *DB) examine(ctx context.Context, known int) error {
	// access(2) tells a read-only mount to root as well (EROFS), for whom modes mean nothing.
	if err := unix.Access(d.dir, unix.W_OK|unix.X_OK); errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("database: open %s: no folder %s: %w", d.o.Path, d.dir, err)
	} else if err != nil {
		return d.readOnly(fmt.Errorf("%s: %w", d.dir, err))
	}
	info, err := os.Stat(d.o.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := d.begin(); errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
			return d.full(err)
		} else if err != nil {
			return fmt.Errorf("database: begin %s: %w", d.o.Path, err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("database: open %s: %w", d.o.Path, err)
	case !info.Mode().IsRegular():
		return d.Corrupt(errors.New("it is not a file"))
	}
	if err := unix.Access(d.o.Path, unix.R_OK|unix.W_OK); err != nil {
		return d.readOnly(fmt.Errorf("%s: %w", d.o.Path, err))
	}
	if info.Size() == 0 {
		return nil // begun, and the power went before the first write
	}
	look := url.Values{"mode": {"ro"}}
	if log, err := os.Stat(d.o.Path + "-wal"); err != nil || log.Size() == 0 {
		look.Set("immutable", "1") // it was closed well; without this SQLite leaves an empty log behind
	}
	db, err := d.connect(look)
	if err != nil {
		return err
	}
	defer db.Close()
	looking := &DB{DB: db, o: d.o, dir: d.dir}
	return d.Explain("examine", looking.judge(ctx, known))
}

func (d *DB) judge(ctx context.Context, known int) error {
	version, err := userVersion(ctx, d.DB)
	if err != nil {
		return err
	}
	if version > known {
		return d.newer(version, known)
	}
	var said string
	if err := d.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&said); err != nil {
		return err
	}
	if said != "ok" {
		return d.Corrupt(errors.New(said))
	}
	if version == 0 {
		var tables int
		if err := d.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
			return err
		}
		if tables > 0 {
			return d.Corrupt(errors.New("it is another program's"))
		}
		return nil
	}
	if d.o.Examine == nil {
		return nil
	}
	return d.o.Examine(ctx, d, version)
}

// Version is the version of the file at path, which is not written to; fs.ErrNotExist where there is none.
func Version(ctx context.Context, path string) (int, error) {
	if _, err := os.Stat(path); err != nil {
		return 0, err
	}
	d := &DB{o: Options{Path: path}}
	db, err := d.connect(url.Values{"mode": {"ro"}})
	if err != nil {
		return 0, err
	}
	defer db.Close()
	v, err := userVersion(ctx, db)
	if err != nil {
		return 0, fmt.Errorf("database: version of %s: %w", path, err)
	}
	return v, nil
}
