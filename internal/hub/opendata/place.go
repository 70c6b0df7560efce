// Package opendata is what a commune says of its access points to everybody: the national schema "Lieux de médiation numérique" 1.0.2
// (schema.data.gouv.fr, LaMednum/standard-mediation-num), a list of access points, and which are open now, as JSON, a piece of a page and
// an Atom feed.
//
// Nothing of a place is said that it has not been told to say (Place.Mediation, Place.WiFi, Place.Live), and nothing at all of people: of
// how many are there, only whether there is room.
package opendata

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"parvis/sessions/hours"
)

// Place is a site as the public may know it.
type Place struct {
	ID      string         `json:"-"` // of the site
	Name    string         `json:"-"`
	Zone    *time.Location `json:"-"`
	Updated time.Time      `json:"-"`

	SIRET       string   `json:"siret,omitempty"`   // of who runs it: 14 digits
	Address     string   `json:"address,omitempty"` // number and street
	Complement  string   `json:"complement,omitempty"`
	PostalCode  string   `json:"postal_code,omitempty"` // 5 digits
	Commune     string   `json:"commune,omitempty"`
	INSEE       string   `json:"insee,omitempty"` // code of the commune: 5 characters
	Latitude    *float64 `json:"latitude,omitempty"`
	Longitude   *float64 `json:"longitude,omitempty"`
	Typology    []string `json:"typology,omitempty"` // as BIB, MUNI: the vocabulary of data.inclusion
	Phone       string   `json:"phone,omitempty"`    // +33 and nine digits
	Mails       []string `json:"mails,omitempty"`
	Web         string   `json:"web,omitempty"`
	Week        []string `json:"hours,omitempty"`         // as site.hours; none: always open
	Exceptions  []string `json:"exceptions,omitempty"`    // as site.exceptions
	Holiday     []string `json:"holiday_hours,omitempty"` // as site.holiday-hours
	Summary     string   `json:"summary,omitempty"`       // at most 280 characters
	Programmes  []string `json:"programmes,omitempty"`    // of Programmes
	Services    []string `json:"services,omitempty"`      // of Services, beside access to the internet
	Accesslibre string   `json:"acceslibre,omitempty"`    // address of its sheet at acceslibre.beta.gouv.fr
	Network     string   `json:"network,omitempty"`       // of the Wi-Fi
	Points      int      `json:"points,omitempty"`        // Wi-Fi access points; 0 not known

	// What the commune has chosen to publish.
	Mediation bool `json:"-"` // on the national map
	WiFi      bool `json:"-"` // in the list of access points
	Live      bool `json:"-"` // whether it is open now

	State State `json:"-"`
}

// State is how a place is at the moment.
type State struct {
	Known bool // it has been heard within the last minutes
	Open  bool // people can get online
	Full  bool
	Since time.Time // of Open's value
}

// Access is the service of every place of ours.
const Access = "Accès internet et matériel informatique"

// Services and Programmes are the schema's vocabularies.
var (
	Services = []string{
		"Aide aux démarches administratives", "Maîtrise des outils numériques du quotidien", "Insertion professionnelle via le numérique",
		"Utilisation sécurisée du numérique", "Parentalité et éducation avec le numérique", "Loisirs et créations numériques",
		"Compréhension du monde numérique", Access, "Acquisition de matériel informatique à prix solidaire",
	}
	Programmes = []string{
		"Aidants Connect", "Bibliothèques numérique de référence", "Certification PIX", "Conseillers numériques", "Emmaüs Connect",
		"France Services", "Grande école du numérique", "La Croix Rouge", "Point d'accès numérique CAF", "Promeneurs du net",
		"Relais numérique (Emmaüs Connect)",
	}
)

var (
	siret  = regexp.MustCompile(`^\d{14}$`)
	postal = regexp.MustCompile(`^\d{5}$`)
	insee  = regexp.MustCompile(`^([013-9]\d|2[AB1-9])\d{3}$`)
	phone  = regexp.MustCompile(`^\+(33|590|594|262|596|269|687|689|508|681)\d{6,9}$`)
	typed  = regexp.MustCompile(`^[A-Z_]{2,40}$`)
)

// Check says everything that keeps a place off the national map; nil when nothing does. A place that the schema refuses would make the
// whole file refused.
func (p Place) Check() error {
	var wrong []error
	need := func(ok bool, field, want string) {
		if !ok {
			wrong = append(wrong, fmt.Errorf("%s: expected %s", field, want))
		}
	}
	need(p.ID != "", "id", "an identifier")
	need(p.Name != "", "nom", "a name")
	need(siret.MatchString(p.SIRET), "pivot", "a SIRET of 14 digits")
	need(p.Commune != "", "commune", "a name")
	need(postal.MatchString(p.PostalCode), "code_postal", "5 digits")
	need(p.INSEE == "" || insee.MatchString(p.INSEE), "code_insee", "5 characters")
	need(p.Address != "", "adresse", "a number and a street")
	need(p.Phone == "" || phone.MatchString(p.Phone), "telephone", "+33 and 9 digits")
	need(!p.Updated.IsZero(), "date_maj", "a date")
	need(utf8.RuneCountInString(p.Summary) <= 280, "presentation_resume", "at most 280 characters")
	need((p.Latitude == nil) == (p.Longitude == nil), "latitude, longitude", "both or none")
	for _, s := range p.Services {
		need(slices.Contains(Services, s), "services: "+s, "one of the schema's")
	}
	for _, s := range p.Programmes {
		need(slices.Contains(Programmes, s), "dispositif_programmes_nationaux: "+s, "one of the schema's")
	}
	for _, s := range p.Typology {
		need(typed.MatchString(s), "typologie: "+s, "a code of the schema")
	}
	if _, err := p.OpeningHours(); err != nil {
		wrong = append(wrong, fmt.Errorf("horaires: %w", err))
	}
	for _, s := range append([]string{p.ID, p.Name, p.Address, p.Complement, p.Commune, p.Web, p.Summary, p.Accesslibre, p.Network}, p.Mails...) {
		need(harmless(s), fmt.Sprintf("%q", s), "a text that no spreadsheet takes for a formula, of one line and without |")
	}
	if err := errors.Join(wrong...); err != nil {
		return fmt.Errorf("opendata: place %q: %w", p.Name, err)
	}
	return nil
}

// harmless texts need no guard in a CSV file that machines read too.
func harmless(s string) bool {
	return !strings.ContainsAny(s, "|\r\n\t\x00") && strings.IndexAny(strings.TrimSpace(s), "=+-@＝＋－＠") != 0 && utf8.ValidString(s)
}

// calendar is when the place is open.
func (p Place) calendar() (*hours.Calendar, error) {
	week, holiday, special, err := p.hours()
	if err != nil {
		return nil, err
	}
	return hours.New(hours.Config{Zone: p.Zone, Week: week, Holiday: holiday, Specials: special}), nil
}

func (p Place) hours() (week, holiday []hours.Week, special []hours.Exception, err error) {
	for _, lines := range []struct {
		from []string
		to   *[]hours.Week
	}{{p.Week, &week}, {p.Holiday, &holiday}} {
		for _, line := range lines.from {
			w, err := hours.ParseWeek(line)
			if err != nil {
				return nil, nil, nil, err
			}
			*lines.to = append(*lines.to, w)
		}
	}
	for _, line := range p.Exceptions {
		e, err := hours.ParseException(line)
		if err != nil {
			return nil, nil, nil, err
		}
		special = append(special, e)
	}
	return week, holiday, special, nil
}
