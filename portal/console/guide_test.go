package console_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"parvis/portal/console"
)

const guideFile = "../../docs/guide/mediation.md"

// The handbook is the console's help. `go test -guide` writes it anew.
var writeGuide = flag.Bool("guide", false, "write docs/guide/mediation.md anew")

func TestTheHandbookIsTheConsolesHelp(t *testing.T) {
	want := console.Markdown()
	if *writeGuide {
		if err := os.WriteFile(guideFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(guideFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not the console's help any more: go test ./portal/console -guide", guideFile)
	}
}

func TestHelpIsFoundByWhatOneRemembers(t *testing.T) {
	p := newPlace(t)
	for asked, title := range map[string]string{
		"prolonger":       "Prolonger ou raccourcir une connexion",
		"ÉTEINDRE wifi":   "",
		"fermeture":       "Continuer après la fermeture",
		"telephone":       "Le téléphone a changé d'adresse",
		"changé+adresse":  "Le téléphone a changé d'adresse",
		"tickets":         "Imprimer des tickets",
		"l’accueil+panne": "Internet est en panne",
	} {
		page := p.get("/aide?q=" + strings.ReplaceAll(asked, " ", "+"))
		if title == "" {
			says(t, page, "0 page parle de", "Essayez un autre mot")
			continue
		}
		says(t, page, title)
	}
}

func TestEveryLessonIsAPageOfShortSentences(t *testing.T) {
	p := newPlace(t)
	for _, l := range console.Lessons {
		says(t, p.get("/aide/"+l.Name), l.Title)
		for _, text := range append(append([]string{l.Need}, l.Steps...), l.Know...) {
			for _, sentence := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(".?!:", r) }) {
				if n := len(strings.Fields(sentence)); n > 20 {
					t.Errorf("%s: %d words: %s", l.Name, n, sentence)
				}
			}
		}
	}
}
