package hours

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"parvis/internal/lang"
	"parvis/internal/order"
)

// LineError says which line of a file cannot be read, from 1.
type LineError struct {
	Line int
	What lang.Text
	Part string
}

func (e *LineError) Error() string {
	return "hours: line " + strconv.Itoa(e.Line) + ": " + e.What.In(lang.EN, e.Part)
}

var (
	noCalendar = lang.Text{EN: "%q is not how an iCalendar file begins", FR: "%q n'est pas le début d'un fichier iCalendar"}
	backwards  = lang.Text{EN: "%q ends before it begins", FR: "%q finit avant de commencer"}
	noPeriod   = lang.Text{EN: "no event is called %q and has both a first and a last day", FR: "aucun événement ne s'appelle %q avec un premier et un dernier jour"}
)

// event is what is wanted of a VEVENT.
type event struct {
	line       int // of its BEGIN
	first, end Date
	summary    string
}

// ParseHolidays reads the school holidays of one zone from the ministry's iCalendar file (RFC 5545): the open data set
// "fr-en-calendrier-scolaire" has one for each zone (Zone-A.ics …), a VEVENT for each holiday with DTSTART and DTEND as dates, DTEND
// being the day on which school begins again, and a SUMMARY as "Vacances de la Toussaint - Zone A" or "Pont de l'Ascension".
// Days of teachers alone ("Prérentrée") and single days on which school ends or begins are passed over. A calendar of any other
// making does as well when its events are named so.
//
// The error is *LineError. It never returns an empty list without one.
func ParseHolidays(src []byte) (periods []Period, err error) {
	lines := unfold(strings.TrimPrefix(string(src), "\ufeff"))
	if len(lines) == 0 || !strings.EqualFold(lines[0].text, "BEGIN:VCALENDAR") {
		return nil, &LineError{1, noCalendar, firstOf(lines)}
	}
	var e *event
	for _, l := range lines {
		name, value, _ := strings.Cut(l.text, ":")
		name, _, _ = strings.Cut(strings.ToUpper(name), ";")
		switch {
		case name == "BEGIN" && strings.EqualFold(value, "VEVENT"):
			e = &event{line: l.number}
		case e == nil:
		case name == "SUMMARY":
			e.summary = value
		case name == "DTSTART", name == "DTEND":
			d, ok := icalDate(value)
			if !ok {
				return nil, &LineError{l.number, badDate, value}
			}
			if name == "DTSTART" {
				e.first = d
			} else {
				e.end = d
			}
		case name == "END" && strings.EqualFold(value, "VEVENT"):
			p, ok, err := e.period()
			if err != nil {
				return nil, err
			}
			if ok {
				periods = append(periods, p)
			}
			e = nil
		}
	}
	if len(periods) == 0 {
		return nil, &LineError{1, noPeriod, "Vacances …"}
	}
	order.Func(periods, func(a, b Period) int {
		return cmp.Or(a.First.Compare(b.First), a.Last.Compare(b.Last))
	})
	return slices.Compact(periods), nil
}

// period is the days of an event that is a holiday of pupils.
func (e *event) period() (p Period, ok bool, err error) {
	s := strings.ToLower(e.summary)
	if !strings.HasPrefix(s, "vacances") && !strings.HasPrefix(s, "pont") || strings.Contains(s, "rentrée") || strings.Contains(s, "enseignants") {
		return p, false, nil
	}
	if e.first == (Date{}) || e.end == (Date{}) || e.end == e.first {
		return p, false, nil
	}
	if e.end.Compare(e.first) < 0 {
		return p, false, &LineError{e.line, backwards, e.summary}
	}
	return Period{First: e.first, Last: e.end.Add(-1)}, true, nil
}

// icalDate reads 20261219 or the date of 20261219T000000.
func icalDate(s string) (Date, bool) {
	s, _, _ = strings.Cut(s, "T")
	t, err := time.Parse("20060102", s)
	if err != nil || t.Year() < 2000 {
		return Date{}, false
	}
	return DateOf(t), true
}

// line is one of content, with the number of the first line of the file that it stands on.
type line struct {
	number int
	text   string
}

// unfold joins lines that go on behind a blank (RFC 5545, 3.1).
func unfold(src string) (lines []line) {
	for i, text := range strings.Split(src, "\n") {
		text = strings.TrimRight(text, "\r")
		switch {
		case len(lines) > 0 && text != "" && (text[0] == ' ' || text[0] == '\t'):
			lines[len(lines)-1].text += text[1:]
		case strings.TrimSpace(text) != "":
			lines = append(lines, line{i + 1, text})
		}
	}
	return lines
}

func firstOf(lines []line) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[0].text
}
