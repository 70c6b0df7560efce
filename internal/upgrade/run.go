package upgrade

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"parvis/internal/clock"
)

// Upgrade does what is asked for. Its functions are of this machine; tests give others.
type Upgrade struct {
	State string // directory of the daemon
	Lib   string // directory of the links current and good, and of the package's program
	Clock clock.Clock
	Log   *slog.Logger
	// Service is who runs the daemon.
	Service Service
	// Closed says that nobody minds now: ErrOpen while the place is open or somebody is inside.
	Closed func(context.Context) error
	// VersionOf runs a program to hear its version.
	VersionOf func(ctx context.Context, program string) (string, error)
	// Fits runs a program beside the daemon: "" it is that version and accepts this site's configuration, else the reason.
	Fits func(ctx context.Context, program, version string) (why string)
	// Look looks once at the daemon from outside: "" it is that version and all is well, else the reason.
	Look func(ctx context.Context, version string) (why string)
	// Carry takes up, into the databases that were put back, what happened during the trial. What cannot be taken up is its business.
	Carry func(context.Context) error
	// Free is how many bytes a directory's disk has left.
	Free func(dir string) (uint64, error)
	// Within is how long a version may take until all is well for the first time; Hold for how long it must then stay well.
	Within, Hold time.Duration

	fault func(point string) error // tests stop the work there; nil
}

// The usual Within and Hold.
const (
	Within = time.Minute
	Hold   = 15 * time.Second
)

// Errors that callers decide by.
var (
	ErrOpen = errors.New("upgrade: the place is open, or somebody is inside")
	ErrBusy = errors.New("upgrade: another one is under way")
	// ErrLinks: there are no links yet; After makes them.
	ErrLinks = errors.New("upgrade: Parvis is not installed in a way that can be upgraded")
	ErrNone  = errors.New("upgrade: there is no version to go back to")
	// ErrLosing: the version before does not read today's databases; going back loses what they hold since the copy.
	ErrLosing = errors.New("upgrade: the version before cannot read today's databases")
)

// trials is how often a trial begins: one that takes the power with it ends.
const trials = 3

// Run does what is to be done: goes on with what was interrupted, else begins what is asked for. It returns what became of it; an error is
// about this machine, and Run is then to be called again. Once the daemon is stopped the end of ctx no longer stops it.
func (u *Upgrade) Run(ctx context.Context) (Report, error) {
	unlock, err := u.lock()
	if err != nil {
		return Report{}, err
	}
	defer unlock()
	j, err := readJournal(u.State)
	if err == nil && j.Step == "" {
		j, err = u.begin(ctx)
	}
	if err == nil && j.Step != "" {
		err = u.finish(context.WithoutCancel(ctx), &j)
	}
	if err != nil {
		return Report{}, err
	}
	return State(u.State)
}

// finish takes the steps that are left.
func (u *Upgrade) finish(ctx context.Context, j *journal) error {
	steps := map[step]func(context.Context, *journal) error{
		stepPlace: u.place, stepCopy: u.copy, stepTrial: u.trial, stepKeep: u.keep, stepBack: u.back, stepReturn: u.giveBack,
	}
	for j.Step != "" {
		u.Log.Info("upgrade", "step", j.Step, "from", j.From.Version, "to", j.To.Version)
		if err := steps[j.Step](ctx, j); err != nil {
			return fmt.Errorf("upgrade: %s: %w", j.Step, err)
		}
	}
	return nil
}

// place puts the program where it stays. Nothing that runs is touched.
func (u *Upgrade) place(ctx context.Context, j *journal) error {
	why, err := u.install(j.Wanted, j.To.Program)
	if err != nil {
		return err
	}
	if why == "" {
		why = u.Fits(ctx, j.To.Program, j.To.Version)
	}
	if why != "" {
		return u.refuse(j, why)
	}
	return u.to(j, stepCopy)
}

// copy stops the daemon and copies what it keeps: the kernel's entries stand, and those who are admitted go on.
func (u *Upgrade) copy(ctx context.Context, j *journal) error {
	if err := u.Service.Stop(ctx); err != nil {
		return err
	}
	if err := u.at("stopped"); err != nil {
		return err
	}
	if err := u.copyState(beforeIn); errors.Is(err, errFault) {
		return err
	} else if err != nil {
		u.Log.Error("upgrade: the databases could not be copied", "error", err)
		if !j.Silent {
			if err := u.Service.Start(ctx); err != nil {
				return err
			}
		}
		return u.refuse(j, WhyDatabase)
	}
	if j.Silent {
		return u.to(j, stepKeep) // nobody can judge what is not to run
	}
	return u.to(j, stepTrial)
}

// trial runs the new program and judges it.
func (u *Upgrade) trial(ctx context.Context, j *journal) error {
	if j.Starts >= trials {
		return u.fail(j, WhyPower)
	}
	j.Starts++
	if err := u.write(*j); err != nil {
		return err
	}
	if err := u.link(linkCurrent, j.To.Program); err != nil {
		return err
	}
	// After a power cut the service manager has started what current led to.
	if err := u.Service.Stop(ctx); err != nil {
		return err
	}
	if err := u.at("stopped"); err != nil {
		return err
	}
	if err := u.Service.Start(ctx); err != nil {
		u.Log.Error("upgrade: the new version is not started", "error", err)
		return u.fail(j, WhyStart)
	}
	if err := u.at("started"); err != nil {
		return err
	}
	if why := u.judge(ctx, j.To.Version); why != "" {
		return u.fail(j, why)
	}
	if err := u.at("judged"); err != nil {
		return err
	}
	return u.to(j, stepKeep)
}

