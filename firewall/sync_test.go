package firewall_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	nl "github.com/vishvananda/netlink"

	"parvis/firewall"
	"parvis/internal/mac"
)

func TestARestartAdoptsWithCountersKept(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		g := tw.grant()
		must(t, tw.fw.Sync([]firewall.Grant{g}))
		c := open(t, tw.guest, public+":443")
		must(t, c.echo(50_000))
		before := usageOf(t, tw.fw, slot)
		// kill -9 leaves the sockets to the kernel; nothing else of a firewall needs an end.
		fw := tw.open(t, tw.cfg)
		must(t, fw.Sync([]firewall.Grant{g}))
		if after := usageOf(t, fw, slot); after.Down < before.Down || after.Up < before.Up || after.Final {
			t.Errorf("before %+v, after %+v", before, after)
		}
		must(t, c.echo(50_000)) // the flow has not been cut
		if u := usageOf(t, fw, slot); u.Down < 100_000 {
			t.Errorf("%+v: want more than 100,000 down, over both lives", u)
		}
	})
}

func TestARestartCorrectsTheEndAndTakesTheUndesiredAway(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	g := tw.grant()
	gone := firewall.Grant{Slot: 0x30, MAC: thiefMAC, IPv4: thiefIP, End: g.End}
	must(t, tw.fw.Sync([]firewall.Grant{g, gone}))
	c := open(t, tw.thief, public+":443")
	g.End = tw.clock.Boot().Add(10 * time.Minute)
	fw := tw.open(t, tw.cfg)
	must(t, fw.Sync([]firewall.Grant{g}))
	if c.echo(100) == nil {
		t.Error("who is not desired still passes")
	}
	if out := output(t, "conntrack", "-L", "-m", fmt.Sprint(uint32(gone.Slot)<<16)); out != "" {
		t.Errorf("its connections are still tracked:\n%s", out)
	}
	save := output(t, "ipset", "save")
	if strings.Contains(save, thiefIP.String()) {
		t.Errorf("the undesired is still in a set:\n%s", save)
	}
	if n := strings.Count(save, "timeout 600 ") + strings.Count(save, "timeout 599 "); n != 2 {
		t.Errorf("want both entries to end in 10 minutes:\n%s", save)
	}
}

func TestAnExtensionKeepsCountsAndANewAdmissionStartsAtZero(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	g := tw.grant()
	must(t, tw.fw.Sync([]firewall.Grant{g}))
	must(t, open(t, tw.guest, public+":443").echo(50_000))
	g.End, g.Down = g.End.Add(time.Hour), 1_000_000
	must(t, tw.fw.Put(g))
	if u := usageOf(t, tw.fw, slot); u.Down < 50_000 {
		t.Errorf("after an extension: %+v", u)
	}
	must(t, tw.fw.Drop(slot))
	g.Slot++ // the same device opens again before anybody has asked for the last count
	must(t, tw.fw.Put(g))
	all, err := tw.fw.Usage()
	must(t, err)
	want := []firewall.Usage{{Slot: slot, Final: true}, {Slot: slot + 1}}
	if d := cmp.Diff(want, all, cmpopts.IgnoreFields(firewall.Usage{}, "Down", "Up")); d != "" {
		t.Fatalf("(-want +got):\n%s", d)
	}
	if all[0].Down < 50_000 || all[1].Down != 0 || all[1].Up != 0 {
		t.Errorf("%+v: the first has carried 50,000 and the second nothing", all)
	}
}

func TestAnotherAddressOfTheSameDeviceCarriesCountsOver(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	g := tw.grant()
	must(t, tw.fw.Sync([]firewall.Grant{g}))
	must(t, open(t, tw.guest, public+":443").echo(50_000))
	g.IPv4 = netip.MustParseAddr("10.77.9.9")
	must(t, tw.fw.Put(g))
	moved := usageOf(t, tw.fw, slot)
	if moved.Down < 50_000 || moved.Down > 60_000 {
		t.Errorf("counted %+v for 50,000", moved)
	}
	refused(t, tw.guest, public+":443") // the old address does not pass any more
	must(t, tw.guest.Run(exec.Command("ip", "addr", "flush", "dev", "eth0")))
	address(t, tw.guest, "eth0", "10.77.9.9/16")
	route(t, tw.guest, "0.0.0.0/0", "10.77.0.1")
	must(t, open(t, tw.guest, public+":443").echo(50_000))
	if u := usageOf(t, tw.fw, slot); u.Down < 100_000 || u.Down > 120_000 {
		t.Errorf("counted %+v for 100,000 in all", u)
	}
}

func TestWhatSomebodyEmptiedIsFilledAgainAndCountsGoOn(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	g := tw.grant()
	must(t, tw.fw.Sync([]firewall.Grant{g}))
	must(t, open(t, tw.guest, public+":443").echo(50_000))
	before := usageOf(t, tw.fw, slot)
	must(t, run("ipset", "flush"))
	refused(t, tw.guest, public+":443")
	if u := usageOf(t, tw.fw, slot); u != before {
		t.Errorf("an empty set made the count %+v, it was %+v", u, before)
	}
	must(t, tw.fw.Sync([]firewall.Grant{g}))
	must(t, open(t, tw.guest, public+":443").echo(50_000))
	if u := usageOf(t, tw.fw, slot); u.Down < before.Down+50_000 {
		t.Errorf("%+v after %+v and 50,000 more", u, before)
	}
}

