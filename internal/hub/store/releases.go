package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"parvis/internal/hublink/wire"
)

// Release is a version of Parvis that sites can be given.
type Release struct {
	Version   string
	Made      time.Time
	Withdrawn time.Time            // zero: it is not
	Files     map[string]wire.File // by architecture
}

// ErrWithdrawn: what was withdrawn does not come back under the same name.
var ErrWithdrawn = errors.New("store: this release was withdrawn")

// AddRelease keeps a release, or more architectures of one that is there. ErrTaken: that version has a file of this architecture already;
// ErrWithdrawn.
func (h *Hub) AddRelease(ctx context.Context, version string, files map[string]io.ReadSeeker) (r Release, err error) {
	err = pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO release (version) VALUES ($1) ON CONFLICT DO NOTHING", version); err != nil {
			return err
		}
		var withdrawn bool
		if err := tx.QueryRow(ctx, "SELECT withdrawn IS NOT NULL FROM release WHERE version = $1", version).Scan(&withdrawn); err != nil {
			return err
		}
		if withdrawn {
			return ErrWithdrawn
		}
		for arch, from := range files {
			f, err := addPieces(ctx, tx, from)
			if err != nil {
				return err
			}
			tag, err := tx.Exec(ctx, `INSERT INTO release_file (version, arch, sha256, size) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
				version, arch, f.SHA256, f.Size)
			if err != nil {
				return err
			}
			if tag.RowsAffected() == 0 {
				return ErrTaken
			}
		}
		r, err = release(ctx, tx, version)
		return err
	})
	switch {
	case err == nil || errors.Is(err, ErrTaken) || errors.Is(err, ErrWithdrawn):
		return r, err
	}
	return r, fmt.Errorf("store: add release %s: %w", version, err)
}

// addPieces keeps a file's bytes, once whatever releases have it.
func addPieces(ctx context.Context, tx pgx.Tx, from io.ReadSeeker) (f wire.File, err error) {
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return f, err
	}
	before, size, err := digest(from)
	if err != nil {
		return f, err
	}
	if size == 0 || size > wire.MaxFile {
		return f, fmt.Errorf("a file of %d bytes; expected 1 to %d", size, wire.MaxFile)
	}
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return f, err
	}
	sum, piece := sha256.New(), make([]byte, wire.MaxPiece)
	for n := 0; ; n++ {
		k, err := io.ReadFull(from, piece)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return f, err
		}
		sum.Write(piece[:k])
		if _, err := tx.Exec(ctx, "INSERT INTO release_piece (sha256, n, bytes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", before, n, piece[:k]); err != nil {
			return f, err
		}
	}
	if hex.EncodeToString(sum.Sum(nil)) != before {
		return f, errors.New("it has changed while it was read")
	}
	return wire.File{SHA256: before, Size: size}, nil
}

// digest reads a file to its end.
func digest(from io.Reader) (string, int64, error) {
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(from, wire.MaxFile+1))
	return hex.EncodeToString(sum.Sum(nil)), n, err
}

// query is the pool or a transaction.
type query interface {
	Query(context.Context, string, ...any) (pgx.Rows, error)
	QueryRow(context.Context, string, ...any) pgx.Row
}

// Releases are all of them, newest first, those that were withdrawn among them.
func (h *Hub) Releases(ctx context.Context) ([]Release, error) { return releases(ctx, h.pool, "") }

// Releases are the same, as a commune sees them.
func (t *Tenant) Releases(ctx context.Context) ([]Release, error) { return releases(ctx, t.tx, "") }

func release(ctx context.Context, q query, version string) (Release, error) {
	all, err := releases(ctx, q, version)
	if err == nil && len(all) == 0 {
		err = ErrUnknown
	}
	if err != nil {
		return Release{}, err
	}
	return all[0], nil
}

func releases(ctx context.Context, q query, version string) ([]Release, error) {
	rows, err := q.Query(ctx, `SELECT r.version, r.made, r.withdrawn, jsonb_object_agg(f.arch, jsonb_build_object('sha256', f.sha256, 'size', f.size))
		FROM release r JOIN release_file f USING (version) WHERE $1 = '' OR r.version = $1 GROUP BY r.version ORDER BY r.made DESC, r.version DESC`, version)
	if err != nil {
		return nil, fmt.Errorf("store: releases: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Release, err error) {
		var withdrawn *time.Time
		err = row.Scan(&r.Version, &r.Made, &withdrawn, &r.Files)
		r.Withdrawn = from(withdrawn)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("store: releases: %w", err)
	}
	return all, nil
}

// WithdrawRelease tells no site of it any more, in any commune. Who runs it goes on. ErrUnknown: there is none, or it is withdrawn already.
func (h *Hub) WithdrawRelease(ctx context.Context, version string) error {
	var done bool
	if err := h.pool.QueryRow(ctx, "SELECT withdraw_release($1)", version).Scan(&done); err != nil {
		return fmt.Errorf("store: withdraw release %s: %w", version, err)
	}
	if !done {
		return ErrUnknown
	}
	return nil
}

// ReleaseFile is a file of a release that is not withdrawn, to be read anywhere in it; ErrUnknown. Each Read asks for one piece.
func (h *Hub) ReleaseFile(ctx context.Context, sha256 string) (io.ReadSeeker, error) {
	f := &releaseFile{ctx: ctx, hub: h, sha256: sha256}
	err := h.pool.QueryRow(ctx, "SELECT f.size FROM release_file f JOIN release r USING (version) WHERE f.sha256 = $1 AND r.withdrawn IS NULL LIMIT 1", sha256).Scan(&f.size)
	if err = one(err); err != nil && !errors.Is(err, ErrUnknown) {
		err = fmt.Errorf("store: release file: %w", err)
	}
	return f, err
}

type releaseFile struct {
	ctx      context.Context
	hub      *Hub
	sha256   string
	size, at int64
}

// Seek implements io.Seeker.
func (f *releaseFile) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += f.size
	}
	if offset < 0 {
		return 0, errors.New("store: release file: before its beginning")
	}
	f.at = offset
	return offset, nil
}

// Read implements io.Reader.
func (f *releaseFile) Read(b []byte) (int, error) {
	if f.at >= f.size {
		return 0, io.EOF
	}
	n, within := f.at/wire.MaxPiece, f.at%wire.MaxPiece
	var piece []byte
	err := f.hub.pool.QueryRow(f.ctx, "SELECT substr(bytes, $3, $4) FROM release_piece WHERE sha256 = $1 AND n = $2",
		f.sha256, n, within+1, min(len(b), wire.MaxPiece)).Scan(&piece)
	if err = one(err); err != nil {
		return 0, fmt.Errorf("store: release file: %w", err)
	}
	f.at += int64(len(piece))
	return copy(b, piece), nil
}
