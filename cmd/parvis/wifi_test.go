package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"parvis/internal/lab"
	"parvis/sessions"
)

// onAir ends a test where no radios can be made: the trial "wifi" of make hwlab runs it inside a router in a box.
func onAir(t *testing.T) {
	t.Helper()
	if !lab.InBox() {
		t.Skip("needs radios: make hwlab, or parvis lab hardware --only wifi")
	}
}

// air raises a town with two access points and a device at one of them.
func air(t *testing.T, s lab.Site) (*place, *lab.Guest, [2]*lab.AccessPoint) {
	t.Helper()
	onAir(t)
	p := open(t, lab.Options{}, s)
	var aps [2]*lab.AccessPoint
	var err error
	for i, port := range []string{"ap0", "ap1"} {
		if aps[i], err = p.AddAccessPoint(ctx(t), port, true); err != nil {
			t.Fatal(err)
		}
	}
	g, err := p.AddGuest(lab.GuestOptions{Radio: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.DHCP(ctx(t)); err != nil {
		t.Fatal(err)
	}
	return p, g, aps
}

// at is the access point where a device is, and the other one.
func at(t *testing.T, g *lab.Guest, aps [2]*lab.AccessPoint) (here, there *lab.AccessPoint) {
	t.Helper()
	bssid, err := g.Associated(ctx(t))
	if err != nil {
		t.Fatal(err)
	}
	if bssid == aps[1].BSSID {
		return aps[1], aps[0]
	}
	return aps[0], aps[1]
}

func TestAResidentGetsOnlineByWiFiAndRoams(t *testing.T) {
	p, g, aps := air(t, lab.Site{})
	p.captured(g)
	if status, body := p.get(g, portalURL+"/"); status != http.StatusOK || !strings.Contains(body, "Ici, internet est gratuit.") {
		t.Errorf("the page: %d\n%s", status, body)
	}
	p.accept(g)
	f := p.download(g)
	f.flows(t)
	before := p.only()
	for range 2 { // there and back
		_, there := at(t, g, aps)
		if err := g.RoamTo(ctx(t), there); err != nil {
			t.Fatal(err)
		}
		f.flows(t)
	}
	if after := p.only(); after.ID != before.ID || after.State != sessions.Open || after.Suspended != "" {
		t.Errorf("after roaming there and back %+v, before %+v", after, before)
	}
}

func TestTheCheckSaysWhatAnAccessPointMustDoItself(t *testing.T) {
	onAir(t)
	p := town(t, lab.Options{}, lab.Site{})
	if _, err := p.AddAccessPoint(ctx(t), "ap0", true); err != nil {
		t.Fatal(err)
	}
	cmd, err := p.parvis.Command("check")
	if err != nil {
		t.Fatal(err)
	}
	proc, err := p.Router.Spawn(cmd)
	if err != nil {
		t.Fatal(err)
	}
	err = proc.Wait(ctx(t)) // what else it finds is not asked here
	for _, want := range []string{"ap0 is a radio", "ap_isolate=1"} {
		if !strings.Contains(proc.Log(), want) {
			t.Errorf("no %q in: %v\n%s", want, err, proc.Log())
		}
	}
}

// Devices of one radio are one port of the bridge: the router cannot keep them apart, the access point does.
func TestDevicesOfOneAccessPointDoNotReachEachOther(t *testing.T) {
	onAir(t)
	for _, isolated := range []bool{true, false} {
		t.Run(fmt.Sprintf("ap_isolate=%v", isolated), func(t *testing.T) {
			p := open(t, lab.Options{}, lab.Site{})
			if _, err := p.AddAccessPoint(ctx(t), "ap0", isolated); err != nil {
				t.Fatal(err)
			}
			var devices [2]*lab.Guest
			for i := range devices {
				var err error
				if devices[i], err = p.AddGuest(lab.GuestOptions{Radio: true}); err != nil {
					t.Fatal(err)
				}
				if _, err := devices[i].DHCP(ctx(t)); err != nil {
					t.Fatal(err)
				}
				p.accept(devices[i])
			}
			_, err := devices[0].NS.Output(ctx(t), "ping", "-c", "3", "-W", "2", devices[1].Lease().Address.Addr().String())
			if reached := err == nil; reached == isolated {
				t.Errorf("one device reaches the other: %v (%v)", reached, err)
			}
		})
	}
}
