package main

import (
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/kiosk"
)

// seatEnds is when a terminal's session ends, between two readings of the clock.
func (p *place) seatEnds(name string) (id string, from, to clock.Boot) {
	p.t.Helper()
	before := p.clock.Boot()
	a := p.terminal(name)
	after := p.clock.Boot()
	if a.Use == nil || !a.Use.Session.Open {
		p.t.Fatalf("nothing is open: %+v", a)
	}
	return a.Use.Session.ID, before.Add(a.Use.Session.Left), after.Add(a.Use.Session.Left)
}

// The daemon is killed while somebody is at a terminal: the same session goes on, to the same end, with the same names, and after
// its end the terminal is not the next one's before its browser has come back clean.
func TestAKilledDaemonLeavesATerminalItsTimeAndItsNames(t *testing.T) {
	p := openPosts(t, lab.Site{})
	g := p.adopt("poste1", "Poste 1")
	mail := escape{try: connects(lab.Mailbox+":443", lab.Mailbox)}
	allowances := escape{try: connects(lab.CAF+":443", lab.CAF)}
	kill := func() {
		t.Helper()
		if err := p.daemon.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := try(t, g, allowances); err == nil {
			t.Fatal("the gate is dead, and a terminal is out")
		}
		p.serve()
	}
	p.do(control.TerminalRequest{Do: control.TerminalOpen, Which: "Poste 1", For: 30 * time.Minute, Bundles: []string{"caf-lab"}})
	for round := range 3 {
		if err := try(t, g, allowances); err != nil {
			t.Fatalf("round %d: what is open is refused: %v", round, err)
		}
		if try(t, g, mail) == nil {
			t.Fatalf("round %d: what is not open lets somebody out", round)
		}
		id, from, to := p.seatEnds("Poste 1")
		kill()
		again, since, until := p.seatEnds("Poste 1")
		if again != id || until < from || since > to {
			t.Fatalf("round %d: %s ended between %v and %v, now %s between %v and %v", round, id,
				time.Duration(from), time.Duration(to), again, time.Duration(since), time.Duration(until))
		}
	}
	p.do(control.TerminalRequest{Do: control.TerminalEnd, Which: "Poste 1"})
	kill()
	if a := p.terminal("Poste 1"); a.State != kiosk.Cleaning {
		t.Errorf("after its end and a crash: %s", a.State)
	}
	if out, err := p.parvis.Output(ctx(t), "terminal", "open", "Poste 1"); err == nil || !strings.Contains(out+err.Error(), "clean") {
		t.Errorf("opened before its browser has come back clean: %v: %s", err, out)
	}
	p.homepage(g, "PCID-poste1")
	if out, err := p.parvis.Output(ctx(t), "terminal", "open", "Poste 1", "--for", "20m"); err != nil || !strings.Contains(out, "20m0s") {
		t.Errorf("%v: %s", err, out)
	}
	if err := try(t, g, allowances); err != nil {
		t.Errorf("open for the next one, and refused: %v", err)
	}
}
