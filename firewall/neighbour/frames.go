package neighbour

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/bpf"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"

	"parvis/internal/mac"
)

// sighting is what one frame says: the device that sent it speaks for an address.
type sighting struct {
	mac    mac.Addr
	ip     netip.Addr
	asks   bool // it only asks whether somebody has it (duplicate address detection, RFC 4862, 5.4)
	answer bool // an ARP answer
}

// Offsets and sizes of the frames that are read: Ethernet II, ARP for IPv4 (RFC 826), IPv6 (RFC 8200, 3), and the messages of
// neighbour discovery (RFC 4861, 4).
const (
	ethLen   = 14
	arpLen   = 28
	ipv6Len  = 40
	ndLen    = 24 // of solicitation and advertisement, with their target
	solicLen = 8  // of a router solicitation
)

// read returns what the frame says; nothing for what is damaged or against the rules of RFC 826 and RFC 4861, 7.1. A
// frame that names another hardware address than the one it was sent from says nothing: who lies about himself is not heard.
func read(frame []byte) []sighting {
	if len(frame) < ethLen {
		return nil
	}
	from := mac.Addr(frame[6:12])
	if from[0]&1 == 1 || from == (mac.Addr{}) {
		return nil
	}
	switch binary.BigEndian.Uint16(frame[12:]) {
	case unix.ETH_P_ARP:
		return readARP(from, frame[ethLen:])
	case unix.ETH_P_IPV6:
		return readND(from, frame[ethLen:])
	}
	return nil
}

func readARP(from mac.Addr, b []byte) []sighting {
	// Hardware Ethernet, protocol IPv4, with the lengths of their addresses.
	if len(b) < arpLen || !bytes.Equal(b[:6], []byte{0, unix.ARPHRD_ETHER, 8, 0, 6, 4}) || mac.Addr(b[8:14]) != from {
		return nil
	}
	ip := netip.AddrFrom4([4]byte(b[14:18]))
	if ip.IsUnspecified() { // it only asks (RFC 5227)
		return nil
	}
	return []sighting{{mac: from, ip: ip, answer: binary.BigEndian.Uint16(b[6:]) == 2}}
}

func readND(from mac.Addr, b []byte) []sighting {
	if len(b) < ipv6Len || b[0]>>4 != 6 || b[6] != unix.IPPROTO_ICMPV6 || b[7] != 255 {
		return nil
	}
	source := netip.AddrFrom16([16]byte(b[8:24]))
	size := int(binary.BigEndian.Uint16(b[4:]))
	if b = b[ipv6Len:]; len(b) < size || source.IsMulticast() || source.Is4In6() {
		return nil
	}
	b = b[:size] // what follows is padding
	if len(b) < 4 || b[1] != 0 {
		return nil
	}
	var (
		target netip.Addr
		head   = ndLen
		own    = byte(ndp.Source)
	)
	switch ipv6.ICMPType(b[0]) {
	case ipv6.ICMPTypeRouterSolicitation:
		head = solicLen
	case ipv6.ICMPTypeNeighborSolicitation:
		if len(b) >= ndLen && source.IsUnspecified() {
			target = netip.AddrFrom16([16]byte(b[8:24]))
		}
	case ipv6.ICMPTypeNeighborAdvertisement:
		if own = byte(ndp.Target); len(b) >= ndLen {
			target = netip.AddrFrom16([16]byte(b[8:24]))
		}
	default:
		return nil
	}
	if len(b) < head || !truthful(b[head:], own, from) {
		return nil
	}
	var out []sighting
	if !source.IsUnspecified() {
		out = append(out, sighting{mac: from, ip: source})
	}
	if target.IsValid() && !target.IsMulticast() && !target.IsUnspecified() && !target.Is4In6() && target != source {
		out = append(out, sighting{mac: from, ip: target, asks: source.IsUnspecified()})
	}
	return out
}

// truthful reports whether the options (RFC 4861, 4.6) are whole, and those that name the sender's own hardware address, which
// are of the kind own, name from.
func truthful(options []byte, own byte, from mac.Addr) bool {
	for len(options) > 0 {
		if len(options) < 2 {
			return false
		}
		size := 8 * int(options[1])
		if size == 0 || size > len(options) {
			return false
		}
		if options[0] == own && (size != 8 || mac.Addr(options[2:8]) != from) {
			return false
		}
		options = options[size:]
	}
	return true
}

// arpRequest asks to for the hardware address of ip, as us.
func arpRequest(us mac.Addr, our netip.Addr, to mac.Addr, ip netip.Addr) []byte {
	b := ethernet(us, to, unix.ETH_P_ARP)
	b = append(b, 0, unix.ARPHRD_ETHER, 8, 0, 6, 4, 0, 1)
	b = append(b, us[:]...)
	b = append(b, our.AsSlice()...)
	b = append(b, make([]byte, 6)...) // what is asked for
	return append(b, ip.AsSlice()...)
}

// solicitation asks to whether it has ip (RFC 4861, 7.2.2, sent to one device), from our link-local address.
func solicitation(us mac.Addr, our netip.Addr, to mac.Addr, ip netip.Addr) ([]byte, error) {
	body, err := ndp.MarshalMessageChecksum(&ndp.NeighborSolicitation{
		TargetAddress: ip,
		Options:       []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Source, Addr: us[:]}},
	}, our, ip)
	if err != nil {
		return nil, fmt.Errorf("neighbour: write solicitation: %w", err)
	}
	b := ethernet(us, to, unix.ETH_P_IPV6)
	b = append(b, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	b = append(b, unix.IPPROTO_ICMPV6, 255)
	b = append(b, our.AsSlice()...)
	b = append(b, ip.AsSlice()...)
	return append(b, body...), nil
}

func ethernet(from, to mac.Addr, protocol uint16) []byte {
	b := make([]byte, 0, 128)
	b = append(append(b, to[:]...), from[:]...)
	return binary.BigEndian.AppendUint16(b, protocol)
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
