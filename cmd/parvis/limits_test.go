package main

import (
	"strings"
	"testing"
	"time"

	"parvis/internal/lab"
	"parvis/sessions"
)

// only returns the one session there is.
func (p *place) only() sessions.Session {
	p.t.Helper()
	list, err := p.client.Sessions(ctx(p.t))
	if err != nil || len(list) != 1 {
		p.t.Fatalf("%v, %v", list, err)
	}
	return list[0]
}

func (p *place) ends() sessions.Session {
	p.t.Helper()
	p.until("end the session", func() bool { return p.only().State == sessions.Ended })
	return p.only()
}

// A volume is counted by the kernel, told by the API while it lasts, and ends the session.
func TestVolumeIsToldAndEnds(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{More: "volume = \"1MB\"\n"})
	g := p.guest()
	p.accept(g)
	if left, _ := p.captive(g)["bytes-remaining"].(float64); left <= 0 || left > 1_000_000 {
		t.Errorf("the API says %v bytes remaining", left)
	}
	f := p.downloadAt(g, 500_000)
	f.flows(t)
	if s := p.ends(); s.Reason != sessions.ByVolume || s.Down+s.Up < 1_000_000 {
		t.Errorf("ended by %s after %d bytes", s.Reason, s.Down+s.Up)
	}
	f.stopped(t)
	p.captured(g)
	if _, body := p.get(g, portalURL+"/"); !strings.Contains(body, "Demandez") && !strings.Contains(body, "fini") {
		t.Errorf("the page says: %s", body)
	}
}

// A phone in a pocket ends its session and keeps its time; one that is used does not.
func TestIdleEndsAndKeepsTheTime(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{})
	g := p.guest()
	p.accept(g)
	f := p.download(g)
	for range 3 { // in use: half an hour passes in steps shorter than the idle time
		f.flows(t)
		if err := p.client.Shift(ctx(t), 10*time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if s := p.only(); s.State != sessions.Open {
		t.Fatalf("in use, and ended by %s", s.Reason)
	}
	f.cancel()
	p.until("end a session that is not used", func() bool { // minute by minute, as the counters are read
		if err := p.client.Shift(ctx(t), time.Minute); err != nil {
			t.Fatal(err)
		}
		return p.only().State == sessions.Ended
	})
	s := p.only()
	if s.Reason != sessions.ByIdle || s.Left < 20*time.Minute || s.Left > 30*time.Minute {
		t.Errorf("ended by %s with %v left", s.Reason, s.Left)
	}
}
