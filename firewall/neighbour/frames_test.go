package neighbour

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"parvis/internal/mac"
)

var (
	us        = mac.Addr{2, 0x77, 0, 0, 0, 1}
	our4      = netip.MustParseAddr("10.77.0.1")
	linkLocal = netip.MustParseAddr("fe80::77:ff:fe00:1")
	annLocal  = netip.MustParseAddr("fe80::a")
)

// nd writes a frame of neighbour discovery.
func nd(t testing.TB, from mac.Addr, source, target netip.Addr, typ uint8, hops uint8, option layers.ICMPv6Options) []byte {
	t.Helper()
	ip := &layers.IPv6{
		Version: 6, NextHeader: layers.IPProtocolICMPv6, HopLimit: hops,
		SrcIP: source.AsSlice(), DstIP: netip.MustParseAddr("ff02::1").AsSlice(),
	}
	icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(typ, 0)}
	if err := icmp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	var body gopacket.SerializableLayer
	switch typ {
	case layers.ICMPv6TypeRouterSolicitation:
		body = &layers.ICMPv6RouterSolicitation{Options: option}
	case layers.ICMPv6TypeNeighborSolicitation:
		body = &layers.ICMPv6NeighborSolicitation{TargetAddress: target.AsSlice(), Options: option}
	default:
		body = &layers.ICMPv6NeighborAdvertisement{TargetAddress: target.AsSlice(), Options: option}
	}
	b, err := serialise(&layers.Ethernet{SrcMAC: from[:], DstMAC: us[:], EthernetType: layers.EthernetTypeIPv6}, ip, icmp, body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func arp(t testing.TB, from, says mac.Addr, ip netip.Addr) []byte {
	t.Helper()
	b, err := arpRequest(says, ip, us, our4)
	if err != nil {
		t.Fatal(err)
	}
	copy(b[6:], from[:])
	return b
}

func own(m mac.Addr, t layers.ICMPv6Opt) layers.ICMPv6Options {
	return layers.ICMPv6Options{{Type: t, Data: m[:]}}
}

func TestWhatAFrameSays(t *testing.T) {
	const rs, ns, na = layers.ICMPv6TypeRouterSolicitation, layers.ICMPv6TypeNeighborSolicitation, layers.ICMPv6TypeNeighborAdvertisement
	none := netip.IPv6Unspecified()
	broadcast := mac.Addr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	for _, tc := range []struct {
		name  string
		frame []byte
		want  []sighting
	}{
		{"ARP", arp(t, ann, ann, ann4), []sighting{{mac: ann, ip: ann4}}},
		{"ARP probe", arp(t, ann, ann, netip.IPv4Unspecified()), nil},
		{"ARP in another's name", arp(t, eve, ann, ann4), nil},
		{"ARP from everybody", arp(t, broadcast, broadcast, ann4), nil},
		{"solicitation", nd(t, ann, ann6, our6, ns, 255, own(ann, layers.ICMPv6OptSourceAddress)), []sighting{{mac: ann, ip: ann6}}},
		{"solicitation in another's name", nd(t, eve, ann6, our6, ns, 255, own(ann, layers.ICMPv6OptSourceAddress)), nil},
		{"solicitation from beyond a router", nd(t, ann, ann6, our6, ns, 254, nil), nil},
		{"duplicate address detection", nd(t, ann, none, ann6, ns, 255, nil), []sighting{{mac: ann, ip: ann6, asks: true}}},
		{"advertisement", nd(t, ann, ann6, ann6, na, 255, own(ann, layers.ICMPv6OptTargetAddress)), []sighting{{mac: ann, ip: ann6}}},
		{"advertisement of another address", nd(t, ann, annLocal, ann6, na, 255, nil), []sighting{{mac: ann, ip: annLocal}, {mac: ann, ip: ann6}}},
		{"advertisement in another's name", nd(t, eve, annLocal, ann6, na, 255, own(ann, layers.ICMPv6OptTargetAddress)), nil},
		{"router solicitation", nd(t, ann, ann6, none, rs, 255, nil), []sighting{{mac: ann, ip: ann6}}},
		{"router solicitation without address", nd(t, ann, none, none, rs, 255, nil), nil},
		{"nothing", nil, nil},
		{"half a frame", arp(t, ann, ann, ann4)[:20], nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := newDecoder().read(tc.frame)
			if d := cmp.Diff(tc.want, got, cmp.AllowUnexported(sighting{}), cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestFiltersKeepWhatTheyAreFor(t *testing.T) {
	solicited, err := solicitation(us, linkLocal, ann, ann6)
	if err != nil {
		t.Fatal(err)
	}
	request := arp(t, ann, ann, ann4)
	reply := append([]byte(nil), request...)
	reply[21] = 2
	data := nd(t, ann, ann6, our6, layers.ICMPv6TypeNeighborSolicitation, 255, nil)
	data[20] = unix.IPPROTO_TCP
	echo := nd(t, ann, ann6, our6, layers.ICMPv6TypeNeighborSolicitation, 255, nil)
	echo[54] = layers.ICMPv6TypeEchoRequest
	far := nd(t, ann, ann6, our6, layers.ICMPv6TypeNeighborSolicitation, 64, nil)
	for _, tc := range []struct {
		name   string
		filter []bpf.Instruction
		frame  []byte
		keeps  bool
	}{
		{"solicitation", onlyNDP(), solicited, true},
		{"advertisement", onlyNDP(), nd(t, ann, ann6, ann6, layers.ICMPv6TypeNeighborAdvertisement, 255, nil), true},
		{"router solicitation", onlyNDP(), nd(t, ann, ann6, ann6, layers.ICMPv6TypeRouterSolicitation, 255, nil), true},
		{"TCP", onlyNDP(), data, false},
		{"echo", onlyNDP(), echo, false},
		{"from far", onlyNDP(), far, false},
		{"ARP answer", onlyARPAnswers(), reply, true},
		{"ARP request", onlyARPAnswers(), request, false},
		{"IPv6", onlyARPAnswers(), solicited, false},
	} {
		vm, err := bpf.NewVM(tc.filter)
		if err != nil {
			t.Fatal(err)
		}
		n, err := vm.Run(tc.frame)
		if err != nil || n > 0 != tc.keeps {
			t.Errorf("%s: %d bytes kept, %v", tc.name, n, err)
		}
	}
}

func TestTheKernelsNotices(t *testing.T) {
	n := &notices{name: "br-g"}
	n.bridge.Store(7)
	// struct ndmsg, NDA_LLADDR, NDA_MASTER
	entry := []byte{
		unix.AF_BRIDGE, 0, 0, 0, 9, 0, 0, 0, unix.NUD_REACHABLE, 0, 0, 0,
		10, 0, 2, 0, 0x3c, 0x22, 0xfb, 0, 0, 1, 0, 0,
		8, 0, 9, 0, 7, 0, 0, 0,
	}
	change := func(i int, v byte) []byte {
		b := append([]byte(nil), entry...)
		b[i] = v
		return b
	}
	link := []byte{unix.AF_UNSPEC, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	named := append(append([]byte(nil), link...), 9, 0, unix.IFLA_IFNAME, 0, 'b', 'r', '-', 'g', 0, 0, 0, 0)
	named[4] = 8
	for _, tc := range []struct {
		name string
		typ  uint16
		msg  []byte
		want observation
		ok   bool
	}{
		{"learnt", unix.RTM_NEWNEIGH, entry, observation{what: learnt, sighting: sighting{mac: ann}, port: 9}, true},
		{"forgotten", unix.RTM_DELNEIGH, entry, observation{what: learnt, sighting: sighting{mac: ann}}, true},
		{"a port's own address", unix.RTM_NEWNEIGH, change(8, unix.NUD_PERMANENT), observation{}, false},
		{"of another bridge", unix.RTM_NEWNEIGH, change(28, 6), observation{}, false},
		{"a neighbour", unix.RTM_NEWNEIGH, change(0, unix.AF_INET), observation{}, false},
		{"cut short", unix.RTM_NEWNEIGH, entry[:11], observation{}, false},
		{"the guests' interface", unix.RTM_NEWLINK, link, observation{what: linked}, true},
		{"one of its name", unix.RTM_NEWLINK, named, observation{what: linked}, true},
		{"its address", unix.RTM_NEWADDR, link, observation{what: linked}, true},
		{"another interface", unix.RTM_DELLINK, append([]byte{0, 0, 0, 0, 6}, link[5:]...), observation{}, false},
	} {
		got, ok := n.notice(tc.typ, tc.msg)
		if ok != tc.ok || ok && got != tc.want {
			t.Errorf("%s: %+v, %v", tc.name, got, ok)
		}
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(arp(f, ann, ann, ann4))
	f.Add(nd(f, ann, ann6, our6, layers.ICMPv6TypeNeighborSolicitation, 255, own(ann, layers.ICMPv6OptSourceAddress)))
	f.Add(nd(f, ann, annLocal, ann6, layers.ICMPv6TypeNeighborAdvertisement, 255, own(ann, layers.ICMPv6OptTargetAddress)))
	f.Add(nd(f, ann, ann6, ann6, layers.ICMPv6TypeRouterSolicitation, 255, nil))
	d := newDecoder()
	f.Fuzz(func(t *testing.T, frame []byte) {
		got := d.read(frame)
		if len(got) > 2 {
			t.Fatalf("%d sightings in one frame", len(got))
		}
		for _, s := range got {
			if s.mac != mac.Addr(frame[6:12]) || !s.ip.IsValid() || s.ip.IsUnspecified() || s.ip.IsMulticast() {
				t.Fatalf("%+v from %x", s, frame)
			}
		}
	})
}

func FuzzNotice(f *testing.F) {
	f.Add(uint16(unix.RTM_NEWNEIGH), []byte{unix.AF_BRIDGE, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0, 0, 10, 0, 2, 0, 0x3c, 0x22, 0xfb, 0, 0, 1, 0, 0, 8, 0, 9, 0, 7, 0, 0, 0})
	f.Add(uint16(unix.RTM_NEWLINK), []byte{0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 3, 0, 'b', 'r', '-', 'g', 0, 0, 0, 0})
	n := &notices{name: "br-g"}
	n.bridge.Store(7)
	f.Fuzz(func(t *testing.T, typ uint16, msg []byte) {
		if o, ok := n.notice(typ, msg); ok && o.what != learnt && o.what != linked {
			t.Fatalf("%+v", o)
		}
	})
}
