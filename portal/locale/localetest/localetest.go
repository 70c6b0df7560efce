// Package localetest holds the rules that every catalogue of texts for residents keeps (FALC: texts that are easy to read).
package localetest

import (
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

// Check wants the rules kept by the texts of every language: files texts/TAG.toml for fr, en and ar.
func Check(t testing.TB, texts fs.FS) {
	t.Helper()
	sentencesAreShort(t, texts)
	frenchIsEasyToRead(t, texts)
	languagesHaveTheSameTexts(t, texts)
}

// Catalogue returns every text of a language by its key; plural forms as key#form.
func Catalogue(t testing.TB, texts fs.FS, lang string) map[string]string {
	t.Helper()
	var tree map[string]any
	if _, err := toml.DecodeFS(texts, "texts/"+lang+".toml", &tree); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
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
				all[key] = v
			case map[string]any:
				walk(key, v)
			default:
				t.Errorf("%s: %s is a %T", lang, key, v)
			}
		}
	}
	walk("", tree)
	return all
}

func keyOf(k string) string { key, _, _ := strings.Cut(k, "#"); return key }

// Keys are those of a catalogue, without forms.
func Keys(texts map[string]string) []string {
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

func sentencesAreShort(t testing.TB, texts fs.FS) {
	t.Helper()
	const most = 12
	for _, lang := range []string{"fr", "en", "ar"} {
		for key, text := range Catalogue(t, texts, lang) {
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

// Lint names what is wrong with a French text.
func Lint(text string) []string {
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

func frenchIsEasyToRead(t testing.TB, texts fs.FS) {
	t.Helper()
	for key, text := range Catalogue(t, texts, "fr") {
		for _, what := range Lint(text) {
			t.Errorf("%s: %s: %q", key, what, text)
		}
	}
}

func languagesHaveTheSameTexts(t testing.TB, files fs.FS) {
	t.Helper()
	fr := Catalogue(t, files, "fr")
	for _, lang := range []string{"en", "ar"} {
		texts := Catalogue(t, files, lang)
		if want, got := Keys(fr), Keys(texts); !slices.Equal(want, got) {
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
