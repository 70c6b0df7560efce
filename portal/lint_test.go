package portal

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"parvis/portal/drawings"
	"parvis/portal/locale"
	"parvis/portal/locale/localetest"
)

func TestEveryTextHasAPictureOrAReason(t *testing.T) {
	known := localetest.Keys(localetest.Catalogue(t, locale.Texts, "fr"))
	for _, key := range known {
		p, ok := pictograms[key]
		if drawn := drawings.Line(p.Name) != ""; !ok || (p.Name == "") == (p.Why == "") || p.Name != "" && !drawn {
			t.Errorf("%s: picture %q, reason %q: expected one of both", key, p.Name, p.Why)
		}
	}
	for key := range pictograms {
		if !slices.Contains(known, key) {
			t.Errorf("%s: a picture of no text", key)
		}
	}
}

// A text that no page says, a picture that no text has, a Row without a picture: all are mistakes of the templates.
func TestNothingIsLeftOver(t *testing.T) {
	var sources strings.Builder
	for _, f := range files(t) {
		b, err := fs.ReadFile(assets, f)
		if err != nil {
			t.Fatal(err)
		}
		sources.Write(b)
		for _, m := range regexp.MustCompile(`\.Row "([^"]+)"`).FindAllStringSubmatch(string(b), -1) {
			if pictograms[m[1]].Name == "" {
				t.Errorf("%s: a row of %s, which has no picture", f, m[1])
			}
		}
	}
	// Keys that code puts together or names.
	for _, s := range []string{"home.go", "home.resume", "over.ask", "refused.again", "again.gone", "help.nobody", "help.crowd", "words.desk"} {
		fmt.Fprintf(&sources, "%q", s)
	}
	for _, l := range plan {
		fmt.Fprintf(&sources, "%q", l.Key)
	}
	for _, key := range localetest.Keys(localetest.Catalogue(t, locale.Texts, "fr")) {
		prefix, name, _ := strings.Cut(key, ".")
		switch {
		case name == "title", prefix == "duration", prefix == "date", prefix == "amount":
		case prefix == "over", prefix == "refused", prefix == "code": // by reason
		case !strings.Contains(sources.String(), `"`+key+`"`):
			t.Errorf("%s is said nowhere", key)
		}
	}
}

func files(t *testing.T) []string {
	t.Helper()
	f, err := fs.Glob(assets, "templates/*.html")
	if err != nil || len(f) == 0 {
		t.Fatal(f, err)
	}
	return f
}

// The texts that were agreed on, word by word.
func TestTheAgreedTextsAreUsed(t *testing.T) {
	fr := localetest.Catalogue(t, locale.Texts, "fr")
	for key, want := range map[string]string{
		"home.free": "Ici, internet est gratuit.", "home.press": "Appuyez sur le bouton.", "home.go": "Aller sur internet",
		"home.allowed": "Vous avez {{.Duration}}.", "home.accept": "Si vous appuyez, vous acceptez les [règles du Wi-Fi].",
		"opened.head": "Internet est ouvert.", "home.left": "Il vous reste {{.Left}}.", "opened.until": "Fin à {{.End}}.",
		"opened.go": "Continuer", "opened.later": "Pour revoir votre temps, tapez : {{.Name}}",
		"mine.soon": "Internet s'arrête dans {{.Left}}.", "mine.save": "Enregistrez votre travail.",
		"mine.more": "Vous voulez plus de temps ? Demandez {{.AtDesk}}.", "mine.fix": "Arrêter le changement automatique",
		"over.time": "Votre temps est fini.", "over.device": "Internet est arrêté sur cet appareil.", "over.more": "Vous voulez continuer ?",
		"over.ask": "Demander du temps", "over.closing": "Le lieu ferme.", "over.operator": "{{.TheDesk}} a arrêté votre connexion.",
		"refused.again": "Essayer encore", "refused.fine": "Votre appareil marche bien.",
		"data.unknown": "Nous ne savons pas qui vous êtes.", "data.sites": "Nous ne gardons pas les sites que vous regardez.",
		"data.erased": "Nous effaçons tout le {{.Erased}}.",
	} {
		if fr[key] != want {
			t.Errorf("%s: %q, expected %q", key, fr[key], want)
		}
	}
}
