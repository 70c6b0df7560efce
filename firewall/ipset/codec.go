package ipset

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/mdlayher/netlink"

	"parvis/internal/mac"
)

// Attributes of a message (enum in ip_set.h, "Attributes at command level").
const (
	attrProtocol    = 1
	attrSetName     = 2
	attrTypeName    = 3
	attrRevision    = 4
	attrFamily      = 5
	attrFlags       = 6
	attrData        = 7
	attrADT         = 8
	attrLineNo      = 9
	attrProtocolMin = 10
)

// Attributes inside attrData: of a set ("CADT", create-only) and of an element ("ADT").
const (
	dataIP         = 1
	dataIPTo       = 2
	dataCIDR       = 3
	dataTimeout    = 6
	dataCADTFlags  = 8
	dataMaxElem    = 19
	dataElements   = 24 // of a set
	dataReferences = 25 // of a set
	dataEther      = 17
	dataBytes      = 24 // of an element
	dataPackets    = 25 // of an element
	dataSKBMark    = 27
	dataSKBPrio    = 28

	addrIPv4 = 1
	addrIPv6 = 2
)

// Flags in dataCADTFlags, and of a list command.
const (
	flagCounters   = 1 << 3
	flagSKBInfo    = 1 << 6
	flagListHeader = 1 << 2
)

// nfgenmsg: address family, version 0, resource id 0.
func header(family Family) []byte { return []byte{byte(family), 0, 0, 0} }

const headerLen = 4

func (e Entry) encode(ae *netlink.AttributeEncoder) {
	ae.Nested(attrData, func(d *netlink.AttributeEncoder) error {
		e.encodeName(d)
		d.Uint32(netlink.NetByteOrder|dataTimeout, e.Timeout)
		if e.Packets != nil {
			d.Uint64(netlink.NetByteOrder|dataPackets, *e.Packets)
		}
		if e.Bytes != nil {
			d.Uint64(netlink.NetByteOrder|dataBytes, *e.Bytes)
		}
		d.Uint64(netlink.NetByteOrder|dataSKBMark, uint64(e.Mark)<<32|uint64(e.Mask))
		d.Uint32(netlink.NetByteOrder|dataSKBPrio, e.Prio)
		return nil
	})
}

// encodeKey writes only what names the entry: deleting and testing need no more.
func (e Entry) encodeKey(ae *netlink.AttributeEncoder) {
	ae.Nested(attrData, func(d *netlink.AttributeEncoder) error {
		e.encodeName(d)
		return nil
	})
}

func (e Entry) encodeName(d *netlink.AttributeEncoder) {
	encodeIP(d, dataIP, e.IP)
	if e.Bits != 0 {
		d.Uint8(dataCIDR, e.Bits)
	}
	if e.MAC != (mac.Addr{}) {
		d.Bytes(dataEther, e.MAC[:])
	}
}

func encodeIP(ae *netlink.AttributeEncoder, typ uint16, ip netip.Addr) {
	ae.Nested(typ, func(n *netlink.AttributeEncoder) error {
		if ip.Is4() {
			b := ip.As4()
			n.Bytes(netlink.NetByteOrder|addrIPv4, b[:])
			return nil
		}
		b := ip.As16()
		n.Bytes(netlink.NetByteOrder|addrIPv6, b[:])
		return nil
	})
}

// listMessage is one part of a dump. Only the first part of a set carries its header.
type listMessage struct {
	name    string
	info    Info
	hasInfo bool
	entries []Entry
}

