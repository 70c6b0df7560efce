package opendata_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"parvis/internal/clock"
	"parvis/internal/golden"
	"parvis/internal/hub/opendata"
)

var paris = func() *time.Location {
	z, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err)
	}
	return z
}()

// at is a Tuesday afternoon, 15:42 in Paris.
var at = time.Date(2026, 11, 24, 14, 42, 0, 0, time.UTC)

func library() opendata.Place {
	lat, lon := 45.5, 5.25
	return opendata.Place{
		ID: "s-1", Name: "Médiathèque", SIRET: "21000000000001", Address: "1 place du Parvis", PostalCode: "01999", Commune: "Commune du Parvis", INSEE: "01999",
		Latitude: &lat, Longitude: &lon, Typology: []string{"BIB", "MUNI"}, Phone: "+33400000000", Mails: []string{"mediatheque@commune.example"},
		Web: "https://commune.example/mediatheque", Week: []string{"mar-ven 10:00-12:00 14:00-18:30", "sam 10:00-17:00"}, Exceptions: []string{"2026-12-25 fermé"},
		Programmes: []string{"Conseillers numériques"}, Services: []string{"Aide aux démarches administratives"}, Network: "Wi-Fi du Parvis", Points: 3,
		Zone: paris, Updated: time.Date(2026, 11, 20, 0, 0, 0, 0, paris), Mediation: true, WiFi: true, Live: true,
		State: opendata.State{Known: true, Open: true, Since: time.Date(2026, 11, 24, 13, 0, 0, 0, time.UTC)},
	}
}

func town() []opendata.Place {
	full, shut, lost, hidden := library(), library(), library(), library()
	full.ID, full.Name, full.State.Full, full.Week, full.Exceptions = "s-2", "Maison <des> habitants", true, nil, nil
	shut.ID, shut.Name, shut.State.Open, shut.Week = "s-3", "Mairie", false, []string{"lun-ven 9:00-12:00"}
	lost.ID, lost.Name, lost.State = "s-4", "Piscine", opendata.State{}
	hidden.ID, hidden.Name, hidden.Mediation, hidden.WiFi, hidden.Live = "s-5", "Local technique", false, false, false
	return []opendata.Place{lost, shut, full, library(), hidden}
}

func TestAPlaceIsSaidOnlyWhereItWasChosen(t *testing.T) {
	for name, say := range map[string]func([]opendata.Place) string{
		"mediation": func(p []opendata.Place) string { return string(opendata.MediationCSV(p)) },
		"points":    func(p []opendata.Place) string { return string(opendata.PointsCSV(p)) },
		"live": func(p []opendata.Place) string {
			b, err := opendata.LiveJSON(p, at)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		},
	} {
		for chosen, change := range map[string]func(*opendata.Place){
			"mediation": func(p *opendata.Place) { p.Mediation = true },
			"points":    func(p *opendata.Place) { p.WiFi = true },
			"live":      func(p *opendata.Place) { p.Live = true },
		} {
			p := library()
			p.Mediation, p.WiFi, p.Live = false, false, false
			change(&p)
			if got := strings.Contains(say([]opendata.Place{p}), "Médiathèque"); got != (name == chosen) {
				t.Errorf("%s was chosen, %s says it: %v", chosen, name, got)
			}
		}
	}
}

func TestTheFilesOfATown(t *testing.T) {
	golden.Check(t, "mediation.csv.golden", string(opendata.MediationCSV(town())))
	golden.Check(t, "points.csv.golden", string(opendata.PointsCSV(town())))
	b, err := opendata.MediationJSON(town())
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "mediation.json.golden", string(b))
}

// The schema's columns, and the values that it wants in them (fields with "required", patterns and vocabularies).
func TestTheNationalFileHasTheSchemasColumns(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(string(opendata.MediationCSV(town())))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := "id,pivot,nom,commune,code_postal,code_insee,adresse,complement_adresse,latitude,longitude,typologie,telephone,courriels,site_web," +
		"horaires,presentation_resume,presentation_detail,source,itinerance,structure_parente,date_maj,services,publics_specifiquement_adresses," +
		"prise_en_charge_specifique,frais_a_charge,dispositif_programmes_nationaux,formations_labels,autres_formations_labels,modalites_acces," +
		"modalites_accompagnement,fiche_acces_libre,prise_rdv"
	if got := strings.Join(rows[0], ","); got != want {
		t.Fatalf("%s\nexpected\n%s", got, want)
	}
	required := map[string]bool{"id": true, "pivot": true, "nom": true, "commune": true, "code_postal": true, "adresse": true, "date_maj": true, "services": true}
	for _, row := range rows[1:] {
		for i, cell := range row {
			if required[rows[0][i]] && cell == "" {
				t.Errorf("%s has no %s", row[0], rows[0][i])
			}
		}
	}
}

