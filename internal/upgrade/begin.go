package upgrade

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// begin looks at what is asked for and, where it can be tried now, opens the journal; without a step there is nothing to do.
func (u *Upgrade) begin(ctx context.Context) (journal, error) {
	var w Wanted
	asked, err := load(u.asked(wantedIn), &w)
	if err == nil && !asked {
		return journal{}, nil
	}
	now, lastErr := last(u.State)
	if lastErr != nil {
		return journal{}, lastErr
	}
	from := build{Program: u.linked(linkGood)}
	if from.Program == "" {
		return journal{}, fmt.Errorf("%w: no link %s", ErrLinks, u.links(linkGood))
	}
	if now.State == Waiting {
		from.Version = now.Running // it was asked already
	} else if from.Version, lastErr = u.VersionOf(ctx, from.Program); lastErr != nil {
		return journal{}, lastErr
	}
	j := journal{Wanted: w, From: from, To: build{w.Version, u.programOf(w)}}
	refuse := func(why string) (journal, error) { return journal{}, u.refuse(&j, why) }
	if err != nil || w.check() != nil {
		u.Log.Error("upgrade: what is asked for cannot be read", "error", errors.Join(err, w.check()))
		return refuse(WhyForm)
	}
	if w.Version == from.Version && !w.Force {
		return journal{}, u.end(w, Report{Number: w.Number, Running: from.Version, Wanted: w.Version})
	}
	if why, err := judgeFile(w); why != "" {
		u.Log.Error("upgrade: the file is refused", "version", w.Version, "why", why, "error", err)
		return refuse(why)
	}
	if err := u.room(w); errors.Is(err, errSpace) {
		u.Log.Error("upgrade: no room", "error", err)
		return refuse(WhySpace)
	} else if err != nil {
		return journal{}, err
	}
	if !w.Force {
		if err := u.Closed(ctx); errors.Is(err, ErrOpen) {
			return journal{}, u.wait(w, now, from)
		} else if err != nil {
			return journal{}, err
		}
	}
	running, err := u.Service.Running(ctx)
	if err != nil {
		return journal{}, err
	}
	j.Silent = !running
	if err := errors.Join(os.RemoveAll(u.kept(afterIn)), remove(u.asked(ListIn))); err != nil {
		return journal{}, err
	}
	return j, u.to(&j, stepPlace)
}

// wait says, once, what is waited for.
func (u *Upgrade) wait(w Wanted, now Report, from build) error {
	r := Report{Number: w.Number, Running: from.Version, Wanted: w.Version, State: Waiting, Why: WhyHours}
	if now == r {
		return nil
	}
	return store(u.kept(lastIn), r)
}

// refuse ends what was not tried.
func (u *Upgrade) refuse(j *journal, why string) error {
	u.Log.Warn("upgrade: refused", "version", j.To.Version, "why", why)
	if err := u.end(j.Wanted, Report{Number: j.Wanted.Number, Running: j.From.Version, Wanted: j.To.Version, State: Refused, Why: why}); err != nil {
		return err
	}
	u.prune(j.From.Program, u.previous().Program)
	*j = journal{}
	return nil
}

// programOf is where the program of a version stays. Two files that call themselves the same version do not share a place, and a program
// that has its place already, a package's or an earlier one, stays where it is.
func (u *Upgrade) programOf(w Wanted) string {
	if w.check() != nil {
		return ""
	}
	own := u.kept("")
	if rel, err := filepath.Rel(own, w.File); err == nil && filepath.IsLocal(rel) || filepath.Dir(w.File) == filepath.Clean(u.Lib) {
		return w.File
	}
	return filepath.Join(own, w.Version+"-"+w.SHA256[:8], program)
}

var errSpace = errors.New("the disk has no room")

// spare is what stays free beside an upgrade: the daemon goes on writing.
const spare = 4 << 20

// room looks whether the disk holds the program, the copy, what is put back from it, and what is set aside then.
func (u *Upgrade) room(w Wanted) error {
	info, err := os.Stat(w.File)
	if err != nil {
		return err
	}
	keeps, err := u.sizeOfState()
	if err != nil {
		return err
	}
	need := uint64(spare + 3*keeps)
	if u.programOf(w) != w.File {
		need += uint64(info.Size())
	}
	free, err := u.Free(u.State)
	if err == nil && free < need {
		err = fmt.Errorf("%w: %s has %d bytes left; expected %d", errSpace, u.State, free, need)
	}
	return err
}
