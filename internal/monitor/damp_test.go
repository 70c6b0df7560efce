package monitor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hublink/wire"
)

var disk = wire.Problem{Code: "disk"}

// history looks every half minute: a letter of days is one look, x with the problem and . without it. It returns what was told, each
// with the minute.
func history(d *damper, clk *clock.Fake, looks string) (told []string) {
	begin := clk.Boot()
	for _, look := range looks {
		clk.Advance(30 * time.Second)
		var problems []wire.Problem
		if look == 'x' {
			problems = []wire.Problem{disk}
		}
		begun, ended := d.look(clk.Boot(), clk.Wall(), problems)
		at := clk.Boot().Sub(begin).Truncate(time.Minute).String()
		for range begun {
			told = append(told, "begun "+at)
		}
		for range ended {
			told = append(told, "ended "+at)
		}
	}
	return told
}

func TestAProblemIsToldOnceItLastsAndOnceItIsGone(t *testing.T) {
	minutes := func(n int, s string) string { return strings.Repeat(s, 2*n) }
	for name, c := range map[string]struct {
		looks string
		want  []string
	}{
		"for a moment":        {"xxx" + minutes(20, "."), nil},
		"for ten minutes":     {minutes(10, "x") + minutes(10, "."), []string{"begun 2m0s", "ended 15m0s"}},
		"gone for a moment":   {minutes(10, "x") + minutes(4, ".") + minutes(10, "x"), []string{"begun 2m0s"}},
		"twice":               {minutes(5, "x") + minutes(10, ".") + minutes(5, "x") + minutes(20, "."), []string{"begun 2m0s", "ended 10m0s", "begun 17m0s", "ended 30m0s"}},
		"comes and goes":      {strings.Repeat(minutes(3, "x")+minutes(4, "."), 60), []string{"begun 2m0s"}},
		"comes, goes, is dry": {strings.Repeat(minutes(3, "x")+minutes(4, "."), 60) + minutes(150, "."), []string{"begun 2m0s", "ended 8h56m0s"}},
	} {
		t.Run(name, func(t *testing.T) {
			clk := clock.NewFake()
			if got := history(newDamper(nil, clk.Boot()), clk, c.looks); !slices.Equal(got, c.want) {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

func TestWhatWasToldBeforeARestartIsNotToldAgain(t *testing.T) {
	clk := clock.NewFake()
	d := newDamper(nil, clk.Boot())
	if got := history(d, clk, strings.Repeat("x", 10)); !slices.Equal(got, []string{"begun 2m0s"}) {
		t.Fatal(got)
	}
	told := d.open()
	clk.Reboot("boot-2")
	d = newDamper(told, clk.Boot())
	if got := history(d, clk, strings.Repeat("x", 10)+strings.Repeat(".", 20)); !slices.Equal(got, []string{"ended 10m0s"}) {
		t.Errorf("after the restart: %q", got)
	}
	if len(d.open()) != 0 {
		t.Error("it goes on")
	}
}

func TestTheHourOfABeginningIsKnownOnlyWithAClock(t *testing.T) {
	clk := clock.NewFake()
	clk.SetWall(clock.Wall{Time: clk.Wall().Time})
	d := newDamper(nil, clk.Boot())
	history(d, clk, strings.Repeat("x", 10))
	if o := d.open(); len(o) != 1 || o[0].Since != 0 {
		t.Errorf("%+v", o)
	}
}
