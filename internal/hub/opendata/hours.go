package opendata

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"parvis/sessions/hours"
)

var weekdays = []struct {
	day  time.Weekday
	name string
}{
	{time.Monday, "Mo"},
	{time.Tuesday, "Tu"},
	{time.Wednesday, "We"},
	{time.Thursday, "Th"},
	{time.Friday, "Fr"},
	{time.Saturday, "Sa"},
	{time.Sunday, "Su"},
}

// OpeningHours says when the place is open as OpenStreetMap does (opening_hours): "Mo-Fr 09:00-12:00,14:00-18:30; Sa 08:30-12:00".
// School holidays are SH; a later rule takes the place of an earlier one on its days.
func (p Place) OpeningHours() (string, error) {
	week, holiday, special, err := p.hours()
	if err != nil {
		return "", err
	}
	var rules []string
	usual := spans(week)
	if len(week) == 0 {
		rules = append(rules, "24/7")
	} else {
		rules = append(rules, grouped(usual, "", nil)...)
	}
	if len(holiday) > 0 {
		open := func(day int) bool { return len(week) == 0 || usual[day] != "" }
		rules = append(rules, grouped(spans(holiday), "SH ", open)...)
	}
	slices.SortStableFunc(special, func(a, b hours.Exception) int { return a.Date.Compare(b.Date) })
	for _, e := range special {
		open := said(e.Open)
		if open == "" {
			open = "off"
		}
		rules = append(rules, fmt.Sprintf("%04d %s %02d %s", e.Date.Year, e.Date.Month.String()[:3], e.Date.Day, open))
	}
	return strings.Join(rules, "; "), nil
}

// spans are the stretches of each day from Monday on, as they are said; "" closed.
func spans(week []hours.Week) (all [7]string) {
	for i, d := range weekdays {
		var open hours.Day
		for _, w := range week {
			if slices.Contains(w.Days, d.day) {
				open = append(open, w.Open...)
			}
		}
		slices.SortFunc(open, func(a, b hours.Span) int { return a.From - b.From })
		all[i] = said(open)
	}
	return all
}

func said(open hours.Day) string {
	all := make([]string, len(open))
	for i, s := range open {
		to := s.To
		if to > 24*60 {
			to -= 24 * 60
		}
		all[i] = fmt.Sprintf("%02d:%02d-%02d:%02d", s.From/60, s.From%60, to/60, to%60)
	}
	return strings.Join(all, ",")
}

// grouped puts days of the same stretches together. A day that is closed is said where alsoOff wants it.
func grouped(days [7]string, before string, alsoOff func(int) bool) (rules []string) {
	var seen []string
	for i, s := range days {
		if s == "" && alsoOff != nil && alsoOff(i) {
			days[i] = "off"
		}
	}
	for _, s := range days {
		if s == "" || slices.Contains(seen, s) {
			continue
		}
		seen = append(seen, s)
		var runs []string
		for i := 0; i < 7; i++ {
			if days[i] != s {
				continue
			}
			j := i
			for j+1 < 7 && days[j+1] == s {
				j++
			}
			switch {
			case j == i:
				runs = append(runs, weekdays[i].name)
			case j == i+1:
				runs = append(runs, weekdays[i].name, weekdays[j].name)
			default:
				runs = append(runs, weekdays[i].name+"-"+weekdays[j].name)
			}
			i = j
		}
		rules = append(rules, before+strings.Join(runs, ",")+" "+s)
	}
	return rules
}
