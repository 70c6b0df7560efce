package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hublink/wire"
	"parvis/internal/lab"
	"parvis/internal/monitor"
	"parvis/internal/upgrade"
	"parvis/sessions"
)

// patient is how long what works may take, on the slowest of machines.
const patient = 10 * time.Minute

// versions is a place whose program can be upgraded, with no service manager.
type versions struct {
	*place
	*builds
	lib string
}

func openVersions(t *testing.T) *versions {
	t.Helper()
	lab.NeedsLab(t)
	v := &versions{builds: newBuilds(t), lib: t.TempDir()}
	v.place = town(t, lab.Options{}, lab.Site{Staff: true})
	packaged := filepath.Join(v.lib, "parvis")
	if err := os.Rename(v.build("1.0", "none"), packaged); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"current", "good"} {
		if err := os.Symlink(packaged, filepath.Join(v.lib, name)); err != nil {
			t.Fatal(err)
		}
	}
	v.parvis.Binary = filepath.Join(v.lib, "current")
	v.serve()
	// An upgrade starts daemons that the town does not know of.
	t.Cleanup(func() {
		if t.Failed() {
			b, _ := os.ReadFile(filepath.Join(filepath.Dir(v.parvis.Socket), "parvis.log"))
			t.Logf("the log of the daemons that were started by upgrades:\n%s", b)
		}
		if err := v.service().Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if _, err := v.parvis.Dnsmasq(ctx(t)); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *versions) globals() []string {
	return []string{"--config", v.parvis.Config, "--state", v.parvis.State, "--socket", v.parvis.Socket}
}

func (v *versions) service() upgrade.Plain {
	return upgrade.Plain{
		Current: filepath.Join(v.lib, "current"), Socket: v.parvis.Socket, Args: append(v.globals(), "serve", "--lab-clock"),
	}
}

// verb is an upgrade verb's command line.
func (v *versions) verb(within, hold time.Duration, args ...string) []string {
	own := []string{"upgrade", "--lib", v.lib, "--plain=serve,--lab-clock", "--within", within.String(), "--hold", hold.String()}
	return append(own, args...)
}

// begin starts an upgrade by the program that has proved itself.
func (v *versions) begin(within, hold time.Duration, args ...string) *lab.Process {
	v.place.t.Helper()
	cmd, err := v.RouterCommand(filepath.Join(v.lib, "good"), append(v.globals(), v.verb(within, hold, args...)...)...)
	if err != nil {
		v.place.t.Fatal(err)
	}
	p, err := v.StartRouterProgram(cmd)
	if err != nil {
		v.place.t.Fatal(err)
	}
	return p
}

// state is what became of the last one.
func (v *versions) state() (r upgrade.Report) {
	v.place.t.Helper()
	r, err := upgrade.State(v.parvis.State)
	if err != nil {
		v.place.t.Fatal(err)
	}
	return r
}

// ends waits for an upgrade's end.
func (v *versions) ends(p *lab.Process) upgrade.Report {
	v.place.t.Helper()
	select {
	case <-p.Done():
	case <-time.After(2 * patient):
		v.place.t.Fatalf("the upgrade does not end\n%s", p.Log())
	}
	r := v.state()
	if upgrade.Due(v.parvis.State) {
		v.place.t.Fatalf("the upgrade is not over: %+v\n%s", r, p.Log())
	}
	return r
}

// runs waits until a version serves.
func (v *versions) runs(version string) {
	v.place.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patient); ; {
		if s, err := v.client.Status(v.place.t.Context()); err == nil && s.Version == version && s.Ready {
			return
		}
		select {
		case <-deadline:
			v.place.t.Fatalf("version %s does not serve", version)
		case <-tick.C:
		}
	}
}

// longestPause keeps the longest pause of a download, until it is asked.
func longestPause(f *flow) (pause func() time.Duration) {
	stop, longest := make(chan struct{}), make(chan time.Duration)
	go func() {
		var most time.Duration
		at := time.Now()
		for {
			select {
			case <-f.seen:
				most, at = max(most, time.Since(at)), time.Now()
			case <-stop:
				longest <- max(most, time.Since(at))
				return
			}
		}
	}()
	return func() time.Duration { close(stop); return <-longest }
}

