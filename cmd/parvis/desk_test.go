package main

import (
	"strings"
	"testing"
	"time"

	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/internal/lab/browser"
	"parvis/internal/lab/scenes"
	"parvis/sessions"
)

// window is a browser on a device.
func (p *place) window(g *lab.Guest) *browser.Browser {
	p.t.Helper()
	b, err := browser.Start(ctx(p.t), g, p.CAFile(), p.Dir)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if err := b.Close(); err != nil {
			p.t.Error(err)
		}
	})
	return b
}

// A phone waits; the desk sees it by itself and opens it by one tap; it is online and its page says so by itself; taken back, it
// waits again. On a phone and on the desk's screen, with the device in the public Wi-Fi and enrolled by its link.
func TestTheDeskOpensAWaitingPhoneByOneTap(t *testing.T) {
	for name, size := range map[string][2]int64{"phone": {360, 740}, "desktop": {1280, 800}} {
		t.Run(name, func(t *testing.T) {
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			p := open(t, lab.Options{}, lab.Site{Staff: true})
			desk := p.window(p.guest())
			must(desk.Viewport(ctx(t), size[0], size[1]))
			must(scenes.Enter(ctx(t), p.parvis, desk, "mediatrice"))

			phone := p.guest()
			screen := p.window(phone)
			must(screen.Open(ctx(t), portalURL+"/attendre"))
			code, err := scenes.CodeOn(ctx(t), screen)
			must(err)
			must(desk.See(ctx(t), code))

			tapped := time.Now()
			must(desk.Click(ctx(t), "30 min"))
			must(screen.See(ctx(t), "Internet est ouvert."))
			t.Logf("%v from before the tap until the phone's page has changed", time.Since(tapped).Round(10*time.Millisecond))
			if status, body := p.get(phone, "http://"+lab.ServicePublic+"/"); status != 200 || !strings.Contains(body, "<h1>") {
				t.Errorf("opened, and the web answers %d", status)
			}
			if s := p.session(phone); s.State != sessions.Open || s.OpenedBy != sessions.FromDesk || s.Code != code {
				t.Errorf("%+v", s)
			}

			// The offer lasts ten seconds, which a busy machine may need for the page: then another tap is taken back.
			taken := false
			for try := 0; try < 5 && !taken; try++ {
				if _, err := p.client.End(ctx(t), control.EndRequest{Which: p.session(phone).ID, Reason: sessions.ByOperator}); err != nil {
					t.Fatal(err)
				}
				must(screen.Open(ctx(t), portalURL+"/attendre"))
				must(desk.Open(ctx(t), scenes.ConsoleURL+"attente"))
				must(desk.See(ctx(t), code))
				must(desk.Click(ctx(t), "30 min"))
				taken = desk.Click(ctx(t), "Annuler") == nil && desk.See(ctx(t), "C'est annulé.", code) == nil
			}
			if !taken {
				t.Fatal("no tap was taken back")
			}
			p.captured(phone)
			if s := p.session(phone); s.State != sessions.Ended || s.Reason != sessions.ByOperator {
				t.Errorf("%+v", s)
			}
		})
	}
}

// session is the newest one of a device.
func (p *place) session(g *lab.Guest) (newest sessions.Session) {
	p.t.Helper()
	all, err := p.client.Sessions(ctx(p.t))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, s := range all {
		if s.Device.IPv4 == g.Lease().Address.Addr() && (newest.ID == "" || s.OpenedAt.After(newest.OpenedAt)) {
			newest = s
		}
	}
	return newest
}
