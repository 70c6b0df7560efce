package hours_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"parvis/sessions/hours"
)

// zoneA has the shape of the ministry's file: folded lines, pupils' holidays, teachers' days, days on which school ends.
const zoneA = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//data.education.gouv.fr//FR\r\n" +
	"BEGIN:VEVENT\r\nDTSTAMP:20250114T124531Z\r\nDTSTART;VALUE=DATE:20260514\r\nDTEND;VALUE=DATE:20260518\r\n" +
	"SUMMARY:Pont de l'Ascension - Zones \r\n A/B/C\r\nLOCATION:Zones A/B/C\r\nTRANSP:TRANSPARENT\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20251220\r\nDTEND;VALUE=DATE:20260105\r\nSUMMARY:Vacances de Noël - Zone A\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260704\r\nDTEND;VALUE=DATE:20260704\r\nSUMMARY:Vacances d'Été - Zone A\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260831\r\nDTEND;VALUE=DATE:20260901\r\nSUMMARY:Prérentrée des enseignants\r\nEND:VEVENT\r\n" +
	"BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260830\r\nDTEND;VALUE=DATE:20260902\r\nSUMMARY:Vacances d'Été(prérentrée Enseignants)\r\nEND:VEVENT\r\n" +
	"END:VCALENDAR\r\n"

func TestHolidaysOfPupilsAreReadFromTheMinistrysFile(t *testing.T) {
	got, err := hours.ParseHolidays([]byte(zoneA))
	want := []hours.Period{
		{First: hours.Date{Year: 2025, Month: time.December, Day: 20}, Last: hours.Date{Year: 2026, Month: time.January, Day: 4}},
		{First: hours.Date{Year: 2026, Month: time.May, Day: 14}, Last: hours.Date{Year: 2026, Month: time.May, Day: 17}},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAHolidayThatEndsBeforeItBeginsIsToldWithItsLine(t *testing.T) {
	_, err := hours.ParseHolidays([]byte(strings.Replace(zoneA, "20260105", "20250105", 1)))
	var le *hours.LineError
	if !errors.As(err, &le) || le.Line != 13 {
		t.Errorf("%v", err)
	}
}

func FuzzAnythingMayStandInAFileOfHolidays(f *testing.F) {
	f.Add([]byte(zoneA))
	f.Add([]byte("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261219T000000Z\nDTEND:20270104T000000Z\nSUMMARY:Vacances\nEND:VEVENT\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		periods, err := hours.ParseHolidays(src)
		if (err == nil) != (len(periods) > 0) {
			t.Errorf("%v, %v", periods, err)
		}
		for _, p := range periods {
			if p.Last.Compare(p.First) < 0 {
				t.Errorf("%v ends before it begins", p)
			}
		}
	})
}
