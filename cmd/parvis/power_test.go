package main

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"parvis/internal/lab"
	"parvis/sessions"
)

// The power goes while people are inside. It comes back, and they go on: with the address that they kept, without asking DHCP,
// without a tap, with the time that was stored.
func TestAPowerCutTakesNobodysTime(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{})
	g := p.guest()
	p.accept(g)
	f := p.download(g)
	f.flows(t)
	opened := p.stored()
	if err := p.client.Shift(ctx(t), 10*time.Minute); err != nil {
		t.Fatal(err)
	}
	f.flows(t)
	p.until("store the ten minutes", func() bool { return p.stored() >= opened+10*time.Minute })
	if err := p.client.Shift(ctx(t), 40*time.Second); err != nil { // which is not stored
		t.Fatal(err)
	}
	before := p.only()
	for cut := range 2 {
		f.cancel()
		if err := p.PowerCut(); err != nil {
			t.Fatal(err)
		}
		p.serve()
		if after := p.only(); after.State != sessions.Open || after.ID != before.ID || after.Left > before.Left+time.Minute ||
			after.Left < before.Left-time.Minute {
			t.Fatalf("cut %d: after %+v, before %+v", cut, after, before)
		}
		st, err := p.client.Status(ctx(t))
		if err != nil || !st.Ready || st.Sessions.Resumed != 1 || st.Sessions.Off == nil || st.Sessions.Off.To.IsZero() {
			t.Fatalf("cut %d: status %+v, %v", cut, st, err)
		}
		if _, err := p.parvis.Dnsmasq(ctx(t)); err != nil { // names; the lease was asked for before
			t.Fatal(err)
		}
		f = p.download(g)
		f.flows(t)
	}
	out, err := p.parvis.Output(ctx(t), "status")
	if err != nil || !strings.Contains(out, "Resumed at the last start: 1.") || !strings.Contains(out, "The router was off from ") {
		t.Errorf("status says %s, %v", out, err)
	}
}

// stored is until when the database knows that time has run.
func (p *place) stored() (seen time.Duration) {
	p.t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(p.parvis.State, "parvis.db")+"?mode=ro")
	if err != nil {
		p.t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT seen FROM mark").Scan(&seen); err != nil {
		p.t.Fatal(err)
	}
	return seen
}

// stop is the resident's tap on the button that ends.
func (p *place) stop(g *lab.Guest) {
	p.t.Helper()
	resp, err := g.Client().PostForm(portalURL+"/arreter", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	resp.Body.Close()
	if s := p.only(); s.State != sessions.Ended {
		p.t.Fatalf("%s, and %+v", resp.Status, s)
	}
}

// The civil clock jumps by ten years either way: no time that is left changes, and nobody has another day.
func TestTheCivilClockGivesAndTakesNothing(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{More: "daily = \"40m\"\n"})
	g := p.guest()
	p.accept(g)
	f := p.download(g)
	f.flows(t)
	if err := p.client.Shift(ctx(t), 10*time.Minute); err != nil {
		t.Fatal(err)
	}
	f.flows(t)
	const ten = 10 * 365 * 24 * time.Hour
	for _, jump := range []time.Duration{-ten, 2 * ten, -2 * ten} {
		before := p.only()
		if err := p.client.ShiftWall(ctx(t), jump); err != nil {
			t.Fatal(err)
		}
		if st, err := p.client.Status(ctx(t)); err != nil || st.Clock != "unknown" {
			t.Errorf("the clock is said to be %s, %v", st.Clock, err)
		}
		if err := p.client.Shift(ctx(t), time.Minute); err != nil { // and everything that is due is done
			t.Fatal(err)
		}
		f.flows(t)
		after := p.only()
		if took := before.Left - after.Left; took < time.Minute || took > time.Minute+10*time.Second || after.Left > 30*time.Minute {
			t.Errorf("after a jump of %v a minute took %v, and %v are left", jump, took, after.Left)
		}
		p.stop(g)
		f.stopped(t)
		p.accept(g)
		if s := p.only(); s.State != sessions.Open || s.Left > after.Left {
			t.Errorf("after a jump of %v the day leaves %v, before %v", jump, s.Left, after.Left)
		}
		f = p.download(g)
		f.flows(t)
	}
}
