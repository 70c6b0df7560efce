package firewall_test

import (
	"errors"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parvis/firewall"
)

func TestSyncTwiceChangesNothing(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		grants := []firewall.Grant{tw.grant(), {Slot: 0xff, MAC: thiefMAC, IPv4: thiefIP, End: tw.clock.Boot().Add(time.Minute)}}
		must(t, tw.fw.Sync(grants))
		first := tw.state(t)
		must(t, tw.fw.Sync(grants))
		if d := cmp.Diff(first, tw.state(t)); d != "" {
			t.Errorf("(-first +second):\n%s", d)
		}
	})
}

func TestRemoveLeavesTheKernelAsItWas(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		must(t, run("sysctl", "-qw", "net.ipv4.ip_forward=0"))
		must(t, restore("iptables-"+string(tw.cfg.Backend), foreign))
		before := tw.state(t)
		must(t, tw.fw.Sync([]firewall.Grant{tw.grant()}))
		laid := tw.state(t)
		for _, want := range []string{":FORWARD DROP", "-A FORWARD -j PARVIS-OTHER", "parvis-up4", "qdisc htb 1: root", "net.ipv4.ip_forward = 1", "isolated on"} {
			if !strings.Contains(laid, want) {
				t.Errorf("not laid: %s", want)
			}
		}
		// Another process takes it down.
		must(t, tw.fw.Close())
		fw := tw.open(t, tw.cfg)
		must(t, fw.Remove())
		if d := cmp.Diff(before, tw.state(t)); d != "" {
			t.Errorf("(-before +after):\n%s", d)
		}
		must(t, fw.Remove()) // nothing left is no error
	})
}

// foreign is what another program of the router has.
const foreign = `*filter
:INPUT ACCEPT
:FORWARD ACCEPT
:TOWN - [0:0]
-A INPUT -p tcp --dport 2222 -j ACCEPT
-A FORWARD -j TOWN
-A TOWN -p tcp --dport 9 -j DROP
COMMIT
`

func TestOtherInterfacesKeepTheirTraffic(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		// The staff's network: a third wire, which is none of ours.
		staff := tw.thief
		must(t, run("ip", "link", "set", "g1", "nomaster"))
		address(t, nil, "g1", "192.168.50.1/24")
		must(t, staff.Run(exec.Command("ip", "addr", "flush", "dev", "eth0")))
		address(t, staff, "eth0", "192.168.50.2/24")
		route(t, staff, "0.0.0.0/0", "192.168.50.1")
		route(t, tw.inet, "192.168.50.0/24", "203.0.113.2")
		must(t, run("sysctl", "-qw", "net.ipv4.ip_forward=1"))
		must(t, run("iptables-"+string(tw.cfg.Backend), "-t", "nat", "-A", "POSTROUTING", "-o", "wan", "-j", "MASQUERADE"))
		c := open(t, staff, public+":443")
		for range 2 { // the second must not take the first one's DROP for the machine's own policy
			must(t, tw.fw.Sync([]firewall.Grant{tw.grant()}))
			must(t, c.echo(100))
			open(t, staff, public+":443")
		}
		refused(t, tw.guest, "192.168.50.2:443")
		must(t, tw.fw.Remove())
		open(t, staff, public+":443")
	})
}

func TestAPolicyThatWasDropStaysDrop(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	must(t, run("iptables-nft", "-P", "FORWARD", "DROP"))
	before := tw.state(t)
	must(t, tw.fw.Sync(nil))
	if s := tw.state(t); strings.Contains(rules(output(t, "iptables-nft-save")), "PARVIS-OTHER") {
		t.Errorf("others are accepted, who were not before:\n%s", s)
	}
	must(t, tw.fw.Remove())
	if d := cmp.Diff(before, tw.state(t)); d != "" {
		t.Errorf("(-before +after):\n%s", d)
	}
}

func TestJumpsComeFirstAgainAfterAnotherProgram(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		must(t, tw.fw.Sync(nil))
		first := tw.state(t)
		ipt := "iptables-" + string(tw.cfg.Backend)
		must(t, run(ipt, "-I", "FORWARD", "1", "-i", "lo", "-j", "ACCEPT"))
		must(t, run(ipt, "-A", "FORWARD", "-j", "PARVIS-FWD")) // twice
		must(t, run(ipt, "-t", "nat", "-D", "PREROUTING", "-j", "PARVIS-PRE"))
		must(t, tw.fw.Sync(nil))
		must(t, run(ipt, "-D", "FORWARD", "-i", "lo", "-j", "ACCEPT"))
		if d := cmp.Diff(first, tw.state(t)); d != "" {
			t.Errorf("(-first +repaired):\n%s", d)
		}
	})
}

