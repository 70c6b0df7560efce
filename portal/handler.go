package portal

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
)

const (
	maxURL  = 2 << 10 // bytes of the request target
	maxBody = 4 << 10 // bytes
)

// Handler serves everything, on every listener.
func (p *Portal) Handler() http.Handler { return p }

// ServeHTTP implements http.Handler: names that are not ours are answered before anything else is looked at.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.ours(r.Host) {
		p.probed(r)
		p.foreign.ServeHTTP(w, r)
		return
	}
	p.serve(w, r)
}

// ours reports whether a Host header means this portal: its name or the router's address, with any port.
func (p *Portal) ours(host string) bool {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	host = strings.TrimSuffix(host, ".")
	if strings.EqualFold(host, p.cfg.Name) {
		return true
	}
	var text [16]byte
	return p.cfg.Address.Is4() && host == string(p.cfg.Address.AppendTo(text[:0]))
}

// foreign is the one answer to requests for other names, kept ready so that a storm of probes costs no memory.
//
// It is what every system's own rule reads as "there is a portal": a redirection with status 302 (not 303, 307, 308
// or 511, which some read as "no internet"), absolute, with a body longer than four bytes. The connection closes,
// because after the opening its packets would otherwise still be led here. Nothing that the client sent is in it.
type foreign struct {
	header http.Header
	body   []byte
}

func newForeign(name string) foreign {
	to := "http://" + name + "/"
	body := []byte("<!doctype html>\n<html lang=\"fr\"><title>Wi-Fi</title><p><a href=\"" + to + "\">Aller sur internet</a></p></html>\n")
	return foreign{
		body: body,
		header: http.Header{
			"Cache-Control":  {"no-store"},
			"Connection":     {"close"},
			"Content-Length": {strconv.Itoa(len(body))},
			"Content-Type":   {"text/html; charset=utf-8"},
			"Location":       {to},
		},
	}
}

func (f foreign) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	for k, v := range f.header {
		h[k] = v
	}
	w.WriteHeader(http.StatusFound)
	_, _ = w.Write(f.body) // the client may have gone
}

// exchange is one request and its answer.
type exchange struct {
	w       http.ResponseWriter
	r       *http.Request
	written bool
}

// page answers one exchange.
type page func(*exchange)

// room is what is at a path: what a look at it gets, and what a form that is sent there does (nil: none is).
type room struct{ get, post page }

// routes are all paths, to the letter: nothing is cleaned, joined or guessed.
func (p *Portal) routes() map[string]room {
	home := func(c *exchange) { p.view(c, "home").redirect("/") } // a form's path that was typed, or is loaded again
	return map[string]room{
		"/":                 {get: p.home},
		"/ouvrir":           {get: home, post: p.open},
		"/ouvert":           {get: p.opened},
		"/ma-connexion":     {get: p.mine},
		"/arreter":          {get: home, post: p.stop},
		"/prolonger":        {get: home, post: p.extend},
		"/attendre":         {get: p.wait},
		"/code":             {get: p.code, post: p.redeem},
		"/reprendre":        {get: p.again, post: p.takeBack},
		"/aide":             {get: p.help, post: p.call},
		"/regles":           {get: p.page("rules")},
		"/vos-donnees":      {get: p.data},
		"/langues":          {get: p.page("languages")},
		"/accessibilite":    {get: p.page("access")},
		"/mentions-legales": {get: p.page("legal")},
		"/plan":             {get: p.page("plan")},
		"/api/captive":      {get: p.api},
	}
}

// serve answers a request for a name of ours.
func (p *Portal) serve(w http.ResponseWriter, r *http.Request) {
	c := &exchange{w: w, r: r}
	defer p.rescue(c)
	if !p.guard(c) {
		return
	}
	at, ok := p.rooms[r.URL.Path]
	switch {
	case !ok:
		p.problem(http.StatusNotFound)(c)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		at.get(c)
	case r.Method == http.MethodPost && at.post != nil:
		at.post(c)
	default:
		allow := "GET, HEAD"
		if at.post != nil {
			allow += ", POST"
		}
		w.Header().Set("Allow", allow) // RFC 9110, 15.5.6
		p.problem(http.StatusMethodNotAllowed)(c)
	}
}

// rescue, deferred, answers a request whose page panicked. The log names the place in the code and no person: neither the
// address, nor the device, nor what the value of the panic says, which may hold both.
func (p *Portal) rescue(c *exchange) {
	v := recover()
	if v == nil {
		return
	}
	route := c.r.URL.Path
	if _, ok := p.rooms[route]; !ok {
		route = "" // a path that somebody made up may hold anything
	}
	p.log.Error("portal: a page panicked", "route", route, "panic", fmt.Sprintf("%T", v), "at", whence())
	if !c.written {
		p.problem(http.StatusInternalServerError)(c)
	}
}

// whence lists the functions of this module above a panic.
func whence() string {
	pcs := make([]uintptr, 48)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	var b strings.Builder
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, "parvis/") {
			fmt.Fprintf(&b, "%s:%d ", strings.TrimPrefix(f.Function, "parvis/"), f.Line)
		}
		if !more {
			return strings.TrimSpace(b.String())
		}
	}
}

// guard refuses what is too long, and gestures that another site's page has made.
func (p *Portal) guard(c *exchange) bool {
	switch r := c.r; {
	case len(r.RequestURI) > maxURL:
		p.problem(http.StatusRequestURITooLong)(c)
	case r.ContentLength > maxBody:
		p.problem(http.StatusRequestEntityTooLarge)(c)
	case p.csrf.Check(r) != nil:
		p.problem(http.StatusForbidden)(c)
	default:
		r.Body = http.MaxBytesReader(c.w, r.Body, maxBody)
		return true
	}
	return false
}

// answer sends the header, with its status, and the body.
func (c *exchange) answer(status int, body []byte) {
	c.written = true
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body) // the client may have gone
}

// page is one whose content depends on nothing but the place.
func (p *Portal) page(name string) page {
	return func(c *exchange) { p.view(c, name).render(http.StatusOK) }
}

// problem answers what is no page, in words.
func (p *Portal) problem(status int) page {
	return func(c *exchange) {
		v := p.view(c, "problem")
		v.asked, v.deviceErr = true, ErrUnknownDevice // who asks plays no part, and asking may be what went wrong
		switch status {
		case http.StatusNotFound:
			v.use("missing")
		case http.StatusInternalServerError:
			v.use("broken")
		}
		if status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			c.w.Header().Set("Connection", "close") // what is left of the request is not read
		}
		v.render(status)
	}
}

// form reads a POST's form, for its language. It answers by itself when the form is too long or does not come.
func (v *view) form() bool {
	err := v.c.r.ParseForm()
	var long *http.MaxBytesError
	var slow net.Error
	switch {
	case err == nil:
		v.choose(v.c.r.Form.Get("l"))
		return true
	case errors.As(err, &long):
		v.p.problem(http.StatusRequestEntityTooLarge)(v.c)
	case errors.As(err, &slow) && slow.Timeout():
		v.p.problem(http.StatusRequestTimeout)(v.c)
	default:
		v.p.problem(http.StatusBadRequest)(v.c)
	}
	return false
}
