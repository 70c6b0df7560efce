package gate

import (
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed page.html
var source string

var page = template.Must(template.New("page").Parse(source))

// sentence is what a refusal says to a person; who may be behind it knows nothing of names and ports.
type sentence struct{ Title, Then string }

func say(status int, why Why) sentence {
	switch {
	case why == NoGrant || why == Unknown:
		return sentence{"Internet est fermé sur cet appareil.", "Pour l'ouvrir, allez à l'accueil."}
	case status == http.StatusForbidden:
		return sentence{"Ce site est fermé ici.", "Vous en avez besoin ? Demandez à l'accueil."}
	case status == http.StatusBadRequest:
		return sentence{"Cette adresse ne marche pas.", "Regardez l'adresse et tapez-la encore une fois."}
	default:
		return sentence{"Ce site ne répond pas.", "Votre appareil marche bien. Essayez plus tard."}
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
	page.Execute(w, struct { // a client that has gone is no news
		sentence
		Home string
	}{say(status, why), g.opt.Home})
}
