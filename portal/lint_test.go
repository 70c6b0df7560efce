package portal

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// catalogue returns every text of a language by its key; plural forms as key#form.
func catalogue(t *testing.T, lang string) map[string]string {
	t.Helper()
	var tree map[string]any
	if _, err := toml.DecodeFS(catalogues, "locales/"+lang+".toml", &tree); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	forms := []string{"zero", "one", "two", "few", "many", "other"}
	var walk func(prefix string, node map[string]any)
	walk = func(prefix string, node map[string]any) {
		for k, v := range node {
			key := strings.TrimPrefix(prefix+"."+k, ".")
			if slices.Contains(forms, k) {
				key = prefix + "#" + k
			}
			switch v := v.(type) {
			case string:
				texts[key] = v
			case map[string]any:
				walk(key, v)
			default:
				t.Errorf("%s: %s is a %T", lang, key, v)
			}
		}
	}
	walk("", tree)
	return texts
}

func keyOf(k string) string { key, _, _ := strings.Cut(k, "#"); return key }

func keys(texts map[string]string) []string {
	set := map[string]bool{}
	for k := range texts {
		set[keyOf(k)] = true
	}
	return slices.Sorted(maps.Keys(set))
}

var (
	placeholder = regexp.MustCompile(`\{\{\.\w+\}\}`)
	sentenceEnd = regexp.MustCompile(`[.?!:]( |$)`) // what follows a colon is an idea of its own
)

func TestSentencesAreShort(t *testing.T) {
	const most = 12
	for _, lang := range []string{"fr", "en", "ar"} {
		for key, text := range catalogue(t, lang) {
			if key == "date.months" {
				continue // a list of twelve words
			}
			for _, s := range sentenceEnd.Split(placeholder.ReplaceAllString(text, "x"), -1) {
				if n := len(strings.Fields(s)); n > most {
					t.Errorf("%s: %s: %d words, expected at most %d: %q", lang, key, n, most, s)
				}
			}
		}
	}
}

// lint names what is wrong with a French text.
func lint(text string) []string {
	var wrong []string
	low := strings.ToLower(text)
	for _, s := range sentenceEnd.Split(low, -1) {
		if len(regexp.MustCompile(`(^|[^\pL])(ne |n['’])`).FindAllString(s, -1)) > 1 {
			wrong = append(wrong, "two negations in one sentence")
		}
	}
	for _, stem := range []string{"session", "authentifi", "veuillez", "expiré", "portail", "terminal", "erreur", "connexion impossible"} {
		if strings.Contains(low, stem) {
			wrong = append(wrong, "the word "+stem)
		}
	}
	for _, word := range strings.FieldsFunc(low, func(r rune) bool { return !unicode.IsLetter(r) }) {
		switch word {
		case "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze", "quinze", "vingt", "trente", "cent", "mille":
			wrong = append(wrong, word+" in letters")
		}
	}
	if regexp.MustCompile(`\d+:\d\d|\d+h|\d h\d`).MatchString(low) {
		wrong = append(wrong, "an hour that is not written 15 h 40")
	}
	return wrong
}

func TestFrenchTextsAreEasyToRead(t *testing.T) {
	for key, text := range catalogue(t, "fr") {
		for _, what := range lint(text) {
			t.Errorf("%s: %s: %q", key, what, text)
		}
	}
}

