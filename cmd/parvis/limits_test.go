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
	for range 3 { // in use: half an hour passes in steps shorter than the idle time, and each reading sees traffic
		before := p.only().Down
		f.flows(t)
		if err := p.client.Shift(ctx(t), 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		p.until("read the counters", func() bool { return p.only().Down > before })
	}
	if s := p.only(); s.State != sessions.Open {
		t.Fatalf("in use, and ended by %s", s.Reason)
	}
	f.cancel()
	// The last bytes are counted by the first reading; each step leaves the daemon time for one.
	for range 8 {
		if err := p.client.Shift(ctx(t), 3*time.Minute); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			if p.only().State == sessions.Ended {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	s := p.only()
	if s.Reason != sessions.ByIdle || s.Left < 20*time.Minute || s.Left > 30*time.Minute {
		t.Errorf("ended by %s with %v left", s.Reason, s.Left)
	}
}

// Once its volume is used up, a session goes on, more slowly, without being cut; and the desk gives one another rate in the
// same way.
func TestRatesChangeUnderALiveDownload(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{More: "volume = \"1MB\"\nslow = \"256kbit\"\n"})
	g := p.guest()
	p.accept(g)
	if _, limited := p.captive(g)["bytes-remaining"]; limited {
		t.Error("the API says that internet ends with the volume")
	}
	f := p.downloadAt(g, 500_000)
	f.flows(t)
	p.until("go on more slowly", func() bool { return p.only().Slowed })
	f.flows(t) // the same connection
	if s := p.only(); s.State != sessions.Open || s.DownRate != 256_000 || s.UpRate != 256_000 {
		t.Errorf("%+v", s)
	}
	if out, err := p.parvis.Output(ctx(t), "session", "list"); err != nil || !strings.Contains(out, "open, slower: volume") {
		t.Errorf("the list says %s, %v", out, err)
	}
	if _, body := p.get(g, portalURL+"/ma-connexion"); !strings.Contains(body, "plus lent maintenant") {
		t.Errorf("the page says: %s", body)
	}
	out, err := p.parvis.Output(ctx(t), "session", "change", g.Lease().Address.Addr().String(), "--down", "128kbit")
	if err != nil || !strings.Contains(out, "128kbit down, 256kbit up") {
		t.Errorf("session change: %s, %v", out, err)
	}
	f.flows(t)
	if err := p.daemon.Kill(); err != nil {
		t.Fatal(err)
	}
	p.serve()
	if s := p.only(); s.DownRate != 128_000 || !s.Slowed {
		t.Errorf("after a restart: %+v", s)
	}
	f.flows(t)
	f.cancel()
}
