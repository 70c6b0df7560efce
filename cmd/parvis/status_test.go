package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parvis/internal/clock"
	"parvis/internal/config"
	"parvis/internal/control"
	"parvis/internal/line"
)

func TestASlowerLineIsSaidWithWhatToDo(t *testing.T) {
	now := clock.Boot(3 * time.Hour)
	l := lineStatus(line.Status{Able: true, Down: line.Slow{Carries: 42_000_000, Seen: now.Add(-150 * time.Minute)}},
		config.WAN{Down: 100_000_000, Up: 20_000_000}, now)
	want := control.Line{
		Watched: true, Up: control.Way{Configured: 20_000_000},
		Down: control.Way{Configured: 100_000_000, Carries: 42_000_000, SeenSecondsAgo: 9000},
	}
	if d := cmp.Diff(want, l); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	notes := []control.Problem{{
		EN: `the line is slower than configured: full, it carried about 42mbit where wan.down says 100mbit (seen 2 h ago); ` +
			`the queue is then in the operator's box and is not shared fairly: ask the operator, or write down = "42mbit" and restart`,
		FR: `la ligne est plus lente que réglé : pleine, elle a porté environ 42mbit alors que wan.down dit 100mbit (vu il y a 2 h) ; ` +
			`la file d'attente est alors dans la box de l'opérateur et n'est pas partagée équitablement : voyez l'opérateur, ou écrivez down = "42mbit" et relancez`,
	}}
	if d := cmp.Diff(notes, slowNotes(l)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if n := slowNotes(control.Line{Watched: true, Down: control.Way{Configured: 1}, Up: control.Way{Configured: 1}}); n != nil {
		t.Errorf("a line that is as configured: %v", n)
	}
}
