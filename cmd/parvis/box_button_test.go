package main

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"parvis/hw/button"
	"parvis/hw/escpos/escpostest"
	"parvis/hw/printer"
	"parvis/internal/clock"
	"parvis/internal/config"
	"parvis/sessions"
	"parvis/sessions/hours"
	"parvis/sessions/sessionstest"
)

// What each press of the box below does.
var (
	forTicket = button.Press{Key: 0x211}
	forPause  = button.Press{Key: 0x211, Long: true}
	forOpen   = button.Press{Key: 0x198}
)

// buttonBox is a place with buttons and a ticket printer, on a Tuesday at 14:42 UTC.
type buttonBox struct {
	*daemon
	t     *testing.T
	clock *clock.Fake
	paper *escpostest.Printer
}

func newButtonBox(t *testing.T, weeks ...string) *buttonBox {
	t.Helper()
	h := hours.Config{Zone: time.UTC}
	for _, s := range weeks {
		w, err := hours.ParseWeek(s)
		if err != nil {
			t.Fatal(err)
		}
		h.Week = append(h.Week, w)
	}
	b := &buttonBox{t: t, clock: clock.NewFake(), paper: escpostest.Start(t)}
	cfg := &config.Config{}
	cfg.Site.Hours.Zone, cfg.Portal.Name, cfg.Portal.Profile, cfg.HW.Paper = time.UTC, "wifi.lab.test", "visite", 58
	cfg.HW.Buttons = []config.Button{
		{Press: forTicket, Do: config.Ticket}, {Press: forPause, Do: config.Pause, For: time.Hour}, {Press: forOpen, Do: config.Open, For: 2 * time.Hour},
	}
	m, err := sessions.New(sessions.Options{
		Clock: b.clock, Store: sessionstest.NewStore(), Enforcer: sessionstest.NewEnforcer(), Hours: hours.New(h), FirstSlot: 0x10, LastSlot: 0x20,
		Profiles: []sessions.Profile{{Name: "visite", Label: "Visite", Duration: time.Hour, Runs: sessions.WhileUsed, Devices: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.daemon = &daemon{cfg: cfg, clock: b.clock, manager: m, log: slog.New(slog.DiscardHandler)}
	b.box.printer = printer.New(printer.Options{Address: b.paper.Addr, Cut: true, Answer: time.Minute, Ticket: time.Minute})
	return b
}

func (b *buttonBox) is(why sessions.Cause, open bool) {
	b.t.Helper()
	if s := b.manager.Site(); s.Open != open || s.Why != why {
		b.t.Errorf("open %v because of %s; expected %v, %s", s.Open, s.Why, open, why)
	}
}

func TestAButtonPausesThePlaceAndEndsThePause(t *testing.T) {
	b := newButtonBox(t)
	b.is(sessions.ByHours, true)
	b.pressed(t.Context(), forPause)
	b.is(sessions.ByPaused, false)
	b.pressed(t.Context(), forPause)
	b.is(sessions.ByHours, true)
	b.pressed(t.Context(), forPause)
	b.clock.Advance(time.Hour)
	b.manager.Step(t.Context())
	b.is(sessions.ByHours, true)
}

func TestAButtonOpensAClosedPlaceAndGivesItBackToItsHours(t *testing.T) {
	b := newButtonBox(t, "lun-ven 8:00-12:00")
	b.is(sessions.ByHours, false)
	b.pressed(t.Context(), forPause) // what is closed is not paused
	b.is(sessions.ByHours, false)
	b.pressed(t.Context(), forOpen)
	b.is(sessions.ByOpened, true)
	b.pressed(t.Context(), forOpen)
	b.is(sessions.ByHours, false)
}

func TestTheButtonForOpeningDoesNotCutAPlaceThatIsOpenByItsHours(t *testing.T) {
	b := newButtonBox(t, "lun-ven 8:00-18:00")
	b.pressed(t.Context(), forOpen)
	b.is(sessions.ByHours, true)
}

func TestAButtonPrintsOneTicketThatOpensInternet(t *testing.T) {
	b := newButtonBox(t)
	for range 3 { // somebody is impatient
		b.pressed(t.Context(), forTicket)
	}
	papers := b.paper.Papers()
	if len(papers) != 1 {
		t.Fatalf("%d papers", len(papers))
	}
	read := readPaper(t, papers[0])
	if all := b.manager.Batches(); len(all) != 1 || all[0].Count != 1 {
		t.Fatalf("%+v", all)
	}
	tickets, _ := b.manager.Tickets(b.manager.Batches()[0].ID)
	if want := "http://wifi.lab.test/code#" + tickets[0].Code; !slices.Contains(read, want) {
		t.Errorf("%q; expected %s", read, want)
	}
	b.clock.Advance(ticketPause)
	b.pressed(t.Context(), forTicket)
	if n := len(b.paper.Papers()); n != 2 {
		t.Errorf("%d papers", n)
	}
}

func TestWithoutPaperAButtonMakesNoTicket(t *testing.T) {
	b := newButtonBox(t)
	b.paper.Say(4, 0x72)
	err := b.press(t.Context(), b.cfg.HW.Buttons[0])
	if s := (*printer.Stopped)(nil); !errors.As(err, &s) || s.State != printer.NoPaper {
		t.Error(err)
	}
	if all := b.manager.Batches(); len(all) != 0 {
		t.Errorf("%+v", all)
	}
}

func TestAPressThatIsForNothingDoesNothing(t *testing.T) {
	b := newButtonBox(t)
	b.pressed(t.Context(), button.Press{Key: 0x198, Long: true})
	b.is(sessions.ByHours, true)
	if len(b.manager.Batches())+len(b.paper.Papers()) != 0 {
		t.Error("something was printed")
	}
}
