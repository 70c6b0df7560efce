package alerts_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parvis/internal/hub/alerts"
	"parvis/internal/hublink/wire"
)

var start = time.Date(2026, 11, 28, 8, 0, 0, 0, time.UTC)

// world is one site and what a store would keep of it.
type world struct {
	now  time.Time
	seen alerts.Seen
	deaf bool
	next int64
	log  []string // events with their minute
}

func newWorld() *world {
	return &world{now: start, seen: alerts.Seen{Tenant: "t", Site: "s", Name: "Mairie", Every: time.Minute}}
}

// minute passes, in which the site says (or does not) what is wrong.
func (w *world) minute(speaks bool, problems ...wire.Problem) {
	w.now = w.now.Add(time.Minute)
	if speaks {
		w.seen.Contact, w.seen.Now.Problems = w.now, problems
	}
	for _, c := range alerts.Look(w.now, w.seen, w.deaf) {
		w.seen.Watches = slices.DeleteFunc(w.seen.Watches, func(o alerts.Watch) bool { return o.Code == c.Watch.Code })
		if c.Event == alerts.Begin {
			w.next++
			c.Watch.Incident = w.next
		}
		if !c.Watch.Since.IsZero() {
			w.seen.Watches = append(w.seen.Watches, c.Watch)
		}
		if c.Event != alerts.None {
			w.log = append(w.log, fmt.Sprintf("%d %s %s", int(w.now.Sub(start)/time.Minute), c.Watch.Code, c.Event))
		}
	}
}

func disk() wire.Problem { return wire.Problem{Code: "disk"} }

func terminal(id string) wire.Problem { return wire.Problem{Code: "terminal", What: id} }

func TestWhenAnIncidentBeginsAndEnds(t *testing.T) {
	quiet := func(w *world, n int) {
		for range n {
			w.minute(true)
		}
	}
	bad := func(w *world, n int, p ...wire.Problem) {
		for range n {
			w.minute(true, p...)
		}
	}
	silent := func(w *world, n int) {
		for range n {
			w.minute(false)
		}
	}
	for name, tt := range map[string]struct {
		play func(*world)
		want []string
	}{
		"a disk that fills up and is emptied": {
			func(w *world) { bad(w, 30, disk()); quiet(w, 90) },
			[]string{"11 disk begin", "91 disk end"},
		},
		"what lasts less than its rule is no incident": {
			func(w *world) { bad(w, 10, disk()); quiet(w, 90) }, nil,
		},
		"what comes and goes is one incident": {
			func(w *world) {
				for range 30 {
					bad(w, 2, disk())
					quiet(w, 3)
				}
				quiet(w, 90)
			},
			[]string{"11 disk begin", "208 disk end"},
		},
		"what comes once in a while is none": {
			func(w *world) {
				for range 20 {
					bad(w, 1, disk())
					quiet(w, 14)
				}
			}, nil,
		},
		"silence is an incident, and ends": {
			func(w *world) { quiet(w, 5); silent(w, 60); quiet(w, 10) },
			[]string{"20 silent begin", "71 silent end"},
		},
		"a site that was never plugged in is none": {func(w *world) { silent(w, 200) }, nil},
		"while a site is silent its other incidents stay": {
			func(w *world) { bad(w, 15, disk()); silent(w, 300); quiet(w, 59) },
			[]string{"11 disk begin", "30 silent begin", "321 silent end"},
		},
		"and end when it has been heard and quiet": {
			func(w *world) { bad(w, 15, disk()); silent(w, 300); quiet(w, 61) },
			[]string{"11 disk begin", "30 silent begin", "321 silent end", "376 disk end"},
		},
		"a hub that is deaf tells no silence, and takes it for no quiet": {
			func(w *world) {
				bad(w, 15, disk())
				quiet(w, 30)
				w.deaf = true
				silent(w, 100)
				w.deaf = false
				quiet(w, 60)
			},
			[]string{"11 disk begin"},
		},
		"two dead terminals are one incident that grows": {
			func(w *world) {
				bad(w, 20, terminal("poste-1"))
				bad(w, 20, terminal("poste-1"), terminal("poste-2"))
				quiet(w, 20)
			},
			[]string{"16 terminal begin", "31 terminal more", "56 terminal end"},
		},
		"two problems are two incidents": {
			func(w *world) { bad(w, 20, disk(), wire.Problem{Code: "gate"}) },
			[]string{"6 gate begin", "11 disk begin"},
		},
		"a code that nobody knows is none": {func(w *world) { bad(w, 60, wire.Problem{Code: "weather"}) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			tt.play(w)
			if !slices.Equal(w.log, tt.want) {
				t.Errorf("%q\nexpected %q", w.log, tt.want)
			}
		})
	}
}

