package kiosk_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"parvis/internal/mac"
	"parvis/kiosk"
)

func labelled(n byte, label string) kiosk.Visit {
	v := homepage(n)
	v.Label = label
	return v
}

func TestAMachineIsLearntAndAdoptedInOneGesture(t *testing.T) {
	w := newWorld(t)
	seen := w.Seen(labelled(1, "1-B3-D5E-4C-2A"))
	if seen.ID != "nouveau-1" || seen.State != kiosk.Newcomer || seen.PCID != "1-B3-D5E-4C-2A" || seen.IPv4 != address(1) || seen.Adopted {
		t.Errorf("%+v", seen)
	}
	got, err := w.Adopt(t.Context(), seen.MAC, kiosk.Details{Place: "entrée", Prints: true})
	want := kiosk.Details{Name: "Poste 1", Place: "entrée", PCID: "1-B3-D5E-4C-2A", Renderer: kiosk.Porteus, Prints: true}
	if err != nil || got.ID != "poste-1" || got.Details != want || got.State != kiosk.Locked || !w.Registered(machine(1)) {
		t.Errorf("%+v, %v", got, err)
	}
	w.restart()
	again, err := w.Terminal("poste-1")
	if err != nil || again.Details != want || again.MAC != machine(1) || again.IPv4 != address(1) || again.State != kiosk.Silent {
		t.Errorf("after a restart: %+v, %v", again, err)
	}
}

func TestNumbersFollowNamesWhereTheyAreFree(t *testing.T) {
	w := newWorld(t)
	for i, tc := range []struct{ name, id, is string }{
		{"Poste 3", "poste-3", "Poste 3"}, {"", "poste-4", "Poste 4"}, {"Fenêtre", "poste-5", "Fenêtre"}, {"Salle 3", "poste-6", "Salle 3"}, {"Poste 1", "poste-1", "Poste 1"},
	} {
		got, err := w.Adopt(t.Context(), machine(byte(i+1)), kiosk.Details{Name: tc.name})
		if err != nil || got.ID != tc.id || got.Name != tc.is {
			t.Errorf("%q: %+v, %v", tc.name, got, err)
		}
	}
}

func TestALabelIsComparedAndNeverBelieved(t *testing.T) {
	w := newWorld(t)
	w.Seen(labelled(1, "PC-1"))
	w.seat(1)
	w.Seen(labelled(2, "PC-2"))
	w.seat(2)
	for _, tc := range []struct {
		label    string
		mismatch bool
	}{{"PC-1", false}, {"PC-2", true}, {"", true}, {"020000000001", false}, {"anything else", true}, {"PC-1", false}} {
		if got := w.Seen(labelled(1, tc.label)); got.Mismatch != tc.mismatch || got.ID != "poste-1" || got.PCID != "PC-1" {
			t.Errorf("%q: %+v", tc.label, got)
		}
	}
	if got := w.Seen(labelled(3, "PC-1")); got.Adopted || got.PCID != "" || !got.Mismatch {
		t.Errorf("another machine takes the name of a terminal: %+v", got)
	}
}

func TestDetailsThatCannotBe(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Adopt(t.Context(), machine(1), kiosk.Details{Name: "Poste 1", PCID: "ABCD-1"}); err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]kiosk.Details{
		"a name that is taken":         {Name: "poste 1"},
		"a long name":                  {Name: strings.Repeat("é", 41)},
		"two lines":                    {Name: "Poste\n2"},
		"a long place":                 {Name: "Poste 2", Place: strings.Repeat("x", 81)},
		"not UTF-8":                    {Name: "Poste \xff"},
		"another renderer":             {Name: "Poste 2", Renderer: "windows"},
		"a PCID with a blank":          {Name: "Poste 2", PCID: "A B"},
		"a PCID that ends a section":   {Name: "Poste 2", PCID: "A]]"},
		"a PCID that is a part of one": {Name: "Poste 2", PCID: "ABCD"},
		"a PCID that holds one":        {Name: "Poste 2", PCID: "xABCD-12"},
	} {
		if _, err := w.Adopt(t.Context(), machine(2), d); !errors.Is(err, kiosk.ErrDetails) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if w.Registered(machine(2)) {
		t.Error("it is adopted")
	}
	if _, err := w.Adopt(t.Context(), machine(1), kiosk.Details{Name: "Poste 7"}); !errors.Is(err, kiosk.ErrDetails) {
		t.Errorf("adopted twice: %v", err)
	}
}

func TestWhatIsOpenForAMachineEndsWhenItIsAdoptedAndWhenItIsRemoved(t *testing.T) {
	w := newWorld(t)
	w.Seen(homepage(1))
	if _, err := w.owner.Open(t.Context(), kiosk.OpenRequest{MAC: machine(1), IPv4: address(1), For: time.Hour}); err != nil { // as a guest
		t.Fatal(err)
	}
	id := w.seat(1).ID
	if s, _ := w.owner.Of(machine(1)); s.Open {
		t.Error("a guest's session is open on a terminal")
	}
	w.open(id, halfAnHour)
	if err := w.Remove(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if s, _ := w.owner.Of(machine(1)); s.Open || w.Registered(machine(1)) || len(w.reach(1)) > 0 || len(w.store.rows) > 0 {
		t.Errorf("%+v, %v, %v", s, w.reach(1), w.store.rows)
	}
	w.Seen(poll(1)) // the browser of who has sat there
	again, err := w.Adopt(t.Context(), machine(1), kiosk.Details{})
	if err != nil || again.State == kiosk.Locked {
		t.Errorf("clean by having been removed: %+v, %v", again, err)
	}
}

func TestADetailIsChangedAndTheOthersStay(t *testing.T) {
	w := newWorld(t)
	w.Seen(labelled(1, "PC-1"))
	id := w.seat(1).ID
	got, err := w.Change(t.Context(), id, kiosk.Details{Name: "Fenêtre", USB: true})
	if err != nil || got.ID != id || got.Name != "Fenêtre" || !got.USB || got.PCID != "PC-1" {
		t.Errorf("%+v, %v", got, err)
	}
}

// However many machines come, no more than a bound is remembered, and the adopted ones stay.
func TestNewMachinesAreBounded(t *testing.T) {
	w := newWorld(t)
	w.seat(1)
	for n := range 300 {
		w.Seen(kiosk.Visit{MAC: mac.Addr{2, 9, 0, 0, byte(n >> 8), byte(n)}, IPv4: address(9), Label: fmt.Sprintf("m-%d-x", n)})
		w.clock.Advance(time.Second)
	}
	all := w.Terminals()
	if len(all) != 65 || all[0].ID != "poste-1" || all[64].ID != "nouveau-301" {
		t.Errorf("%d, from %s to %s", len(all), all[0].ID, all[len(all)-1].ID)
	}
}

// A visit of a browser that polls costs no write.
func TestPollsAreNotWritten(t *testing.T) {
	w := newWorld(t)
	w.seat(1)
	w.store.fail = errBroken
	for range 100 {
		w.Seen(poll(1))
	}
	w.store.fail = nil
	w.clock.Advance(2 * time.Hour)
	w.clock.SetWall(w.clock.Wall())
	if got := w.Seen(poll(1)); got.State != kiosk.Locked {
		t.Errorf("%+v", got)
	}
}
