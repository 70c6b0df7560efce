package report

import (
	"slices"
	"strings"

	"parvis/internal/figure"
	"parvis/internal/hub/words"
)

// Sentences says the figures, in at most three sentences; what is missing or masked makes none.
func (r Report) Sentences() (all []string) {
	for _, s := range []string{r.used(), r.lasted(), r.line()} {
		if s != "" {
			all = append(all, s)
		}
	}
	return all
}

// form is how a number is said: none, small or some; "" what cannot be said.
func form(f figure.Figure) string {
	switch {
	case f.How == figure.Few:
		return "small"
	case f.How != figure.Plain:
		return ""
	case f.Value == 0:
		return "none"
	default:
		return "some"
	}
}

func (r Report) used() string {
	sessions := r.Lines[0]
	f := form(sessions.Now)
	if f == "" {
		return ""
	}
	var others []string
	for _, o := range []struct {
		f figure.Figure
		m Month
	}{{sessions.Before, r.Month.Add(-1)}, {sessions.YearAgo, r.Month.Add(-12)}} {
		if of := form(o.f); of != "" {
			others = append(others, say.Text("sentence.other-"+of, words.V{"N": words.Number(o.f.Value), "Month": words.Month(o.m.Year, o.m.Month)}))
		}
	}
	v := words.V{"N": words.Number(sessions.Now.Value), "Month": words.Month(r.Month.Year, r.Month.Month), "In": "", "Than": ""}
	if r.Site == "" {
		v["In"] = say.Count("sentence.in", uint64(r.Count)) //nolint:gosec // a number of sites
	}
	if len(others) > 0 {
		v["Than"] = say.Text("sentence.than", words.V{"Others": words.List(others)})
	}
	return say.Text("sentence."+f, v)
}

func (r Report) lasted() string {
	online, peak := r.Lines[1].Now, r.Lines[2].Now
	if form(r.Lines[0].Now) != "some" || online.How != figure.Plain {
		return ""
	}
	hours := say.Say("sentence.under-hour")
	if online.Value > 0 {
		hours = say.Count("sentence.hours", online.Value)
	}
	v := words.V{"Hours": hours, "Peak": words.Number(peak.Value)}
	switch form(peak) {
	case "some":
		if r.Count > 1 {
			return say.Text("sentence.lasted-peak-place", v)
		}
		return say.Text("sentence.lasted-peak", v)
	case "small":
		return say.Text("sentence.lasted-peak-small", v)
	default:
		return say.Text("sentence.lasted", v)
	}
}

func (r Report) line() string {
	down, full := form(r.Lines[3].Now), form(r.Lines[4].Now)
	if down == "" || full == "" {
		return ""
	}
	key := "line."
	if r.Count > 1 {
		key = "lines."
	}
	said := say.Text(key+"down-"+down, words.V{"Time": words.Duration(r.Lines[3].Now.Value)})
	return say.Text(key+"full-"+full, words.V{"Down": said, "Time": words.Duration(r.Lines[4].Now.Value)})
}

// Title is the report's name; Subtitle its month.
func (r Report) Title() string { return say.Text("title", words.V{"Name": r.Name()}) }

// Subtitle says the month.
func (r Report) Subtitle() string {
	key := "month"
	if strings.HasPrefix(words.Of(words.MonthAlone(r.Month.Month)), "d'") {
		key = "month-vowel"
	}
	return say.Text(key, words.V{"Month": words.Month(r.Month.Year, r.Month.Month)})
}

// State says whether the figures may still change, and why.
func (r Report) State() string {
	if !r.Provisional {
		return say.Say("definitive")
	}
	sites := r.Waiting
	if more := len(sites) - named; more > 0 {
		sites = append(slices.Clone(sites[:named]), say.Count("more-sites", uint64(more)))
	}
	return say.Text("provisional", words.V{"Sites": words.List(sites)})
}

func (r Report) made() string { return say.Text("made", words.V{"Moment": words.Moment(r.Made)}) }

// outages are said one by one.
func (r Report) outages() (all []string) {
	for _, o := range r.Outages {
		v := words.V{"Day": words.Day(o.Day, r.Month.Month), "Site": o.Site, "Time": words.Duration(o.Minutes)}
		if r.Site != "" {
			all = append(all, say.Text("named.outage", v))
		} else {
			all = append(all, say.Text("named.outage-site", v))
		}
	}
	if r.MoreOutages > 0 {
		all = append(all, say.Count("named.more-outages", uint64(r.MoreOutages))) //nolint:gosec // a number of things
	}
	if len(all) == 0 && r.Lines[3].Now.How != figure.Missing {
		all = append(all, say.Say("named.no-outages"))
	}
	return all
}

func (r Report) gaps() (all []string) {
	for _, g := range r.Gaps {
		v := words.V{"Site": g.Site, "Days": r.days(g)}
		if r.Site != "" {
			all = append(all, say.Text("named.gap", v))
		} else {
			all = append(all, say.Text("named.gap-site", v))
		}
	}
	if r.MoreGaps > 0 {
		all = append(all, say.Count("named.more-gaps", uint64(r.MoreGaps))) //nolint:gosec // a number of things
	}
	if len(all) == 0 {
		all = append(all, say.Say("named.no-gaps"))
	}
	return all
}

func (r Report) days(g Gap) string {
	switch {
	case g.From == 1 && g.To == r.Month.days():
		return say.Say("named.whole")
	case g.From == g.To:
		return say.Text("named.day", words.V{"Day": words.Day(g.From, r.Month.Month)})
	default:
		from := strings.TrimSuffix(words.Day(g.From, r.Month.Month), words.Space+words.MonthAlone(r.Month.Month))
		return say.Text("named.days", words.V{"From": from, "To": words.Day(g.To, r.Month.Month)})
	}
}

// value is a figure as people read it.
func value(f figure.Figure) string {
	switch f.How {
	case figure.Few:
		return say.Say("value.small")
	case figure.Hidden:
		return say.Say("value.hidden")
	case figure.Missing:
		return say.Say("value.missing")
	default:
		return words.Number(f.Value)
	}
}

func label(key string) string { return say.Say("label." + key) }
func unit(key string) string  { return say.Say("unit." + key) }
func head(key string) string  { return say.Say("head." + key) }

// months are the heads of the three columns.
func (r Report) months() [3]string {
	var all [3]string
	for i, n := range []int{0, -1, -12} {
		m := r.Month.Add(n)
		all[i] = words.Month(m.Year, m.Month)
	}
	return all
}
