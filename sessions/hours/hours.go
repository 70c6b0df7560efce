// Package hours knows when a place is open: its week, dates that are otherwise, school holidays. It is pure: what time
// it is comes from outside.
package hours

import (
	"cmp"
	"fmt"
	"slices"
	"time"
	_ "time/tzdata" // a router may have no zone files
)

// Date is a calendar day.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// DateOf returns the day of t in t's zone.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

func (d Date) String() string { return d.at(0, time.UTC).Format(time.DateOnly) }

// Compare orders days.
func (d Date) Compare(e Date) int {
	return cmp.Or(cmp.Compare(d.Year, e.Year), cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day))
}

// Add returns the day n days later.
func (d Date) Add(n int) Date {
	return DateOf(time.Date(d.Year, d.Month, d.Day+n, 12, 0, 0, 0, time.UTC))
}

// At returns the beginning of the day in a zone.
func (d Date) At(zone *time.Location) time.Time { return d.at(0, zone) }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.at(0, time.UTC).Weekday() }

// at is the moment so many minutes after the day's midnight by the clocks of the zone. One that a change of the clocks leaves
// out is an hour later or earlier (time.Date).
func (d Date) at(minutes int, zone *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, minutes, 0, 0, zone)
}

// Span is a stretch of a day, in minutes after midnight: from 0 to 1439, and to at most 24 h after From, so that an evening
// may go on past midnight. From is in it and To is not.
type Span struct{ From, To int }

// Day is the spans of one day, in order; none: closed.
type Day []Span

// Exception is a date that is otherwise than its week.
type Exception struct {
	Date Date
	Open Day
}

// Check says what is wrong with an exception.
func (e Exception) Check() error {
	if e.Date.Add(0) != e.Date {
		return fmt.Errorf("hours: %v: no such date", e.Date)
	}
	if len(e.Open) > spansMost {
		return fmt.Errorf("hours: %v: more than %d stretches", e.Date, spansMost)
	}
	for _, s := range e.Open {
		if s.From < 0 || s.From >= 24*60 || s.To <= s.From || s.To > s.From+24*60 {
			return fmt.Errorf("hours: %v: %v: not a stretch of a day", e.Date, s)
		}
	}
	return nil
}

// spansMost bounds the stretches of one day.
const spansMost = 8

// Period is days of school holidays, both included.
type Period struct{ First, Last Date }

// Calendar is when a place is open. It is never changed once made.
type Calendar struct {
	zone       *time.Location
	week       [7]Day // by time.Weekday
	holidayed  [7]Day // during Periods, where holidays is true
	holidays   bool
	periods    []Period
	exceptions map[Date]Day
	always     bool // the week has no hours: open, but for exceptions
}

// Always is open at any time.
var Always = &Calendar{zone: time.UTC, always: true}

// Config is what a Calendar is made of.
type Config struct {
	Zone     *time.Location // nil: UTC
	Week     []Week         // none: open at any time, but for Exceptions and Holidays
	Holiday  []Week         // during Periods, in the place of Week; none: as Week
	Periods  []Period
	Specials []Exception // a later one of the same date holds
}

// Week is days of the week that have the same spans.
type Week struct {
	Days []time.Weekday
	Open Day
}

// New makes a Calendar.
func New(c Config) *Calendar {
	cal := &Calendar{zone: c.Zone, always: len(c.Week) == 0, holidays: len(c.Holiday) > 0, periods: slices.Clone(c.Periods)}
	if cal.zone == nil {
		cal.zone = time.UTC
	}
	fill(&cal.week, c.Week)
	fill(&cal.holidayed, c.Holiday)
	return cal.With(c.Specials)
}

func fill(week *[7]Day, lines []Week) {
	for _, l := range lines {
		for _, d := range l.Days {
			week[d] = append(week[d], l.Open...)
		}
	}
	for d := range week {
		week[d] = sorted(week[d])
	}
}

func sorted(d Day) Day {
	return slices.SortedFunc(slices.Values(d), func(a, b Span) int { return cmp.Compare(a.From, b.From) })
}

// With returns the calendar with other exceptions added; where both have a date, these hold.
func (c *Calendar) With(es []Exception) *Calendar {
	next := *c
	next.exceptions = map[Date]Day{}
	for d, open := range c.exceptions {
		next.exceptions[d] = open
	}
	for _, e := range es {
		next.exceptions[e.Date] = sorted(e.Open)
	}
	return &next
}

// Constant reports whether the place is open at any time.
func (c *Calendar) Constant() bool { return c.always && len(c.exceptions) == 0 && !c.holidays }

// Zone returns the place's time zone.
func (c *Calendar) Zone() *time.Location { return c.zone }

// On returns the spans of a date, as its week, a holiday or an exception has them.
func (c *Calendar) On(d Date) Day {
	if open, ok := c.exceptions[d]; ok {
		return open
	}
	if c.holidays && slices.ContainsFunc(c.periods, func(p Period) bool { return p.First.Compare(d) <= 0 && d.Compare(p.Last) <= 0 }) {
		return c.holidayed[d.Weekday()]
	}
	if c.always {
		return Day{{0, 24 * 60}}
	}
	return c.week[d.Weekday()]
}

// farthest is how many days ahead a change is looked for: an annual closure is within.
const farthest = 400

// At says whether the place is open at t, until when that stays so, and when it next opens after t. until is zero when
// nothing changes within farthest days, and so is next.
func (c *Calendar) At(t time.Time) (open bool, until, next time.Time) {
	if c.Constant() {
		return true, time.Time{}, time.Time{}
	}
	today := DateOf(t.In(c.zone))
	var end time.Time // of the stretch that t is in, as far as it is known
	for d := today.Add(-2); d.Compare(today.Add(farthest)) <= 0; d = d.Add(1) {
		for _, s := range c.On(d) { // in the order of their beginnings, over all days
			from, to := d.at(s.From, c.zone), d.at(s.To, c.zone)
			switch {
			case !to.After(t), !to.After(from): // over, or taken away by a change of the clocks
			case !from.After(t), open && !from.After(end):
				open = true
				if to.After(end) {
					end = to
				}
			case open:
				return true, end, from
			default:
				return false, from, from
			}
		}
	}
	if open && !end.Before(today.Add(farthest).at(0, c.zone)) {
		return true, time.Time{}, time.Time{}
	}
	return open, end, time.Time{}
}
