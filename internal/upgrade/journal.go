package upgrade

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"parvis/internal/durable"
)

// step is how far an upgrade has come. Each is written before it is begun, and may be begun again: after a power cut what was done of it is
// done once more.
type step string

// The steps, in their order; back and return are those of a version that does not work.
const (
	stepPlace  step = "place"  // the program is put where it will stay, and must run
	stepCopy   step = "copy"   // the daemon stops, and what it keeps is copied
	stepTrial  step = "trial"  // the new program runs and is judged
	stepKeep   step = "keep"   // it is the one that has proved itself
	stepBack   step = "back"   // the daemon stops, the copy is put back, the old program too
	stepReturn step = "return" // the old program runs: the copy is not put back again
)

// build is one version's program.
type build struct {
	Version string `json:"version"`
	Program string `json:"program"` // path
}

// journal is an upgrade under way; its file is not there when there is none.
type journal struct {
	Step   step   `json:"step"`
	Wanted Wanted `json:"wanted"`
	From   build  `json:"from"`
	To     build  `json:"to"`
	Starts int    `json:"starts,omitempty"` // of the trial
	Why    string `json:"why,omitempty"`    // of going back
	// Silent: the daemon did not run before, and is not started.
	Silent bool `json:"silent,omitempty"`
	// Stay: go back to the old program and leave the databases as they are, which it can read.
	Stay bool `json:"stay,omitempty"`
}

func readJournal(state string) (j journal, err error) {
	is, err := load(filepath.Join(state, keepDir, journalIn), &j)
	if err != nil || !is {
		return journal{}, err
	}
	switch j.Step {
	case stepPlace, stepCopy, stepTrial, stepKeep, stepBack, stepReturn:
		return j, nil
	}
	return journal{}, fmt.Errorf("upgrade: read the journal: a step %q that this version does not know", j.Step)
}

// to makes the next step durable.
func (u *Upgrade) to(j *journal, s step) error {
	next := *j
	next.Step = s
	if err := u.write(next); err != nil {
		return err
	}
	*j = next
	return nil
}

func (u *Upgrade) write(j journal) error {
	if err := u.at("journal " + string(j.Step)); err != nil {
		return err
	}
	if err := store(u.kept(journalIn), j); err != nil {
		return err
	}
	return u.at("journalled " + string(j.Step))
}

// end says what became of what was wanted, and that nothing is under way. What was asked for meanwhile stays asked for.
func (u *Upgrade) end(w Wanted, r Report) error {
	if err := u.at("end"); err != nil {
		return err
	}
	r.At = u.Clock.Wall().Time
	if err := store(u.kept(lastIn), r); err != nil {
		return err
	}
	if err := u.at("ended"); err != nil {
		return err
	}
	// What was asked for goes first: were the journal gone before it, it would be begun again.
	ends := []string{u.asked(wantedIn), u.kept(journalIn)}
	var now Wanted
	if asked, err := load(u.asked(wantedIn), &now); err == nil && asked && now != w {
		ends = ends[1:]
	}
	if filepath.Dir(w.File) == filepath.Clean(u.asked("")) && (w == now || w.File != now.File) {
		ends = append(ends, w.File) // it was fetched, and is installed or of no use
	}
	for _, path := range ends {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("upgrade: %w", err)
		}
		if err := durable.SyncDir(filepath.Dir(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("upgrade: %w", err)
		}
		if err := u.at("removed " + filepath.Base(path)); err != nil {
			return err
		}
	}
	return nil
}

func (u *Upgrade) kept(name string) string  { return filepath.Join(u.State, keepDir, name) }
func (u *Upgrade) asked(name string) string { return filepath.Join(u.State, askDir, name) }
