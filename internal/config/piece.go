package config

import (
	"maps"
	"slices"
)

// Piece says what keeps a piece of a configuration from being one: what cannot be read, values that no router takes, and keys that may
// does not allow. What is missing is not told, since another piece may have it. The problems are Errors, in the order of the source.
func Piece(source string, may func(key string) bool) (wrong []Problem) {
	_, all := parse(&reader{src: source, broken: map[string]bool{}, may: may})
	for _, p := range all {
		if p.Severity == Error {
			wrong = append(wrong, p)
		}
	}
	return wrong
}

// forbidden tells the keys that a piece may not say.
func (t *table) forbidden() {
	if t.r.whole() {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(t.vals)) {
		if slices.Contains(t.known, key) && !t.r.may(t.label(key)) {
			t.r.add(t.r.keyPlace(join(t.path, key)), Error, Say("%s is about one machine", "%s ne vaut que pour une machine", t.label(key)), Message{},
				Say("take it out: only the site's own file says this", "retirez la ligne : seul le fichier du lieu peut le dire"))
		}
	}
}
