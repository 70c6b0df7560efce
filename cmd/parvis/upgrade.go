package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"parvis/internal/clock"
	"parvis/internal/lang"
	"parvis/internal/upgrade"
)

// upgradeCmd replaces this program by another version. The hidden options are the laboratory's: it has no service manager.
type upgradeCmd struct {
	To      upgradeToCmd      `cmd:"" default:"withargs" help:"${help_upgrade_to}"`
	Status  upgradeStatusCmd  `cmd:"" help:"${help_upgrade_status}"`
	Back    upgradeBackCmd    `cmd:"" help:"${help_upgrade_back}"`
	Dismiss upgradeDismissCmd `cmd:"" help:"${help_upgrade_dismiss}"`
	Run     upgradeRunCmd     `cmd:"" help:"${help_upgrade_run}"`
	Before  upgradeBeforeCmd  `cmd:"" help:"${help_upgrade_before}"`
	After   upgradeAfterCmd   `cmd:"" help:"${help_upgrade_after}"`

	Lib    string        `hidden:"" default:"/usr/lib/parvis" type:"path"`
	Plain  []string      `hidden:""`
	Within time.Duration `hidden:"" default:"1m"`
	Hold   time.Duration `hidden:"" default:"15s"`
}

type upgradeToCmd struct {
	What   string `arg:"" help:"${help_upgrade_what}" placeholder:"FILE|VERSION"`
	SHA256 string `name:"sha256" help:"${help_upgrade_sha256}" placeholder:"HEX"`
	Force  bool   `help:"${help_upgrade_force}"`
	jsonFlag
}

func (c upgradeToCmd) Run(ctx context.Context, a *app) error {
	u, err := a.upgrade()
	if err != nil {
		return err
	}
	if u.Judge() == "" {
		return a.upgraded(upgrade.Report{}, upgrade.ErrLinks, c.JSON)
	}
	w, err := c.wanted(ctx, a)
	if err != nil {
		return err
	}
	if err := upgrade.Ask(a.cli.State, w); err != nil {
		return refused(err)
	}
	r, err := u.Run(ctx)
	if errors.Is(err, upgrade.ErrBusy) { // a service manager has seen the request first
		r, err = a.await(ctx, u.Clock)
	}
	return a.upgraded(r, err, c.JSON)
}

// awaited is how long another process may take for what was asked for.
const awaited = 10 * time.Minute

// await waits until what is asked for has ended, or waits for closed hours.
func (a *app) await(ctx context.Context, c clock.Clock) (upgrade.Report, error) {
	for end := c.Boot().Add(awaited); ; {
		r, err := upgrade.State(a.cli.State)
		if err != nil || !upgrade.Due(a.cli.State) || r.Why == upgrade.WhyHours {
			return r, err
		}
		if c.Boot() >= end {
			return r, upgrade.ErrBusy
		}
		tick, stop := c.At(c.Boot().Add(time.Second))
		select {
		case <-ctx.Done():
			stop()
			return r, ctx.Err()
		case <-tick:
			stop()
		}
	}
}

// wanted is the file, copied to where requests are kept, or a version that is kept already.
func (c upgradeToCmd) wanted(ctx context.Context, a *app) (w upgrade.Wanted, err error) {
	file, kept := c.What, false
	if version, program := upgrade.Previous(a.cli.State); version == c.What {
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			file, kept = program, true
		}
	}
	digest, err := upgrade.Digest(file)
	if errors.Is(err, os.ErrNotExist) {
		return w, fail(exitRefused, lang.Text{
			EN: "%s is neither a file nor a version that is kept here; expected the program of a router for this processor; see: parvis upgrade status",
			FR: "%s n'est ni un fichier ni une version gardée ici ; attendu : le programme d'un routeur pour ce processeur ; voir : parvis upgrade status",
		}, c.What)
	}
	if err != nil {
		return w, refused(err)
	}
	if c.SHA256 != "" && c.SHA256 != digest {
		return w, fail(exitRefused, lang.Text{
			EN: "%s has the digest %s; expected %s: fetch the file again",
			FR: "%s a l'empreinte %s ; attendu : %s ; récupérez le fichier à nouveau",
		}, file, digest, c.SHA256)
	}
	w = upgrade.Wanted{SHA256: digest, Force: c.Force, File: file}
	if !kept {
		if w.File, err = a.bring(file, digest); err != nil {
			return w, refused(err)
		}
	}
	if w.Version, err = versionOf(ctx, w.File); err != nil {
		return w, fail(exitRefused, lang.Text{
			EN: "%s does not say its version: %v; expected the program of a router for this processor",
			FR: "%s ne dit pas sa version : %v ; attendu : le programme d'un routeur pour ce processeur",
		}, file, err)
	}
	return w, nil
}

// bring copies a file to where requests are kept: the one that was named may be on a key that is taken out.
func (a *app) bring(file, digest string) (string, error) {
	dir, err := upgrade.Dir(a.cli.State)
	if err != nil {
		return "", err
	}
	from, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer from.Close()
	to := filepath.Join(dir, "parvis-"+digest[:8])
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|syscall.O_NOFOLLOW, 0o700)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(out, from)
	return to, errors.Join(err, out.Close())
}

