package pages

import (
	"context"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"parvis/internal/chart"
	"parvis/internal/figure"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/hub/words"
)

// siteView is H3: one site, one week.
type siteView struct {
	siteRow
	Zone                *time.Location
	Week                string // 2026-W48
	From, To            string
	Before, After       string // weeks; After "" when it has not begun
	Compare, Empty      bool
	Heat                []heatRow
	Days                []string
	Sessions, Line      template.HTML
	Profiles            []profile
	Total               figure.Figure
	Terminals           int // sessions at them
	May                 bool
	TerminalTime, Local string
}

// heatRow is one hour of the day through the week.
type heatRow struct {
	Hour  string
	Cells []heatCell
}

// heatCell is the most sessions at once in one hour.
type heatCell struct {
	Text  string
	Level int // 0 nothing to 5 the week's most; -1 no measure
}

// profile is how often one was used.
type profile struct {
	Name     string
	Sessions figure.Figure
}

// monday is the first day of a week as the address names it; this week when it names none.
func monday(week string, now time.Time) time.Time {
	var y, w int
	day := time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, now.Location())
	if n, err := fmt.Sscanf(week, "%d-W%d", &y, &w); n == 2 && err == nil && y >= 2020 && y <= now.Year() && w >= 1 && w <= 53 {
		day = time.Date(y, 1, 4, 12, 0, 0, 0, now.Location()).AddDate(0, 0, 7*(w-1)) // January 4th is always in week 1 (ISO 8601)
	}
	return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
}

func weekOf(t time.Time) string {
	y, w := t.ISOWeek()
	return fmt.Sprintf("%d-W%02d", y, w)
}

func number(t time.Time) int { return t.Year()*10000 + int(t.Month())*100 + t.Day() }

func (p *Pages) site(w http.ResponseWriter, r *http.Request, who staff.Person) error {
	v := siteView{May: who.Role.May(staff.Operate), Compare: r.URL.Query().Get("comparer") != ""}
	var name string
	err := p.in(r, who, func(ctx context.Context, t *store.Tenant) error {
		s, err := t.Site(ctx, r.PathValue("site"))
		if err != nil {
			return err
		}
		name = s.Name
		v.siteRow = p.row(s)
		if v.Zone, err = time.LoadLocation(s.Zone); err != nil {
			v.Zone = p.Zone
		}
		now := p.now().In(v.Zone)
		first := monday(r.URL.Query().Get("semaine"), now)
		last := first.AddDate(0, 0, 6)
		v.Week, v.From, v.To = weekOf(first), words.Day(first.Day(), first.Month()), words.Day(last.Day(), last.Month())+words.Space+strconv.Itoa(last.Year())
		v.Before = weekOf(first.AddDate(0, 0, -7))
		if next := first.AddDate(0, 0, 7); !next.After(now) {
			v.After = weekOf(next)
		}
		hours, err := t.Hours(ctx, s.ID, number(first), number(last))
		if err != nil {
			return err
		}
		days, err := t.Days(ctx, s.ID, number(first), number(last))
		if err != nil {
			return err
		}
		yearAgo := first.AddDate(0, 0, -364) // the same weekdays
		old, err := t.Days(ctx, s.ID, number(yearAgo), number(yearAgo.AddDate(0, 0, 6)))
		if err != nil {
			return err
		}
		v.Empty = len(days) == 0
		v.heat(first, hours)
		v.profiles(days)
		if v.Sessions, err = v.sessions(first, days, old); err != nil {
			return err
		}
		v.Line, err = lineTable(first, days)
		return err
	})
	if err != nil {
		return err
	}
	return p.show(w, r, page{template: "site", Name: name, Here: "/sites", Charts: !v.Empty}, v)
}

// heat fills the hours of the week that were counted.
func (v *siteView) heat(first time.Time, hours []store.Hour) {
	type place struct{ day, hour int }
	at := map[place]int{}
	most, from, to := 1, 24, -1
	for _, h := range hours {
		if h.Measured == 0 {
			continue
		}
		hour := h.At.In(v.Zone).Hour()
		at[place{h.Day, hour}] = max(at[place{h.Day, hour}], h.Peak)
		if most = max(most, h.Peak); h.Peak > 0 {
			from, to = min(from, hour), max(to, hour)
		}
	}
	for d := range 7 {
		v.Days = append(v.Days, say.Say("day."+strconv.Itoa(d))+words.Space+strconv.Itoa(first.AddDate(0, 0, d).Day()))
	}
	for hour := from; hour <= to; hour++ {
		row := heatRow{Hour: strconv.Itoa(hour) + words.Space + "h"}
		for d := range 7 {
			peak, known := at[place{number(first.AddDate(0, 0, d)), hour}]
			switch f := figure.Alone(uint64(max(peak, 0))); { //nolint:gosec // not negative
			case !known:
				row.Cells = append(row.Cells, heatCell{Text: "–", Level: -1})
			case f.How == figure.Few:
				row.Cells = append(row.Cells, heatCell{Text: "<" + words.Space + strconv.Itoa(figure.Least), Level: 1})
			default:
				row.Cells = append(row.Cells, heatCell{Text: f.String(), Level: (peak*5 + most - 1) / most})
			}
		}
		v.Heat = append(v.Heat, row)
	}
}