// A guest is inside and downloads. The place is taken to another version, then to every kind of one that does not work: the guest notices
// nothing of any of it, and the place ends in the version that works each time, with its databases.
func TestUpgradesOverARunningPlace(t *testing.T) {
	v := openVersions(t)
	g := v.guest()
	v.accept(g)
	before := v.only()
	f := v.download(g)
	f.flows(t)

	pause := longestPause(f)
	from := time.Now()
	r := v.ends(v.begin(patient, 2*time.Second, v.build("2.0", "none"), "--force"))
	if r.State != "" || r.Running != "2.0" {
		t.Fatalf("%+v", r)
	}
	t.Logf("to another version in %v: longest pause of a download %v", time.Since(from).Round(time.Millisecond), pause().Round(time.Millisecond))
	v.runs("2.0")
	stays := func() {
		t.Helper()
		if s := v.only(); s.ID != before.ID || s.State != sessions.Open || s.Left > before.Left {
			t.Errorf("the session is %+v; before %+v", s, before)
		}
		f.flows(t)
	}
	stays()
	for fault, why := range map[string]string{
		"crashes": upgrade.WhyStart, "hangs": upgrade.WhyStart, "spoils": upgrade.WhyStart, "unready": upgrade.WhyCheck,
		"page": upgrade.WhyPage, "redirect": upgrade.WhyRedirect, "console": upgrade.WhyConsole,
	} {
		t.Run(fault, func(t *testing.T) {
			pause := longestPause(f)
			r := v.ends(v.begin(5*time.Second, time.Second, v.build("3.0", fault), "--force"))
			t.Logf("gone back for %s: longest pause of a download %v", r.Why, pause().Round(time.Millisecond))
			// On a full machine it may not have started at all by then: that is a reason too.
			if r.State != upgrade.Back || r.Running != "2.0" || r.Why != why && r.Why != upgrade.WhyStart {
				t.Errorf("%+v; expected to go back for %s", r, why)
			}
			v.runs("2.0")
			stays()
		})
	}
	out, err := v.parvis.Output(ctx(t), "status")
	if err != nil || !strings.Contains(out, "Version 3.0 was gone back from") {
		t.Errorf("status says %q, %v", out, err)
	}
	problem := func() bool {
		s, err := v.client.Status(ctx(t))
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(s.Condition.Problems, func(p wire.Problem) bool { return p.Code == monitor.WentBack })
	}
	if !problem() {
		t.Error("it is no problem")
	}
	if out, err := v.parvis.Output(ctx(t), v.verb(time.Minute, time.Second, "dismiss")...); err != nil {
		t.Error(out, err)
	}
	if problem() {
		t.Error("it is still a problem")
	}

	// By hand back to the first version: the databases have the same form, and stay.
	if out, err := v.parvis.Output(ctx(t), v.verb(time.Minute, time.Second, "back")...); err != nil {
		t.Fatal(out, err)
	}
	v.runs("1.0")
	stays()
}

// What cannot be tried is refused while the old version goes on running.
func TestWhatCannotBeTriedIsRefused(t *testing.T) {
	v := openVersions(t)
	pid := func() string {
		s, err := v.client.Status(ctx(t))
		if err != nil {
			t.Fatal(err)
		}
		return s.Since.String()
	}
	before := pid()
	short := v.build("2.0", "none")
	b, err := os.ReadFile(short)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := upgrade.Digest(short)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(short, b[:len(b)/2], 0o755); err != nil {
		t.Fatal(err)
	}
	other := slices.Clone(b)
	other[18]++ // e_machine (elf(5))
	foreign := filepath.Join(v.dir, "foreign")
	if err := os.WriteFile(foreign, other, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		says string
	}{
		"a truncated file":            {[]string{short, "--sha256", digest}, "the digest"},
		"another processor's":         {[]string{foreign}, "does not say its version"},
		"a check that does not pass":  {[]string{v.build("2.0", "check")}, "its own check did not pass"},
		"a version that is not there": {[]string{"9.9"}, "neither a file nor a version"},
		"no way back":                 {[]string{"back"}, "no earlier version"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{}, tc.args...)
			if name != "no way back" {
				args = append(args, "--force")
			}
			p := v.begin(time.Minute, time.Second, args...)
			v.ends(p)
			if !strings.Contains(p.Log(), tc.says) {
				t.Errorf("it says %q", p.Log())
			}
			if pid() != before {
				t.Error("the daemon was started anew")
			}
		})
	}
}

// The place never closes, and nobody knows what time it is: it waits, and so it does while the place is paused.
func TestAnUpgradeWaitsForANightThatIsKnown(t *testing.T) {
	v := openVersions(t)
	for _, paused := range []bool{false, true} {
		if paused {
			if out, err := v.parvis.Output(ctx(t), "site", "pause", "30m"); err != nil {
				t.Fatal(out, err)
			}
		}
		p := v.begin(time.Minute, time.Second, v.build("2.0", "none"))
		if err := p.Wait(ctx(t)); err != nil {
			t.Fatal(err)
		}
		if r := v.state(); r.State != upgrade.Waiting || r.Why != upgrade.WhyHours || r.Running != "1.0" || r.Wanted != "2.0" {
			t.Errorf("paused %v: %+v", paused, r)
		}
		if out, err := v.parvis.Output(ctx(t), "status"); err != nil || !strings.Contains(out, "Version 2.0 waits") {
			t.Errorf("status says %q, %v", out, err)
		}
	}
	if r := v.ends(v.begin(patient, time.Second, v.build("2.0", "none"), "--force")); r.Running != "2.0" || r.State != "" {
		t.Errorf("%+v", r)
	}
	if out, err := v.parvis.Output(ctx(t), v.verb(time.Minute, time.Second, "status")...); err != nil || !strings.Contains(out, "Version 1.0 is kept") {
		t.Errorf("%q, %v", out, err)
	}
}

