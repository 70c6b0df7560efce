package pages_test

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"parvis/internal/hub/alerts"
	"parvis/internal/hub/rollout"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink/wire"
)

// ways are ways out of which those named in broken do not work.
type ways struct {
	all    []alerts.Way
	broken map[string]bool
	tried  []string
}

func (w *ways) Ways() []alerts.Way { return w.all }

func (w *ways) Try(_ context.Context, way string) error {
	w.tried = append(w.tried, way)
	if w.broken[way] {
		return errors.New("the server answers 500")
	}
	return nil
}

// enrols gives a site its box.
func (w *world) enrols(tenant, site string) {
	w.t.Helper()
	var code string
	storetest.In(w.t, w.hub, tenant, func(ctx context.Context, t *store.Tenant) (err error) {
		code, _, err = t.Code(ctx, site, time.Hour)
		return err
	})
	_, _, _, err := w.hub.Enrol(w.t.Context(), enrolment(code))
	w.must(err)
}

// publishes makes a publication of a site's layer, and returns its number.
func (w *world) publishes(tenant, site, source string) (id string) {
	w.t.Helper()
	w.enrols(tenant, site)
	storetest.In(w.t, w.hub, tenant, func(ctx context.Context, t *store.Tenant) error {
		if err := t.WriteLayer(ctx, site, source, "administration"); err != nil {
			return err
		}
		p, err := rollout.Publish(ctx, t, "administration")
		id = strconv.FormatInt(p.ID, 10)
		return err
	})
	return id
}

var readMark = regexp.MustCompile(`name="lu" value="([^"]*)"`)

// writes types a layer into the page at path and saves it.
func (w *world) writes(path, source string) *httptest.ResponseRecorder {
	w.t.Helper()
	m := readMark.FindStringSubmatch(w.ask(http.MethodGet, path).Body.String())
	if m == nil {
		w.t.Fatalf("%s has no form", path)
	}
	return w.ask(http.MethodPost, path, "texte", source, "lu", html.UnescapeString(m[1]))
}

func (w *world) layer(site string) (source string) {
	w.t.Helper()
	storetest.In(w.t, w.hub, "lac", func(ctx context.Context, t *store.Tenant) error {
		l, err := t.Layer(ctx, site)
		source = l.Source
		return err
	})
	return source
}

// administered is a world whose lac has a site with a box, and its administrator has entered.
func administered(t *testing.T) *world {
	w := newWorld(t)
	w.enrols("lac", w.lac.ID)
	w.join("lac", "administration", staff.DSI)
	w.enter("administration")
	return w
}

// Each value of a site says which of the layers it is of; a lower one wins.
func TestASiteShowsWhereItsValuesAreFrom(t *testing.T) {
	w := newWorld(t)
	w.enrols("lac", w.lac.ID)
	w.join("", "centre", staff.EPCI)
	w.join("lac", "administration", staff.DSI)
	w.enter("centre")
	if answer := w.writes("/reglages", "[site]\r\ntimezone = \"Europe/Paris\"\r\ndesk = \"l'accueil\"\r\n"); answer.Code != http.StatusSeeOther {
		t.Fatalf("the EPCI's: %d", answer.Code)
	}
	w.enter("administration")
	if body := w.ask(http.MethodGet, "/reglages").Body.String(); !strings.Contains(body, "timezone = &#34;Europe/Paris&#34;\ndesk") {
		t.Error("a commune does not see the EPCI's layer")
	}
	for path, source := range map[string]string{"/reglages": "[site]\ndesk = \"le comptoir\"\ncontact = \"mairie\"", "/reglages/" + w.lac.ID: "[site]\ncontact = \"le lac\""} {
		if answer := w.writes(path, source); answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != path+"?fait=reglages" {
			t.Fatalf("%s: %d %s", path, answer.Code, answer.Header().Get("Location"))
		}
	}
	body := w.ask(http.MethodGet, "/reglages/"+w.lac.ID).Body.String()
	_, values, _ := strings.Cut(body, `id="valeurs"`)
	for key, want := range map[string]string{
		"site.timezone": "<code>&#34;Europe/Paris&#34;</code></td><td data-head=\"D&#39;où vient la valeur\">toutes les communes</td>",
		"site.desk":     "<code>&#34;le comptoir&#34;</code></td><td data-head=\"D&#39;où vient la valeur\">la commune</td>",
		"site.contact":  "<code>&#34;le lac&#34;</code></td><td data-head=\"D&#39;où vient la valeur\">ce lieu</td>",
	} {
		_, row, _ := strings.Cut(values, "<code>"+key+"</code>")
		if row, _, _ = strings.Cut(row, "</tr>"); !strings.HasSuffix(row, want) {
			t.Errorf("%s: %s", key, row)
		}
	}
}

