package kiosk_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"parvis/kiosk"
	"parvis/kiosk/names"
)

func TestATerminalsLife(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	w.expect(id, kiosk.Locked)
	w.open(id, halfAnHour)
	w.expect(id, kiosk.Open)
	w.pass(25*time.Minute - time.Second)
	w.expect(id, kiosk.Open)
	w.pass(time.Second)
	w.expect(id, kiosk.Ending)
	w.pass(5 * time.Minute)
	w.expect(id, kiosk.Cleaning)
	if _, err := w.Open(t.Context(), id, halfAnHour); !errors.Is(err, kiosk.ErrNotFresh) {
		t.Errorf("opened before its browser has come back clean: %v", err)
	}
	w.pass(kiosk.CleaningMost)
	w.expect(id, kiosk.Waiting)
	w.Seen(poll(1)) // the browser of the one who has left
	w.expect(id, kiosk.Waiting)
	w.Seen(homepage(1))
	w.expect(id, kiosk.Locked)
	w.open(id, halfAnHour)
	w.expect(id, kiosk.Open)
}

func TestWhatATerminalMayReachIsGivenWithItsSessionAndGoesWithIt(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	reach := func(want ...names.Rule) {
		t.Helper()
		if got := w.reach(1); !slices.Equal(got, want) {
			t.Errorf("%v, expected %v", got, want)
		}
	}
	reach()
	w.open(id, kiosk.Opening{For: time.Hour, Mail: true})
	reach("www.caf.example", "www.messagerie.example")
	if err := w.AddName(t.Context(), id, "WWW.Ville.example"); err != nil {
		t.Fatal(err)
	}
	reach("www.caf.example", "www.messagerie.example", "www.ville.example")
	if err := w.SetBundles(t.Context(), id, []string{"impots"}, false); err != nil {
		t.Fatal(err)
	}
	reach("www.impots.example", "www.ville.example")
	w.restart()
	reach("www.impots.example", "www.ville.example")
	if err := w.End(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	reach()
	w.restart()
	reach()
	w.Seen(homepage(1))
	w.open(id, kiosk.Opening{For: time.Hour, Bundles: []string{"ameli"}})
	reach("www.ameli.example")
}

func TestTheGateKnowsTheNamesBeforeTheSessionOpens(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	w.owner.fail = errBroken
	if _, err := w.Open(t.Context(), id, halfAnHour); !errors.Is(err, errBroken) {
		t.Errorf("%v", err)
	}
	if len(w.reach(1)) > 0 {
		t.Errorf("nothing was opened, and %v is", w.reach(1))
	}
	w.owner.fail = nil
	w.expect(id, kiosk.Locked) // nobody has sat there
	w.open(id, halfAnHour)
}

func TestADiskThatTakesNoWritesOpensNoTerminal(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	w.store.fail = errBroken
	if _, err := w.Open(t.Context(), id, halfAnHour); !errors.Is(err, kiosk.ErrStore) {
		t.Errorf("%v", err)
	}
	if w.owner.opened > 0 {
		t.Error("a session was opened that would be forgotten")
	}
}

func TestWhoMayBeOpened(t *testing.T) {
	w := newWorld(t)
	newcomer := w.Seen(homepage(1)).ID
	unseen, err := w.Adopt(t.Context(), machine(2), kiosk.Details{})
	if err != nil {
		t.Fatal(err)
	}
	busy := w.seat(3).ID
	w.open(busy, halfAnHour)
	for id, want := range map[string]error{
		newcomer: kiosk.ErrNotAdopted, "poste-99": kiosk.ErrNotFound, busy: kiosk.ErrBusy, unseen.ID: kiosk.ErrNotFresh,
	} {
		if _, err := w.Open(t.Context(), id, halfAnHour); !errors.Is(err, want) {
			t.Errorf("%s: %v, expected %v", id, err, want)
		}
	}
}

// After a crash a terminal whose person has left is not open to the next one.
func TestARestartDoesNotMakeABrowserClean(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	w.open(id, halfAnHour)
	w.pass(30 * time.Minute)
	w.restart()
	w.expect(id, kiosk.Cleaning)
	if _, err := w.Open(t.Context(), id, halfAnHour); !errors.Is(err, kiosk.ErrNotFresh) {
		t.Errorf("%v", err)
	}
}

// A session that ended while the daemon was dead.
func TestWhatEndedWhileTheDaemonWasDownIsOver(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	w.open(id, halfAnHour)
	w.clock.Advance(time.Hour)
	w.restart()
	w.expect(id, kiosk.Cleaning)
	w.pass(kiosk.CleaningMost)
	w.expect(id, kiosk.Waiting)
}

func TestTheGraceIsGivenOnceInTheLastMinutes(t *testing.T) {
	w := newWorld(t)
	w.waits = true // others wait: it is given all the same
	id := w.seat(1).ID
	w.open(id, halfAnHour)
	if _, err := w.Grace(t.Context(), id); !errors.Is(err, kiosk.ErrTooEarly) {
		t.Errorf("half an hour before: %v", err)
	}
	w.pass(27 * time.Minute)
	if u, err := w.Use(id); err != nil || !u.Grace {
		t.Errorf("it is not offered: %+v, %v", u, err)
	}
	s, err := w.Grace(t.Context(), id)
	if err != nil || s.Left != 8*time.Minute {
		t.Errorf("%+v, %v", s, err)
	}
	w.expect(id, kiosk.Ending)
	w.restart()
	w.pass(5 * time.Minute)
	if _, err := w.Grace(t.Context(), id); !errors.Is(err, kiosk.ErrNoMore) {
		t.Errorf("a second time: %v", err)
	}
	w.pass(3 * time.Minute)
	w.expect(id, kiosk.Cleaning)
}

func TestAGraceThatClosingLeavesNoRoomForIsNotUsedUp(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	w.open(id, halfAnHour)
	w.owner.close(w.clock.Boot().Add(3 * time.Minute))
	if _, err := w.Grace(t.Context(), id); !errors.Is(err, kiosk.ErrNoMore) {
		t.Errorf("%v", err)
	}
	w.owner.close(0)
	w.pass(27 * time.Minute)
	if u, err := w.Use(id); err != nil || u.Session.Open && !u.Grace {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestAnEndIsPutOffWhileNobodyWaits(t *testing.T) {
	w := newWorld(t)
	w.opts.Prolong = 10 * time.Minute
	w.restart()
	id := w.seat(1).ID
	w.open(id, halfAnHour)
	w.pass(24 * time.Minute)
	w.pass(20 * time.Minute) // 30, 40, 50 minutes: it stays open and nobody is warned
	w.expect(id, kiosk.Open)
	w.waits = true
	w.pass(2 * time.Minute)
	w.expect(id, kiosk.Ending)
	w.waits = false // who waited has gone
	w.pass(time.Minute)
	w.expect(id, kiosk.Open)
}

func TestAnEndThatTheDeskHasBroughtNearerStands(t *testing.T) {
	w := newWorld(t)
	w.opts.Prolong = 10 * time.Minute
	w.restart()
	id := w.seat(1).ID
	w.open(id, halfAnHour)
	if _, err := w.Extend(t.Context(), id, -27*time.Minute); err != nil {
		t.Fatal(err)
	}
	w.restart()
	w.pass(3 * time.Minute)
	w.expect(id, kiosk.Cleaning)
}

func TestNothingIsPutOffPastTheClosing(t *testing.T) {
	w := newWorld(t)
	w.opts.Prolong = 10 * time.Minute
	w.restart()
	id := w.seat(1).ID
	w.open(id, halfAnHour)
	w.owner.close(w.clock.Boot().Add(32 * time.Minute))
	w.pass(32 * time.Minute)
	w.expect(id, kiosk.Cleaning)
}

func TestNobodyIsWarnedWhileTimeStandsStill(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	w.open(id, halfAnHour)
	w.pass(26 * time.Minute)
	w.expect(id, kiosk.Ending)
	w.owner.lineDown(machine(1), true)
	w.expect(id, kiosk.Open)
}

func TestAPhoneIsOpenedWithItsTerminalAndKeepsItsEnd(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	w.phones.waits["K7-42"] = true
	w.open(id, kiosk.Opening{For: 30 * time.Minute, Phone: "K7-42"})
	if w.phones.opened["K7-42"] != 30*time.Minute {
		t.Errorf("%v", w.phones.opened)
	}
	w.restart()
	if _, err := w.Extend(t.Context(), id, 15*time.Minute); err != nil || w.phones.opened["K7-42"] != 45*time.Minute {
		t.Errorf("%v, %v", w.phones.opened, err)
	}
}

// What the desk's page promises: it ends at the same time, whoever brings the end nearer.
func TestAPhoneEndsWithItsTerminal(t *testing.T) {
	for name, fail := range map[string]error{"": nil, "its end fails": errBroken} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			id := w.seat(1).ID
			w.phones.waits["K7-42"] = true
			w.open(id, kiosk.Opening{For: 30 * time.Minute, Phone: "K7-42"})
			w.phones.fail = fail
			if err := w.End(t.Context(), id); err != nil {
				t.Error(err)
			}
			if len(w.phones.opened) > 0 {
				t.Errorf("still open: %v", w.phones.opened)
			}
			w.expect(id, kiosk.Cleaning)
		})
	}
}

