package machine_test

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"

	nl "github.com/vishvananda/netlink"

	"parvis/internal/clock"
	"parvis/internal/lab"
	"parvis/internal/machine"
)

// TestARealRouterIsReadAsItIs builds a router of a bridge and a line in the lab and reads it with nothing replaced.
func TestARealRouterIsReadAsItIs(t *testing.T) {
	lab.NeedsLab(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	add := func(l nl.Link, addr string) {
		t.Helper()
		must(nl.LinkAdd(l))
		t.Cleanup(func() { _ = nl.LinkDel(l) })
		if addr != "" {
			a, err := nl.ParseAddr(addr)
			must(err)
			must(nl.AddrAdd(l, a))
		}
		must(nl.LinkSetUp(l))
	}
	bridge := &nl.Bridge{LinkAttrs: nl.LinkAttrs{Name: "br-guest"}}
	add(bridge, "10.77.0.1/16")
	port := &nl.Veth{LinkAttrs: nl.LinkAttrs{Name: "port1", MasterIndex: bridge.Attrs().Index}, PeerName: "phone"}
	add(port, "")
	line := &nl.Veth{LinkAttrs: nl.LinkAttrs{Name: "line"}, PeerName: "isp"}
	add(line, "192.0.2.2/24")
	isp, err := nl.LinkByName("isp")
	must(err)
	must(nl.LinkSetUp(isp))
	must(nl.RouteAdd(&nl.Route{LinkIndex: line.Attrs().Index, Gw: net.ParseIP("192.0.2.1"), Priority: 50}))

	ln, err := net.Listen("tcp", "10.77.0.1:8080")
	must(err)
	defer ln.Close()

	sys, err := clock.NewSystem()
	must(err)
	f, err := machine.Read("/", machine.Options{Network: machine.Kernel{}, Wall: sys.Wall(), PID: os.Getpid(), State: t.TempDir()})
	must(err)

	named := map[string]machine.Interface{}
	for _, i := range f.Interfaces {
		named[i.Name] = i
	}
	if b := named["br-guest"]; !b.Bridge() || !b.Up || !slices.Contains(b.Addresses, netip.MustParsePrefix("10.77.0.1/16")) {
		t.Errorf("bridge: %+v", b)
	}
	if p := named["port1"]; p.Master != "br-guest" || p.Carrier {
		t.Errorf("port whose other end is down: %+v", p)
	}
	if l := named["line"]; !l.Carrier || l.Master != "" {
		t.Errorf("line: %+v", l)
	}
	if f.Line() != "line" {
		t.Errorf("the line is %q (%+v)", f.Line(), f.Routes)
	}
	if !f.NetAdmin || !f.NetRaw || !f.State.Writable || f.State.Free == 0 || f.Tools["dnsmasq"] == "" || f.Tools["iptables-restore"] == "" {
		t.Errorf("%+v %+v %v %v", f.State, f.Tools, f.NetAdmin, f.NetRaw)
	}
	if _, iface, _ := f.Overlap(netip.MustParsePrefix("10.77.0.0/24"), ""); iface != "br-guest" {
		t.Errorf("overlap with %q", iface)
	}
	at := netip.MustParseAddrPort("10.77.0.1:8080")
	i := slices.IndexFunc(f.Sockets, func(s machine.Socket) bool { return s.Local == at && s.Proto == "tcp" })
	if i < 0 || f.Sockets[i].PID != os.Getpid() || f.Sockets[i].Program == "" {
		t.Errorf("our own listener is not seen: %+v", f.Sockets)
	}
}