// What is wrong is said with its line, and what was typed is still there; nothing is saved.
func TestALayerThatIsWrongIsNotSaved(t *testing.T) {
	w := administered(t)
	w.writes("/reglages", "[site]\ndesk = \"avant\"")
	long := "# " + strings.Repeat("é", 12<<10) + "\n"
	for name, c := range map[string]struct {
		source string
		code   int
		want   string
	}{
		"a type":           {"[site]\ndesk = 3\n", 422, "Ligne 2\u00a0: site.desk\u00a0: trouvé un nombre\u00a0; attendu\u00a0: un texte"},
		"not TOML":         {"[site]\ndesk = \"ouvert\n", 422, "Ligne 2\u00a0: le guillemet ouvert ici"},
		"one machine":      {"[wan]\ninterface = \"eth9\"\n", 422, "Ligne 2\u00a0: wan.interface ne vaut que pour une machine"},
		"a nameless":       {"[[profile]]\nlabel = \"Visite\"\n", 422, "la forme d&#39;une configuration"},
		"a sign of no use": {"# a\x00b\n", 422, "Rien n&#39;est enregistré"},
		"too long":         {long, 413, "trop long"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := w.writes("/reglages", c.source)
			body := answer.Body.String()
			if answer.Code != c.code || !strings.Contains(body, c.want) {
				t.Errorf("%d, without %q: %s", answer.Code, c.want, body)
			}
			if typed := strings.NewReplacer("\"", "&#34;", "\x00", "\ufffd").Replace(c.source); !strings.Contains(body, ">\n"+typed+"</textarea>") {
				t.Error("what was typed is lost")
			}
			if got := w.layer(""); got != "[site]\ndesk = \"avant\"" {
				t.Errorf("saved: %q", got)
			}
		})
	}
	for name, fields := range map[string][]string{"no field": {"lu", "x"}, "longer than a form may be": {"texte", strings.Repeat("é", 40<<10)}} {
		if answer := w.ask(http.MethodPost, "/reglages", fields...); answer.Code < 400 || w.layer("") != "[site]\ndesk = \"avant\"" {
			t.Errorf("%s: %d, now %q", name, answer.Code, w.layer(""))
		}
	}
}

// Who did not see a colleague's text does not replace it unasked.
func TestTwoPeopleDoNotOverwriteEachOther(t *testing.T) {
	w := administered(t)
	mark := readMark.FindStringSubmatch(w.ask(http.MethodGet, "/reglages").Body.String())[1]
	w.writes("/reglages", "[site]\ndesk = \"le leur\"")
	answer := w.ask(http.MethodPost, "/reglages", "texte", "[site]\ndesk = \"le mien\"", "lu", mark)
	body := answer.Body.String()
	if answer.Code != http.StatusConflict || !strings.Contains(body, "le mien") || !strings.Contains(body, "le leur") || w.layer("") != "[site]\ndesk = \"le leur\"" {
		t.Fatalf("%d, %q: %s", answer.Code, w.layer(""), body)
	}
	w.ask(http.MethodPost, "/reglages", "texte", "[site]\ndesk = \"le mien\"", "lu", html.UnescapeString(readMark.FindStringSubmatch(body)[1]))
	if w.layer("") != "[site]\ndesk = \"le mien\"" {
		t.Errorf("who has seen it may not: %q", w.layer(""))
	}
}

