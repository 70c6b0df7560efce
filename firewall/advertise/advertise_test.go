package advertise

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/ndp"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

const api = "https://portail.example.org/api/captive"

var (
	us     = mac.Addr{2, 0x77, 0, 0, 0, 1}
	global = prefix{netip.MustParsePrefix("2001:db8:77::/64"), netip.MustParseAddr("2001:db8:77::1"), validLifetime, validLifetime}
	ula    = prefix{netip.MustParsePrefix("fd00:77::/64"), netip.MustParseAddr("fd00:77::1"), time.Hour, time.Minute}
)

func TestMessage(t *testing.T) {
	hardware := &ndp.LinkLayerAddress{Direction: ndp.Source, Addr: us[:]}
	for _, tc := range []struct {
		name string
		link link
		gone gone
		api  string
		want *ndp.RouterAdvertisement
	}{
		{"a line with IPv6 and an API", link{mac: us, mtu: 1500, prefixes: []prefix{global}, leads: true}, nil, api, &ndp.RouterAdvertisement{
			CurrentHopLimit: 64, OtherConfiguration: true, RouterLifetime: 1800 * time.Second,
			Options: []ndp.Option{
				hardware,
				information(global.Prefix, 5400*time.Second, 2700*time.Second),
				&ndp.RecursiveDNSServer{Lifetime: 1800 * time.Second, Servers: []netip.Addr{global.us}},
				&ndp.CaptivePortal{URI: api},
			},
		}},
		{"a local network without a line, without an API", link{mac: us, mtu: 1280, prefixes: []prefix{ula}}, nil, "", &ndp.RouterAdvertisement{
			CurrentHopLimit: 64, OtherConfiguration: true,
			Options: []ndp.Option{
				hardware, ndp.NewMTU(1280), information(ula.Prefix, time.Hour, time.Minute),
				&ndp.RecursiveDNSServer{Lifetime: 1800 * time.Second, Servers: []netip.Addr{ula.us}},
			},
		}},
		{"a prefix that has gone", link{mac: us, mtu: 1500}, gone{global.Prefix: 0}, "", &ndp.RouterAdvertisement{
			CurrentHopLimit: 64, OtherConfiguration: true,
			Options: []ndp.Option{hardware, information(global.Prefix, 0, 0)},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := message(tc.link, tc.gone, tc.api)
			if d := cmp.Diff(tc.want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
				t.Error(d)
			}
			if _, err := ndp.MarshalMessage(got); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestFarewellLeavesNothingToUse(t *testing.T) {
	ra := farewell(link{mac: us, mtu: 1500, prefixes: []prefix{global}, leads: true})
	if ra.RouterLifetime != 0 {
		t.Errorf("router for %v more", ra.RouterLifetime)
	}
	for _, o := range ra.Options {
		switch o := o.(type) {
		case *ndp.PrefixInformation:
			if o.PreferredLifetime != 0 || o.ValidLifetime != 0 {
				t.Errorf("%+v", o)
			}
		case *ndp.RecursiveDNSServer:
			if o.Lifetime != 0 {
				t.Errorf("%+v", o)
			}
		case *ndp.CaptivePortal:
			t.Errorf("%+v", o)
		}
	}
}

func TestAPrefixThatHasGoneIsToldForTwoHours(t *testing.T) {
	g, now := gone{}, clock.Boot(time.Hour)
	with, without := link{prefixes: []prefix{global}}, link{}
	g.compare(now, with, without)
	if len(g) != 1 {
		t.Fatal("not noted")
	}
	g.compare(now.Add(goneFor-1), without, without)
	if len(g) != 1 {
		t.Error("forgotten too early")
	}
	g.compare(now.Add(goneFor), without, without)
	if len(g) != 0 {
		t.Error("remembered for ever")
	}
	g.compare(now, with, without)
	g.compare(now, without, with)
	if len(g) != 0 {
		t.Error("it is back")
	}
}

func TestTiming(t *testing.T) {
	start := clock.Boot(time.Hour)
	half := func(d time.Duration) time.Duration { return d / 2 }
	after := func(t *timing) time.Duration { return t.next.Sub(start) }
	tm := newTiming(start, half)
	for i, want := range []time.Duration{0, 16 * time.Second, 32 * time.Second, 432 * time.Second, 832 * time.Second} {
		if got := after(tm); got != want {
			t.Errorf("advertisement %d after %v, want %v", i, got, want)
		}
		tm.done(tm.next)
	}
	now := tm.last.Add(time.Minute)
	if !tm.solicited(now, true) || tm.next.Sub(now) < time.Minute {
		t.Error("a device with an address is answered by itself")
	}
	if tm.solicited(now, false) || tm.next != now.Add(answerDelay/2) {
		t.Errorf("a device without one is answered with everybody, within %v; got %v", answerDelay, tm.next.Sub(now))
	}
	tm.done(tm.next)
	last := tm.last
	for range 1000 {
		tm.solicited(last, false)
	}
	if tm.next != last.Add(betweenAnswers) {
		t.Errorf("the next to everybody after %v, want %v", tm.next.Sub(last), betweenAnswers)
	}
	own := 0
	for range 1000 {
		if tm.solicited(last.Add(time.Hour), true) {
			own++
		}
	}
	if own != answersPerSecond {
		t.Errorf("%d answered by themselves in a second", own)
	}
}
