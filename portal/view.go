package portal

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"parvis/internal/clock"
	"parvis/portal/drawings"
	"parvis/portal/locale"
	"parvis/sessions"
)

//go:embed templates/*.html templates/style.css
var assets embed.FS

// view is one page on its way to one reader: its language, its values, and what it shows. Its exported parts are what
// the templates see.
type view struct {
	c      *gin.Context
	p      *Portal
	locale *locale.Locale
	chosen bool // the language was chosen by hand and travels on
	values map[string]string

	device    Device // behind the request, once asked
	session   sessions.Session
	deviceErr error
	asked     bool
	fixed     bool // the page is not to refresh itself

	Page    string // the template
	Action  string // key of the main button's text
	Reason  string // key of the sentence that says why
	HasLeft bool   // time is left from before
	Wifi    bool   // joining the Wi-Fi again may help
	Trouble bool   // the place's own equipment is at fault
	Soon    bool   // the end is near
	Keeps   bool   // time stands still after a stop
	Limited bool   // a volume is set
	Slows   bool   // and once it is used up, internet is slower
	Slowed  bool   // which it is now
	Day     bool   // what the device may have in a day is used up
	Sure    bool   // End is known
	Share   int    // of the time left, in hundredths
	Known   bool   // something is kept of this device
	Dated   bool   // and the clock was good enough to say when
	Ended   bool   // and its session has ended
	Code    string // that the device shows at the desk
	Desk    bool   // the main button asks at the desk, and opens nothing by itself
	Shut    bool   // the place is closed or paused
	Paused  bool   // by the desk, for a while
	Opens   bool   // and it is known when it opens
	Stands  bool   // time stands still while the line is down
	Closes  bool   // the place closes soon
	Extends bool   // its resident may add time
	Message string // of the desk
	Found   bool   // a session was found by its cookie
	Typed   string // a code, as it was typed
	Call    string // key of what became of a call for help
	Asks    bool   // help can be asked for
	Until   bool   // it is known until when somebody is here

	Every int    // seconds after which the page looks again; 0 never
	path  string // where it looks
}

// view begins a page.
func (p *Portal) view(c *gin.Context, page string) *view {
	v := &view{c: c, p: p, Page: page, values: make(map[string]string, 16)}
	v.locale = p.locales.Prefer(c.GetHeader("Accept-Language"))
	v.choose(c.Query("l"))
	v.fixed = c.Query("fixe") != ""
	return v
}

// who is behind the request, asked once for each page.
func (v *view) who() (Device, sessions.Session, error) {
	if !v.asked {
		v.asked = true
		v.device, v.session, v.deviceErr = v.p.who(v.c.Request)
	}
	return v.device, v.session, v.deviceErr
}

// turn makes the page look again by itself, at path, every so many seconds, until its reader stops it.
func (v *view) turn(path string, seconds int) { v.path, v.Every = path, seconds }

// Turns reports whether the page looks again by itself, Again is where, Still the same without that, Here as it is now.
func (v *view) Turns() bool   { return v.Every > 0 && !v.fixed }
func (v *view) Again() string { return v.URL(v.path) }
func (v *view) Still() string { return v.URL(v.path + "?fixe=1") }
func (v *view) Here() string {
	if v.Every > 0 && v.fixed {
		return v.Still()
	}
	return v.Again()
}

// show gives the page the code of its device, and the drawing that goes with it.
func (v *view) show() {
	d, s, err := v.who()
	if err != nil {
		return
	}
	if v.Code = s.Code; v.Code == "" || s.State != sessions.Open {
		v.Code = v.p.Sessions.CodeOf(d.MAC)
	}
	if v.Code != "" {
		v.set("Code", v.Code)
		v.set("Drawing", drawings.Word(sessions.Drawing(v.Code), v.locale.Tag))
	}
}

// Drawing is the one that goes with the code.
func (v *view) Drawing() template.HTML { return drawings.SVG(sessions.Drawing(v.Code), 96) }

// Clicks reports whether a click opens internet here.
func (v *view) Clicks() bool { return !v.p.cfg.AtDesk }

// Counts reports whether devices are counted.
func (v *view) Counts() bool { return v.p.cfg.Counts }

// Rules are the place's own.
func (v *view) Rules() []string { return v.p.cfg.Site.Rules }

// use turns the page into another one.
func (v *view) use(page string) { v.Page = page }

// choose takes the language that l names, if there is such a one.
func (v *view) choose(l string) {
	if chosen, ok := v.p.locales.ByTag[l]; ok {
		v.locale, v.chosen = chosen, true
	}
}

// set gives the texts a value. What stands between the marks becomes a <bdi>: a number or a name keeps its own
// direction inside a text of the other one.
func (v *view) set(name, value string) { v.values[name] = locale.MarkOpen + value + locale.MarkClose }

// end gives the texts the hour of the end, where the clock knows it.
func (v *view) end(left time.Duration) {
	if v.Sure = v.p.sure(); v.Sure {
		v.set("End", v.locale.Hour(v.p.now().Add(left)))
	}
}

// sure reports whether the civil time may be shown to people.
func (p *Portal) sure() bool { return p.Clock.Wall().Quality == clock.Synchronised }

