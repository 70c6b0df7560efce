package staff

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// Paths that are answered to who has not entered.
const (
	EnterPath      = "/entrer"     // H1; below it the way through the provider
	LeavePath      = "/sortir"     // POST
	InvitationPath = "/invitation" // a new account, or a new password
	cityPath       = EnterPath + "/ville"
	returnPath     = EnterPath + "/retour"
	arrivedPath    = EnterPath + "/suite" // leads on after the provider; the pages answer it
)

type key struct{}

// Who has entered, of a request that Handler let through; ok is false on pages that are open to all.
func Who(r *http.Request) (who Person, ok bool) {
	who, ok = r.Context().Value(key{}).(Person)
	return who, ok
}

// Refusals are the pages of Handler: shown where nothing else is.
type Refusals interface {
	Foreign(http.ResponseWriter, *http.Request) // a gesture that another site's page made
	Broken(http.ResponseWriter, *http.Request)  // who has entered cannot be known
}

// Handler stands in front of the pages: who has not entered is sent to H1, gestures that another site's page makes are refused. open
// reports which paths are everybody's, beside its own. It answers the way through the provider by itself.
func (s *Staff) Handler(next http.Handler, open func(path string) bool, refuse Refusals) http.Handler {
	csrf := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		if csrf.Check(r) != nil {
			refuse.Foreign(w, r)
			return
		}
		read := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case s.city != nil && read && r.URL.Path == cityPath:
			s.depart(w, r)
			return
		case s.city != nil && read && r.URL.Path == returnPath:
			s.arrive(w, r)
			return
		}
		who, in, err := s.who(r)
		switch p := r.URL.Path; {
		case p == EnterPath || p == arrivedPath || p == InvitationPath || p == LeavePath || open(p):
			if err == nil && in {
				r = r.WithContext(context.WithValue(r.Context(), key{}, who))
			}
			next.ServeHTTP(w, r)
		case err != nil:
			s.o.Log.Error("hub staff: read a login", "cause", err)
			refuse.Broken(w, r)
		case !in:
			to := EnterPath
			if n := Next(r.URL.RequestURI()); read && n != "/" {
				to += "?suite=" + queryEscape(n)
			}
			redirect(w, to)
		default:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, who)))
		}
	})
}

func queryEscape(s string) string { return url.QueryEscape(s) }

// Next is where somebody wanted to go before entering: a path of ours, or "/". Nothing else is ever led to.
func Next(to string) string {
	u, err := url.Parse(to)
	if err != nil || len(to) > 512 || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(to, "/") ||
		strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, `\`) {
		return "/"
	}
	for _, p := range []string{EnterPath, LeavePath, InvitationPath} {
		if u.Path == p || strings.HasPrefix(u.Path, p+"/") {
			return "/"
		}
	}
	return to
}

// secure sets what holds for every answer; no page may be kept by a cache.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cache-Control", "no-store")
}

func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}
