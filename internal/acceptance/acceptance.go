// Package acceptance is how a finished site is accepted: steps are taken one after the other, each finds something, and what was
// found is a record for one page that two people sign. It decides nothing about the site and keeps nothing of the devices that it saw.
package acceptance

import (
	"context"
	"slices"
	"time"

	"parvis/internal/config"
	"parvis/internal/lang"
)

// Verdict is what came of a step, from good to bad.
type Verdict string

// The verdicts.
const (
	Passed  Verdict = "passed"
	Skipped Verdict = "skipped" // there is nothing to try here
	Noted   Verdict = "noted"   // it works, and somebody should know
	Failed  Verdict = "failed"
)

// verdicts is their order: the worst finding is the step's.
var verdicts = []Verdict{Passed, Skipped, Noted, Failed}

// Sentence is something said in both languages.
type Sentence = config.Message

// Finding is one thing that a step has found.
type Finding struct {
	Verdict Verdict
	What    Sentence
	Do      Sentence // what to do about it; empty when nothing is to be done
}

// Step is one thing to try.
type Step struct {
	ID    string
	Title lang.Text
	Look  func(context.Context) []Finding
}

// Result is what came of a step.
type Result struct {
	ID       string
	Title    lang.Text
	Findings []Finding
}

// Verdict of the step: its worst finding's; a step that found nothing was skipped.
func (r Result) Verdict() Verdict {
	if len(r.Findings) == 0 {
		return Skipped
	}
	worst := Passed
	for _, f := range r.Findings {
		if slices.Index(verdicts, f.Verdict) > slices.Index(verdicts, worst) {
			worst = f.Verdict
		}
	}
	return worst
}

// Record is a whole acceptance.
type Record struct {
	Site    string
	Version string
	Model   string    // of the router's board; "" unknown
	Began   time.Time // wall time
	Ended   time.Time
	Sure    bool // somebody has set the clock
	Results []Result
}

// Count is how many steps had a verdict.
func (r Record) Count(v Verdict) (n int) {
	for _, s := range r.Results {
		if s.Verdict() == v {
			n++
		}
	}
	return n
}

// Accepted reports whether nothing failed.
func (r Record) Accepted() bool { return r.Count(Failed) == 0 }

// Run takes the steps in turn. before and after are called around each, to be told. It ends early, with what it has, when ctx does.
func Run(ctx context.Context, steps []Step, before func(Step), after func(Result)) (all []Result) {
	for _, s := range steps {
		if ctx.Err() != nil {
			return all
		}
		before(s)
		r := Result{s.ID, s.Title, s.Look(ctx)}
		if ctx.Err() != nil { // what it found while it was ended is no finding
			return all
		}
		after(r)
		all = append(all, r)
	}
	return all
}
