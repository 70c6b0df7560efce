package console

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// page is how a template is shown.
type page struct {
	Template string // name of the file, without .html
	Title    string // of the window, and unlike every other page's
	Here     string // path of the entry of the navigation that this page belongs to; "" its own
	Live     bool   // keeps itself up to date
	Typed    bool   // has fields that people write into: without script it does not refresh itself under their hands
	Bare     bool   // without navigation: before entering, and for the room's screen
	Status   int    // 0: 200
	Charts   bool   // has charts
}

// view is what templates see.
type view struct {
	page
	Config              Config
	Person              Person // the zero Person before entering
	Nav                 []link
	Notice              string // what the last gesture did
	Fixed               bool   // the reader has stopped the updates
	Turn                string // the address of this page with updates stopped, or going again
	Again               string // its address once the last gesture has been told
	Style, Script, Icon string // addresses
	Data                any
}

// link is an entry of the navigation.
type link struct {
	Path, Text, Icon string
	First            bool // in the bar under the thumb
	Here             bool
}

// navigation is every page that an entry leads to, in the order of use. One without a handler is not shown.
var navigation = []link{
	{Path: "/", Text: "Accueil", Icon: "house", First: true},
	{Path: "/attente", Text: "En attente", Icon: "show", First: true},
	{Path: "/connexions", Text: "Connectés", Icon: "wifi", First: true},
	{Path: "/postes", Text: "Postes", Icon: "pc"},
	{Path: "/demandes", Text: "Demandes d'aide", Icon: "hand"},
	{Path: "/file", Text: "File d'attente", Icon: "queue"},
	{Path: "/reservations", Text: "Réservations", Icon: "calendar"},
	{Path: "/tickets", Text: "Tickets", Icon: "sheet", First: true},
	{Path: "/ateliers", Text: "Ateliers", Icon: "people"},
	{Path: "/ouverture", Text: "Ouverture du lieu", Icon: "clock"},
	{Path: "/catalogue", Text: "Catalogue", Icon: "list"},
	{Path: "/incident", Text: "Panne", Icon: "tools"},
	{Path: "/lieu", Text: "Le lieu", Icon: "arch"},
	{Path: "/bilan", Text: "Bilan", Icon: "gauge"},
	{Path: "/equipe", Text: "Équipe", Icon: "desk"},
	{Path: "/compte", Text: "Mon compte", Icon: "lock"},
	{Path: "/aide", Text: "Aide", Icon: "book"},
}

// there returns the links that have a handler.
func (c *Console) there(all []link) []link {
	var there []link
	for _, l := range all {
		r, _ := http.NewRequest(http.MethodGet, l.Path, nil) // our own paths
		if _, pattern := c.mux.Handler(r); pattern != "/" {
			there = append(there, l)
		}
	}
	return there
}

// policy is every page's Content-Security-Policy. A provider of identities is gone to by a link: form-action would stop the
// redirection that follows a form.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// render answers with a page, whole.
func (c *Console) render(w http.ResponseWriter, r *http.Request, p page, data any) {
	v := view{page: p, Config: c.cfg, Data: data, Style: stylePath, Script: scriptPath, Icon: iconPath}
	v.Person, _ = c.Staff.Who(r)
	q := r.URL.Query()
	v.Notice = notices[q.Get("fait")]
	if p.Live {
		v.Fixed = q.Has("fixe")
		q.Del("fait")
		q.Del("ouvert")
		v.Again = address(r, q)
		if v.Fixed {
			q.Del("fixe")
		} else {
			q.Set("fixe", "1")
		}
		v.Turn = address(r, q)
	}
	for _, l := range c.nav {
		l.Here = l.Path == p.Here || p.Here == "" && l.Path == r.URL.Path
		v.Nav = append(v.Nav, l)
	}
	var b bytes.Buffer
	b.Grow(16 << 10)
	if err := c.templates[p.Template].ExecuteTemplate(&b, "layout.html", v); err != nil {
		panic(fmt.Errorf("console: render %s: %w", p.Template, err))
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Content-Security-Policy", policy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	if p.Status != 0 {
		w.WriteHeader(p.Status)
	}
	_, _ = w.Write(b.Bytes()) // the client may have gone
}

func address(r *http.Request, q url.Values) string {
	if len(q) == 0 {
		return r.URL.Path
	}
	return r.URL.Path + "?" + q.Encode()
}

// problem is what is wrong and what to do about it.
type problem struct {
	Head string // one sentence
	Do   string // what to do; "" nothing in particular
	To   string // where the button leads; "" the first page
	Go   string // its words; "" "Revenir à l'accueil"
}

func (c *Console) problem(w http.ResponseWriter, r *http.Request, status int, p problem) {
	if p.To == "" {
		p.To, p.Go = "/", "Revenir à l'accueil"
	}
	c.render(w, r, page{Template: "problem", Title: "À revoir", Here: "-", Status: status}, p)
}

func (c *Console) missing(w http.ResponseWriter, r *http.Request) {
	c.problem(w, r, http.StatusNotFound, problem{Head: "Cette page n'existe pas.", Do: "Choisissez une page dans le menu."})
}