func TestAQuietMomentIsANightWithNobodyInside(t *testing.T) {
	at := func(hour, minute int) time.Time { return time.Date(2026, 11, 24, hour, minute, 0, 0, time.UTC) }
	known := clock.Synchronised.String()
	for _, tc := range []struct {
		name string
		now  time.Time
		how  string
		open int
		want bool
	}{
		{"at night", at(3, 0), known, 0, true},
		{"at its last minute", at(4, 59), known, 0, true},
		{"before it", at(2, 59), known, 0, false},
		{"after it", at(5, 0), known, 0, false},
		{"with somebody inside", at(4, 0), known, 1, false},
		{"by a clock that nobody has set", at(4, 0), clock.Unknown.String(), 0, false},
	} {
		if got := quiet(tc.now, tc.how, tc.open); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

// During a trial people come and go. It does not work out: whoever was let in stays in, for the time they had, and what was used is used.
func TestWhatHappensDuringATrialIsTakenBackToTheOldVersion(t *testing.T) {
	v := openVersions(t)
	old, clicks, redeems, unlisted, late := v.guest(), v.guest(), v.guest(), v.guest(), v.guest()
	v.accept(old)
	f := v.download(old)
	f.flows(t)
	pause := longestPause(f)
	out, err := v.parvis.Output(ctx(t), "voucher", "make", "1", "--for", "30m")
	codes := strings.Fields(out)
	if err != nil || len(codes) != 1 {
		t.Fatal(out, err)
	}

	trial := v.begin(patient, time.Hour, v.build("2.0", "late"), "--force")
	v.runs("2.0")
	v.accept(clicks)
	v.types(redeems, "/code", codes[0])
	v.passes(redeems, true)
	list := filepath.Join(v.parvis.State, "upgrade", upgrade.ListIn)
	listed, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	v.accept(unlisted)
	during := map[string]sessions.Session{}
	for name, g := range map[string]*lab.Guest{"clicks": clicks, "redeems": redeems, "unlisted": unlisted, "old": old} {
		during[name] = v.sessionOf(g)
	}
	if err := os.WriteFile(list, listed, 0o600); err != nil { // as if it had died before it could write that
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(v.parvis.State, "die"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r := v.ends(trial); r.State != upgrade.Back || r.Why != upgrade.WhyStart || r.Running != "1.0" {
		t.Fatalf("%+v\n%s", r, trial.Log())
	}
	v.runs("1.0")
	for name, g := range map[string]*lab.Guest{"clicks": clicks, "redeems": redeems, "unlisted": unlisted, "old": old} {
		s, was := v.sessionOf(g), during[name]
		if s.State != sessions.Open || s.Left > was.Left {
			t.Errorf("%s: %s, %v left; during the trial %s, %v", name, s.State, s.Left, was.State, was.Left)
		}
		if name != "unlisted" && (s.ID != was.ID || s.Slot != was.Slot || s.Voucher != was.Voucher) {
			t.Errorf("%s: %+v; during the trial %+v", name, s, was)
		}
		v.passes(g, true)
	}
	if _, body := v.types(late, "/code", codes[0]); !strings.Contains(body, "déjà") {
		t.Errorf("a ticket that was used during the trial: %s", body)
	}
	v.passes(late, false)
	f.flows(t)
	t.Logf("a trial and back: longest pause of a download %v", pause().Round(time.Millisecond))
}

// The power goes during a trial, and takes the program that judges with it. When it comes back the service manager starts what was on
// trial, and the trial goes on: it is kept when it works, and gone back from when it does not.
func TestAPowerCutDuringATrialEndsInOneVersion(t *testing.T) {
	for fault, want := range map[string]upgrade.Report{
		"none": {Running: "2.0", Wanted: "2.0"},
		"late": {Running: "1.0", Wanted: "2.0", State: upgrade.Back, Why: upgrade.WhyStart},
	} {
		t.Run(fault, func(t *testing.T) {
			v := openVersions(t)
			g := v.guest()
			v.accept(g)
			before := v.only()
			v.begin(patient, time.Hour, v.build("2.0", fault), "--force")
			v.runs("2.0")
			if fault == "late" {
				if err := os.WriteFile(filepath.Join(v.parvis.State, "die"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := v.service().Kill(); err != nil {
				t.Fatal(err)
			}
			if err := v.PowerCut(); err != nil {
				t.Fatal(err)
			}
			cmd, err := v.parvis.Command("serve", "--lab-clock")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := v.StartRouterProgram(cmd); err != nil {
				t.Fatal(err)
			}
			if fault == "none" {
				v.runs("2.0")
			}
			if r := v.state(); r.State != upgrade.Trial {
				t.Errorf("before the trial goes on: %+v", r)
			}
			within := map[string]time.Duration{"none": patient, "late": 5 * time.Second}
			r := v.ends(v.begin(within[fault], 2*time.Second, "run"))
			r.At = time.Time{}
			if r != want {
				t.Errorf("%+v; expected %+v", r, want)
			}
			v.runs(want.Running)
			if s := v.only(); s.ID != before.ID || s.State != sessions.Open || s.Left > before.Left {
				t.Errorf("the session is %+v; before %+v", s, before)
			}
		})
	}
}
