package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"parvis/internal/lab"
)

// From a machine that nobody knows to a post that somebody sits at, by the console alone.
func TestThePostOfTheConsoleIsThePostThatSaysSo(t *testing.T) {
	lab.NeedsLab(t)
	s := consoleSite()
	files := filepath.Join(t.TempDir(), "equipe")
	s.More, s.Posts = strings.ReplaceAll(s.More, "STAFF", files), true
	p := town(t, lab.Options{}, s)
	if err := p.CA.WriteCertificate(files+".crt", files+".key", consoleName); err != nil {
		t.Fatal(err)
	}
	p.serve()
	if _, err := p.parvis.Dnsmasq(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := p.parvis.DnsmasqTerminals(ctx(t)); err != nil {
		t.Fatal(err)
	}
	post := p.plug("poste1")
	browser := func() *http.Client { // a clean one
		c := post.Client()
		c.CheckRedirect = nil
		c.Jar, _ = cookiejar.New(nil) // fails only on a bad option
		return c
	}
	first := browser()
	shows := func(c *http.Client, want string) {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx(t), http.MethodGet, kioskP+"?kiosk=1-B3-D5E-4C-2A", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "text/html")
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		content, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if body := string(content); !strings.Contains(body, want) {
			t.Fatalf("the post does not show %q:\n%s", want, body)
		}
	}
	shows(first, "Cet ordinateur est nouveau ici.")

	desk := p.colleague(p.guest(), "dsi")
	console := "https://" + consoleName
	page := func(path, want string) string {
		t.Helper()
		status, _, body := p.ask(desk, http.MethodGet, console+path, nil)
		if status != http.StatusOK || !strings.Contains(body, want) {
			t.Fatalf("%s: %d, want %q:\n%s", path, status, want, body)
		}
		return body
	}
	press := func(path string, form url.Values) string {
		t.Helper()
		status, to, body := p.ask(desk, http.MethodPost, console+path, form)
		if status != http.StatusSeeOther {
			t.Fatalf("%s: %d\n%s", path, status, body)
		}
		return to
	}
	add := regexp.MustCompile(`/postes/nouveau-\d+/ajouter`).FindString(page("/postes", "1-B3-D5E-4C-2A"))
	to := press(add, url.Values{"retour": {"/postes"}})
	id, _, _ := strings.Cut(strings.TrimPrefix(to, "/postes/"), "?")
	shows(first, "Cet ordinateur est fermé.")
	page("/postes", "Prêt")

	press("/postes/"+id+"/ouvrir", url.Values{"pour": {"30m0s"}})
	shows(first, "Bonjour.")
	page("/postes/"+id, "Boîtes mail fermées")
	press("/postes/"+id+"/services", url.Values{"choix": {"messagerie"}})
	page("/postes/"+id, "Boîtes mail ouvertes")
	press("/postes/"+id+"/message", url.Values{"texte": {"Votre impression est prête."}})
	if status, body := p.get(post, kioskP+"besoins"); status != http.StatusOK || !strings.Contains(body, "Votre impression est prête.") {
		t.Errorf("%d: %s", status, body)
	}

	press("/postes/"+id+"/fin", url.Values{})
	shows(first, "C&#39;est fini.")
	if status, _, body := p.ask(desk, http.MethodPost, console+"/postes/"+id+"/ouvrir", url.Values{"pour": {"30m0s"}}); status != http.StatusConflict || !strings.Contains(body, "pas encore nettoyé") {
		t.Errorf("it opens before its browser has come back clean: %d %s", status, body)
	}
	shows(browser(), "Cet ordinateur est fermé.")
	press("/postes/"+id+"/ouvrir", url.Values{"pour": {"30m0s"}})
}
