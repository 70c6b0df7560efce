package staff

import (
	"net/http"
	"net/url"
	"strings"
)

// Paths under the console's name that are answered to who has not entered.
const (
	EnterPath      = "/entrer"     // C1; below it the way through the town's provider
	LeavePath      = "/sortir"     // POST
	InvitationPath = "/invitation" // a new colleague's account
	DevicePath     = "/appareil"   // enrols a device
	cityPath       = EnterPath + "/ville"
	returnPath     = EnterPath + "/retour"
	assetsPath     = "/fichiers/" // the console's style: pages need it before anybody has entered
)

// ownPaths are gestures about oneself and the team, which each decide who may make them.
var ownPaths = []string{LeavePath, "/compte", "/equipe"}

// Handler stands in front of the console. Who has not entered is sent to C1; gestures that another site's page makes are
// refused; those of the desk are refused to roles that only look. It answers the enrolment of a device and the way through the
// town's provider by itself.
func (s *Staff) Handler(next http.Handler) http.Handler {
	csrf := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		if csrf.Check(r) != nil {
			s.say(w, http.StatusForbidden, page{Head: "Ce bouton venait d'une autre page.", Text: "Rien n'a changé. Revenez à la console.", To: "/", Go: "Revenir"})
			return
		}
		s.notice(r)
		switch {
		case r.URL.Path == DevicePath:
			s.enrol(w, r)
			return
		case s.city != nil && r.URL.Path == cityPath:
			s.goToCity(w, r)
			return
		case s.city != nil && r.URL.Path == returnPath:
			s.backFromCity(w, r)
			return
		case open(r.URL.Path):
			next.ServeHTTP(w, r)
			return
		}
		who, in := s.Who(r)
		read := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case !in && strings.Contains(r.Header.Get("Accept"), "text/event-stream"):
			http.Error(w, "", http.StatusUnauthorized) // a page that is left open: its next refresh leads to C1
		case !in:
			to := EnterPath
			if n := Next(r.RequestURI); read && n != "/" {
				to += "?" + url.Values{"suite": {n}}.Encode()
			}
			redirect(w, to)
		case !who.Role.May(Look) || !read && !who.Role.May(Serve) && !own(r.URL.Path):
			s.say(w, http.StatusForbidden, page{Head: "Votre rôle ne permet pas ce geste.", Text: "Rien n'a changé. Demandez à une personne de l'équipe.", To: "/", Go: "Revenir"})
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// open reports whether a path is answered to who has not entered.
func open(path string) bool {
	return path == EnterPath || path == InvitationPath || path == LeavePath || strings.HasPrefix(path, assetsPath)
}

func own(path string) bool {
	for _, p := range ownPaths {
		if path == p || strings.HasPrefix(path, p+"/") {
			return true
		}
	}
	return false
}

// secure sets what holds for every answer; a page may be stricter, and no page may be kept by a cache. No HSTS: the name is
// a router's, and a browser must not hold a later certificate's trouble against it.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "+
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
