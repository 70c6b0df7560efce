package main

import (
	"context"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/sessions"
	"parvis/sessions/sessionstest"
	"parvis/sessions/usage"
)

// counted is a place whose sessions and counts are the real ones; its disk and its kernel are in memory.
type counted struct {
	t       *testing.T
	clock   *clock.Fake
	kernel  *sessionstest.Enforcer
	manager *sessions.Manager
	usage   *usage.Usage
	stop    func() // brings what was counted to the disk
	balance
}

func newCounted(t *testing.T) *counted {
	t.Helper()
	c := &counted{t: t, clock: clock.NewFake(), kernel: sessionstest.NewEnforcer()}
	c.clock.SetWall(clock.Wall{Time: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), Quality: clock.Synchronised})
	path := filepath.Join(t.TempDir(), "usage.db")
	open := func() {
		u, err := usage.Open(t.Context(), path, usage.Options{
			Clock: c.clock, Location: time.UTC, Sessions: func() []sessions.Session { return c.manager.List() },
		})
		c.ok(err)
		c.usage = u
	}
	open()
	var err error
	c.manager, err = sessions.New(sessions.Options{
		Clock: c.clock, Store: sessionstest.NewStore(), Enforcer: c.kernel, FirstSlot: 0x10, LastSlot: 0x2f, Key: [32]byte{1},
		Profiles: []sessions.Profile{{Name: "visitor", Label: "Visiteur", Duration: 4 * time.Hour, Keep: 12 * time.Hour, Runs: sessions.FromOpening}},
		Notice:   func(n sessions.Notice) { c.usage.Note(n) },
	})
	c.ok(err)
	c.ok(c.manager.Start(t.Context()))
	t.Cleanup(func() { c.ok(c.usage.Close()) })
	c.stop = func() { // Run samples and writes when it ends
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		c.ok(c.usage.Run(ctx))
	}
	c.balance = balance{c.usage, c.manager, "Maison des habitants", time.UTC}
	return c
}

func (c *counted) ok(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func guest(n byte) sessions.Device {
	return sessions.Device{MAC: mac.Addr{0x3c, 0x22, 0xfb, 0, 0, n}, IPv4: netip.AddrFrom4([4]byte{10, 77, 0, n})}
}

func (c *counted) open(n byte) sessions.Session {
	c.t.Helper()
	s, err := c.manager.Open(c.t.Context(), sessions.OpenRequest{Device: guest(n), Profile: "visitor", By: sessions.FromDesk})
	c.ok(err)
	return s
}

// month is what the page and the table say of November, once it is over.
func (c *counted) month() (page, csv string) {
	c.t.Helper()
	c.clock.Advance(time.Minute)
	c.stop()
	c.clock.Advance(10 * 24 * time.Hour)
	m, err := c.Month(c.t.Context(), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))
	c.ok(err)
	var b strings.Builder
	for _, f := range m.Facts {
		b.WriteString(f.Name + " " + f.Value + "\n")
	}
	for _, t := range m.Tables {
		b.WriteString("# " + t.Title + "\n")
		for _, l := range t.Lines {
			b.WriteString(strings.Join(l, " | ") + "\n")
		}
	}
	return b.String(), string(m.CSV)
}

func has(t *testing.T, text string, all ...string) {
	t.Helper()
	for _, want := range all {
		if !strings.Contains(text, want) {
			t.Errorf("does not say %q:\n%s", want, text)
		}
	}
}

func TestTheHalfDaysDraftHasTheMediatorsHeadsAndOurDevices(t *testing.T) {
	c := newCounted(t)
	w, err := c.manager.MakeWorkshop(t.Context(), sessions.WorkshopRequest{Title: "Premiers pas", Profile: "visitor", Places: 12, Length: time.Hour})
	c.ok(err)
	w, err = c.manager.StartWorkshop(t.Context(), w.ID)
	c.ok(err)
	for n := range byte(6) {
		_, err := c.manager.Redeem(t.Context(), sessions.Redemption{Device: guest(n + 1), Code: w.Code})
		c.ok(err)
	}
	c.clock.Advance(45 * time.Minute)
	_, err = c.manager.EndWorkshop(t.Context(), w.ID)
	c.ok(err)
	draft := func(afternoon bool) string {
		c.stop()
		d, err := c.HalfDay(t.Context(), c.clock.Wall().Time, afternoon)
		c.ok(err)
		return d.Text + string(d.CSV)
	}
	has(t, draft(false), "Nombre de participants : à compter")
	_, err = c.manager.CountHeads(t.Context(), w.ID, 9)
	c.ok(err)
	c.clock.Advance(5 * time.Hour) // the half-day turns
	has(t, draft(false), "Appareils connectés au Wi-Fi : de 5 à 9", "Titre de l’atelier : Premiers pas", "Nombre de participants : 9",
		"Appareils comptés par le Wi-Fi : 6", "24/11/2026;45;", ";Premiers pas;9;")
	has(t, draft(true), "Aucun atelier avec un code sur cette demi-journée.")
}

