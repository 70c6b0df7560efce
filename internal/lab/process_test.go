package lab_test

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"parvis/internal/lab"
)

func machine(t *testing.T) *lab.NS {
	t.Helper()
	lab.NeedsLab(t)
	ns, err := lab.NewNS("machine")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ns.Close() })
	return ns
}

func spawn(t *testing.T, script string) *lab.Process {
	t.Helper()
	p, err := machine(t).Spawn(exec.Command("sh", "-c", script))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill() })
	return p
}

func TestFailedProgramIsReportedWithWhatItSaid(t *testing.T) {
	err := spawn(t, "echo tout va mal >&2; exit 3").Wait(t.Context())
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "tout va mal") {
		t.Errorf("error %v", err)
	}
}

func TestLogKeepsTheEnd(t *testing.T) {
	p := spawn(t, "i=0; while [ $i -lt 20000 ]; do echo ligne $i; i=$((i+1)); done")
	if err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if log := p.Log(); len(log) != 64<<10 || !strings.HasSuffix(log, "ligne 19999\n") {
		t.Errorf("%d bytes are kept, ending in %q", len(log), log[len(log)-20:])
	}
}

func TestKillTakesWhatTheProgramStarted(t *testing.T) {
	p := spawn(t, "sleep 1000 & echo $!; wait")
	eventually(t, "the program says nothing", func() bool { return strings.Contains(p.Log(), "\n") })
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	child := strings.TrimSpace(p.Log())
	eventually(t, "its child is still there", func() bool { return exec.Command("kill", "-0", child).Run() != nil })
}

func TestStopAsksFirst(t *testing.T) {
	p := spawn(t, `trap 'echo adieu; exit 0' TERM; echo prêt; while :; do sleep 0.01; done`)
	eventually(t, "the program says nothing", func() bool { return p.Log() == "prêt\n" })
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if p.Log() != "prêt\nadieu\n" {
		t.Errorf("it said %q", p.Log())
	}
}

func TestWaitReadyEndsWithTheProgram(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	err := spawn(t, "echo port pris; exit 1").WaitReady(ctx, t.TempDir()+"/absent.sock")
	if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "port pris") {
		t.Errorf("error %v", err)
	}
}