func TestAHubIsDeafWhenNobodyIsHeard(t *testing.T) {
	at := func(ago ...time.Duration) (all []alerts.Seen) {
		for _, d := range ago {
			s := alerts.Seen{Every: time.Minute}
			if d >= 0 {
				s.Contact = start.Add(-d)
			}
			all = append(all, s)
		}
		return all
	}
	for name, tt := range map[string]struct {
		sites []alerts.Seen
		want  bool
	}{
		"three, all silent":                      {at(time.Hour, time.Hour, time.Hour), true},
		"two, both silent":                       {at(time.Hour, time.Hour), false},
		"one of many is heard":                   {at(time.Hour, time.Hour, time.Hour, time.Minute), false},
		"two silent, others never plugged in":    {at(time.Hour, time.Hour, -1, -1), false},
		"three silent, another never plugged in": {at(time.Hour, time.Hour, time.Hour, -1), true},
		"none":                                   {nil, false},
	} {
		if got := alerts.Deaf(start, tt.sites); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestACertificateThatEndsSoonIsAnIncident(t *testing.T) {
	for left, want := range map[int]int{14: 0, 13: 1, 0: 1, -3: 1} {
		w := newWorld()
		w.seen.Now.Expires = map[string]int{"portal": left, "console": 60}
		for range 20 {
			w.minute(true)
		}
		if len(w.log) != want {
			t.Errorf("%d days left: %q", left, w.log)
		}
		if want == 1 && !slices.Equal(w.seen.Watches[0].What, []string{"portal"}) {
			t.Errorf("%d days left: it is about %q", left, w.seen.Watches[0].What)
		}
	}
}

// Whatever happens: incidents of a problem begin and end in turn, and two beginnings are as far apart as the rule says.
func TestThereAreNeverTwoOpenIncidentsNorAStorm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		open, began := map[string]bool{}, map[string]time.Time{}
		for range rapid.IntRange(1, 300).Draw(t, "minutes") {
			var said []wire.Problem
			for _, p := range []wire.Problem{disk(), terminal("poste-1"), terminal("poste-2"), {Code: "gate"}} {
				if rapid.IntRange(0, 2).Draw(t, p.Code+p.What) == 0 {
					said = append(said, p)
				}
			}
			before := len(w.log)
			w.minute(rapid.IntRange(0, 5).Draw(t, "speaks") > 0, said...)
			for _, line := range w.log[before:] {
				var at int
				var code, event string
				if _, err := fmt.Sscan(line, &at, &code, &event); err != nil {
					t.Fatal(err)
				}
				rule := alerts.RuleOf(code)
				switch alerts.Event(event) {
				case alerts.Begin:
					if open[code] {
						t.Fatalf("%s begins twice: %q", code, w.log)
					}
					if last, ok := began[code]; ok && w.now.Sub(last) < rule.Begin+rule.End {
						t.Fatalf("%s begins again after %s: %q", code, w.now.Sub(last), w.log)
					}
					open[code], began[code] = true, w.now
				case alerts.End, alerts.More:
					if !open[code] {
						t.Fatalf("%s without a beginning: %q", line, w.log)
					}
					open[code] = open[code] && alerts.Event(event) == alerts.More
				}
			}
		}
	})
}
