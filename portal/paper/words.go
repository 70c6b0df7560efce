package paper

import (
	"strconv"
	"strings"
	"time"
)

// space does not break: "1 heure" stays on one line.
const space = "\u00a0"

// spell says a duration: "1 heure", "1 h 30", "45 minutes", "2 jours".
func spell(d time.Duration) string {
	days, hours, minutes := int(d/(24*time.Hour)), int(d/time.Hour), int(d%time.Hour/time.Minute)
	switch {
	case hours == 0:
		return count(minutes, "minute")
	case minutes > 0:
		return strconv.Itoa(hours) + space + "h" + space + pad(minutes)
	case hours >= 48 && hours%24 == 0:
		return count(days, "jour")
	default:
		return count(hours, "heure")
	}
}

func count(n int, word string) string {
	if n > 1 {
		word += "s"
	}
	return strconv.Itoa(n) + space + word
}

func pad(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

var months = strings.Fields("janvier février mars avril mai juin juillet août septembre octobre novembre décembre")

// day says a date: "1er janvier 2027".
func day(t time.Time) string {
	n := strconv.Itoa(t.Day())
	if t.Day() == 1 {
		n = "1er"
	}
	return n + space + months[t.Month()-1] + space + strconv.Itoa(t.Year())
}

// last says the last moment before t: the day alone when t is a midnight.
func last(t time.Time) string {
	if t.Hour() == 0 && t.Minute() == 0 {
		return day(t.Add(-time.Minute))
	}
	s := day(t) + " à " + strconv.Itoa(t.Hour()) + space + "h"
	if t.Minute() > 0 {
		s += space + pad(t.Minute())
	}
	return s
}

// validity says when a ticket works: "Du 1er janvier 2027 au 5 janvier 2027"; "" when it always does.
func (l Lot) validity() string {
	switch {
	case l.From.IsZero() && l.Until.IsZero():
		return ""
	case l.Until.IsZero():
		return "À partir du " + day(l.From)
	case l.From.IsZero():
		return "Jusqu'au " + last(l.Until)
	default:
		return "Du " + day(l.From) + " au " + last(l.Until)
	}
}

// at says "at such a place": à + le Patio is "au Patio".
func at(place string) string {
	for _, article := range []struct{ from, to string }{{"le ", "au "}, {"les ", "aux "}} {
		if n := len(article.from); len(place) > n && strings.EqualFold(place[:n], article.from) {
			return article.to + place[n:]
		}
	}
	for _, article := range []string{"La ", "L'", "L’"} {
		if strings.HasPrefix(place, article) {
			place = strings.ToLower(article[:1]) + place[1:]
		}
	}
	return "à " + place
}
