package terminal

import (
	"bytes"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/kiosk"
	"parvis/portal/locale"
)

// view is one page on its way to one reader. Its exported parts are what the templates see.
type view struct {
	w http.ResponseWriter
	r *http.Request
	h *Handler

	locale *locale.Locale
	chosen bool // the language was chosen by hand and travels on
	values map[string]string
	fixed  bool // the page is not to change by itself
	known  bool // the machine behind the request is known
	use    kiosk.Use
	open   bool // use is of an open session

	// The update window, asked for once: the page and its stamp are of one moment, although this very page may end the window.
	updating bool
	until    time.Time // zero: not known

	Post    kiosk.Terminal
	Page    string // the template
	Live    bool   // it changes by itself
	Inside  bool   // somebody's session goes on
	Soon    bool   // its end is near
	Sure    bool   // the hour of its end is known
	Grace   bool   // the extension may still be had
	Down    bool   // the line is
	Opens   bool   // it is known when the place opens
	Until   bool   // it is known until when
	Message string // of the desk
	Notice  string // key of what the last gesture did
	Call    string // key of what became of a call for help
	Asks    bool   // help can be asked for
	Closed  string // the name of a site that was refused
	Data    any
}

// page is the handler of a page: one of a machine that we know, noted as seen.
func (h *Handler) page(show func(*view)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := h.view(w, r)
		if v.meet() {
			show(v)
		}
	}
}

// gesture is that of a form.
func (h *Handler) gesture(do func(*view)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := h.view(w, r)
		if err := r.ParseForm(); err != nil {
			h.problem(w, r, http.StatusBadRequest)
			return
		}
		v.choose(r.PostForm.Get("l"))
		if v.meet() {
			do(v)
		}
	}
}

// view begins a page.
func (h *Handler) view(w http.ResponseWriter, r *http.Request) *view {
	v := &view{w: w, r: r, h: h, values: make(map[string]string, 24)}
	v.locale = h.locales.Prefer(r.Header.Get("Accept-Language"))
	q := r.URL.Query()
	v.choose(q.Get("l"))
	v.fixed = q.Has("fixe")
	return v
}

// machine is who is behind a request. Headers play no part in it.
func (h *Handler) machine(r *http.Request) (netip.Addr, mac.Addr, bool) {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, mac.Addr{}, false
	}
	a := remote.Addr().Unmap()
	m, ok := h.Who(a)
	return a, m, ok
}

// cookie marks a browser that has been here since it was begun: a clean one has none.
const cookie = "poste"

// label is what a machine calls itself (?kiosk=), as far as it can be one.
func label(r *http.Request) string {
	l := r.URL.Query().Get("kiosk")
	if len(l) > 64 {
		return ""
	}
	return l
}

// fresh reports whether the request is a browser's first one: for the homepage, as a page of its own, without our cookie. What
// only looks whether the page is there (HEAD, wget) is none, nor is what another page loads.
func fresh(r *http.Request) bool {
	_, err := r.Cookie(cookie)
	return err != nil && r.Method == http.MethodGet && r.URL.Path == home && strings.Contains(r.Header.Get("Accept"), "text/html") &&
		!strings.HasPrefix(strings.ToLower(r.UserAgent()), "wget") && r.Header.Get("Origin") == ""
}

// seen notes a visit, and is the post with what can be done there: what the place does not offer is on none of its posts.
func (h *Handler) seen(v kiosk.Visit) kiosk.Terminal {
	t := h.Posts.Seen(v)
	t.Prints, t.USB = t.Prints && h.Prints, t.USB && h.USB
	return t
}

// meet notes the machine as seen and fills in what is open on it. Of a machine that nobody knows it answers by itself.
func (v *view) meet() bool {
	a, m, ok := v.h.machine(v.r)
	if !ok {
		v.render("unknown", http.StatusConflict)
		return false
	}
	visit := kiosk.Visit{MAC: m, IPv4: a, Label: label(v.r), Fresh: fresh(v.r)}
	v.Post, v.known = v.h.seen(visit), true
	if visit.Fresh {
		v.mark(cookie, nonce())
	}
	v.look()
	return true
}

