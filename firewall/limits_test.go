package firewall_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"parvis/firewall"
	"parvis/internal/lab"
	"parvis/internal/mac"
)

// sysctl sets a switch inside a machine: /proc/sys/net is that of whoever opens it.
func sysctl(t *testing.T, ns *lab.NS, name, value string) {
	t.Helper()
	must(t, in(ns, func() error {
		return os.WriteFile("/proc/sys/"+strings.ReplaceAll(name, ".", "/"), []byte(value), 0o644)
	}))
}

func TestIPv6StaysClosedWhereTheRouterForwardsIt(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		sysctl(t, nil, "net.ipv6.conf.all.forwarding", "1")
		t.Cleanup(func() { sysctl(t, nil, "net.ipv6.conf.all.forwarding", "0") })
		for _, m := range []struct {
			ns                *lab.NS
			device, addr, via string
		}{
			{nil, "br-g", "2001:db8:77::1/64", ""},
			{nil, "wan", "2001:db8:113::2/64", ""},
			{tw.guest, "eth0", "2001:db8:77::20/64", "2001:db8:77::1"},
			{tw.inet, "eth0", "2001:db8:113::1/64", "2001:db8:113::2"},
		} {
			argv := [][]string{{"ip", "-6", "addr", "add", m.addr, "dev", m.device, "nodad"}}
			if m.via != "" {
				argv = append(argv, []string{"ip", "-6", "route", "add", "default", "via", m.via})
			}
			for _, a := range argv {
				must(t, in(m.ns, func() error { return run(a...) }))
			}
		}
		must(t, tw.inet.Do(func() error {
			l, err := net.Listen("tcp6", "[::]:6443")
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		}))
		must(t, in(nil, func() error {
			l, err := net.Listen("tcp6", "[::]:8080")
			if err == nil {
				t.Cleanup(func() { l.Close() })
			}
			return err
		}))
		connect := func(address string) error {
			return tw.guest.Do(func() error {
				c, err := net.DialTimeout("tcp6", address, soon)
				if err == nil {
					c.Close()
				}
				return err
			})
		}
		const far, near = "[2001:db8:113::1]:6443", "[2001:db8:77::1]:8080"
		for start := time.Now(); ; { // the wires are there, once every address has been found to be nobody else's (DAD)
			err := connect(far)
			if err == nil {
				break
			}
			if time.Since(start) > 5*time.Second {
				t.Fatal(err)
			}
		}
		must(t, tw.fw.Sync([]firewall.Grant{tw.grant()}))
		for _, a := range []string{far, near} {
			if err := connect(a); err == nil || !strings.Contains(err.Error(), "refused") {
				t.Errorf("%s: %v, want a refusal at once", a, err)
			}
		}
		// The router still finds its neighbours: ND is no service.
		must(t, run("ip", "-6", "neigh", "flush", "dev", "br-g"))
		until(t, "the forgotten neighbour is found, and refused", func() bool { // by a question that may have to be asked again after a second
			err := connect(far)
			if err == nil {
				t.Fatal("after the neighbour was forgotten it passes")
			}
			return strings.Contains(err.Error(), "refused")
		})
		must(t, run("ip6tables-"+string(tw.cfg.Backend), "-F"))
		if connect(far) == nil {
			t.Error("a flush of the filter table opens IPv6")
		}
	})
}

func TestTerminalsReachThePortalAndTheGateAndAreForwardedNowhere(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		must(t, run("ip", "link", "set", "g1", "nomaster"))
		address(t, nil, "g1", "10.78.0.1/24")
		must(t, tw.thief.Run(exec.Command("ip", "addr", "flush", "dev", "eth0")))
		address(t, tw.thief, "eth0", "10.78.0.2/24")
		route(t, tw.thief, "0.0.0.0/0", "10.78.0.1")
		cfg := tw.cfg
		cfg.Terminal = "g1"
		for _, p := range []string{":8080", ":8443", ":3128", ":53", ":22", ":631"} {
			tw.serve(t, nil, p, "router "+p)
		}
		must(t, tw.open(t, cfg).Sync(nil))
		refused(t, tw.thief, "10.78.0.1:631")
		cfg.Printing = true
		must(t, tw.open(t, cfg).Sync(nil))
		for a, want := range map[string]string{
			"10.78.0.1:80": "router :8080", "10.78.0.1:443": "router :8443",
			"10.78.0.1:3128": "router :3128", "10.78.0.1:53": "router :53", "10.78.0.1:631": "router :631",
		} {
			if c := open(t, tw.thief, a); !strings.HasPrefix(c.greeting, want+" ") {
				t.Errorf("%s is answered by %q, want %q", a, c.greeting, want)
			}
		}
		for _, a := range []string{public + ":443", public + ":80", "10.78.0.1:22", "10.77.0.1:8080"} {
			refused(t, tw.thief, a)
		}
		unreached(t, tw.thief, guestIP.String()+":443")
		refused(t, tw.guest, "10.77.0.1:3128") // the gate is for terminals, and so is the printer
		refused(t, tw.guest, "10.77.0.1:631")
		refused(t, tw.guest, "10.78.0.2:443")
	})
}

