// Package drawings is the pictures that go with codes: who waits shows one at the desk, who looks for them sees it in the
// console and on paper. They are our own, told apart by their outline and not by colour alone.
package drawings

import (
	"embed"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
)

//go:embed svg/*.svg
var files embed.FS

// words are what the drawings show, in French, English and Arabic. The names are those of sessions.Drawings.
var words = map[string]map[string]string{
	"arbre":     {"fr": "arbre", "en": "tree", "ar": "شجرة"},
	"avion":     {"fr": "avion", "en": "plane", "ar": "طائرة"},
	"ballon":    {"fr": "ballon", "en": "ball", "ar": "كرة"},
	"bateau":    {"fr": "bateau", "en": "boat", "ar": "مركب"},
	"chapeau":   {"fr": "chapeau", "en": "hat", "ar": "قبعة"},
	"chat":      {"fr": "chat", "en": "cat", "ar": "قط"},
	"chien":     {"fr": "chien", "en": "dog", "ar": "كلب"},
	"cle":       {"fr": "clé", "en": "key", "ar": "مفتاح"},
	"cloche":    {"fr": "cloche", "en": "bell", "ar": "جرس"},
	"coeur":     {"fr": "cœur", "en": "heart", "ar": "قلب"},
	"escargot":  {"fr": "escargot", "en": "snail", "ar": "حلزون"},
	"etoile":    {"fr": "étoile", "en": "star", "ar": "نجمة"},
	"fleur":     {"fr": "fleur", "en": "flower", "ar": "زهرة"},
	"fusee":     {"fr": "fusée", "en": "rocket", "ar": "مركبة فضائية"},
	"livre":     {"fr": "livre", "en": "book", "ar": "كتاب"},
	"lune":      {"fr": "lune", "en": "moon", "ar": "قمر"},
	"lunettes":  {"fr": "lunettes", "en": "glasses", "ar": "نظارات"},
	"maison":    {"fr": "maison", "en": "house", "ar": "بيت"},
	"parapluie": {"fr": "parapluie", "en": "umbrella", "ar": "مظلة"},
	"poisson":   {"fr": "poisson", "en": "fish", "ar": "سمكة"},
	"pomme":     {"fr": "pomme", "en": "apple", "ar": "تفاحة"},
	"soleil":    {"fr": "soleil", "en": "sun", "ar": "شمس"},
	"tasse":     {"fr": "tasse", "en": "cup", "ar": "كوب"},
	"velo":      {"fr": "vélo", "en": "bicycle", "ar": "دراجة"},
}

// Names returns the names of all drawings, in order.
func Names() []string { return slices.Sorted(maps.Keys(words)) }

// Word says in a language (fr, en, ar) what a drawing shows; "" when there is no such drawing or language.
func Word(name, language string) string { return words[name][language] }

// File returns a drawing as a whole SVG file of 64 × 64; nil when there is none of this name.
func File(name string) []byte {
	if words[name] == nil {
		return nil
	}
	b, err := files.ReadFile("svg/" + name + ".svg")
	if err != nil {
		panic(fmt.Errorf("drawings: %w", err)) // a test compares words and files
	}
	return b
}

// SVG returns a drawing for a page, size pixels wide and high where no style says otherwise, with the class "dr". Screen readers
// pass it over: its Word belongs beside it. It is empty when there is none of this name.
func SVG(name string, size int) template.HTML {
	_, rest, ok := strings.Cut(string(File(name)), ` viewBox=`)
	if !ok {
		return ""
	}
	return template.HTML(fmt.Sprintf(`<svg class="dr" width="%d" height="%[1]d" aria-hidden="true" focusable="false" viewBox=%s`, //nolint:gosec // our own file
		size, strings.TrimSpace(rest)))
}
