package neighbour

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"golang.org/x/net/bpf"

	"parvis/internal/mac"
)

// maxFrame is more than a frame of ARP or neighbour discovery is long.
const maxFrame = 1518

// sighting is what one frame says: the device that sent it speaks for an address.
type sighting struct {
	mac    mac.Addr
	ip     netip.Addr
	asks   bool // it only asks whether somebody has it (duplicate address detection, RFC 4862, 5.4)
	answer bool // an ARP answer
}

// decoder reads frames of ARP and neighbour discovery. It keeps its layers, and is for one goroutine.
type decoder struct {
	eth    layers.Ethernet
	arp    layers.ARP
	ip     layers.IPv6
	icmp   layers.ICMPv6
	rs     layers.ICMPv6RouterSolicitation
	ns     layers.ICMPv6NeighborSolicitation
	na     layers.ICMPv6NeighborAdvertisement
	parser *gopacket.DecodingLayerParser
	found  []gopacket.LayerType
}

func newDecoder() *decoder {
	d := &decoder{}
	d.parser = gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &d.eth, &d.arp, &d.ip, &d.icmp, &d.rs, &d.ns, &d.na)
	d.parser.IgnoreUnsupported = true
	return d
}

// read returns what the frame says; nothing for what is damaged or against the rules of RFC 826 and RFC 4861, 7.1. A
// frame that names another hardware address than the one it was sent from says nothing: who lies about himself is not heard.
func (d *decoder) read(frame []byte) []sighting {
	if d.parser.DecodeLayers(frame, &d.found) != nil || len(d.found) == 0 {
		return nil
	}
	from, ok := mac.From(d.eth.SrcMAC)
	if !ok || from[0]&1 == 1 || from == (mac.Addr{}) {
		return nil
	}
	switch d.found[len(d.found)-1] {
	case layers.LayerTypeARP:
		return d.readARP(from)
	case layers.LayerTypeICMPv6RouterSolicitation:
		return d.readND(from, netip.Addr{}, d.rs.Options, layers.ICMPv6OptSourceAddress)
	case layers.LayerTypeICMPv6NeighborSolicitation:
		target, _ := netip.AddrFromSlice(d.ns.TargetAddress)
		if source, _ := netip.AddrFromSlice(d.ip.SrcIP); source.IsUnspecified() {
			return d.readND(from, target, d.ns.Options, layers.ICMPv6OptSourceAddress)
		}
		return d.readND(from, netip.Addr{}, d.ns.Options, layers.ICMPv6OptSourceAddress)
	case layers.LayerTypeICMPv6NeighborAdvertisement:
		target, _ := netip.AddrFromSlice(d.na.TargetAddress)
		return d.readND(from, target, d.na.Options, layers.ICMPv6OptTargetAddress)
	}
	return nil
}

func (d *decoder) readARP(from mac.Addr) []sighting {
	a := &d.arp
	sender, ok := mac.From(a.SourceHwAddress)
	if !ok || sender != from || a.AddrType != layers.LinkTypeEthernet || a.Protocol != layers.EthernetTypeIPv4 {
		return nil
	}
	ip, ok := netip.AddrFromSlice(a.SourceProtAddress)
	if !ok || !ip.Is4() || ip.IsUnspecified() { // unspecified: it only asks (RFC 5227)
		return nil
	}
	return []sighting{{mac: from, ip: ip, answer: a.Operation == layers.ARPReply}}
}

func (d *decoder) readND(from mac.Addr, target netip.Addr, options layers.ICMPv6Options, own layers.ICMPv6Opt) []sighting {
	if d.ip.HopLimit != 255 || d.icmp.TypeCode.Code() != 0 {
		return nil
	}
	for _, o := range options {
		if o.Type == own {
			if m, ok := mac.From(net.HardwareAddr(o.Data)); !ok || m != from {
				return nil
			}
		}
	}
	source, ok := netip.AddrFromSlice(d.ip.SrcIP)
	if !ok || source.IsMulticast() {
		return nil
	}
	var out []sighting
	if !source.IsUnspecified() {
		out = append(out, sighting{mac: from, ip: source})
	}
	if target.IsValid() && !target.IsMulticast() && target != source {
		out = append(out, sighting{mac: from, ip: target, asks: source.IsUnspecified()})
	}
	return out
}

// arpRequest asks to for the hardware address of ip, as us.
func arpRequest(us mac.Addr, our netip.Addr, to mac.Addr, ip netip.Addr) ([]byte, error) {
	return serialise(
		&layers.Ethernet{SrcMAC: us[:], DstMAC: to[:], EthernetType: layers.EthernetTypeARP},
		&layers.ARP{
			AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4,
			Operation: layers.ARPRequest, SourceHwAddress: us[:], SourceProtAddress: our.AsSlice(),
			DstHwAddress: make([]byte, 6), DstProtAddress: ip.AsSlice(),
		})
}

// solicitation asks to whether it has ip (RFC 4861, 7.2.2, sent to one device), from our link-local address.
func solicitation(us mac.Addr, our netip.Addr, to mac.Addr, ip netip.Addr) ([]byte, error) {
	head := &layers.IPv6{Version: 6, NextHeader: layers.IPProtocolICMPv6, HopLimit: 255, SrcIP: our.AsSlice(), DstIP: ip.AsSlice()}
	icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeNeighborSolicitation, 0)}
	if err := icmp.SetNetworkLayerForChecksum(head); err != nil {
		return nil, fmt.Errorf("neighbour: write solicitation: %w", err)
	}
	return serialise(&layers.Ethernet{SrcMAC: us[:], DstMAC: to[:], EthernetType: layers.EthernetTypeIPv6}, head, icmp,
		&layers.ICMPv6NeighborSolicitation{
			TargetAddress: ip.AsSlice(),
			Options:       layers.ICMPv6Options{{Type: layers.ICMPv6OptSourceAddress, Data: us[:]}},
		})
}

func serialise(ls ...gopacket.SerializableLayer) ([]byte, error) {
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, ls...); err != nil {
		return nil, fmt.Errorf("neighbour: write frame: %w", err)
	}
	return b.Bytes(), nil
}

// onlyNDP keeps router solicitations, neighbour solicitations and advertisements (ICMPv6 133, 135, 136) with the hop limit that
// shows that no router has passed them on. Offsets are from the Ethernet header.
func onlyNDP() []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: 14 + 6, Size: 1}, // next header
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 58, SkipTrue: 7},
		bpf.LoadAbsolute{Off: 14 + 7, Size: 1}, // hop limit
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 255, SkipTrue: 5},
		bpf.LoadAbsolute{Off: 14 + 40, Size: 1}, // ICMPv6 type
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 133, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 135, SkipTrue: 1},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 136, SkipTrue: 1},
		bpf.RetConstant{Val: maxFrame},
		bpf.RetConstant{Val: 0},
	}
}

// onlyARPAnswers keeps ARP answers.
func onlyARPAnswers() []bpf.Instruction {
	return []bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 0x0806, SkipTrue: 3},
		bpf.LoadAbsolute{Off: 14 + 6, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: 2, SkipTrue: 1},
		bpf.RetConstant{Val: maxFrame},
		bpf.RetConstant{Val: 0},
	}
}
