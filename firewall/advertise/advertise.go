// Package advertise is the only sender of router advertisements on the guest link (RFC 4861). It tells guests the networks
// that the guest interface has, whether the router leads to the IPv6 internet, where names are answered, and where the
// captive portal's API is (RFC 8910, option 37), which no other sender on a router knows.
//
// What it says is read from the kernel each time: addresses of the interface, default routes. timing says when (RFC 4861,
// 6.2); Run puts a socket around both.
package advertise

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/ndp"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// Lifetimes of what is said. Those of prefixes are short, so that devices leave a network that has gone (RFC 9096, 3.2).
const (
	routerLifetime    = 1800 * time.Second // AdvDefaultLifetime, three times maxInterval
	dnsLifetime       = routerLifetime     // RFC 8106, 5.1
	validLifetime     = 5400 * time.Second
	preferredLifetime = 2700 * time.Second

	// goneFor is how long a prefix that has gone is told to be so: devices take two hours to forget it (RFC 4862, 5.5.3 e).
	goneFor = 2 * time.Hour
	maxGone = 8 // prefixes that are told to be gone at once

	usualMTU = 1500
)

// link is what the kernel says of the guest link at a moment.
type link struct {
	mac      mac.Addr
	mtu      int
	prefixes []prefix // sorted by address
	leads    bool     // there is a default route that does not lead to the guests
}

type prefix struct {
	netip.Prefix
	us               netip.Addr // our address in it
	valid, preferred time.Duration
}

func (l link) equal(o link) bool {
	return l.mac == o.mac && l.mtu == o.mtu && l.leads == o.leads && slices.EqualFunc(l.prefixes, o.prefixes, func(a, b prefix) bool {
		return a.Prefix == b.Prefix && a.us == b.us
	})
}

// gone remembers prefixes that were announced and are no more.
type gone map[netip.Prefix]clock.Boot

// compare notes what has gone between two moments.
func (g gone) compare(now clock.Boot, before, after link) {
	for p, since := range g {
		if now.Sub(since) >= goneFor {
			delete(g, p)
		}
	}
	for _, p := range before.prefixes {
		if len(g) < maxGone {
			g[p.Prefix] = now
		}
	}
	for _, p := range after.prefixes {
		delete(g, p.Prefix)
	}
}

// message is the advertisement. api is the URI of the captive portal's API, "" for none.
func message(l link, g gone, api string) *ndp.RouterAdvertisement {
	ra := &ndp.RouterAdvertisement{
		CurrentHopLimit: 64, OtherConfiguration: true,
		Options: []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Source, Addr: l.mac[:]}},
	}
	if l.leads {
		ra.RouterLifetime = routerLifetime
	}
	if l.mtu != usualMTU {
		ra.Options = append(ra.Options, ndp.NewMTU(uint32(l.mtu)))
	}
	for _, p := range l.prefixes {
		ra.Options = append(ra.Options, information(p.Prefix, min(p.valid, validLifetime), min(p.preferred, preferredLifetime)))
	}
	for _, p := range slices.SortedFunc(maps.Keys(g), netip.Prefix.Compare) {
		ra.Options = append(ra.Options, information(p, 0, 0))
	}
	if len(l.prefixes) > 0 {
		ra.Options = append(ra.Options, &ndp.RecursiveDNSServer{Lifetime: dnsLifetime, Servers: []netip.Addr{l.prefixes[0].us}})
	}
	if api != "" {
		ra.Options = append(ra.Options, &ndp.CaptivePortal{URI: api})
	}
	return ra
}

// farewell takes everything back that message has said.
func farewell(l link) *ndp.RouterAdvertisement {
	ra := message(l, nil, "")
	ra.RouterLifetime = 0
	for _, o := range ra.Options {
		switch o := o.(type) {
		case *ndp.PrefixInformation:
			o.ValidLifetime, o.PreferredLifetime = 0, 0
		case *ndp.RecursiveDNSServer:
			o.Lifetime = 0
		}
	}
	return ra
}

func information(p netip.Prefix, valid, preferred time.Duration) *ndp.PrefixInformation {
	return &ndp.PrefixInformation{
		PrefixLength: uint8(p.Bits()), OnLink: true, AutonomousAddressConfiguration: true,
		ValidLifetime: valid, PreferredLifetime: preferred, Prefix: p.Addr(),
	}
}

// When advertisements are sent (RFC 4861, 6.2.1 and 10; 6.2.6 for answers).
const (
	minInterval    = 200 * time.Second
	maxInterval    = 600 * time.Second
	initialEvery   = 16 * time.Second
	initialCount   = 3
	betweenAnswers = 3 * time.Second
	answerDelay    = 500 * time.Millisecond

	answersPerSecond = 50 // to single devices; who asks beyond that is answered with everybody
)

// timing says when the next advertisement to everybody is due.
type timing struct {
	next, last clock.Boot
	sent       int
	tokens     int
	filled     clock.Boot
	random     func(time.Duration) time.Duration // from 0 to below the duration
}

func newTiming(now clock.Boot, random func(time.Duration) time.Duration) *timing {
	return &timing{next: now, random: random, tokens: answersPerSecond, filled: now}
}

func (t *timing) done(now clock.Boot) {
	t.last = now
	t.sent++
	if t.sent < initialCount {
		t.next = now.Add(initialEvery)
		return
	}
	t.next = now.Add(minInterval + t.random(maxInterval-minInterval))
}

// soon brings the next one forward, never closer to the last one than allowed.
func (t *timing) soon(now clock.Boot, delay time.Duration) {
	at := now.Add(delay)
	if t.sent > 0 {
		at = max(at, t.last.Add(betweenAnswers))
	}
	t.next = min(t.next, at)
}

// solicited reports whether the device that asks is answered by itself; otherwise everybody is, soon. known is false for
// a device that has no address yet.
func (t *timing) solicited(now clock.Boot, known bool) bool {
	if now.Sub(t.filled) >= time.Second {
		t.tokens, t.filled = answersPerSecond, now
	}
	if known && t.tokens > 0 {
		t.tokens--
		return true
	}
	t.soon(now, t.random(answerDelay))
	return false
}
