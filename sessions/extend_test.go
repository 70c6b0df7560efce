package sessions_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parvis/sessions"
)

// extendable is a world whose visitors may add half an hour, twice.
func extendable(t *testing.T) *world {
	t.Helper()
	w := newPlace(t)
	w.opts.Profiles[0].Extend, w.opts.Profiles[0].Extensions = 30*time.Minute, 2
	w.opts.Hours = nil
	w.restart()
	return w
}

func TestAResidentAddsTimeAsOftenAsTheProfileAllows(t *testing.T) {
	w := extendable(t)
	s := w.open(phone, visitor)
	for n := range 2 {
		if s.Extend != 30*time.Minute {
			t.Fatalf("press %d would add %v", n, s.Extend)
		}
		got, err := w.Adjust(t.Context(), s.ID, 0, sessions.FromResident)
		if err != nil || got.Left != s.Left+30*time.Minute {
			t.Fatalf("press %d: left %v, %v", n, got.Left, err)
		}
		s = got
	}
	w.restart()
	if s = w.get(s.ID); s.Extend != 0 {
		t.Errorf("a third press would add %v", s.Extend)
	}
	if got, err := w.Adjust(t.Context(), s.ID, 0, sessions.FromResident); !errors.Is(err, sessions.ErrNoMore) || got.Left != s.Left {
		t.Errorf("a third press: left %v, %v", got.Left, err)
	}
}

func TestAButtonThatAddsNothingBeforeClosingIsNotShown(t *testing.T) {
	w := newPlace(t)
	w.opts.Profiles[0].Extend, w.opts.Profiles[0].Extensions = 30*time.Minute, 5
	w.restart()
	s := w.open(phone, visitor)
	if s.Extend != 18*time.Minute {
		t.Errorf("with an hour until 15:42 and closing at 16:00 a press would add %v", s.Extend)
	}
	s, err := w.Adjust(t.Context(), s.ID, 0, sessions.FromResident)
	if err != nil || !s.Closing || s.Left != untilClosing || s.Extend != 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestTheDeskAddsAndTakesTime(t *testing.T) {
	for _, tt := range []struct {
		name string
		by   time.Duration
		left time.Duration
		err  error
	}{
		{"more", 30 * time.Minute, 80 * time.Minute, nil},
		{"less", -30 * time.Minute, 20 * time.Minute, nil},
		{"more than there can be", sessions.MaxTime, 50 * time.Minute, sessions.ErrWhen},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := extendable(t)
			s := w.open(phone, visitor)
			w.pass(10 * time.Minute)
			got, err := w.Adjust(t.Context(), s.ID, tt.by, sessions.FromDesk)
			if got.Left != tt.left || !errors.Is(err, tt.err) {
				t.Errorf("left %v, %v", got.Left, err)
			}
			if g := w.kernel.Grants()[0]; g.End != w.clock.Boot().Add(tt.left) {
				t.Errorf("the kernel's end is in %v", g.End.Sub(w.clock.Boot()))
			}
		})
	}
}

func TestWithNothingLeftTheSessionEnds(t *testing.T) {
	w := extendable(t)
	s := w.open(phone, visitor)
	got, err := w.Adjust(t.Context(), s.ID, -2*time.Hour, sessions.FromDesk)
	if err != nil || got.State != sessions.Ended || got.Reason != sessions.ByOperator {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := w.Adjust(t.Context(), s.ID, time.Hour, sessions.FromDesk); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("more for one that has ended: %v", err)
	}
}

func TestADiskThatRefusesLeavesTheTimeAsItWas(t *testing.T) {
	w := extendable(t)
	s := w.open(phone, visitor)
	w.store.Fail("Save", errors.New("told to fail"))
	if _, err := w.Adjust(t.Context(), s.ID, time.Hour, sessions.FromDesk); !errors.Is(err, sessions.ErrStore) {
		t.Error(err)
	}
	if got := w.get(s.ID); got.Left != s.Left {
		t.Errorf("left %v", got.Left)
	}
}

