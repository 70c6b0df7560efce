package firewall_test

import (
	"errors"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parvis/firewall"
)

// relayTown is a town with a relay and a portal, where some names are open to everybody and some sessions are for names.
func relayTown(t *testing.T, tw *town) {
	t.Helper()
	tw.cfg.Garden, tw.cfg.Named = true, true
	tw.fw = tw.open(t, tw.cfg)
	for port, name := range map[string]string{"8080": "portal", "8443": "portal-tls", "3129": "relay", "3130": "relay-http"} {
		tw.serve(t, nil, "10.77.0.1:"+port, name)
	}
	must(t, tw.fw.Sync(nil))
}

func leads(t *testing.T, tw *town, to, want string) {
	t.Helper()
	if c := open(t, tw.guest, to); !strings.HasPrefix(c.greeting, want+" ") {
		t.Errorf("%s is answered by %q, want %q", to, c.greeting, want)
	}
}

func TestTheGardenIsLedToTheRelayAndNothingElseIs(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		relayTown(t, tw)
		refused(t, tw.guest, public+":443")
		must(t, run("ipset", "add", "parvis-garden4", public)) // as dnsmasq does, without saying for how long
		if list := output(t, "ipset", "list", "parvis-garden4"); !strings.Contains(list, public+" timeout 3") {
			t.Errorf("the address does not go by itself: %s", list)
		}
		leads(t, tw, public+":443", "relay")
		leads(t, tw, public+":80", "portal")
		refused(t, tw.guest, public+":444")
		refused(t, tw.guest, "10.77.0.1:3130")

		must(t, tw.fw.Put(tw.grant()))
		if c := open(t, tw.guest, public+":443"); strings.HasPrefix(c.greeting, "relay ") {
			t.Error("who is online is led to the relay")
		}
	})
}

func TestASessionForNamesReachesTheRelayAlone(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		relayTown(t, tw)
		g := tw.grant()
		g.Named = true
		refused(t, tw.guest, "10.77.0.1:3130")
		must(t, tw.fw.Put(g))
		leads(t, tw, public+":443", "relay")
		leads(t, tw, public+":80", "relay-http")
		leads(t, tw, "10.77.0.1:80", "portal")
		leads(t, tw, "10.77.0.1:443", "portal-tls")
		for _, port := range []string{":444", ":22"} {
			refused(t, tw.guest, public+port)
		}
		refused(t, tw.thief, public+":443")
		if all, err := tw.fw.Usage(); err != nil || len(all) != 0 {
			t.Errorf("it is counted here: %+v %v", all, err)
		}
		other := g
		other.Slot, other.MAC, other.Named = 0x31, thiefMAC, false
		if err := tw.fw.Put(other); !errors.Is(err, firewall.ErrAddressTaken) {
			t.Errorf("its address in another slot: %v", err)
		}

		must(t, run("ipset", "flush", "parvis-names4"))
		if e, ok := tw.fw.Glance(); !ok || e.Kind != firewall.Touched {
			t.Errorf("an emptied set is not noticed: %+v", e)
		}
		must(t, run("ipset", "add", "parvis-names4", thiefIP.String()+","+thiefMAC.String(), "timeout", "3000"))
		must(t, tw.fw.Sync([]firewall.Grant{g}))
		leads(t, tw, public+":443", "relay")
		refused(t, tw.thief, public+":443")

		g.Suspended = true
		must(t, tw.fw.Put(g))
		refused(t, tw.guest, public+":443")
		g.Suspended = false
		must(t, tw.fw.Put(g))
		leads(t, tw, public+":443", "relay")
		must(t, tw.fw.Drop(g.Slot))
		refused(t, tw.guest, public+":443")
		leads(t, tw, public+":80", "portal")
		must(t, tw.fw.Drop(g.Slot))
	})
}

// What is sent to an admitted address goes to who was admitted, by name as otherwise (docs/adr/0007).
func TestAnotherDeviceDoesNotTakeTheAddressOfASessionForNames(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		relayTown(t, tw)
		g := tw.grant()
		g.Named = true
		must(t, tw.fw.Put(g))
		leads(t, tw, public+":443", "relay")
		// The thief asks for the router in the guest's name, by which a kernel changes a neighbour that is not permanent.
		must(t, tw.thief.Run(exec.Command("ip", "addr", "flush", "dev", "eth0")))
		address(t, tw.thief, "eth0", guestIP.String()+"/16")
		route(t, tw.thief, "0.0.0.0/0", "10.77.0.1")
		unreached(t, tw.thief, public+":443")
		leads(t, tw, public+":443", "relay")
	})
}

