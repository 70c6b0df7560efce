package kiosk_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"parvis/kiosk"
)

func TestTheDeskSeesARefusedNameOnlyWhenItsPersonHasSaidYes(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	w.Refused(machine(1), "before.example") // nobody sits there
	w.open(id, halfAnHour)
	w.Refused(machine(1), "one.example")
	w.Refused(machine(1), "two.example")
	w.Refused(machine(1), "one.example")
	if host, _, ok := w.LastRefused(id); !ok || host != "one.example" {
		t.Errorf("%q, %v", host, ok)
	}
	if got := w.Shown(id); len(got) > 0 {
		t.Errorf("shown without a yes: %v", got)
	}
	if err := w.Show(id, "two.example"); err != nil {
		t.Fatal(err)
	}
	if got := w.Shown(id); !slices.Equal(got, []string{"two.example"}) {
		t.Errorf("%v", got)
	}
	for _, host := range []string{"before.example", "never.example"} {
		if err := w.Show(id, host); !errors.Is(err, kiosk.ErrNotFound) {
			t.Errorf("%s: %v", host, err)
		}
	}
	w.pass(30 * time.Minute)
	if _, _, ok := w.LastRefused(id); ok || len(w.Shown(id)) > 0 {
		t.Error("the next one sees what was refused to the one before")
	}
}

func TestANameIsProposedWhenMoreThanOnePersonHasMetItAndGoesAfterADay(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	meet := func(hosts ...string) {
		t.Helper()
		w.open(id, halfAnHour)
		for _, h := range hosts {
			w.Refused(machine(1), h)
			w.Refused(machine(1), h) // once a person, however often
		}
		if got := w.Proposals(); slices.ContainsFunc(got, func(p kiosk.Proposal) bool { return p.Host == hosts[0] && p.Times < 2 }) {
			t.Errorf("of one person alone: %+v", got)
		}
		w.pass(30 * time.Minute)
		w.Seen(homepage(1))
	}
	meet("alone.example", "both.example")
	if got := w.Proposals(); len(got) > 0 {
		t.Errorf("of one person: %+v", got)
	}
	meet("both.example", "single")
	if got := w.Proposals(); len(got) != 1 || got[0].Host != "both.example" || got[0].Times != 2 {
		t.Errorf("%+v", got)
	}
	w.pass(24 * time.Hour)
	if got := w.Proposals(); len(got) > 0 {
		t.Errorf("after a day: %+v", got)
	}
}

func TestAShownNameIsProposedAndDismissed(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	w.open(id, halfAnHour)
	w.Refused(machine(1), "one.example")
	if err := w.Propose(t.Context(), id, "one.example"); !errors.Is(err, kiosk.ErrNotFound) {
		t.Errorf("nobody has shown it: %v", err)
	}
	if err := errors.Join(w.Show(id, "one.example"), w.Propose(t.Context(), id, "one.example")); err != nil {
		t.Fatal(err)
	}
	if got := w.Proposals(); len(got) != 1 || got[0].Host != "one.example" {
		t.Errorf("%+v", got)
	}
	w.Dismiss("one.example")
	if got := w.Proposals(); len(got) > 0 {
		t.Errorf("%+v", got)
	}
}

// However much is refused, what is remembered of it is bounded.
func TestRefusalsAreBounded(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	for session := range 40 {
		w.open(id, halfAnHour)
		for n := range 200 {
			w.Refused(machine(1), fmt.Sprintf("h%d-%d.example", session, n))
		}
		shown := 0
		for n := range 200 {
			if w.Show(id, fmt.Sprintf("h%d-%d.example", session, n)) == nil {
				shown++
			}
		}
		if shown != 8 {
			t.Fatalf("%d names are shown", shown)
		}
		for n := range 200 {
			_ = w.Propose(t.Context(), id, fmt.Sprintf("h%d-%d.example", session, n)) // what was shown; others are refused
		}
		w.pass(30 * time.Minute)
		w.Seen(homepage(1))
	}
	if got := len(w.Proposals()); got == 0 || got > 1024 {
		t.Errorf("%d proposals", got)
	}
}

func TestOnlyWhatCanBeANameIsAdded(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	w.open(id, halfAnHour)
	for _, host := range []string{"192.0.2.1", "*.example", "https://www.example.org/", ".fr", ""} {
		if err := w.AddName(t.Context(), id, host); !errors.Is(err, kiosk.ErrName) {
			t.Errorf("%q: %v", host, err)
		}
	}
	var err error
	for n := range 33 {
		if err != nil {
			t.Fatal(err)
		}
		err = w.AddName(t.Context(), id, fmt.Sprintf("h%d.example.org", n))
	}
	if !errors.Is(err, kiosk.ErrMany) {
		t.Errorf("the 33rd: %v", err)
	}
}
