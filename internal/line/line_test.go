package line

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parvis/internal/clock"
	"parvis/internal/lab"
)

func TestMain(m *testing.M) { lab.Main(m.Run) }

const mbit = 1_000_000

// seen are samples of ten seconds each, after an idle one that was answered in 10 ms.
func seen(j *judge, from clock.Boot, samples ...sample) clock.Boot {
	for _, s := range samples {
		from = from.Add(10 * time.Second)
		s.at, s.asked = from, j.isBusy(s.rates)
		j.add(s)
	}
	return from
}

func times(n int, s sample) []sample {
	out := make([]sample, n)
	for i := range out {
		out[i] = s
	}
	return out
}

func TestALineIsSaidToBeSlowerWhenSomebodyElsesQueueIsFull(t *testing.T) {
	at := func(down, up uint64, delay time.Duration) sample {
		return sample{rates: Rates{Down: down * mbit, Up: up * mbit}, delay: delay, answered: delay > 0}
	}
	const quick, late, lost = 12 * time.Millisecond, 300 * time.Millisecond, 0
	for _, tc := range []struct {
		name     string
		samples  []sample
		down, up uint64 // Mbit/s that are said; 0 nothing
	}{
		{"full at 40 of 100, answers late", times(3, at(40, 1, late)), 40, 0},
		{"upload full at 12 of 50", times(3, at(5, 21, late)), 0, 21},
		{"twice is chance", times(2, at(40, 1, late)), 0, 0},
		{"among quick ones three of six are enough", append(times(3, at(40, 1, late)), append(times(2, at(40, 1, quick)), at(40, 1, late))...), 40, 0},
		{"busy, and answers come at once", times(9, at(60, 1, quick)), 0, 0},
		{"full as configured: the queue is ours", times(9, at(94, 1, late)), 0, 0},
		{"late answers on a free line are the resolver's", times(9, at(10, 1, late)), 0, 0},
		{"no answer at all may be a resolver that is gone", times(9, at(40, 1, lost)), 0, 0},
		{"some lost and one late are a full queue", append(times(3, at(40, 1, lost)), at(40, 1, late)), 40, 0},
		{"half of those in between is said", []sample{at(38, 1, late), at(52, 1, late), at(41, 1, late)}, 41, 0},
		{"it is taken back when more is carried", append(times(3, at(40, 1, late)), at(70, 1, quick)), 0, 0},
		{"it stays while nothing is known anew", append(times(3, at(40, 1, late)), times(50, at(2, 1, quick))...), 40, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			j := &judge{configured: Rates{Down: 100 * mbit, Up: 50 * mbit}}
			j.add(sample{delay: 10 * time.Millisecond, answered: true})
			seen(j, 0, tc.samples...)
			if j.down.slow.Carries != tc.down*mbit || j.up.slow.Carries != tc.up*mbit {
				t.Errorf("said %d down and %d up, want %d and %d Mbit/s", j.down.slow.Carries, j.up.slow.Carries, tc.down, tc.up)
			}
		})
	}
}

func TestWhatWasSeenIsForgottenAfterADay(t *testing.T) {
	j := &judge{configured: Rates{Down: 100 * mbit, Up: 50 * mbit}}
	j.add(sample{delay: 10 * time.Millisecond, answered: true})
	end := seen(j, 0, times(3, sample{rates: Rates{Down: 40 * mbit}, delay: time.Second, answered: true})...)
	if j.down.slow.Seen != end {
		t.Errorf("seen at %v, want %v", j.down.slow.Seen, end)
	}
	j.add(sample{at: end.Add(sayFor)})
	if j.down.slow.Carries == 0 {
		t.Error("forgotten before its time")
	}
	j.add(sample{at: end.Add(sayFor + time.Second)})
	if j.down.slow.Carries != 0 {
		t.Error("still said after a day")
	}
}

func TestQuestionsAreAskedOnABusyLineAndOncePerHourElse(t *testing.T) {
	j := &judge{configured: Rates{Down: 100 * mbit, Up: 10 * mbit}}
	if !j.needsFloor(0) {
		t.Error("the quickest answer is not known, and not asked for")
	}
	j.add(sample{delay: time.Millisecond, answered: true})
	if j.needsFloor(clock.Boot(floorFor)) || !j.needsFloor(clock.Boot(floorFor+1)) {
		t.Error("not once per hour")
	}
	for r, want := range map[Rates]bool{{}: false, {Down: 30 * mbit}: false, {Down: 31 * mbit}: true, {Up: 4 * mbit}: true} {
		if j.isBusy(r) != want {
			t.Errorf("%+v: busy %v", r, !want)
		}
	}
	j.add(sample{at: clock.Boot(2 * time.Hour), delay: 5 * time.Millisecond, answered: true})
	if j.floor != 5*time.Millisecond {
		t.Errorf("another route answers in 5 ms, and %v still count", j.floor)
	}
}

// Whatever is seen, only what was carried while the line was not full as configured is said.
func TestNothingIsSaidThatWasNotCarried(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := &judge{configured: Rates{Down: 100 * mbit, Up: 50 * mbit}}
		var most Rates
		now := clock.Boot(0)
		for range rapid.IntRange(0, 60).Draw(t, "samples") {
			s := sample{
				rates:    Rates{Down: rapid.Uint64Range(0, 120*mbit).Draw(t, "down"), Up: rapid.Uint64Range(0, 60*mbit).Draw(t, "up")},
				answered: rapid.Bool().Draw(t, "answered"), delay: time.Duration(rapid.IntRange(1, 900).Draw(t, "ms")) * time.Millisecond,
			}
			most = Rates{max(most.Down, s.rates.Down), max(most.Up, s.rates.Up)}
			now = seen(j, now, s)
			if d, u := j.down.slow.Carries, j.up.slow.Carries; d > most.Down || d >= 90*mbit || u > most.Up || u >= 45*mbit {
				t.Fatalf("said %d and %d of %+v", d, u, most)
			}
		}
	})
}

func TestTheResolversAreThoseThatAreNotThisMachine(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	own := write("own", "# nameserver 9.9.9.9\nnameserver 127.0.0.53\noptions edns0\n")
	for _, tc := range []struct {
		name  string
		files []string
		want  string
	}{
		{"the usual place", []string{write("a", "search town\nnameserver 198.51.100.53\nnameserver 198.51.100.54\n")}, "[198.51.100.53 198.51.100.54]"},
		{"the line's, where the usual place names this machine", []string{own, filepath.Join(dir, "none"), write("b", "nameserver 2001:db8::53\n")}, "[2001:db8::53]"},
		{"three are enough", []string{write("d", strings.Repeat("nameserver 198.51.100.53\n", 5))}, "[198.51.100.53 198.51.100.53 198.51.100.53]"},
		{"none", []string{own, write("c", "nameserver\nnameserver x\nnameserver ::\n")}, "[]"},
	} {
		if got := fmt.Sprint(resolvers(tc.files...)); got != tc.want {
			t.Errorf("%s: %s", tc.name, got)
		}
	}
}

func TestWithoutAResolverNothingIsSaid(t *testing.T) {
	w := New(Options{Interface: "lo", Configured: Rates{Down: 1, Up: 1}, Ask: func(context.Context) (time.Duration, error) { return 0, ErrNobody }}, clock.NewFake())
	for range 9 {
		w.look(t.Context(), 0, Rates{Down: mbit, Up: mbit})
	}
	if s := w.Status(); s.Able || s.Down.Carries != 0 || s.Up.Carries != 0 {
		t.Errorf("%+v", s)
	}
}
