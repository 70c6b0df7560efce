// Package words says the hub's French: texts of a catalogue with their plural forms, numbers, durations and dates as people read them.
package words

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Space does not break: "3 heures" stays on one line.
const Space = "\u00a0"

// French sets these signs apart by a space at which no line may break.
var spaces = strings.NewReplacer(" ?", Space+"?", " !", Space+"!", " :", Space+":", " ;", Space+";", "« ", "«"+Space, " »", Space+"»")

// Words is one catalogue.
type Words struct{ localizer *i18n.Localizer }

// New reads texts/fr.toml of files.
func New(files fs.FS) (*Words, error) {
	bundle := i18n.NewBundle(language.French)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	if _, err := bundle.LoadMessageFileFS(files, "texts/fr.toml"); err != nil {
		return nil, fmt.Errorf("words: read texts/fr.toml: %w", err)
	}
	return &Words{i18n.NewLocalizer(bundle, "fr")}, nil
}

// Must is New for an embedded catalogue, which is there.
func Must(files fs.FS) *Words {
	w, err := New(files)
	if err != nil {
		panic(err)
	}
	return w
}

// V is the values of a text.
type V map[string]any

// Text returns the text of key with its values.
func (w *Words) Text(key string, values V) string {
	return w.say(&i18n.LocalizeConfig{MessageID: key, TemplateData: values})
}

// Count returns the text of key in the plural form of n (French: one form for 0 and 1, one for more), which it may show as {{.N}}.
func (w *Words) Count(key string, n uint64) string {
	return w.say(&i18n.LocalizeConfig{MessageID: key, PluralCount: int64(min(n, 1<<53)), TemplateData: V{"N": Number(n)}}) //nolint:gosec // bounded
}

// Say is Text without values, for templates.
func (w *Words) Say(key string) string { return w.Text(key, nil) }

func (w *Words) say(c *i18n.LocalizeConfig) string {
	s, err := w.localizer.Localize(c)
	if err != nil {
		panic(fmt.Errorf("words: say %s: %w", c.MessageID, err)) // a test says every key
	}
	return spaces.Replace(s)
}

// Number groups digits by three: "12 345".
func Number(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + Space + s[i:]
	}
	return s
}

// Duration says minutes: "45 minutes", "1 heure", "3 heures 20".
func Duration(minutes uint64) string {
	count := func(n uint64, word string) string {
		if n > 1 {
			word += "s"
		}
		return Number(n) + Space + word
	}
	hours, rest := minutes/60, minutes%60
	switch {
	case hours == 0:
		return count(minutes, "minute")
	case rest == 0:
		return count(hours, "heure")
	default:
		return count(hours, "heure") + Space + fmt.Sprintf("%02d", rest)
	}
}

var months = strings.Fields("janvier février mars avril mai juin juillet août septembre octobre novembre décembre")

// Month says "novembre 2026".
func Month(year int, m time.Month) string { return MonthAlone(m) + Space + strconv.Itoa(year) }

// MonthAlone says "novembre".
func MonthAlone(m time.Month) string { return months[m-1] }

// Day says "1er novembre".
func Day(day int, m time.Month) string {
	n := strconv.Itoa(day)
	if day == 1 {
		n = "1er"
	}
	return n + Space + MonthAlone(m)
}

// Moment says "28 novembre 2026 à 14 h 05", in t's zone.
func Moment(t time.Time) string {
	return Day(t.Day(), t.Month()) + Space + strconv.Itoa(t.Year()) + " à " + strconv.Itoa(t.Hour()) + Space + "h" + Space + fmt.Sprintf("%02d", t.Minute())
}

// Of puts "de" before a word as it is said: "d'octobre", "de novembre".
func Of(word string) string {
	if word != "" && strings.ContainsAny(word[:1], "aeiouhAEIOUH") || strings.HasPrefix(word, "é") || strings.HasPrefix(word, "É") {
		return "d'" + word
	}
	return "de " + word
}

// List joins words: "a, b et c".
func List(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " et " + words[n-1]
	}
}
