package lab

import (
	"crypto/rand"
	"errors"
	"fmt"
	"html"
	"io"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Hosts of a whole online procedure, as a resident goes through it on a terminal: from a service's page over a state login to
// an identity provider and back, with a code that only her mailbox has.
const (
	Account  = "connect.caf.lab.test"
	Connect  = "app.franceconnect.lab.test"
	Identity = "idp.impots.lab.test"
	Mailbox  = "mail.messagerie.lab.test"
	Video    = "www.video.lab.test" // no public service: nobody opens it for a terminal
)

// Upload is one file as Account has received it.
type Upload struct {
	Bytes int64
	Whole bool // it came to its end
	Open  bool // it is still coming
	// Last is, once it was cut, when the host's kernel received the last bytes of its connection.
	Last time.Time
}

// demarche is what the hosts of the procedure know. One town has one resident at a time.
type demarche struct {
	mu      sync.Mutex
	code    string          // that the mailbox shows
	tickets map[string]bool // that the provider has given and nobody has used
	entered map[string]bool // cookies of who is in
	uploads []*Upload
}

func newDemarche() *demarche {
	return &demarche{tickets: map[string]bool{}, entered: map[string]bool{}}
}

func (d *demarche) hosts() []Host {
	return []Host{
		{Name: Account, pages: d.account()},
		{Name: Connect, pages: d.connect()},
		{Name: Identity, pages: d.identity()},
		{Name: Mailbox, pages: d.mailbox()},
		{Name: Video, pages: servicePage("Des vidéos", "Ce site n'est pas une démarche.")},
	}
}

// Uploads are the files that Account has received or is receiving, oldest first.
func (t *Town) Uploads() []Upload {
	d := t.net.demarche
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]Upload, len(d.uploads))
	for i, u := range d.uploads {
		all[i] = *u
	}
	return all
}

func page(w http.ResponseWriter, title, body string) {
	text("text/html; charset=utf-8", fmt.Sprintf(`<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>%[1]s</title>
<style>body{font:1.2rem sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}input,button{font:inherit;padding:.4rem}</style></head>
<body><h1>%[1]s</h1>
%[2]s</body></html>
`, title, body)).ServeHTTP(w, new(http.Request))
}

// away sends the browser on, to another host.
func away(w http.ResponseWriter, host, path string) {
	w.Header().Set("Location", "https://"+host+path)
	w.WriteHeader(http.StatusSeeOther)
}

func secret() string {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(err) // crypto/rand does not fail on Linux
	}
	return fmt.Sprintf("%06d", n)
}

const accountCookie = "dossier"

func (d *demarche) account() http.Handler {
	mux := http.NewServeMux()
	in := func(r *http.Request) bool {
		c, err := r.Cookie(accountCookie)
		d.mu.Lock()
		defer d.mu.Unlock()
		return err == nil && d.entered[c.Value]
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		if !in(r) {
			away(w, Connect, "/choix")
			return
		}
		page(w, "Mon dossier", `<p>Bonjour. Votre dossier est ouvert.</p>
<form action="/pieces" method="post" enctype="multipart/form-data"><label for="piece">Une pièce</label> <input type="file" id="piece" name="piece"> <button>Envoyer</button></form>
<form action="/pieces?debit=200000" method="post" enctype="multipart/form-data"><label for="grosse">Une grosse pièce</label> <input type="file" id="grosse" name="piece"> <button>Envoyer la grosse pièce</button></form>
<p><a href="/attestation">Mon attestation</a></p>`)
	})
	mux.HandleFunc("GET /retour", func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		ticket := r.URL.Query().Get("ticket")
		if !d.tickets[ticket] {
			http.Error(w, "ticket inconnu", http.StatusForbidden)
			return
		}
		delete(d.tickets, ticket)
		cookie := secret() + secret()
		d.entered[cookie] = true
		http.SetCookie(w, &http.Cookie{Name: accountCookie, Value: cookie, Path: "/", Secure: true, HttpOnly: true})
		away(w, Account, "/")
	})
	mux.HandleFunc("POST /pieces", func(w http.ResponseWriter, r *http.Request) {
		if !in(r) {
			http.Error(w, "pas de dossier", http.StatusForbidden)
			return
		}
		n, err := d.receive(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		page(w, "Pièce reçue", fmt.Sprintf(`<p>Nous avons reçu %d octets.</p><p><a href="/">Mon dossier</a></p>`, n))
	})
	mux.HandleFunc("GET /attestation", func(w http.ResponseWriter, r *http.Request) {
		if !in(r) {
			away(w, Connect, "/choix")
			return
		}
		page(w, "Attestation", `<p>La personne a des droits ouverts.</p><p><button type="button" onclick="print()">Imprimer</button></p>
<p style="break-before:page">Ses droits durent un an.</p>
<p style="break-before:page">Elle garde ce papier.</p>`)
	})
	return mux
}