// The rules themselves find what they are for.
func TestTheLintSeesWhatItIsFor(t *testing.T) {
	for text, want := range map[string]string{
		"Vous ne pouvez pas ne pas lire.": "two negations", "Votre session a expiré.": "session", "Veuillez attendre.": "veuillez",
		"Attendez deux minutes.": "deux", "Fin à 15h40.": "15 h 40", "Fin à 15:40.": "15 h 40", "N'oubliez pas de n'en rien dire.": "two negations",
	} {
		if got := strings.Join(lint(text), "; "); !strings.Contains(got, want) {
			t.Errorf("%q: %q, expected %q", text, got, want)
		}
	}
	for _, text := range []string{"Ce code ne marche pas. Il n'est pas bon.", "Fin à 15 h 40.", "Fin à 9 h.", "Une personne vous aide."} {
		if got := lint(text); got != nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestLanguagesHaveTheSameTexts(t *testing.T) {
	fr := catalogue(t, "fr")
	for _, lang := range []string{"en", "ar"} {
		texts := catalogue(t, lang)
		if want, got := keys(fr), keys(texts); !slices.Equal(want, got) {
			t.Errorf("%s: the keys differ: %v", lang, difference(want, got))
		}
		for key, text := range texts {
			french := fr[key]
			if french == "" {
				french = fr[keyOf(key)+"#other"]
			}
			if n, most := utf8.RuneCountInString(text), max(2*utf8.RuneCountInString(french), 12); n > most {
				t.Errorf("%s: %s: %d letters, expected at most %d", lang, key, n, most)
			}
			if text == "" || strings.TrimSpace(text) != text {
				t.Errorf("%s: %s: %q", lang, key, text)
			}
			// Singular and dual may say the number in words; only French leaves the minutes out at the full hour.
			if form := strings.TrimPrefix(key, keyOf(key)); form != "#one" && form != "#two" && key != "date.sharp" && !slices.Equal(values(text), values(french)) {
				t.Errorf("%s: %s: the values are %v, in French %v", lang, key, values(text), values(french))
			}
			if strings.Count(text, "[") != strings.Count(french, "[") {
				t.Errorf("%s: %s: not the same links", lang, key)
			}
		}
	}
}

func values(text string) []string {
	v := placeholder.FindAllString(text, -1)
	slices.Sort(v)
	return v
}

func difference(a, b []string) []string {
	var d []string
	for _, k := range append(slices.Clone(a), b...) {
		if slices.Contains(a, k) != slices.Contains(b, k) {
			d = append(d, k)
		}
	}
	return d
}

// CLDR: French and English need two forms, Arabic six.
func TestPluralsHaveEveryForm(t *testing.T) {
	for lang, want := range map[string][]string{
		"fr": {"one", "other"}, "en": {"one", "other"}, "ar": {"few", "many", "one", "other", "two", "zero"},
	} {
		forms := map[string][]string{}
		for k := range catalogue(t, lang) {
			if key, form, ok := strings.Cut(k, "#"); ok {
				forms[key] = append(forms[key], form)
			}
		}
		if len(forms) != 3 {
			t.Errorf("%s: %d texts with plural forms, expected those of minutes, hours and days", lang, len(forms))
		}
		for key, got := range forms {
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s: %s: forms %v, expected %v", lang, key, got, want)
			}
		}
	}
}

func TestEveryTextHasAPictureOrAReason(t *testing.T) {
	known := keys(catalogue(t, "fr"))
	for _, key := range known {
		p, ok := pictograms[key]
		if _, drawn := drawings[p.Name]; !ok || (p.Name == "") == (p.Why == "") || p.Name != "" && !drawn {
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
	for _, s := range []string{"home.go", "home.resume", "over.ask", "refused.again", "words.desk"} {
		fmt.Fprintf(&sources, "%q", s)
	}
	for _, l := range plan {
		fmt.Fprintf(&sources, "%q", l.Key)
	}
	for _, key := range keys(catalogue(t, "fr")) {
		prefix, name, _ := strings.Cut(key, ".")
		switch {
		case name == "title", prefix == "duration", prefix == "date", prefix == "amount":
		case prefix == "over", prefix == "refused": // by reason
		case !strings.Contains(sources.String(), `"`+key+`"`):
			t.Errorf("%s is said nowhere", key)
		}
	}
	used := map[string]bool{"arch": true}
	for _, p := range pictograms {
		used[p.Name] = true
	}
	for name := range drawings {
		if !used[name] {
			t.Errorf("the picture %q goes with no text", name)
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
	fr := catalogue(t, "fr")
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
