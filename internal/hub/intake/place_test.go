package intake_test

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/internal/hub/store"
	"parvis/internal/hub/store/storetest"
	"parvis/internal/hublink"
	"parvis/internal/hublink/wire"
	"parvis/internal/mac"
	"parvis/sessions"
	"parvis/sessions/usage"
)

// place is a site as it truly is: its counts in SQLite, and the link that takes them to the hub.
type place struct {
	h     *hub
	clock *clock.Fake
	usage *usage.Usage
	link  *hublink.Link
	open  []sessions.Session
	total uint64
	site  string
}

func newPlace(h *hub, name string) *place {
	h.Helper()
	p := &place{h: h, clock: clock.NewFake()}
	dir := h.TempDir()
	var err error
	p.usage, err = usage.Open(h.Context(), filepath.Join(dir, "usage.db"), usage.Options{
		Clock: p.clock, Location: time.UTC, Sessions: func() []sessions.Session { return p.open },
	})
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { p.usage.Close() })
	p.link, err = hublink.Open(hublink.Options{
		URL: h.url, Path: filepath.Join(dir, "hub.json"), Version: "1.0", Model: "Board (rev. 1)", Outbox: p.usage, Clock: p.clock,
		Now: func() wire.Now {
			return wire.Now{Version: "1.0", Clock: "synchronised", Place: "open", Slots: 240, Line: wire.Line{Up: true}}
		},
	})
	if err != nil {
		h.Fatal(err)
	}
	s := storetest.Site(h, h.Hub, "a", name)
	p.site = s.ID
	if err := p.link.Enrol(h.Context(), h.code(s.ID)); err != nil {
		h.Fatal(err)
	}
	return p
}

// hours lets time pass in which somebody comes each hour, and brings it to the disk.
func (p *place) hours(n int) {
	p.h.Helper()
	for range n {
		if p.total%24 == 0 {
			p.writes()
		}
		p.total++
		s := sessions.Session{
			ID: fmt.Sprint(p.total), Profile: "visite", OpenedBy: sessions.FromResident,
			Device: sessions.Device{MAC: mac.Addr{2, 0, 0, 0, byte(p.total >> 8), byte(p.total)}, IPv4: netip.MustParseAddr("10.77.0.9")},
		}
		p.usage.Note(sessions.Notice{Kind: sessions.NoticeOpened, Session: s})
		p.clock.Advance(time.Hour)
		p.h.clock.Advance(time.Hour) // the hub's is the same time
		p.usage.Note(sessions.Notice{Kind: sessions.NoticeEnded, Session: s})
	}
	p.writes()
}

// writes counts what has passed and writes it, as the daemon does when it ends.
func (p *place) writes() {
	p.h.Helper()
	ctx, cancel := context.WithCancel(p.h.Context())
	cancel()
	if err := p.usage.Run(ctx); err != nil {
		p.h.Fatal(err)
	}
}

// drains runs the link until nothing waits.
func (p *place) drains() {
	p.h.Helper()
	ctx, cancel := context.WithCancel(p.h.Context())
	done := make(chan error, 1)
	go func() { done <- p.link.Run(ctx) }()
	heard := p.link.Status().Heard
	tick := time.NewTicker(time.Millisecond) // a network is between the two
	defer tick.Stop()
	for deadline := time.After(time.Minute); ; {
		p.clock.Advance(time.Second)
		s := p.link.Status()
		if s.Err == nil && s.Left == 0 && s.Heard.After(heard) {
			break
		}
		select {
		case <-deadline:
			p.h.Fatalf("it does not drain: %+v", s)
		case <-tick.C:
		}
	}
	cancel()
	if err := <-done; err != nil {
		p.h.Fatal(err)
	}
}

// A month's hours wait in a true site's own counts; the true hub has each of them once, day by day and as devices, and what comes after too.
func TestAPlaceThatWasAwayForAMonthIsCountedOnce(t *testing.T) {
	h := newHub(t)
	p := newPlace(h, "Médiathèque")
	p.hours(3)
	p.drains()
	h.expect(p.site, p.total)
	p.hours(30 * 24)
	p.drains()
	h.expect(p.site, p.total)
	p.hours(1)
	p.drains()
	h.expect(p.site, p.total)
	storetest.In(t, h.Hub, "a", func(ctx context.Context, tt *store.Tenant) error {
		hours, err := tt.Hours(ctx, p.site, 20260101, 20271231)
		if err != nil {
			return err
		}
		var ms uint64
		for _, x := range hours {
			ms += x.Use.Of("time", "visite")
		}
		if want := p.total * uint64(time.Hour.Milliseconds()); ms != want {
			t.Errorf("%d ms of sessions, want %d", ms, want)
		}
		days, err := tt.Devices(ctx, p.site, 20260101, 20271231)
		devices := 0
		for _, d := range days {
			if d.Part == 0 {
				devices += d.Least
			}
		}
		if uint64(devices) != p.total { // each comes on one day
			t.Errorf("%d devices, want %d", devices, p.total)
		}
		return err
	})
}
