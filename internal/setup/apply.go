package setup

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"parvis/internal/config"
	"parvis/internal/machine"
)

// Errors of Apply that callers decide by.
var (
	ErrExists  = errors.New("setup: there is a configuration already")
	ErrRefused = errors.New("setup: the plan was refused")
)

// Apply writes the configuration and, where there is none, the site's secret. Each file is whole or not there, also
// after a power cut. A site key that is there is never touched; a configuration only by a plan with Force, and then
// the old one is kept as parvis.toml.bak.
func Apply(p Plan, root machine.Root) error {
	if p.Source == "" {
		return ErrRefused
	}
	path := root.Path(config.Path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("setup: make directory: %w", err)
	}
	old, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("setup: read the old configuration: %w", err)
	case !p.Force:
		return ErrExists
	default:
		if err := put(path+".bak", old, 0o644, true); err != nil {
			return fmt.Errorf("setup: keep the old configuration: %w", err)
		}
	}
	// The secret comes first: a configuration that is there means that everything is.
	key := make([]byte, machine.SiteKeyLen)
	_, _ = rand.Read(key) // never fails (crypto/rand, since Go 1.24)
	err = put(root.Path(machine.SiteKeyPath), []byte(hex.EncodeToString(key)+"\n"), 0o600, false)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("setup: write site key: %w", err)
	}
	err = put(path, []byte(p.Source), 0o644, p.Force)
	switch {
	case errors.Is(err, fs.ErrExist):
		return ErrExists // it appeared meanwhile
	case err != nil:
		return fmt.Errorf("setup: write configuration: %w", err)
	}
	return nil
}

// put writes a file by a temporary one beside it, on the disk before it has its name. Without replace, a file that is
// there is kept and the error is fs.ErrExist.
func put(path string, content []byte, mode fs.FileMode, replace bool) (err error) {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".parvis-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already after a rename
	_, errWrite := tmp.Write(content)
	errMode := tmp.Chmod(mode)
	errSync := tmp.Sync()
	if err := errors.Join(errWrite, errMode, errSync, tmp.Close()); err != nil {
		return err
	}
	if replace {
		err = os.Rename(tmp.Name(), path)
	} else {
		err = os.Link(tmp.Name(), path)
	}
	if err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
