package pages_test

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"parvis/internal/hub/opendata"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
)

// fit are the fields of a card that the national map takes, as people type them.
func fit() []string {
	return []string{
		"carte", "oui", "maintenant", "oui", "adresse", "1 place du Lac", "code_postal", "01 999", "commune", "Saint-Lac", "code_insee", "01999",
		"pivot", "210 000 000 00001", "latitude", "45,5", "longitude", "5.25", "telephone", "04 00 00 00 00", "courriels", "mediatheque@exemple.test; accueil@exemple.test",
		"site_web", "https://exemple.test/mediatheque", "fiche_acces_libre", "https://acceslibre.beta.gouv.fr/app/lac/", "wifi", "Wi-Fi du Lac",
		"nombre_de_borne_wifi", "3", "horaires", "mar-ven 10:00-12:00 14:00-18:30\r\n\r\nsam 10:00-17:00\r\n", "exceptions", "2026-12-25 fermé",
		"services", "Aide aux démarches administratives",
	}
}

// fills types a card of lac into its page, with the mark that the page has, and saves it.
func (w *world) fills(fields ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	at := "/exports/" + w.lac.ID
	m := readMark.FindStringSubmatch(w.ask(http.MethodGet, at).Body.String())
	if m == nil {
		w.t.Fatalf("%s has no form", at)
	}
	return w.ask(http.MethodPost, at, append(fields, "lu", html.UnescapeString(m[1]))...)
}

// said is what everybody finds of lac.
func (w *world) said() (opendata.Commune, error) {
	return opendata.Kept{Hub: w.hub, Clock: w.clock}.Commune(w.t.Context(), "lac")
}

func TestACardIsPublishedAsItWasTyped(t *testing.T) {
	w := administered(t)
	if answer := w.fills(fit()...); answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/exports?fait=fiche" {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	c, err := w.said()
	w.must(err)
	csv := string(opendata.MediationCSV(c.Places))
	for _, want := range []string{
		"21000000000001", ",01999,01999,", "45.5,5.25", "+33400000000", "mediatheque@exemple.test|accueil@exemple.test",
		"Tu-Fr 10:00-12:00,14:00-18:30; Sa 10:00-17:00; 2026 Dec 25 off", "Accès internet et matériel informatique|Aide aux démarches administratives",
		"https://acceslibre.beta.gouv.fr/app/lac/",
	} {
		if !strings.Contains(csv, want) {
			t.Errorf("the national map is not told %q: %s", want, csv)
		}
	}
	if p := c.Places[0]; !p.Live || p.WiFi || p.Points != 3 || p.Network != "Wi-Fi du Lac" {
		t.Errorf("%+v", p)
	}
	form := html.UnescapeString(w.ask(http.MethodGet, "/exports/"+w.lac.ID).Body.String())
	for _, want := range []string{"mar-ven 10:00-12:00 14:00-18:30\nsam 10:00-17:00", `value="Aide aux démarches administratives" checked`, `name="carte" value="oui" checked`, `name="liste" value="oui">`} {
		if !strings.Contains(form, want) {
			t.Errorf("the form has lost %q", want)
		}
	}
	list := html.UnescapeString(w.ask(http.MethodGet, "/exports").Body.String())
	for want, is := range map[string]bool{
		"https://hub.exemple.test/donnees/lac/lieux-mediation-numerique.csv": true, "/donnees/lac/lieux-mediation-numerique.json": true,
		"/donnees/lac/points-acces-wifi.csv": false, "/donnees/lac/ouverts.atom": true, "wp_remote_get( 'https://hub.exemple.test/donnees/lac/ouverts.html' )": true,
	} {
		if strings.Contains(list, want) != is {
			t.Errorf("the page has %q: %v, want %v", want, !is, is)
		}
	}
	if log := w.ask(http.MethodGet, "/journal").Body.String(); !strings.Contains(log, "Fiche publique changée") {
		t.Error("it is not in the log")
	}
}

// Whoever ticks nothing more publishes nothing more: the addresses answer as those of a commune that there is not.
func TestWhatIsNoLongerChosenIsNoLongerSaid(t *testing.T) {
	w := administered(t)
	if answer := w.fills(fit()...); answer.Code != http.StatusSeeOther {
		t.Fatal(answer.Code)
	}
	if answer := w.fills("adresse", "1 place du Lac"); answer.Code != http.StatusSeeOther {
		t.Fatal(answer.Code)
	}
	if _, err := w.said(); !errors.Is(err, opendata.ErrNoCommune) {
		t.Errorf("it is still said: %v", err)
	}
	body := html.UnescapeString(w.ask(http.MethodGet, "/exports").Body.String())
	if !strings.Contains(body, "La commune ne publie encore rien.") || !strings.Contains(body, "Rien n'est publié\u00a0: la commune") || strings.Contains(body, "/donnees/lac") {
		t.Error("the page does not say that nothing is published")
	}
}

