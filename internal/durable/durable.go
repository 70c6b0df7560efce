// Package durable writes a file so that a power cut leaves what was before or what is after.
package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Write puts a file in place whole, for its owner alone (mode 0600): written beside, synchronised, renamed, and the directory
// synchronised (rename(2), fsync(2)). The directory exists.
func Write(path string, b []byte) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(b)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		os.Remove(tmp.Name())
		return err
	}
	return SyncDir(dir)
}

// Rename puts a file that was written in pieces in its place, whole: it is synchronised before, and the directory after. Both paths are of
// one directory.
func Rename(from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	if err = errors.Join(f.Sync(), f.Close()); err == nil {
		err = os.Rename(from, to)
	}
	if err != nil {
		return fmt.Errorf("put %s in place: %w", to, err)
	}
	return SyncDir(filepath.Dir(to))
}

// SyncDir makes durable which files a directory has.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
