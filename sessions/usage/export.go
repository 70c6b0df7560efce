package usage

import (
	"strconv"
	"time"
)

// Words of exports, in French: what is counted under which word. A profile or a reason without one stands as it is.
var exported = map[string]string{
	"resident": "par la personne", "operator": "par la ligne de commande", "desk": "par l'accueil", "voucher": "par un ticket",
	"phone": "téléphone (estimé)", "computer": "ordinateur (estimé)", "unknown": "pas connu",
	"fr": "français", "en": "anglais", "ar": "arabe",
	"closed": "lieu fermé", "day": "temps du jour utilisé", "full": "plus de place", "contested": "2 appareils avec le même numéro",
	"throttled": "trop d'essais", "not-found": "connexion pas retrouvée", "no-more": "plus de temps à ajouter",
	"code": "code pas reconnu", "used": "ticket déjà utilisé", "old": "ticket trop ancien", "early": "ticket pas encore valable",
	"revoked": "ticket annulé", "workshop-full": "atelier complet", "workshop-early": "atelier pas commencé", "workshop-over": "atelier fini",
	"store": "disque", "kernel": "routeur", "other": "autre raison",
}

// Word says in French under which word something is counted; a profile's name, or what a later version counts, stands as it is.
func Word(w string) string {
	if french, ok := exported[w]; ok {
		return french
	}
	return w
}

// Export is the report as a table with one number a line: period, what, of which, number, how much of the period was measured.
func (r Report) Export() Table {
	t := Table{Head: []string{"Période", "Mesure", "Détail", "Nombre", "Comptage"}}
	add := func(period, what, of string, f Figure, m Measure) {
		t.Lines = append(t.Lines, []string{period, what, Word(of), f.String(), measures[m]})
	}
	period := r.From.Format("2006-01-02")
	isMonth := r.To.Sub(r.From) > 25*time.Hour
	format := "2006-01-02 15 h"
	if isMonth {
		period, format = r.From.Format("2006-01"), "2006-01-02"
	}
	add(period, "Connexions", "", r.Sessions, r.Measured)
	add(period, "Minutes", "", r.Minutes, r.Measured)
	add(period, "Octets", "", r.Bytes, r.Measured)
	add(period, "Le plus en même temps", "", r.Peak, r.Measured)
	for _, p := range r.Profiles {
		add(period, "Connexions par profil", p.Profile, p.Sessions, r.Measured)
		add(period, "Minutes par profil", p.Profile, p.Minutes, r.Measured)
		add(period, "Octets par profil", p.Profile, p.Bytes, r.Measured)
	}
	for _, split := range []struct {
		what   string
		counts []Count
	}{
		{"Connexions ouvertes", r.Openers},
		{"Langue de la page", r.Languages},
		{"Sorte d'appareil", r.Kinds},
		{"Refus", r.Refused},
	} {
		for _, c := range split.counts {
			add(period, split.what, c.Word, c.Count, r.Measured)
		}
	}
	if isMonth {
		add(period, "Refus en tout", "", r.Refusals, r.Measured)
		if r.Printed() {
			add(period, "Pages imprimées", "", r.Pages, r.Measured)
		}
	}
	for _, row := range r.Rows {
		at := row.From.Format(format)
		add(at, "Connexions", "", row.Sessions, row.Measured)
		add(at, "Le plus en même temps", "", row.Peak, row.Measured)
		if isMonth {
			of := "différents, ce jour-là"
			if row.AtLeast {
				of = "différents, ce jour-là, au moins"
			}
			add(at, "Appareils", of, row.Devices, row.Measured)
		}
	}
	return t
}

var measures = map[Measure]string{Whole: "complet", Partly: "en partie", Never: "pas de mesure"}

// Text is the table as lines of text, for who copies it.
func (r Report) Text() string {
	var b []byte
	for _, l := range r.Export().Lines {
		b = append(b, l[0]...)
		b = append(b, " · "...)
		b = append(b, l[1]...)
		if l[2] != "" {
			b = append(b, " ("...)
			b = append(b, l[2]...)
			b = append(b, ')')
		}
		b = append(b, " : "...)
		b = append(b, l[3]...)
		b = append(b, '\n')
	}
	b = append(b, "Heures comptées : "...)
	b = strconv.AppendInt(b, int64(r.Hours), 10)
	return string(append(b, '\n'))
}
