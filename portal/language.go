package portal

import (
	"embed"
	"fmt"
	"html/template"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed locales/*.toml
var catalogues embed.FS

// locale is one language of the pages.
type locale struct {
	Tag  string
	Name string // in its own script
	Dir  string // ltr or rtl
	Read bool   // somebody whose language it is has written or proofread it

	localizer *i18n.Localizer
}

// known lists every language that has a catalogue.
var known = []locale{
	{Tag: "fr", Name: "Français", Dir: "ltr", Read: true},
	{Tag: "en", Name: "English", Dir: "ltr"},
	{Tag: "ar", Name: "العربية", Dir: "rtl"},
}

// locales is the languages of one place, in its order.
type locales struct {
	all     []*locale
	byTag   map[string]*locale
	matcher language.Matcher // its indexes are those of all
}

// newLocales loads the catalogues of the languages that tags name.
func newLocales(tags []string) (*locales, error) {
	bundle := i18n.NewBundle(language.French)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	ls := &locales{byTag: map[string]*locale{}}
	var order []language.Tag
	for _, tag := range tags {
		var l *locale
		for _, k := range known {
			if k.Tag == tag {
				l = &k
			}
		}
		if l == nil || ls.byTag[tag] != nil {
			return nil, fmt.Errorf("portal: choose languages: %q is unknown or twice there", tag)
		}
		if _, err := bundle.LoadMessageFileFS(catalogues, "locales/"+tag+".toml"); err != nil {
			return nil, fmt.Errorf("portal: load texts: %w", err)
		}
		l.localizer = i18n.NewLocalizer(bundle, tag)
		ls.all = append(ls.all, l)
		ls.byTag[tag] = l
		order = append(order, language.Make(tag))
	}
	if len(ls.all) == 0 {
		return nil, fmt.Errorf("portal: choose languages: none is named")
	}
	ls.matcher = language.NewMatcher(order)
	return ls, nil
}

// maxAccept is how much of an Accept-Language header is looked at, in bytes; browsers send less than a tenth of it.
const maxAccept = 512

// prefer returns the language that an Accept-Language header asks for, or the place's first one.
func (ls *locales) prefer(accept string) *locale {
	if len(accept) > maxAccept {
		return ls.all[0]
	}
	wanted, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(wanted) == 0 {
		return ls.all[0]
	}
	_, i, _ := ls.matcher.Match(wanted...) // 0 when none fits
	return ls.all[i]
}

// Marks around a value in a text; they are of Unicode's private use area, so no text has them.
const (
	markOpen  = "\uE000"
	markClose = "\uE001"
)

var (
	mark   = strings.NewReplacer(markOpen, "<bdi>", markClose, "</bdi>")
	unmark = strings.NewReplacer(markOpen, "", markClose, "")

	// French sets these signs apart by a space at which no line may break.
	frenchSpaces = strings.NewReplacer(" ?", "\u00a0?", " !", "\u00a0!", " :", "\u00a0:", " ;", "\u00a0;", "« ", "«\u00a0", " »", "\u00a0»")
)

// text returns the text of key with its values.
func (l *locale) text(key string, values map[string]string) string {
	return l.localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: values})
}

// count returns the text of key in the plural form of n, which it may show as {{.N}}.
func (l *locale) count(key string, n int64) string {
	return l.localize(&i18n.LocalizeConfig{MessageID: key, PluralCount: n, TemplateData: map[string]int64{"N": n}})
}

func (l *locale) localize(c *i18n.LocalizeConfig) string {
	s, err := l.localizer.Localize(c)
	if err != nil {
		panic(fmt.Errorf("portal: say %s in %s: %w", c.MessageID, l.Tag, err)) // a test compares keys and forms
	}
	if l.Tag == "fr" {
		s = frenchSpaces.Replace(s)
	}
	return s
}

// markup escapes a text and sets its values apart.
func markup(text string) template.HTML {
	return template.HTML(mark.Replace(template.HTMLEscapeString(text))) //nolint:gosec // escaped here
}
