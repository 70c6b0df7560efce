package replace

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"parvis/internal/durable"
)

// Finish does what is left of a replacement that was committed; done is false where there is none. It may be cut at any moment and asked again.
func (b Box) Finish() (done bool, err error) {
	text, err := os.ReadFile(filepath.Join(b.dir(), ready))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	var p plan
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err == nil {
		err = b.state(p)
	}
	if err == nil {
		err = b.etc(p)
	}
	if err == nil {
		err = b.end()
	}
	if err != nil {
		return false, fmt.Errorf("replace: finish: %w", err)
	}
	return true, nil
}

// state moves within one file system: each name is old, nowhere for a moment, or new, and which of them the disk says.
func (b Box) state(p plan) error {
	aside, from := filepath.Join(b.State, p.Aside), filepath.Join(b.dir(), State)
	for _, name := range p.OldState {
		if slices.Contains(p.NewState, name) && !there(filepath.Join(from, name)) {
			continue // what has this name now is new
		}
		if err := b.aside(filepath.Join(b.State, name), filepath.Join(aside, name)); err != nil {
			return err
		}
	}
	for _, name := range p.NewState {
		if !there(filepath.Join(from, name)) {
			continue
		}
		if err := b.stop("state " + name); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(from, name), filepath.Join(b.State, name)); err != nil {
			return err
		}
	}
	if !there(from) {
		return durable.SyncDir(b.State)
	}
	return errors.Join(durable.SyncDir(b.State), durable.SyncDir(from))
}

// aside moves what was there, unless that was done.
func (b Box) aside(path, to string) error {
	if !there(path) || there(to) {
		return nil
	}
	if err := b.stop("aside " + path); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	if err := os.Rename(path, to); err != nil {
		return err
	}
	return errors.Join(durable.SyncDir(filepath.Dir(to)), durable.SyncDir(filepath.Dir(path)))
}

// etc may be another file system: files are copied there, and the configuration comes last, because where it is a site is.
func (b Box) etc(p plan) error {
	if err := os.MkdirAll(b.Etc, 0o755); err != nil {
		return err
	}
	for _, name := range p.OldEtc {
		if err := b.aside(filepath.Join(b.Etc, name), filepath.Join(b.Etc, p.Aside, name)); err != nil {
			return err
		}
	}
	for _, name := range p.NewEtc {
		from, to := filepath.Join(b.dir(), Etc, name), filepath.Join(b.Etc, name)
		if err := b.stop("etc " + name); err != nil {
			return err
		}
		info, err := os.Stat(from)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := durable.Write(to, text); err != nil {
			return err
		}
		if err := os.Chmod(to, info.Mode().Perm()); err != nil {
			return err
		}
	}
	return nil
}

// end forgets that there was a replacement, and then what it left.
func (b Box) end() error {
	if err := b.stop("end"); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(b.dir(), ready)); err != nil {
		return err
	}
	if err := durable.SyncDir(b.dir()); err != nil {
		return err
	}
	if err := b.stop("ended"); err != nil {
		return err
	}
	return os.RemoveAll(b.dir())
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
