package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/internal/config"
	"parvis/internal/lang"
)

// withHours is a configuration with school holidays in a file of these lines.
func withHours(t *testing.T, holidays ...string) (*config.Config, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "vacances.ics")
	if holidays != nil {
		if err := os.WriteFile(file, []byte(strings.Join(holidays, "\r\n")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	src := strings.Replace(least, "[wan]", `hours = ["lun-ven 9:00-18:00"]
exceptions = ["2026-12-24 9:00-12:00"]
holidays = "`+file+`"
holiday-hours = ["lun-ven 9:00-12:00"]
[wan]`, 1)
	cfg, ps := config.Parse("parvis.toml", []byte(src))
	if len(ps) != 0 {
		t.Fatal(say(ps, lang.EN))
	}
	return cfg, file
}

func TestTheCalendarKnowsWeekExceptionsAndHolidays(t *testing.T) {
	cfg, _ := withHours(t, "BEGIN:VCALENDAR", "BEGIN:VEVENT", "DTSTART;VALUE=DATE:20261219", "DTEND;VALUE=DATE:20270104",
		"SUMMARY:Vacances de Noël - Zone A", "END:VEVENT", "END:VCALENDAR", "")
	cal, ps := cfg.Calendar()
	if len(ps) != 0 {
		t.Fatal(say(ps, lang.EN))
	}
	for _, tt := range []struct {
		name string
		at   time.Time
		want bool
	}{
		{"an afternoon", time.Date(2026, 11, 24, 17, 59, 0, 0, paris(t)), true},
		{"after closing", time.Date(2026, 11, 24, 18, 0, 0, 0, paris(t)), false},
		{"a morning of the holidays", time.Date(2026, 12, 21, 9, 0, 0, 0, paris(t)), true},
		{"an afternoon of the holidays", time.Date(2026, 12, 21, 14, 0, 0, 0, paris(t)), false},
		{"the exception", time.Date(2026, 12, 24, 11, 59, 0, 0, paris(t)), true},
		{"the day on which school begins again", time.Date(2027, 1, 4, 14, 0, 0, 0, paris(t)), true},
	} {
		if open, _, _ := cal.At(tt.at); open != tt.want {
			t.Errorf("%s: open %v", tt.name, open)
		}
	}
}

func TestAFileOfHolidaysThatCannotBeReadIsToldWithItsPlace(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		says  string
	}{
		{"none", nil, "parvis.toml:7:12: site.holidays cannot be read (no such file or directory)"},
		{"another file", []string{"Description;Population;Date de début"}, "vacances.ics:1:1: \"Description;Population;Date de début\" is not how an iCalendar file begins"},
		{"a date that is none", []string{"BEGIN:VCALENDAR", "BEGIN:VEVENT", "DTSTART;VALUE=DATE:20261399"}, "vacances.ics:3:1: \"20261399\" is not a date"},
		{"no holidays", []string{"BEGIN:VCALENDAR", "END:VCALENDAR"}, "vacances.ics:1:1: no event is called \"Vacances …\""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, _ := withHours(t, tt.lines...)
			cal, ps := cfg.Calendar()
			if cal != nil || len(ps) != 1 || !strings.Contains(ps[0].In(lang.EN), tt.says) {
				t.Errorf("%v, says %s", cal, say(ps, lang.EN))
			}
		})
	}
}