type upgradeRunCmd struct{ jsonFlag }

func (c upgradeRunCmd) Run(ctx context.Context, a *app) error {
	u, err := a.upgrade()
	if err != nil {
		return err
	}
	r, err := u.Run(ctx)
	if errors.Is(err, upgrade.ErrBusy) { // whoever does it does it
		err = nil
		r, _ = upgrade.State(a.cli.State)
	}
	// How it ended is no failure of this verb: a service manager would begin it again.
	if err != nil {
		return refused(err)
	}
	return a.tellUpgrade(r, c.JSON)
}

type upgradeBackCmd struct {
	Losing bool `help:"${help_upgrade_losing}"`
	jsonFlag
}

func (c upgradeBackCmd) Run(ctx context.Context, a *app) error {
	u, err := a.upgrade()
	if err != nil {
		return err
	}
	r, err := u.Back(ctx, c.Losing)
	if err != nil {
		return a.upgraded(r, err, c.JSON)
	}
	return a.tellUpgrade(r, c.JSON)
}

type upgradeStatusCmd struct{ jsonFlag }

func (c upgradeStatusCmd) Run(_ context.Context, a *app) error {
	r, err := upgrade.State(a.cli.State)
	if err != nil {
		return refused(err)
	}
	before, _ := upgrade.Previous(a.cli.State)
	if c.JSON {
		return a.json(struct {
			upgrade.Report
			Previous string `json:"previous,omitempty"`
		}{r, before})
	}
	if err := a.tellUpgrade(r, false); err != nil || before == "" {
		return err
	}
	a.printf(lang.Text{
		EN: "Version %s is kept; to go back to it: parvis upgrade back",
		FR: "La version %s est gardée ; pour y revenir : parvis upgrade back",
	}, before)
	return nil
}

type upgradeDismissCmd struct{}

func (upgradeDismissCmd) Run(_ context.Context, a *app) error {
	u, err := a.upgrade()
	if err != nil {
		return err
	}
	if err := u.Dismiss(); err != nil {
		return a.upgraded(upgrade.Report{}, err, false)
	}
	a.printf(lang.Text{EN: "Noted: it is no longer a problem.", FR: "C'est noté : ce n'est plus un problème."})
	return nil
}

type upgradeBeforeCmd struct{}

func (upgradeBeforeCmd) Run(ctx context.Context, a *app) error {
	u, err := a.upgrade()
	if err != nil {
		return err
	}
	return a.upgraded(upgrade.Report{}, u.Before(ctx), false)
}

type upgradeAfterCmd struct{}

func (upgradeAfterCmd) Run(ctx context.Context, a *app) error {
	u, err := a.upgrade()
	if err != nil {
		return err
	}
	// The program that has proved itself judges, and not the one that is to be judged.
	if good := u.Judge(); good != "" && good != u.Packaged() && !sameFile(good, "/proc/self/exe") && os.Getenv(judging) == "" {
		if err := syscall.Exec(good, append([]string{good}, os.Args[1:]...), append(os.Environ(), judging+"=1")); err != nil {
			return refused(fmt.Errorf("upgrade: %s: %w", good, err))
		}
	}
	r, err := u.After(ctx)
	if err == nil && r.State == "" {
		return nil
	}
	if err == nil && r.State == upgrade.Back {
		// No failure: the place works, and a package that is half installed would keep others from being so.
		fmt.Fprintln(a.err, "parvis: "+upgradeText(r).In(a.lang))
		return nil
	}
	return a.upgraded(r, err, false)
}

// judging is set for the program that was handed over to: it does not hand over again.
const judging = "PARVIS_UPGRADE_JUDGE"

func sameFile(a, b string) bool {
	x, err := os.Stat(a)
	y, err2 := os.Stat(b)
	return err == nil && err2 == nil && os.SameFile(x, y)
}

// upgrade is what this machine upgrades by.
func (a *app) upgrade() (*upgrade.Upgrade, error) {
	system, err := clock.NewSystem()
	if err != nil {
		return nil, refused(err)
	}
	c := a.cli.Upgrade
	// A terminal that goes away must not leave the place half upgraded.
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	log := slog.New(slog.NewTextHandler(a.err, nil))
	u := &upgrade.Upgrade{
		State: a.cli.State, Lib: c.Lib, Clock: system, Log: log, Within: c.Within, Hold: c.Hold,
		Service: upgrade.OfThisMachine(), Closed: a.closed, VersionOf: versionOf, Fits: a.fits, Look: a.eyes(),
		Carry: a.carry(log, system), Free: func(dir string) (uint64, error) {
			d := diskOf(dir)
			if d.Size == 0 {
				return 0, fmt.Errorf("upgrade: how full %s is cannot be read", dir)
			}
			return d.Free, nil
		},
	}
	if len(c.Plain) > 0 {
		u.Service = upgrade.Plain{
			Current: filepath.Join(c.Lib, "current"), Socket: a.cli.Socket, Args: append(a.globals(), c.Plain...),
		}
	}
	return u, nil
}

// globals are the options that say which files are meant.
func (a *app) globals() []string {
	return []string{"--config", a.cli.Config, "--state", a.cli.State, "--socket", a.cli.Socket}
}
