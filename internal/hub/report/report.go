// Package report makes the month's report for elected officials: one computation (Input.CommuneReport, Input.SiteReport), and then a page, a PDF of
// one A4 sheet, a CSV and an ODS file that say its numbers and no others.
//
// Numbers about people are masked as a site masks its own (internal/figure), a commune's sites together, so that nothing below five can be
// found out from the rest. A site's own report has what is shown of it beside the others. What was not measured is missing and not 0.
package report

import (
	"embed"
	"errors"
	"fmt"
	"time"

	"parvis/internal/figure"
	"parvis/internal/hub/words"
)

//go:embed texts/fr.toml
var texts embed.FS

var say = words.Must(texts)

// Errors that a page can say something about.
var (
	ErrNotOver = errors.New("report: the month is not over yet")
	ErrNoSite  = errors.New("report: no such site in this month")
)

// Month is a calendar month.
type Month struct {
	Year  int
	Month time.Month
}

// MonthOf is the month that t is in, in t's zone.
func MonthOf(t time.Time) Month { return Month{t.Year(), t.Month()} }

// ParseMonth reads "2026-11".
func ParseMonth(s string) (Month, error) {
	t, err := time.Parse("2006-01", s)
	if err != nil || t.Year() < 2020 {
		return Month{}, fmt.Errorf("report: read month %q: expected a year and a month, as 2026-11", s)
	}
	return MonthOf(t), nil
}

// String writes it as ParseMonth reads it.
func (m Month) String() string { return m.Start(time.UTC).Format("2006-01") }

// Add is n months later.
func (m Month) Add(n int) Month {
	return MonthOf(time.Date(m.Year, m.Month+time.Month(n), 1, 0, 0, 0, 0, time.UTC))
}

// Start is the month's first moment; End is the next one's.
func (m Month) Start(zone *time.Location) time.Time {
	return time.Date(m.Year, m.Month, 1, 0, 0, 0, 0, zone)
}

// End is the first moment after the month.
func (m Month) End(zone *time.Location) time.Time { return m.Add(1).Start(zone) }

func (m Month) days() int { return m.End(time.UTC).AddDate(0, 0, -1).Day() }

// Day is what a site has counted on one day of the place's time.
type Day struct {
	Day      int           // of the month, from 1
	Measured time.Duration // in which the daemon counted
	Sessions uint64
	Online   time.Duration // of all sessions together
	Peak     uint64        // sessions at once
	// Looks at the line: all, those that found it down, and those that found it at nine tenths of its rate or more.
	Asked, Down, Full int64
}

// Site is one site with its counts.
type Site struct {
	ID, Name string
	Since    time.Time // of its enrolment: days before are not missing
	Left     int       // hours that it has still to send
	Contact  time.Time // its last one
	// The month, the one before it, the same one a year ago; days without counts may be left out.
	Now, Before, YearAgo []Day
}

// Input is what a report is made of.
type Input struct {
	Commune string
	Month   Month
	Zone    *time.Location
	At      time.Time // now
	Sites   []Site
}

// Line is one of the five figures.
type Line struct {
	Key                  string // of Keys
	Now, Before, YearAgo figure.Figure
}

// Keys are the five figures, in their order.
var Keys = [5]string{"sessions", "online", "peak", "down", "full"}

// Part is one site of a commune's report.
type Part struct {
	ID, Name string
	Lines    [5]Line
}

// Outage is a day on which a line was down for half an hour or more.
type Outage struct {
	Site    string
	Day     int
	Minutes uint64
}

// Gap is days of which a site has no measure.
type Gap struct {
	Site     string
	From, To int // both included
}

// Report is a month as it may be shown.
type Report struct {
	Commune     string
	Site        string // its name; "" in a commune's report
	SiteID      string
	Month       Month
	Made        time.Time
	Provisional bool
	Waiting     []string // sites that have not sent everything yet
	Count       int      // sites
	Lines       [5]Line
	Parts       []Part // of a commune, by name
	Outages     []Outage
	MoreOutages int // that are not named
	Gaps        []Gap
	MoreGaps    int
}

// named is how many outages and gaps are named: the longest ones.
const named = 6

// Name is what the report is about.
func (r Report) Name() string {
	if r.Site != "" {
		return r.Site
	}
	return r.Commune
}

// File is a name for the report's files, without an extension: letters, digits and hyphens alone. A definitive report takes the place
// of the provisional one.
func (r Report) File() string {
	name := "parvis-" + r.Month.String() + "-" + slug(r.Commune)
	if r.Site != "" {
		name += "-" + slug(r.Site) + "-" + slug(r.SiteID) // two places may have one name
	}
	return name
}
