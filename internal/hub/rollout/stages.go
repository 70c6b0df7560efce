// Package rollout brings what a centre decides to its sites, a configuration or a release: one first, then a tenth, then all, and no further once
// a site has gone back.
package rollout

import (
	"slices"
	"time"
)

// Site is one site of a rollout, as far as the hub knows.
type Site struct {
	ID      string
	Offered bool // it is told to run the new version
	// Since is how long it has run the new version and proved it; 0 it has not.
	Since time.Duration
	// Back: it took the version and went back, or would not take it.
	Back bool
	// Away: nothing was heard of it for so long that nobody waits for it. It takes the version when it comes back.
	Away bool
}

// State of a rollout.
type State string

// The states.
const (
	Going   State = "going"   // sites are waited for, or Offer is not empty
	Stopped State = "stopped" // a site went back: nobody else is told
	Done    State = "done"    // every site is told
)

// Next is what to do now.
type Next struct {
	State State
	Stage int      // 1 one site, 2 a tenth, 3 all
	Offer []string // sites to be told now, in the order of the list
	Back  []string // sites that went back
}

// Soak is how long a stage's sites must have run well before the next one.
const Soak = 30 * time.Minute

// size is how many of n sites a stage tells, those before it included.
func size(stage, n int) int {
	switch stage {
	case 1:
		return min(1, n)
	case 2:
		return min(n, max(2, (n+9)/10))
	default:
		return n
	}
}

// Step decides from what is known now; it remembers nothing, so that any hub may take it. The order of the list is the order of telling; who
// is away goes behind those who are there, so that the first one can prove something.
func Step(all []Site) Next {
	order := slices.Clone(all)
	slices.SortStableFunc(order, func(a, b Site) int { return rank(a) - rank(b) })
	n := Next{State: Going, Stage: 1}
	told := 0
	for _, s := range order {
		if s.Back {
			n.Back = append(n.Back, s.ID)
		}
		if s.Offered {
			told++
		}
	}
	for n.Stage < 3 && told > size(n.Stage, len(order)) {
		n.Stage++
	}
	if n.Stage < 3 && told == size(n.Stage, len(order)) && proved(order) {
		n.Stage++
	}
	switch {
	case len(n.Back) > 0:
		n.State = Stopped
		return n
	case told == len(order):
		n.State, n.Stage = Done, 3
		return n
	}
	for _, s := range order {
		if !s.Offered && told < size(n.Stage, len(order)) {
			n.Offer = append(n.Offer, s.ID)
			told++
		}
	}
	return n
}

// rank puts who is told already first, then who is there.
func rank(s Site) int {
	switch {
	case s.Offered:
		return 0
	case !s.Away:
		return 1
	default:
		return 2
	}
}

// proved reports whether those who were told and are there run well for long enough, and that there is one.
func proved(all []Site) bool {
	one := false
	for _, s := range all {
		if !s.Offered || s.Away {
			continue
		}
		if s.Back || s.Since < Soak {
			return false
		}
		one = true
	}
	return one
}
