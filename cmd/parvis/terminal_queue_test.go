package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"parvis/internal/lab"
)

// Numbers are written before the page says them: who holds one is called after a kill -9 too.
func TestNumbersOutliveTheDaemon(t *testing.T) {
	p := openConsole(t, func(s *lab.Site) { s.Posts = true })
	console := "https://" + consoleName
	c := p.colleague(p.guest(), "mediator")
	do := func(path string, form url.Values) {
		t.Helper()
		if status, _, body := p.ask(c, http.MethodPost, console+path, form); status != http.StatusSeeOther {
			t.Fatalf("%s: %d: %s", path, status, body)
		}
	}
	page := func(path string, sentences ...string) {
		t.Helper()
		status, _, body := p.ask(c, http.MethodGet, console+path, nil)
		for _, s := range sentences {
			if status != http.StatusOK || !strings.Contains(body, s) {
				t.Errorf("%s: %d, without %q:\n%s", path, status, s, body)
			}
		}
	}
	for range 3 {
		do("/file/donner", url.Values{})
	}
	do("/file/appeler", url.Values{})
	page("/file", "Appeler le 2")
	if err := p.daemon.Kill(); err != nil {
		t.Fatal(err)
	}
	p.serve()
	page("/file", "Appeler le 2")
	page("/file/hall", "Le suivant\u00a0: 2.")
	page("/catalogue", "Caf : mes aides, mon dossier", "jamais essayé")
	do("/file/donner", url.Values{})
	page("/file", `<b class="code">4</b>`)
}

func TestAPlaceWhoseCatalogueIsNotRightDoesNotServe(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{Posts: true, More: "[gate]\nservices = [\"al\"]\n"})
	if out, err := p.parvis.Output(ctx(t), "check"); err == nil {
		t.Errorf("check: %s", out)
	}
	d, err := p.parvis.Serve(ctx(t))
	if err == nil {
		p.daemon = d
		t.Error("it serves")
	}
}
