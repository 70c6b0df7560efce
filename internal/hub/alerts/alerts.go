// Package alerts makes incidents of what sites say and do not say, and tells people of them.
//
// There is at most one open incident of a site and a problem. It begins when the problem has lasted and ends when it has been quiet
// for a while (Rule), so that what comes and goes is one incident and not a hundred. While a site is silent nothing else about it is
// known: its other incidents stay as they are.
//
// One hub at a time looks (Store.Lead). What it finds and the messages about it are written in one transaction; messages are then sent
// one after another until the other side has taken them, each under an id that stays the same, so that a side that knows ids takes it once.
package alerts

import (
	"slices"
	"time"

	"parvis/internal/hublink/wire"
)

// Silent is the one problem that a site cannot tell; the others are wire.ProblemCodes.
const Silent = "silent"

// Codes are all problems.
var Codes = append([]string{Silent}, wire.ProblemCodes...)

// Rule is the damping of one problem.
type Rule struct {
	Begin time.Duration // that it lasts before it is an incident
	End   time.Duration // of quiet before the incident has ended
}

// Bounds of what is a problem although no site says so itself.
const (
	silence     = 3 * time.Minute  // beyond the time at which a site should have come
	days        = 14               // left of a certificate
	tellAgain   = 15 * time.Minute // between two messages about one incident that grows
	mostWhats   = 20               // that one incident names
	several     = 3                // sites that do not fall silent all at once by chance
	pendingMost = 10 * time.Minute // of quiet after which a problem that has not become an incident is forgotten
)

// rules of the problems that are not damped like the rest.
var rules = map[string]Rule{
	Silent:           {10 * time.Minute, 5 * time.Minute},
	"line-saturated": {15 * time.Minute, 30 * time.Minute},
	"line-slow":      {15 * time.Minute, 30 * time.Minute},
	"terminal":       {15 * time.Minute, 15 * time.Minute},
	"printer":        {15 * time.Minute, 15 * time.Minute},
	"clock":          {30 * time.Minute, 10 * time.Minute}, // a router without a battery clock needs a while after each start
	"disk":           {10 * time.Minute, time.Hour},
	"certificate":    {10 * time.Minute, time.Hour},
	"heat":           {15 * time.Minute, 30 * time.Minute},
	"wear":           {10 * time.Minute, time.Hour},
}

// RuleOf is how a problem is damped.
func RuleOf(code string) Rule {
	if r, ok := rules[code]; ok {
		return r
	}
	return Rule{5 * time.Minute, 10 * time.Minute}
}

// Seen is one site as the hub sees it.
type Seen struct {
	Tenant, Site string
	Name         string
	Contact      time.Time     // the last; zero: never
	Every        time.Duration // how often it comes
	Now          wire.Now      // as it said at Contact
	Watches      []Watch
}

// Watch is a problem of a site that has been seen.
type Watch struct {
	Code     string
	Since    time.Time // it is there, or comes and goes
	Quiet    time.Time // it has not been seen; zero: it is there now
	Incident int64     // that is open; 0: none
	What     []string  // that it is about: terminals, certificates; in order
	Told     time.Time // when people heard of the incident last
}

// problems are the problems of a site at a time, with what each is about, and whether the site is heard at all.
func problems(now time.Time, s Seen) (all map[string][]string, heard bool) {
	last := s.Contact
	if last.IsZero() {
		return nil, true // a site that was enrolled and not yet plugged in is no incident
	}
	if now.Sub(last) > s.Every+silence {
		return map[string][]string{Silent: nil}, false
	}
	all = map[string][]string{}
	add := func(code, what string) {
		all[code] = append(all[code], nonempty(what)...)
	}
	for _, p := range s.Now.Problems {
		if slices.Contains(wire.ProblemCodes, p.Code) {
			add(p.Code, p.What)
		}
	}
	for name, left := range s.Now.Expires {
		if left < days {
			add("certificate", name)
		}
	}
	for code, what := range all {
		slices.Sort(what)
		what = slices.Compact(what)
		all[code] = what[:min(len(what), mostWhats)]
	}
	return all, true
}

func nonempty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// Event is what has happened to an incident.
type Event string

// The events.
const (
	None  Event = ""
	Begin Event = "begin"
	More  Event = "more" // it is about something else too
	End   Event = "end"
)

// step moves a watch by what is seen now: what the problem is about, and whether it is there. A watch whose Since is zero afterwards is
// over.
func step(now time.Time, w Watch, there bool, what []string) (Watch, Event) {
	r := RuleOf(w.Code)
	if !there {
		switch {
		case w.Since.IsZero():
			return w, None
		case w.Quiet.IsZero():
			w.Quiet = now
		}
		quiet := now.Sub(w.Quiet)
		switch {
		case w.Incident != 0 && quiet >= r.End:
			w.Since = time.Time{}
			return w, End
		case w.Incident == 0 && quiet >= min(r.End, r.Begin, pendingMost):
			return Watch{Code: w.Code}, None
		}
		return w, None
	}
	w.Quiet = time.Time{}
	if w.Since.IsZero() {
		w.Since = now
	}
	if w.Incident == 0 {
		w.What = what
		if now.Sub(w.Since) < r.Begin {
			return w, None
		}
		w.Told = now
		return w, Begin
	}
	grown := slices.ContainsFunc(what, func(s string) bool { return !slices.Contains(w.What, s) })
	if grown && now.Sub(w.Told) >= tellAgain {
		w.What, w.Told = what, now
		return w, More
	}
	return w, None
}

// Change is what a look at one site has changed of one problem.
type Change struct {
	Tenant, Site, Name string
	Watch              Watch // as it is now; Since zero: it is to be removed, and its incident is to be ended
	Event              Event
	Began, Ended       time.Time // of the incident; Ended with End alone
	Ways               []string  // by which people hear of the event
}

// Deaf reports whether no site at all is heard although several were: then it is the hub that is cut off, and not all of them that are
// silent.
func Deaf(now time.Time, all []Seen) bool {
	known := 0
	for _, s := range all {
		if s.Contact.IsZero() {
			continue
		}
		if _, heard := problems(now, s); heard {
			return false
		}
		known++
	}
	return known >= several
}

// Look compares a site with its watches. A hub that is deaf learns nothing of it.
func Look(now time.Time, s Seen, deaf bool) (changes []Change) {
	there, heard := problems(now, s)
	for _, code := range Codes {
		before := Watch{Code: code}
		if i := slices.IndexFunc(s.Watches, func(w Watch) bool { return w.Code == code }); i >= 0 {
			before = s.Watches[i]
		}
		what, bad := there[code]
		after, event := before, None
		if heard || code == Silent && !deaf {
			after, event = step(now, before, bad, what)
		} else {
			after.Quiet = time.Time{} // nothing is known of it: that is no quiet
		}
		if event == None && same(before, after) {
			continue
		}
		c := Change{Tenant: s.Tenant, Site: s.Site, Name: s.Name, Watch: after, Event: event, Began: before.Since}
		if event == Begin {
			c.Began = after.Since
		}
		if event == End {
			c.Ended = after.Quiet
		}
		changes = append(changes, c)
	}
	return changes
}

func same(a, b Watch) bool {
	return a.Since.Equal(b.Since) && a.Quiet.Equal(b.Quiet) && a.Incident == b.Incident && slices.Equal(a.What, b.What)
}
