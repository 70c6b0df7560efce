package queue_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parvis/kiosk/queue"
)

// Whatever the desk does, in whatever order, over restarts and full disks: every number of the day is in one place or served, no number
// is given twice, who waits is called in order, no quarter of an hour has more bookings than terminals, and what is written is
// what is shown.
func TestTheQueueKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		d := newDesk(t)
		d.posts = rapid.IntRange(0, 3).Draw(r, "posts")
		given, served := map[string]bool{}, map[string]bool{} // of today
		var undo func()                                       // what the model does when the last gesture is taken back
		date := d.clock.Wall().Time.Format(time.DateOnly)
		turn := func() {
			if now := d.clock.Wall().Time.Format(time.DateOnly); now != date {
				date, given, served, undo = now, map[string]bool{}, map[string]bool{}, nil
			}
		}
		done := func(err error, taken func(), back func()) {
			switch {
			case err == nil:
				taken()
				undo = back
			case d.disk.full != errors.Is(err, queue.ErrStore) && !errors.Is(err, queue.ErrNumber) && !errors.Is(err, queue.ErrEmpty):
				r.Fatalf("the disk is full: %v; %v", d.disk.full, err)
			}
		}
		nothing := func() {}
		any := func() string {
			return rapid.SampledFrom([]string{"1", "2", "3", "4", "R1", "R2"}).Draw(r, "label")
		}
		r.Repeat(map[string]func(*rapid.T){
			"take": func(r *rapid.T) {
				n, err := d.Take()
				done(err, func() {
					if given[n.Label()] {
						r.Fatalf("%s is given twice", n.Label())
					}
					given[n.Label()] = true
				}, func() { delete(given, n.Label()) })
			},
			"next": func(r *rapid.T) {
				waiting := d.View().Waiting
				n, err := d.Next("Poste 1")
				if errors.Is(err, queue.ErrEmpty) != (len(waiting) == 0) {
					r.Fatalf("%v, and %d wait", err, len(waiting))
				}
				if err == nil && n.Label() != waiting[0].Label() {
					r.Fatalf("%s is called before %s", n.Label(), waiting[0].Label())
				}
				done(err, nothing, nothing)
			},
			"served": func(r *rapid.T) {
				l := any()
				done(d.Served(l), func() { served[l] = true }, func() { delete(served, l) })
			},
			"absent": func(*rapid.T) { done(d.Absent(any()), nothing, nothing) },
			"skip":   func(*rapid.T) { done(d.Skip(any()), nothing, nothing) },
			"back":   func(*rapid.T) { done(d.Back(any()), nothing, nothing) },
			"book": func(r *rapid.T) {
				day := d.clock.Wall().Time.AddDate(0, 0, rapid.IntRange(0, 2).Draw(r, "ahead")).Format(time.DateOnly)
				_, err := d.Book(day, 15*rapid.IntRange(36, 72).Draw(r, "from"), 15*rapid.IntRange(1, 4).Draw(r, "length"))
				if err == nil {
					undo = nothing
				}
			},
			"came": func(*rapid.T) {
				l := any()
				done(d.Came(l), func() { given[l] = true }, func() { delete(given, l) })
			},
			"undo": func(r *rapid.T) {
				g := d.View().Undo
				if (g == nil) != (undo == nil) {
					r.Fatalf("%+v can be taken back; the model says %v", g, undo != nil)
				}
				if g == nil {
					return
				}
				if err := d.Undo(g.Seq); err == nil {
					undo()
					undo = nil
				} else if !d.disk.full {
					r.Fatal(err)
				}
			},
			"time": func(r *rapid.T) {
				d.clock.Advance(time.Duration(rapid.SampledFrom([]int{1, 5, 20, 600}).Draw(r, "minutes")) * time.Minute)
				undo = nil
				turn()
			},
			"disk": func(r *rapid.T) { d.disk.full = rapid.Bool().Draw(r, "full") },
			"restart": func(r *rapid.T) {
				if d.disk.full {
					return // yesterday's numbers may be what it has
				}
				before := d.View()
				before.Undo = nil
				d.start()
				undo = nil
				if diff := cmp.Diff(before, d.View()); diff != "" {
					r.Fatal(diff)
				}
			},
			"": func(r *rapid.T) {
				v := d.View()
				there := map[string]bool{}
				for _, n := range slices.Concat(v.Waiting, v.Called, v.Absent) {
					if there[n.Label()] || !given[n.Label()] || served[n.Label()] {
						r.Fatalf("%s is there, and should not be", n.Label())
					}
					there[n.Label()] = true
				}
				for l := range given {
					if !there[l] && !served[l] {
						r.Fatalf("%s is lost", l)
					}
				}
				for ahead := range 3 {
					slots, err := d.Slots(d.clock.Wall().Time.AddDate(0, 0, ahead).Format(time.DateOnly))
					if err != nil {
						r.Fatal(err)
					}
					held := map[int]int{}
					for _, s := range slots {
						for _, b := range s.Booked {
							for m := b.From; m < b.From+b.Length && b.State != queue.Missed && b.State != queue.Late; m += queue.Grid {
								held[m]++
							}
						}
					}
					for m, n := range held {
						if n > d.posts {
							r.Fatalf("%d bookings and %d terminals at %d", n, d.posts, m)
						}
					}
				}
			},
		})
	})
}
