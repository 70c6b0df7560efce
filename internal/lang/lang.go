// Package lang holds what the command line says to operators, in French and in English side by side so that
// neither can be forgotten. What residents read is portal's own catalogue.
package lang

import (
	"fmt"
	"strings"
)

// Lang is a language of the command line.
type Lang string

// The languages of the command line.
const (
	EN Lang = "en"
	FR Lang = "fr"
)

// Text is one message in every language. The same verbs of fmt stand in the same order in both.
type Text struct{ EN, FR string }

// FromEnv picks the language as setlocale(3) does: LC_ALL, then LC_MESSAGES, then LANG. Anything but French is English.
func FromEnv(getenv func(string) string) Lang {
	for _, k := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := getenv(k); v != "" {
			if strings.HasPrefix(strings.ToLower(v), "fr") {
				return FR
			}
			return EN
		}
	}
	return EN
}

// In returns the text in l with its values put in. A value that is itself a Text is put in in the same language.
func (t Text) In(l Lang, args ...any) string {
	s := t.EN
	if l == FR {
		s = t.FR
	}
	if len(args) == 0 {
		return s
	}
	vals := make([]any, len(args))
	for i, a := range args {
		if x, ok := a.(Text); ok {
			a = x.In(l)
		}
		vals[i] = a
	}
	return fmt.Sprintf(s, vals...)
}
