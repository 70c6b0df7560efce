package snapshot

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"
	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"
)

// File is one to be copied.
type File struct {
	Name string // in the archive: etc/parvis.toml, state/parvis.db
	Path string // where it is
	// Database: a SQLite file, which others write meanwhile. What is copied is its state between two transactions.
	Database bool
	// Optional: a site may live without it.
	Optional bool
}

// Source is what is copied.
type Source struct {
	Manifest // Format is filled in
	Files    []File
	// Scratch is a directory in which a copy of one database at a time has its place, in clear: best on a memory disk.
	Scratch string
}

// Take writes the copy. What it has written is of no use unless it returns nil.
func Take(ctx context.Context, w io.Writer, to age.Recipient, s Source) error {
	sealed, err := age.Encrypt(w, to)
	if err != nil {
		return fmt.Errorf("snapshot: take: %w", err)
	}
	packed := gzip.NewWriter(sealed)
	t := &taker{tar: tar.NewWriter(packed), made: time.Unix(s.Made, 0)}
	if err := t.all(ctx, s); err != nil {
		return fmt.Errorf("snapshot: take: %w", err)
	}
	if err := errors.Join(t.tar.Close(), packed.Close(), sealed.Close()); err != nil {
		return fmt.Errorf("snapshot: take: %w", err)
	}
	return nil
}

type taker struct {
	tar   *tar.Writer
	made  time.Time
	bytes int64
	files int
}

func (t *taker) all(ctx context.Context, s Source) error {
	s.Format = Format
	m, err := json.Marshal(s.Manifest)
	if err != nil {
		return err
	}
	if err := t.tar.WriteHeader(t.header(manifest, int64(len(m)), 0o600)); err != nil {
		return err
	}
	if _, err := t.tar.Write(m); err != nil {
		return err
	}
	for _, f := range s.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := checkName(f.Name); err != nil {
			return err
		}
		err := t.one(ctx, f, s.Scratch)
		if errors.Is(err, fs.ErrNotExist) && f.Optional {
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *taker) header(name string, size int64, mode fs.FileMode) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: int64(mode), ModTime: t.made, Format: tar.FormatPAX}
}

// one adds a file as it is at one moment: a file that is renamed into its place, as all of ours are, is whole.
func (t *taker) one(ctx context.Context, f File, scratch string) error {
	path := f.Path
	if f.Database {
		if _, err := os.Stat(path); err != nil {
			return err
		}
		dir, err := os.MkdirTemp(scratch, ".copy-") // mode 0700
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		path = filepath.Join(dir, "db")
		if err := vacuumInto(ctx, f.Path, path); err != nil {
			return fmt.Errorf("copy %s: %w", f.Path, err)
		}
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if t.files++; !info.Mode().IsRegular() || info.Size() > maxFile || t.bytes+info.Size() > maxAll || t.files > maxFiles {
		return fmt.Errorf("%w: %s: expected at most %d regular files of %d MiB together", ErrForm, f.Path, maxFiles, maxAll>>20)
	}
	t.bytes += info.Size()
	mode := fs.FileMode(0o600)
	if info.Mode().Perm()&0o004 != 0 && !f.Database {
		mode = 0o644
	}
	if err := t.tar.WriteHeader(t.header(f.Name, info.Size(), mode)); err != nil {
		return err
	}
	if _, err := io.CopyN(t.tar, in, info.Size()); err != nil {
		return fmt.Errorf("copy %s: %w", f.Path, err)
	}
	return nil
}

// vacuumInto writes a database's state between two transactions into a new file (https://www.sqlite.org/lang_vacuum.html). Readers of the
// write-ahead log keep no writer waiting.
func vacuumInto(ctx context.Context, from, to string) (err error) {
	name := url.URL{Scheme: "file", Opaque: (&url.URL{Path: from}).EscapedPath(), RawQuery: "mode=ro&_busy_timeout=5000"}
	db, err := sql.Open("sqlite3", name.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	return err
}