func TestAdmittedTrafficLosesNoPacketWhileTheSkeletonIsLaidAgain(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		g := tw.grant()
		must(t, tw.fw.Sync([]firewall.Grant{g}))
		var u net.Conn
		must(t, tw.guest.Do(func() (err error) {
			u, err = net.Dial("udp4", public+":7")
			return err
		}))
		defer u.Close()
		const sent = 200
		done := make(chan int, 1)
		var enough atomic.Bool
		go func() { // each answer asks for the next one: one that is lost ends it
			b, got := make([]byte, 64), 0
			for ; got < sent || !enough.Load(); got++ {
				u.SetDeadline(time.Now().Add(soon))
				if _, err := u.Write([]byte("?")); err != nil {
					break
				}
				if _, err := u.Read(b); err != nil {
					break
				}
				<-time.After(2 * time.Millisecond) // so that some meet every step of a Sync
			}
			done <- got
		}()
		for laid := 0; ; laid++ {
			select {
			case got := <-done:
				if got < sent || laid < 2 {
					t.Errorf("%d of %d answered while the skeleton was laid %d times", got, sent, laid)
				}
				return
			default:
				must(t, tw.fw.Sync([]firewall.Grant{g}))
				enough.Store(laid >= 2)
			}
		}
	})
}

func TestAnotherGuestNetworkThanLastTime(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		must(t, tw.fw.Sync([]firewall.Grant{tw.grant()}))
		must(t, tw.fw.Close())
		cfg := tw.cfg
		cfg.Address = netip.MustParsePrefix("10.77.0.1/20")
		cfg.Capacity = 480
		fw := tw.open(t, cfg)
		must(t, fw.Sync([]firewall.Grant{tw.grant()}))
		open(t, tw.guest, public+":443")
		if save := output(t, "ipset", "save", "parvis-up4"); !strings.Contains(save, "range 10.77.0.0-10.77.15.255") {
			t.Errorf("the set has its old range:\n%s", save)
		}
		save := rules(output(t, "iptables-"+string(cfg.Backend)+"-save"))
		if strings.Contains(save, "PARVIS-B1 ") {
			t.Error("a chain of the old capacity stays")
		}
	})
}

func TestSyncWithoutAnInterfaceStillClosesTheOthers(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	must(t, run("ip", "link", "del", "wan"))
	if err := tw.fw.Sync(nil); !errors.Is(err, firewall.ErrNoInterface) {
		t.Fatalf("%v, want ErrNoInterface", err)
	}
	if save := rules(output(t, "iptables-nft-save")); !strings.Contains(save, "-A FORWARD -j PARVIS-FWD") {
		t.Errorf("the skeleton is not laid:\n%s", save)
	}
	if s := tw.fw.Status(); !slices.Equal(s.Missing, []string{"wan"}) || s.Laid {
		t.Errorf("status %+v", s)
	}
}

func TestTheBackendIsTheOneInUse(t *testing.T) {
	rule := "*filter\n:FORWARD ACCEPT\n-A FORWARD -p 253 -j ACCEPT\nCOMMIT\n"
	parvis := "*filter\n:PARVIS-FWD - [0:0]\nCOMMIT\n"
	for _, tc := range []struct {
		name        string
		legacy, nft string
		want        firewall.Backend
	}{
		{"rules in legacy", rule, "", firewall.Legacy},
		{"rules in nft", "", rule, firewall.NFT},
		{"ours in legacy, others' in nft", parvis, rule, firewall.Legacy},
		{"ours in nft, others' in legacy", rule, parvis, firewall.NFT},
		{"nothing anywhere", "", "", flavour(t)},
		{"rules in both", rule, rule, flavour(t)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tw := newTown(t, firewall.NFT)
			must(t, restore("iptables-legacy", tc.legacy))
			must(t, restore("iptables-nft", tc.nft))
			cfg := tw.cfg
			cfg.Backend = firewall.Auto
			if got := tw.open(t, cfg).Status().Backend; got != tc.want {
				t.Errorf("picked %s, want %s", got, tc.want)
			}
		})
	}
}

// flavour is what the machine's own iptables is.
func flavour(t *testing.T) firewall.Backend {
	if strings.Contains(output(t, "iptables", "--version"), "nf_tables") {
		return firewall.NFT
	}
	return firewall.Legacy
}
