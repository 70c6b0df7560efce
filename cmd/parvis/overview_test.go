package main

import (
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"parvis/internal/hublink/wire"
	"parvis/sessions/usage"
)

// What may not be shown is nowhere in a chart, neither as a number nor as what pulls another one down.
func TestAnHourOfTheWeekIsTheMiddleOfWhatIsShown(t *testing.T) {
	shown := func(n uint64) usage.Figure { return usage.Figure{Value: n} }
	fewer, hidden := usage.Figure{How: usage.Few}, usage.Figure{How: usage.Hidden}
	for name, c := range map[string]struct {
		days []usage.Figure
		want float64
	}{
		"four days":               {[]usage.Figure{shown(9), shown(7), shown(20), shown(8)}, 8},
		"mostly few":              {[]usage.Figure{fewer, fewer, shown(9)}, math.NaN()},
		"mostly shown":            {[]usage.Figure{fewer, shown(6), shown(9)}, 6},
		"hidden ones are unknown": {[]usage.Figure{hidden, hidden, hidden, shown(9)}, 9},
		"nothing is known":        {[]usage.Figure{hidden, {How: usage.Missing}}, math.NaN()},
		"nobody ever":             {[]usage.Figure{shown(0), shown(0)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var all []float64
			for _, f := range c.days {
				if v, known := rank(f); known {
					all = append(all, v)
				}
			}
			if got := middle(all); got != c.want && !(math.IsNaN(got) && math.IsNaN(c.want)) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
	for f, want := range map[usage.Figure]bool{shown(7): false, fewer: true, hidden: true} {
		if math.IsNaN(plain(f)) != want {
			t.Errorf("%v is drawn as %v", f, plain(f))
		}
	}
}

func TestHoursInWhichNobodyEverCameAreLeftOut(t *testing.T) {
	var shown [7][24][]float64
	for d := range 7 {
		for h := range 24 {
			shown[d][h] = []float64{0}
		}
	}
	shown[1][9] = []float64{12}
	shown[2][10] = nil
	days := 0
	for _, c := range weekCharts(shown) {
		var hours []string
		for _, r := range c.Rows {
			hours = append(hours, r.Label)
		}
		if !slices.Equal(hours, []string{"9\u00a0h", "10\u00a0h"}) {
			t.Errorf("%s: %q", c.Caption, hours)
		}
		if days += len(c.Series); len(c.Rows[0].Values) != len(c.Series) || len(c.Series) > 4 {
			t.Errorf("%s: %d lines of %d values", c.Caption, len(c.Series), len(c.Rows[0].Values))
		}
	}
	if days != 7 {
		t.Errorf("a week of %d days", days)
	}
}

func TestTheLinesHoursAreShares(t *testing.T) {
	var hours [24]wire.Quality
	hours[10] = wire.Quality{Asked: 200, Full: 50, Down: 3, Questions: 80, Lost: 2}
	rows := lineChart(hours)
	if got := rows.Rows[10].Values; !slices.Equal(got, []float64{25, 1.5, 2.5}) {
		t.Errorf("%v", got)
	}
	if !math.IsNaN(rows.Rows[9].Values[0]) {
		t.Error("an hour that nobody measured has a value")
	}
	if s := rows.Text(0, 12.34); !strings.HasPrefix(s, "12,3") {
		t.Errorf("%q", s)
	}
}

// The real daemon's page: how the place is, and the line by hour, while no month is over.
func TestTheConsoleShowsThePlaceOnOnePage(t *testing.T) {
	p := openConsole(t)
	c := p.colleague(p.guest(), "referent")
	status, _, body := p.ask(c, http.MethodGet, "https://"+consoleName+"/lieu", nil)
	for _, wanted := range []string{
		"Ligne internet", "en marche", "1 sur 240 possibles", "L'horloge n'est pas à l'heure.", "Ce mois n'est pas fini.", "La ligne, heure par heure", "<td>–</td>",
	} {
		if status != http.StatusOK || !strings.Contains(body, wanted) {
			t.Errorf("%d, and no %q in\n%s", status, wanted, body)
		}
	}
}