// One place that the schema refuses would make the whole file refused: it is left out, and the commune is told why.
func TestAPlaceThatTheSchemaRefusesIsLeftOutAndNamed(t *testing.T) {
	for want, change := range map[string]func(*opendata.Place){
		"pivot":               func(p *opendata.Place) { p.SIRET = "123" },
		"nom":                 func(p *opendata.Place) { p.Name = "" },
		"code_postal":         func(p *opendata.Place) { p.PostalCode = "0199" },
		"code_insee":          func(p *opendata.Place) { p.INSEE = "20151" },
		"adresse":             func(p *opendata.Place) { p.Address = "" },
		"telephone":           func(p *opendata.Place) { p.Phone = "04 00 00 00 00" },
		"date_maj":            func(p *opendata.Place) { p.Updated = time.Time{} },
		"horaires":            func(p *opendata.Place) { p.Week = []string{"lun 9"} },
		"services":            func(p *opendata.Place) { p.Services = []string{"Massage"} },
		"dispositif":          func(p *opendata.Place) { p.Programmes = []string{"Massage"} },
		"presentation_resume": func(p *opendata.Place) { p.Summary = strings.Repeat("é", 281) },
		"latitude":            func(p *opendata.Place) { p.Latitude = nil },
		"formula":             func(p *opendata.Place) { p.Name = "=HYPERLINK(1)" },
		"without |":           func(p *opendata.Place) { p.Mails = []string{"a|b"} },
	} {
		bad := library()
		change(&bad)
		good, err := opendata.Mediation([]opendata.Place{bad, library()})
		if len(good) != 1 || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %d places, %v", want, len(good), err)
		}
	}
}

func TestWhatIsOpenNow(t *testing.T) {
	var said []string
	for _, n := range opendata.Live(town(), at) {
		said = append(said, n.Name+" "+n.Status+" "+strings.ReplaceAll(n.Said(), "\u00a0", " "))
	}
	want := []string{
		"Médiathèque ouvert ouvert jusqu'à 18 h 30, il y a de la place",
		"Maison <des> habitants complet ouvert, complet pour l'instant",
		"Mairie ferme fermé, ouvre le 25 novembre à 9 h",
		"Piscine inconnu pas de nouvelles",
	}
	if strings.Join(said, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s\nexpected\n%s", strings.Join(said, "\n"), strings.Join(want, "\n"))
	}
}

// How many people are at a place is nobody's business: two states that differ in it alone are said alike.
func TestNothingSaysHowManyPeopleAreThere(t *testing.T) {
	b, err := opendata.LiveJSON(town(), at)
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Lieux []map[string]any `json:"lieux"`
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	for _, l := range all.Lieux {
		for key, v := range l {
			if _, number := v.(float64); number {
				t.Errorf("%s is a number: %v", key, v)
			}
		}
	}
}

func TestTheFragmentIsAPieceOfAPageWithoutScriptOrFrame(t *testing.T) {
	b, err := opendata.Fragment("Commune du Parvis", town(), at, paris, 3)
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "fragment.html.golden", string(b))
	nodes, err := html.ParseFragment(strings.NewReader(string(b)), &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		for d := range n.Descendants() {
			if d.Type == html.ElementNode && !strings.Contains(" div h3 p ul li strong ", " "+d.Data+" ") {
				t.Errorf("<%s> in the fragment", d.Data)
			}
			for _, a := range d.Attr {
				if a.Key != "class" && a.Key != "lang" {
					t.Errorf("<%s %s>", d.Data, a.Key)
				}
			}
		}
	}
	empty, err := opendata.Fragment("Commune", nil, at, paris, 99)
	if err != nil || !strings.Contains(string(empty), "<h6>") || !strings.Contains(string(empty), "Aucun lieu") {
		t.Errorf("%s, %v", empty, err)
	}
}

