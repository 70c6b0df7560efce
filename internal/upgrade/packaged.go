package upgrade

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Packaged is the program that a package brings.
func (u *Upgrade) Packaged() string { return u.links(program) }

// Judge is the program that has proved itself, and that is to do the work; "" before the first installation is over.
func (u *Upgrade) Judge() string { return u.linked(linkGood) }

// Before is called by a package's scripts before its program takes the place of the one that is there: that one is copied to where it
// stays, and both links lead to the copy. Nothing that runs is touched.
func (u *Upgrade) Before(ctx context.Context) error {
	unlock, err := u.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if good := u.linked(linkGood); good != "" && good != u.Packaged() {
		return nil // what runs did not come by the package
	}
	if _, err := os.Stat(u.Packaged()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	w, err := u.packaged(ctx)
	if err != nil {
		return err
	}
	from := w
	from.File = "/" // programOf then says where a copy stays
	to := u.programOf(from)
	if why, err := u.install(w, to); err != nil || why != "" {
		return errors.Join(err, fmt.Errorf("upgrade: %s was not copied: %s", w.File, why))
	}
	return errors.Join(u.link(linkCurrent, to), u.link(linkGood, to))
}

// After is called by a package's scripts once its program is in place. Where the daemon runs, that program is tried, and gone back from
// when it does not work. Where it does not, the links are all there is to do.
func (u *Upgrade) After(ctx context.Context) (Report, error) {
	running, err := u.Service.Running(ctx)
	if err != nil {
		return Report{}, err
	}
	good := u.linked(linkGood)
	if running && good != "" && good != u.Packaged() {
		w, err := u.packaged(ctx)
		if err != nil {
			return Report{}, err
		}
		if err := Ask(u.State, w); err != nil {
			return Report{}, err
		}
		return u.Run(ctx)
	}
	unlock, err := u.lock()
	if err != nil {
		return Report{}, err
	}
	defer unlock()
	if err := errors.Join(u.link(linkCurrent, u.Packaged()), u.link(linkGood, u.Packaged())); err != nil {
		return Report{}, err
	}
	if running { // nothing was kept to go back to
		u.Log.Warn("upgrade: the program before this one was not kept: it cannot be gone back to")
		if err := errors.Join(u.Service.Stop(ctx), u.Service.Start(ctx)); err != nil {
			return Report{}, err
		}
	}
	return State(u.State)
}

// packaged is the package's program as it can be asked for: whoever installs a package has decided when.
func (u *Upgrade) packaged(ctx context.Context) (Wanted, error) {
	version, err := u.VersionOf(ctx, u.Packaged())
	if err != nil {
		return Wanted{}, err
	}
	digest, err := Digest(u.Packaged())
	return Wanted{Version: version, File: u.Packaged(), SHA256: digest, Force: true}, err
}

// Digest is a file's SHA-256, as Wanted has it.
func Digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("upgrade: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", fmt.Errorf("upgrade: read %s: %w", path, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
