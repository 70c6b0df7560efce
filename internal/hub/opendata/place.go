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

// Fault is one thing that keeps a place from being said.
type Fault struct {
	Field string // column of the schema, or "wifi" for the network's name
	Want  string // what was expected
	Cause error  // nil: Want says all
}

func (f Fault) Error() string { return f.Field + ": expected " + f.Want }

// Unwrap gives the cause.
func (f Fault) Unwrap() error { return f.Cause }

// Faults are all that keep a place off the national map.
func (p Place) Faults() (all []Fault) {
	need := func(ok bool, field, want string) {
		if !ok {
			all = append(all, Fault{Field: field, Want: want})
		}
	}
	need(p.ID != "", "id", "an identifier")
	need(p.Name != "", "nom", "a name")
	need(siret.MatchString(p.SIRET), "pivot", "a SIRET of 14 digits")
	need(p.Address != "", "adresse", "a number and a street")
	need(postal.MatchString(p.PostalCode), "code_postal", "5 digits")
	need(p.Commune != "", "commune", "a name")
	need(p.INSEE == "" || insee.MatchString(p.INSEE), "code_insee", "5 characters")
	need(p.Phone == "" || phone.MatchString(p.Phone), "telephone", "+33 and 9 digits")
	need(!p.Updated.IsZero(), "date_maj", "a date")
	need(utf8.RuneCountInString(p.Summary) <= 280, "presentation_resume", "at most 280 characters")
	need((p.Latitude == nil) == (p.Longitude == nil), "latitude", "both coordinates or none")
	for _, s := range p.Services {
		need(slices.Contains(Services, s), "services", "one of the schema's, not "+s)
	}
	for _, s := range p.Programmes {
		need(slices.Contains(Programmes, s), "dispositif_programmes_nationaux", "one of the schema's, not "+s)
	}
	for _, s := range p.Typology {
		need(typed.MatchString(s), "typologie", "a code of the schema, not "+s)
	}
	return append(append(all, p.untold()...), p.unsafe("id", "nom", "adresse", "complement_adresse", "commune", "site_web", "presentation_resume",
		"fiche_acces_libre", "wifi", "courriels")...)
}

// untold are hours that cannot be said.
func (p Place) untold() []Fault {
	if _, err := p.OpeningHours(); err != nil {
		return []Fault{{"horaires", err.Error(), err}}
	}
	return nil
}

// unsafe are those of the fields that a spreadsheet would take for something else than a text.
func (p Place) unsafe(fields ...string) (all []Fault) {
	texts := map[string]string{
		"id": p.ID, "nom": p.Name, "adresse": p.Address, "complement_adresse": p.Complement, "commune": p.Commune, "site_web": p.Web,
		"presentation_resume": p.Summary, "fiche_acces_libre": p.Accesslibre, "wifi": p.Network,
	}
	for _, field := range fields {
		values := []string{texts[field]}
		if field == "courriels" {
			values = p.Mails
		}
		for _, s := range values {
			if !harmless(s) {
				all = append(all, Fault{Field: field, Want: fmt.Sprintf("a text that no spreadsheet takes for a formula, of one line and without |, not %q", s)})
			}
		}
	}
	return all
}

// unlisted are all that keep a place out of the list of access points.
func (p Place) unlisted() []Fault {
	return append(p.untold(), p.unsafe("id", "nom", "adresse", "commune", "wifi")...)
}

// Check is Faults as an error; nil when there is none. A place that the schema refuses would make the whole file refused.
func (p Place) Check() error { return p.joined(p.Faults()) }

func (p Place) joined(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	wrong := make([]error, len(faults))
	for i, f := range faults {
		wrong[i] = f
	}
	return fmt.Errorf("opendata: place %q: %w", p.Name, errors.Join(wrong...))
}

// Refused are all that keep a place from being saved: what is published of it must be fit for it. Hours must always be such.
func (p Place) Refused() (all []Fault) {
	add := func(faults []Fault) {
		for _, f := range faults {
			if !slices.ContainsFunc(all, func(had Fault) bool { return had.Field == f.Field }) {
				all = append(all, f)
			}
		}
	}
	add(p.untold())
	if p.Mediation {
		p.Updated = time.Unix(1, 0) // the database writes it
		add(p.Faults())
	}
	if p.WiFi {
		add(p.unlisted())
	}
	return all
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
