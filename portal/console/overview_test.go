package console_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"parvis/internal/chart"
	"parvis/portal/console"
)

// whole is a place on one page, in a test.
type whole struct {
	asked time.Time
	fails error
}

func (o *whole) Overview(_ context.Context, month time.Time) (console.Whole, error) {
	o.asked = month
	return console.Whole{
		Now:    []console.Fact{{"Ligne internet", "en marche"}, {"Délai de la ligne", "23 ms"}, {"Connexions", "12 sur 240 possibles"}},
		Todo:   []string{"Le disque est presque plein. Libérez de la place."},
		Remark: "Ce mois n'est pas fini. Ses images viennent le mois prochain.",
		Charts: charts(),
	}, o.fails
}

// charts are a month's, as wide as in a real place: they are looked at too.
func charts() []chart.Table {
	week := chart.Table{
		Caption: "Une semaine ordinaire : connexions par heure", Kind: chart.Lines, First: "Heure",
		Series: []string{"lundi", "mardi", "mercredi", "jeudi"},
	}
	for h := 9; h < 19; h++ {
		row := chart.Row{Label: fmt.Sprintf("%d\u00a0h", h)}
		for d := range week.Series {
			v := float64((h*7 + d*d*5) % 31)
			if v < 5 {
				v = math.NaN()
			}
			row.Values = append(row.Values, v)
		}
		week.Rows = append(week.Rows, row)
	}
	days := chart.Table{Caption: "Connexions par jour", Kind: chart.Bars, First: "Jour", Series: []string{"Connexions"}}
	for d := 1; d <= 31; d++ {
		days.Rows = append(days.Rows, chart.Row{Label: fmt.Sprintf("%02d/10", d), Values: []float64{float64(5 + d*37%90)}})
	}
	days.Rows[1].Values[0] = math.NaN()
	return []chart.Table{week, days}
}

func withWhole(p *place) { p.parts.Overview = &whole{} }

func TestThePlaceOnOnePageHasTheTableOfEachChart(t *testing.T) {
	p := newPlace(t, withWhole)
	page := p.get("/lieu?mois=2026-10")
	says(t, page, "Le disque est presque plein. Libérez de la place.", "Délai de la ligne 23 ms", "Une semaine ordinaire", "9 h – 6 21 15", "Connexions par jour", "02/10 –", "moins de 5, masqué, ou pas de mesure")
	if asked := p.parts.Overview.(*whole).asked.Format("2006-01"); asked != "2026-10" {
		t.Error(asked)
	}
	if !strings.Contains(page, string(chart.Head)) {
		t.Error("nobody draws the charts")
	}
	if !strings.Contains(p.get("/"), `href="/lieu"`) {
		t.Error("no way leads there")
	}
}

func TestAPageWithoutChartsDrawsNone(t *testing.T) {
	p := newPlace(t, withWhole)
	if strings.Contains(p.get("/"), chart.Path) {
		t.Error("the first page loads what draws charts")
	}
}

func TestAnOverviewThatCannotBeReadSaysSo(t *testing.T) {
	p := newPlace(t, withWhole)
	p.parts.Overview.(*whole).fails = errors.New("disk")
	if w := p.do(httptest.NewRequest(http.MethodGet, "/lieu", nil)); w.Code < 400 || strings.Contains(w.Body.String(), "disk") {
		t.Error(w.Code, w.Body)
	}
}