// Each case begins with six sessions of visitors, opened at the desk.
func TestWhatTheManagerTellsIsCounted(t *testing.T) {
	for name, k := range map[string]struct {
		do   func(c *counted, all []sessions.Session)
		want []string
	}{
		"sessions, minutes and the most at once": {
			do:   func(c *counted, _ []sessions.Session) { c.clock.Advance(29 * time.Minute) },
			want: []string{"Connexions 6\n", "Minutes 180\n", "En même temps, au plus 6\n", "par l'accueil | 6\n", "Visiteur | 6 | 180 | 0\n"},
		},
		"resumed is not new": {
			do: func(c *counted, all []sessions.Session) {
				_, err := c.manager.End(c.t.Context(), all[0].ID, sessions.ByResident)
				c.ok(err)
				if again := c.open(1); again.ID != all[0].ID {
					c.t.Fatal("it has not gone on")
				}
			},
			want: []string{"Connexions 6\n"},
		},
		"moved is not new": {
			do: func(c *counted, all []sessions.Session) {
				_, err := c.manager.TakeBack(c.t.Context(), sessions.TakeBack{Device: guest(60), ID: all[0].ID, By: sessions.FromDesk})
				c.ok(err)
			},
			want: []string{"Connexions 6\n", "En même temps, au plus 6\n"},
		},
		"another device is new": {
			do:   func(c *counted, _ []sessions.Session) { c.open(60) },
			want: []string{"Connexions 7\n", "En même temps, au plus 7\n"},
		},
		"bytes by profile": {
			do: func(c *counted, _ []sessions.Session) {
				c.kernel.Carry(0x10, 7_000_000, 2_000_000)
				c.clock.Advance(time.Minute)
				c.manager.Step(c.t.Context())
			},
			want: []string{"Volume (Mo) 9\n", "Visiteur | 6 | 12 | 9\n"},
		},
		"pages that came out of the printer": {
			do:   func(c *counted, _ []sessions.Session) { c.usage.Printed(12) },
			want: []string{"Pages imprimées 12\n"},
		},
		"refusals by reason, in French": {
			do: func(c *counted, _ []sessions.Session) {
				for n := range byte(5) {
					if _, err := c.manager.Redeem(c.t.Context(), sessions.Redemption{Device: guest(70 + n), Code: "AAAA-AAAA"}); err == nil {
						c.t.Fatal("taken")
					}
				}
			},
			want: []string{"Connexions 6\n", "Refus 5\n", "code pas reconnu | 5\n"},
		},
		"pages that terminals print": {
			do:   func(c *counted, _ []sessions.Session) { c.usage.Printed(4); c.usage.Printed(8) },
			want: []string{"Connexions 6\n", "Pages imprimées 12\n"},
		},
		"few pages": {
			do:   func(c *counted, _ []sessions.Session) { c.usage.Printed(3) },
			want: []string{"Pages imprimées moins de 5\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCounted(t)
			var all []sessions.Session
			for n := range byte(6) {
				all = append(all, c.open(n+1))
			}
			k.do(c, all)
			page, _ := c.month()
			has(t, page, k.want...)
		})
	}
}

// Pages are told of the half-day as devices are, in a range, and in the month's table as its other numbers.
func TestPagesAreInTheDraftAndInTheTable(t *testing.T) {
	c := newCounted(t)
	for n := range byte(6) {
		c.open(n + 1)
	}
	draft := func(afternoon bool) string {
		c.stop()
		d, err := c.HalfDay(t.Context(), c.clock.Wall().Time, afternoon)
		c.ok(err)
		return d.Text
	}
	if text := draft(false); strings.Contains(text, "Pages") {
		t.Errorf("nothing was printed:\n%s", text)
	}
	c.usage.Printed(7)
	c.clock.Advance(5 * time.Hour) // the half-day turns
	has(t, draft(false), "Pages imprimées depuis les postes : de 5 à 9")
	if text := draft(true); strings.Contains(text, "Pages") {
		t.Errorf("of the other half-day:\n%s", text)
	}
	_, csv := c.month()
	has(t, csv, "2026-11;Pages imprimées;;7;")
}

func TestTheMonthsTableHasProfilesOpenersAndRefusals(t *testing.T) {
	c := newCounted(t)
	for n := range byte(6) {
		c.open(n + 1)
	}
	_, csv := c.month()
	has(t, csv, "2026-11;Connexions;;6;", "2026-11;Connexions par profil;Visiteur;6;", "2026-11;Connexions ouvertes;par l'accueil;6;", "2026-11-24;Connexions;;6;")
	if m, err := c.Month(t.Context(), c.clock.Wall().Time); err == nil {
		t.Errorf("a month that lasts: %+v", m)
	}
}
