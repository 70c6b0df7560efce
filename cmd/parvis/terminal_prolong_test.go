package main

import (
	"net/url"
	"testing"
	"time"

	"parvis/kiosk"
	"parvis/sessions"
)

// untilLeft passes time until a terminal has so much left.
func (d *desk) untilLeft(name string, want time.Duration) {
	d.t.Helper()
	left, open := d.left(name)
	if !open || left < want {
		d.t.Fatalf("%s is open: %v, and has %v left", name, open, left)
	}
	d.shift(left - want)
}

// between fails unless a terminal has from..to left.
func (d *desk) between(name string, from, to time.Duration) {
	d.t.Helper()
	if left, open := d.left(name); !open || left < from || left > to {
		d.t.Fatalf("%s is open: %v, and has %v left, want %v to %v", name, open, left, from, to)
	}
}

// The time of who sits at a terminal goes on by itself while nobody waits, and not when somebody does; then the desk can let a
// procedure come to its end, once.
func TestATerminalGoesOnWhileNobodyWaits(t *testing.T) {
	d := openDesk(t, `prolong = "10m"`)
	d.adopt("poste1", "Poste 1")
	id := d.terminal("Poste 1").ID
	d.press("/postes/"+id+"/ouvrir", url.Values{"pour": {"30m0s"}})
	for range 2 { // as often as nobody waits
		d.untilLeft("Poste 1", kiosk.EndingLast-time.Second)
		d.until("put the end off", func() bool { left, _ := d.left("Poste 1"); return left > 2*kiosk.EndingLast })
		d.between("Poste 1", 10*time.Minute, 15*time.Minute)
	}

	d.press("/file/donner", nil)
	d.untilLeft("Poste 1", kiosk.EndingLast-time.Second)
	d.until("see its last minutes", func() bool { return d.terminal("Poste 1").State == kiosk.Ending })
	d.shift(time.Minute) // it looks again meanwhile
	d.between("Poste 1", 0, kiosk.EndingLast-time.Minute)
	d.shows("/postes/"+id, "Bientôt fini", "Démarche en cours", "Une seule fois, même si d'autres attendent.")
	d.press("/postes/"+id+"/delai", nil)
	d.between("Poste 1", kiosk.EndingLast, 2*kiosk.EndingLast)
	if d.terminal("Poste 1").Use.Grace {
		t.Error("it can be had twice")
	}
	left, _ := d.left("Poste 1")
	d.shift(left)
	d.until("end it", func() bool { _, open := d.left("Poste 1"); return !open })
	if s := d.seat(); s.Reason != sessions.ByTime {
		t.Errorf("ended by %s", s.Reason)
	}
}

// Who waits and goes leaves the terminal to who sits there, as long as its last minutes run.
func TestATerminalGoesOnOnceNobodyWaitsAnyMore(t *testing.T) {
	d := openDesk(t, `prolong = "10m"`)
	d.adopt("poste1", "Poste 1")
	id := d.terminal("Poste 1").ID
	d.press("/postes/"+id+"/ouvrir", url.Values{"pour": {"30m0s"}})
	d.press("/file/donner", nil)
	d.untilLeft("Poste 1", kiosk.EndingLast-time.Second)
	d.until("see its last minutes", func() bool { return d.terminal("Poste 1").State == kiosk.Ending })
	d.press("/file/appeler", nil)
	d.press("/file/1/installe", nil)
	d.shift(30 * time.Second) // it looks again
	d.until("put the end off", func() bool { left, _ := d.left("Poste 1"); return left > 2*kiosk.EndingLast })
}

// The place's closing is an end that nothing puts off by itself, nor the desk's one more time.
func TestATerminalDoesNotGoOnPastClosing(t *testing.T) {
	d := openDesk(t, `prolong = "30m"`)
	d.adopt("poste1", "Poste 1")
	id := d.terminal("Poste 1").ID
	if _, err := d.parvis.Output(ctx(t), "site", "open", "40m"); err != nil {
		t.Fatal(err)
	}
	d.press("/postes/"+id+"/ouvrir", url.Values{"pour": {"30m0s"}})
	d.untilLeft("Poste 1", kiosk.EndingLast-time.Second)
	d.until("put the end off, until closing", func() bool { left, _ := d.left("Poste 1"); return left > kiosk.EndingLast })
	d.between("Poste 1", 10*time.Minute, 15*time.Minute) // 30 min would be past it
	d.untilLeft("Poste 1", kiosk.EndingLast-time.Second)
	d.until("see its last minutes", func() bool { return d.terminal("Poste 1").State == kiosk.Ending })
	d.shift(time.Minute)
	d.between("Poste 1", 0, kiosk.EndingLast-time.Minute)
	if d.terminal("Poste 1").Use.Grace {
		t.Error("the desk is offered one more time past closing")
	}
	left, _ := d.left("Poste 1")
	d.shift(left)
	d.until("end it", func() bool { _, open := d.left("Poste 1"); return !open })
	if s := d.seat(); s.Reason != sessions.ByClosing {
		t.Errorf("ended by %s", s.Reason)
	}
}

// seat is the session of the one terminal that there is.
func (d *desk) seat() sessions.Session {
	d.t.Helper()
	all, err := d.client.Sessions(ctx(d.t))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, s := range all {
		if s.Terminal {
			return s
		}
	}
	d.t.Fatalf("no terminal in %+v", all)
	return sessions.Session{}
}
