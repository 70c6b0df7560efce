package terminal

import (
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"parvis/portal/drawings"
	"parvis/portal/locale"
)

// URL is a path of ours, with the language that was chosen.
func (v *view) URL(to string) string {
	if !v.chosen {
		return to
	}
	return with(to, "l", v.locale.Tag)
}

func with(to, key, value string) string {
	sep := "?"
	if strings.Contains(to, "?") {
		sep = "&"
	}
	return to + sep + key + "=" + url.QueryEscape(value)
}

// Turns reports whether the page changes by itself; Again is where it looks, Still the same without that.
func (v *view) Turns() bool   { return v.Live && !v.fixed }
func (v *view) Again() string { return v.URL(v.r.URL.Path) }
func (v *view) Still() string { return v.URL(v.r.URL.Path + "?fixe=1") }

// State is where the script asks for what has changed.
func (v *view) State() string { return v.URL(state) }

// In is the page in another language.
func (v *view) In(tag string) string { return v.r.URL.Path + "?l=" + tag }

// Text is a text without markup, for titles and attributes.
func (v *view) Text(key string) string { return locale.Plain(v.locale.Text(key, v.values)) }

// Say is a text with its values set apart.
func (v *view) Say(key string) template.HTML { return locale.Markup(v.locale.Text(key, v.values)) }

// Row is a sentence with its drawing beside it.
func (v *view) Row(key string) template.HTML {
	return `<p class="r">` + drawings.Line(pictures[key]) + `<span>` + v.Say(key) + `</span></p>`
}

// Draw is a drawing by its name.
func (v *view) Draw(name string) template.HTML { return drawings.Line(name) }

// Title names the page and the post: the time that is left comes first while somebody works, because tabs show little.
func (v *view) Title() string {
	title := v.Text(v.Page + ".title")
	if v.Inside {
		title = v.short() + " – " + title
	}
	if v.Post.Name != "" {
		return title + " – " + v.Post.Name
	}
	return title + " – " + locale.Capital(v.h.Site.Name)
}

// short is the time that is left in the few signs of a tab's title.
func (v *view) short() string {
	minutes := int((v.use.Session.Left + time.Minute - 1) / time.Minute)
	if minutes < 60 {
		return strconv.Itoa(minutes) + "\u00a0min"
	}
	return strconv.Itoa(minutes/60) + "\u00a0h\u00a0" + fmt.Sprintf("%02d", minutes%60)
}

// Locale, Locales and Chosen are for the layout and for the row of languages.
func (v *view) Locale() *locale.Locale    { return v.locale }
func (v *view) Locales() []*locale.Locale { return v.h.locales.All }
func (v *view) Chosen() bool              { return v.chosen }

// Site is the place's name as a title, Rules its own rules.
func (v *view) Site() string    { return locale.Capital(v.h.Site.Name) }
func (v *view) Rules() []string { return v.h.Site.Rules }

// Town is the town's name; "" none is shown.
func (v *view) Town() string { return v.h.Look.Town }

// LogoImage is the town's logo where there is one. Beside the town's name it says nothing more; alone it says who publishes.
func (v *view) LogoImage() template.HTML {
	l := v.h.Look.Logo
	if !l.There() {
		return ""
	}
	alt := ""
	if v.Town() == "" {
		alt = v.h.Site.Publisher
	}
	return l.Tag(logo(l).path, alt)
}

// Style, Script and Icon are the addresses of what pages load.
func (v *view) Style() string  { return v.h.style.path }
func (v *view) Script() string { return script.path }
func (v *view) Icon() string {
	if v.Soon {
		return alert.path
	}
	return icon.path
}