// decodeList decodes the payload of one message of a dump (after the netlink header).
func decodeList(b []byte) (m listMessage, err error) {
	ad, err := decoder(b)
	if err != nil {
		return m, err
	}
	for ad.Next() {
		switch ad.Type() {
		case attrSetName:
			m.name = ad.String()
			m.info.Name = m.name
		case attrTypeName:
			m.info.Type = Type(ad.String())
			m.hasInfo = true
		case attrFamily:
			m.info.Family = Family(ad.Uint8())
		case attrData:
			ad.Nested(m.info.decode)
		case attrADT:
			ad.Nested(func(list *netlink.AttributeDecoder) error {
				for list.Next() {
					if list.Type() != attrData {
						continue
					}
					var e Entry
					list.Nested(e.decode)
					if list.Err() == nil && !e.IP.IsValid() {
						return fmt.Errorf("%w: an entry without an address", ErrMalformed)
					}
					m.entries = append(m.entries, e)
				}
				return nil
			})
		}
	}
	if err := ad.Err(); err != nil {
		return listMessage{}, malformed(err)
	}
	return m, nil
}

func decoder(b []byte) (*netlink.AttributeDecoder, error) {
	if len(b) < headerLen {
		return nil, fmt.Errorf("%w: %d bytes", ErrMalformed, len(b))
	}
	ad, err := netlink.NewAttributeDecoder(b[headerLen:])
	if err != nil {
		return nil, malformed(err)
	}
	ad.ByteOrder = binary.BigEndian
	return ad, nil
}

func malformed(err error) error { return fmt.Errorf("%w: %w", ErrMalformed, err) }

func (i *Info) decode(d *netlink.AttributeDecoder) error {
	var from, to netip.Addr
	for d.Next() {
		switch d.Type() {
		case dataIP:
			d.Nested(decodeIP(&from))
		case dataIPTo:
			d.Nested(decodeIP(&to))
		case dataTimeout:
			i.Timeouts = true
			_ = d.Uint32()
		case dataMaxElem:
			i.MaxElem = d.Uint32()
		case dataCADTFlags:
			f := d.Uint32()
			i.Counters, i.SKBInfo = f&flagCounters != 0, f&flagSKBInfo != 0
		case dataReferences:
			i.References = d.Uint32()
		case dataElements:
			i.Elements = d.Uint32()
		}
	}
	i.Range = prefix(from, to)
	return nil
}

// prefix is the network that from and to are the ends of; the zero prefix when they are those of none.
func prefix(from, to netip.Addr) netip.Prefix {
	if !from.Is4() || !to.Is4() {
		return netip.Prefix{}
	}
	for bits := 32; bits >= 0; bits-- {
		if p := netip.PrefixFrom(from, bits).Masked(); p.Addr() == from && last(p) == to {
			return p
		}
	}
	return netip.Prefix{}
}

// last is the highest address of an IPv4 prefix.
func last(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	v := binary.BigEndian.Uint32(b[:]) | uint32(uint64(1)<<(32-p.Bits())-1)
	binary.BigEndian.PutUint32(b[:], v)
	return netip.AddrFrom4(b)
}

func (e *Entry) decode(d *netlink.AttributeDecoder) error {
	for d.Next() {
		switch d.Type() {
		case dataIP:
			d.Nested(decodeIP(&e.IP))
		case dataEther:
			b := d.Bytes()
			a, ok := mac.From(b)
			if !ok {
				return fmt.Errorf("hardware address of %d bytes", len(b))
			}
			e.MAC = a
		case dataCIDR:
			e.Bits = d.Uint8()
		case dataTimeout:
			e.Timeout = d.Uint32()
		case dataPackets:
			v := d.Uint64()
			e.Packets = &v
		case dataBytes:
			v := d.Uint64()
			e.Bytes = &v
		case dataSKBMark:
			v := d.Uint64()
			e.Mark, e.Mask = uint32(v>>32), uint32(v)
		case dataSKBPrio:
			e.Prio = d.Uint32()
		}
	}
	return nil
}

func decodeIP(ip *netip.Addr) func(*netlink.AttributeDecoder) error {
	return func(n *netlink.AttributeDecoder) error {
		for n.Next() {
			if t := n.Type(); t != addrIPv4 && t != addrIPv6 {
				continue
			}
			a, ok := netip.AddrFromSlice(n.Bytes())
			if !ok {
				return fmt.Errorf("address of another length than 4 or 16 bytes")
			}
			*ip = a
		}
		return nil
	}
}