func TestTheFeedHasAnEntryForEachChange(t *testing.T) {
	const self = "https://parvis.example/donnees/parvis/ouverts.atom"
	read := func(places []opendata.Place) (ids []string, updated string) {
		b, err := opendata.Atom(self, "Commune du Parvis", places, at)
		if err != nil {
			t.Fatal(err)
		}
		var feed struct {
			XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
			ID      string   `xml:"id"`
			Title   string   `xml:"title"`
			Updated string   `xml:"updated"`
			Author  string   `xml:"author>name"`
			Entries []struct {
				ID string `xml:"id"`
			} `xml:"entry"`
		}
		if err := xml.Unmarshal(b, &feed); err != nil {
			t.Fatal(err)
		}
		if feed.ID != self || feed.Title == "" || feed.Author == "" { // RFC 4287, 4.1.1
			t.Errorf("%+v", feed)
		}
		for _, e := range feed.Entries {
			ids = append(ids, e.ID)
		}
		return ids, feed.Updated
	}
	places := []opendata.Place{library()}
	before, updated := read(places)
	if again, _ := read(places); fmt.Sprint(again) != fmt.Sprint(before) || updated != "2026-11-24T13:00:00Z" {
		t.Errorf("%v, then %v; updated %s", before, again, updated)
	}
	places[0].State.Open, places[0].State.Since = false, at
	if after, _ := read(places); len(after) != 1 || after[0] == before[0] {
		t.Errorf("%v, then %v", before, after)
	}
	places[0].State.Known = false
	if after, _ := read(places); len(after) != 0 {
		t.Errorf("a place that is not heard has an entry: %v", after)
	}
}

// communes is a source that counts how often it is asked.
type communes struct {
	asked int
	err   error
}

func (c *communes) Commune(_ context.Context, id string) (opendata.Commune, error) {
	c.asked++
	if id != "parvis" {
		return opendata.Commune{}, opendata.ErrNoCommune
	}
	return opendata.Commune{Name: "Commune du Parvis", Zone: paris, Places: town()}, c.err
}

func TestTheServer(t *testing.T) {
	source, fake := &communes{}, clock.NewFake()
	s := opendata.NewServer(source, fake, "https://parvis.example/donnees", slog.New(slog.DiscardHandler))
	get := func(path string, header ...string) *http.Response {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		if len(header) == 2 {
			r.Header.Set(header[0], header[1])
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Result()
	}
	for path, kind := range map[string]string{
		"/parvis/lieux-mediation-numerique.csv": "text/csv; charset=utf-8", "/parvis/lieux-mediation-numerique.json": "application/json",
		"/parvis/points-acces-wifi.csv": "text/csv; charset=utf-8", "/parvis/ouverts.json": "application/json",
		"/parvis/ouverts.html": "text/html; charset=utf-8", "/parvis/ouverts.atom": "application/atom+xml; charset=utf-8",
	} {
		r := get(path)
		if r.StatusCode != http.StatusOK || r.Header.Get("Content-Type") != kind || !strings.HasPrefix(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %d %v", path, r.StatusCode, r.Header)
		}
		if again := get(path, "If-None-Match", r.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s: nothing has changed, and it answers %d", path, again.StatusCode)
		}
	}
	if source.asked != 1 {
		t.Errorf("the database was asked %d times within %s", source.asked, "30 s")
	}
	fake.Advance(31 * time.Second)
	if body, err := io.ReadAll(get("/parvis/ouverts.html?titre=4").Body); err != nil || !strings.Contains(string(body), "<h4>") || source.asked != 2 {
		t.Errorf("%s, %v, asked %d times", body, err, source.asked)
	}
	for path, want := range map[string]int{"/nowhere/ouverts.json": http.StatusNotFound, "/parvis/other": http.StatusNotFound, "/": http.StatusNotFound} {
		if r := get(path); r.StatusCode != want {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	fake.Advance(31 * time.Second)
	source.err = errors.New("secret of the database")
	r := get("/parvis/ouverts.json")
	if body, err := io.ReadAll(r.Body); r.StatusCode != http.StatusServiceUnavailable || strings.Contains(string(body), "secret") || err != nil {
		t.Errorf("%d %s %v", r.StatusCode, body, err)
	}
}