// A card that cannot be said is refused with a sentence about each field, and everything typed is still there.
func TestACardThatDoesNotGoLosesNothing(t *testing.T) {
	w := administered(t)
	for name, c := range map[string]struct {
		fields []string // on top of those that are fit
		want   string
	}{
		"no SIRET":              {[]string{"pivot", "12"}, `<a href="#pivot">SIRET`},
		"no street":             {[]string{"adresse", ""}, `<a href="#adresse">Adresse`},
		"a formula":             {[]string{"complement_adresse", "=1+1"}, `<a href="#complement_adresse">Complément`},
		"half a point":          {[]string{"latitude", "", "longitude", "5,25"}, `<a href="#latitude">Latitude`},
		"no point of the Earth": {[]string{"latitude", "95", "longitude", "5"}, `<a href="#latitude">Latitude`},
		"no number":             {[]string{"longitude", "NaN"}, `<a href="#latitude">Latitude`},
		"letters for a number":  {[]string{"nombre_de_borne_wifi", "plusieurs"}, `<a href="#nombre_de_borne_wifi">Nombre`},
		"a wrong hour":          {[]string{"horaires", "lun 9:00-25:00"}, `"9:00-25:00" n'est pas une plage d'heures`},
		"a wrong day":           {[]string{"exceptions", "demain fermé"}, `"demain" n'est pas une date`},
		"a script for a site":   {[]string{"site_web", "javascript:alert(1)"}, `<a href="#site_web">Site web`},
		"another sheet":         {[]string{"fiche_acces_libre", "https://exemple.test/"}, `<a href="#fiche_acces_libre">Accès`},
		"no mail":               {[]string{"courriels", "accueil"}, `<a href="#courriels">Courriels`},
		"no phone":              {[]string{"telephone", "12"}, `<a href="#telephone">Téléphone`},
		"another service":       {[]string{"services", "Vente de glaces"}, `<a href="#services">Services`},
		"the list's own":        {[]string{"carte", "", "liste", "oui", "wifi", "@x"}, `<a href="#wifi">Nom du réseau`},
	} {
		t.Run(name, func(t *testing.T) {
			answer := w.fills(append(fit(), c.fields...)...)
			body := html.UnescapeString(answer.Body.String())
			if answer.Code != http.StatusUnprocessableEntity || !strings.Contains(body, c.want) {
				t.Errorf("%d, without %q: %s", answer.Code, c.want, body)
			}
			if name != "another service" && !strings.Contains(body, `value="Aide aux démarches administratives" checked`) || !strings.Contains(body, `value="Saint-Lac"`) {
				t.Error("something typed is lost")
			}
			if field, typed := c.fields[len(c.fields)-2], c.fields[len(c.fields)-1]; field != "services" && !strings.Contains(body, typed) {
				t.Errorf("%s: %q is lost", field, typed)
			}
			if _, err := w.said(); !errors.Is(err, opendata.ErrNoCommune) {
				t.Errorf("it is said: %v", err)
			}
		})
	}
}

func TestACardThatAnotherPersonHasChangedIsNotOverwrittenUnseen(t *testing.T) {
	w := administered(t)
	at := "/exports/" + w.lac.ID
	stale := append(fit(), "lu", html.UnescapeString(readMark.FindStringSubmatch(w.ask(http.MethodGet, at).Body.String())[1]))
	if answer := w.fills("adresse", "2 rue du Lac"); answer.Code != http.StatusSeeOther {
		t.Fatal(answer.Code)
	}
	answer := w.ask(http.MethodPost, at, stale...)
	if body := answer.Body.String(); answer.Code != http.StatusConflict || !strings.Contains(body, "1 place du Lac") || !strings.Contains(body, "une autre personne a changé cette fiche") {
		t.Errorf("%d", answer.Code)
	}
	if answer := w.fills(fit()...); answer.Code != http.StatusSeeOther {
		t.Errorf("and now that it was seen: %d", answer.Code)
	}
}

// A card that was complete once stays out of the file when it is not any more, and the page says so.
func TestAPlaceThatIsLeftAsideIsNamed(t *testing.T) {
	w := administered(t)
	if answer := w.fills(fit()...); answer.Code != http.StatusSeeOther {
		t.Fatal(answer.Code)
	}
	storetest.In(t, w.hub, "lac", func(ctx context.Context, tt *store.Tenant) error { return tt.RenameSite(ctx, w.lac.ID, "=Lac") })
	c, err := w.said()
	w.must(err)
	body := html.UnescapeString(w.ask(http.MethodGet, "/exports").Body.String())
	if good, _ := opendata.Mediation(c.Places); len(good) > 0 {
		t.Errorf("the map has %d places", len(good))
	}
	for _, want := range []string{"Laissé de côté\u00a0: carte nationale.", "<li>Nom du lieu", "Publié\u00a0: ouvert maintenant<", "Pas choisi\u00a0: liste des points d'accès Wi-Fi<"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q: %s", want, body)
		}
	}
}

func TestWhoMayNotChangeACardSeesNoWayToIt(t *testing.T) {
	w := newWorld(t)
	w.join("lac", "lecture", staff.Reader)
	w.enter("lecture")
	body := w.ask(http.MethodGet, "/exports").Body.String()
	if !strings.Contains(body, "Médiathèque du Lac") || strings.Contains(body, `href="/exports/`) || strings.Contains(body, `href="/export"`) {
		t.Error(body)
	}
}

// cards are the pages of H14 for a commune's administrator.
func (a *album) cards() {
	a.t.Helper()
	at := "/exports/" + a.lac.ID
	a.see("H14-rien", "/exports")
	a.see("H14-fiche-vide", at)
	a.send("H14-refus", at, append(fit(), "pivot", "12", "latitude", "nord", "horaires", "lun 9:00-25:00", "lu", "0001-01-01T00:00:00Z")...)
	if answer := a.fills(append(fit(), "liste", "oui")...); answer.Code != http.StatusSeeOther {
		a.t.Fatalf("the card: %d", answer.Code)
	}
	a.see("H14", "/exports?fait=fiche")
	a.see("H14-fiche", at)
	storetest.In(a.t, a.hub, "lac", func(ctx context.Context, t *store.Tenant) error { return t.RenameSite(ctx, a.lac.ID, "@Lac") })
	a.see("H14-de-cote", "/exports")
	storetest.In(a.t, a.hub, "lac", func(ctx context.Context, t *store.Tenant) error {
		return t.RenameSite(ctx, a.lac.ID, "Médiathèque du Lac")
	})
}
