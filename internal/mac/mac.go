// Package mac is the hardware address of a device as a value that can be compared and used as a key.
package mac

import (
	"fmt"
	"net"
)

// Addr is an EUI-48 address.
type Addr [6]byte

// Parse reads the usual spellings (net.ParseMAC) of a unicast EUI-48 address.
func Parse(s string) (Addr, error) {
	hw, err := net.ParseMAC(s)
	if err != nil || len(hw) != 6 {
		return Addr{}, fmt.Errorf("mac: parse %q: expected six pairs such as 3c:22:fb:00:00:01", s)
	}
	a := Addr(hw)
	if a[0]&1 == 1 || a == (Addr{}) {
		return Addr{}, fmt.Errorf("mac: parse %q: not the address of one device", s)
	}
	return a, nil
}

// From returns the address that hw holds; ok is false when hw is not an EUI-48.
func From(hw net.HardwareAddr) (a Addr, ok bool) {
	if len(hw) != 6 {
		return Addr{}, false
	}
	return Addr(hw), true
}

func (a Addr) String() string { return net.HardwareAddr(a[:]).String() }

// MarshalText implements encoding.TextMarshaler, for JSON.
func (a Addr) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Addr) UnmarshalText(b []byte) (err error) {
	*a, err = Parse(string(b))
	return err
}

// Private says that the address was made up by the device (bit "locally administered", IEEE 802): phones do so and
// change it.
func (a Addr) Private() bool { return a[0]&2 != 0 }
