package upgrade

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// manager puts a service manager's program in front of all others: it writes down how it is called and answers as it is told.
func manager(t *testing.T, name, answers string) (calls func() []string) {
	t.Helper()
	dir := t.TempDir()
	log := filepath.Join(dir, "calls")
	text := fmt.Sprintf("#!/bin/sh\necho \"$@\" >>%s\n%s\n", log, answers)
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return func() []string {
		b, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(string(b)), "\n")
	}
}

func TestSystemdIsAskedAsItWantsToBe(t *testing.T) {
	for state, runs := range map[string]bool{"active": true, "activating": true, "failed": true, "reloading": true, "inactive": false} {
		t.Run(state, func(t *testing.T) {
			calls := manager(t, "systemctl", `case $1 in show) echo `+state+`;; esac`)
			s := systemd{"parvis.service"}
			if is, err := s.Running(t.Context()); err != nil || is != runs {
				t.Errorf("running: %v, %v; expected %v", is, err, runs)
			}
			if err := s.Stop(t.Context()); err != nil {
				t.Error(err)
			}
			if err := s.Start(t.Context()); err != nil {
				t.Error(err)
			}
			want := "show --property=ActiveState --value parvis.service\nstop parvis.service\nreset-failed parvis.service\nstart --no-block parvis.service"
			if got := strings.Join(calls(), "\n"); got != want {
				t.Errorf("asked:\n%s\nexpected:\n%s", got, want)
			}
		})
	}
}

func TestAServiceManagerThatRefusesIsQuoted(t *testing.T) {
	manager(t, "systemctl", `echo "Unit parvis.service not loaded." >&2; exit 5`)
	err := systemd{"parvis.service"}.Stop(t.Context())
	if err == nil || !strings.Contains(err.Error(), "systemctl stop parvis.service") || !strings.Contains(err.Error(), "not loaded") {
		t.Error(err)
	}
}

// procd answers a stop before the daemon has ended (running is asked until it says no).
func TestProcdIsWaitedFor(t *testing.T) {
	dir := t.TempDir()
	calls := manager(t, "parvis", fmt.Sprintf(`case $1 in
running) if [ -e %[1]s/down ]; then exit 1; fi; touch %[1]s/down; exit 0;;
start) rm -f %[1]s/down;;
esac`, dir))
	path, err := exec.LookPath("parvis")
	if err != nil {
		t.Fatal(err)
	}
	p := procd{path}
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if is, err := p.Running(t.Context()); err != nil || !is {
		t.Errorf("after its start: %v, %v", is, err)
	}
	if got := strings.Join(calls(), " "); got != "stop running running start running" {
		t.Errorf("asked: %s", got)
	}
}

func TestWhereNoServiceManagerRunsNothingIsDone(t *testing.T) {
	s := none{}
	if is, err := s.Running(t.Context()); is || err != nil || s.Stop(t.Context()) != nil || s.Start(t.Context()) != nil {
		t.Errorf("%v, %v", is, err)
	}
}

// A number of a process that another program has by now ends nobody.
func TestAnotherProgramsNumberIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	p := Plain{Current: "/usr/lib/parvis/current", Args: []string{"serve"}, Socket: filepath.Join(dir, "parvis.sock")}
	other := exec.CommandContext(t.Context(), "sleep", "600")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- other.Wait() }()
	if err := os.WriteFile(p.file(), []byte(fmt.Sprint(other.Process.Pid)), 0o600); err != nil {
		t.Fatal(err)
	}
	if is, err := p.Running(t.Context()); is || err != nil {
		t.Errorf("it is said to run: %v, %v", is, err)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		t.Errorf("it was ended: %v", err)
	default:
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
}
