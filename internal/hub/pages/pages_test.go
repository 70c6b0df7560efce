package pages_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"parvis/internal/hub/alerts"
	"parvis/internal/hub/pages"
	"parvis/internal/hub/staff"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
)

// For every route: what an account of lac asks of an object of bois does not exist, and nothing of bois is in the answer. A route that
// has no case here fails.
func TestNoRouteShowsAnotherCommune(t *testing.T) {
	w := newWorld(t)
	w.join("lac", "administration", staff.DSI)
	theirs := w.join("bois", "secrete", staff.DSI)
	w.counted("bois", w.bois.ID, 40, well())
	w.ways.all = []alerts.Way{{Name: "secrete", Kind: "mail", Tenant: "bois", To: []string{"secrete@exemple.test"}}, {Name: "centre", Kind: "mail", To: []string{"secrete@exemple.test"}}}
	theirPublication := w.publishes("bois", w.bois.ID, "[site]\ndesk = \"le bureau secrete\"\n")
	var theirIncident, theirColleague string
	storetest.In(t, w.hub, "bois", func(ctx context.Context, tt *store.Tenant) error {
		id, err := tt.BeginIncident(ctx, w.bois.ID, "disk", []string{"Lieu-Secret"}, w.now)
		if err != nil {
			return err
		}
		theirIncident = strconv.FormatInt(id, 10)
		c, err := tt.AddColleague(ctx, store.Colleague{Login: "secrete", Name: "Médiatrice secrete", Role: "mediator"})
		theirColleague = c.ID
		return err
	})
	w.enter("administration")
	site, person := "/sites/"+w.bois.ID, "/equipe/"+theirs.ID
	// path and fields of a request about an object of bois, and what it has to answer. A page without an object shows one's own.
	cases := map[string]struct {
		path   string
		code   int
		fields []string
	}{
		"GET /{$}":       {"/", http.StatusSeeOther, nil},
		"GET /compte":    {"/compte", http.StatusOK, nil},
		"POST /compte":   {"/compte", http.StatusUnprocessableEntity, []string{"actuel", "x", "mot-de-passe", "velours tambour citron", "encore", "velours tambour citron"}},
		"GET /sites":     {"/sites?q=secret", http.StatusOK, nil},
		"GET /parc":      {"/parc", http.StatusOK, nil},
		"GET /incidents": {"/incidents", http.StatusOK, nil},
		"GET /enroler":   {"/enroler", http.StatusOK, nil},
		"GET /export":    {"/export", http.StatusOK, nil},
		"GET /equipe":    {"/equipe", http.StatusOK, nil},
		"GET /journal":   {"/journal?qui=" + theirs.ID, http.StatusOK, nil},
		"POST /equipe":   {"/equipe", http.StatusForbidden, []string{"nom", "Espionne", "role", "epci"}},
		"POST /enroler":  {"/enroler", http.StatusUnprocessableEntity, []string{"nom", "x"}},
		"POST /rapport":  {"/rapport", http.StatusSeeOther, nil},
		"GET /rapport":   {"/rapport?lieu=" + w.bois.ID, http.StatusOK, nil}, // nothing to show: lac was never heard

		"GET /sites/{site}":                          {site, http.StatusNotFound, nil},
		"POST /sites/{site}/code":                    {site + "/code", http.StatusNotFound, nil},
		"POST /sites/{site}/nom":                     {site + "/nom", http.StatusNotFound, []string{"nom", "Pris"}},
		"GET /sites/{site}/retirer":                  {site + "/retirer", http.StatusNotFound, nil},
		"POST /sites/{site}/retirer":                 {site + "/retirer", http.StatusNotFound, nil},
		"POST /incidents/{incident}":                 {"/incidents/" + theirIncident, http.StatusNotFound, nil},
		"GET /rapport/fichier":                       {"/rapport/fichier?format=csv&lieu=" + w.bois.ID, http.StatusNotFound, nil},
		"POST /equipe/{person}/role":                 {person + "/role", http.StatusNotFound, []string{"role", "reader"}},
		"POST /equipe/{person}/mot-de-passe":         {person + "/mot-de-passe", http.StatusNotFound, nil},
		"GET /equipe/{person}/fermer":                {person + "/fermer", http.StatusNotFound, nil},
		"POST /equipe/{person}/fermer":               {person + "/fermer", http.StatusNotFound, nil},
		"GET /personnes":                             {"/personnes", http.StatusOK, nil},
		"GET /personnes/{colleague}":                 {"/personnes/" + theirColleague, http.StatusNotFound, nil},
		"POST /personnes/{colleague}/lieux":          {"/personnes/" + theirColleague + "/lieux", http.StatusNotFound, []string{"lieu", w.lac.ID}},
		"GET /personnes/{colleague}/fermer":          {"/personnes/" + theirColleague + "/fermer", http.StatusNotFound, nil},
		"POST /personnes/{colleague}/fermer":         {"/personnes/" + theirColleague + "/fermer", http.StatusNotFound, nil},
		"GET /reglages":                              {"/reglages", http.StatusOK, nil},
		"POST /reglages":                             {"/reglages", http.StatusUnprocessableEntity, []string{"texte", "x"}},
		"GET /reglages/{site}":                       {"/reglages/" + w.bois.ID, http.StatusNotFound, nil},
		"POST /reglages/{site}":                      {"/reglages/" + w.bois.ID, http.StatusNotFound, []string{"texte", "[site]", "lu", store.Written{}.Made.Format(time.RFC3339Nano)}},
		"GET /publications":                          {"/publications", http.StatusOK, nil},
		"POST /publications":                         {"/publications", http.StatusConflict, nil},
		"GET /publications/{publication}":            {"/publications/" + theirPublication, http.StatusNotFound, nil},
		"POST /publications/{publication}/arreter":   {"/publications/" + theirPublication + "/arreter", http.StatusNotFound, nil},
		"POST /publications/{publication}/continuer": {"/publications/" + theirPublication + "/continuer", http.StatusNotFound, nil},
		"POST /publications/{publication}/revenir":   {"/publications/" + theirPublication + "/revenir", http.StatusNotFound, nil},
		"GET /mise-a-jour":                           {"/mise-a-jour", http.StatusOK, nil},
		"POST /mise-a-jour":                          {"/mise-a-jour", http.StatusConflict, []string{"version", "1.1"}},
		"GET /exports":                               {"/exports", http.StatusOK, nil},
		"GET /exports/{site}":                        {"/exports/" + w.bois.ID, http.StatusNotFound, nil},
		"POST /exports/{site}":                       {"/exports/" + w.bois.ID, http.StatusNotFound, []string{"lu", "0001-01-01T00:00:00Z", "maintenant", "oui"}},
		"GET /alertes":                               {"/alertes", http.StatusOK, nil},
		"POST /alertes/{way}/essai":                  {"/alertes/secrete/essai", http.StatusNotFound, nil},
		"GET /communes":                              {"/communes", http.StatusForbidden, nil},
		"POST /communes":                             {"/communes", http.StatusForbidden, []string{"identifiant", "a", "nom", "Aa", "personne", "Aa"}},
		"POST /communes/{commune}/inviter":           {"/communes/bois/inviter", http.StatusForbidden, []string{"personne", "Espionne"}},
		"GET /communes/{commune}/depart":             {"/communes/bois/depart", http.StatusForbidden, nil},
		"POST /communes/{commune}/depart":            {"/communes/bois/depart", http.StatusForbidden, []string{"identifiant", "bois"}},
		"GET /centre":                                {"/centre", http.StatusForbidden, nil},
	}
	open := map[string]bool{}
	for _, r := range pages.OpenRoutes() {
		open[r] = true
	}
	for _, route := range pages.Routes() {
		if open[route] {
			continue // of nobody's commune
		}
		t.Run(route, func(t *testing.T) {
			c, ok := cases[route]
			if !ok {
				t.Fatalf("no case for %s: what does it answer about another commune's object?", route)
			}
			method, _, _ := strings.Cut(route, " ")
			answer := w.ask(method, c.path, c.fields...)
			if answer.Code != c.code {
				t.Errorf("%d, want %d", answer.Code, c.code)
			}
			for _, secret := range []string{"Bois-Secret", "Lieu-Secret", "secrete"} {
				if strings.Contains(answer.Body.String(), secret) {
					t.Errorf("the answer holds %q", secret)
				}
			}
		})
	}
	storetest.In(t, w.hub, "bois", func(ctx context.Context, tt *store.Tenant) error {
		s, err := tt.Site(ctx, w.bois.ID)
		if p, err := tt.Publications(ctx, store.Settings, 1); err != nil || p[0].State != "going" || len(w.ways.tried) > 0 {
			t.Errorf("another commune has ended a publication, or tried a way: %+v, %v, %v", p, w.ways.tried, err)
		}
		if s.Name != "Lieu-Secret" {
			t.Errorf("another commune has changed it: %+v", s)
		}
		return err
	})
	w.enter("secrete") // she still can, and still is who she was
	if answer := w.ask(http.MethodGet, "/equipe"); answer.Code != http.StatusOK {
		t.Errorf("her account was changed: %d", answer.Code)
	}
}

