package pages_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"parvis/internal/hub/rollout"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
)

// releases keeps a version with a file for each architecture.
func (w *world) releases(version string, archs ...string) {
	w.t.Helper()
	files := map[string]io.ReadSeeker{}
	for _, a := range archs {
		files[a] = bytes.NewReader([]byte(version + a))
	}
	_, err := w.hub.AddRelease(w.t.Context(), version, files)
	w.must(err)
}

// says is a sign of life of a site of lac.
func (w *world) says(site string, now wire.Now) {
	w.t.Helper()
	storetest.In(w.t, w.hub, "lac", func(ctx context.Context, t *store.Tenant) error {
		s, err := t.Site(ctx, site)
		if err != nil {
			return err
		}
		seq := int64(1)
		if s.Contact != nil {
			seq = 1 << 20
		}
		_, err = t.Take(ctx, site, wire.Batch{Epoch: epoch, Seq: seq, Sent: w.now.Unix(), Now: now}, w.now)
		return err
	})
}

// turn is a turn of the hub, some time later.
func (w *world) turn(later time.Duration) {
	w.t.Helper()
	w.now = w.now.Add(later)
	storetest.In(w.t, w.hub, "lac", func(ctx context.Context, t *store.Tenant) error { return rollout.Advance(ctx, t, w.now) })
}

// number is that of the release that a site was last told of.
func (w *world) number(site string) (n int64) {
	w.t.Helper()
	storetest.In(w.t, w.hub, "lac", func(ctx context.Context, t *store.Tenant) error {
		o, err := t.Told(ctx, store.Upgrades, site)
		n = o.Version
		return err
	})
	return n
}

// runs is a well site with a version.
func runs(version, arch string) wire.Now {
	n := well()
	n.Version, n.Arch = version, arch
	return n
}

// another adds a site of lac with its box.
func (w *world) another(name string) store.Site {
	w.t.Helper()
	s := storetest.Site(w.t, w.hub, "lac", name)
	w.enrols("lac", s.ID)
	return s
}

