package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"parvis/firewall"
	"parvis/internal/clock"
	"parvis/internal/config"
	"parvis/internal/lang"
	"parvis/internal/machine"
	"parvis/internal/upgrade"
	"parvis/sessions"
	"parvis/sessions/carry"
	"parvis/sessions/sqlite"
)

// Nobody minds at night, from the one hour to the other, in a place that never closes.
const (
	nightFrom = 3
	nightTo   = 5
)

// closed asks the daemon: a pause is no closing, since people wait in the room, and a daemon that does not answer cannot say.
func (a *app) closed(ctx context.Context) error {
	site, err := a.client.Site(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", upgrade.ErrOpen, err)
	}
	if !site.Open {
		if site.Why == sessions.ByHours {
			return nil
		}
		return upgrade.ErrOpen
	}
	if always := site.Why == sessions.ByHours && site.Until.IsZero(); !always {
		return upgrade.ErrOpen
	}
	s, err := a.client.Status(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", upgrade.ErrOpen, err)
	}
	zone, err := time.LoadLocation(site.Zone)
	if err != nil {
		return err
	}
	if !quiet(time.Now().In(zone), s.Clock, s.Sessions.Open) {
		return upgrade.ErrOpen
	}
	return nil
}

// quiet reports whether it is night, by a clock that is known, and nobody is inside.
func quiet(now time.Time, quality string, open int) bool {
	return quality == clock.Synchronised.String() && now.Hour() >= nightFrom && now.Hour() < nightTo && open == 0
}

// trying is how long a program may take that is run beside the daemon.
const trying = time.Minute

// versionOf runs a program to hear its version.
func versionOf(ctx context.Context, program string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, trying)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	said := strings.TrimSpace(string(out))
	if err == nil && (said == "" || strings.ContainsAny(said, " \n")) {
		err = errors.New("it answers something else")
	}
	if err != nil {
		return "", fmt.Errorf("%s --version: %w", program, err)
	}
	return said, nil
}

// fits runs a new version's own check beside the daemon. What the version that runs finds wrong too is no fault of the new one.
func (a *app) fits(ctx context.Context, program, version string) string {
	switch is, err := versionOf(ctx, program); {
	case err != nil:
		return upgrade.WhyStart
	case is != version:
		return upgrade.WhyForm
	}
	theirs, err := a.wrong(ctx, program)
	if err != nil {
		return upgrade.WhyCheck
	}
	if ours, err := a.wrong(ctx, filepath.Join(a.cli.Upgrade.Lib, "good")); err == nil && theirs > ours {
		return upgrade.WhyCheck
	}
	return ""
}

// wrong is how many things a version's check finds to correct.
func (a *app) wrong(ctx context.Context, program string) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, trying)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, append(a.globals(), "check", "--json")...).Output()
	var all []jsonProblem
	if bad := json.Unmarshal(out, &all); bad != nil {
		return 0, errors.Join(err, bad)
	}
	for _, p := range all {
		if p.Severity == "error" {
			n++
		}
	}
	return n, nil
}

// eyes look at the daemon by the configuration that was in force when it was stopped.
func (a *app) eyes() func(context.Context, string) string {
	var eyes *upgrade.Eyes
	return func(ctx context.Context, version string) string {
		if eyes == nil {
			cfg, problems := config.Load(filepath.Join(a.cli.State, inForce))
			if config.HasErrors(problems) {
				cfg, problems = config.Load(a.cli.Config)
			}
			if config.HasErrors(problems) {
				return upgrade.WhyCheck
			}
			eyes = &upgrade.Eyes{
				Guest: cfg.Guests.Address.Addr(), Plain: httpPort, Portal: cfg.Portal.Name, Console: cfg.Staff.Name, ConsolePort: staffPort,
				Status: func(ctx context.Context) (string, bool, error) {
					s, err := a.client.Status(ctx)
					return s.Version, s.Ready, err
				},
			}
			if cfg.Staff.Certificate == "" && cfg.Portal.Certificate == "" {
				eyes.Console = "" // it waits for its certificate
			}
		}
		return eyes.Look(ctx, version)
	}
}

