package firewall_test

import (
	"strings"
	"testing"

	"parvis/firewall"
)

func TestASuspendedSessionPassesNothingAndSeesThePortal(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		tw.serve(t, nil, "10.77.0.1:8080", "portal")
		g := tw.grant()
		must(t, tw.fw.Sync([]firewall.Grant{g}))
		c := open(t, tw.guest, public+":443")
		must(t, c.echo(50_000))
		g.Suspended = true
		must(t, tw.fw.Put(g))
		if c.echo(100) == nil {
			t.Error("its flow goes on")
		}
		refused(t, tw.guest, public+":443")
		if c := open(t, tw.guest, public+":80"); !strings.HasPrefix(c.greeting, "portal") {
			t.Errorf("port 80 is answered by %q", c.greeting)
		}
		before := usageOf(t, tw.fw, slot)
		if before.Down < 50_000 || before.Final {
			t.Errorf("counted %+v for 50,000", before)
		}
		must(t, tw.fw.Sync([]firewall.Grant{g}))
		refused(t, tw.guest, public+":443")
		g.Suspended = false
		must(t, tw.fw.Put(g))
		must(t, open(t, tw.guest, public+":443").echo(50_000))
		if u := usageOf(t, tw.fw, slot); u.Down < before.Down+50_000 || u.Down > before.Down+60_000 {
			t.Errorf("%+v after %+v and 50,000 more", u, before)
		}
	})
}

func TestSyncSuspendsAndOpensAgain(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	g := tw.grant()
	must(t, tw.fw.Sync([]firewall.Grant{g}))
	c := open(t, tw.guest, public+":443")
	g.Suspended = true
	must(t, tw.fw.Sync([]firewall.Grant{g}))
	if c.echo(100) == nil {
		t.Error("its flow goes on")
	}
	refused(t, tw.guest, public+":443")
	if out := output(t, "tc", "class", "show", "dev", "wan", "classid", "1:20"); !strings.Contains(out, "1:20") {
		t.Error("its class has gone")
	}
	g.Suspended = false
	must(t, tw.fw.Sync([]firewall.Grant{g}))
	open(t, tw.guest, public+":443")
}

// What entries that are gone have counted is known to the next process too.
func TestARestartKnowsWhatASuspendedSessionHasCarried(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	g := tw.grant()
	must(t, tw.fw.Sync([]firewall.Grant{g}))
	must(t, open(t, tw.guest, public+":443").echo(50_000))
	g.Suspended = true
	must(t, tw.fw.Put(g))
	before := usageOf(t, tw.fw, slot)
	fw := tw.open(t, tw.cfg)
	must(t, fw.Sync([]firewall.Grant{g}))
	if u := usageOf(t, fw, slot); u != before {
		t.Errorf("%+v after a restart, it was %+v", u, before)
	}
	other := g
	other.MAC, other.IPv4, other.Suspended = thiefMAC, thiefIP, false
	fw = tw.open(t, tw.cfg)
	must(t, fw.Sync([]firewall.Grant{other})) // the slot is another device's now
	if u := usageOf(t, fw, slot); u.Down != 0 || u.Up != 0 {
		t.Errorf("another device begins with %+v", u)
	}
}

func TestAdmittedAddressesHavePermanentNeighbours(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	tw.cfg.IPv6 = true
	tw.fw = tw.open(t, tw.cfg)
	const own, six = "10.77.0.5", "2001:db8:77::20"
	must(t, run("ip", "neigh", "add", own, "lladdr", thiefMAC.String(), "dev", "br-g", "nud", "permanent")) // the operator's
	expect := func(what string, want ...string) {
		t.Helper()
		got := permanent(t, "br-g")
		if got[own] != thiefMAC.String() {
			t.Errorf("%s: the operator's own entry is %q", what, got[own])
		}
		delete(got, own)
		for _, a := range want {
			if got[a] != guestMAC.String() {
				t.Errorf("%s: %s is %q", what, a, got[a])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	v4 := guestIP.String()
	tw.fw.Know(firewall.Known{guestMAC: addrs(six)})
	g := tw.grant()
	must(t, tw.fw.Sync([]firewall.Grant{g}))
	expect("admitted", v4, six)
	must(t, run("ip", "neigh", "replace", v4, "lladdr", thiefMAC.String(), "dev", "br-g", "nud", "reachable"))
	must(t, run("ip", "neigh", "del", six, "dev", "br-g"))
	must(t, tw.fw.Sync([]firewall.Grant{g}))
	expect("repaired", v4, six)
	tw.fw.Know(firewall.Known{})
	must(t, tw.fw.Rebind(guestMAC))
	expect("without IPv6", v4)
	must(t, tw.fw.Drop(slot))
	expect("ended")
	must(t, tw.fw.Put(g))
	expect("admitted again", v4)
	must(t, tw.fw.Remove())
	expect("removed")
}
