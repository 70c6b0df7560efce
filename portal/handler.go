package portal

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"
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
	p.pages.ServeHTTP(w, r)
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

func (p *Portal) routes() http.Handler {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.RedirectTrailingSlash, e.RedirectFixedPath = false, false
	e.HandleMethodNotAllowed = true
	_ = e.SetTrustedProxies(nil) // cannot fail without an address to parse
	e.Use(p.rescue, p.guard)
	e.NoRoute(p.problem(http.StatusNotFound))
	e.NoMethod(p.problem(http.StatusMethodNotAllowed))

	read := []string{http.MethodGet, http.MethodHead}
	for path, h := range map[string]gin.HandlerFunc{
		"/":                 p.home,
		"/ouvert":           p.opened,
		"/ma-connexion":     p.mine,
		"/attendre":         p.wait,
		"/code":             p.code,
		"/reprendre":        p.again,
		"/aide":             p.help,
		"/regles":           p.page("rules"),
		"/vos-donnees":      p.data,
		"/langues":          p.page("languages"),
		"/accessibilite":    p.page("access"),
		"/mentions-legales": p.page("legal"),
		"/plan":             p.page("plan"),
		"/api/captive":      p.api,
	} {
		e.Match(read, path, h)
	}
	for path, h := range map[string]gin.HandlerFunc{"/ouvrir": p.open, "/arreter": p.stop, "/prolonger": p.extend} {
		e.POST(path, h)
		e.Match(read, path, func(c *gin.Context) { p.view(c, "home").redirect("/") }) // typed, or loaded again
	}
	for path, h := range map[string]gin.HandlerFunc{"/code": p.redeem, "/reprendre": p.takeBack, "/aide": p.call} {
		e.POST(path, h)
	}
	return e
}

// rescue answers a request whose handler panicked. The log names the place in the code and no person: neither the
// address, nor the device, nor what the value of the panic says, which may hold both.
func (p *Portal) rescue(c *gin.Context) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		p.log.Error("portal: a page panicked", "route", c.FullPath(), "panic", fmt.Sprintf("%T", v), "at", whence())
		if !c.Writer.Written() {
			p.problem(http.StatusInternalServerError)(c)
		}
		c.Abort()
	}()
	c.Next()
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
func (p *Portal) guard(c *gin.Context) {
	r := c.Request
	switch {
	case len(r.RequestURI) > maxURL:
		p.problem(http.StatusRequestURITooLong)(c)
	case r.ContentLength > maxBody:
		p.problem(http.StatusRequestEntityTooLarge)(c)
	case p.csrf.Check(r) != nil:
		p.problem(http.StatusForbidden)(c)
	default:
		r.Body = http.MaxBytesReader(c.Writer, r.Body, maxBody)
		c.Next()
		return
	}
	c.Abort()
}

// page is one whose content depends on nothing but the place.
func (p *Portal) page(name string) gin.HandlerFunc {
	return func(c *gin.Context) { p.view(c, name).render(http.StatusOK) }
}

// problem answers what is no page, in words.
func (p *Portal) problem(status int) gin.HandlerFunc {
	return func(c *gin.Context) {
		v := p.view(c, "problem")
		v.asked, v.deviceErr = true, ErrUnknownDevice // who asks plays no part, and asking may be what went wrong
		switch status {
		case http.StatusNotFound:
			v.use("missing")
		case http.StatusInternalServerError:
			v.use("broken")
		}
		if status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			c.Header("Connection", "close") // what is left of the request is not read
		}
		v.render(status)
	}
}

// form reads a POST's form, for its language. It answers by itself when the form is too long or does not come.
func (v *view) form() bool {
	err := v.c.Request.ParseForm()
	var long *http.MaxBytesError
	var slow net.Error
	switch {
	case err == nil:
		v.choose(v.c.Request.Form.Get("l"))
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
