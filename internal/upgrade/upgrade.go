// Package upgrade replaces the program of a site by another version, and goes back when that one does not work: program and databases
// together (docs/adr/0022-upgrade.md).
//
// The daemon only asks (Ask) and reads what became of it (State). What is asked for is done by Upgrade.Run, as root, in a process of its
// own and by the program that has proved itself; a journal, durable before each step, makes a power cut or a kill at any moment end in the
// old version or in the new one.
package upgrade

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"parvis/internal/durable"
)

// Wanted is a version that a site should run.
type Wanted struct {
	// Number is that of the hub's decision, for who asks to know it again; 0 by hand.
	Number  int64  `json:"number,omitempty"`
	Version string `json:"version"`
	File    string `json:"file"`   // the program, absolute
	SHA256  string `json:"sha256"` // of it, hex
	Force   bool   `json:"force,omitempty"`
}

// The states of a Report.
const (
	Waiting = "waiting" // asked for, and not begun
	Trial   = "trial"   // under way
	Back    = "back"    // it was tried and did not work: what was before runs again
	Refused = "refused" // it was not tried
)

// The reasons of a Report.
const (
	WhyForm     = "form"     // refused: not a program, or a version that is not written as one
	WhyDigest   = "digest"   // refused: the file is not the one that was asked for
	WhyArch     = "arch"     // refused: for another processor
	WhySpace    = "space"    // refused: the disk has no room for it and the copy
	WhyHours    = "hours"    // waiting: the place is open, or somebody is inside
	WhyStart    = "start"    // it does not start, or nobody answers
	WhyCheck    = "check"    // its own check does not pass
	WhyPage     = "page"     // the portal's page does not come
	WhyRedirect = "redirect" // who is not admitted is not led to the page
	WhyConsole  = "console"  // the console does not come
	WhyDatabase = "database" // refused: the databases could not be copied
	WhyPower    = "power"    // back: it was interrupted three times
	WhyAsked    = "asked"    // back: by hand
)

// Report is how a site is with its versions.
type Report struct {
	Number  int64     `json:"number,omitempty"`
	Running string    `json:"running,omitempty"` // the version that has proved itself; "" none was ever replaced
	Wanted  string    `json:"wanted,omitempty"`  // the last that was asked for; "" none
	State   string    `json:"state,omitempty"`   // of Wanted; "" it runs
	Why     string    `json:"why,omitempty"`
	At      time.Time `json:"at,omitzero"` // of an end; by the machine's clock, whatever that is worth
	// Dismissed: whoever is in charge knows that it went back.
	Dismissed bool `json:"dismissed,omitempty"`
}

// Failed reports whether somebody should look: a version was gone back from, not by hand.
func (r Report) Failed() bool { return r.State == Back && r.Why != WhyAsked && !r.Dismissed }

var (
	versionForm = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+~_-]{0,63}$`)
	digestForm  = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// ErrForm is wrapped by what Ask refuses.
var ErrForm = errors.New("upgrade: not a version that can be asked for")

func (w Wanted) check() error {
	switch {
	case !versionForm.MatchString(w.Version):
		return fmt.Errorf("%w: version %q; expected letters, digits and . + ~ _ -, at most 64", ErrForm, w.Version)
	case !filepath.IsAbs(w.File):
		return fmt.Errorf("%w: file %q; expected an absolute path", ErrForm, w.File)
	case !digestForm.MatchString(w.SHA256):
		return fmt.Errorf("%w: digest %q; expected SHA-256, 64 hexadecimal digits", ErrForm, w.SHA256)
	}
	return nil
}

// Where a state directory keeps what is asked for, which the daemon writes, and what becomes of it, which root writes.
const (
	askDir    = "upgrade"
	keepDir   = "versions"
	wantedIn  = "wanted.json"
	journalIn = "journal.json"
	lastIn    = "last.json"
)

// Dir is where files that are to be asked for are put; it is made when it is missing.
func Dir(state string) (string, error) {
	dir := filepath.Join(state, askDir)
	return dir, os.MkdirAll(dir, 0o700)
}

// Ask writes down, durably, which version a state directory's site should run, in the place of what was asked for before. Nothing is looked
// at but the form: ErrForm.
func Ask(state string, w Wanted) error {
	if err := w.check(); err != nil {
		return err
	}
	dir, err := Dir(state)
	if err != nil {
		return fmt.Errorf("upgrade: ask: %w", err)
	}
	b, err := json.MarshalIndent(w, "", "  ")
	if err != nil {
		return fmt.Errorf("upgrade: ask: %w", err)
	}
	if err := durable.Write(filepath.Join(dir, wantedIn), append(b, '\n')); err != nil {
		return fmt.Errorf("upgrade: ask: %w", err)
	}
	return nil
}

// State says what became of what was asked for. A site that was never asked has a zero Report.
func State(state string) (Report, error) {
	r, err := last(state)
	if err != nil {
		return Report{}, err
	}
	var w Wanted
	asked, err := load(filepath.Join(state, askDir, wantedIn), &w)
	if err != nil {
		return Report{}, err
	}
	j, err := readJournal(state)
	switch {
	case err != nil:
		return Report{}, err
	case j.Step != "":
		return Report{Number: j.Wanted.Number, Running: j.From.Version, Wanted: j.To.Version, State: Trial}, nil
	case asked && (w.Number != r.Number || w.Version != r.Wanted || r.State != Waiting):
		return Report{Number: w.Number, Running: r.Running, Wanted: w.Version, State: Waiting}, nil
	case !asked && r.State == Waiting: // it was taken back
		return Report{Running: r.Running}, nil
	}
	return r, nil
}

// Trying reports whether the version that runs has not proved itself yet.
func Trying(state string) bool {
	j, err := readJournal(state)
	return err == nil && j.Step == stepTrial
}

// Due reports whether Run has something to do: for who starts it where no other program does.
func Due(state string) bool {
	for _, name := range []string{filepath.Join(askDir, wantedIn), filepath.Join(keepDir, journalIn)} {
		if _, err := os.Lstat(filepath.Join(state, name)); err == nil {
			return true
		}
	}
	return false
}

func last(state string) (r Report, err error) {
	_, err = load(filepath.Join(state, keepDir, lastIn), &r)
	return r, err
}

// most is the largest of our small files; a longer one is not ours.
const most = 64 << 10

// load reads one of our files; is says whether it is there. What is not ours is an error and stays.
func load(path string, into any) (is bool, err error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil && (!info.Mode().IsRegular() || info.Size() > most) {
		err = errors.New("not a small file")
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(path)
	}
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		return false, fmt.Errorf("upgrade: read %s: %w; move it away to begin anew", path, err)
	}
	return true, nil
}

// store writes one of our files, that everybody on the machine may read: nothing in it is secret, and the daemon need not be root.
func store(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	if err := durable.Write(path, append(b, '\n')); err != nil {
		return fmt.Errorf("upgrade: %w", err)
	}
	return os.Chmod(path, 0o644)
}
