package snapshot

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age"

	"parvis/internal/durable"
)

// Read opens a copy and puts its files below dir, which is empty: dir/etc/…, dir/state/…, each durable, for its owner alone or readable by all. When it
// fails, what is there is of no use. ErrKey, ErrDamaged, ErrForm and ErrNewer say that it is about the copy.
func Read(r io.Reader, key age.Identity, dir string) (m Manifest, err error) {
	err = open(r, key, func(t *tar.Reader) error {
		m, err = first(t)
		if err != nil {
			return err
		}
		return extract(t, dir)
	})
	return m, err
}

// Look says whose copy it is, and opens all of it to see that it is whole. Nothing is written.
func Look(r io.Reader, key age.Identity) (m Manifest, names []string, err error) {
	err = open(r, key, func(t *tar.Reader) error {
		m, err = first(t)
		if err != nil {
			return err
		}
		return each(t, func(h *tar.Header) error {
			names = append(names, h.Name)
			_, err := io.Copy(io.Discard, t)
			return err
		})
	})
	return m, names, err
}

// open reads an age file to its very end: only there it is known to be whole.
func open(r io.Reader, key age.Identity, read func(*tar.Reader) error) error {
	plain, err := age.Decrypt(r, key)
	no := (*age.NoIdentityMatchError)(nil)
	switch {
	case errors.As(err, &no):
		return ErrKey
	case err != nil:
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	unpacked, err := gzip.NewReader(plain)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	bounded := io.LimitReader(unpacked, maxAll+(maxFiles+10)*4096)
	if err := read(tar.NewReader(bounded)); err != nil {
		known := errors.Is(err, ErrForm) || errors.Is(err, ErrNewer)
		pe := (*fs.PathError)(nil) // of our own disk
		if known || errors.As(err, &pe) {
			return err
		}
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	for _, rest := range []io.Reader{bounded, plain} {
		n, err := io.Copy(io.Discard, io.LimitReader(rest, 1<<20))
		if err == nil && n == 1<<20 {
			err = errors.New("something behind it")
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	return nil
}

// first reads the manifest, which every archive begins with.
func first(t *tar.Reader) (m Manifest, err error) {
	h, err := t.Next()
	if err != nil {
		return m, err
	}
	if h.Name != manifest || h.Typeflag != tar.TypeReg || h.Size > 64<<10 {
		return m, fmt.Errorf("%w: it does not begin with %s", ErrForm, manifest)
	}
	b, err := io.ReadAll(t)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("%w: %s: %w", ErrForm, manifest, err)
	}
	switch {
	case m.Format > Format:
		return m, fmt.Errorf("%w: format %d; this one reads %d", ErrNewer, m.Format, Format)
	case m.Format < 1:
		return m, fmt.Errorf("%w: format %d", ErrForm, m.Format)
	}
	for key, name := range m.Named {
		if err := checkName(name); err != nil {
			return m, fmt.Errorf("%s: %w", key, err)
		}
	}
	return m, nil
}

// each gives every file, once its name and size are found good.
func each(t *tar.Reader, do func(*tar.Header) error) error {
	var all int64
	seen := map[string]bool{}
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := checkName(h.Name); err != nil {
			return err
		}
		all += h.Size
		if h.Typeflag != tar.TypeReg || h.Size > maxFile || all > maxAll || len(seen) >= maxFiles || seen[h.Name] {
			return fmt.Errorf("%w: %s: expected a regular file, once", ErrForm, h.Name)
		}
		seen[h.Name] = true
		if err := do(h); err != nil {
			return err
		}
	}
}

func extract(t *tar.Reader, dir string) error {
	made := map[string]bool{dir: true}
	err := each(t, func(h *tar.Header) error {
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		made[filepath.Dir(path)] = true
		mode := fs.FileMode(0o600)
		if h.Mode&0o004 != 0 {
			mode = 0o644
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, t)
		return errors.Join(err, f.Sync(), f.Close())
	})
	if err != nil {
		return err
	}
	for d := range made {
		if err := durable.SyncDir(d); err != nil {
			return err
		}
	}
	return nil
}
