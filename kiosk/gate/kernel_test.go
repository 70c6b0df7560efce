package gate_test

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	nl "github.com/vishvananda/netlink"

	"parvis/internal/lab"
	"parvis/kiosk/gate"
	"parvis/kiosk/names"
)

// beyond puts the site's address on the lab's own loopback, with a site there, and lets the gate dial it by itself.
func beyond(t *testing.T, change ...func(*gate.Options)) *world {
	t.Helper()
	lab.NeedsLab(t)
	lo, err := nl.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	here := &nl.Addr{IPNet: &net.IPNet{IP: caf.AsSlice(), Mask: net.CIDRMask(32, 32)}}
	if err := nl.AddrAdd(lo, here); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nl.AddrDel(lo, here) })
	w := newWorld(t, nil, change...)
	w.gate.Straight()
	site := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	site.Listener.Close()
	if site.Listener, err = net.Listen("tcp4", netip.AddrPortFrom(caf, 443).String()); err != nil {
		t.Fatal(err)
	}
	site.TLS = w.secure.TLS.Clone()
	site.StartTLS()
	t.Cleanup(site.Close)
	return w
}

func TestASlotsMarkIsOnTheSocketThatTheKernelSees(t *testing.T) {
	w := beyond(t, func(o *gate.Options) {
		o.Mark = func(g gate.Grant) (mark, priority uint32) { return uint32(g.Slot) << 16, 1<<16 | uint32(g.Slot) }
	})
	w.live()
	if mark, priority, client := w.gate.Marks(); mark != 16<<16 || priority != 1<<16|16 || client != 1<<16|16 {
		t.Errorf("a terminal: mark %#x, priority %#x, its own %#x", mark, priority, client)
	}
	w.gate.Drop(16)
	w.put(gate.Grant{Slot: 17, MAC: other, IPv4: otherIP, End: w.clock.Boot().Add(time.Hour), Profile: "jeunesse"})
	w.gate.AllowProfile("jeunesse", names.List{"www.caf.fr"})
	if err := tls.Client(w.dial(otherIP, w.relay), w.tls("www.caf.fr")).Handshake(); err != nil {
		t.Fatal(err)
	}
	if mark, priority, client := w.gate.Marks(); mark != 17<<16 || priority != 1<<16|17 || client != 1<<16|17 {
		t.Errorf("a guest: mark %#x, priority %#x, its own %#x", mark, priority, client)
	}
}

// The dialler looks at the address that the kernel is about to be given, whatever was decided before.
func TestTheKernelsDialIsRefusedWhereTheAddressHasBecomeOurs(t *testing.T) {
	w := beyond(t)
	w.own = caf
	looks := 0
	w.ownAfter(func() bool { looks++; return looks > 1 })
	if w.open() {
		t.Error("an address that is ours was dialled")
	}
	if looks < 2 {
		t.Errorf("looked %d times", looks)
	}
}
