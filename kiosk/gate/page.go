package gate

import (
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed page.html
var source string

var page = template.Must(template.New("page").Parse(source))

// about is what a refusal speaks of; who may be behind it knows nothing of names and ports.
func about(status int, why Why) string {
	switch {
	case why == NoGrant || why == Unknown:
		return "device"
	case status == http.StatusForbidden:
		return "site"
	case status == http.StatusBadRequest:
		return "address"
	default:
		return "silence"
	}
}

// answer refuses a request. A browser shows the page for plain HTTP; to CONNECT it shows its own, whatever ours is.
func (g *Gate) answer(w http.ResponseWriter, r *http.Request, status int, why Why) {
	w.Header().Set("Connection", "close")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodConnect {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	w.WriteHeader(status)
	page.Execute(w, struct{ What, AtDesk, Home string }{about(status, why), g.opt.AtDesk, g.opt.Home}) // a client that has gone is no news
}
