package firewall_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"parvis/firewall"
	"parvis/internal/clock"
	"parvis/internal/lab"
	"parvis/internal/mac"
)

const (
	guest6  = "2001:db8:77::20"
	thief6  = "2001:db8:77::21"
	public6 = "2001:db8:113::1"
)

// layIPv6 gives the town its IPv6, and both families a UDP service that answers.
func (tw *town) layIPv6(t testing.TB) {
	t.Helper()
	for _, ns := range []*lab.NS{tw.guest, tw.thief, tw.inet} {
		tw.address6(t, ns)
	}
	tw.address6(t, nil)
	tw.routes6(t)
	must(t, tw.inet.Do(func() error { return run("ip", "-6", "route", "add", "default", "via", "2001:db8:113::2") }))
	for _, a := range []string{public + ":77", "[" + public6 + "]:77"} {
		stop, err := tw.inet.EchoUDP(a)
		must(t, err)
		t.Cleanup(stop)
	}
}

// address6 gives a machine its IPv6 addresses, as they were at first or once an interface is new.
func (tw *town) address6(t testing.TB, ns *lab.NS) {
	t.Helper()
	all := map[*lab.NS][][2]string{
		tw.guest: {{guest6 + "/64", "eth0"}}, tw.thief: {{thief6 + "/64", "eth0"}}, tw.inet: {{public6 + "/64", "eth0"}},
		nil: {{"2001:db8:77::1/64", "br-g"}, {"2001:db8:113::2/64", "wan"}},
	}
	for _, a := range all[ns] {
		must(t, in(ns, func() error { return run("ip", "-6", "addr", "replace", a[0], "dev", a[1], "nodad") }))
	}
}

func (tw *town) routes6(t testing.TB) {
	t.Helper()
	for _, ns := range []*lab.NS{tw.guest, tw.thief} {
		must(t, in(ns, func() error { return run("ip", "-6", "route", "replace", "default", "via", "2001:db8:77::1") }))
	}
}

// keep does what sessions do: it lays everything anew whenever it is told to, until it gets through.
func keep(t testing.TB, fw *firewall.Firewall, grants ...firewall.Grant) {
	must(t, fw.Sync(grants))
	var over sync.WaitGroup
	over.Go(func() {
		var again <-chan time.Time
		for {
			select {
			case e, ok := <-fw.Events():
				if !ok {
					return
				}
				if e.Kind != firewall.LinkBack && e.Kind != firewall.Touched {
					continue
				}
			case <-again:
			}
			again = nil
			if err := fw.Sync(grants); err != nil {
				again = time.After(100 * time.Millisecond)
			}
		}
	})
	t.Cleanup(func() {
		fw.Close()
		over.Wait()
	})
}

// flow begins a stream of numbered datagrams.
func flow(t testing.TB, ns *lab.NS, address string, every time.Duration) *lab.Stream {
	t.Helper()
	s, err := ns.Stream(address, every)
	must(t, err)
	return s
}

// answered waits until something that is sent from now on comes back.
func answered(t testing.TB, s *lab.Stream) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	must(t, s.Begin(ctx))
}

// damage is something that another program, or the world, does.
type damage struct {
	name string
	only firewall.Backend // the fault of one backend alone
	do   func(*testing.T, *town)
	// opens: until it is repaired, who is not admitted may pass. Everything else must open nothing at all.
	opens bool
	// stays is what the other program has laid and we leave, in both families.
	stays string
	// fresh: the interface is another one, and what it had counted or known is gone.
	fresh bool
}

// both runs the same iptables command in both families.
func both(args ...string) func(*testing.T, *town) {
	return func(t *testing.T, tw *town) {
		for _, p := range []string{"iptables-", "ip6tables-"} {
			must(t, run(append([]string{p + string(tw.cfg.Backend)}, args...)...))
		}
	}
}

func each(list ...func(*testing.T, *town)) func(*testing.T, *town) {
	return func(t *testing.T, tw *town) {
		for _, f := range list {
			f(t, tw)
		}
	}
}

func command(argv ...string) func(*testing.T, *town) {
	return func(t *testing.T, tw *town) { must(t, run(argv...)) }
}

