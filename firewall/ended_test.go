package firewall_test

import (
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"parvis/firewall"
)

// Nothing counts the ended entries in these tests but what they say: between an end and its count lies whatever a busy machine
// puts there.
func TestWhoHasJustEndedIsLedToThePortal(t *testing.T) {
	answered := func(t *testing.T, tw *town, when, by string) {
		t.Helper()
		if c := open(t, tw.guest, public+":80"); !strings.HasPrefix(c.greeting, by) {
			t.Errorf("%s: port 80 is answered by %q, want %q", when, c.greeting, by)
		}
	}
	for name, tc := range map[string]func(*testing.T, *town){
		"and passes when it is admitted anew": func(t *testing.T, tw *town) {
			must(t, tw.fw.Put(tw.grant()))
			answered(t, tw, "admitted anew", "inet")
		},
		"and in another slot": func(t *testing.T, tw *town) {
			g := tw.grant()
			g.Slot++
			must(t, tw.fw.Put(g))
			answered(t, tw, "in another slot", "inet")
		},
		"and once it is counted": func(t *testing.T, tw *town) {
			if u := usageOf(t, tw.fw, slot); !u.Final || u.Up == 0 {
				t.Errorf("last count %+v", u)
			}
			answered(t, tw, "counted", "portal")
			must(t, tw.fw.Put(tw.grant()))
			answered(t, tw, "admitted after its count", "inet")
			if list := output(t, "ipset", "list", "parvis-ended4"); strings.Contains(list, guestIP.String()) {
				t.Errorf("it stays among the ended:\n%s", list)
			}
		},
		"and passes when a restart admits it": func(t *testing.T, tw *town) {
			must(t, tw.fw.Close())
			fw := tw.open(t, tw.cfg)
			must(t, fw.Sync([]firewall.Grant{tw.grant()}))
			answered(t, tw, "after a restart", "inet")
		},
		"and stays there after a restart without it": func(t *testing.T, tw *town) {
			must(t, tw.fw.Close())
			fw := tw.open(t, tw.cfg)
			must(t, fw.Sync(nil))
			answered(t, tw, "after a restart", "portal")
			must(t, fw.Put(tw.grant()))
			answered(t, tw, "admitted anew", "inet")
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachBackend(t, func(t *testing.T, tw *town) {
				tw.serve(t, nil, "10.77.0.1:8080", "portal")
				must(t, tw.fw.Sync(nil))
				must(t, tw.fw.Put(tw.grant()))
				answered(t, tw, "admitted", "inet")
				must(t, tw.fw.Drop(slot))
				answered(t, tw, "ended", "portal")
				refused(t, tw.guest, public+":443")
				tc(t, tw)
			})
		})
	}
}

// The counts of an address that is left and taken back before anybody has counted it go on.
func TestAnAddressThatIsTakenBackAtOncePasses(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		tw.serve(t, nil, "10.77.0.1:8080", "portal")
		must(t, tw.fw.Sync(nil))
		must(t, tw.fw.Put(tw.grant()))
		open(t, tw.guest, public+":80")
		other := tw.grant()
		other.IPv4 = netip.MustParseAddr("10.77.0.77")
		must(t, tw.fw.Put(other))
		if c := open(t, tw.guest, public+":80"); !strings.HasPrefix(c.greeting, "portal") {
			t.Errorf("at its old address it is answered by %q", c.greeting)
		}
		must(t, tw.fw.Put(tw.grant()))
		if c := open(t, tw.guest, public+":80"); !strings.HasPrefix(c.greeting, "inet") {
			t.Errorf("back at its address it is answered by %q", c.greeting)
		}
	})
}

// A set that somebody has emptied costs an ended device its page for a moment, and opens nothing.
func TestAnEmptiedSetOfEndedOpensNothing(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		must(t, tw.fw.Sync([]firewall.Grant{tw.grant()}))
		must(t, tw.fw.Drop(slot))
		must(t, exec.Command("ipset", "flush", "parvis-ended4").Run())
		refused(t, tw.guest, public+":80")
		refused(t, tw.guest, public+":443")
	})
}
