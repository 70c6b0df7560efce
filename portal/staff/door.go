package staff

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"strings"
)

// Door is what everybody who is not let in sees under the console's name on the public network, beside the portal and on
// its TLS listener: how to enrol a device. A device that is enrolled is let in, and asks again over a new connection, which
// the firewall leads to the console. There is nothing else behind it.
func (s *Staff) Door() http.Handler {
	csrf := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		w.Header().Set("Connection", "close")
		d, known := s.Device(r)
		secret := r.URL.Query().Get("j")
		switch {
		case len(r.RequestURI) > 2<<10:
			s.say(w, http.StatusRequestURITooLong, page{Head: "Cette adresse est trop longue."})
		case csrf.Check(r) != nil:
			s.say(w, http.StatusForbidden, page{Head: "Ce bouton venait d'une autre page.", Text: "Rien n'a changé."})
		case known && (r.Method == http.MethodGet || r.Method == http.MethodHead):
			s.letIn(w, r, d, r.RequestURI)
		case r.URL.Path == DevicePath || r.URL.Path == InvitationPath && (secret != "" || r.Method == http.MethodPost):
			s.enrol(w, r)
		case known: // a form that was sent after the admission had ended
			s.letIn(w, r, d, "/")
		default:
			s.say(w, http.StatusForbidden, page{
				Head: "Cette page est pour l'équipe.", Text: "Cet appareil n'est pas inscrit. Demandez un code QR à une personne de l'équipe, puis ouvrez-le ici.",
			})
		}
	})
}

// Front sends plain HTTP under the console's name to HTTPS, and hands everything else on.
func (s *Staff) Front(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.Named(r.Host) {
			next.ServeHTTP(w, r)
			return
		}
		to := "/"
		if r.Method == http.MethodGet && len(r.RequestURI) <= 2<<10 && strings.HasPrefix(r.RequestURI, "/") {
			to = r.RequestURI
		}
		w.Header().Set("Connection", "close")
		w.Header().Set("Cache-Control", "no-store")
		redirect(w, "https://"+s.o.Name+to)
	})
}

// Named reports whether a Host header is the console's name, with any port.
func (s *Staff) Named(host string) bool {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	return strings.EqualFold(strings.TrimSuffix(host, "."), s.o.Name)
}

// maxTriesIn is how often a device is let in without reaching the console before it is told that this does not work.
const maxTriesIn = 5

// letIn admits an enrolled device and has it ask again for to.
func (s *Staff) letIn(w http.ResponseWriter, r *http.Request, d Device, to string) {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") {
		to = "/"
	}
	tries, err := s.admit(r.Context(), remote(r), d)
	if err != nil || tries > maxTriesIn {
		s.o.Log.Warn("staff: let a device in", "tries", tries, "cause", err)
		s.say(w, http.StatusServiceUnavailable, page{
			Head: "La console ne s'ouvre pas sur cet appareil.",
			Text: "Coupez le Wi-Fi de l'appareil, puis remettez-le. Si cela continue, appelez l'informatique.", To: "/", Go: "Essayer encore",
		})
		return
	}
	redirect(w, "https://"+s.o.Name+to)
}

// enrol shows the form of a link and uses it up: reading it, as the previews of messages do, changes nothing.
func (s *Staff) enrol(w http.ResponseWriter, r *http.Request) {
	secret := r.URL.Query().Get("j")
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, 4<<10)
		secret = r.PostFormValue("j")
		d, err := s.Enrol(w, r, secret)
		switch {
		case err != nil:
			s.badLink(w)
		case !s.guest(remote(r)):
			redirect(w, s.after(r, secret))
		default:
			s.letIn(w, r, d, s.after(r, secret))
		}
		return
	}
	s.mu.Lock()
	t, err := s.token(secret, ForDevice)
	if err != nil {
		t, err = s.token(secret, ForAccount)
	}
	used := err == nil && t.Device != ""
	var label string
	if err == nil {
		label = t.Label
	}
	s.mu.Unlock()
	if err != nil || used {
		s.badLink(w)
		return
	}
	s.say(w, http.StatusOK, page{
		Head: "Inscrire cet appareil", Text: "L'appareil « " + label + " » pourra ouvrir la console de l'équipe sur ce Wi-Fi.",
		Form: r.URL.Path, Secret: secret, Go: "Inscrire cet appareil",
	})
}

// after is where an enrolment leads on to.
func (s *Staff) after(r *http.Request, secret string) string {
	if r.URL.Path == InvitationPath {
		return InvitationPath + "?j=" + template.URLQueryEscaper(secret)
	}
	return "/"
}

func (s *Staff) badLink(w http.ResponseWriter) {
	s.say(w, http.StatusGone, page{
		Head: "Ce lien ne marche plus.", Text: "Un lien sert une fois, pendant 24 heures. Demandez un nouveau code QR à une personne de l'équipe.",
	})
}

// page is one of the few pages that are shown without the console.
type page struct {
	Head, Text string
	Form       string // POST here, with Secret
	Secret     string
	To, Go     string // a link, or the form's button
}

//go:embed door.css
var doorStyle string

var doorPage = template.Must(template.New("door").Parse(`<!doctype html>
<html lang="fr">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Head}} – Équipe</title>
<style>{{.Style}}</style>
<main>
<h1>{{.Head}}</h1>
{{with .Text}}<p>{{.}}</p>
{{end}}{{if .Form}}<form method="post" action="{{.Form}}"><input type="hidden" name="j" value="{{.Secret}}"><button>{{.Go}}</button></form>
{{else if .To}}<p><a class="main" href="{{.To}}">{{.Go}}</a></p>
{{end}}</main>
</html>
`))

// doorPolicy allows the one style by its hash (CSP 3, 8.3).
var doorPolicy = func() string {
	h := sha256.Sum256([]byte(doorStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(h[:]) + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

func (s *Staff) say(w http.ResponseWriter, status int, p page) {
	var b strings.Builder
	if err := doorPage.Execute(&b, struct {
		page
		Style template.CSS
	}{p, template.CSS(doorStyle)}); err != nil {
		panic("staff: door page: " + err.Error()) // the template and its data are in this file
	}
	h := w.Header()
	h.Set("Content-Security-Policy", doorPolicy)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write([]byte(b.String())) // the client may have gone
}