func TestAWrongCodeOpensNeither(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	s, err := w.Open(t.Context(), id, kiosk.Opening{For: 30 * time.Minute, Phone: "K7-43"})
	if !errors.Is(err, kiosk.ErrPhone) || s.ID != "" {
		t.Errorf("%+v, %v", s, err)
	}
	w.expect(id, kiosk.Locked)
	w.open(id, halfAnHour)
}

func TestATerminalWhosePhoneIsRefusedIsOpenAllTheSame(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	w.phones.waits["K7-42"], w.phones.fail = true, errBroken
	s, err := w.Open(t.Context(), id, kiosk.Opening{For: 30 * time.Minute, Phone: "K7-42"})
	if !errors.Is(err, errBroken) || !s.Open {
		t.Errorf("%+v, %v", s, err)
	}
	w.expect(id, kiosk.Open)
}

func TestASessionFollowsItsTerminalsAddress(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	before := w.open(id, halfAnHour)
	moved := poll(1)
	moved.IPv4 = address(77)
	w.Seen(moved)
	if got, _ := w.owner.Of(machine(1)); got.ID != before.ID || w.owner.addressOf(machine(1)) != address(77) {
		t.Errorf("%+v at %v", got, w.owner.addressOf(machine(1)))
	}
}

func TestABrowserIsToldToRestartOnceAMinuteFromHalfAMinuteAfterTheEnd(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	verb := func(want string) {
		t.Helper()
		if got := w.Verb(machine(1)); got != want {
			t.Errorf("%s, expected %s", got, want)
		}
	}
	verb(kiosk.Stay)
	w.open(id, halfAnHour)
	if err := w.Restart(id); !errors.Is(err, kiosk.ErrBusy) {
		t.Errorf("while somebody sits there: %v", err)
	}
	w.pass(30 * time.Minute)
	verb(kiosk.Stay)
	w.pass(30 * time.Second)
	verb(kiosk.Restart)
	verb(kiosk.Stay)
	w.pass(time.Minute)
	verb(kiosk.Restart)
	w.Seen(homepage(1))
	w.pass(time.Hour)
	verb(kiosk.Stay)
	if err := w.Restart(id); err != nil {
		t.Fatal(err)
	}
	verb(kiosk.Restart)
	w.Seen(homepage(1))
	w.pass(time.Hour)
	verb(kiosk.Stay)
	if got := w.Verb(machine(9)); got != kiosk.Stay {
		t.Errorf("a machine that nobody knows: %s", got)
	}
}