func TestTheNeighbourOfASessionForNamesIsPermanentWhileItIsOpen(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	relayTown(t, tw)
	g := tw.grant()
	g.Named = true
	is := func(when string, want map[string]string) {
		t.Helper()
		if d := cmp.Diff(want, permanent(t, "br-g")); d != "" {
			t.Errorf("%s (-want +kernel):\n%s", when, d)
		}
	}
	none, its := map[string]string{}, map[string]string{guestIP.String(): guestMAC.String()}
	must(t, tw.fw.Put(g))
	is("put", its)

	must(t, run("ip", "neigh", "replace", guestIP.String(), "lladdr", thiefMAC.String(), "dev", "br-g", "nud", "permanent"))
	if e, ok := tw.fw.Glance(); !ok || e.Kind != firewall.Touched {
		t.Errorf("another's MAC in its place is not noticed: %+v", e)
	}
	must(t, tw.fw.Sync([]firewall.Grant{g}))
	is("repaired", its)
	if e, ok := tw.fw.Glance(); ok {
		t.Errorf("after the repair: %+v", e)
	}

	must(t, tw.fw.Close())
	tw.fw = tw.open(t, tw.cfg)
	must(t, tw.fw.Sync([]firewall.Grant{g}))
	is("after a restart", its)

	moved := g
	moved.IPv4 = netip.MustParseAddr("10.77.0.77")
	must(t, tw.fw.Put(moved))
	is("at another address", map[string]string{"10.77.0.77": guestMAC.String()})
	moved.Suspended = true
	must(t, tw.fw.Put(moved))
	is("suspended", none)
	must(t, tw.fw.Put(g))
	is("taken up again", its)
	must(t, tw.fw.Drop(g.Slot))
	is("dropped", none)
	must(t, tw.fw.Sync([]firewall.Grant{g}))
	is("in a first sync", its)
	must(t, tw.fw.Sync(nil))
	is("after a sync without it", none)
}

// The relay's sockets carry the slot's class: it must have the grant's rates (docs/adr/0016).
func TestASessionForNamesHasTheClassOfItsRates(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	relayTown(t, tw)
	has := func(when, down, up string) {
		t.Helper()
		for device, ceil := range map[string]string{"br-g": down, "wan": up} {
			if out := output(t, "tc", "class", "show", "dev", device, "classid", "1:20"); !strings.Contains(out, "ceil "+ceil+" ") {
				t.Errorf("%s, on %s: %q, want a ceiling of %s", when, device, out, ceil)
			}
		}
	}
	g := tw.grant()
	g.Named = true
	must(t, tw.fw.Put(g))
	has("put", "50Mbit", "20Mbit")
	g.Down, g.Up = 8_000_000, 4_000_000
	must(t, tw.fw.Put(g))
	has("changed", "8Mbit", "4Mbit")
	must(t, run("tc", "class", "del", "dev", "br-g", "classid", "1:20"))
	if e, ok := tw.fw.Glance(); !ok || e.Kind != firewall.Touched {
		t.Errorf("a class that is gone is not noticed: %+v", e)
	}
	must(t, tw.fw.Sync([]firewall.Grant{g}))
	has("repaired", "8Mbit", "4Mbit")
	// A workshop's floor changes what every other class is guaranteed, and no ceiling.
	must(t, tw.fw.Put(firewall.Grant{Slot: 0x30, MAC: thiefMAC, IPv4: thiefIP, End: g.End, Floor: 100_000_000}))
	has("beside a floor", "8Mbit", "4Mbit")
}

func TestTheKernelAloneEndsASessionForNames(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	relayTown(t, tw)
	g := tw.grant()
	g.Named, g.End = true, tw.clock.Boot().Add(time.Second)
	must(t, tw.fw.Put(g))
	must(t, tw.fw.Close()) // the daemon is dead
	until(t, "the entry ends", func() bool {
		return !strings.Contains(output(t, "ipset", "list", "parvis-names4"), guestIP.String()+",")
	})
	leads(t, tw, public+":80", "portal")
}
