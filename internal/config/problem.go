package config

import (
	"fmt"
	"strings"

	"parvis/internal/lang"
)

// Severity of a problem.
type Severity uint8

// An Error keeps the configuration from being used; a Warning says what it costs.
const (
	Warning Severity = iota + 1
	Error
)

// Message is a text with the values that go into it.
type Message struct {
	Text lang.Text
	Args []any
}

// In returns the message in l. An argument that is itself a Message is said in the same language.
func (m Message) In(l lang.Lang) string {
	args := make([]any, len(m.Args))
	for i, a := range m.Args {
		if x, ok := a.(Message); ok {
			a = x.In(l)
		}
		args[i] = a
	}
	return m.Text.In(l, args...)
}

// Empty reports that there is nothing to say.
func (m Message) Empty() bool { return m.Text == lang.Text{} }

// Problem is one thing that is not right, where it is, and what to do. Line and Column count from 1, in characters;
// they are 0 for what has no place in a file.
type Problem struct {
	File         string
	Line, Column int
	Severity     Severity
	What         Message
	Expected     Message // may be empty
	Do           Message
}

// In returns the problem as one line: "file:line:column: what; expected …; do …".
func (p Problem) In(l lang.Lang) string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		b.WriteString(": ")
	}
	if p.Severity == Warning {
		b.WriteString(lang.Text{EN: "warning: ", FR: "avertissement : "}.In(l))
	}
	b.WriteString(p.What.In(l))
	if !p.Expected.Empty() {
		b.WriteString(lang.Text{EN: "; expected ", FR: " ; attendu : "}.In(l))
		b.WriteString(p.Expected.In(l))
	}
	if !p.Do.Empty() {
		b.WriteString(lang.Text{EN: "; ", FR: " ; "}.In(l))
		b.WriteString(p.Do.In(l))
	}
	return b.String()
}

// HasErrors reports whether one of the problems is an Error.
func HasErrors(ps []Problem) bool {
	for _, p := range ps {
		if p.Severity == Error {
			return true
		}
	}
	return false
}