// look fills in what is open.
func (v *view) look() {
	v.until, v.updating = v.h.Updating(v.Post.MAC)
	use, err := v.h.Posts.Use(v.Post.ID)
	if err != nil {
		return // nothing is
	}
	v.use = use
	v.open = v.Post.State == kiosk.Open || v.Post.State == kiosk.Ending
}

// inside fills in what every page of an open session says.
func (v *view) inside() {
	s := v.use.Session
	v.Inside = true
	v.Soon = v.Post.State == kiosk.Ending
	v.Grace = v.use.Grace
	v.Message = v.use.Message
	v.set("Left", v.locale.Duration(s.Left))
	if v.Sure = v.h.sure(); v.Sure {
		v.set("End", v.locale.Hour(v.h.now().Add(s.Left)))
	}
	if host, _, ok := v.h.Posts.LastRefused(v.Post.ID); ok && !v.answered(host) {
		v.Closed = host
	}
	v.called()
}

// mark sets a cookie that lasts as long as the browser.
func (v *view) mark(name, value string) {
	http.SetCookie(v.w, &http.Cookie{Name: name, Value: value, Path: home, HttpOnly: true, SameSite: http.SameSiteStrictMode})
}

func (v *view) marked(name, value string) bool {
	c, err := v.r.Cookie(name)
	return err == nil && c.Value == value
}

// choose takes the language that l names, if there is such a one.
func (v *view) choose(l string) {
	if chosen, ok := v.h.locales.ByTag[l]; ok {
		v.locale, v.chosen = chosen, true
	}
}

// set gives the texts a value that keeps its own direction.
func (v *view) set(name, value string) { v.values[name] = locale.MarkOpen + value + locale.MarkClose }

// sure reports whether the civil time may be shown to people, now is that time at the place.
func (h *Handler) sure() bool     { return h.Clock.Wall().Quality == clock.Synchronised }
func (h *Handler) now() time.Time { return h.Clock.Wall().Time.In(h.Zone) }

// fill gives the texts what every page may say.
func (v *view) fill() {
	site := v.h.Site
	for name, value := range map[string]string{
		"Place": site.Name, "Name": v.h.Name, "Contact": site.Contact, "Publisher": site.Publisher, "Version": v.h.Version,
		"Post": v.Post.Name, "Grace": v.locale.Duration(v.h.Options.Grace), "Keep": v.locale.Duration(v.h.Keep),
	} {
		if _, ok := v.values[name]; !ok {
			v.set(name, value)
		}
	}
	v.values["AtPlace"] = v.locale.At(site.Name)
	v.values["AtDesk"] = v.locale.AtDesk(site.Desk)
	v.values["ToDesk"] = v.locale.AtDesk(site.Desk)
	v.values["Spoken"] = locale.MarkOpen + strings.ToLower(v.Post.Name) + locale.MarkClose
	v.values["TheDesk"] = locale.Capital(v.locale.Desk(site.Desk))
}

// policy is every page's Content-Security-Policy.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// render answers with a page, whole.
func (v *view) render(page string, status int) {
	v.Page = page
	v.fill()
	var b bytes.Buffer
	b.Grow(16 << 10)
	if err := v.h.templates[page].ExecuteTemplate(&b, "layout.html", v); err != nil {
		panic(fmt.Errorf("terminal: render %s: %w", page, err))
	}
	h := v.w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Language", v.locale.Tag)
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Content-Security-Policy", policy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	v.w.WriteHeader(status)
	_, _ = v.w.Write(b.Bytes()) // the client may have gone
	if v.Message != "" && v.Inside && v.r.Method == http.MethodGet {
		v.h.Posts.MessageSeen(v.Post.ID)
	}
}

// redirect leads to another page by GET.
func (v *view) redirect(to string) {
	v.w.Header().Set("Cache-Control", "no-store")
	v.w.Header().Set("Location", v.URL(to))
	v.w.WriteHeader(http.StatusSeeOther)
}

// problem answers what is no page, in words.
func (h *Handler) problem(w http.ResponseWriter, r *http.Request, status int) {
	v := h.view(w, r)
	page := "problem"
	switch status {
	case http.StatusNotFound:
		page = "missing"
	case http.StatusInternalServerError:
		page = "broken"
	}
	if status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
		w.Header().Set("Connection", "close") // what is left of the request is not read
	}
	v.render(page, status)
}
