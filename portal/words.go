package portal

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// duration says d in words, rounded to the minute: "58 minutes", "1 heure 20 minutes", "2 jours".
func (l *locale) duration(d time.Duration) string {
	minutes := int64(max(d, 0).Round(time.Minute) / time.Minute)
	hours := minutes / 60
	minutes %= 60
	switch {
	case hours == 0 && minutes == 0:
		return l.text("duration.instant", nil)
	case hours == 0:
		return l.count("duration.minutes", minutes)
	case minutes > 0:
		return l.text("duration.both", map[string]string{
			"Hours": l.count("duration.hours", hours), "Minutes": l.count("duration.minutes", minutes),
		})
	case hours >= 48 && hours%24 == 0:
		return l.count("duration.days", hours/24)
	default:
		return l.count("duration.hours", hours)
	}
}

// hour says the time of day, rounded to the minute: "15 h 40", "9 h".
func (l *locale) hour(t time.Time) string {
	t = t.Round(time.Minute)
	key := "date.hour"
	if t.Minute() == 0 {
		key = "date.sharp"
	}
	s := l.text(key, map[string]string{"H": strconv.Itoa(t.Hour()), "M": t.Format("04")})
	return strings.ReplaceAll(s, " ", "\u00a0")
}

// date says the day: "25 novembre".
func (l *locale) date(t time.Time) string {
	day := strconv.Itoa(t.Day())
	if t.Day() == 1 {
		day = l.text("date.first", nil)
	}
	months := strings.Fields(l.text("date.months", nil))
	return l.text("date.day", map[string]string{"Day": day, "Month": months[t.Month()-1]})
}

// bytes says an amount of data in decimal units with one digit after the comma where it tells something: "1,5 Go",
// "800 Mo".
func (l *locale) bytes(n uint64) string {
	const mega, giga = 1_000_000, 1_000_000_000
	switch {
	case n < mega:
		return l.text("amount.little", nil)
	case n < giga:
		return l.text("amount.mega", map[string]string{"N": strconv.FormatUint(n/mega, 10)})
	}
	s := strconv.FormatUint(n/giga, 10)
	if tenth := n % giga / (giga / 10); tenth > 0 && n < 100*giga {
		s += l.text("amount.comma", nil) + strconv.FormatUint(tenth, 10)
	}
	return l.text("amount.giga", map[string]string{"N": s})
}

// at says "at such a place". In French the article melts into the preposition: à + le Patio is "au Patio".
func (l *locale) at(place string) string {
	marked := func(before, name string) string { return before + markOpen + name + markClose }
	if l.Tag != "fr" {
		return marked("", place)
	}
	for _, article := range []struct{ from, to string }{{"le ", "au "}, {"les ", "aux "}} {
		if n := len(article.from); len(place) > n && strings.EqualFold(place[:n], article.from) {
			return marked(article.to, place[n:])
		}
	}
	return marked("à ", lowerArticle(place))
}

// atDesk says "at the desk". Other languages have their own word for it, with the place's beside it where that is not
// the usual one, because it is what the sign in the hall says.
func (l *locale) atDesk(desk string) string {
	if l.Tag == "fr" {
		return l.at(desk)
	}
	return l.desk(desk)
}

// desk says "the desk", without a capital.
func (l *locale) desk(desk string) string {
	if l.Tag == "fr" {
		return markOpen + lowerArticle(desk) + markClose
	}
	word := l.text("words.desk", nil)
	if desk != "" && !strings.EqualFold(desk, "l'accueil") && !strings.EqualFold(desk, "l’accueil") {
		word += " (" + markOpen + desk + markClose + ")"
	}
	return word
}

// lowerArticle takes the capital off a leading La, L' or the like, which may stand inside a sentence.
func lowerArticle(s string) string {
	for _, article := range []string{"La ", "L'", "L’", "Le ", "Les "} {
		if strings.HasPrefix(s, article) {
			return strings.ToLower(article[:1]) + s[1:]
		}
	}
	return s
}

// capital begins a sentence.
func capital(s string) string {
	for i, r := range s {
		if unicode.IsLetter(r) {
			return s[:i] + string(unicode.ToUpper(r)) + s[i+utf8.RuneLen(r):]
		}
		if !strings.ContainsRune(markOpen, r) {
			break
		}
	}
	return s
}