// profiles are the sessions of the week by profile, and at terminals.
func (v *siteView) profiles(days []store.SiteDay) {
	sum := map[string]uint64{}
	var terminals, spent uint64
	for _, d := range days {
		for word, n := range d.Use["sessions"] {
			sum[word] += n
		}
		terminals += d.Use.Sum("terminal-sessions")
		spent += d.Use.Sum("terminal-time")
	}
	names := make([]string, 0, len(sum))
	for name := range sum {
		names = append(names, name)
	}
	slices.Sort(names)
	parts := make([]uint64, len(names))
	for i, name := range names {
		parts[i] = sum[name]
	}
	total, masked := figure.Mask(parts)
	v.Total = total
	for i, name := range names {
		v.Profiles = append(v.Profiles, profile{name, masked[i]})
	}
	if terminals >= figure.Least {
		v.Terminals = int(min(terminals, math.MaxInt32)) //nolint:gosec // bounded
		v.TerminalTime = words.Duration(spent / 60_000)
	}
}

// sessions is each day of the week beside the same day a year ago.
func (v *siteView) sessions(first time.Time, days, old []store.SiteDay) (template.HTML, error) {
	column := func(first time.Time, days []store.SiteDay) (values []float64, said []string) {
		parts, known := make([]uint64, 7), [7]bool{}
		for _, d := range days {
			for i := range 7 {
				if d.Day.Day == number(first.AddDate(0, 0, i)) {
					parts[i], known[i] = d.Use.Sum("sessions"), true
				}
			}
		}
		_, masked := figure.Mask(parts)
		for i, f := range masked {
			switch {
			case !known[i]:
				f = figure.Figure{How: figure.Missing}
			case f.How == figure.Plain:
				values, said = append(values, float64(f.Value)), append(said, "")
				continue
			}
			values, said = append(values, math.NaN()), append(said, f.String())
		}
		return values, said
	}
	t := chart.Table{
		Caption: say.Say("site.sessions"), Kind: chart.Bars, First: say.Say("site.day"), Series: []string{say.Say("site.thisweek")},
		Words: chart.Words{Missing: "–", Keys: say.Say("chart.keys")},
	}
	now, said := column(first, days)
	for i := range 7 {
		t.Rows = append(t.Rows, chart.Row{Label: v.Days[i], Values: now[i : i+1 : i+1], Said: said[i : i+1 : i+1]})
	}
	if v.Compare {
		t.Series = append(t.Series, say.Say("site.yearago"))
		before, said := column(first.AddDate(0, 0, -364), old)
		for i := range 7 {
			t.Rows[i].Values, t.Rows[i].Said = append(t.Rows[i].Values, before[i]), append(t.Rows[i].Said, said[i])
		}
	}
	return t.HTML()
}

// lineTable is the quality of the line, day by day.
func lineTable(first time.Time, days []store.SiteDay) (template.HTML, error) {
	t := chart.Table{
		Caption: say.Say("site.line"), Kind: chart.Bars, First: say.Say("site.day"), Series: []string{say.Say("line.down"), say.Say("line.full"), say.Say("line.lost"), say.Say("line.latency")}, Drawn: 3,
		Words: chart.Words{Missing: "–", Keys: say.Say("chart.keys")},
		Text: func(series int, n float64) string {
			unit := "%"
			if series == 3 {
				unit = "ms"
			}
			return chart.Whole(n) + words.Space + unit
		},
	}
	share := func(n, of int64) float64 {
		if of == 0 {
			return math.NaN()
		}
		return math.Round(float64(n) * 100 / float64(of))
	}
	for i := range 7 {
		row := chart.Row{
			Label:  say.Say("day."+strconv.Itoa(i)) + words.Space + strconv.Itoa(first.AddDate(0, 0, i).Day()),
			Values: []float64{math.NaN(), math.NaN(), math.NaN(), math.NaN()},
		}
		for _, d := range days {
			if d.Day.Day == number(first.AddDate(0, 0, i)) {
				q := d.Line
				row.Values = []float64{share(q.Down, q.Asked), share(q.Full, q.Asked), share(q.Lost, q.Questions), share(q.Latency, 100*(q.Questions-q.Lost))}
			}
		}
		t.Rows = append(t.Rows, row)
	}
	return t.HTML()
}