func TestPutRefusesAndLeavesEverythingAsItWas(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	g := tw.grant()
	if err := tw.fw.Put(g); !errors.Is(err, firewall.ErrNotLaid) {
		t.Errorf("before Sync: %v, want ErrNotLaid", err)
	}
	must(t, tw.fw.Sync([]firewall.Grant{g}))
	before := tw.state(t)
	other := func(change func(*firewall.Grant)) firewall.Grant {
		o := firewall.Grant{Slot: 0x30, MAC: thiefMAC, IPv4: thiefIP, End: g.End}
		change(&o)
		return o
	}
	for name, tc := range map[string]struct {
		grant firewall.Grant
		want  error
	}{
		"another device's slot":   {other(func(o *firewall.Grant) { o.Slot = slot }), firewall.ErrSlotTaken},
		"another slot's address":  {other(func(o *firewall.Grant) { o.IPv4 = guestIP }), firewall.ErrAddressTaken},
		"our own address":         {other(func(o *firewall.Grant) { o.IPv4 = router.Addr() }), firewall.ErrGrant},
		"an address of elsewhere": {other(func(o *firewall.Grant) { o.IPv4 = netip.MustParseAddr("10.78.0.1") }), firewall.ErrGrant},
		"an IPv6 address":         {other(func(o *firewall.Grant) { o.IPv4 = netip.MustParseAddr("2001:db8::1") }), firewall.ErrGrant},
		"a house slot":            {other(func(o *firewall.Grant) { o.Slot = 0xf }), firewall.ErrGrant},
		"a slot beyond":           {other(func(o *firewall.Grant) { o.Slot = 0x100 }), firewall.ErrGrant},
		"no MAC":                  {other(func(o *firewall.Grant) { o.MAC = mac.Addr{} }), firewall.ErrGrant},
		"everybody's MAC":         {other(func(o *firewall.Grant) { o.MAC = mac.Addr{255, 255, 255, 255, 255, 255} }), firewall.ErrGrant},
	} {
		err := tw.fw.Put(tc.grant)
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
		if d := cmp.Diff(before, tw.state(t)); d != "" {
			t.Errorf("%s (-before +after):\n%s", name, d)
		}
	}
}

func TestAFailureHalfWayLeavesNothingOpen(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	must(t, tw.fw.Sync(nil))
	link, err := nl.LinkByName("wan")
	must(t, err)
	must(t, nl.QdiscDel(nl.NewHtb(nl.QdiscAttrs{LinkIndex: link.Attrs().Index, Parent: nl.HANDLE_ROOT, Handle: nl.MakeHandle(1, 0)})))
	if err := tw.fw.Put(tw.grant()); err == nil || !strings.Contains(err.Error(), "class 1:20 on wan") {
		t.Errorf("the error does not say what: %v", err)
	}
	refused(t, tw.guest, public+":443")
	must(t, tw.fw.Sync([]firewall.Grant{tw.grant()}))
	open(t, tw.guest, public+":443")
}

func TestSyncDoesWhatItCanAndSaysWhatItCannot(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	bad := []firewall.Grant{
		{Slot: 0x30, MAC: thiefMAC, IPv4: netip.MustParseAddr("10.99.0.1")},
		{Slot: 0x31, MAC: mac.Addr{}, IPv4: thiefIP, End: tw.clock.Boot().Add(time.Hour)},
		{Slot: slot, MAC: thiefMAC, IPv4: thiefIP},
		{Slot: 0x33, MAC: thiefMAC, IPv4: guestIP},
	}
	err := tw.fw.Sync(append([]firewall.Grant{tw.grant()}, bad...))
	if !errors.Is(err, firewall.ErrGrant) {
		t.Fatalf("%v, want ErrGrant", err)
	}
	for _, word := range []string{"0x30", "0x31", "0x33", "twice"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q does not speak of %s", err, word)
		}
	}
	open(t, tw.guest, public+":443")
	refused(t, tw.thief, public+":443")
	must(t, tw.fw.Put(firewall.Grant{Slot: 0x31, MAC: thiefMAC, IPv4: thiefIP, End: tw.clock.Boot().Add(time.Hour)}))
	open(t, tw.thief, public+":443")
}

func TestClassesAreMadeOfTheGrantsRatesAndTheLine(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	tw.cfg.Down, tw.cfg.Up = 40_000_000_000, 480_000_000
	tw.fw = tw.open(t, tw.cfg)
	g := tw.grant()
	g.Up = 0 // the line's
	must(t, tw.fw.Sync([]firewall.Grant{g}))
	for _, want := range []struct{ device, class, text string }{
		{"br-g", "1:1", "rate 38Gbit ceil 38Gbit"}, // 95 % of the line
		{"br-g", "1:2", "root"},                    // pages and names do not come by the line
		{"br-g", "1:20", "ceil 50Mbit"},
		{"wan", "1:20", "rate 950Kbit ceil 456Mbit"},
		{"wan", "1:2", "parent 1:1 leaf 2: prio 1 rate 45600Kbit ceil 456Mbit"},
		{"wan", "1:4", "parent 1:1 leaf 4: prio 1 rate 91200Kbit ceil 456Mbit"},
		{"wan", "1:5", "parent 1:1"},
	} {
		out := output(t, "tc", "class", "show", "dev", want.device, "classid", want.class)
		if !strings.Contains(out, want.text) {
			t.Errorf("%s %s: %q; want %s", want.device, want.class, out, want.text)
		}
	}
	if d := fmt.Sprint(tw.fw.Status().Displaced); d != "map[br-g:noqueue wan:noqueue]" {
		t.Errorf("displaced %s", d)
	}
}
