package opendata

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// field is one column of a file; several values are joined by |, as the schema wants it.
type field struct {
	name string
	of   func(Place) any // string, *float64, []string, int
}

// mediation are the columns of the schema, in its order.
var mediation = []field{
	{"id", func(p Place) any { return p.ID }},
	{"pivot", func(p Place) any { return p.SIRET }},
	{"nom", func(p Place) any { return p.Name }},
	{"commune", func(p Place) any { return p.Commune }},
	{"code_postal", func(p Place) any { return p.PostalCode }},
	{"code_insee", func(p Place) any { return p.INSEE }},
	{"adresse", func(p Place) any { return p.Address }},
	{"complement_adresse", func(p Place) any { return p.Complement }},
	{"latitude", func(p Place) any { return p.Latitude }},
	{"longitude", func(p Place) any { return p.Longitude }},
	{"typologie", func(p Place) any { return p.Typology }},
	{"telephone", func(p Place) any { return p.Phone }},
	{"courriels", func(p Place) any { return p.Mails }},
	{"site_web", func(p Place) any { return p.Web }},
	{"horaires", func(p Place) any { return p.osm() }},
	{"presentation_resume", func(p Place) any { return p.Summary }},
	{"presentation_detail", nothing},
	{"source", func(p Place) any { return p.Commune }},
	{"itinerance", func(Place) any { return []string{"Fixe"} }},
	{"structure_parente", nothing},
	{"date_maj", func(p Place) any { return p.Updated.Format(time.DateOnly) }},
	{"services", func(p Place) any { return p.services() }},
	{"publics_specifiquement_adresses", nothing},
	{"prise_en_charge_specifique", nothing},
	{"frais_a_charge", func(Place) any { return []string{"Gratuit"} }}, // an access that is sold is none of ours
	{"dispositif_programmes_nationaux", func(p Place) any { return p.Programmes }},
	{"formations_labels", nothing},
	{"autres_formations_labels", nothing},
	{"modalites_acces", func(Place) any { return []string{"Se présenter"} }},
	{"modalites_accompagnement", func(Place) any { return []string{"En autonomie"} }},
	{"fiche_acces_libre", func(p Place) any { return p.Accesslibre }},
	{"prise_rdv", nothing},
}

// points are the columns of the list of access points: those that towns use already (Paris, Dijon), and OpenStreetMap's keys.
var points = []field{
	{"id", func(p Place) any { return p.ID }},
	{"nom_site", func(p Place) any { return p.Name }},
	{"adresse", func(p Place) any { return p.Address }},
	{"code_postal", func(p Place) any { return p.PostalCode }},
	{"commune", func(p Place) any { return p.Commune }},
	{"code_insee", func(p Place) any { return p.INSEE }},
	{"latitude", func(p Place) any { return p.Latitude }},
	{"longitude", func(p Place) any { return p.Longitude }},
	{"nombre_de_borne_wifi", func(p Place) any { return p.Points }},
	{"opening_hours", func(p Place) any { return p.osm() }},
	{"internet_access", func(Place) any { return "wlan" }},
	{"internet_access:fee", func(Place) any { return "no" }},
	{"internet_access:ssid", func(p Place) any { return p.Network }},
	{"date_maj", func(p Place) any { return p.Updated.Format(time.DateOnly) }},
}

func nothing(Place) any { return "" }

// osm is the place's hours; Check has refused those that cannot be said.
func (p Place) osm() string {
	s, err := p.OpeningHours()
	if err != nil {
		return ""
	}
	return s
}

func (p Place) services() []string {
	all := []string{Access}
	for _, s := range p.Services {
		if !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// chosen are the places that are to be said and can be, and what is wrong with the others.
func chosen(places []Place, said func(Place) bool, check func(Place) error) (good []Place, wrong error) {
	var all []error
	for _, p := range places {
		if !said(p) {
			continue
		}
		if err := check(p); err != nil {
			all = append(all, err)
			continue
		}
		good = append(good, p)
	}
	return good, errors.Join(all...)
}

// Mediation are the places of the national map, and why others that should be there are not.
func Mediation(places []Place) (good []Place, wrong error) {
	return chosen(places, func(p Place) bool { return p.Mediation }, Place.Check)
}

// Points are the places of the list of access points, and why others that should be there are not.
func Points(places []Place) (good []Place, wrong error) {
	return chosen(places, func(p Place) bool { return p.WiFi }, func(p Place) error { return p.joined(p.unlisted()) })
}

// MediationCSV is the file that schema.data.gouv.fr checks: UTF-8, commas.
func MediationCSV(places []Place) []byte {
	good, _ := Mediation(places)
	return asCSV(mediation, good)
}

// MediationJSON is the same as a list of objects; what is empty is left out.
func MediationJSON(places []Place) ([]byte, error) {
	good, _ := Mediation(places)
	return asJSON(mediation, good)
}

// PointsCSV is the list of access points.
func PointsCSV(places []Place) []byte {
	good, _ := Points(places)
	return asCSV(points, good)
}

func asCSV(fields []field, places []Place) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	line := make([]string, len(fields))
	write := func() {
		if err := w.Write(line); err != nil {
			panic(err) // a comma is a good separator, and a buffer takes everything
		}
	}
	for i, f := range fields {
		line[i] = f.name
	}
	write()
	for _, p := range places {
		for i, f := range fields {
			line[i] = ""
			switch v := f.of(p).(type) {
			case string:
				line[i] = v
			case []string:
				line[i] = strings.Join(v, "|")
			case *float64:
				if v != nil {
					line[i] = strconv.FormatFloat(*v, 'f', -1, 64)
				}
			case int:
				if v > 0 {
					line[i] = strconv.Itoa(v)
				}
			}
		}
		write()
	}
	w.Flush()
	return b.Bytes()
}

func asJSON(fields []field, places []Place) ([]byte, error) {
	all := make([]map[string]any, 0, len(places))
	for _, p := range places {
		one := map[string]any{}
		for _, f := range fields {
			switch v := f.of(p).(type) {
			case string:
				if v != "" {
					one[f.name] = v
				}
			case []string:
				if len(v) > 0 {
					one[f.name] = strings.Join(v, "|")
				}
			case *float64:
				if v != nil {
					one[f.name] = *v
				}
			case int:
				if v > 0 {
					one[f.name] = v
				}
			}
		}
		all = append(all, one)
	}
	return json.Marshal(all)
}
