package console

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"parvis/sessions"
)

// form is what was typed, as it was typed, and what is wrong with it, by field.
type form struct {
	url.Values
	Wrong map[string]string
}

// Is reports whether a field has a value, for what is chosen.
func (f form) Is(field, value string) bool { return f.Get(field) == value }

// said is what is wrong with a field, for the partials that show it.
type said struct{ Field, Words string }

// Said returns what is wrong with a field.
func (f form) Said(field string) said { return said{field, f.Wrong[field]} }

func (f form) wrong(field, what string) { f.Wrong[field] = what }

// number reads a whole number within bounds; def when nothing was typed.
func (f form) number(field string, def, low, high int) int {
	text := strings.TrimSpace(f.Get(field))
	if text == "" {
		return def
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		f.wrong(field, "Tapez un nombre de "+strconv.Itoa(low)+" à "+strconv.Itoa(high)+".")
	}
	return n
}

// minutes reads a time that was chosen; 0 when none was.
func (f form) minutes(field string) time.Duration {
	if f.Get(field) == "" {
		return 0
	}
	return time.Duration(f.number(field, 0, 1, 24*60)) * time.Minute
}

// day reads a date at the place; the zero time when nothing was typed.
func (f form) day(field string, at *time.Location) time.Time {
	text := strings.TrimSpace(f.Get(field))
	if text == "" {
		return time.Time{}
	}
	for _, layout := range []string{time.DateOnly, "02/01/2006", "2/1/2006"} {
		if t, err := time.ParseInLocation(layout, text, at); err == nil {
			return t
		}
	}
	f.wrong(field, "Tapez une date : jour/mois/année.")
	return time.Time{}
}

// text reads one line of at most most characters.
func (f form) text(field string, most int) string {
	s := strings.Join(strings.Fields(f.Get(field)), " ")
	if len([]rune(s)) > most {
		f.wrong(field, "Tapez au plus "+strconv.Itoa(most)+" caractères.")
	}
	return s
}

// profile reads which rules were chosen.
func (f form) profile(field string, of []sessions.Profile) string {
	for _, p := range of {
		if p.Name == f.Get(field) {
			return p.Name
		}
	}
	f.wrong(field, "Choisissez dans la liste.")
	return ""
}
