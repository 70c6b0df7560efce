package hours_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parvis/sessions/hours"
)

func zone(t rapid.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// calendar makes one of lines as the configuration has them.
func calendar(t rapid.TB, week []string, exceptions ...string) *hours.Calendar {
	t.Helper()
	c := hours.Config{Zone: zone(t, "Europe/Paris")}
	for _, s := range week {
		w, err := hours.ParseWeek(s)
		if err != nil {
			t.Fatal(err)
		}
		c.Week = append(c.Week, w)
	}
	for _, s := range exceptions {
		e, err := hours.ParseException(s)
		if err != nil {
			t.Fatal(err)
		}
		c.Specials = append(c.Specials, e)
	}
	return hours.New(c)
}

var library = []string{"lun-ven 9:00-12:00 14h-18h30", "sam 9:00-12:00"}

func TestAPlaceIsOpenAtItsHours(t *testing.T) {
	const minute = "2006-01-02 15:04"
	for _, tt := range []struct {
		name             string
		week, exceptions []string
		at               string
		open             bool
		until, next      string // "" none
	}{
		{"in the morning", library, nil, "2026-11-24 09:00", true, "2026-11-24 12:00", "2026-11-24 14:00"},
		{"at noon", library, nil, "2026-11-24 12:00", false, "2026-11-24 14:00", "2026-11-24 14:00"},
		{"on Saturday evening", library, nil, "2026-11-28 20:00", false, "2026-11-30 09:00", "2026-11-30 09:00"},
		{"without hours", nil, nil, "2026-11-28 20:00", true, "", ""},
		{"on an excepted date", library, []string{"2026-12-24 9:00-11:00"}, "2026-12-24 10:00", true, "2026-12-24 11:00", "2026-12-25 09:00"},
		{"closed on a date", library, []string{"2026-12-25 fermé"}, "2026-12-25 10:00", false, "2026-12-26 09:00", "2026-12-26 09:00"},
		{"always but on a date", nil, []string{"2026-12-25 fermé"}, "2026-12-24 10:00", true, "2026-12-25 00:00", "2026-12-26 00:00"},
		{"past midnight", []string{"ven 20:00-2:00"}, nil, "2026-11-28 01:59", true, "2026-11-28 02:00", "2026-12-04 20:00"},
		{"stretches that touch", []string{"lun 9:00-12:00", "lun 12:00-18:00"}, nil, "2026-11-23 10:00", true, "2026-11-23 18:00", "2026-11-30 09:00"},
		{"midnight joins two days", []string{"sam 8:00-24:00", "dim 0:00-1:00"}, nil, "2026-11-28 23:00", true, "2026-11-29 01:00", "2026-12-05 08:00"},
		{"the night when the clocks go forward", []string{"sam 22:00-4:00"}, nil, "2026-03-29 01:30", true, "2026-03-29 04:00", "2026-04-04 22:00"},
		{"an hour that does not exist", []string{"dim 2:00-3:00"}, nil, "2026-03-28 12:00", false, "2026-04-05 02:00", "2026-04-05 02:00"},
		{"from Friday to Monday", []string{"ven-lun 9:00-10:00"}, nil, "2026-11-24 12:00", false, "2026-11-27 09:00", "2026-11-27 09:00"},
		{"never again", []string{"lun fermé"}, nil, "2026-11-24 12:00", false, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := calendar(t, tt.week, tt.exceptions...)
			at, err := time.ParseInLocation(minute, tt.at, c.Zone())
			if err != nil {
				t.Fatal(err)
			}
			text := func(t time.Time) string {
				if t.IsZero() {
					return ""
				}
				return t.In(c.Zone()).Format(minute)
			}
			open, until, next := c.At(at)
			if open != tt.open || text(until) != tt.until || text(next) != tt.next {
				t.Errorf("open %v until %q, next %q", open, text(until), text(next))
			}
		})
	}
}

func TestTheDayOnWhichTheClocksGoBackIsAnHourLonger(t *testing.T) {
	c := calendar(t, []string{"sam 20:00-4:00"})
	open, until, _ := c.At(time.Date(2026, 10, 25, 0, 0, 0, 0, c.Zone()))
	if want := time.Date(2026, 10, 25, 3, 0, 0, 0, time.UTC); !open || !until.Equal(want) {
		t.Errorf("open %v until %v, want %v", open, until, want)
	}
}

func TestAnExceptionOfTheDeskHoldsBeforeTheConfigurations(t *testing.T) {
	c := calendar(t, library, "2026-12-24 9:00-12:00")
	d := hours.Date{Year: 2026, Month: time.December, Day: 24}
	with := c.With([]hours.Exception{{Date: d}})
	if got := with.On(d); len(got) != 0 {
		t.Errorf("open %v", got)
	}
	if got := c.On(d).String(); got != "9:00-12:00" {
		t.Errorf("the calendar that was there has changed: %v", got)
	}
}

