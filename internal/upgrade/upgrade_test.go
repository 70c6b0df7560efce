package upgrade

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func (w *world) run() Report {
	w.t.Helper()
	if _, err := w.Run(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	return w.state()
}

func TestAVersionThatWorksIsKept(t *testing.T) {
	w := newWorld(t)
	w.ask("2.0", false)
	if d := cmp.Diff(Report{Number: 7, Wanted: "2.0", State: Waiting}, w.state()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(Report{Number: 7, Running: "2.0", Wanted: "2.0"}, w.run()); d != "" {
		t.Error(d)
	}
	w.sound(true)
	if !strings.Contains(w.database(), "trial session\n") {
		t.Error("what was done during the trial is gone")
	}
	if left, _ := filepath.Glob(w.asked("parvis-*")); len(left) > 0 {
		t.Errorf("fetched files stay: %v", left)
	}
}

func TestAVersionThatDoesNotWorkIsGoneBackFrom(t *testing.T) {
	for _, why := range []string{WhyStart, WhyCheck, WhyPage, WhyRedirect, WhyConsole} {
		t.Run(why, func(t *testing.T) {
			w := newWorld(t)
			w.whys["2.0"] = why
			w.ask("2.0", false)
			if d := cmp.Diff(Report{Number: 7, Running: "1.0", Wanted: "2.0", State: Back, Why: why}, w.run()); d != "" {
				t.Error(d)
			}
			w.sound(false)
			if !strings.Contains(w.database(), "trial session\n") {
				t.Error("what was done during the trial is gone")
			}
			if b, err := os.ReadFile(w.kept(filepath.Join(afterIn, "parvis.db"))); err != nil || !strings.HasPrefix(string(b), "form 2\n") {
				t.Errorf("what the new version has left is not set aside: %q, %v", b, err)
			}
			if left, _ := filepath.Glob(w.kept("2.0-*")); len(left) > 0 {
				t.Errorf("its program stays: %v", left)
			}
		})
	}
}

func TestAVersionThatFallsAgainIsGoneBackFrom(t *testing.T) {
	w := newWorld(t)
	looks := 0
	w.Look = func(context.Context, string) string {
		if looks++; looks > 5 {
			return WhyStart
		}
		return ""
	}
	w.ask("2.0", false)
	if r := w.run(); r.State != Back || r.Why != WhyStart || looks != 5+falls {
		t.Errorf("%+v after %d looks", r, looks)
	}
	w.sound(false)
}

func TestAnAnswerThatTakesTooLongOnceIsNoFall(t *testing.T) {
	w := newWorld(t)
	looks := 0
	w.Look = func(context.Context, string) string {
		if looks++; looks == 5 {
			return WhyPage
		}
		return ""
	}
	w.ask("2.0", false)
	if r := w.run(); r.State != "" || looks < 5+int(Hold/glance) {
		t.Errorf("%+v after %d looks", r, looks)
	}
	w.sound(true)
}

func TestAVersionThatTakesItsTimeIsKept(t *testing.T) {
	w := newWorld(t)
	looks := 0
	w.Look = func(context.Context, string) string {
		if looks++; looks < 50 {
			return WhyPage
		}
		return ""
	}
	w.ask("2.0", false)
	if r := w.run(); r.State != "" {
		t.Errorf("%+v", r)
	}
	w.sound(true)
}

func TestWhatCannotBeTriedIsRefusedAndChangesNothing(t *testing.T) {
	for _, tc := range []struct {
		name, why string
		spoil     func(*world, Wanted)
	}{
		{"a truncated file", WhyDigest, func(_ *world, a Wanted) { os.Truncate(a.File, 60) }},
		{"no file", WhyForm, func(_ *world, a Wanted) { os.Remove(a.File) }},
		{"a link", WhyForm, func(w *world, a Wanted) { os.Remove(a.File); w.must(os.Symlink(w.Packaged(), a.File)) }},
		{"not a program", WhyForm, func(w *world, a Wanted) {
			w.must(os.WriteFile(a.File, []byte("#!/bin/sh\n"), 0o700))
			a.SHA256, _ = Digest(a.File)
			w.must(Ask(w.State, a))
		}},
		{"another processor", WhyArch, func(w *world, a Wanted) {
			b := elfOf("2.0")
			b[18]++ // e_machine
			w.must(os.WriteFile(a.File, b, 0o700))
			a.SHA256, _ = Digest(a.File)
			w.must(Ask(w.State, a))
		}},
		{"another version's program", WhyForm, func(w *world, a Wanted) { a.Version = "3.0"; w.must(Ask(w.State, a)) }},
		{"a request that cannot be read", WhyForm, func(w *world, _ Wanted) { w.must(os.WriteFile(w.asked(wantedIn), []byte("{"), 0o600)) }},
		{"a full disk", WhySpace, func(w *world, _ Wanted) { w.free = spare }},
		{"a program that does not run", WhyStart, func(w *world, _ Wanted) { w.whys["fits 2.0"] = WhyStart }},
		{"a check that does not pass", WhyCheck, func(w *world, _ Wanted) { w.whys["fits 2.0"] = WhyCheck }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			tc.spoil(w, w.ask("2.0", true))
			if r := w.run(); r.State != Refused || r.Why != tc.why {
				t.Errorf("%+v; want refused, %s", r, tc.why)
			}
			w.sound(false)
			if left, _ := filepath.Glob(w.kept("*/parvis")); len(left) > 0 {
				t.Errorf("programs stay: %v", left)
			}
		})
	}
}

func TestAnUpgradeWaitsForClosedHoursUnlessForced(t *testing.T) {
	w := newWorld(t)
	w.open = true
	w.ask("2.0", false)
	for range 2 {
		if d := cmp.Diff(Report{Number: 7, Running: "1.0", Wanted: "2.0", State: Waiting, Why: WhyHours}, w.run()); d != "" {
			t.Error(d)
		}
	}
	w.ask("2.0", true)
	w.run()
	w.sound(true)
	w = newWorld(t)
	w.open = true
	w.ask("2.0", false)
	w.run()
	w.open = false
	w.run()
	w.sound(true)
}

func TestWhatWaitsCanBeTakenBack(t *testing.T) {
	w := newWorld(t)
	w.open = true
	w.ask("2.0", false)
	w.run()
	for range 2 { // the second time there is nothing
		if err := Forget(w.State); err != nil {
			t.Fatal(err)
		}
	}
	if r := w.state(); r.State != "" || r.Wanted != "" || Due(w.State) {
		t.Errorf("%+v", r)
	}
	w.open = false
	w.run()
	w.sound(false)
}

func TestADaemonThatDoesNotRunIsNotStarted(t *testing.T) {
	w := newWorld(t)
	w.meant = false
	w.boot()
	w.ask("2.0", true)
	if r := w.run(); r.State != "" || w.runs != "" || w.name(w.links(linkCurrent)) != "2.0" {
		t.Errorf("%+v, %q runs", r, w.runs)
	}
}

func TestWhatIsAskedForMeanwhileStaysAskedFor(t *testing.T) {
	w := newWorld(t)
	w.ask("2.0", false)
	asked := false
	look := w.Look
	w.Look = func(ctx context.Context, version string) string {
		if !asked {
			asked = true
			w.ask("2.1", false)
		}
		return look(ctx, version)
	}
	if r := w.run(); r.State != Waiting || r.Wanted != "2.1" || r.Running != "2.0" {
		t.Errorf("%+v", r)
	}
	if r := w.run(); r.Running != "2.1" || r.State != "" {
		t.Errorf("%+v", r)
	}
}

func TestAVersionThatWasGoneBackFromIsAProblemUntilSomebodyKnows(t *testing.T) {
	w := newWorld(t)
	w.whys["2.0"] = WhyPage
	w.ask("2.0", false)
	if !w.run().Failed() {
		t.Fatal("it is no problem")
	}
	if err := w.Dismiss(); err != nil || w.state().Failed() {
		t.Errorf("%v, %+v", err, w.state())
	}
}

func TestTwoAtOnceAreOne(t *testing.T) {
	w := newWorld(t)
	unlock, err := w.lock()
	w.must(err)
	defer unlock()
	if _, err := w.Run(context.Background()); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
}

func TestAskRefusesWhatNobodyMeans(t *testing.T) {
	good := Wanted{Version: "1.2.3-4-gabcdef0", File: "/x", SHA256: strings.Repeat("0a", 32)}
	if err := Ask(t.TempDir(), good); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(*Wanted){
		"no version":      func(w *Wanted) { w.Version = "" },
		"a path":          func(w *Wanted) { w.Version = "../x" },
		"a relative file": func(w *Wanted) { w.File = "x" },
		"no digest":       func(w *Wanted) { w.SHA256 = "" },
		"a short digest":  func(w *Wanted) { w.SHA256 = "00" },
	} {
		w := good
		spoil(&w)
		if err := Ask(t.TempDir(), w); !errors.Is(err, ErrForm) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASiteThatWasNeverAskedSaysNothing(t *testing.T) {
	if r, err := State(t.TempDir()); err != nil || r != (Report{}) {
		t.Errorf("%+v, %v", r, err)
	}
}

// What is written in the state directory is another process's: whatever it is, it is read or refused.
func FuzzAsked(f *testing.F) {
	f.Add([]byte(`{"version":"2.0","file":"/x","sha256":""}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWorld(t)
		if _, err := Dir(w.State); err != nil {
			t.Fatal(err)
		}
		w.must(os.WriteFile(w.asked(wantedIn), b, 0o600))
		if r := w.run(); r.State != Refused && r.State != Waiting && r.Wanted != "1.0" {
			t.Errorf("%+v", r)
		}
		w.sound(false)
	})
}
