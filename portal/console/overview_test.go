package console_test

import (
	"context"
	"errors"
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
		Charts: []chart.Table{
			{Caption: "Une semaine ordinaire", Kind: chart.Lines, First: "Heure", Series: []string{"lundi", "mardi"}, Rows: []chart.Row{
				{Label: "9 h", Values: []float64{7, math.NaN()}}, {Label: "10 h", Values: []float64{12, 9}}, {Label: "11 h", Values: []float64{6, 14}},
			}},
			{Caption: "Connexions par jour", Kind: chart.Bars, First: "Jour", Series: []string{"Connexions"}, Rows: []chart.Row{
				{Label: "01/10", Values: []float64{42}}, {Label: "02/10", Values: []float64{math.NaN()}},
			}},
		},
	}, o.fails
}

func withWhole(p *place) { p.parts.Overview = &whole{} }

func TestThePlaceOnOnePageHasTheTableOfEachChart(t *testing.T) {
	p := newPlace(t, withWhole)
	page := p.get("/lieu?mois=2026-10")
	says(t, page, "Le disque est presque plein. Libérez de la place.", "Délai de la ligne 23 ms", "Une semaine ordinaire", "9 h 7 –", "Connexions par jour", "02/10 –", "moins de 5, masqué, ou pas de mesure")
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
