package ipset

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"

	"github.com/mdlayher/netlink"

	"parvis/internal/mac"
)

// part builds a message of a dump as the kernel does.
func part(t testing.TB, fill func(ae *netlink.AttributeEncoder)) []byte {
	t.Helper()
	ae := netlink.NewAttributeEncoder()
	ae.ByteOrder = binary.BigEndian
	ae.Uint8(attrProtocol, 7)
	ae.String(attrSetName, "parvis-up4")
	fill(ae)
	b, err := ae.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return append(header(IPv4), b...)
}

func seeds(t testing.TB) [][]byte {
	n := uint64(99)
	return [][]byte{
		nil,
		{2, 0, 0, 0},
		part(t, func(ae *netlink.AttributeEncoder) {
			ae.String(attrTypeName, string(BitmapIPMAC))
			ae.Uint8(attrFamily, 2)
			ae.Nested(attrData, func(d *netlink.AttributeEncoder) error {
				encodeIP(d, dataIP, netip.MustParseAddr("10.77.0.0"))
				encodeIP(d, dataIPTo, netip.MustParseAddr("10.77.255.255"))
				d.Uint32(dataCADTFlags, flagCounters|flagSKBInfo)
				return nil
			})
		}),
		part(t, func(ae *netlink.AttributeEncoder) {
			ae.Nested(attrADT, func(l *netlink.AttributeEncoder) error {
				e := Entry{IP: netip.MustParseAddr("10.77.0.9"), MAC: mac.Addr{2, 3, 4, 5, 6, 7}, Timeout: 60, Mark: 0x200000, Mask: 0xffff0001, Bytes: &n, Packets: &n}
				e.encode(l)
				e.IP = netip.MustParseAddr("2001:db8::9")
				e.encode(l)
				return nil
			})
		}),
	}
}

func TestDecodeRefusesWhatIsMalformed(t *testing.T) {
	for name, b := range map[string][]byte{
		"shorter than a header": {2, 0},
		"attribute longer than the message": {
			2, 0, 0, 0, 0xff, 0xff, attrSetName, 0,
		},
		"entry without an address": part(t, func(ae *netlink.AttributeEncoder) {
			ae.Nested(attrADT, func(l *netlink.AttributeEncoder) error {
				l.Nested(attrData, func(d *netlink.AttributeEncoder) error { d.Uint32(dataTimeout, 1); return nil })
				return nil
			})
		}),
		"hardware address of 5 bytes": part(t, func(ae *netlink.AttributeEncoder) {
			ae.Nested(attrADT, func(l *netlink.AttributeEncoder) error {
				l.Nested(attrData, func(d *netlink.AttributeEncoder) error { d.Bytes(dataEther, make([]byte, 5)); return nil })
				return nil
			})
		}),
		"address of 5 bytes": part(t, func(ae *netlink.AttributeEncoder) {
			ae.Nested(attrData, func(d *netlink.AttributeEncoder) error {
				d.Nested(dataIP, func(n *netlink.AttributeEncoder) error { n.Bytes(addrIPv4, make([]byte, 5)); return nil })
				return nil
			})
		}),
	} {
		if _, err := decodeList(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v, want ErrMalformed", name, err)
		}
	}
}

func TestPrefixOfARange(t *testing.T) {
	for _, tc := range []struct{ from, to, want string }{
		{"10.77.0.0", "10.77.255.255", "10.77.0.0/16"},
		{"10.77.0.0", "10.77.0.0", "10.77.0.0/32"},
		{"0.0.0.0", "255.255.255.255", "0.0.0.0/0"},
		{"10.77.0.1", "10.77.0.2", "invalid Prefix"},
	} {
		if got := prefix(netip.MustParseAddr(tc.from), netip.MustParseAddr(tc.to)); got.String() != tc.want {
			t.Errorf("%s-%s: %v, want %s", tc.from, tc.to, got, tc.want)
		}
	}
}

// FuzzDecode: whatever bytes arrive, decoding neither panics nor yields an entry that names nobody.
func FuzzDecode(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeList(b)
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Fatalf("error of another kind: %v", err)
		}
		if err == nil {
			for _, e := range m.entries {
				if !e.IP.IsValid() {
					t.Fatalf("an entry without an address: %+v", e)
				}
			}
		}
		_, _, _ = decodeProtocol(b)
	})
}
