package upgrade

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// finish runs an upgrade to its end, whatever stops it: after each stop the power comes back, where it was the power, and the work is
// begun again. It returns how often it was stopped.
func (w *world) finishAll(power bool) (stops int) {
	for range 200 {
		_, err := w.Run(context.Background())
		if err == nil {
			return stops
		}
		if !errors.Is(err, errFault) {
			w.t.Fatal(err)
		}
		stops++
		if power {
			w.boot()
		}
	}
	w.t.Fatal("it does not come to an end")
	return 0
}

// One kill, or one power cut, at every moment of an upgrade that works and of one that does not.
func TestAStopAtEachMomentEndsInTheOldOrTheNew(t *testing.T) {
	for _, good := range []bool{true, false} {
		for _, power := range []bool{true, false} {
			t.Run(fmt.Sprintf("good %v, power %v", good, power), func(t *testing.T) {
				moments := 0
				for stop := 1; ; stop++ {
					w := newWorld(t)
					if !good {
						w.whys["2.0"] = WhyPage
					}
					w.ask("2.0", false)
					w.kills = []int{stop}
					if w.finishAll(power) == 0 {
						break
					}
					moments++
					w.sound(good)
					if !good && !strings.Contains(w.database(), "trial session\n") {
						t.Errorf("moment %d: what was done during the trial is gone", stop)
					}
				}
				if moments < 15 {
					t.Errorf("only %d moments were tried", moments)
				}
				t.Logf("%d moments", moments)
			})
		}
	}
}

func TestStopsAtRandomEndInTheOldOrTheNew(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(inside{rt, t})
		good, power := rapid.Bool().Draw(rt, "good"), rapid.Bool().Draw(rt, "power")
		if !good {
			w.whys["2.0"] = rapid.SampledFrom([]string{WhyStart, WhyCheck, WhyPage, WhyConsole}).Draw(rt, "why")
		}
		w.ask("2.0", false)
		w.kills = rapid.SliceOfN(rapid.IntRange(1, 25), 0, 8).Draw(rt, "stops")
		w.finishAll(power)
		w.kills = nil
		r := w.state()
		w.sound(r.State == "")
		switch {
		case !good && r.State != Back:
			rt.Errorf("a version that does not work: %+v", r)
		case good && r.State != "" && r.Why != WhyPower:
			rt.Errorf("a version that works: %+v", r)
		}
	})
}

func TestAVersionThatTakesThePowerWithItIsGoneBackFrom(t *testing.T) {
	w := newWorld(t)
	w.ask("2.0", false)
	starts := 0
	w.fault = func(point string) error {
		if point == "started" {
			starts++
			return errFault
		}
		return nil
	}
	w.finishAll(true)
	if r := w.state(); starts != trials || r.State != Back || r.Why != WhyPower {
		t.Errorf("%d starts, %+v", starts, r)
	}
	w.sound(false)
}

// inside is a property's T with the directories of the test around it.
type inside struct {
	*rapid.T
	around *testing.T
}

func (i inside) TempDir() string { return i.around.TempDir() }