func TestAVersionIsBroughtToTheSites(t *testing.T) {
	w := administered(t)
	body := func(path string) string { return w.ask(http.MethodGet, path).Body.String() }
	if !strings.Contains(body("/mise-a-jour"), "aucune version à donner") {
		t.Error("without a version the page does not say what to do")
	}
	if answer := w.ask(http.MethodPost, "/mise-a-jour", "version", "1.1"); answer.Code != http.StatusConflict || !strings.Contains(answer.Body.String(), "n&#39;a plus cette version") {
		t.Errorf("one that there is not: %d", answer.Code)
	}
	second, small, old := w.another("Maison du Port"), w.another("Petite annexe"), w.another("Vieille annexe")
	w.says(w.lac.ID, runs("1.0", "amd64"))
	w.says(second.ID, runs("1.0", "amd64"))
	w.says(small.ID, runs("1.0", "armv7"))
	w.says(old.ID, well())
	w.releases("1.0", "amd64")
	w.releases("1.1", "amd64", "arm64")
	page := body("/mise-a-jour")
	for _, want := range []string{"2 lieux vont la recevoir", "Petite annexe", "n&#39;a pas de fichier pour ce modèle", "Vieille annexe", "trop ancien", "amd64, arm64"} {
		if !strings.Contains(page, want) {
			t.Errorf("before: without %q", want)
		}
	}
	answer := w.ask(http.MethodPost, "/mise-a-jour", "version", "1.1")
	if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/mise-a-jour?fait=mise-a-jour" {
		t.Fatalf("%d %s", answer.Code, answer.Header().Get("Location"))
	}
	w.turn(time.Minute)
	if w.number(second.ID) == 0 { // by name it is the first
		t.Fatal("the first site was not told")
	}
	waiting := runs("1.0", "amd64")
	waiting.Upgrade = &wire.Upgrade{Number: w.number(second.ID), Version: "1.1", State: "waiting", Why: "hours"}
	w.says(second.ID, waiting)
	if page := body("/mise-a-jour"); !strings.Contains(page, "attend la fermeture") || !strings.Contains(page, "Un premier lieu essaie") || !strings.Contains(page, "Lieux laissés de côté") {
		t.Error("the page does not say how far it is")
	}
	if page := body("/parc"); !strings.Contains(page, `href="/mise-a-jour"`) || !strings.Contains(page, "attend la 1.1") {
		t.Error("the fleet does not lead there")
	}
	// It goes back: everything stops, with the reason, and a person goes on without it.
	back := waiting
	back.Upgrade = &wire.Upgrade{Number: w.number(second.ID), Version: "1.1", State: "back", Why: "console"}
	w.says(second.ID, back)
	w.turn(time.Minute)
	page = body("/mise-a-jour")
	for _, want := range []string{"Arrêtée\u00a0: un lieu est revenu en arrière", "La console de l&#39;équipe n&#39;est pas venue.", "/continuer"} {
		if !strings.Contains(page, want) {
			t.Errorf("gone back: without %q", want)
		}
	}
	_, at, _ := strings.Cut(page, `action="/publications/`)
	id, _, _ := strings.Cut(at, "/")
	if answer := w.ask(http.MethodPost, "/publications/"+id+"/continuer"); answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/publications/"+id+"?fait=continue" {
		t.Fatalf("%d %s", answer.Code, answer.Header().Get("Location"))
	}
	w.turn(time.Minute)
	w.says(w.lac.ID, runs("1.1", "amd64"))
	w.turn(time.Minute)
	w.turn(time.Minute)
	page = body("/publications/" + id)
	for _, want := range []string{"marche avec depuis", "La suite se fait sans lui.", "Tous les lieux joignables ont cette version", "Revenir à la version 1.0"} {
		if !strings.Contains(page, want) {
			t.Errorf("done: without %q", want)
		}
	}
	// Back to the version before: a rollout of that one.
	answer = w.ask(http.MethodPost, "/publications/"+id+"/revenir")
	if answer.Code != http.StatusSeeOther || !strings.HasSuffix(answer.Header().Get("Location"), "?fait=revient") {
		t.Fatalf("%d: %s", answer.Code, answer.Body)
	}
	if page := body("/mise-a-jour"); !strings.Contains(page, "Version 1.0, lancée le") {
		t.Error("no rollout of the version before")
	}
	w.must(w.hub.WithdrawRelease(t.Context(), "1.0"))
	if answer := w.ask(http.MethodPost, "/publications/"+id+"/revenir"); answer.Code != http.StatusConflict || !strings.Contains(answer.Body.String(), "n&#39;a plus cette version") {
		t.Errorf("to what was withdrawn: %d", answer.Code)
	}
	if page := body("/journal"); !strings.Contains(page, "Mise à jour lancée") || !strings.Contains(page, "continuée") || !strings.Contains(page, "Retour en arrière lancé") {
		t.Error("the log does not have it")
	}
}

func TestAPublicationIsRevertedByOneButton(t *testing.T) {
	w := administered(t)
	publish := func(desk string) string {
		t.Helper()
		w.writes("/reglages", "[site]\ndesk = \""+desk+"\"")
		at, _, _ := strings.Cut(w.ask(http.MethodPost, "/publications").Header().Get("Location"), "?")
		w.turn(time.Minute)
		return at
	}
	w.says(w.lac.ID, well())
	publish("le comptoir")
	at := publish("le bureau")
	if page := w.ask(http.MethodGet, at).Body.String(); !strings.Contains(page, at+"/revenir") {
		t.Fatal("there is no way back")
	}
	answer := w.ask(http.MethodPost, at+"/revenir")
	if answer.Code != http.StatusSeeOther {
		t.Fatalf("%d", answer.Code)
	}
	storetest.In(t, w.hub, "lac", func(ctx context.Context, tt *store.Tenant) error {
		o, err := tt.Told(ctx, store.Settings, w.lac.ID)
		if !strings.Contains(o.Config, "le comptoir") {
			t.Errorf("the site is told %q", o.Config)
		}
		return err
	})
	if source := w.layer(""); !strings.Contains(source, "le bureau") {
		t.Errorf("what was written is %q", source)
	}
	if answer := w.ask(http.MethodPost, at+"/revenir"); answer.Code != http.StatusConflict || !strings.Contains(answer.Body.String(), "Rien n&#39;est changé") {
		t.Errorf("twice: %d", answer.Code)
	}
}

