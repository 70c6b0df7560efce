package main

import (
	"strings"
	"testing"

	"parvis/internal/control"
	"parvis/internal/lab"
)

// The queue from the command line is the console's queue.
func TestTheQueueOnTheCommandLine(t *testing.T) {
	p := openPosts(t, lab.Site{})
	p.adopt("poste1", "Poste 1")
	run := func(want string, args ...string) {
		t.Helper()
		out, err := p.parvis.Output(ctx(t), append([]string{"terminal", "queue"}, args...)...)
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("%v: %v, without %q:\n%s", args, err, want, out)
		}
	}
	refused := func(want string, args ...string) {
		t.Helper()
		out, err := p.parvis.Output(ctx(t), append([]string{"terminal", "queue"}, args...)...)
		if err == nil || !strings.Contains(out+err.Error(), want) {
			t.Errorf("%v: %v, without %q:\n%s", args, err, want, out)
		}
	}
	run("Nobody waits.", "list")
	refused("nobody waits", "take")
	run("The number is 1.", "add")
	run("The number is 2.", "add")
	run("1 is called.", "take", "poste-1")
	run("Poste 1", "list")
	run("taken back", "cancel")
	refused("no gesture of the last minute", "cancel")
	p.do(control.TerminalRequest{Do: control.TerminalOpen, Which: "Poste 1"})
	refused("is not ready", "take", "Poste 1")
	run("1 is called.", "take")
	run("the desk", "list")
	var q control.QueueAnswer
	p.json(&q, "terminal", "queue", "list")
	if len(q.Called) != 1 || len(q.Waiting) != 1 || q.Waiting[0].Label() != "2" || q.Absent == nil || q.Bookings == nil {
		t.Errorf("%+v", q)
	}
}
