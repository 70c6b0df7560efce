package config

import (
	"errors"
	"maps"
	"slices"
	"time"

	"parvis/internal/lang"
	"parvis/sessions/hours"
)

var (
	weekForm = Say("days and their hours, such as \"lun-ven 9:00-12:00 14:00-18:00\" or \"sam fermé\"",
		"des jours et leurs heures, comme \"lun-ven 9:00-12:00 14:00-18:00\" ou \"sam fermé\"")
	exceptionForm = Say("a date and its hours, such as \"2026-12-24 9:00-12:00\" or \"2026-12-25 fermé\"",
		"une date et ses heures, comme \"2026-12-24 9:00-12:00\" ou \"2026-12-25 fermé\"")
	holidayForm = Say("the ministry's iCalendar file of one zone (Zone-A.ics)", "le fichier iCalendar du ministère pour une zone (Zone-A.ics)")
)

// mostHours bounds the lines of a week and the exceptions.
const mostHours = 400

// hours reads when the place is open. The holidays' file is read by Calendar.
func (t *table) hours(s *Site) {
	s.Hours.Zone = t.timezone()
	s.Hours.Week = t.weeks("hours")
	s.Hours.Specials = lines(t, "exceptions", exceptionForm, hours.ParseException)
	s.Holidays = t.absolute("holidays")
	s.Hours.Holiday = t.weeks("holiday-hours")
	_, file := t.vals["holidays"]
	_, week := t.vals["holiday-hours"]
	switch {
	case file && !week:
		t.warn("holidays", Say("site.holidays changes nothing without site.holiday-hours", "site.holidays ne change rien sans site.holiday-hours"), Message{}, t.example("holiday-hours"))
	case week && !file:
		t.warn("holiday-hours", Say("site.holiday-hours never holds without site.holidays", "site.holiday-hours ne sert jamais sans site.holidays"), Message{}, t.example("holidays"))
	}
}

func (t *table) weeks(key string) []hours.Week { return lines(t, key, weekForm, hours.ParseWeek) }

// lines reads a list of texts, each with its own form.
func lines[T any](t *table, key string, form Message, parse func(string) (T, error)) (all []T) {
	texts, _ := t.list(key, form)
	for _, i := range slices.Sorted(maps.Keys(texts)) {
		if i >= mostHours {
			t.bad(key, Say("%s has more than %d lines", "%s a plus de %d lignes", t.label(key), mostHours), Message{}, Message{})
			return all
		}
		v, err := parse(texts[i])
		if pe := (*hours.ParseError)(nil); errors.As(err, &pe) {
			t.bad(element(key, i), Say("%s: %s", "%s : %s", t.label(key), say(pe.What, pe.Part)), form, Message{})
			continue
		}
		all = append(all, v)
	}
	return all
}

// say takes a text of another package over.
func say(text lang.Text, args ...any) Message { return Message{Text: text, Args: args} }

func (t *table) timezone() *time.Location {
	name, ok := t.text("timezone", false)
	if !ok {
		name = "Europe/Paris"
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		t.bad("timezone", Say("site.timezone: %q is not a time zone", "site.timezone : %q n'est pas un fuseau horaire", name),
			Say("a name such as \"Europe/Paris\" or \"Indian/Reunion\"", "un nom comme \"Europe/Paris\" ou \"Indian/Reunion\""), Message{})
		return time.UTC
	}
	return zone
}

// Calendar makes the place's calendar and reads the file of school holidays that it names. The Calendar is nil when one of the
// problems is an Error.
func (c *Config) Calendar() (*hours.Calendar, []Problem) {
	h := c.Site.Hours
	if c.Site.Holidays == "" || len(h.Holiday) == 0 {
		h.Holiday = nil
		return hours.New(h), nil
	}
	src, err := readAll(c.Site.Holidays)
	if err == nil && len(src) > maxSource {
		err = errors.New("it is too long")
	}
	if err != nil {
		return nil, []Problem{c.Problem("site.holidays", Error,
			Say("site.holidays cannot be read (%v)", "site.holidays ne peut pas être lu (%v)", cause(err)), holidayForm,
			Say("look at the path, or take it out together with site.holiday-hours", "regardez le chemin, ou retirez-le avec site.holiday-hours"))}
	}
	h.Periods, err = hours.ParseHolidays(src)
	if le := (*hours.LineError)(nil); errors.As(err, &le) {
		return nil, []Problem{{
			File: c.Site.Holidays, Line: le.Line, Column: 1, Severity: Error, What: say(le.What, le.Part), Expected: holidayForm,
			Do: Say("fetch the file again, or correct the line", "téléchargez à nouveau le fichier, ou corrigez la ligne"),
		}}
	}
	return hours.New(h), nil
}