// carry takes up what happened during a trial into the database that was put back, the daemon being stopped.
func (a *app) carry(log *slog.Logger, system clock.Clock) func(context.Context) error {
	return func(ctx context.Context) error {
		cfg, problems := config.Load(a.cli.Config)
		if config.HasErrors(problems) {
			return fmt.Errorf("%s cannot be used as it is", a.cli.Config)
		}
		key, err := machine.ReadSiteKey(filepath.Join(filepath.Dir(a.cli.Config), "site.key"))
		if err != nil {
			return err
		}
		store, err := sqlite.Open(filepath.Join(a.cli.State, "parvis.db"), [32]byte(key), system)
		if err != nil {
			return err
		}
		defer store.Close()
		made, left := carry.Replay(ctx, filepath.Join(a.cli.State, "upgrade", upgrade.ListIn), [32]byte(key), store)
		saved, err := store.Load(ctx)
		if err != nil {
			return errors.Join(left, err)
		}
		passing, err := firewall.ReadPassing()
		if err != nil {
			return errors.Join(left, err)
		}
		first, last, _ := firewall.Slots(cfg.Guests.Capacity)
		adopted := carry.Adopt(saved, entries(passing, cfg.Guests.Address), cfg.Portal.Profile, first, last, system)
		if len(adopted.Put) > 0 {
			left = errors.Join(left, store.Save(ctx, adopted))
		}
		log.Info("upgrade: what happened meanwhile was taken up", "changes", made, "adopted", len(adopted.Put))
		return left
	}
}

func entries(passing []firewall.Passing, guests netip.Prefix) (all []carry.Entry) {
	for _, p := range passing {
		if guests.Contains(p.IPv4) {
			all = append(all, carry.Entry{Device: sessions.Device{MAC: p.MAC, IPv4: p.IPv4}, Slot: p.Slot, Left: p.Left})
		}
	}
	return all
}

// byItself starts what is asked for where no service manager does: procd has nothing that watches a file.
func (d *daemon) byItself(ctx context.Context) error {
	const good = "/usr/lib/parvis/good"
	if _, err := os.Stat("/sbin/procd"); err != nil {
		return nil
	}
	for {
		timer, stop := d.clock.At(d.clock.Boot().Add(time.Minute))
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-timer:
			stop()
		}
		if !upgrade.Due(d.app.cli.State) {
			continue
		}
		cmd := exec.Command(good, append(d.app.globals(), "upgrade", "run")...)
		detach(cmd)
		if err := cmd.Start(); err != nil {
			d.log.Error("an upgrade is asked for and cannot be begun", "error", err)
			continue
		}
		go cmd.Wait() //nolint:errcheck // what became of it is written down
	}
}

// onTrial reports whether this version has not proved itself yet.
func (d *daemon) onTrial() bool { return upgrade.Trying(d.app.cli.State) }

// wentBack says that a version was gone back from, for status; ok is false where there is nothing to say.
func (a *app) wentBack() (r upgrade.Report, ok bool) {
	r, err := upgrade.State(a.cli.State)
	return r, err == nil && r.Failed()
}

// upgraded tells what became of a verb.
func (a *app) upgraded(r upgrade.Report, err error, asJSON bool) error {
	switch {
	case errors.Is(err, upgrade.ErrBusy):
		return fail(exitRefused, lang.Text{
			EN: "an upgrade is under way; see: parvis upgrade status",
			FR: "une mise à jour est en cours ; voir : parvis upgrade status",
		})
	case errors.Is(err, upgrade.ErrNone):
		return fail(exitRefused, lang.Text{
			EN: "there is no earlier version to go back to; see: parvis upgrade status",
			FR: "il n'y a pas de version précédente à reprendre ; voir : parvis upgrade status",
		})
	case errors.Is(err, upgrade.ErrLosing):
		return fail(exitRefused, lang.Text{
			EN: "the earlier version cannot read today's databases. Going back puts back those of before the upgrade and loses what came since (they are set aside in %s); if that is what you want: parvis upgrade back --losing",
			FR: "la version précédente ne sait pas lire les bases d'aujourd'hui. Y revenir remet celles d'avant la mise à jour et perd ce qui est venu depuis (elles sont mises de côté dans %s) ; si c'est bien cela : parvis upgrade back --losing",
		}, filepath.Join(a.cli.State, "versions", "after"))
	case errors.Is(err, upgrade.ErrLinks):
		return fail(exitRefused, lang.Text{
			EN: "Parvis is not installed in a way that can be upgraded: %s is missing; install the package, or run as root: %s upgrade after",
			FR: "Parvis n'est pas installé d'une façon qui peut être mise à jour : %s manque ; installez le paquet, ou lancez en root : %s upgrade after",
		}, filepath.Join(a.cli.Upgrade.Lib, "good"), filepath.Join(a.cli.Upgrade.Lib, "parvis"))
	case err != nil:
		return refused(err)
	}
	if r == (upgrade.Report{}) {
		return nil
	}
	if r.State == upgrade.Refused || r.State == upgrade.Back {
		if asJSON {
			if err := a.json(r); err != nil {
				return err
			}
			return fail(exitRefused, lang.Text{})
		}
		return fail(exitRefused, lang.Text{EN: "%s", FR: "%s"}, upgradeText(r))
	}
	return a.tellUpgrade(r, asJSON)
}

func (a *app) tellUpgrade(r upgrade.Report, asJSON bool) error {
	if asJSON {
		return a.json(r)
	}
	fmt.Fprintln(a.out, upgradeText(r).In(a.lang))
	return nil
}
