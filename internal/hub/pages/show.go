package pages

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"math"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"parvis/internal/chart"
	"parvis/internal/hub/alerts"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/words"
	"parvis/internal/hublink/wire"
)

// assetPath is what the addresses of the style sheet and the icon begin with.
const assetPath = "/fichiers/"

// asset is a file of ours. Its name holds a hash of the content: what a browser has kept is never another version's.
type asset struct {
	path, kind string
	content    []byte
}

var style, icon = load("hub.css", "text/css"), load("icon.svg", "image/svg+xml")

func load(name, kind string) asset {
	content, err := files.ReadFile("templates/" + name)
	if err != nil {
		panic(err) // it is embedded
	}
	sum := sha256.Sum256(content)
	base, ext, _ := strings.Cut(name, ".")
	return asset{assetPath + base + "-" + hex.EncodeToString(sum[:6]) + "." + ext, kind, content}
}

func (a asset) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	w.Header().Set("Content-Type", a.kind+"; charset=utf-8")
	_, _ = w.Write(a.content) // the client may have gone
}

// page is how a template is shown.
type page struct {
	template string // name of the file, without .html
	Title    string // key of a text, or "" and Name
	Name     string
	Here     string // path of the entry of the navigation that this page belongs to
	Charts   bool
	status   int // 0: 200
}

// view is what templates see.
type view struct {
	page
	Who         staff.Person
	In          bool
	Nav         []link
	Done        string // key of what the last gesture did; "" nothing
	Style, Icon string
	Chart       template.HTML
	Version     string
	Contact     string
	Data        any
}

// link is an entry of the navigation.
type link struct {
	Path, Key string
	Act       staff.Action
	Here      bool
}

// navigation is in the order of use.
var navigation = []link{
	{Path: "/sites", Key: "nav.sites", Act: staff.Look},
	{Path: "/incidents", Key: "nav.incidents", Act: staff.Look},
	{Path: "/parc", Key: "nav.fleet", Act: staff.Look},
	{Path: upgradePath, Key: "nav.upgrade", Act: staff.Look},
	{Path: "/rapport", Key: "nav.report", Act: staff.Look},
	{Path: "/exports", Key: "nav.exports", Act: staff.Look},
	{Path: "/enroler", Key: "nav.enrol", Act: staff.Operate},
	{Path: "/communes", Key: "nav.communes", Act: staff.Overlook},
	{Path: "/centre", Key: "nav.centre", Act: staff.Overlook},
	{Path: "/reglages", Key: "nav.settings", Act: staff.Configure},
	{Path: "/publications", Key: "nav.publications", Act: staff.Look},
	{Path: "/alertes", Key: "nav.alerts", Act: staff.Configure},
	{Path: "/personnes", Key: "nav.people", Act: staff.Operate},
	{Path: "/equipe", Key: "nav.team", Act: staff.ManageTeam},
	{Path: "/journal", Key: "nav.log", Act: staff.ReadLog},
	{Path: "/compte", Key: "nav.account"},
	{Path: "/aide", Key: "nav.help"},
}

// dones are what gestures may say that they did: the address of the page that follows names one.
var dones = map[string]bool{
	"entre": true, "sorti": true, "compte": true, "mot-de-passe": true, "ajoute": true, "renomme": true, "retire": true, "charge": true,
	"commune": true, "parti": true, "role": true, "ferme": true, "envoye": true, "lieux": true, "partout": true,
	"reglages": true, "publie": true, "arrete": true, "continue": true, "revient": true, "mise-a-jour": true, "essai": true, "fiche": true,
}

func (p *Pages) parse() error {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return fmt.Errorf("hub pages: list templates: %w", err)
	}
	p.templates = map[string]*template.Template{}
	for _, f := range names {
		name := strings.TrimSuffix(path.Base(f), ".html")
		if name == "layout" || strings.HasPrefix(name, "part-") {
			continue
		}
		t, err := template.New(name).Funcs(p.funcs()).ParseFS(files, "templates/layout.html", "templates/part-*.html", f)
		if err != nil {
			return fmt.Errorf("hub pages: parse templates: %w", err)
		}
		p.templates[name] = t
	}
	return nil
}

