package config

import (
	"strconv"
	"strings"

	"parvis/internal/look"
)

// colour reads a colour of our pages, which must be seen on their grounds; nil where none is given, or not one that is.
func (t *table) colour(key string, judge func(look.Colour) look.Verdict) *look.Colour {
	s, ok := t.text(key, false)
	if !ok {
		return nil
	}
	c, ok := look.Parse(s)
	if !ok {
		t.bad(key, Say("%s: %q is not a colour", "%s : %q n'est pas une couleur", t.label(key), s),
			Say("six hexadecimal digits after #", "six chiffres hexadécimaux après #"), t.example(key))
		return nil
	}
	v := judge(c)
	if !v.Passes() {
		t.bad(key, Say("%s: %q cannot be read well enough: its contrast is %s", "%s : %q ne se lit pas assez bien : son contraste est de %s", t.label(key), s, ratio(v.Contrast)),
			Say("a contrast of at least %s with the light ground of the pages (WCAG 2.2)", "un contraste d'au moins %s avec le fond clair des pages (WCAG 2.2)", ratio(v.Least)),
			Say("write %q, the nearest one that passes", "écrivez %q, la plus proche qui convient", v.Nearest.String()))
		return nil
	}
	return &c
}

// ratio writes a contrast, rounded down, so that 4.499 is not said to be 4.5.
func ratio(of float64) Message {
	s := strconv.FormatFloat(float64(int(of*100))/100, 'f', -1, 64)
	return Say(s, strings.ReplaceAll(s, ".", ","))
}
