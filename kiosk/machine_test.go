package kiosk_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parvis/kiosk"
)

// lived is what a plain reading of the rules says of one terminal.
type lived struct {
	end    clockTime // of what is open
	open   bool
	dirty  bool
	ended  clockTime
	heard  clockTime
	graced bool
	names  []string
}

// clockTime is a time since the test began; restarts do not touch it.
type clockTime = time.Duration

// The life of terminals against a model: whatever happens, in whatever order, and however often the daemon is killed.
func TestTerminalsLiveAsTheRulesSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		ids := []string{w.seat(1).ID, w.seat(2).ID}
		now := func() clockTime { return clockTime(w.clock.Boot()) }
		model := map[string]*lived{}
		for _, id := range ids {
			model[id] = &lived{heard: now()}
		}
		expire := func() {
			for _, l := range model {
				if l.open && now() >= l.end {
					l.open, l.ended, l.names = false, now(), nil
				}
			}
		}
		for range rapid.IntRange(1, 50).Draw(t, "steps") {
			i := rapid.IntRange(0, 1).Draw(t, "terminal")
			id, n := ids[i], byte(i+1)
			l := model[id]
			switch rapid.SampledFrom([]string{"open", "end", "extend", "grace", "fresh", "poll", "name", "pass", "kill", "restart"}).Draw(t, "step") {
			case "open":
				d := time.Duration(rapid.IntRange(1, 60).Draw(t, "minutes")) * time.Minute
				_, err := w.Open(t.Context(), id, kiosk.Opening{For: d})
				want := error(nil)
				switch {
				case l.open:
					want = kiosk.ErrBusy
				case l.dirty:
					want = kiosk.ErrNotFresh
				default:
					heard := l.heard
					*l = lived{open: true, dirty: true, end: now() + d, heard: heard}
				}
				if !errors.Is(err, want) {
					t.Fatalf("open: %v, expected %v", err, want)
				}
			case "end":
				err := w.End(t.Context(), id)
				if l.open != (err == nil) || err != nil && !errors.Is(err, kiosk.ErrNotOpen) {
					t.Fatalf("end: %v, open %v", err, l.open)
				}
				if l.open {
					l.open, l.ended, l.names = false, now(), nil
				}
			case "extend":
				by := time.Duration(rapid.IntRange(1, 30).Draw(t, "more")) * time.Minute
				if _, err := w.Extend(t.Context(), id, by); l.open != (err == nil) {
					t.Fatalf("extend: %v, open %v", err, l.open)
				}
				if l.open {
					l.end += by
				}
			case "grace":
				_, err := w.Grace(t.Context(), id)
				may := l.open && !l.graced && l.end-now() <= kiosk.EndingLast
				if may != (err == nil) {
					t.Fatalf("grace: %v, %+v at %v", err, l, now())
				}
				if may {
					l.graced, l.end = true, l.end+5*time.Minute
				}
			case "fresh":
				w.Seen(homepage(n))
				l.heard = now()
				if !l.open {
					l.dirty = false
				}
			case "poll":
				w.Seen(poll(n))
				l.heard = now()
			case "name":
				if err := w.AddName(t.Context(), id, "www.ville.example"); l.open != (err == nil) {
					t.Fatalf("name: %v, open %v", err, l.open)
				}
				if l.open {
					l.names = []string{"www.ville.example"}
				}
			case "pass":
				w.pass(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 3 * time.Minute, 26 * time.Minute}).Draw(t, "for"))
				expireAsRun(w, model)
			case "kill": // the daemon is dead for a while
				dead := time.Duration(rapid.IntRange(0, 600).Draw(t, "dead for")) * time.Second
				w.clock.Advance(dead)
				w.restart()
				expire()
				for _, l := range model {
					l.heard = 0
					if !l.open && l.dirty {
						l.ended = now() // it is not known for how long
					}
				}
			case "restart":
				if err := w.Restart(id); l.open != errors.Is(err, kiosk.ErrBusy) {
					t.Fatalf("restart: %v, open %v", err, l.open)
				}
			}
			for i, id := range ids {
				l := model[id]
				if got, want := w.state(id), l.state(now()); got != want {
					t.Fatalf("%s is %s, expected %s: %+v at %v", id, got, want, l, now())
				}
				reach := w.reach(byte(i + 1))
				switch {
				case !l.open && len(reach) > 0:
					t.Fatalf("%s is not open, and may reach %v", id, reach)
				case l.open && slices.Contains(reach, "www.ville.example") != (len(l.names) > 0):
					t.Fatalf("%s may reach %v, and %v was added", id, reach, l.names)
				case l.open && !slices.Contains(reach, "www.caf.example"):
					t.Fatalf("%s is open, and may reach %v", id, reach)
				}
			}
		}
	})
}

// expireAsRun notes the ends that have come while time passed: Run meets each when it comes.
func expireAsRun(w *world, model map[string]*lived) {
	for _, l := range model {
		if l.open && clockTime(w.clock.Boot()) >= l.end {
			l.open, l.ended, l.names = false, l.end, nil
		}
	}
}

func (l *lived) state(now clockTime) kiosk.State {
	last := kiosk.EndingLast
	if l.graced {
		last += 5 * time.Minute
	}
	switch {
	case l.open && l.end-now <= last:
		return kiosk.Ending
	case l.open:
		return kiosk.Open
	case l.dirty && now-l.ended >= kiosk.CleaningMost:
		return kiosk.Waiting
	case l.dirty:
		return kiosk.Cleaning
	case l.heard == 0 || now-l.heard >= kiosk.SilentAfter:
		return kiosk.Silent
	}
	return kiosk.Locked
}
