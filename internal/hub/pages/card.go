package pages

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"parvis/internal/hub/opendata"
	"parvis/internal/hub/words"
	"parvis/internal/lang"
	"parvis/sessions/hours"
)

// card is a public card as it stands in its form's fields.
type card struct {
	Address, Complement, PostalCode, Commune, INSEE, SIRET string
	Latitude, Longitude                                    string
	Phone, Mails, Web, Accesslibre, Network, Points        string
	Week, Holiday, Exceptions                              string // one a line
	Ticked                                                 []string
	OnMap, InList, IsLive                                  bool
}

// written is the card of a place.
func written(of opendata.Place) card {
	c := card{
		Address: of.Address, Complement: of.Complement, PostalCode: of.PostalCode, Commune: of.Commune, INSEE: of.INSEE, SIRET: of.SIRET,
		Latitude: degrees(of.Latitude), Longitude: degrees(of.Longitude),
		Phone: of.Phone, Mails: strings.Join(of.Mails, ", "), Web: of.Web, Accesslibre: of.Accesslibre, Network: of.Network,
		Week: strings.Join(of.Week, "\n"), Holiday: strings.Join(of.Holiday, "\n"), Exceptions: strings.Join(of.Exceptions, "\n"),
		Ticked: of.Services, OnMap: of.Mediation, InList: of.WiFi, IsLive: of.Live,
	}
	if of.Points > 0 {
		c.Points = strconv.Itoa(of.Points)
	}
	return c
}

func degrees(n *float64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatFloat(*n, 'f', -1, 64)
}

// typedCard is what was typed, without what no text of one line has.
func typedCard(r *http.Request) card {
	box := func(field string) bool { return r.PostForm.Get(field) != "" }
	one := func(field string) string { return strings.Join(lines(r.PostForm.Get(field)), " ") }
	several := func(field string) string { return strings.Join(lines(r.PostForm.Get(field)), "\n") }
	return card{
		Address: one("adresse"), Complement: one("complement_adresse"), PostalCode: one("code_postal"), Commune: one("commune"),
		INSEE: one("code_insee"), SIRET: one("pivot"), Latitude: one("latitude"), Longitude: one("longitude"),
		Phone: one("telephone"), Mails: one("courriels"), Web: one("site_web"), Accesslibre: one("fiche_acces_libre"),
		Network: one("wifi"), Points: one("nombre_de_borne_wifi"),
		Week: several("horaires"), Holiday: several("vacances"), Exceptions: several("exceptions"),
		Ticked: r.PostForm["services"], OnMap: box("carte"), InList: box("liste"), IsLive: box("maintenant"),
	}
}

// lines are those of a text that say something, without signs that are none (a NUL is refused by the database).
func lines(s string) (all []string) {
	for l := range strings.Lines(strings.ToValidUTF8(strings.ReplaceAll(s, "\r", "\n"), "")) {
		l = strings.Join(strings.FieldsFunc(l, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }), " ")
		if l != "" {
			all = append(all, l)
		}
	}
	return all
}

var (
	gaps = strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", ".", "", "-", "")
	mail = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s.]+$`)
	web  = regexp.MustCompile(`^https?://[^\s/]+`)
	free = regexp.MustCompile(`^https://acceslibre\.beta\.gouv\.fr/`)
	home = regexp.MustCompile(`^0\d{9}$`) // a number as it is said in France
)

// place puts what was typed into a place, and says what cannot stand in one at all.
func (c card) place(of opendata.Place) (opendata.Place, []opendata.Fault) {
	var faults []opendata.Fault
	need := func(ok bool, field, want string) {
		if !ok {
			faults = append(faults, opendata.Fault{Field: field, Want: want})
		}
	}
	of.Address, of.Complement, of.PostalCode, of.Commune, of.INSEE = c.Address, c.Complement, gaps.Replace(c.PostalCode), c.Commune, strings.ToUpper(gaps.Replace(c.INSEE))
	of.SIRET, of.Phone, of.Web, of.Accesslibre, of.Network = gaps.Replace(c.SIRET), gaps.Replace(c.Phone), c.Web, c.Accesslibre, c.Network
	if home.MatchString(of.Phone) {
		of.Phone = abroad(of.Phone[1:])
	}
	of.Week, of.Holiday, of.Exceptions = lines(c.Week), lines(c.Holiday), lines(c.Exceptions)
	of.Services, of.Mediation, of.WiFi, of.Live = c.Ticked, c.OnMap, c.InList, c.IsLive
	of.Mails = strings.FieldsFunc(c.Mails, func(r rune) bool { return r == ',' || r == ';' || r == ' ' })
	for _, m := range of.Mails {
		need(mail.MatchString(m), "courriels", "addresses")
	}
	need(of.Web == "" || web.MatchString(of.Web), "site_web", "an address")
	need(of.Accesslibre == "" || free.MatchString(of.Accesslibre), "fiche_acces_libre", "an address of acceslibre.beta.gouv.fr")
	var okLat, okLon bool
	of.Latitude, okLat = degreesOf(c.Latitude, 90)
	of.Longitude, okLon = degreesOf(c.Longitude, 180)
	need(okLat && okLon && (of.Latitude == nil) == (of.Longitude == nil), "latitude", "both coordinates or none")
	of.Points = 0
	if c.Points != "" {
		n, err := strconv.Atoi(c.Points)
		need(err == nil && n >= 0 && n <= 999, "nombre_de_borne_wifi", "0 to 999")
		of.Points = n
	}
	return of, faults
}

// overseas are the calling codes of the numbers of 9 digits that begin so (Arcep's numbering plan); all others have +33.
var overseas = map[string]string{
	"262": "+262", "263": "+262", "269": "+262", "639": "+262", "692": "+262", "693": "+262", "590": "+590", "690": "+590", "691": "+590",
	"594": "+594", "694": "+594", "596": "+596", "696": "+596", "697": "+596",
}

func abroad(number string) string {
	if code, ok := overseas[number[:3]]; ok {
		return code + number
	}
	return "+33" + number
}

// degreesOf reads a number of degrees up to most to both sides; nil there is none.
func degreesOf(s string, most float64) (*float64, bool) {
	if s == "" {
		return nil, true
	}
	n, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
	return &n, err == nil && n >= -most && n <= most
}

// mark tells one writing of a card from another.
func mark(of opendata.Place) string { return of.Updated.UTC().Format(time.RFC3339Nano) }

// wanted says what a field has to be.
func wanted(f opendata.Fault) string {
	var h *hours.ParseError
	if errors.As(f, &h) {
		return say.Text("exports.hours", words.V{"What": h.In(lang.FR)})
	}
	switch f.Field {
	case "presentation_resume", "dispositif_programmes_nationaux", "typologie", "id", "date_maj":
		return say.Text("exports.elsewhere", words.V{"Field": f.Field}) // are in no form
	case "horaires":
		return say.Text("exports.hours", words.V{"What": f.Want})
	}
	return say.Say("exports.want." + f.Field)
}