// fail begins to go back.
func (u *Upgrade) fail(j *journal, why string) error {
	u.Log.Warn("upgrade: the new version does not work here: the one before it is run again", "version", j.To.Version, "why", why)
	j.Why = why
	return u.to(j, stepBack)
}

// keep makes the new version the one that judges the next one, and lets go of those that nobody goes back to.
func (u *Upgrade) keep(_ context.Context, j *journal) error {
	if err := errors.Join(u.link(linkCurrent, j.To.Program), u.link(linkGood, j.To.Program)); err != nil {
		return err
	}
	if err := u.write(*j); err != nil { // a moment at which tests stop it: the links are moved
		return err
	}
	if err := store(u.kept(previousIn), j.From); err != nil {
		return err
	}
	if err := u.end(j.Wanted, Report{Number: j.Wanted.Number, Running: j.To.Version, Wanted: j.To.Version}); err != nil {
		return err
	}
	u.prune(j.To.Program, j.From.Program)
	*j = journal{}
	return nil
}

// back stops what does not work and puts back what was: databases first, so that the old program never meets those of the new one.
func (u *Upgrade) back(ctx context.Context, j *journal) error {
	if err := u.Service.Stop(ctx); err != nil {
		return err
	}
	if err := u.at("stopped"); err != nil {
		return err
	}
	if !j.Stay {
		if err := u.restore(); err != nil {
			return err
		}
		if err := u.Carry(ctx); errors.Is(err, errFault) {
			return err
		} else if err != nil {
			u.Log.Error("upgrade: not all of what happened meanwhile was taken up", "error", err)
		}
	}
	if err := errors.Join(u.link(linkCurrent, j.From.Program), u.link(linkGood, j.From.Program)); err != nil {
		return err
	}
	return u.to(j, stepReturn)
}

// giveBack starts the old program again.
func (u *Upgrade) giveBack(ctx context.Context, j *journal) error {
	if !j.Silent {
		if err := u.Service.Start(ctx); err != nil {
			return err
		}
	}
	if err := u.end(j.Wanted, Report{Number: j.Wanted.Number, Running: j.From.Version, Wanted: j.To.Version, State: Back, Why: j.Why}); err != nil {
		return err
	}
	u.prune(j.From.Program, u.previous().Program)
	*j = journal{}
	return nil
}

// Back goes back, by hand, to the version that ran before the last one that was kept. Where that one reads today's databases they stay
// and nothing is lost; else ErrLosing, unless losing is accepted: today's databases are then set aside (versions/after). ErrNone without one.
func (u *Upgrade) Back(ctx context.Context, losing bool) (Report, error) {
	unlock, err := u.lock()
	if err != nil {
		return Report{}, err
	}
	defer unlock()
	if j, err := readJournal(u.State); err != nil || j.Step != "" {
		return Report{}, errors.Join(err, ErrBusy)
	}
	from := u.previous()
	if _, err := os.Stat(from.Program); from.Program == "" || err != nil {
		return Report{}, ErrNone
	}
	to := build{Program: u.linked(linkCurrent)}
	if to.Version, err = u.VersionOf(ctx, to.Program); err != nil {
		return Report{}, err
	}
	running, err := u.Service.Running(ctx)
	if err != nil {
		return Report{}, err
	}
	j := journal{From: from, To: to, Why: WhyAsked, Silent: !running}
	if j.Stay, err = u.sameState(ctx); err != nil {
		return Report{}, err
	}
	if !j.Stay && !losing {
		return Report{}, ErrLosing
	}
	if err := os.RemoveAll(u.kept(afterIn)); err != nil {
		return Report{}, err
	}
	// What was written by the version of today during its own trial is in the past: it is not taken up again.
	if err := remove(u.asked(ListIn)); err != nil {
		return Report{}, err
	}
	if err := u.to(&j, stepBack); err != nil {
		return Report{}, err
	}
	if err := u.finish(context.WithoutCancel(ctx), &j); err != nil {
		return Report{}, err
	}
	if err := remove(u.kept(previousIn)); err != nil {
		return Report{}, err
	}
	return State(u.State)
}

// Dismiss says that whoever is in charge knows of the version that was gone back from.
func (u *Upgrade) Dismiss() error {
	unlock, err := u.lock()
	if err != nil {
		return err
	}
	defer unlock()
	r, err := last(u.State)
	if err != nil || !r.Failed() {
		return err
	}
	r.Dismissed = true
	return store(u.kept(lastIn), r)
}

// lock keeps a second one out. It is the kernel's and ends with the process.
func (u *Upgrade) lock() (unlock func(), err error) {
	if err := os.MkdirAll(u.kept(""), 0o755); err != nil {
		return nil, fmt.Errorf("upgrade: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(u.kept(""), "lock"), os.O_CREATE|os.O_RDWR|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("upgrade: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, ErrBusy
	}
	return func() { f.Close() }, nil
}

var errFault = errors.New("upgrade: stopped by a test")

// at is a moment at which tests take the power away.
func (u *Upgrade) at(point string) error {
	if u.fault == nil {
		return nil
	}
	return u.fault(point)
}
