// Package replace puts the files of a site's copy in the place of what a box had, wholly or not at all.
//
// They are first laid out in a directory of their own, in which everything can still be given up. Commit is the one moment: a file named
// "ready", on the disk before anything moves. From then on there is only forwards: Finish does what is left to do, as often as it is asked, and
// is asked again at each start of the daemon. What the box had before is moved aside, and never deleted.
package replace

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"parvis/internal/durable"
)

// Names below the state's directory.
const (
	Dir     = "replacing" // while a box becomes another site
	before  = "before-"   // and a date: what the box had
	ready   = "ready"
	sealKey = "seal.key"

	// Etc and State are, below Dir, where the new files are laid out.
	Etc   = "etc"
	State = "state"
)

// ofTheBox is what is not a site's: the programs that run here, and how far another version of them has come.
var ofTheBox = []string{"versions", "upgrade"}

// ErrPending: a replacement was committed and is not finished.
var ErrPending = errors.New("replace: a replacement is under way")

// Box is where a box has its files.
type Box struct {
	Etc    string // directory of the configuration
	Config string // its file name there: parvis.toml
	State  string // directory of the state

	step func(what string) error // tests cut the power here; nil: nobody does
}

func (b Box) dir() string { return filepath.Join(b.State, Dir) }

// Pending reports whether Commit has happened and Finish has not.
func (b Box) Pending() (bool, error) {
	_, err := os.Stat(filepath.Join(b.dir(), ready))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("replace: %w", err)
	}
	return true, nil
}

// Occupied names what makes this box a site already; "" it is bare.
func (b Box) Occupied() string {
	for _, f := range []string{filepath.Join(b.Etc, b.Config), filepath.Join(b.Etc, "site.key"), filepath.Join(b.State, "parvis.db")} {
		if _, err := os.Lstat(f); err == nil {
			return f
		}
	}
	return ""
}

// Begin makes an empty place for the new files, without those of a try before, and returns it with the key of the enrolment that is to come.
// That one stays the same through all tries: by it the hub knows who has redeemed a code.
func (b Box) Begin() (dir string, key *ecdh.PrivateKey, err error) {
	if pending, err := b.Pending(); err != nil || pending {
		return "", nil, errors.Join(err, ErrPending)
	}
	dir = b.dir()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("replace: %w", err)
	}
	if err := errors.Join(os.RemoveAll(filepath.Join(dir, Etc)), os.RemoveAll(filepath.Join(dir, State))); err != nil {
		return "", nil, fmt.Errorf("replace: %w", err)
	}
	path := filepath.Join(dir, sealKey)
	raw, err := os.ReadFile(path)
	if err == nil {
		if key, err = ecdh.X25519().NewPrivateKey(raw); err == nil {
			return dir, key, nil
		}
	}
	if key, err = ecdh.X25519().GenerateKey(rand.Reader); err != nil {
		return "", nil, fmt.Errorf("replace: %w", err)
	}
	if err := durable.Write(path, key.Bytes()); err != nil {
		return "", nil, fmt.Errorf("replace: %w", err)
	}
	return dir, key, durable.SyncDir(b.State)
}

// Clear takes away the new files, and keeps the key of the enrolment, which a code may know already.
func (b Box) Clear() error {
	if pending, err := b.Pending(); err != nil || pending {
		return errors.Join(err, ErrPending)
	}
	return errors.Join(os.RemoveAll(filepath.Join(b.dir(), Etc)), os.RemoveAll(filepath.Join(b.dir(), State)))
}

// plan is what Finish does. Names of Etc are paths below it, those of State its entries.
type plan struct {
	Aside              string   `json:"aside"` // name of the directory for what was there, in Etc and in State
	OldEtc, NewEtc     []string // new: parvis.toml is the last
	OldState, NewState []string
}

// Commit decides. What lies in the place that Begin has made becomes the site's as soon as Finish has ended.
func (b Box) Commit(now time.Time) error {
	if pending, err := b.Pending(); err != nil || pending {
		return errors.Join(err, ErrPending)
	}
	p := plan{Aside: before + now.UTC().Format("20060102-150405")}
	var err error
	if p.NewEtc, err = files(filepath.Join(b.dir(), Etc)); err != nil {
		return err
	}
	if !slices.Contains(p.NewEtc, b.Config) {
		return fmt.Errorf("replace: commit: there is no %s", b.Config)
	}
	p.NewEtc = append(slices.DeleteFunc(p.NewEtc, func(n string) bool { return n == b.Config }), b.Config)
	for _, n := range append([]string{b.Config, "site.key"}, p.NewEtc...) {
		if _, err := os.Lstat(filepath.Join(b.Etc, n)); err == nil && !slices.Contains(p.OldEtc, n) {
			p.OldEtc = append(p.OldEtc, n)
		}
	}
	if p.NewState, err = entries(filepath.Join(b.dir(), State)); err != nil {
		return err
	}
	if p.OldState, err = entries(b.State); err != nil {
		return err
	}
	p.OldState = slices.DeleteFunc(p.OldState, func(n string) bool { return n == Dir || strings.HasPrefix(n, before) || slices.Contains(ofTheBox, n) })
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("replace: commit: %w", err)
	}
	if err := b.stop("commit"); err != nil {
		return err
	}
	if err := durable.Write(filepath.Join(b.dir(), ready), text); err != nil {
		return fmt.Errorf("replace: commit: %w", err)
	}
	return b.stop("committed")
}

func (b Box) stop(what string) error {
	if b.step == nil {
		return nil
	}
	return b.step(what)
}

// entries are a directory's, none where it is not there.
func entries(dir string) (names []string, err error) {
	all, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("replace: %w", err)
	}
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names, nil
}

// files are those below a directory, by their path there.
func files(dir string) (names []string, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		names = append(names, rel)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("replace: %w", err)
	}
	return names, nil
}
