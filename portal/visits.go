package portal

import (
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"parvis/internal/clock"
	"parvis/sessions/waiting"
)

// visit notes that a page of ours is shown to a device that waits.
func (v *view) visit() {
	if d, s, err := v.who(); err == nil && !passes(s, d) {
		seen := waiting.Visit{Device: d, Kind: kindOf(v.c.Request.UserAgent()), Language: v.locale.Tag, Page: true}
		v.p.Waiting.Visit(seen)
		v.p.Count(seen)
	}
}

// kindOf guesses from what a browser calls itself. Mini-browsers of captive portals say the same as their system's browser.
func kindOf(agent string) waiting.Kind {
	for _, hint := range []struct {
		word string
		kind waiting.Kind
	}{
		{"Android", waiting.Phone},
		{"iPhone", waiting.Phone},
		{"iPad", waiting.Phone},
		{"Mobile", waiting.Phone},
		{"Windows NT", waiting.Computer},
		{"Macintosh", waiting.Computer},
		{"CrOS", waiting.Computer},
		{"X11", waiting.Computer},
	} {
		if strings.Contains(agent, hint.word) {
			return hint.kind
		}
	}
	return ""
}

// probeHosts are the names by which systems look for the internet that tell what kind of device asks. Their User-Agent does
// not: Android calls itself a desktop Linux there (AOSP NetworkMonitor).
var probeHosts = map[string]waiting.Kind{
	"connectivitycheck.gstatic.com": waiting.Phone, "play.googleapis.com": waiting.Phone,
	"connectivitycheck.platform.hicloud.com": waiting.Phone, "connect.rom.miui.com": waiting.Phone,
	"www.msftconnecttest.com": waiting.Computer, "www.msftncsi.com": waiting.Computer,
	"nmcheck.gnome.org": waiting.Computer, "network-test.debian.org": waiting.Computer, "fedoraproject.org": waiting.Computer,
}

const (
	probersMost = 1024             // addresses that are remembered
	proberTrust = 30 * time.Second // for how long an address is taken for the same device, or for nobody's
)

// probers is who was behind the addresses that asked for foreign names lately: systems ask many times a second, and the kernel is
// asked who they are once.
type probers struct {
	mu sync.Mutex
	by map[netip.Addr]prober
}

type prober struct {
	device Device // zero: nobody that we know
	until  clock.Boot
}

// probed notes that a device asks for a foreign name, before its owner has touched anything. For an address that is known it
// allocates nothing. The address is the socket's; headers play no part but for the guess at the kind.
func (p *Portal) probed(r *http.Request) {
	remote, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return
	}
	if d, ok := p.prober(remote.Addr().Unmap()); ok {
		p.Waiting.Visit(waiting.Visit{Device: d, Kind: probeHosts[r.Host]})
	}
}

func (p *Portal) prober(a netip.Addr) (Device, bool) {
	now := p.Clock.Boot()
	p.probers.mu.Lock()
	known, ok := p.probers.by[a]
	p.probers.mu.Unlock()
	if !ok || known.until <= now {
		known = prober{until: now.Add(proberTrust)}
		if d, err := p.Identify(a); err == nil {
			known.device = d
		}
		p.probers.mu.Lock()
		if len(p.probers.by) >= probersMost || p.probers.by == nil {
			p.probers.by = map[netip.Addr]prober{} // all are asked anew, which is the worst that happens
		}
		p.probers.by[a] = known
		p.probers.mu.Unlock()
	}
	if known.device == (Device{}) {
		return Device{}, false
	}
	if s, ok := p.Sessions.Of(known.device.MAC); ok && passes(s, known.device) {
		return Device{}, false // an old connection of somebody who is in
	}
	return known.device, true
}