// now is the civil time of the place, right where sure says so.
func (p *Portal) now() time.Time { return p.Clock.Wall().Time.In(p.cfg.Zone) }

// fill gives the texts what every page may say.
func (v *view) fill() {
	site := v.p.cfg.Site
	for name, value := range map[string]string{
		"Place": site.Name, "Name": v.p.cfg.Name, "Contact": site.Contact, "Publisher": site.Publisher, "Version": v.p.cfg.Version,
		"Volume": v.locale.Bytes(v.p.profile.Volume), "DailyVolume": v.locale.Bytes(v.p.profile.DailyVolume),
		"Daily":    v.locale.Duration(v.p.profile.Daily),
		"Duration": v.locale.Duration(v.p.profile.Duration),
	} {
		if _, ok := v.values[name]; !ok {
			v.set(name, value)
		}
	}
	v.values["AtPlace"] = v.locale.At(site.Name)
	v.values["AtDesk"] = v.locale.AtDesk(site.Desk)
	v.values["TheDesk"] = locale.Capital(v.locale.Desk(site.Desk))
}

// render answers with the page, whole: a page of which half is missing is worse than none.
func (v *view) render(status int) {
	v.fill()
	v.visit()
	var b bytes.Buffer
	b.Grow(12 << 10)
	if err := v.p.templates[v.Page].ExecuteTemplate(&b, "layout.html", v); err != nil {
		panic(fmt.Errorf("portal: render %s: %w", v.Page, err))
	}
	h := v.c.Writer.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Language", v.locale.Tag)
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Content-Security-Policy", v.policy())
	h.Set("Content-Type", "text/html; charset=utf-8")
	// Not no-referrer: with it browsers send "Origin: null" along with our own forms (Fetch, "append a request Origin
	// header"), which cannot be told from another site's. This one sends nothing to anybody else either.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	v.c.Status(status)
	_, _ = v.c.Writer.Write(b.Bytes()) // the client may have gone
}

// redirect leads to another page by GET, whatever the method was.
func (v *view) redirect(to string) {
	v.c.Header("Cache-Control", "no-store")
	v.c.Header("Location", v.URL(to))
	v.c.Status(http.StatusSeeOther)
}

// URL is a path of ours, with the language that was chosen.
func (v *view) URL(to string) string {
	if !v.chosen {
		return to
	}
	sep := "?"
	if strings.Contains(to, "?") {
		sep = "&"
	}
	return to + sep + "l=" + url.QueryEscape(v.locale.Tag)
}

// Text is a text without markup, for titles and attributes.
func (v *view) Text(key string) string { return locale.Plain(v.locale.Text(key, v.values)) }

// Say is a text with its values set apart.
func (v *view) Say(key string) template.HTML { return locale.Markup(v.locale.Text(key, v.values)) }

// Link is a text in which the words between brackets lead to a page.
func (v *view) Link(key, to string) template.HTML {
	text := string(v.Say(key))
	before, rest, _ := strings.Cut(text, "[")
	words, after, ok := strings.Cut(rest, "]")
	if !ok {
		return template.HTML(text) //nolint:gosec // escaped by Markup
	}
	return template.HTML(before + `<a href="` + template.HTMLEscapeString(v.URL(to)) + `">` + words + `</a>` + after) //nolint:gosec // all parts are escaped
}

// Row is a sentence with its drawing beside it.
func (v *view) Row(key string) template.HTML {
	return `<p class="r">` + drawings.Line(pictograms[key].Name) + `<span>` + v.Say(key) + `</span></p>`
}

// Draw is a drawing by its name.
func (v *view) Draw(name string) template.HTML { return drawings.Line(name) }

// Locale and Locales are for the layout and for the row of languages.
func (v *view) Locale() *locale.Locale    { return v.locale }
func (v *view) Locales() []*locale.Locale { return v.p.locales.All }

// Chosen reports whether the language travels on in forms.
func (v *view) Chosen() bool { return v.chosen }

// Style is the whole style sheet.
func (v *view) Style() template.CSS { return style }

var style = func() template.CSS {
	b, err := assets.ReadFile("templates/style.css")
	if err != nil {
		panic(err) // it is embedded
	}
	return template.CSS(strings.TrimSpace(string(b))) //nolint:gosec // our own file
}()

// parseTemplates reads every page with the layout, and makes the Content-Security-Policy that allows their one style
// sheet and forms to ourselves. Browsers that know hashes (CSP 2) ignore 'unsafe-inline' beside one; those of Android 5
// know only the latter.
func parseTemplates() (map[string]*template.Template, string, error) {
	files, err := fs.Glob(assets, "templates/*.html")
	if err != nil {
		return nil, "", fmt.Errorf("portal: list templates: %w", err)
	}
	pages := make(map[string]*template.Template, len(files))
	for _, f := range files {
		if path.Base(f) == "layout.html" {
			continue
		}
		t, err := template.ParseFS(assets, "templates/layout.html", f)
		if err != nil {
			return nil, "", fmt.Errorf("portal: parse templates: %w", err)
		}
		pages[strings.TrimSuffix(path.Base(f), ".html")] = t
	}
	sum := sha256.Sum256([]byte(style))
	return pages, "default-src 'none'; style-src 'unsafe-inline' 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'", nil
}