func TestTimeIsServedOnlyWhereTheRouterHasIt(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	tw.serve(t, nil, "10.77.0.1:123", "time")
	ask := func() error {
		return tw.guest.Do(func() error {
			c, err := net.Dial("udp4", "10.77.0.1:123")
			if err != nil {
				return err
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(soon / 3))
			if _, err := c.Write([]byte("?")); err != nil {
				return err
			}
			_, err = c.Read(make([]byte, 64))
			return err
		})
	}
	must(t, tw.fw.Sync(nil))
	if ask() == nil {
		t.Error("answered, and the router serves no time")
	}
	tw.cfg.NTP = true
	must(t, tw.open(t, tw.cfg).Sync(nil))
	must(t, ask())
}

func TestPutDropAndUsageRunNoProgram(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	must(t, tw.fw.Sync(nil))
	path := os.Getenv("PATH")
	t.Setenv("PATH", "")
	g := tw.grant()
	must(t, tw.fw.Put(g))
	g.End = g.End.Add(time.Hour)
	must(t, tw.fw.Put(g))
	usageOf(t, tw.fw, slot)
	must(t, tw.fw.Drop(slot))
	usageOf(t, tw.fw, slot)
	if err := tw.fw.Sync(nil); err == nil {
		t.Error("Sync found its programs without a path: this test shows nothing")
	}
	t.Setenv("PATH", path) // for the clean-up
}

func TestManyAtOnce(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	must(t, tw.fw.Sync(nil))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			g := tw.grant()
			g.Slot, g.MAC, g.IPv4 = uint16(0x40+i), mac.Addr{2, 0, 0, 0, 9, byte(i)}, netip.AddrFrom4([4]byte{10, 77, 9, byte(i)})
			for range 10 {
				if err := tw.fw.Put(g); err != nil {
					t.Error(err)
				}
				if _, err := tw.fw.Usage(); err != nil {
					t.Error(err)
				}
				tw.fw.Status()
				if err := tw.fw.Drop(g.Slot); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	all.Go(func() { must(t, tw.fw.Sync([]firewall.Grant{tw.grant()})) })
	all.Wait()
	u, err := tw.fw.Usage()
	must(t, err)
	for _, x := range u {
		if !x.Final && x.Slot != slot {
			t.Errorf("still open: %+v", x)
		}
	}
}

func TestThousands(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	tw.cfg.Capacity = 10000
	tw.fw = tw.open(t, tw.cfg)
	all := crowd(tw, 3000)
	all[2999].MAC, all[2999].IPv4 = guestMAC, guestIP
	must(t, tw.fw.Sync(all))
	c := open(t, tw.guest, public+":443")
	u, err := tw.fw.Usage()
	must(t, err)
	if len(u) != 3000 {
		t.Errorf("%d of 3,000 are counted", len(u))
	}
	must(t, tw.open(t, tw.cfg).Sync(all[:1])) // what is left of them is taken away
	if out := output(t, "conntrack", "-L", "-m", fmt.Sprint(uint32(all[2999].Slot)<<16)); c.echo(100) == nil || out != "" {
		t.Errorf("a flow of those goes on:\n%s", out)
	}
	if n := strings.Count(output(t, "ipset", "save"), "\nadd "); n != 2 {
		t.Errorf("%d entries left of 2", n)
	}
	// Classes stay: who comes next finds them ready.
	if n := strings.Count(output(t, "tc", "class", "show", "dev", "wan"), "class htb"); n != 5+3000+1024 {
		t.Errorf("%d classes, want the house's 5, the sessions' 3,000 and 1,024 more", n)
	}
}

// Who opens finds classes ready, however many have opened before: those that were used up are made again behind their back.
func TestClassesAreReadyBeforeTheyAreNeeded(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	tw.cfg.Capacity = 10000
	tw.fw = tw.open(t, tw.cfg)
	must(t, tw.fw.Sync(nil))
	classes := func() int {
		return strings.Count(output(t, "tc", "class", "show", "dev", "wan"), "class htb")
	}
	before := classes()
	all := crowd(tw, 40)
	for _, g := range all {
		must(t, tw.fw.Put(g))
	}
	for range len(all) { // more looks than it takes
		tw.fw.Glance()
	}
	if n := classes(); n != before+len(all) {
		t.Errorf("%d classes before, %d after %d openings", before, n, len(all))
	}
}
