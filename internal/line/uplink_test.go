package line

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"parvis/internal/clock"
)

// network is a line of which every part can be taken away.
type network struct {
	gateway, names, page bool
	carried              bool
	asked, fetched       int
}

var errAway = errors.New("away")

func (n *network) Carried() bool { return n.carried }
func (n *network) Gateway() bool { return n.gateway }
func (n *network) Name(context.Context) error {
	n.asked++
	if n.gateway && n.names {
		return nil
	}
	return errAway
}

func (n *network) Page(context.Context) error {
	n.fetched++
	if n.page {
		return nil
	}
	return errAway
}

// failing is the nearest part that is away.
func (n *network) failing() Part {
	switch {
	case !n.gateway:
		return Gateway
	case !n.names:
		return Resolver
	case !n.page:
		return HTTP
	}
	return ""
}

func up() *network { return &network{gateway: true, names: true, page: true} }

func watching(n *network, changed func(State)) (*Uplink, *clock.Fake) {
	clk := clock.NewFake()
	return NewUplink(UplinkOptions{
		Network: n, Log: slog.New(slog.DiscardHandler),
		Changed: func(_ context.Context, s State) { changed(s) },
	}, clk), clk
}

func TestTheLineIsDownAfterThreeFailuresAndUpAtTheFirstAnswer(t *testing.T) {
	for _, tt := range []struct {
		name string
		cut  func(*network)
		part Part
	}{
		{"the box is off", func(n *network) { n.gateway = false }, Gateway},
		{"no resolver answers", func(n *network) { n.names = false }, Resolver},
		{"the page does not come", func(n *network) { n.page = false }, HTTP},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var told []State
			n := up()
			u, clk := watching(n, func(s State) { told = append(told, s) })
			clk.Advance(u.look(t.Context()))
			tt.cut(n)
			clk.Advance(pageRest) // the page is not fetched each time
			first := clk.Boot()
			for i := range 3 {
				if u.State().Down {
					t.Fatalf("down after %d failures", i)
				}
				clk.Advance(u.look(t.Context()))
			}
			down := State{Down: true, Since: first, Part: tt.part}
			if u.State() != down {
				t.Fatalf("%+v, want %+v", u.State(), down)
			}
			clk.Advance(time.Hour)
			*n = *up()
			back := clk.Boot()
			u.look(t.Context())
			if diff := cmp.Diff([]State{down, {Since: back}}, told); diff != "" {
				t.Errorf("told (-want +got)\n%s", diff)
			}
		})
	}
}

func TestOneAnswerBetweenFailuresKeepsTheLineUp(t *testing.T) {
	n := up()
	u, clk := watching(n, func(s State) { t.Errorf("told %+v", s) })
	for i := range 30 {
		n.names = i%3 == 2
		clk.Advance(u.look(t.Context()))
	}
}

func TestThePartThatFailsIsSaidAsItChanges(t *testing.T) {
	n := up()
	told := 0
	u, clk := watching(n, func(State) { told++ })
	n.gateway = false
	for range 3 {
		clk.Advance(u.look(t.Context()))
	}
	since := u.State().Since
	n.gateway, n.names = true, false
	u.look(t.Context())
	if want := (State{Down: true, Since: since, Part: Resolver}); u.State() != want || told != 1 {
		t.Errorf("%+v, want %+v; told %d times", u.State(), want, told)
	}
}

func TestWhatComesInSparesQuestions(t *testing.T) {
	n := up()
	u, clk := watching(n, func(State) {})
	hour := func() (asked int) {
		before, end := n.asked, clk.Boot().Add(time.Hour)
		for clk.Boot() < end {
			clk.Advance(u.look(t.Context()))
		}
		return n.asked - before
	}
	u.look(t.Context())
	n.carried = true
	if got := hour(); got > 61 {
		t.Errorf("%d questions in an hour of downloads", got)
	}
	n.carried = false
	if got := hour(); got > 243 {
		t.Errorf("%d questions in a quiet hour", got)
	}
	if n.fetched > 125 {
		t.Errorf("the page was fetched %d times in two hours", n.fetched)
	}
}

func TestASlowResolverBehindAFullLineIsNotGoneSoSoon(t *testing.T) {
	n := up()
	n.names, n.carried = false, true
	u, clk := watching(n, func(State) {})
	for i := range 6 {
		if u.State().Down {
			t.Fatalf("down after %d failures", i)
		}
		clk.Advance(u.look(t.Context()))
	}
	if !u.State().Down {
		t.Error("never down")
	}
}

// Whatever the line does, in whatever order: it is down only after three failures in a row, up after any answer, since the first of
// those failures, and who is told is told each change once.
func TestTheStateFollowsTheLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := up()
		var told []State
		u, clk := watching(n, func(s State) { told = append(told, s) })
		var (
			row   int
			first clock.Boot
			last  State
		)
		for range rapid.IntRange(1, 80).Draw(t, "looks") {
			clk.Advance(rapid.SampledFrom([]time.Duration{0, time.Second, 5 * time.Second, 2 * time.Hour}).Draw(t, "pass"))
			n.gateway = rapid.IntRange(0, 9).Draw(t, "gateway") > 2
			n.names = rapid.IntRange(0, 9).Draw(t, "names") > 3
			n.page = rapid.IntRange(0, 9).Draw(t, "page") > 2
			n.carried = rapid.IntRange(0, 9).Draw(t, "carried") > 7
			asked, fetched := n.asked, n.fetched
			pause := u.look(context.Background())
			failing := n.failing()
			if failing == HTTP && n.fetched == fetched {
				failing = "" // was not looked at
			}
			switch {
			case n.asked == asked: // spared
				if last.Down || row > 0 {
					t.Fatal("not asked while in doubt")
				}
			case failing == "":
				row = 0
			default:
				if row == 0 {
					first = clk.Boot()
				}
				row++
			}
			s := u.State()
			switch {
			case s.Down && (row < 3 || s.Since != first || s.Part != failing):
				t.Fatalf("%+v after %d failures since %v, failing %q", s, row, first, failing)
			case !s.Down && row >= 6:
				t.Fatalf("up after %d failures", row)
			case last.Down && n.asked > asked && failing == "" && s.Down:
				t.Fatal("down after an answer")
			case pause <= 0 || pause > calm || s.Down && pause > 5*time.Second:
				t.Fatalf("looks again after %v", pause)
			}
			if s.Down != last.Down && (len(told) == 0 || told[len(told)-1] != s) {
				t.Fatalf("not told of %+v: %+v", s, told)
			}
			last = s
		}
		for i, s := range told {
			if s.Down != (i%2 == 0) {
				t.Fatalf("told %+v", told)
			}
		}
	})
}

func TestALookThatIsCutShortTellsNothing(t *testing.T) {
	n := up()
	n.names = false
	u, _ := watching(n, func(s State) { t.Errorf("told %+v", s) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 9 {
		u.look(ctx)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	u, _ := watching(up(), func(State) {})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- u.Run(ctx) }()
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it does not end")
	}
}
