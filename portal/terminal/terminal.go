// Package terminal is what the browser of a fixed post (poste) shows: from "this computer is closed" over the services that
// people come for to "take your papers". It also hands the post its configuration.
//
// A post's browser keeps this package's page in its first tab, and each service in another one beside it. Pages are made on the
// server and work without script; with it they count down, warn and change by themselves. What a page shows follows from the
// state of the terminal at the moment of asking. Nothing is decided here but which page that is.
//
// Who asks is decided by the socket's remote address alone, which Who turns into a MAC. ?kiosk= is a label that anybody may
// write: it is passed on to Posts, which compares it.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"parvis/internal/clock"
	"parvis/internal/look"
	"parvis/internal/mac"
	"parvis/kiosk"
	"parvis/kiosk/catalogue"
	"parvis/kiosk/names"
	"parvis/portal/locale"
	"parvis/sessions"
	"parvis/sessions/waiting"
)

// Site is what the place says about itself. It is shown to people as it is.
type Site struct {
	Name      string // of the place
	Desk      string // the place's word for its desk, with its French article: l'accueil
	Contact   string // how to reach the person in charge
	Publisher string // who publishes the pages (mentions légales)
	// Rules are the place's own, one French sentence each; nobody translates them.
	Rules []string
}

// Posts is what the pages ask about terminals: *kiosk.Posts.
type Posts interface {
	// Seen takes note of a request, and returns the terminal that has made it.
	Seen(kiosk.Visit) kiosk.Terminal
	// Use is what is open on it.
	Use(id string) (kiosk.Use, error)
	Grace(ctx context.Context, id string) (kiosk.Session, error)
	MessageSeen(id string)
	Verb(mac.Addr) string
	Refusals
	Changes() (rung <-chan struct{}, stop func())
}

// Refusals are the names that the gate has refused to who sits at a terminal.
type Refusals interface {
	LastRefused(id string) (host string, at clock.Boot, ok bool)
	// Show lets the desk see one of them.
	Show(id, host string) error
}

// Catalogue is the services that people come for: *catalogue.Catalogue.
type Catalogue interface {
	Needs() []catalogue.Need
	Service(id string) (catalogue.Service, bool)
	Bundle(id string) (catalogue.Bundle, bool)
	Names(ids []string) names.List
}

// Calls is who asks for help: *waiting.Calls.
type Calls interface {
	Ask(code, post string) (waiting.Call, error)
	OfPost(post string) (waiting.Call, bool)
	Changes() (rung <-chan struct{}, stop func())
}

// Options is what the handler works with. All are required but those that say what nil or the zero value means.
type Options struct {
	Site      Site
	Languages []string       // of fr, en, ar; the first one is for those whose language is none of them
	Name      string         // DNS name of the portal
	Address   netip.Addr     // ours on the terminals' network
	Version   string         // of Parvis
	Zone      *time.Location // of the hours that are shown; nil: the machine's
	Keep      time.Duration  // how long a session of a terminal is remembered after its end
	Grace     time.Duration  // what a person may add once; 0 nothing
	Prints    bool           // the place has a printer: else no post prints, whatever is said of it
	USB       bool           // the place lets keys be used: else no post does
	Look      look.Style

	Clock     clock.Clock
	Log       *slog.Logger // nil: nothing is logged
	Posts     Posts
	Catalogue Catalogue
	Calls     Calls
	// Who says which machine uses an address of the terminals' network.
	Who func(netip.Addr) (mac.Addr, bool)
	// Place says whether the place is open.
	Place func() sessions.SiteState
	// Line reports whether the line is down; nil: never.
	Line func() (down bool)
	// Config is the published configuration of the post that calls itself so ("" says nothing); nil, or false: there is none.
	Config func(label string) (file []byte, ok bool)
	// Prefs is the browser's preferences; nil: there are none.
	Prefs func() []byte
	// Updating reports whether a post's update window is open, and until about when, zero where that is not known; nil: never.
	Updating func(mac.Addr) (until time.Time, open bool)
}

// Handler is everything that terminals ask of the router by HTTP. It is an http.Handler.
type Handler struct {
	Options

	locales   *locale.Locales
	templates map[string]*template.Template
	style     file
	csrf      *http.CrossOriginProtection
	mux       *http.ServeMux
	streams   streams
}

