package console

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"parvis/internal/chart"
	"parvis/internal/clock"
)

// space does not break a line.
const space = "\u00a0"

// words are the templates' functions: values as they are said in French.
func (c *Console) words() template.FuncMap {
	return template.FuncMap{
		"left":    left,
		"since":   since,
		"hour":    c.hour,
		"day":     c.day,
		"size":    size,
		"count":   count,
		"draw":    draw,
		"lower":   lower,
		"add":     func(a, b uint64) uint64 { return a + b },
		"drawing": drawing,
		"fine":    fine.Replace,
		"word":    word,
		"charts":  func() template.HTML { return chart.Head },
		"span":    span,
		"clock":   minutes,
		"mins":    func(n int) string { return span(time.Duration(n) * time.Minute) },
		"date":    func(t time.Time) string { return t.In(c.cfg.Location).Format("02/01/2006") },
	}
}

// fine keeps the signs of French at their words, and the code of the examples on one line.
var fine = strings.NewReplacer("K7-42", "K7\u201142", " ?", space+"?", " !", space+"!", " :", space+":", " ;", space+";", "« ", "«"+space, " »", space+"»")

// known reports whether a civil time may be shown to people.
func known(w clock.Wall) bool { return w.Quality == clock.Synchronised }

// left says a time that remains, rounded up to the minute: "42 min", "1 h 05", "3 jours".
func left(d time.Duration) string {
	switch {
	case d <= 0:
		return "fini"
	case d >= 48*time.Hour:
		return count(int(d/(24*time.Hour)), "jour", "jours")
	}
	return span((d + time.Minute - 1).Truncate(time.Minute))
}

// since says a time that has passed, rounded down: "à l'instant", "depuis 3 min".
func since(d time.Duration) string {
	if d < time.Minute {
		return "à l'instant"
	}
	return "depuis " + span(d.Truncate(time.Minute))
}

// span says whole minutes: "5 min", "2 h", "1 h 05".
func span(d time.Duration) string {
	h, m := int(d/time.Hour), int(d/time.Minute)%60
	switch {
	case h == 0:
		return strconv.Itoa(m) + space + "min"
	case m == 0:
		return strconv.Itoa(h) + space + "h"
	}
	return fmt.Sprintf("%d%sh%s%02d", h, space, space, m)
}

// hour says the time of day at the place: "15 h 40", "9 h".
func (c *Console) hour(t time.Time) string {
	t = t.In(c.cfg.Location)
	s := strconv.Itoa(t.Hour()) + space + "h"
	if t.Minute() > 0 {
		s += space + t.Format("04")
	}
	return s
}

var (
	weekdays = strings.Fields("dimanche lundi mardi mercredi jeudi vendredi samedi")
	months   = strings.Fields("janvier février mars avril mai juin juillet août septembre octobre novembre décembre")
)

// day says a date at the place: "aujourd'hui", "demain", "jeudi 26 novembre".
func (c *Console) day(t time.Time) string {
	t = t.In(c.cfg.Location)
	today := c.Clock.Wall().Time.In(c.cfg.Location)
	switch t.Format(time.DateOnly) {
	case today.Format(time.DateOnly):
		return "aujourd'hui"
	case today.AddDate(0, 0, 1).Format(time.DateOnly):
		return "demain"
	}
	number := strconv.Itoa(t.Day())
	if t.Day() == 1 {
		number = "1er"
	}
	return weekdays[t.Weekday()] + " " + number + " " + months[t.Month()-1]
}

// size says an amount of data in decimal units: "moins de 1 Mo", "12 Mo", "1,4 Go".
func size(n uint64) string {
	switch {
	case n < 1_000_000:
		return "moins de 1" + space + "Mo"
	case n < 1_000_000_000:
		return strconv.FormatUint(n/1_000_000, 10) + space + "Mo"
	}
	return strings.Replace(strconv.FormatFloat(float64(n/100_000_000)/10, 'f', 1, 64), ".", ",", 1) + space + "Go"
}

// count says how many: "1 appareil", "0 appareil", "2 appareils".
func count(n int, one, more string) string {
	if n >= 2 || n <= -2 {
		one = more
	}
	return strconv.Itoa(n) + space + one
}

// lower takes the capital off a leading article, which may stand inside a sentence.
func lower(s string) string {
	for _, article := range []string{"La ", "L'", "L’", "Le ", "Les "} {
		if strings.HasPrefix(s, article) {
			return strings.ToLower(article[:1]) + s[1:]
		}
	}
	return s
}
