package line

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hublink/wire"
)

// gauged is a gauge whose line can be cut, and what it has counted.
type gauged struct {
	*Gauge
	clock *clock.Fake
	down  bool
	sum   wire.Quality
}

func newGauged() *gauged {
	g := &gauged{clock: clock.NewFake()}
	g.Gauge = NewGauge(GaugeOptions{
		Configured: Rates{Down: 100, Up: 50}, Down: func() bool { return g.down }, Count: func(q wire.Quality) { g.sum.Add(q) },
	}, g.clock)
	return g
}

func TestTheHourIsMadeOfLooksAndQuestions(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(*gauged)
		want wire.Quality
	}{
		{"a quiet line", func(g *gauged) { g.Looked(Rates{10, 10}) }, wire.Quality{Asked: 1}},
		{"full one way", func(g *gauged) { g.Looked(Rates{90, 1}) }, wire.Quality{Asked: 1, Full: 1}},
		{"full the other way", func(g *gauged) { g.Looked(Rates{1, 45}) }, wire.Quality{Asked: 1, Full: 1}},
		{"not quite full", func(g *gauged) { g.Looked(Rates{89, 44}) }, wire.Quality{Asked: 1}},
		{"an answer", func(g *gauged) { g.Asked(30*time.Millisecond, false) }, wire.Quality{Questions: 1, Latency: 30}},
		{"none", func(g *gauged) { g.Asked(2*time.Second, true) }, wire.Quality{Questions: 1, Lost: 1}},
		{"while the line is down looks alone count", func(g *gauged) {
			g.down = true
			g.Looked(Rates{})
			g.Asked(2*time.Second, true)
		}, wire.Quality{Asked: 1, Down: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGauged()
			if tt.do(g); g.sum != tt.want {
				t.Errorf("%+v, want %+v", g.sum, tt.want)
			}
		})
	}
}

func TestNowIsTheLastFiveMinutes(t *testing.T) {
	g := newGauged()
	if l := g.Now(); l != (wire.Line{Up: true}) {
		t.Errorf("nothing was seen yet: %+v", l)
	}
	g.Looked(Rates{100, 50})
	g.Asked(time.Second, true)
	g.clock.Advance(recent + time.Second)
	for i := range 10 {
		g.Looked(Rates{Down: 80, Up: 5})
		g.Asked(time.Duration(10+i)*time.Millisecond, i == 9)
	}
	if l, want := g.Now(), (wire.Line{Up: true, Latency: 14, Loss: 10, Down: 80, Upload: 10}); l != want {
		t.Errorf("%+v, want %+v", l, want)
	}
	g.clock.Advance(recent + time.Second)
	g.down = true
	if l := g.Now(); l != (wire.Line{}) {
		t.Errorf("what is over is not now: %+v", l)
	}
}

func TestTheGaugeKeepsAsMuchAsFiveMinutesHave(t *testing.T) {
	g := newGauged()
	for range 2000 {
		g.Looked(Rates{})
		g.Asked(0, false)
	}
	if len(g.looks) > 512 || len(g.answers) > 512 {
		t.Errorf("%d looks, %d answers", len(g.looks), len(g.answers))
	}
}

func TestTheUplinkTellsOfItsQuestions(t *testing.T) {
	n := up()
	var told []bool
	clk := clock.NewFake()
	u := NewUplink(UplinkOptions{Network: n, Log: slog.New(slog.DiscardHandler), Asked: func(_ time.Duration, lost bool) { told = append(told, lost) }}, clk)
	clk.Advance(u.look(t.Context()))
	n.names = false
	clk.Advance(u.look(t.Context()))
	n.carried = true
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	u.look(ended) // what was cut short tells nothing
	if len(told) != 2 || told[0] || !told[1] {
		t.Errorf("lost: %v", told)
	}
}

func TestTheWatchLooksAlsoWhileItsInterfaceIsGone(t *testing.T) {
	clk := clock.NewFake()
	looked := make(chan Rates)
	w := New(Options{Interface: "no-such-0", Configured: Rates{Down: 1, Up: 1}, Looked: func(r Rates) { looked <- r }}, clk)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	if r := <-looked; r != (Rates{}) {
		t.Errorf("%+v came over nothing", r)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