func TestWhatIsNoHoursIsRefused(t *testing.T) {
	for _, s := range []string{
		"", "lun", "lundi-", "lun-xyz 9:00-12:00", "lun 9-12", "lun 9:00", "lun 9:00-9:00", "lun 25:00-26:00", "lun 9:60-10:00", "lun 24:00-2:00",
		"lun 9:00-12:00 11:00-13:00", "lun 14:00-18:00 9:00-12:00", "lun fermé 9:00-12:00", "lun h-12h", "lun 0:00-1:00 1:00-2:00 2:00-3:00 3:00-4:00 4:00-5:00 5:00-6:00 6:00-7:00 7:00-8:00 8:00-9:00",
	} {
		if w, err := hours.ParseWeek(s); !errors.As(err, new(*hours.ParseError)) {
			t.Errorf("%q: %+v, %v", s, w, err)
		}
	}
	for _, s := range []string{"", "2026-12-25", "2026-13-01 fermé", "25/12/2026 fermé", "1970-01-01 fermé"} {
		if e, err := hours.ParseException(s); !errors.As(err, new(*hours.ParseError)) {
			t.Errorf("%q: %+v, %v", s, e, err)
		}
	}
}

// What At says until is really when it changes, and what it says next is the first opening after: a slow look at every
// quarter of an hour finds the same.
func TestUntilIsReallyTheNextChange(t *testing.T) {
	const step = 15 * time.Minute
	rapid.Check(t, func(t *rapid.T) {
		c := hours.Config{Zone: zone(t, rapid.SampledFrom([]string{"Europe/Paris", "Indian/Reunion", "America/Martinique"}).Draw(t, "zone"))}
		span := rapid.Custom(func(t *rapid.T) hours.Span {
			from := rapid.IntRange(0, 95).Draw(t, "from") * 15
			return hours.Span{From: from, To: from + rapid.IntRange(1, 96).Draw(t, "quarters")*15}
		})
		days := rapid.SliceOfN(span, 0, 3)
		for d := time.Sunday; d <= time.Saturday; d++ {
			c.Week = append(c.Week, hours.Week{Days: []time.Weekday{d}, Open: days.Draw(t, "week")})
		}
		// The nights on which the clocks change are among them.
		start := rapid.SampledFrom([]time.Time{
			time.Date(2026, 3, 27, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 23, 0, 0, 0, 0, time.UTC), time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
		}).Draw(t, "start")
		for i := range 4 {
			if rapid.Bool().Draw(t, "special") {
				c.Specials = append(c.Specials, hours.Exception{Date: hours.DateOf(start.AddDate(0, 0, i)), Open: days.Draw(t, "exception")})
			}
		}
		cal := hours.New(c)
		at := start.Add(time.Duration(rapid.IntRange(0, 4*96).Draw(t, "at")) * step)
		open, until, next := cal.At(at)
		is := func(t time.Time) bool { open, _, _ := cal.At(t); return open }
		changed := time.Time{}
		opened := time.Time{}
		for t := at.Add(step); t.Before(at.AddDate(0, 0, 9)); t = t.Add(step) {
			if changed.IsZero() && is(t) != open {
				changed = t
			}
			if opened.IsZero() && is(t) && !is(t.Add(-step)) {
				opened = t
			}
		}
		if near := at.AddDate(0, 0, 8); until.Before(near) && !until.IsZero() || !changed.IsZero() {
			if !until.Equal(changed) {
				t.Fatalf("open %v at %v until %v, and it changes at %v", open, at, until, changed)
			}
		}
		if near := at.AddDate(0, 0, 8); next.Before(near) && !next.IsZero() || !opened.IsZero() {
			if !next.Equal(opened) {
				t.Fatalf("open %v at %v, next %v, and it opens at %v", open, at, next, opened)
			}
		}
	})
}

func FuzzHoursAreReadAsTheyAreWritten(f *testing.F) {
	for _, s := range append(library, "mer fermé", "2026-12-24 9:00-12:00", "2026-12-25 fermé", "ven 20h-2h", "sam,dim 0:00–24:00") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if w, err := hours.ParseWeek(s); err == nil {
			again, err := hours.ParseWeek("lun " + w.Open.String())
			if err != nil || again.Open.String() != w.Open.String() {
				t.Errorf("%q is %v, and read again %v, %v", s, w.Open, again.Open, err)
			}
		}
		if e, err := hours.ParseException(s); err == nil {
			again, err := hours.ParseException(e.String())
			if err != nil || again.String() != e.String() || e.Check() != nil {
				t.Errorf("%q is %v, and read again %v, %v; check: %v", s, e, again, err, e.Check())
			}
		}
	})
}
