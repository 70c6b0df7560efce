package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"parvis/internal/control"
	"parvis/internal/lab"
)

// An upgrade is a stop and a start, a crash a kill and a start: neither costs an admitted guest one packet, in either family.
func TestARestartLosesNoPacketOfAnAdmittedGuest(t *testing.T) {
	for _, backend := range []string{"legacy", "nft"} {
		t.Run(backend, func(t *testing.T) {
			p := open(t, lab.Options{Iptables: backend}, lab.Site{IPv6: true})
			g := p.guest()
			p.accept(g)
			v4, v6 := lab.Echo()
			var streams []*lab.Stream
			for _, a := range []string{v4.Addr().String(), "[" + v6.Addr().String() + "]"} {
				stop, err := p.Internet.EchoUDP(a + ":77")
				if err != nil {
					t.Fatal(err)
				}
				defer stop()
				s, err := g.NS.Stream(a+":77", time.Millisecond)
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Begin(ctx(t)); err != nil {
					t.Fatal(err)
				}
				streams = append(streams, s)
			}
			for _, end := range []func() error{p.daemon.Stop, func() error { return p.daemon.Kill() }} {
				if err := end(); err != nil {
					t.Fatal(err)
				}
				p.serve()
				for _, s := range streams { // some time in force again
					n, _ := s.Sent()
					p.until("go on", func() bool { now, _ := s.Sent(); return now > n+300 })
				}
			}
			for i, s := range streams {
				r := s.End()
				t.Logf("IPv%d: %d datagrams sent, %d came back", 4+2*i, r.Sent, r.Came)
				if r.Came != r.Sent {
					t.Errorf("IPv%d: %d of %d datagrams were lost", 4+2*i, r.Sent-r.Came, r.Sent)
				}
			}
		})
	}
}

func TestStatusTellsOfARepair(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{})
	if _, err := p.RouterOutput(ctx(t), "iptables", "-F"); err != nil {
		t.Fatal(err)
	}
	var s control.Status
	p.until("tell of the repair", func() bool {
		out, err := p.parvis.Output(ctx(t), "status", "--json")
		if err != nil {
			t.Fatal(err)
		}
		s = control.Status{}
		if err := json.Unmarshal([]byte(out), &s); err != nil {
			t.Fatal(err)
		}
		return len(s.Repairs) > 0
	})
	if r := s.Repairs[0]; r.What.EN != "firewall rules" || r.What.FR != "règles du pare-feu" {
		t.Errorf("%+v", r)
	}
	out, err := p.parvis.Output(ctx(t), "status")
	if err != nil || !strings.Contains(out, "firewall rules") && !strings.Contains(out, "règles du pare-feu") {
		t.Errorf("%v:\n%s", err, out)
	}
}
