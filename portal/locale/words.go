package locale

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Duration says d in words, rounded to the minute: "58 minutes", "1 heure 20 minutes", "2 jours".
func (l *Locale) Duration(d time.Duration) string {
	minutes := int64(max(d, 0).Round(time.Minute) / time.Minute)
	hours := minutes / 60
	minutes %= 60
	switch {
	case hours == 0 && minutes == 0:
		return l.Text("duration.instant", nil)
	case hours == 0:
		return l.count("duration.minutes", minutes)
	case minutes > 0:
		return l.Text("duration.both", map[string]string{
			"Hours": l.count("duration.hours", hours), "Minutes": l.count("duration.minutes", minutes),
		})
	case hours >= 48 && hours%24 == 0:
		return l.count("duration.days", hours/24)
	default:
		return l.count("duration.hours", hours)
	}
}

// Hour says the time of day, rounded to the minute: "15 h 40", "9 h".
func (l *Locale) Hour(t time.Time) string {
	t = t.Round(time.Minute)
	key := "date.hour"
	if t.Minute() == 0 {
		key = "date.sharp"
	}
	s := l.Text(key, map[string]string{"H": strconv.Itoa(t.Hour()), "M": t.Format("04")})
	return strings.ReplaceAll(s, " ", "\u00a0")
}

// Date says the day: "25 novembre".
func (l *Locale) Date(t time.Time) string {
	day := strconv.Itoa(t.Day())
	if t.Day() == 1 {
		day = l.Text("date.first", nil)
	}
	return l.Text("date.day", map[string]string{"Day": day, "Month": l.list("date.months")[t.Month()-1]})
}

// Day says which day t is, seen from now: "aujourd'hui", "demain", "lundi", "le 7 décembre".
func (l *Locale) Day(now, t time.Time) string {
	date := func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), 12, 0, 0, 0, time.UTC)
	}
	switch days := int(date(t).Sub(date(now)).Hours() / 24); {
	case days <= 0:
		return l.Text("date.today", nil)
	case days == 1:
		return l.Text("date.tomorrow", nil)
	case days < 7:
		return l.list("date.weekdays")[t.Weekday()]
	default:
		return l.Text("date.on", map[string]string{"Date": l.Date(t)})
	}
}

// list is a text of single words.
func (l *Locale) list(key string) []string { return strings.Fields(l.Text(key, nil)) }

// Bytes says an amount of data in decimal units with one digit after the comma where it tells something: "1,5 Go",
// "800 Mo".
func (l *Locale) Bytes(n uint64) string {
	const mega, giga = 1_000_000, 1_000_000_000
	switch {
	case n < mega:
		return l.Text("amount.little", nil)
	case n < giga:
		return l.Text("amount.mega", map[string]string{"N": strconv.FormatUint(n/mega, 10)})
	}
	s := strconv.FormatUint(n/giga, 10)
	if tenth := n % giga / (giga / 10); tenth > 0 && n < 100*giga {
		s += l.Text("amount.comma", nil) + strconv.FormatUint(tenth, 10)
	}
	return l.Text("amount.giga", map[string]string{"N": s})
}

// At says "at such a place". In French the article melts into the preposition: à + le Patio is "au Patio".
func (l *Locale) At(place string) string {
	marked := func(before, name string) string { return before + MarkOpen + name + MarkClose }
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

// AtDesk says "at the desk". Other languages have their own word for it, with the place's beside it where that is not
// the usual one, because it is what the sign in the hall says.
func (l *Locale) AtDesk(desk string) string {
	if l.Tag == "fr" {
		return l.At(desk)
	}
	return l.Desk(desk)
}

// Desk says "the desk", without a capital.
func (l *Locale) Desk(desk string) string {
	if l.Tag == "fr" {
		return MarkOpen + lowerArticle(desk) + MarkClose
	}
	word := l.Text("words.desk", nil)
	if desk != "" && !strings.EqualFold(desk, "l'accueil") && !strings.EqualFold(desk, "l’accueil") {
		word += " (" + MarkOpen + desk + MarkClose + ")"
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

// Capital begins a sentence.
func Capital(s string) string {
	for i, r := range s {
		if unicode.IsLetter(r) {
			return s[:i] + string(unicode.ToUpper(r)) + s[i+utf8.RuneLen(r):]
		}
		if !strings.ContainsRune(MarkOpen, r) {
			break
		}
	}
	return s
}