// receive takes a file in at ?debit= bytes a second (0: as it comes), and keeps nothing of it but its size.
func (d *demarche) receive(r *http.Request) (int64, error) {
	rate, _ := strconv.Atoi(r.URL.Query().Get("debit"))
	parts, err := r.MultipartReader()
	if err != nil {
		return 0, err
	}
	u := &Upload{Open: true}
	d.mu.Lock()
	d.uploads = append(d.uploads, u)
	d.mu.Unlock()
	finish := func(err error) (int64, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		u.Open, u.Whole = false, err == nil
		if err != nil {
			u.Last = lastArrival(r.Context())
		}
		return u.Bytes, err
	}
	buf := make([]byte, 16<<10)
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return finish(nil)
		}
		if err != nil {
			return finish(err)
		}
		for start, read := time.Now(), 0; ; {
			n, err := part.Read(buf)
			d.mu.Lock()
			u.Bytes += int64(n)
			d.mu.Unlock()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return finish(err)
			}
			if read += n; rate > 0 {
				select {
				case <-time.After(time.Until(start.Add(time.Duration(float64(read) / float64(rate) * float64(time.Second))))):
				case <-r.Context().Done():
					return finish(r.Context().Err())
				}
			}
		}
	}
}

func (d *demarche) connect() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /choix", func(w http.ResponseWriter, r *http.Request) {
		page(w, "Choisir un compte", `<p>Je choisis un compte pour me connecter.</p>
<form action="/compte" method="post"><button>Mon compte des impôts</button></form>`)
	})
	mux.HandleFunc("POST /compte", func(w http.ResponseWriter, _ *http.Request) { away(w, Identity, "/entrer") })
	mux.HandleFunc("GET /retour", func(w http.ResponseWriter, r *http.Request) {
		away(w, Account, "/retour?ticket="+r.URL.Query().Get("ticket"))
	})
	return mux
}

func (d *demarche) identity() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /entrer", func(w http.ResponseWriter, _ *http.Request) {
		page(w, "Se connecter", `<form action="/entrer" method="post"><label for="numero">Numéro</label> <input id="numero" name="numero">
<button>Continuer</button></form>`)
	})
	mux.HandleFunc("POST /entrer", func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		d.code = secret()
		d.mu.Unlock()
		page(w, "Un code vous attend", `<p>Nous avons envoyé un code dans votre messagerie.</p>
<form action="/code" method="post"><label for="code">Code</label> <input id="code" name="code" inputmode="numeric"> <button>Valider</button></form>`)
	})
	mux.HandleFunc("POST /code", func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.code == "" || strings.TrimSpace(r.PostFormValue("code")) != d.code {
			http.Error(w, "ce code n'est pas le bon", http.StatusForbidden)
			return
		}
		d.code = ""
		ticket := secret() + secret()
		d.tickets[ticket] = true
		away(w, Connect, "/retour?ticket="+ticket)
	})
	return mux
}

func (d *demarche) mailbox() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		d.mu.Lock()
		code := d.code
		d.mu.Unlock()
		body := "<p>Aucun message.</p>"
		if code != "" {
			body = `<p>Un message des impôts.</p><p>Votre code est <b id="code">` + html.EscapeString(code) + "</b>.</p>"
		}
		page(w, "Ma messagerie", body)
	})
	return mux
}