// What publishing would change is shown before, who goes back afterwards and why; nothing is told twice.
func TestSettingsArePublishedAndComeBack(t *testing.T) {
	w := administered(t)
	w.counted("lac", w.lac.ID, 1, well())
	w.writes("/reglages", "[site]\ndesk = \"le comptoir\"")
	if body := w.ask(http.MethodGet, "/reglages").Body.String(); !strings.Contains(body, "1 lieu va recevoir des changements") || !strings.Contains(body, "1 réglage change") {
		t.Error("the page does not say what publishing would do")
	}
	diff := `<td data-head="Avant">pas réglé</td><td data-head="Après"><code>&#34;le comptoir&#34;</code></td>`
	if body := w.ask(http.MethodGet, "/reglages/"+w.lac.ID).Body.String(); !strings.Contains(body, diff) {
		t.Error("the site does not say what would change")
	}
	answer := w.ask(http.MethodPost, "/publications")
	at, _, _ := strings.Cut(answer.Header().Get("Location"), "?")
	if answer.Code != http.StatusSeeOther {
		t.Fatalf("publish: %d", answer.Code)
	}
	says := func(want ...string) {
		t.Helper()
		body := w.ask(http.MethodGet, at).Body.String()
		for _, s := range want {
			if !strings.Contains(body, s) {
				t.Errorf("without %q: %s", s, body)
			}
		}
	}
	advance := func() {
		storetest.In(t, w.hub, "lac", func(ctx context.Context, tt *store.Tenant) error { return rollout.Advance(ctx, tt, w.now) })
	}
	says("En cours", "pas encore prévenu", "Arrêter")
	advance()
	says("prévenu le")
	if answer := w.ask(http.MethodPost, "/publications"); answer.Code != http.StatusConflict || !strings.Contains(answer.Body.String(), "a déjà reçu ces réglages") {
		t.Errorf("again: %d", answer.Code)
	}
	now := well()
	storetest.In(t, w.hub, "lac", func(ctx context.Context, tt *store.Tenant) error {
		o, err := tt.Told(ctx, store.Settings, w.lac.ID)
		now.Refused = &wire.Refused{Bundle: strconv.FormatInt(o.Version, 10), Why: "check"}
		return err
	})
	w.counted("lac", w.lac.ID, 1, now)
	advance()
	says("Revenu en arrière.", "ces réglages ne vont pas ensemble")
	if body := w.ask(http.MethodGet, "/reglages").Body.String(); !strings.Contains(body, "ce lieu était revenu en arrière") {
		t.Error("a site that went back is not told again")
	}
	if body := w.ask(http.MethodGet, "/publications").Body.String(); !strings.Contains(body, at) {
		t.Error("the history does not have it")
	}
	if body := w.ask(http.MethodGet, "/journal").Body.String(); !strings.Contains(body, "Réglages publiés") || !strings.Contains(body, "Réglages changés") {
		t.Error("the log does not have it")
	}
}

func TestAPersonStopsAPublication(t *testing.T) {
	w := newWorld(t)
	w.join("lac", "administration", staff.DSI)
	w.enter("administration")
	at := "/publications/" + w.publishes("lac", w.lac.ID, "[site]\ndesk = \"le comptoir\"")
	if answer := w.ask(http.MethodPost, at+"/arreter"); answer.Code != http.StatusSeeOther {
		t.Fatalf("%d", answer.Code)
	}
	if body := w.ask(http.MethodGet, at).Body.String(); !strings.Contains(body, "Arrêtée par une personne") || strings.Contains(body, "/arreter") {
		t.Error("the page does not say that it has ended")
	}
	if answer := w.ask(http.MethodPost, at+"/arreter"); answer.Code != http.StatusNotFound {
		t.Errorf("twice: %d", answer.Code)
	}
}

// A commune tries its own ways alone, and of the centre's learns that they are there.
func TestAWayIsTried(t *testing.T) {
	w := newWorld(t)
	w.ways = ways{broken: map[string]bool{"tickets": true}, all: []alerts.Way{
		{Name: "astreinte", Kind: "mail", Tenant: "lac", To: []string{"astreinte@exemple.test"}},
		{Name: "tickets", Kind: "zammad", Tenant: "lac", Group: "Réseau", Problems: []string{"silent"}},
		{Name: "centre", Kind: "mail", To: []string{"centre@exemple.test"}},
	}}
	w.join("", "centre", staff.EPCI)
	w.join("lac", "administration", staff.DSI)
	w.enter("administration")
	storetest.In(t, w.hub, "lac", func(ctx context.Context, tt *store.Tenant) error {
		id, err := tt.BeginIncident(ctx, w.lac.ID, "silent", nil, w.now)
		if err != nil {
			return err
		}
		return tt.AddMessage(ctx, id, "tickets", "begin", nil)
	})
	body := w.ask(http.MethodGet, "/alertes").Body.String()
	for _, want := range []string{"astreinte@exemple.test", "groupe Réseau", "le lieu ne donne plus de nouvelles", "1 message attend.", "voie du centre"} {
		if !strings.Contains(body, want) {
			t.Errorf("without %q", want)
		}
	}
	if strings.Contains(body, "centre@exemple.test") {
		t.Error("a commune sees who the centre's receivers are")
	}
	for _, c := range []struct {
		who, way string
		code     int
	}{
		{"administration", "astreinte", 303},
		{"administration", "tickets", 422},
		{"administration", "centre", 404},
		{"administration", "rien", 404},
		{"centre", "centre", 303},
		{"centre", "astreinte", 404},
	} {
		w.enter(c.who)
		answer := w.ask(http.MethodPost, "/alertes/"+c.way+"/essai")
		if answer.Code != c.code {
			t.Errorf("%s tries %s: %d, want %d", c.who, c.way, answer.Code, c.code)
		}
		if told := strings.Contains(answer.Body.String(), "the server answers 500"); told != (c.code == 422) {
			t.Errorf("%s tries %s: why it failed is told: %v", c.who, c.way, told)
		}
	}
	if got := strings.Join(w.ways.tried, " "); got != "astreinte tickets centre" {
		t.Errorf("tried: %s", got)
	}
}
