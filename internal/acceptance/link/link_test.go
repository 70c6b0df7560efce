package link

import (
	"net"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"parvis/internal/mac"
)

var (
	phone  = mac.Addr{2, 0, 0, 0, 0, 7}
	server = netip.MustParseAddr("192.168.1.1")
)

func frame(t testing.TB, l ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, l...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func ethernet(kind layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: net.HardwareAddr(phone[:]), DstMAC: layers.EthernetBroadcast, EthernetType: kind}
}

func dhcp(t testing.TB, kind layers.DHCPMsgType, from uint16) []byte {
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: server.AsSlice(), DstIP: net.IPv4bcast}
	udp := &layers.UDP{SrcPort: layers.UDPPort(from), DstPort: 68}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	return frame(t, ethernet(layers.EthernetTypeIPv4), ip, udp, &layers.DHCPv4{
		Operation: layers.DHCPOpReply, HardwareType: layers.LinkTypeEthernet, HardwareLen: 6, ClientHWAddr: net.HardwareAddr(phone[:]),
		ClientIP: net.IPv4zero, YourClientIP: net.IPv4zero, NextServerIP: net.IPv4zero, RelayAgentIP: net.IPv4zero,
		Options: layers.DHCPOptions{layers.NewDHCPOption(layers.DHCPOptMessageType, []byte{byte(kind)}), layers.NewDHCPOption(layers.DHCPOptEnd, nil)},
	})
}

func advertisement(t testing.TB, lifetime uint16) []byte {
	ip := &layers.IPv6{Version: 6, HopLimit: 255, NextHeader: layers.IPProtocolICMPv6, SrcIP: net.ParseIP("fe80::1"), DstIP: net.ParseIP("ff02::1")}
	icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeRouterAdvertisement, 0)}
	if err := icmp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	return frame(t, ethernet(layers.EthernetTypeIPv6), ip, icmp, &layers.ICMPv6RouterAdvertisement{RouterLifetime: lifetime})
}

func datagram(t testing.TB, ttl uint8) []byte {
	ip := &layers.IPv4{Version: 4, TTL: ttl, Protocol: layers.IPProtocolTCP, SrcIP: net.IPv4(10, 77, 0, 9), DstIP: net.IPv4(203, 0, 113, 1)}
	return frame(t, ethernet(layers.EthernetTypeIPv4), ip, gopacket.Payload("what it says is nobody's matter"))
}

func TestWhatAFrameShows(t *testing.T) {
	link := netip.MustParseAddr("fe80::1")
	tests := []struct {
		name  string
		frame []byte
		want  Sighting
	}{
		{"a server offers an address", dhcp(t, layers.DHCPMsgTypeOffer, 67), Sighting{Offer, phone, server, 64}},
		{"a server gives an address", dhcp(t, layers.DHCPMsgTypeAck, 67), Sighting{Offer, phone, server, 64}},
		{"a server refuses one", dhcp(t, layers.DHCPMsgTypeNak, 67), Sighting{Packet, phone, server, 64}},
		{"from no server's port", dhcp(t, layers.DHCPMsgTypeOffer, 6767), Sighting{Packet, phone, server, 64}},
		{"a router announces itself", advertisement(t, 1800), Sighting{Kind: Router, From: phone, IP: link}},
		{"a router says that it is none", advertisement(t, 0), Sighting{Kind: Packet, From: phone, IP: link}},
		{"a packet", datagram(t, 64), Sighting{Packet, phone, netip.MustParseAddr("10.77.0.9"), 64}},
		{"a packet through a router", datagram(t, 63), Sighting{Packet, phone, netip.MustParseAddr("10.77.0.9"), 63}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := newDecoder().read(tt.frame)
			if !ok || got != tt.want {
				t.Errorf("%+v %v, want %+v", got, ok, tt.want)
			}
		})
	}
}

func TestWhatWeAskIsADiscover(t *testing.T) {
	b, err := discover(phone, 7)
	if err != nil {
		t.Fatal(err)
	}
	p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.Default)
	m, ok := p.Layer(layers.LayerTypeDHCPv4).(*layers.DHCPv4)
	if !ok || p.ErrorLayer() != nil || m.Xid != 7 || m.Flags != 0x8000 || m.Options[0].Data[0] != byte(layers.DHCPMsgTypeDiscover) {
		t.Error(p.Dump())
	}
	if s, ok := newDecoder().read(b); ok && s.Kind != Packet {
		t.Errorf("our own question is taken for %+v", s)
	}
}

func TestRouted(t *testing.T) {
	for ttl, want := range map[uint8]bool{64: false, 128: false, 255: false, 32: false, 63: true, 127: true, 254: true, 62: true} {
		if Routed(ttl) != want {
			t.Error(ttl)
		}
	}
}

func FuzzAFrame(f *testing.F) {
	for _, b := range [][]byte{dhcp(f, layers.DHCPMsgTypeOffer, 67), advertisement(f, 1800), datagram(f, 63)} {
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	d := newDecoder() // kept from frame to frame, as it is in life
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, ok := d.read(b); ok && (!s.IP.IsValid() || s.Kind == 0 || s.From[0]&1 == 1) {
			t.Errorf("%+v", s)
		}
	})
}
