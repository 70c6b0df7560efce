package bundle

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"

	"parvis/internal/durable"
)

// starts is how often a site begins with a bundle that it has not confirmed: one that makes it fall, or the power, ends the trial.
const starts = 3

// Refused is a bundle that the site does not run, and why: wire.Refused.
type Refused struct {
	Version int64  `json:"version"`
	Why     string `json:"why"`
}

// Keeper holds what a site runs: the bundle that has proved itself, and one on trial. Each change is one file, written whole, so that a
// power cut leaves what was before or what is after. Its methods may be called from several goroutines.
type Keeper struct {
	path, site string
	key        ed25519.PublicKey

	mu sync.Mutex
	s  state
}

type state struct {
	Site    string   `json:"site"`
	Key     []byte   `json:"key"`     // who signs for it
	Highest int64    `json:"highest"` // version ever taken: an older one is never run again by the hub's word
	Good    []byte   `json:"good,omitempty"`
	Trial   []byte   `json:"trial,omitempty"`
	Starts  int      `json:"starts,omitempty"` // of the trial
	Refused *Refused `json:"refused,omitempty"`
}

// Keep reads the file, which need not be there. What another hub has said, or was said to another site, is forgotten: versions of two hubs
// cannot be compared. A file that cannot be read is an error and stays: without it an old bundle could come back.
func Keep(path, site string, key ed25519.PublicKey) (*Keeper, error) {
	k := &Keeper{path: path, site: site, key: key, s: state{Site: site, Key: key}}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return k, nil
	}
	var s state
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err == nil && s.Site == site && bytes.Equal(s.Key, key) {
		k.s = s
	}
	if err != nil {
		return nil, fmt.Errorf("bundle: read %s: %w; move it away to begin without a bundle", path, err)
	}
	return k, nil
}

// Begin returns what the daemon that starts now runs: the trial, at most three times, then again what was good. ok is false where there is
// nothing from the hub.
func (k *Keeper) Begin() (p Payload, ok bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.s.Trial != nil {
		if k.s.Starts >= starts {
			err = k.back("check")
		} else {
			err = k.write(func(s *state) { s.Starts++ })
		}
		if err != nil {
			return Payload{}, false, err
		}
	}
	b := k.s.Trial
	if b == nil {
		b = k.s.Good
	}
	if b == nil {
		return Payload{}, false, nil
	}
	p, err = Open(b, k.key, k.site)
	return p, err == nil, err
}

// Offer takes a bundle as the hub sent it on trial; the caller then begins anew. What is not taken is remembered with its reason. The one that
// runs already is no news: false without an error.
func (k *Keeper) Offer(b []byte) (news bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p, err := Open(b, k.key, k.site)
	if err != nil {
		return false, errors.Join(err, k.refuse(Refused{Why: Why(err)}))
	}
	if p.Version == k.s.Highest {
		return false, nil
	}
	if p.Version < k.s.Highest {
		return false, errors.Join(ErrVersion, k.refuse(Refused{p.Version, Why(ErrVersion)}))
	}
	err = k.write(func(s *state) { s.Highest, s.Trial, s.Starts, s.Refused = p.Version, b, 0, nil })
	return err == nil, err
}

// refuse remembers what was not taken. The hub may offer the same each minute: flash is written once.
func (k *Keeper) refuse(r Refused) error {
	if k.s.Refused != nil && *k.s.Refused == r {
		return nil
	}
	return k.write(func(s *state) { s.Refused = &r })
}

// Confirm ends the trial: the site works, and reaches the hub. Without a trial nothing happens.
func (k *Keeper) Confirm() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.s.Trial == nil {
		return nil
	}
	return k.write(func(s *state) { s.Good, s.Trial, s.Starts = s.Trial, nil, 0 })
}

// Back ends the trial with a word why (check, line, hub): what was good before is what the caller then begins anew with.
func (k *Keeper) Back(why string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.s.Trial == nil {
		return nil
	}
	return k.back(why)
}

func (k *Keeper) back(why string) error {
	return k.write(func(s *state) { s.Trial, s.Starts, s.Refused = nil, 0, &Refused{s.Highest, why} })
}

// Trying reports whether what runs has not proved itself yet.
func (k *Keeper) Trying() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.s.Trial != nil
}

// Says is what the site tells the hub: the version that it runs ("" its own configuration alone), and what it did not take.
func (k *Keeper) Says() (version string, refused *Refused) {
	k.mu.Lock()
	defer k.mu.Unlock()
	b := k.s.Trial
	if b == nil {
		b = k.s.Good
	}
	if p, err := Open(b, k.key, k.site); err == nil {
		version = strconv.FormatInt(p.Version, 10)
	}
	return version, k.s.Refused
}

// write changes the state on the disk and then in memory. Called with mu held.
func (k *Keeper) write(change func(*state)) error {
	next := k.s
	change(&next)
	b, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	if err := durable.Write(k.path, b); err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	k.s = next
	return nil
}
