// Package link looks at one network from the router, for a site's acceptance: who else gives addresses there (DHCP, RFC 2131), who
// else announces itself as a router (RFC 4861), how far away a device's packets come from, and which IPv6 addresses it uses. It
// listens on a packet socket (packet(7)), and asks once, for an address that it does not take.
package link

import (
	"net"
	"net/netip"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"parvis/internal/mac"
)

// Kind is what a frame shows.
type Kind uint8

// The kinds.
const (
	Offer  Kind = iota + 1 // a DHCP server's offer or acknowledgement; IP is the server
	Router                 // a router advertisement with a lifetime; IP is the router
	Packet                 // any other IP packet; IP is its source
)

// Sighting is what one frame shows.
type Sighting struct {
	Kind Kind
	From mac.Addr
	IP   netip.Addr
	TTL  uint8 // of IPv4 packets: what is left of it (RFC 791)
}

// decoder reads frames. It keeps its layers, and is for one goroutine.
type decoder struct {
	eth    layers.Ethernet
	ip4    layers.IPv4
	ip6    layers.IPv6
	udp    layers.UDP
	icmp   layers.ICMPv6
	ra     layers.ICMPv6RouterAdvertisement
	parser *gopacket.DecodingLayerParser
	found  []gopacket.LayerType
}

func newDecoder() *decoder {
	d := &decoder{}
	d.parser = gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &d.eth, &d.ip4, &d.ip6, &d.udp, &d.icmp, &d.ra)
	d.parser.IgnoreUnsupported = true
	return d
}

// read says what the frame shows; false for what is damaged or shows nothing.
func (d *decoder) read(frame []byte) (s Sighting, ok bool) {
	// An error stands behind what was decoded before it: a packet that is cut still shows who sent it.
	d.parser.DecodeLayers(frame, &d.found)
	if len(d.found) < 2 {
		return s, false
	}
	from, ok := mac.From(d.eth.SrcMAC)
	if !ok || from[0]&1 == 1 || from == (mac.Addr{}) {
		return s, false
	}
	s = Sighting{Kind: Packet, From: from}
	switch d.found[1] {
	case layers.LayerTypeIPv4:
		s.IP, _ = netip.AddrFromSlice(d.ip4.SrcIP.To4())
		s.TTL = d.ip4.TTL
	case layers.LayerTypeIPv6:
		s.IP, _ = netip.AddrFromSlice(d.ip6.SrcIP)
	default:
		return s, false
	}
	switch d.found[len(d.found)-1] {
	case layers.LayerTypeUDP:
		if d.udp.SrcPort == 67 && offers(d.udp.Payload) {
			s.Kind = Offer
		}
	case layers.LayerTypeICMPv6RouterAdvertisement:
		if d.ra.RouterLifetime > 0 {
			s.Kind = Router
		}
	}
	return s, s.IP.IsValid()
}

// offers reports whether a DHCP message is a server's OFFER or ACK.
func offers(payload []byte) bool {
	var m layers.DHCPv4
	if m.DecodeFromBytes(payload, gopacket.NilDecodeFeedback) != nil {
		return false
	}
	for _, o := range m.Options {
		if o.Type == layers.DHCPOptMessageType && len(o.Data) == 1 {
			t := layers.DHCPMsgType(o.Data[0])
			return t == layers.DHCPMsgTypeOffer || t == layers.DHCPMsgTypeAck
		}
	}
	return false
}

// discover is a DHCPDISCOVER of a device that does not exist, answered by broadcast (RFC 2131, 4.1): the address is never asked
// for, so that nothing is leased.
func discover(from mac.Addr, id uint32) ([]byte, error) {
	me := net.HardwareAddr(from[:])
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: net.IPv4zero, DstIP: net.IPv4bcast}
	udp := &layers.UDP{SrcPort: 68, DstPort: 67}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		return nil, err
	}
	b := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: me, DstMAC: layers.EthernetBroadcast, EthernetType: layers.EthernetTypeIPv4}, ip, udp,
		&layers.DHCPv4{
			Operation: layers.DHCPOpRequest, HardwareType: layers.LinkTypeEthernet, HardwareLen: 6, Xid: id, Flags: 0x8000, ClientHWAddr: me,
			ClientIP: net.IPv4zero, YourClientIP: net.IPv4zero, NextServerIP: net.IPv4zero, RelayAgentIP: net.IPv4zero,
			Options: layers.DHCPOptions{
				layers.NewDHCPOption(layers.DHCPOptMessageType, []byte{byte(layers.DHCPMsgTypeDiscover)}),
				layers.NewDHCPOption(layers.DHCPOptParamsRequest, []byte{1, 3}), layers.NewDHCPOption(layers.DHCPOptEnd, nil),
			},
		})
	return b.Bytes(), err
}

// Routed reports whether packets with this TTL have passed a router on their way here: what systems begin with is 32, 64, 128 or 255.
func Routed(ttl uint8) bool {
	switch ttl {
	case 32, 64, 128, 255:
		return false
	}
	return true
}