// The EPCI sees of a commune health and totals: no page or gesture of a commune is its own.
func TestTheEPCISeesHealthAndTotals(t *testing.T) {
	w := newWorld(t)
	w.join("", "centre", staff.EPCI)
	w.counted("lac", w.lac.ID, 3, well())
	w.enter("centre")
	for path, code := range map[string]int{
		"/": http.StatusSeeOther, "/communes": http.StatusOK, "/centre": http.StatusOK, "/equipe": http.StatusOK, "/journal": http.StatusOK,
		"/sites": http.StatusForbidden, "/sites/" + w.lac.ID: http.StatusForbidden, "/parc": http.StatusForbidden, "/incidents": http.StatusForbidden,
		"/reglages": http.StatusOK, "/reglages/" + w.lac.ID: http.StatusForbidden, "/publications": http.StatusForbidden, "/mise-a-jour": http.StatusForbidden, "/alertes": http.StatusOK,
		"/exports": http.StatusForbidden, "/exports/" + w.lac.ID: http.StatusForbidden,
		"/rapport": http.StatusForbidden, "/enroler": http.StatusForbidden, "/export": http.StatusForbidden,
	} {
		answer := w.ask(http.MethodGet, path)
		if answer.Code != code {
			t.Errorf("%s: %d, want %d", path, answer.Code, code)
		}
		if strings.Contains(answer.Body.String(), "Médiathèque du Lac") {
			t.Errorf("%s names a site", path)
		}
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	w := newWorld(t)
	w.join("lac", "lecture", staff.Reader)
	w.join("lac", "dpo", staff.DPO)
	for login, want := range map[string]map[string]int{
		"lecture": {"GET /sites": 200, "GET /journal": 403, "GET /equipe": 403, "GET /enroler": 403, "POST /enroler": 403, "POST /incidents/1": 403, "GET /export": 403, "GET /publications": 200, "POST /publications": 403, "GET /mise-a-jour": 200, "POST /mise-a-jour": 403, "POST /publications/1/continuer": 403, "POST /publications/1/revenir": 403, "GET /reglages": 403, "GET /alertes": 403, "GET /exports": 200, "GET /exports/x": 403, "POST /exports/x": 403},
		"dpo":     {"GET /sites": 200, "GET /journal": 200, "GET /equipe": 403, "POST /enroler": 403, "GET /export": 403, "POST /reglages": 403, "POST /publications/1/arreter": 403},
	} {
		w.enter(login)
		for what, code := range want {
			method, path, _ := strings.Cut(what, " ")
			if answer := w.ask(method, path); answer.Code != code {
				t.Errorf("%s: %s: %d, want %d", login, what, answer.Code, code)
			}
		}
	}
	w.who = nil
	if answer := w.ask(http.MethodGet, "/sites"); answer.Header().Get("Location") != "/entrer?suite=%2Fsites" {
		t.Errorf("nobody: %d %s", answer.Code, answer.Header().Get("Location"))
	}
}

// What needs a hand comes first, then by name.
func TestAllSitesAtAGlance(t *testing.T) {
	w := newWorld(t)
	w.join("lac", "lecture", staff.Reader)
	w.many("lac", 120)
	w.enter("lecture")
	body := w.ask(http.MethodGet, "/sites").Body.String()
	order := []string{"Lieu 005<", "Lieu 105<", "Lieu 007<", "Lieu 057<", "Lieu 009<", "Médiathèque du Lac<", "Lieu 000<"} // silent, cut, ill, unheard, open
	at := 0
	for _, name := range order {
		i := strings.Index(body[at:], ">"+name)
		if i < 0 {
			t.Fatalf("%s does not follow", name)
		}
		at += i
	}
	if !strings.Contains(body, "Voir Lieu 005") {
		t.Error("the first problem is missing")
	}
	if body := w.ask(http.MethodGet, "/sites?q=lieu+01&tri=nom").Body.String(); !strings.Contains(body, "10 lieux dans la liste") {
		t.Error("the filter by name")
	}
	if body := w.ask(http.MethodGet, "/sites?etat=voir").Body.String(); strings.Contains(body, "Lieu 000<") || !strings.Contains(body, "Lieu 007<") {
		t.Error("the filter by state")
	}
}

func TestASiteIsAddedAndEnrolledByItsCode(t *testing.T) {
	w := newWorld(t)
	w.join("lac", "administration", staff.DSI)
	w.enter("administration")
	body := w.ask(http.MethodPost, "/enroler", "nom", "Maison des services").Body.String()
	_, after, ok := strings.Cut(body, "parvis hub enrol ")
	if !ok {
		t.Fatalf("no code on the page: %s", body)
	}
	code, _, _ := strings.Cut(after, "<")
	ref, name, _, err := w.hub.Enrol(t.Context(), enrolment(code))
	if err != nil || ref.Tenant != "lac" || name != "Maison des services" {
		t.Fatalf("%+v, %q, %v", ref, name, err)
	}
	if body := w.ask(http.MethodGet, "/enroler").Body.String(); strings.Contains(body, code) {
		t.Error("the code is on another page")
	}
}

// A commune joins on one page; its first administrator enters by the link; it takes its data and leaves.
func TestACommuneJoinsAndLeaves(t *testing.T) {
	w := newWorld(t)
	w.join("", "centre", staff.EPCI)
	w.enter("centre")
	for name, c := range map[string][]string{
		"taken":  {"identifiant", "lac", "nom", "Autre Lac", "personne", "Administration"},
		"no id":  {"identifiant", "Été", "nom", "Été", "personne", "Administration"},
		"nobody": {"identifiant", "val", "nom", "Val", "personne", ""},
	} {
		if answer := w.ask(http.MethodPost, "/communes", c...); answer.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, answer.Code)
		}
	}
	body := w.ask(http.MethodPost, "/communes", "identifiant", "val", "nom", "Val", "personne", "Administration").Body.String()
	_, after, ok := strings.Cut(body, "/invitation?j=")
	if !ok {
		t.Fatal("no link on the page")
	}
	secret, _, _ := strings.Cut(after, "<")
	centre := w.who
	w.who = nil
	answer := w.ask(http.MethodPost, "/invitation", "j", secret, "nom", "Administration", "identifiant", "val", "mot-de-passe", password, "encore", password)
	if answer.Code != http.StatusSeeOther {
		t.Fatalf("the link: %d", answer.Code)
	}
	w.enter("val")
	if answer := w.ask(http.MethodGet, "/export"); answer.Header().Get("Content-Type") != "application/zip" || answer.Body.Len() == 0 {
		t.Errorf("the export: %d", answer.Code)
	}
	val := w.who
	w.who = centre
	if answer := w.ask(http.MethodPost, "/communes/val/inviter", "personne", "Encore une"); answer.Code != http.StatusConflict {
		t.Errorf("the EPCI invites into a team that is made: %d", answer.Code)
	}
	if answer := w.ask(http.MethodPost, "/communes/val/depart", "identifiant", "lac"); answer.Code != http.StatusUnprocessableEntity {
		t.Errorf("another identifier typed: %d", answer.Code)
	}
	if answer := w.ask(http.MethodPost, "/communes/val/depart", "identifiant", "val"); answer.Code != http.StatusSeeOther {
		t.Errorf("it leaves: %d", answer.Code)
	}
	w.who = val
	if answer := w.ask(http.MethodGet, "/sites"); answer.Code != http.StatusSeeOther {
		t.Errorf("its people are still in: %d", answer.Code)
	}
}

