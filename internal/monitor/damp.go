package monitor

import (
	"cmp"
	"slices"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hublink/wire"
	"parvis/internal/order"
)

// The damping: a problem is told once it has lasted for a while, and its end once it has been gone for a while. Each further time
// within a day that it comes, the second while doubles: what comes and goes all day is told twice and not forty times.
const (
	lasts    = 2 * time.Minute
	gone     = 5 * time.Minute
	mostGone = 2 * time.Hour
	remember = 24 * time.Hour
)

// Open is a problem that was told and whose end was not.
type Open struct {
	wire.Problem
	Since int64 `json:"since"` // seconds since 1970; 0: nobody knew the time
	Times int   `json:"times"` // it has begun within a day, this time too
}

// incident is one problem as it is followed.
type incident struct {
	Open
	told  bool
	there bool       // at the last look
	turn  clock.Boot // since when it is there, or gone
	until clock.Boot // Times is remembered until then
}

// damper is the pure part: problems in, what is to be told out.
type damper struct {
	known map[wire.Problem]*incident
}

// newDamper goes on with what was told before a restart, as if each of it had just been seen.
func newDamper(told []Open, now clock.Boot) *damper {
	d := &damper{known: map[wire.Problem]*incident{}}
	for _, o := range told {
		d.known[o.Problem] = &incident{Open: o, told: true, there: true, turn: now, until: now.Add(remember)}
	}
	return d
}

// look takes in what is wrong now, and returns whose beginning and whose end are to be told. wall is for people.
func (d *damper) look(now clock.Boot, wall clock.Wall, problems []wire.Problem) (begun, ended []Open) {
	for _, p := range problems {
		i := d.known[p]
		if i == nil {
			i = &incident{Open: Open{Problem: p}, turn: now}
			d.known[p] = i
		}
		if i.there {
			continue
		}
		i.there = true
		if i.told {
			i.Times++ // it comes and goes: its end is told later
			i.until = now.Add(remember)
			continue
		}
		i.turn, i.Since = now, 0
		if wall.Quality == clock.Synchronised {
			i.Since = wall.Time.Unix()
		}
	}
	for p, i := range d.known {
		if i.there && !slices.Contains(problems, p) {
			i.there, i.turn = false, now
		}
		switch {
		case i.there && !i.told && now.Sub(i.turn) >= lasts:
			if now >= i.until {
				i.Times = 0
			}
			i.told, i.until = true, now.Add(remember)
			i.Times++
			begun = append(begun, i.Open)
		case !i.there && i.told && now.Sub(i.turn) >= i.patience():
			i.told = false
			ended = append(ended, i.Open)
		case !i.there && !i.told && now >= i.until:
			delete(d.known, p)
		}
	}
	sortOpen(begun)
	sortOpen(ended)
	return begun, ended
}

// patience is how long a problem must be gone before its end is told.
func (i *incident) patience() time.Duration {
	d := gone
	for n := 1; n < i.Times && d < mostGone; n++ {
		d *= 2
	}
	return min(d, mostGone)
}

// open is what was told and goes on.
func (d *damper) open() (all []Open) {
	for _, i := range d.known {
		if i.told {
			all = append(all, i.Open)
		}
	}
	sortOpen(all)
	return all
}

func sortOpen(all []Open) {
	order.Func(all, func(a, b Open) int { return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.What, b.What)) })
}