// Before anything is published, and after, it is said which terminals make their image anew.
func TestWhoBurnsTerminalsAnewIsSaidBefore(t *testing.T) {
	w := administered(t)
	w.says(w.lac.ID, well()) // with two terminals
	w.writes("/reglages", "[site]\ndesk = \"le comptoir\"\n")
	if page := w.ask(http.MethodGet, "/reglages").Body.String(); strings.Contains(page, "refaire") {
		t.Error("terminals burn for the name of the desk")
	}
	w.writes("/reglages", "[site]\ndesk = \"le comptoir\"\n[terminals]\nidle = \"20m\"\n")
	page := w.ask(http.MethodGet, "/reglages").Body.String()
	for _, want := range []string{"terminals.idle", "Jusqu&#39;à 2\u00a0postes peuvent refaire leur image", "parvis terminal publish"} {
		if !strings.Contains(strings.ReplaceAll(page, "Jusqu&#39;à 2 postes", "Jusqu&#39;à 2\u00a0postes"), want) {
			t.Errorf("without %q", want)
		}
	}
	if page := w.ask(http.MethodGet, "/reglages/"+w.lac.ID).Body.String(); !strings.Contains(page, "Ces réglages changent ce que lisent les postes Porteus\u00a0: terminals.idle.") {
		t.Error("the site's page does not say it")
	}
	at, _, _ := strings.Cut(w.ask(http.MethodPost, "/publications").Header().Get("Location"), "?")
	w.turn(time.Minute)
	held := well()
	held.Reburn = 1
	w.says(w.lac.ID, held)
	if page := w.ask(http.MethodGet, at).Body.String(); !strings.Contains(page, "1 poste va refaire son image") {
		t.Error("the publication does not say who burns")
	}
}

// upgrades are the pages of H5, in all their states.
func (a *album) upgrades() {
	a.t.Helper()
	a.see("H5-vide", "/mise-a-jour")
	port, small := a.another("Maison du Port"), a.another("Petite annexe")
	for _, s := range []store.Site{a.lac, port} {
		a.says(s.ID, runs("1.0", "amd64"))
	}
	a.says(small.ID, runs("1.0", "armv7"))
	a.releases("1.0", "amd64", "arm64")
	a.releases("1.1", "amd64", "arm64")
	a.see("H5-avant", "/mise-a-jour")
	a.send("H5-refus", "/mise-a-jour", "version", "9.9")
	a.ask(http.MethodPost, "/mise-a-jour", "version", "1.1", "ouvert", "oui")
	a.turn(time.Minute)
	at := runs("1.0", "amd64")
	at.Upgrade = &wire.Upgrade{Number: a.number(port.ID), Version: "1.1", State: "trial"}
	a.says(port.ID, at)
	a.see("H5-debut", "/mise-a-jour?fait=mise-a-jour")
	at.Upgrade.State, at.Upgrade.Why = "back", "page"
	a.says(port.ID, at)
	a.turn(time.Minute)
	a.see("H5-retour", "/mise-a-jour")
	a.see("H4-retour", "/parc")
	var id string
	storetest.In(a.t, a.hub, "lac", func(ctx context.Context, t *store.Tenant) error {
		all, err := t.Publications(ctx, store.Upgrades, 1)
		id = strconv.FormatInt(all[0].ID, 10)
		return err
	})
	a.ask(http.MethodPost, "/publications/"+id+"/continuer")
	a.turn(time.Minute)
	a.says(a.lac.ID, runs("1.1", "amd64"))
	a.turn(time.Minute)
	a.turn(time.Minute)
	a.see("H5-fin", "/publications/"+id)
	a.ask(http.MethodPost, "/mise-a-jour", "version", "1.0")
	a.see("H5-encore", "/mise-a-jour")
}