func TestAnIncidentIsTakenInCharge(t *testing.T) {
	w := newWorld(t)
	w.join("lac", "administration", staff.DSI)
	w.enter("administration")
	storetest.In(t, w.hub, "lac", func(ctx context.Context, tt *store.Tenant) error {
		_, err := tt.BeginIncident(ctx, w.lac.ID, "silent", nil, w.now.Add(-time.Hour))
		return err
	})
	_, after, _ := strings.Cut(w.ask(http.MethodGet, "/incidents").Body.String(), `action="/incidents/`)
	id, _, _ := strings.Cut(after, `"`)
	if answer := w.ask(http.MethodPost, "/incidents/"+id); answer.Code != http.StatusSeeOther {
		t.Fatalf("%q: %d", id, answer.Code)
	}
	if body := w.ask(http.MethodGet, "/incidents").Body.String(); !strings.Contains(body, "pris en charge par administration") {
		t.Error("nobody is named")
	}
	if body := w.ask(http.MethodGet, "/journal").Body.String(); !strings.Contains(body, "Incident pris en charge") {
		t.Error("the log does not have it")
	}
}

// Who leaves is closed at every site; those that have not heard of it are named.
func TestAPersonIsClosedEverywhere(t *testing.T) {
	w := newWorld(t)
	w.join("lac", "administration", staff.DSI)
	w.enter("administration")
	var id, code string
	storetest.In(t, w.hub, "lac", func(ctx context.Context, tt *store.Tenant) error {
		c, err := tt.AddColleague(ctx, store.Colleague{Login: "mediation", Name: "Médiation", Role: "mediator"})
		if err != nil {
			return err
		}
		id = c.ID
		code, _, err = tt.Code(ctx, w.lac.ID, time.Hour)
		return err
	})
	if _, _, _, err := w.hub.Enrol(t.Context(), enrolment(code)); err != nil {
		t.Fatal(err)
	}
	if answer := w.ask(http.MethodPost, "/personnes/"+id+"/lieux", "lieu", w.lac.ID); answer.Code != http.StatusSeeOther {
		t.Fatalf("sent: %d", answer.Code)
	}
	if answer := w.ask(http.MethodPost, "/personnes/"+id+"/fermer"); answer.Code != http.StatusSeeOther {
		t.Fatalf("closed: %d", answer.Code)
	}
	body := w.ask(http.MethodGet, "/personnes/"+id).Body.String()
	if !strings.Contains(body, "compte fermé le") || !strings.Contains(body, "1 lieu n&#39;est pas encore au courant") {
		t.Errorf("the page does not name the site that has not heard: %s", body)
	}
	if answer := w.ask(http.MethodPost, "/personnes/"+id+"/lieux", "lieu", w.lac.ID); answer.Code != http.StatusNotFound {
		t.Errorf("a closed account is sent: %d", answer.Code)
	}
}

