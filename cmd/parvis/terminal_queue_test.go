package main

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"parvis/internal/lab"
	"parvis/kiosk"
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

// The number that was called to a terminal sits down and the terminal opens, by one gesture; taken back, it is called again and the
// terminal is nobody's.
func TestTheQueuesRowOpensItsTerminal(t *testing.T) {
	d := openDesk(t, "")
	d.adopt("poste1", "Poste 1")
	d.press("/file/donner", nil)
	d.press("/file/appeler", url.Values{"poste": {"Poste 1"}})
	d.shows("/file", "Installer et ouvrir 30\u00a0min")
	d.press("/file/1/ouvrir", nil)
	if _, open := d.left("Poste 1"); !open {
		t.Fatal("the terminal is not open")
	}
	_, _, body := d.ask(d.c, http.MethodGet, "https://"+consoleName+"/file", nil)
	undo := regexp.MustCompile(`name="geste" value="(\d+)"`).FindStringSubmatch(body)
	if undo == nil {
		t.Fatalf("it cannot be taken back:\n%s", body)
	}
	d.press("/file/annuler", url.Values{"geste": {undo[1]}})
	if a := d.terminal("Poste 1"); a.State != kiosk.Cleaning {
		t.Errorf("taken back, the terminal is %s", a.State)
	}
	d.shows("/file", `id="i-1"`) // called again
}