func (p *Pages) funcs() template.FuncMap {
	return template.FuncMap{
		// t "key" "Name" value …: a text with its values.
		"t": func(key string, values ...any) string {
			if len(values) == 0 {
				return text(key)
			}
			v := words.V{}
			for i := 0; i+1 < len(values); i += 2 {
				v[fmt.Sprint(values[i])] = values[i+1]
			}
			return say.Text(key, v)
		},
		"n":       func(key string, n int) string { return say.Count(key, uint64(max(n, 0))) }, //nolint:gosec // not negative
		"moment":  func(t time.Time) string { return words.Moment(t.In(p.Zone)) },
		"ago":     func(t time.Time) string { return ago(p.now().Sub(t)) },
		"size":    size,
		"problem": alerts.Title,
		"upper": func(s string) string {
			for i, c := range s {
				return strings.ToUpper(string(c)) + s[i+len(string(c)):]
			}
			return s
		},
		"join":     strings.Join,
		"terminal": func(state string) string { return known("terminal.", state, terminalStates) },
		"refused":  func(why string) string { return known("refused.", why, refusals) },
		"back":     func(why string) string { return known("publication.back.", why, refusals) },
		// Why a release was gone back from or not tried, and what a site says that it does with one.
		"upgradeback": func(why string) string {
			return known("upgrade.back.", why, wire.Whys)
		},
		"upgradestate": func(state string) string {
			if slices.Contains(upgradeStates, state) {
				return state
			}
			return "unknown"
		},
		"gesture": func(what string) string { return known("gesture.", what, gestures) },
	}
}

// said are texts without values: a page of 500 sites says the same few of them thousands of times.
var said sync.Map

func text(key string) string {
	if s, ok := said.Load(key); ok {
		return s.(string)
	}
	s := say.Say(key)
	said.Store(key, s)
	return s
}

// Words that a site or a later version says, and that have a text.
var (
	terminalStates = strings.Fields("new locked open ending cleaning waiting silent")
	refusals       = strings.Fields("form signature version site check line hub")
	upgradeStates  = strings.Fields("waiting trial back refused")
	gestures       = strings.Fields(`enter-password enter-city leave refused account password reset close invite-epci invite-dsi invite-dpo invite-reader
		role-epci role-dsi role-dpo role-reader charge report export add-site code rename-site remove-site add-commune remove-commune send-person close-everywhere
		layer layer-epci publish end-publication go-on revert upgrade try-alert card`)
)

// known says a word that has a text; another stands as it is.
func known(prefix, word string, all []string) string {
	if slices.Contains(all, word) {
		return say.Say(prefix + word)
	}
	return word
}

// ago says how long something is past, by its largest unit.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return say.Say("ago.now")
	case d < time.Hour:
		return say.Count("ago.minutes", uint64(d/time.Minute))
	case d < 48*time.Hour:
		return say.Count("ago.hours", uint64(d/time.Hour))
	}
	return say.Count("ago.days", uint64(d/(24*time.Hour)))
}

// size says bytes as people read them: "12 Mo".
func size(bytes int64) string {
	n, unit := float64(bytes), 0
	for ; n >= 999.5 && unit < len(units)-1; unit++ {
		n /= 1000
	}
	return strconv.FormatFloat(math.Round(n), 'f', 0, 64) + words.Space + units[unit]
}

var units = []string{"octets", "ko", "Mo", "Go", "To"}

// watch is told each template that is shown, in tests.
var watch = func(string) {}

// show answers with a page, whole.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, of page, data any) error {
	v := view{page: of, Style: style.path, Icon: icon.path, Version: p.Version, Contact: p.Contact, Data: data}
	v.Who, v.In = staff.Who(r)
	if v.Name == "" {
		v.Name = say.Say(of.Title)
	}
	if of.Charts {
		v.Chart = chart.Head
	}
	if d := r.URL.Query().Get("fait"); dones[d] {
		v.Done = "done." + d
	}
	for _, l := range navigation {
		if v.In && (l.Act == "" || v.Who.Role.May(l.Act)) {
			l.Here = l.Path == of.Here
			v.Nav = append(v.Nav, l)
		}
	}
	watch(of.template)
	var b bytes.Buffer
	b.Grow(16 << 10)
	if err := p.templates[of.template].ExecuteTemplate(&b, "layout.html", v); err != nil {
		return fmt.Errorf("hub pages: render %s: %w", of.template, err)
	}
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if of.status != 0 {
		w.WriteHeader(of.status)
	}
	_, _ = w.Write(b.Bytes()) // the client may have gone
	return nil
}

// done leads to a page by GET after a gesture.
func done(w http.ResponseWriter, to, what string) error {
	if what != "" {
		to += "?fait=" + what
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// line is one line of text of a form.
func line(r *http.Request, field string) string {
	return strings.Join(strings.Fields(r.PostFormValue(field)), " ")
}