func TestAMessageIsShownSeenAndTakenBack(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	w.tell(w.Message(t.Context(), s.ID, " Votre dossier est prêt. "))
	got := w.get(s.ID)
	if got.Message == nil || got.Message.Text != "Votre dossier est prêt." || got.Message.Seen {
		t.Fatalf("%+v", got.Message)
	}
	w.MessageSeen(s.ID)
	w.pass(2 * time.Minute)
	w.restart()
	if got := w.get(s.ID); got.Message == nil || !got.Message.Seen {
		t.Errorf("seen, and after a restart: %+v", got.Message)
	}
	w.tell(w.Message(t.Context(), s.ID, "Un autre."))
	if got := w.get(s.ID); got.Message.Seen {
		t.Error("a new message is not seen")
	}
	w.tell(w.Message(t.Context(), s.ID, ""))
	if got := w.get(s.ID); got.Message != nil {
		t.Errorf("taken back: %+v", got.Message)
	}
}

func TestAMessageIsOneLineOfTwoHundredCharacters(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	for name, text := range map[string]string{"too long": strings.Repeat("é", 201), "two lines": "a\nb", "not text": "a\xff"} {
		if err := w.Message(t.Context(), s.ID, text); !errors.Is(err, sessions.ErrText) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.tell(w.Message(t.Context(), s.ID, strings.Repeat("é", 200)))
	if err := w.Message(t.Context(), "nobody", "a"); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("nobody's: %v", err)
	}
}

func TestWhatHappensIsToldInOrder(t *testing.T) {
	w := newPlace(t)
	var told []string
	w.opts.Notice = func(n sessions.Notice) {
		told = append(told, string(n.Kind)+" "+n.Why)
	}
	w.restart()
	s := w.open(phone, visitor)
	w.end(s.ID, sessions.ByResident)
	w.open(phone, visitor)
	if _, err := w.TakeBack(context.Background(), sessions.TakeBack{Device: laptop, Token: s.Token, By: sessions.FromResident}); err != nil {
		t.Fatal(err)
	}
	w.pass(untilClosing)
	w.Step(t.Context())
	_, _ = w.Open(t.Context(), request(tablet, visitor))
	want := "opened |ended resident|resumed |moved |ended time|refused closed"
	if got := strings.Join(told, "|"); got != want {
		t.Errorf("told %s\nwant %s", got, want)
	}
}

// Whatever the desk presses, and how often: of a session's own time nobody gets more than until d after closing. How much that is
// shows once the place stays open all night, so that no closing hides it.
func TestGoingOnPastClosingGivesNoMoreThanUntilThen(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newPlace(rt)
		w.pass(time.Duration(rapid.IntRange(0, 77).Draw(rt, "minutes before the first press")) * time.Minute)
		s := w.open(phone, visitor)
		most := w.clock.Boot().Add(visitor.Duration) // the end of its own time
		closes := w.Site().Closes
		for range rapid.IntRange(1, 5).Draw(rt, "presses") {
			d := time.Duration(rapid.IntRange(0, 60).Draw(rt, "minutes past closing")) * time.Minute
			s, err := w.PastClosing(context.Background(), s.ID, d)
			if err != nil {
				rt.Fatal(err)
			}
			if end := w.clock.Boot().Add(s.Left); end > closes.Add(d) {
				rt.Fatalf("%v past closing ends %v after it", d, end.Sub(closes))
			}
			if d > 0 {
				most = max(most, closes.Add(d))
			}
			w.pass(min(time.Duration(rapid.IntRange(0, 10).Draw(rt, "minutes to the next press"))*time.Minute, max(closes.Sub(w.clock.Boot())-time.Minute, 0)))
			if w.get(s.ID).State != sessions.Open {
				return // its time was up
			}
		}
		w.tell(w.OpenUntil(context.Background(), today(23, 59)))
		if end := w.clock.Boot().Add(w.get(s.ID).Left); end > most {
			rt.Errorf("its own time goes on for %v after what was given", end.Sub(most))
		}
	})
}
