package firewall_test

import (
	"errors"
	"strings"
	"testing"
	"time"

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
