package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"parvis/internal/lab"
	"parvis/sessions"
)

// A clone appears: the guest's time stands still, every way of asking says so and accuses nobody, and a tap changes nothing. The
// clone goes: the guest goes on by itself, with the time that it had.
func TestASuspensionIsToldAndIsOverWhenTheCloneIsGone(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{})
	g := p.guest()
	p.accept(g)
	f := p.download(g)
	f.flows(t)
	clone, err := p.Clone(ctx(t), g, "")
	if err != nil {
		t.Fatal(err)
	}
	p.until("suspend the session", func() bool {
		_, _ = clone.NS.Output(ctx(t), "ping", "-c1", "-W1", p.GuestAddress().String())
		return p.only().Suspended == sessions.TwoPorts
	})
	suspended := p.only()
	f.stopped(t)
	if out, err := p.parvis.Output(ctx(t), "session", "list"); err != nil || !strings.Contains(out, "suspended: two devices with one MAC address") {
		t.Errorf("the list says %s, %v", out, err)
	}
	if st, err := p.client.Status(ctx(t)); err != nil || st.Sessions.Suspended != 1 || st.Sessions.Open != 1 {
		t.Errorf("status %+v, %v", st, err)
	}
	if err := clone.Close(); err != nil { // from here on the guest's own requests come through
		t.Fatal(err)
	}
	if captive := p.captive(g)["captive"]; captive != true {
		t.Errorf("the API says captive=%v", captive)
	}
	if status, body := p.get(g, portalURL+"/"); status != http.StatusOK || !strings.Contains(body, "Internet est en pause.") {
		t.Errorf("the page says %d: %s", status, body)
	}
	resp, err := g.Client().PostForm(portalURL+"/ouvrir", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusConflict {
		t.Errorf("a tap is answered by %s", resp.Status)
	}
	if s := p.only(); s.Suspended == "" || s.Left != suspended.Left {
		t.Errorf("time runs: %+v, before %+v", s, suspended)
	}
	for deadline := time.Now().Add(90 * time.Second); p.only().Suspended != ""; {
		if time.Now().After(deadline) {
			t.Fatal("alone again, and still suspended")
		}
		// The place goes on as usual: somebody looks at the list once in a while.
		pause, stop := p.clock.At(p.clock.Boot().Add(500 * time.Millisecond))
		<-pause
		stop()
	}
	if s := p.only(); s.State != sessions.Open || s.Left < suspended.Left-5*time.Second || s.Left > suspended.Left {
		t.Errorf("after: %+v, before: %+v", s, suspended)
	}
	f = p.download(g)
	f.flows(t)
	f.cancel()
	if log := p.daemon.Log(); strings.Contains(log, "repair: another program") {
		t.Errorf("everything was laid anew, and no other program had touched anything: %s", log)
	}
}
