package hours

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"parvis/internal/lang"
)

// ParseError says what of a text is not understood.
type ParseError struct {
	What lang.Text // with one %q
	Part string
}

func (e *ParseError) Error() string { return "hours: " + e.What.In(lang.EN, e.Part) }

// In says it in the operator's language.
func (e *ParseError) In(l lang.Lang) string { return e.What.In(l, e.Part) }

var (
	badDay  = lang.Text{EN: "%q is not a day or days of the week", FR: "%q n'est pas un jour ou des jours de la semaine"}
	badDate = lang.Text{EN: "%q is not a date", FR: "%q n'est pas une date"}
	badSpan = lang.Text{EN: "%q is not a stretch of hours", FR: "%q n'est pas une plage d'heures"}
	overlap = lang.Text{EN: "%q begins before the one in front of it has ended", FR: "%q commence avant la fin de la plage précédente"}
	noHours = lang.Text{EN: "%q has no hours", FR: "%q n'a pas d'heures"}
	tooMany = lang.Text{EN: "%q is one stretch too many", FR: "%q est une plage de trop"}
)

// days are the days of the week as they are written, from Monday on.
var days = []struct {
	name string
	day  time.Weekday
}{
	{"lun", time.Monday},
	{"mar", time.Tuesday},
	{"mer", time.Wednesday},
	{"jeu", time.Thursday},
	{"ven", time.Friday},
	{"sam", time.Saturday},
	{"dim", time.Sunday},
}

// ParseWeek reads "lun-ven 9:00-12:00 14:00-18:00": days, one, several with commas or from-to, and their stretches. A stretch that
// ends before it begins goes on past midnight. Hours are written 9:00, 9h00, 9h or 9h30. The error is *ParseError.
func ParseWeek(s string) (Week, error) {
	words := strings.Fields(strings.ToLower(s))
	if len(words) == 0 {
		return Week{}, &ParseError{badDay, s}
	}
	var w Week
	for _, part := range strings.Split(words[0], ",") {
		from, to, several := cut(part)
		if !several {
			to = from
		}
		i, j := dayIndex(from), dayIndex(to)
		if i < 0 || j < 0 {
			return Week{}, &ParseError{badDay, part}
		}
		for ; ; i = (i + 1) % len(days) {
			if !slices.Contains(w.Days, days[i].day) {
				w.Days = append(w.Days, days[i].day)
			}
			if i == j {
				break
			}
		}
	}
	var err error
	w.Open, err = parseDay(words[0], words[1:])
	return w, err
}

// dayIndex finds a day by the first three letters of its name or by the whole of it; -1 for none.
func dayIndex(s string) int {
	long := map[string]string{"lundi": "lun", "mardi": "mar", "mercredi": "mer", "jeudi": "jeu", "vendredi": "ven", "samedi": "sam", "dimanche": "dim"}
	s = cmp.Or(long[s], s)
	for i, d := range days {
		if d.name == s {
			return i
		}
	}
	return -1
}

// ParseException reads "2026-12-24 9:00-12:00" or "2026-12-25 fermé". The error is *ParseError.
func ParseException(s string) (Exception, error) {
	words := strings.Fields(strings.ToLower(s))
	if len(words) == 0 {
		return Exception{}, &ParseError{badDate, s}
	}
	d, err := ParseDate(words[0])
	if err != nil {
		return Exception{}, err
	}
	open, err := parseDay(words[0], words[1:])
	return Exception{Date: d, Open: open}, err
}

// ParseDate reads "2026-12-24". The error is *ParseError.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 2000 {
		return Date{}, &ParseError{badDate, s}
	}
	return DateOf(t), nil
}

// parseDay reads the stretches of a day, or that it is closed.
func parseDay(of string, words []string) (Day, error) {
	if len(words) == 0 {
		return nil, &ParseError{noHours, of}
	}
	if len(words) == 1 && (words[0] == "fermé" || words[0] == "ferme") {
		return nil, nil
	}
	var open Day
	for _, word := range words {
		from, to, ok := cut(word)
		f, okF := minutes(from)
		t, okT := minutes(to)
		if !ok || !okF || !okT || f == t || f == 24*60 {
			return nil, &ParseError{badSpan, word}
		}
		if t < f {
			t += 24 * 60
		}
		switch {
		case len(open) == spansMost:
			return nil, &ParseError{tooMany, word}
		case len(open) > 0 && f < open[len(open)-1].To:
			return nil, &ParseError{overlap, word}
		}
		open = append(open, Span{f, t})
	}
	return open, nil
}

// cut splits "a-b" or "a–b".
func cut(s string) (from, to string, ok bool) {
	return strings.Cut(strings.Replace(s, "–", "-", 1), "-")
}

// minutes reads an hour of the day: 9:00, 9h00, 9h, up to 24:00.
func minutes(s string) (int, bool) {
	h, m, ok := strings.Cut(strings.Replace(s, "h", ":", 1), ":")
	if !ok || len(h) < 1 || len(h) > 2 || len(m) != 2 && (m != "" || !strings.HasSuffix(s, "h")) {
		return 0, false
	}
	hours, err := strconv.ParseUint(h, 10, 8)
	if err != nil {
		return 0, false
	}
	mins := uint64(0)
	if m != "" {
		if mins, err = strconv.ParseUint(m, 10, 8); err != nil || mins > 59 {
			return 0, false
		}
	}
	n := int(hours*60 + mins)
	return n, n <= 24*60
}

// String writes a stretch as ParseWeek reads it.
func (s Span) String() string {
	clock := func(n int) string {
		if n > 24*60 {
			n -= 24 * 60
		}
		return strconv.Itoa(n/60) + ":" + string([]byte{byte('0' + n%60/10), byte('0' + n%10)})
	}
	return clock(s.From) + "-" + clock(s.To)
}

// String writes the stretches of a day, or that it is closed, as ParseException reads them.
func (d Day) String() string {
	if len(d) == 0 {
		return "fermé"
	}
	all := make([]string, len(d))
	for i, s := range d {
		all[i] = s.String()
	}
	return strings.Join(all, " ")
}

// String writes an exception as ParseException reads it.
func (e Exception) String() string { return e.Date.String() + " " + e.Open.String() }
