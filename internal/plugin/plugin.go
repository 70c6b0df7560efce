// Package plugin is the answer of a check for Centreon, Nagios or Icinga: a verdict, a line, performance data (Monitoring Plugins Development
// Guidelines).
package plugin

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"parvis/internal/lang"
)

// State is a plugin's verdict and its exit code (Monitoring Plugins Development Guidelines, "Plugin Return Codes").
type State int

// The verdicts.
const (
	OK State = iota
	Warning
	Critical
	Unknown
)

func (s State) String() string { return [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[s] }

// Limits are what a judgement begins to warn at, by name. A limit of 0 judges nothing.
type Limits map[string]float64

// With returns the limits with some of them changed; the error names those that do not exist.
func (l Limits) With(changed map[string]float64) (Limits, error) {
	all := maps.Clone(l)
	for name, v := range changed {
		if _, known := l[name]; !known || v < 0 {
			return nil, fmt.Errorf("%s=%v; expected one of %s, 0 or more", name, v, strings.Join(slices.Sorted(maps.Keys(l)), ", "))
		}
		all[name] = v
	}
	return all, nil
}

// Judgement collects a verdict, its reasons and performance data.
type Judgement struct {
	Warn, Crit Limits
	Below      string // name of the limits of which less is worse; "" none

	state   State
	reasons []lang.Text
	data    []string
}

// State is the verdict until now.
func (j *Judgement) State() State { return j.state }

// Worse makes the verdict at least s, for a reason.
func (j *Judgement) Worse(s State, reason lang.Text) {
	j.state = max(j.state, s)
	j.reasons = append(j.reasons, reason)
}

// Note adds performance data that nothing is judged by.
func (j *Judgement) Note(data string) { j.data = append(j.data, data) }

// Measure judges a figure by the limits of its name and notes it as label=value[unit];[warn];[crit];[min];[max]. scale turns the
// limits into the unit of the data; the reason is said with the value as people read it.
func (j *Judgement) Measure(name, label, unit string, value, scale float64, most string, reason lang.Text) {
	warn, crit := j.Warn[name], j.Crit[name]
	below := name == j.Below
	passes := func(limit float64) bool {
		switch limit *= scale; {
		case limit == 0:
			return false
		case below:
			return value < limit
		default:
			return value >= limit
		}
	}
	switch {
	case passes(crit):
		j.Worse(Critical, reason)
	case passes(warn):
		j.Worse(Warning, reason)
	}
	bound := func(limit float64) string {
		switch {
		case limit == 0:
			return ""
		case below:
			return number(limit*scale) + ":"
		default:
			return number(limit * scale)
		}
	}
	least := "0"
	if below {
		least = ""
	}
	j.Note(strings.TrimRight(fmt.Sprintf("%s=%s%s;%s;%s;%s;%s", label, number(value), unit, bound(warn), bound(crit), least, most), ";"))
}

// Answer is the whole line of a program (PARVIS), with its reasons or, when all is well, what is said then.
func (j *Judgement) Answer(program string, well lang.Text, l lang.Lang) string {
	reasons := []string{well.In(l)}
	if len(j.reasons) > 0 {
		reasons = nil
		for _, r := range j.reasons {
			reasons = append(reasons, r.In(l))
		}
	}
	return Line(program, j.state, strings.Join(reasons, ", ")+" | "+strings.Join(j.data, " "))
}

// Line is a plugin's answer.
func Line(program string, s State, what string) string {
	return program + " " + s.String() + " - " + strings.Join(strings.Fields(what), " ")
}

func number(v float64) string {
	return strconv.FormatFloat(v, 'f', -1, 64)
}