var damages = []damage{
	{name: "the filter table is flushed", do: both("-F")},
	{
		name: "a foreign accept of what is established stands above ours", stays: "FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
		do: both("-I", "FORWARD", "1", "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT"),
	},
	{name: "a foreign accept of everything stands above ours", stays: "FORWARD -j ACCEPT", do: both("-I", "FORWARD", "1", "-j", "ACCEPT")},
	{name: "the policy is ACCEPT", do: both("-P", "FORWARD", "ACCEPT")},
	{name: "a chain of ours is deleted", do: each(both("-F", "PARVIS-FWD"), both("-F", "PARVIS-FROM-G"), both("-X", "PARVIS-FROM-G"))},
	{name: "a jump of ours is deleted", do: both("-D", "FORWARD", "-j", "PARVIS-FWD")},
	{name: "the mark's jump is deleted", do: both("-t", "mangle", "-D", "FORWARD", "-j", "PARVIS-MARK")},
	{name: "the mangle table is flushed", do: both("-t", "mangle", "-F")},
	{
		name: "mangle and filter are flushed and the policy is ACCEPT", opens: true,
		do: each(both("-P", "FORWARD", "ACCEPT"), both("-F"), both("-t", "mangle", "-F")),
	},
	{
		name: "the firewall is reloaded", opens: true, do: func(t *testing.T, tw *town) {
			for _, p := range []string{"iptables-", "ip6tables-"} {
				must(t, restore(p+string(tw.cfg.Backend), empty))
			}
		},
	},
	{name: "nft flush ruleset", only: firewall.NFT, opens: true, do: flushRuleset},
	{name: "ipset flush", do: command("ipset", "flush")},
	{name: "one IPv6 set is flushed", do: command("ipset", "flush", "parvis-dn6")},
	{name: "IPv4 is not forwarded", do: command("sysctl", "-q", "net.ipv4.ip_forward=0")},
	{name: "IPv6 is not forwarded", do: command("sysctl", "-q", "net.ipv6.conf.all.forwarding=0")},
	{name: "the queue of the guests is deleted", do: command("tc", "qdisc", "del", "dev", "br-g", "root"), fresh: true},
	{name: "the queue of the line is replaced", do: command("tc", "qdisc", "replace", "dev", "wan", "root", "pfifo"), fresh: true},
	{name: "a class is deleted", do: command("tc", "class", "del", "dev", "wan", "classid", "1:20"), fresh: true},
	{name: "a neighbour is deleted", do: command("ip", "neigh", "del", guest6, "dev", "br-g")},
	{name: "a neighbour is another's", do: command("ip", "neigh", "replace", "10.77.0.20", "lladdr", thiefMAC.String(), "dev", "br-g", "nud", "permanent")},
	{name: "isolation is switched off", do: command("bridge", "link", "set", "dev", "g0", "isolated", "off")},
	{name: "a port joins again", do: each(command("ip", "link", "set", "g0", "nomaster"), command("ip", "link", "set", "g0", "master", "br-g"))},
	{
		name: "the guests' interface is down and up", do: each(command("ip", "link", "set", "br-g", "down"), command("ip", "link", "set", "br-g", "up"),
			func(t *testing.T, tw *town) { tw.address6(t, nil) }),
	},
	{
		name: "the line goes and comes back", fresh: true, do: func(t *testing.T, tw *town) {
			must(t, run("ip", "link", "del", "wan"))
			wire(t, "wan", "", tw.inet, mac.Addr{2, 0, 0, 0, 0, 9})
			address(t, nil, "wan", "203.0.113.2/24")
			address(t, tw.inet, "eth0", "203.0.113.1/24")
			route(t, nil, "0.0.0.0/0", "203.0.113.1")
			route(t, nil, "10.200.0.0/15", "203.0.113.1")
			tw.address6(t, nil)
			tw.address6(t, tw.inet)
			must(t, tw.inet.Do(func() error { return run("ip", "-6", "route", "replace", "default", "via", "2001:db8:113::2") }))
		},
	},
	{
		name: "the bridge is made again", fresh: true, do: func(t *testing.T, tw *town) {
			must(t, run("ip", "link", "del", "br-g"))
			must(t, addLink(&nl.Bridge{LinkAttrs: attrs("br-g")}))
			address(t, nil, "br-g", router.String())
			tw.address6(t, nil)
			for _, p := range []string{"g0", "g1"} {
				must(t, run("ip", "link", "set", p, "master", "br-g"))
			}
		},
	},
}