// H23 says when the database was last copied, and what to do when that is long ago.
func TestTheCentreSaysHowOldItsBackupIs(t *testing.T) {
	w := newWorld(t)
	w.join("", "epci", staff.EPCI)
	w.enter("epci")
	for _, tc := range []struct {
		name      string
		add       *store.Backup
		has, lack []string
	}{
		{"never", nil, []string{"aucune", "parvis-hub backup"}, []string{"relue"}},
		{"the town's, two days ago", &store.Backup{At: w.now.Add(-48 * time.Hour)}, []string{"faite par la ville", "plus d’un jour"}, []string{"aucune", "octets"}},
		{"tonight", &store.Backup{At: w.now.Add(-3 * time.Hour), Bytes: 12_345_678, Checked: true}, []string{"il y a 3 heures", "12\u00a0Mo", "relue jusqu’au bout"}, []string{"plus d’un jour", "aucune"}},
	} {
		if tc.add != nil {
			w.must(w.hub.AddBackup(t.Context(), *tc.add))
		}
		page := strings.ReplaceAll(w.ask(http.MethodGet, "/centre").Body.String(), "&#39;", "’")
		for _, text := range tc.has {
			if !strings.Contains(page, text) {
				t.Errorf("%s: %q is missing:\n%s", tc.name, text, page)
			}
		}
		for _, text := range tc.lack {
			if strings.Contains(page, text) {
				t.Errorf("%s: %q is said", tc.name, text)
			}
		}
	}
}
