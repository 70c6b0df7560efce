package locale_test

import (
	"slices"
	"strings"
	"testing"

	"parvis/portal/locale"
	"parvis/portal/locale/localetest"
)

func TestTheTextsAreEasyToRead(t *testing.T) { localetest.Check(t, locale.Texts) }

// The rules themselves find what they are for.
func TestTheLintSeesWhatItIsFor(t *testing.T) {
	for text, want := range map[string]string{
		"Vous ne pouvez pas ne pas lire.": "two negations", "Votre session a expiré.": "session", "Veuillez attendre.": "veuillez",
		"Attendez deux minutes.": "deux", "Fin à 15h40.": "15 h 40", "Fin à 15:40.": "15 h 40", "N'oubliez pas de n'en rien dire.": "two negations",
	} {
		if got := strings.Join(localetest.Lint(text), "; "); !strings.Contains(got, want) {
			t.Errorf("%q: %q, expected %q", text, got, want)
		}
	}
	for _, text := range []string{"Ce code ne marche pas. Il n'est pas bon.", "Fin à 15 h 40.", "Fin à 9 h.", "Une personne vous aide."} {
		if got := localetest.Lint(text); got != nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// CLDR: French and English need two forms, Arabic six.
func TestPluralsHaveEveryForm(t *testing.T) {
	for lang, want := range map[string][]string{
		"fr": {"one", "other"}, "en": {"one", "other"}, "ar": {"few", "many", "one", "other", "two", "zero"},
	} {
		forms := map[string][]string{}
		for k := range localetest.Catalogue(t, locale.Texts, lang) {
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