// flushRuleset is what `nft flush ruleset` sends: a batch that deletes every table of every family.
func flushRuleset(t *testing.T, _ *town) {
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	must(t, err)
	defer c.Close()
	message := func(typ netlink.HeaderType, flags netlink.HeaderFlags, subsystem byte) netlink.Message {
		return netlink.Message{Header: netlink.Header{Type: typ, Flags: netlink.Request | flags}, Data: []byte{unix.AF_UNSPEC, 0, 0, subsystem}}
	}
	_, err = c.SendMessages([]netlink.Message{
		message(unix.NFNL_MSG_BATCH_BEGIN, 0, unix.NFNL_SUBSYS_NFTABLES),
		message(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_DELTABLE, netlink.Acknowledge, 0),
		message(unix.NFNL_MSG_BATCH_END, 0, unix.NFNL_SUBSYS_NFTABLES),
	})
	must(t, err)
	_, err = c.Receive()
	must(t, err)
}

// Whatever another program does, all is in force again soon, the admitted device's traffic and counts go on, and nobody else
// passes: at no moment, or only until the repair where mangle was flushed as well.
func TestEveryDamageIsRepaired(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		sys, err := clock.NewSystem()
		must(t, err)
		tw.cfg.IPv6 = true
		tw.layIPv6(t)
		must(t, tw.fw.Close())
		fw, err := firewall.New(tw.cfg, sys, discard)
		must(t, err)
		tw.fw = fw
		g := firewall.Grant{Slot: slot, MAC: guestMAC, IPv4: guestIP, End: sys.Boot().Add(time.Hour)}
		keep(t, fw, g)
		flows := []*lab.Stream{
			flow(t, tw.guest, public+":77", 10*time.Millisecond), flow(t, tw.guest, "["+public6+"]:77", 10*time.Millisecond),
		}
		for _, s := range flows {
			answered(t, s)
		}
		until(t, "IPv6 is laid", func() bool { return strings.Contains(tw.state(t), guest6) })
		for _, d := range damages {
			if d.only != "" && d.only != tw.cfg.Backend {
				continue
			}
			t.Run(d.name, func(t *testing.T) {
				before, neighbours, counted := tw.state(t), permanent(t, "br-g"), usageOf(t, fw, slot)
				repairs := len(fw.Status().Repairs)
				thief := []*lab.Stream{
					flow(t, tw.thief, public+":77", 2*time.Millisecond), flow(t, tw.thief, "["+public6+"]:77", 2*time.Millisecond),
				}
				d.do(t, tw)
				start := time.Now()
				until(t, "a repair is told", func() bool { return len(fw.Status().Repairs) > repairs || repairs == 32 && tw.state(t) == before })
				took := time.Since(start)
				if d.stays != "" {
					if !strings.Contains(tw.state(t), "-A "+d.stays) {
						t.Errorf("what was another's has gone: %s", d.stays)
					}
					both(append([]string{"-D"}, strings.Fields(d.stays)...)...)(t, tw)
				}
				var x string
				for deadline := time.Now().Add(5 * time.Second); ; {
					after := tw.state(t)
					if d.fresh {
						before, after = ours(before), ours(after)
					}
					if x = cmp.Diff(before, after); x == "" || time.Now().After(deadline) {
						break
					}
				}
				if x != "" {
					t.Errorf("not as it was (-before +after):\n%s", x)
				}
				// A bridge forgets its neighbours once more when its first port gives it another address.
				until(t, "neighbours are permanent", func() bool { return maps.Equal(neighbours, permanent(t, "br-g")) })
				for _, s := range flows {
					answered(t, s)
				}
				if u := usageOf(t, fw, slot); u.Down <= counted.Down || u.Up <= counted.Up {
					t.Errorf("counted %+v after %+v", u, counted)
				}
				for _, s := range thief {
					r := s.End()
					if r.Came > 0 && !d.opens {
						t.Errorf("who is not admitted has passed %d times within %v", r.Came, r.Span)
					}
					t.Logf("%-60s repaired after %4d ms; open to others for %v", d.name, took.Milliseconds(), r.Span.Round(time.Millisecond))
				}
			})
		}
	})
}

// ours is a state without what an interface that is new has otherwise.
func ours(state string) string {
	lines := strings.Split(state, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(l string) bool {
		return strings.Contains(l, "qdisc") && !strings.Contains(l, " 1: ") || strings.Contains(l, "g0@")
	}), "\n")
}
