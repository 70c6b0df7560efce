package acceptance

import "parvis/internal/config"

// Say makes a sentence of both languages.
func Say(en, fr string, args ...any) Sentence { return config.Say(en, fr, args...) }

// Pass, Skip, Note and Fail make findings.
func Pass(what Sentence) Finding     { return Finding{Verdict: Passed, What: what} }
func Skip(what, do Sentence) Finding { return Finding{Skipped, what, do} }
func Note(what, do Sentence) Finding { return Finding{Noted, what, do} }
func Fail(what, do Sentence) Finding { return Finding{Failed, what, do} }

// Answered turns a technician's answer into a finding.
func Answered(a Answer, yes, no, do Sentence) Finding {
	switch a {
	case Yes:
		return Pass(yes)
	case No:
		return Fail(no, do)
	}
	return Note(Say("%s: nobody answered", "%s : personne n'a répondu", yes), Say("take this step again", "refaites cette étape"))
}

// Answer is what the technician says.
type Answer string

// The answers.
const (
	Yes    Answer = "yes"
	No     Answer = "no"
	Silent Answer = "silent" // nobody is there, or the question was passed over
)

// Technician is who stands in the place.
type Technician interface {
	Tell(Sentence)
	Ask(Sentence) Answer
}
