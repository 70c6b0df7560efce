package usage

import (
	"fmt"
	"strings"
	"time"

	"parvis/internal/figure"
)

// The words of La Coop de la médiation numérique (inclusion-numerique/coop-mediation-numerique, apps/web/src/features/activites), so
// that a draft can be typed there without thinking. The Coop's interface can be read only: nothing is sent to it.
const (
	coopWorkshop = "Atelier collectif"
	coopHere     = "Lieu d’activité"
)

// What only the mediator knows is offered in the Coop's order.
var (
	coopMaterials = []string{"Ordinateur", "Téléphone", "Tablette", "Autre", "Pas de matériel"}
	coopLevels    = []string{"Débutant", "Intermédiaire", "Avancé"}
	coopThemes    = []string{
		"Diagnostic numérique", "Prendre en main du matériel", "Maintenance de matériel", "Gérer ses contenus numériques",
		"Navigation sur internet", "E-mail", "Bureautique", "Réseaux sociaux communication", "Santé", "Banque et achats en ligne",
		"Accompagner un professionnel", "Insertion professionnelle", "Prévention en sécurité numérique", "Parentalité",
		"Scolarité et numérique", "Créer avec le numérique", "Culture numérique", "Intelligence artificielle (IA)",
		"Aide aux démarches administratives", "Papiers - Élections Citoyenneté", "Famille - Scolarité", "Social - Santé",
		"Travail - Formation", "Logement", "Transports - Mobilité", "Argent - Impôts", "Justice", "Étrangers - Europe",
		"Loisirs - Sports Culture", "Associations",
	}
)

// Themes, Levels and Materials are the Coop's words for what the mediator chooses, in its order.
func Themes() []string    { return append([]string(nil), coopThemes...) }
func Levels() []string    { return append([]string(nil), coopLevels...) }
func Materials() []string { return append([]string(nil), coopMaterials...) }

// Part of a day.
type Part string

// The parts: before and from 13 h on.
const (
	Morning   Part = "matin"
	Afternoon Part = "après-midi"
	noon           = 13 // h
)

// PartOf is the part of the day that t is in.
func PartOf(t time.Time) Part {
	if t.Hour() < noon {
		return Morning
	}
	return Afternoon
}

// Workshop is what the draft says of a workshop that is over.
type Workshop struct {
	Title   string // the place's own words
	Began   time.Time
	Length  time.Duration
	Heads   *int // people, counted by the mediator; nil: not counted
	Devices int  // ours
}

// HalfDay is the draft of a half-day for the Coop.
type HalfDay struct {
	Place     string
	Day       time.Time // of which the date counts
	Part      Part
	Measured  Measure
	Devices   string // in words, a range: the exact number could give away what a month's report hides
	Pages     string // printed from terminals, in the same words; "" none
	Workshops []Workshop
}

// toChoose is what stands in the draft where only the mediator knows.
const toChoose = "à choisir"

// rows are the fields of the Coop's form, one list for each workshop, in its words.
func (h HalfDay) rows() [][]field {
	var all [][]field
	for _, w := range h.Workshops {
		heads := "à compter"
		if w.Heads != nil {
			heads = fmt.Sprint(*w.Heads)
		}
		all = append(all, []field{
			{"Type d’activité", coopWorkshop},
			{"Date", w.Began.Format("02/01/2006")},
			{"Durée (minutes)", fmt.Sprint(int(w.Length.Round(time.Minute) / time.Minute))},
			{"Type de lieu", coopHere},
			{"Lieu", h.Place},
			{"Titre de l’atelier", w.Title},
			{"Nombre de participants", heads},
			{"Matériel utilisé", toChoose},
			{"Niveau de l’atelier", toChoose},
			{"Thématique(s)", toChoose},
			{"Appareils comptés par le Wi-Fi", figure.Alone(uint64(max(w.Devices, 0))).String()},
		})
	}
	return all
}

type field struct{ name, value string }

// Text is the draft to be copied.
func (h HalfDay) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s — %s, %s\n", h.Place, h.Day.Format("02/01/2006"), h.Part)
	fmt.Fprintf(&b, "Appareils connectés au Wi-Fi : %s (des appareils, pas des personnes)\n", h.Devices)
	if h.Pages != "" {
		fmt.Fprintf(&b, "Pages imprimées depuis les postes : %s\n", h.Pages)
	}
	if h.Measured == Partly {
		b.WriteString("Le comptage n'a pas marché toute la demi-journée.\n")
	}
	for i, w := range h.rows() {
		fmt.Fprintf(&b, "\nActivité %d\n", i+1)
		for _, f := range w {
			fmt.Fprintf(&b, "%s : %s\n", f.name, f.value)
		}
	}
	if len(h.Workshops) == 0 {
		b.WriteString("\nAucun atelier avec un code sur cette demi-journée.\n")
	} else {
		fmt.Fprintf(&b, "\nMatériel : %s\nNiveau : %s\nThématiques : %s\n",
			strings.Join(coopMaterials, " · "), strings.Join(coopLevels, " · "), strings.Join(coopThemes, " · "))
	}
	b.WriteString("\nLes accompagnements individuels ne sont pas comptés par le Wi-Fi.\n")
	return b.String()
}

// CSV is the draft as a table, one workshop a line; see Table.
func (h HalfDay) CSV() []byte {
	var t Table
	empty := HalfDay{Workshops: []Workshop{{}}}.rows()[0]
	for _, f := range empty {
		t.Head = append(t.Head, f.name)
	}
	for _, w := range h.rows() {
		var line []string
		for _, f := range w {
			line = append(line, f.value)
		}
		t.Lines = append(t.Lines, line)
	}
	return t.CSV()
}
