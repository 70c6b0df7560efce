package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"parvis/internal/chart"
	"parvis/internal/control"
	"parvis/internal/hublink/wire"
	"parvis/internal/monitor"
	"parvis/internal/order"
	"parvis/kiosk"
	"parvis/portal/console"
	"parvis/sessions/usage"
)

// overview is the console's page of the place as a whole.
type overview struct {
	balance
	condition func() control.Condition
}

// lineDays is how many days the chart of the line looks back.
const lineDays = 28

// Overview implements console.Overview.
func (o overview) Overview(ctx context.Context, month time.Time) (console.Whole, error) {
	c := o.condition()
	w := console.Whole{Now: nowFacts(c)}
	for _, p := range c.Problems {
		w.Todo = append(w.Todo, monitor.Sentence(p))
	}
	if !c.Line.Up {
		w.Todo = append(w.Todo, monitor.Sentence(wire.Problem{Code: monitor.LineDown}))
	}
	r, err := o.usage.Month(ctx, month)
	switch {
	case errors.Is(err, usage.ErrNotOver):
		w.Remark = "Ce mois n'est pas fini. Ses images viennent le mois prochain."
	case err != nil:
		return w, err
	default:
		charts, err := o.months(ctx, r)
		if err != nil {
			return w, err
		}
		w.Charts = charts
	}
	hours, err := o.usage.LineByHour(ctx, lineDays)
	if err != nil {
		return w, err
	}
	w.Charts = append(w.Charts, lineChart(hours))
	return w, nil
}

// nowFacts is how the place is, in words.
func nowFacts(c control.Condition) []console.Fact {
	facts := []console.Fact{
		{Name: "Ligne internet", Value: map[bool]string{true: "en marche", false: "en panne"}[c.Line.Up]},
		{Name: "Ligne remplie", Value: fmt.Sprintf("%d\u00a0%% (vers le lieu), %d\u00a0%% (depuis le lieu)", c.Line.Down, c.Line.Upload)},
		{Name: "Questions perdues sur la ligne", Value: fmt.Sprintf("%d\u00a0%%", c.Line.Loss)},
		{Name: "Connexions", Value: fmt.Sprintf("%d sur %d possibles", c.Open, c.Slots)},
		{Name: "Disque", Value: fmt.Sprintf("plein à %.0f\u00a0%%", c.Disk.Used())},
		{Name: "Horloge", Value: clockTexts[c.Clock].FR},
	}
	if c.Line.Latency > 0 {
		facts = slices.Insert(facts, 1, console.Fact{Name: "Délai de la ligne", Value: fmt.Sprintf("%d ms", c.Line.Latency)})
	}
	if n := len(c.Terminals); n > 0 {
		silent := 0
		for _, t := range c.Terminals {
			if t.State == string(kiosk.Silent) {
				silent++
			}
		}
		facts = append(facts, console.Fact{Name: "Postes qui répondent", Value: fmt.Sprintf("%d sur %d", n-silent, n)})
	}
	for _, of := range slices.Sorted(maps.Keys(c.Expires)) {
		name := map[string]string{certPortal: "Certificat du portail", certConsole: "Certificat de la console"}[of]
		facts = append(facts, console.Fact{Name: name, Value: fmt.Sprintf("encore %d jours", c.Expires[of])})
	}
	return append(facts, console.Fact{Name: "Version", Value: c.Version})
}

