package main

import (
	"testing"
	"time"

	"parvis/internal/lab/browser"
	"parvis/sessions"
)

// watch is a browser on which nothing is waited for in less than a minute: two rounds of passwords and a start of Chromium
// take their time on a busy machine.
type watch struct {
	t *testing.T
	*browser.Browser
}

func (w watch) see(sentences ...string) {
	w.t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		err := w.See(ctx(w.t), sentences...)
		if err == nil {
			return
		}
		if time.Now().After(end) {
			w.t.Fatal(err)
		}
	}
}

func (w watch) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// A colleague's own phone on the public Wi-Fi, from the link to the tap: Chromium keeps connections, cookies and policies as
// a browser does, and no client of ours does.
func TestAColleaguesBrowserGoesFromTheLinkToTheFirstTap(t *testing.T) {
	p := openConsole(t)
	phone, resident := p.guest(), p.guest()
	link, _ := p.staffLink("add", "--role", "mediator", "Leïla")
	b, err := browser.Start(ctx(t), phone, p.CAFile(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := watch{t, b}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	w.do(b.Viewport(ctx(t), 360, 740))

	w.do(b.Open(ctx(t), "https://"+consoleName+"/"))
	w.see("Cet appareil n'est pas inscrit.")
	w.do(b.Open(ctx(t), link))
	w.see("Inscrire cet appareil")
	w.do(b.Click(ctx(t), "Inscrire cet appareil")) // the 303 is followed over a new connection, which is led to the console
	w.see("Créer votre compte", "Vous entrez dans l'équipe")
	for id, text := range map[string]string{"nom": "Leïla", "identifiant": "informaticienne", "mot-de-passe": staffPassword, "encore": staffPassword} {
		w.do(b.Fill(ctx(t), id, text))
	}
	w.do(b.Click(ctx(t), "Créer mon compte"))
	w.see("Entrer", "Mot de passe oublié ?")
	w.do(b.Fill(ctx(t), "identifiant", "informaticienne"))
	w.do(b.Fill(ctx(t), "mot-de-passe", staffPassword))
	w.do(b.Click(ctx(t), "Entrer"))
	w.see("Personne n'attend.", "Changer l'ouverture", "Leïla")
	if at, err := b.URL(ctx(t)); err != nil || at != "https://"+consoleName+"/" {
		t.Errorf("the browser is at %s, %v", at, err)
	}

	if status, body := p.get(resident, portalURL+"/attendre"); status != 200 {
		t.Fatalf("the page of who waits: %d %s", status, body)
	}
	w.see("30 min") // by itself
	w.do(b.Click(ctx(t), "30 min"))
	w.see("Internet est ouvert pour")
	if s := p.sessionOf(resident); s.OpenedBy != sessions.FromDesk || s.State != sessions.Open {
		t.Errorf("%+v", s)
	}
	p.passes(resident, true)
}
