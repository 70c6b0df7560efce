package pages_test

import (
	"bytes"
	"context"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
)

var codes = regexp.MustCompile(`[A-Z2-7]{4}(-[A-Z2-7]{4}){3}`)

func (w *world) copies(site string, n int) {
	w.t.Helper()
	storetest.In(w.t, w.hub, "lac", func(ctx context.Context, t *store.Tenant) error {
		return t.KeepCopy(ctx, site, bytes.Repeat([]byte{byte(n)}, 32), make([]byte, 48_213))
	})
}

// replacements shows H10 in its states: without copies, with one, with its code, and after a box has come.
func (a *album) replacements() {
	a.t.Helper()
	site := "/sites/" + a.lac.ID + "/remplacer"
	a.see("H10-sans-copie", site)
	a.send("H10-sans-copie-code", site)
	a.copies(a.lac.ID, 1)
	a.see("H10", site)
	a.send("H10-code", site)
}

func TestH10SaysHowTheCopyIsAndGivesACode(t *testing.T) {
	w := newWorld(t)
	w.join("lac", "administration", staff.DSI)
	w.join("lac", "lecture", staff.Reader)
	w.enter("administration")
	site := "/sites/" + w.lac.ID + "/remplacer"
	see := func(says ...string) string {
		t.Helper()
		body := w.ask(http.MethodGet, site).Body.String()
		for _, s := range says {
			if !strings.Contains(body, s) {
				t.Errorf("the page does not say %q:\n%s", s, body)
			}
		}
		if codes.MatchString(body) {
			t.Error("a code is there before somebody asks for it")
		}
		return body
	}
	see("Ce lieu ne fait pas de copies")
	for _, tt := range []struct {
		copied int64
		says   string
	}{
		{0, "Aucune copie n&#39;est encore faite"},
		{w.now.Add(-5 * time.Hour).Unix(), "il y a 5"},
		{w.now.Add(-4 * 24 * time.Hour).Unix(), "sera perdu"},
		{w.now.Add(900 * time.Hour).Unix(), "Aucune copie n&#39;est encore faite"}, // a clock that is wrong by weeks
	} {
		now := well()
		now.Copied = &tt.copied
		w.now = w.now.Add(time.Second) // a later batch
		w.counted("lac", w.lac.ID, 1, now)
		see(tt.says)
	}
	w.copies(w.lac.ID, 1)
	see("Le centre garde", " ko", "ne peut pas lire")
	if body := w.ask(http.MethodGet, "/parc").Body.String(); !strings.Contains(body, `data-head="Copie"`) || !strings.Contains(body, site) {
		t.Error("the fleet names neither the copy nor the way to this page")
	}
	if body := w.ask(http.MethodGet, "/sites/"+w.lac.ID).Body.String(); !strings.Contains(body, site) {
		t.Error("the site's page does not lead here")
	}

	answer := w.ask(http.MethodPost, site).Body.String()
	code := codes.FindString(answer)
	if code == "" || !strings.Contains(answer, "parvis replace "+code+" --hub https://hub.exemple.test --key") {
		t.Fatal(answer)
	}
	see()
	e := enrolment(code)
	e.Replaces = true
	if _, _, _, err := w.hub.Enrol(t.Context(), e); err != nil {
		t.Error("the code is worth nothing: ", err)
	}
	see("Elle a remplacé une autre box")
	if log := w.ask(http.MethodGet, "/journal").Body.String(); !strings.Contains(log, "Code créé pour remplacer une box") {
		t.Error("the log does not say it")
	}
	w.enter("lecture")
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if answer := w.ask(method, site); answer.Code != http.StatusForbidden {
			t.Errorf("a reader's %s is answered %d", method, answer.Code)
		}
	}
	if body := w.ask(http.MethodGet, "/parc").Body.String(); strings.Contains(body, site) {
		t.Error("a reader is led there")
	}
}

func TestASilentSiteLeadsToTheReplacementOfItsBox(t *testing.T) {
	w := newWorld(t)
	w.join("lac", "administration", staff.DSI)
	storetest.In(t, w.hub, "lac", func(ctx context.Context, tt *store.Tenant) error {
		_, err := tt.BeginIncident(ctx, w.lac.ID, "silent", nil, w.now.Add(-time.Hour))
		return err
	})
	w.enter("administration")
	if body := w.ask(http.MethodGet, "/incidents").Body.String(); !strings.Contains(body, "/sites/"+w.lac.ID+"/remplacer") {
		t.Error(body)
	}
}
