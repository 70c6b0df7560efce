package lab

import (
	"bytes"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// servicePage is a public service of the lab: one small page that works without anything else.
func servicePage(title, sentence string) http.Handler {
	return paths{"/": text("text/html; charset=utf-8", fmt.Sprintf(`<!doctype html>
<html lang="fr">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>%[1]s</title>
<style>body{font:1.2rem sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}</style></head>
<body>
<h1>%[1]s</h1>
<p>%[2]s</p>
<p>Ce site est un exemple. Il n'existe que sur cet ordinateur.</p>
</body>
</html>
`, title, sentence))}
}

// The rate of /flux, in bytes per second.
const (
	defaultRate = 100_000
	maxRate     = 1 << 30
)

// trials is what tests measure with.
func trials() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", servicePage("Essais", "Ici, on mesure."))
	mux.HandleFunc("/flux", endless)
	mux.Handle("/liens", text("text/html; charset=utf-8", "<!doctype html><html lang=\"fr\"><title>Liens</title>\n"+
		"<form action=\"/ouvrir\" method=\"post\"><button name=\"v\" value=\"oui\">Ouvrir\n maintenant</button></form>\n"))
	mux.HandleFunc("POST /ouvrir", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/ouvert?v="+url.QueryEscape(r.PostFormValue("v")), http.StatusSeeOther)
	})
	mux.HandleFunc("/ouvert", func(w http.ResponseWriter, r *http.Request) {
		text("text/html; charset=utf-8", "<!doctype html><html lang=\"fr\"><title>Ouvert</title>\nVous avez ouvert : "+
			html.EscapeString(r.URL.Query().Get("v"))).ServeHTTP(w, r)
	})
	mux.HandleFunc("/vu", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, r.RemoteAddr)
	})
	// What the client sends is counted and thrown away: the other direction of /flux.
	mux.HandleFunc("POST /depot", func(w http.ResponseWriter, r *http.Request) {
		n, err := discard(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		fmt.Fprintln(w, n)
	})
	return mux
}

// endless sends bytes at ?rate= a second until the client leaves.
func endless(w http.ResponseWriter, r *http.Request) {
	rate := defaultRate
	if v := r.URL.Query().Get("rate"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > maxRate {
			http.Error(w, fmt.Sprintf("rate: bytes a second, 1 to %d", maxRate), http.StatusBadRequest)
			return
		}
		rate = n
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	out := http.NewResponseController(w)
	chunk := bytes.Repeat([]byte("parvis\n"), 4096)
	const step = 20 * time.Millisecond
	tick := time.NewTicker(step)
	defer tick.Stop()
	for start, sent := time.Now(), 0; ; {
		for due := int(time.Since(start).Seconds()*float64(rate)) - sent; due > 0; {
			n, err := w.Write(chunk[:min(due, len(chunk))])
			if err != nil {
				return
			}
			sent, due = sent+n, due-n
		}
		if out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}