// New makes the handler. It fails when something required is missing or a language does not exist.
func New(o Options) (*Handler, error) {
	if o.Clock == nil || o.Posts == nil || o.Catalogue == nil || o.Calls == nil || o.Who == nil || o.Place == nil {
		return nil, errors.New("terminal: new: a part is missing")
	}
	o.Name = strings.ToLower(strings.TrimSuffix(o.Name, "."))
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Line == nil {
		o.Line = func() bool { return false }
	}
	if o.Config == nil {
		o.Config = func(string) ([]byte, bool) { return nil, false }
	}
	if o.Prefs == nil {
		o.Prefs = func() []byte { return nil }
	}
	if o.Updating == nil {
		o.Updating = func(mac.Addr) (time.Time, bool) { return time.Time{}, false }
	}
	h := &Handler{Options: o, style: style(o.Look), csrf: http.NewCrossOriginProtection(), streams: newStreams()}
	var err error
	if h.locales, err = locale.New(o.Languages, texts); err != nil {
		return nil, fmt.Errorf("terminal: new: %w", err)
	}
	if h.templates, err = parseTemplates(); err != nil {
		return nil, err
	}
	h.mux = h.routes()
	return h, nil
}

// Close ends the streams of the pages that are open, so that a server that shuts down need not wait for them.
func (h *Handler) Close() { h.streams.close() }

const (
	maxURL  = 2 << 10 // bytes of the request target
	maxBody = 4 << 10 // bytes
)

// The paths of the pages.
const (
	home    = "/kiosk/"
	begin   = "/kiosk/commencer"
	tiles   = "/kiosk/besoins"
	service = "/kiosk/service"
	closed  = "/kiosk/site-ferme"
	help    = "/kiosk/aide"
	grace   = "/kiosk/temps"
	over    = "/kiosk/fini"
	state   = "/kiosk/etat"
)

func (h *Handler) routes() *http.ServeMux {
	m := http.NewServeMux()
	for path, page := range map[string]func(*view){
		home + "{$}": (*view).home, tiles: (*view).tiles, tiles + "/{need}": (*view).need, service + "/{id}": (*view).service,
		closed: (*view).closed, help: (*view).help, over: (*view).over,
		"/kiosk/regles": (*view).rules, "/kiosk/donnees": (*view).data, "/kiosk/accessibilite": fixed("access"),
		"/kiosk/mentions": fixed("legal"), "/kiosk/plan": fixed("plan"),
	} {
		m.HandleFunc("GET "+path, h.page(page))
	}
	for path, gesture := range map[string]func(*view){begin: (*view).begin, closed: (*view).show, help: (*view).ask, grace: (*view).grace} {
		m.HandleFunc("POST "+path, h.gesture(gesture))
	}
	for _, path := range []string{begin, grace} { // typed, or loaded again
		m.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { h.view(w, r).redirect(home) })
	}
	m.HandleFunc("GET "+state, h.state)
	m.HandleFunc("GET /kiosk/config.txt", h.config)
	m.HandleFunc("GET /kiosk/prefs.js", h.prefs)
	m.HandleFunc("GET /kiosk/verbe", h.verb)
	own := append(slices.Clip(files), h.style)
	if h.Look.Logo.There() {
		own = append(own, logo(h.Look.Logo))
	}
	for _, a := range own {
		m.HandleFunc("GET "+a.path, a.serve)
	}
	m.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { h.view(w, r).redirect(home) })
	m.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { h.problem(w, r, http.StatusNotFound) })
	return m
}

// ServeHTTP implements http.Handler. Requests for other names are led to the homepage: a post is forwarded nowhere, and what it
// asks of another host by plain HTTP without the gate comes here.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer h.rescue(w, r)
	switch {
	case !h.ours(r.Host):
		w.Header().Set("Connection", "close")
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, "http://"+h.Address.String()+home, http.StatusFound)
	case len(r.RequestURI) > maxURL:
		h.problem(w, r, http.StatusRequestURITooLong)
	case r.ContentLength > maxBody:
		h.problem(w, r, http.StatusRequestEntityTooLarge)
	case h.csrf.Check(r) != nil:
		h.problem(w, r, http.StatusForbidden)
	default:
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		h.mux.ServeHTTP(w, r)
	}
}

// ours reports whether a Host header means this portal: its name or our address, with any port.
func (h *Handler) ours(host string) bool {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	host = strings.TrimSuffix(host, ".")
	return strings.EqualFold(host, h.Name) || h.Address.IsValid() && host == h.Address.String()
}

// rescue answers a request whose handler panicked. The log names the place in the code and nobody.
func (h *Handler) rescue(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
		panic(v)
	}
	_, file, line, _ := runtime.Caller(3)
	h.Log.Error("terminal: a page panicked", "route", r.Pattern, "panic", fmt.Sprintf("%T", v),
		"at", fmt.Sprintf("%s:%d", file[strings.LastIndexByte(file, '/')+1:], line))
	h.problem(w, r, http.StatusInternalServerError)
}

// streams bounds how many pages are told of changes at once.
type streams struct {
	places chan struct{}
	ended  chan struct{}
	end    *sync.Once
}

func newStreams() streams {
	return streams{places: make(chan struct{}, maxStreams), ended: make(chan struct{}), end: new(sync.Once)}
}

func (s streams) close() { s.end.Do(func() { close(s.ended) }) }
