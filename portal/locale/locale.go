// Package locale speaks to residents: the languages of the pages that they read, their texts, and how each of them says a time, an
// amount or a place. What a text is given as a value keeps its own direction in it.
package locale

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Texts are what the pages of the guest network say, and the words that every page needs (durations, dates, amounts): one file a
// language, texts/TAG.toml.
//
//go:embed texts/*.toml
var Texts embed.FS

// Locale is one language of the pages.
type Locale struct {
	Tag  string
	Name string // in its own script
	Dir  string // ltr or rtl
	Read bool   // somebody whose language it is has written or proofread it

	localizer *i18n.Localizer
}

// known lists every language that has a catalogue.
var known = []Locale{
	{Tag: "fr", Name: "Français", Dir: "ltr", Read: true},
	{Tag: "en", Name: "English", Dir: "ltr"},
	{Tag: "ar", Name: "العربية", Dir: "rtl"},
}

// Locales is the languages of one place, in its order.
type Locales struct {
	All     []*Locale
	ByTag   map[string]*Locale
	matcher language.Matcher // its indexes are those of all
}

// New loads the texts of the languages that tags name (fr, en, ar), those of more beside Texts. It fails when a tag is unknown or
// twice there, and when there is none.
func New(tags []string, more ...fs.FS) (*Locales, error) {
	bundle := i18n.NewBundle(language.French)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	ls := &Locales{ByTag: map[string]*Locale{}}
	var order []language.Tag
	for _, tag := range tags {
		var l *Locale
		for _, k := range known {
			if k.Tag == tag {
				l = &k
			}
		}
		if l == nil || ls.ByTag[tag] != nil {
			return nil, fmt.Errorf("locale: choose languages: %q is unknown or twice there", tag)
		}
		for _, texts := range append([]fs.FS{Texts}, more...) {
			if _, err := bundle.LoadMessageFileFS(texts, "texts/"+tag+".toml"); err != nil {
				return nil, fmt.Errorf("locale: load texts: %w", err)
			}
		}
		l.localizer = i18n.NewLocalizer(bundle, tag)
		ls.All = append(ls.All, l)
		ls.ByTag[tag] = l
		order = append(order, language.Make(tag))
	}
	if len(ls.All) == 0 {
		return nil, fmt.Errorf("locale: choose languages: none is named")
	}
	ls.matcher = language.NewMatcher(order)
	return ls, nil
}

// maxAccept is how much of an Accept-Language header is looked at, in bytes; browsers send less than a tenth of it.
const maxAccept = 512

// Prefer returns the language that an Accept-Language header asks for, or the place's first one.
func (ls *Locales) Prefer(accept string) *Locale {
	if len(accept) > maxAccept {
		return ls.All[0]
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(wanted) == 0 {
		return ls.All[0]
	}
	_, i, _ := ls.matcher.Match(wanted...) // 0 when none fits
	return ls.All[i]
}

// Marks around a value in a text; they are of Unicode's private use area, so no text has them.
const (
	MarkOpen  = "\uE000"
	MarkClose = "\uE001"
)

var (
	mark   = strings.NewReplacer(MarkOpen, "<bdi>", MarkClose, "</bdi>")
	unmark = strings.NewReplacer(MarkOpen, "", MarkClose, "")

	// French sets these signs apart by a space at which no line may break.
	frenchSpaces = strings.NewReplacer(" ?", "\u00a0?", " !", "\u00a0!", " :", "\u00a0:", " ;", "\u00a0;", "« ", "«\u00a0", " »", "\u00a0»")
)

// Text returns the text of key with its values.
func (l *Locale) Text(key string, values map[string]string) string {
	return l.localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: values})
}

// count returns the text of key in the plural form of n, which it may show as {{.N}}.
func (l *Locale) count(key string, n int64) string {
	return l.localize(&i18n.LocalizeConfig{MessageID: key, PluralCount: n, TemplateData: map[string]int64{"N": n}})
}

func (l *Locale) localize(c *i18n.LocalizeConfig) string {
	s, err := l.localizer.Localize(c)
	if err != nil {
		panic(fmt.Errorf("locale: say %s in %s: %w", c.MessageID, l.Tag, err)) // a test compares keys and forms
	}
	if l.Tag == "fr" {
		s = frenchSpaces.Replace(s)
	}
	return s
}

// Plain takes the marks off a text, for titles and attributes.
func Plain(text string) string { return unmark.Replace(text) }

// Markup escapes a text and sets its values apart.
func Markup(text string) template.HTML {
	return template.HTML(mark.Replace(template.HTMLEscapeString(text))) //nolint:gosec // escaped here
}
