package pages

import (
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/figure"
	"parvis/internal/hub/store"
	"parvis/internal/hublink/wire"
)

// A small number could be about somebody who can be named; what was not measured is not 0.
func TestSmallNumbersAreNotTold(t *testing.T) {
	p := &Pages{Options: Options{Clock: clock.NewFake()}}
	for name, c := range map[string]struct {
		day  store.Today
		want string
	}{
		"nothing was measured": {store.Today{}, "pas de mesure"},
		"nobody":               {store.Today{Day: 20261124}, "0"},
		"few":                  {store.Today{Day: 20261124, Sessions: 4, Peak: 3}, "moins de 5"},
		"some":                 {store.Today{Day: 20261124, Sessions: 7}, "7"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := p.row(store.Site{Today: c.day}).Today.String(); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
	if shown(figure.Alone(1)) != shown(figure.Alone(4)) {
		t.Error("the order of the list tells a small number")
	}
}

func TestTheWorstStateOfASiteIsSaid(t *testing.T) {
	now := time.Date(2026, 11, 24, 14, 0, 0, 0, time.UTC)
	up := wire.Line{Up: true}
	contact := func(ago time.Duration, n wire.Now) *store.Contact { return &store.Contact{At: now.Add(-ago), Now: n} }
	for want, c := range map[State]*store.Contact{
		Unheard: nil,
		Silent:  contact(6*time.Minute, wire.Now{Place: "open"}),
		Cut:     contact(0, wire.Now{Place: "open", Problems: []wire.Problem{{Code: "disk"}}}),
		Ill:     contact(0, wire.Now{Place: "closed", Line: up, Problems: []wire.Problem{{Code: "disk"}}}),
		Full:    contact(0, wire.Now{Place: "open", Line: up, Open: 60, Slots: 60}),
		Open:    contact(5*time.Minute, wire.Now{Place: "open", Line: up, Open: 59, Slots: 60}),
		Paused:  contact(0, wire.Now{Place: "paused", Line: up}),
		Closed:  contact(0, wire.Now{Place: "closed", Line: up}),
	} {
		if got := stateOf(store.Site{Contact: c}, now); got != want {
			t.Errorf("%s, want %s", got.Key(), want.Key())
		}
	}
}

// The week of an address is the one that ISO 8601 means, over the years' ends too; a wrong one is this week.
func TestWeeksBeginOnTheirMonday(t *testing.T) {
	now := time.Date(2026, 11, 25, 0, 30, 0, 0, time.UTC)
	for week, want := range map[string]string{
		"": "2026-11-23", "2026-W48": "2026-11-23", "2026-W01": "2025-12-29", "2020-W53": "2020-12-28", "2026-W60": "2026-11-23", "2035-W01": "2026-11-23", "x": "2026-11-23",
	} {
		if got := monday(week, now).Format(time.DateOnly); got != want {
			t.Errorf("%q begins on %s, want %s", week, got, want)
		}
	}
}