func TestALockedTerminalIsSilentAfterThreeMinutesWhileThePlaceIsOpen(t *testing.T) {
	w := newWorld(t)
	open := true
	w.opts.Expected = func() bool { return open }
	w.restart()
	id := w.seat(1).ID
	rung, stop := w.Changes()
	defer stop()
	w.pass(kiosk.SilentAfter)
	w.expect(id, kiosk.Silent)
	select {
	case <-rung:
	default:
		t.Error("nobody is told")
	}
	open = false
	w.expect(id, kiosk.Locked)
	open = true
	w.Seen(poll(1))
	w.expect(id, kiosk.Locked)
}

func TestRunEndsAndTellsOfWhatHappensByItself(t *testing.T) {
	w := newWorld(t)
	id := w.seat(1).ID
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	rung, stop := w.Changes()
	defer stop()
	w.open(id, halfAnHour)
	if err := w.owner.End(ctx, "session-1"); err != nil { // by somebody else
		t.Fatal(err)
	}
	w.owner.Ring()
	deadline := time.After(20 * time.Second)
	for len(w.reach(1)) > 0 || w.state(id) != kiosk.Cleaning {
		select {
		case <-rung:
		case <-deadline:
			t.Fatalf("%s, and %v is open", w.state(id), w.reach(1))
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