// months are the charts of one month that is over. They are made of what may be shown alone: a sum over several days of one hour would
// tell the one of them that is masked, so that an hour of the week is the middle one of its shown values and no sum.
func (o overview) months(ctx context.Context, r usage.Report) ([]chart.Table, error) {
	days := chart.Table{Caption: "Connexions par jour", Kind: chart.Bars, First: "Jour", Series: []string{"Connexions"}}
	var shown [7][24][]float64
	for _, row := range r.Rows {
		from := row.From.In(o.zone)
		days.Rows = append(days.Rows, chart.Row{Label: from.Format("02/01"), Values: []float64{plain(row.Sessions)}})
		d, err := o.usage.Day(ctx, from)
		if err != nil {
			return nil, err
		}
		for _, h := range d.Rows {
			at := h.From.In(o.zone)
			if v, known := rank(h.Sessions); known {
				shown[(at.Weekday()+6)%7][at.Hour()] = append(shown[(at.Weekday()+6)%7][at.Hour()], v)
			}
		}
	}
	profiles := chart.Table{Caption: "Par type de connexion", Kind: chart.Bars, First: "Type", Series: []string{"Connexions"}}
	for _, p := range r.Profiles {
		profiles.Rows = append(profiles.Rows, chart.Row{Label: o.label(p.Profile), Values: []float64{plain(p.Sessions)}})
	}
	all := append(weekCharts(shown), days)
	if len(profiles.Rows) > 0 {
		all = append(all, profiles)
	}
	return all, nil
}

// plain is a figure's number; NaN when it may not be shown.
func plain(f usage.Figure) float64 {
	if f.How != usage.Plain {
		return math.NaN()
	}
	return float64(f.Value)
}

// few stands for a number below usage.Least when numbers are put in order; it is never shown.
const few = 0.5

// rank is where a figure stands among others; false where nobody may know.
func rank(f usage.Figure) (float64, bool) {
	switch f.How {
	case usage.Plain:
		return float64(f.Value), true
	case usage.Few:
		return few, true
	}
	return 0, false
}

var weekDays = []string{"lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"}

// weekCharts are an ordinary week: of each of its hours the middle value of the month. They are two, since seven lines cannot be told apart.
func weekCharts(shown [7][24][]float64) []chart.Table {
	return []chart.Table{
		weekChart("Une semaine ordinaire, du lundi au jeudi\u00a0: connexions par heure", shown, 0, 4),
		weekChart("Une semaine ordinaire, du vendredi au dimanche\u00a0: connexions par heure", shown, 4, 7),
	}
}

// weekChart is some days of it. Hours in which nobody ever came on any day are left out.
func weekChart(caption string, shown [7][24][]float64, from, to int) chart.Table {
	t := chart.Table{Caption: caption, Kind: chart.Lines, First: "Heure", Series: weekDays[from:to]}
	for h := range 24 {
		row, some := chart.Row{Label: fmt.Sprintf("%d\u00a0h", h)}, false
		for d := range 7 {
			v := middle(shown[d][h])
			some = some || v != 0 // NaN too: somebody may have come
			if d >= from && d < to {
				row.Values = append(row.Values, v)
			}
		}
		if some {
			t.Rows = append(t.Rows, row)
		}
	}
	return t
}

// middle is the lower of the middle values; NaN where there is none, or it may not be shown.
func middle(all []float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	order.Func(all, cmp.Compare[float64])
	if m := all[(len(all)-1)/2]; m != few {
		return m
	}
	return math.NaN()
}

// lineChart says at what hour the line is full, and when it is down.
func lineChart(hours [24]wire.Quality) chart.Table {
	t := chart.Table{
		Caption: fmt.Sprintf("La ligne, heure par heure, ces %d derniers jours", lineDays), Kind: chart.Lines, First: "Heure",
		Series: []string{"Pleine, part du temps", "En panne, part du temps", "Questions perdues"}, Max: 100,
		Text: func(_ int, v float64) string {
			return strings.ReplaceAll(fmt.Sprintf("%.1f\u00a0%%", v), ".", ",")
		},
	}
	share := func(n, of int64) float64 {
		if of == 0 {
			return math.NaN()
		}
		return 100 * float64(n) / float64(of)
	}
	for h, q := range hours {
		t.Rows = append(t.Rows, chart.Row{Label: fmt.Sprintf("%d\u00a0h", h), Values: []float64{share(q.Full, q.Asked), share(q.Down, q.Asked), share(q.Lost, q.Questions)}})
	}
	return t
}
