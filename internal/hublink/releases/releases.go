// Package releases brings the version of Parvis that the hub wants at this site: what it says is verified, the file is read in pieces, and then
// internal/upgrade is asked. Nothing is run or replaced from here.
package releases

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"parvis/internal/durable"
	"parvis/internal/hublink/bundle"
	"parvis/internal/hublink/wire"
	"parvis/internal/upgrade"
)

// spare is what stays free on the disk beside a file and the place that internal/upgrade gives it, in bytes.
const spare = 4 << 20

// name is the file of a Keeper in upgrade.Dir.
const name = "release.json"

// Hub is what the hub has: *hublink.Link.
type Hub interface {
	// Release returns what the hub wants here, or nil where that has the tag that is given or there is nothing; number is the tag of what came.
	Release(ctx context.Context, tag string) (p *bundle.Payload, number string, err error)
	// Piece returns bytes of a file from an offset on, at most n.
	Piece(ctx context.Context, sha256 string, from, n int64) ([]byte, error)
}

// Options of a Keeper. All but Log are required.
type Options struct {
	State   string // the state directory
	Site    string // as the hub knows it: another one's numbers are not compared
	Arch    string // of wire.Archs
	Running string // the version of this program
	Free    func(dir string) (bytes uint64, err error)
	Log     *slog.Logger
}

// Keeper holds what the hub wants here and how far it has come. Its methods may be called from several goroutines.
type Keeper struct {
	o    Options
	dir  string
	turn sync.Mutex // one Take at a time

	mu sync.Mutex
	s  state
}

// state is what a restart needs to know; its zero value is a site of which nothing was ever wanted.
type state struct {
	Site    string    `json:"site"`
	Number  int64     `json:"number"`  // of the newest that was wanted: an older one is not taken again
	Version string    `json:"version"` // "" it is wanted no more
	Force   bool      `json:"force"`
	File    wire.File `json:"file"` // of this site's architecture
	Why     string    `json:"why"`  // it is not tried; ""
	Asked   bool      `json:"asked"`
}

// Open reads what is known. What another hub has wanted, or what cannot be read, is forgotten: at most it is read once more.
func Open(o Options) (*Keeper, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	dir, err := upgrade.Dir(o.State)
	if err != nil {
		return nil, fmt.Errorf("releases: %w", err)
	}
	k := &Keeper{o: o, dir: dir, s: state{Site: o.Site}}
	b, err := os.ReadFile(filepath.Join(dir, name))
	var s state
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	switch {
	case err == nil && s.Site == o.Site:
		k.s = s
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		o.Log.Warn("what the hub wanted here is read anew", "error", err)
	}
	return k, nil
}

// now is the state.
func (k *Keeper) now() state {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.s
}

// keep changes it, on the disk first.
func (k *Keeper) keep(s state) error {
	b, err := json.Marshal(s)
	if err == nil {
		err = durable.Write(filepath.Join(k.dir, name), b)
	}
	if err != nil {
		return fmt.Errorf("releases: %w", err)
	}
	k.mu.Lock()
	k.s = s
	k.mu.Unlock()
	return nil
}

// Says is what the hub is told; nil: it wants nothing here, or has it.
func (k *Keeper) Says() *wire.Upgrade {
	s := k.now()
	u := &wire.Upgrade{Number: s.Number, Version: s.Version, State: upgrade.Waiting}
	switch {
	case s.Version == "":
		return nil
	case s.Why != "":
		u.State, u.Why = upgrade.Refused, s.Why
	case s.Asked:
		r, err := upgrade.State(k.o.State)
		if err != nil || r.Number != s.Number || r.State == "" {
			return nil // somebody at the site has asked for another one since, or it runs
		}
		u.State, u.Why = r.State, r.Why
	}
	return u
}

// Take does what is next for a version that the hub wants here; "": it wants none any more. What fails is gone on with by the next call.
func (k *Keeper) Take(ctx context.Context, hub Hub, version string) error {
	k.turn.Lock()
	defer k.turn.Unlock()
	s := k.now()
	r, err := upgrade.State(k.o.State)
	if err != nil {
		return fmt.Errorf("releases: %w", err)
	}
	under := s.Asked && r.Number == s.Number && (r.State == upgrade.Waiting || r.State == upgrade.Trial)
	if s.Asked && !under {
		if err := k.remove(s); err != nil { // it has its place, or will have none
			return err
		}
	}
	switch {
	case version == "":
		return k.drop(s, under)
	case version == k.o.Running, under && s.Version == version:
		return nil
	}
	tag := ""
	if s.Version == version {
		tag = strconv.Quote(strconv.FormatInt(s.Number, 10))
	}
	p, number, err := hub.Release(ctx, tag)
	if err != nil && !unsigned(err) {
		return err
	}
	if p == nil && err == nil { // as before
		if s.Version != version || s.Why != "" || s.Asked {
			return nil
		}
		return k.fetch(ctx, hub, s)
	}
	if s, err = k.judge(s, version, p, number, err); err != nil {
		return err
	}
	return k.fetch(ctx, hub, s)
}

// unsigned reports whether what the hub said cannot be believed, and not only not be heard.
func unsigned(err error) bool {
	return errors.Is(err, bundle.ErrForm) || errors.Is(err, bundle.ErrSignature) || errors.Is(err, bundle.ErrSite)
}

// drop takes back what only waits.
func (k *Keeper) drop(s state, under bool) error {
	if s.Version == "" || s.Why != "" || s.Asked && !under {
		return nil
	}
	if s.Asked {
		if err := upgrade.Forget(k.o.State); err != nil {
			return fmt.Errorf("releases: %w", err)
		}
		if r, err := upgrade.State(k.o.State); err != nil || r.State == upgrade.Trial {
			return err // it has begun meanwhile
		}
	}
	k.o.Log.Info("the hub wants this version here no more", "version", s.Version)
	err := k.remove(s)
	s.Version, s.Asked = "", false
	return errors.Join(err, k.keep(s))
}

// judge is what is to be done of what the hub said; a refusal is kept with its reason.
func (k *Keeper) judge(before state, version string, p *bundle.Payload, number string, wrong error) (s state, err error) {
	s = state{Site: k.o.Site, Version: version, Number: before.Number}
	if n, err := strconv.ParseInt(strings.Trim(number, `"`), 10, 64); err == nil && n > s.Number {
		s.Number = n // of what cannot be opened; it is for the hub to know it again
	}
	switch {
	case wrong != nil:
		s.Why = bundle.Why(wrong)
	case p.Release == nil || p.Release.Check() != nil || p.Release.Version != version:
		s.Why = "form"
	case p.Version < before.Number:
		s.Why = "version"
	default:
		s.Number, s.Force, s.File = p.Version, p.Release.Force, p.Release.Files[k.o.Arch]
		if s.File.SHA256 == "" {
			s.Why = "arch"
		}
	}
	if s.Why != "" {
		k.o.Log.Error("the version that the hub wants here is not taken", "version", version, "why", s.Why, "error", wrong)
	} else if before.File != s.File && !before.Asked {
		err = k.remove(before)
	}
	return s, errors.Join(err, k.keep(s))
}

func (k *Keeper) file(s state) string { return filepath.Join(k.dir, "parvis-"+s.Version) }
func (k *Keeper) part(s state) string { return k.file(s) + "-" + s.File.SHA256[:8] + ".part" }

// remove takes the files of a version away.
func (k *Keeper) remove(s state) error {
	if s.Version == "" || s.File.SHA256 == "" {
		return nil
	}
	for _, path := range []string{k.file(s), k.part(s)} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("releases: %w", err)
		}
	}
	return nil
}
