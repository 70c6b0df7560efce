package lab

import (
	"errors"
	"net"
	"net/netip"
	"os"
)

// Beside is a second router of the same make as a town's, with one device and one host beyond the line: what measurements
// compare with, in the same minute on the same machine. Interfaces and addresses are those of the town, in namespaces of
// its own. It forwards IPv4; nothing else is laid.
type Beside struct {
	Device, Router, Host *NS
	MAC                  net.HardwareAddr // of the device
	Address              netip.Addr       // of the device
}

// NewBeside lays the cables; name keeps several apart.
func NewBeside(name string) (b *Beside, err error) {
	b = &Beside{MAC: net.HardwareAddr{0x3c, 0x22, 0xfa, 0, 0, 1}, Address: netip.MustParseAddr("10.77.1.1")}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	for _, m := range []struct {
		ns   **NS
		role string
	}{{&b.Device, "device"}, {&b.Router, "router"}, {&b.Host, "host"}} {
		if *m.ns, err = NewNS(name + "-" + m.role); err != nil {
			return b, err
		}
	}
	if err := b.Router.bridge(GuestBridge, BridgeMAC); err != nil {
		return b, err
	}
	for _, s := range []string{"iptables", "ip6tables", "arptables"} {
		err := b.Router.sysctl("net/bridge/bridge-nf-call-"+s, "0")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return b, err
		}
	}
	if err := errors.Join(veth(b.Device, "eth0", b.MAC, b.Router, "p1"), veth(b.Router, WAN, nil, b.Host, "eth0")); err != nil {
		return b, err
	}
	guests, everywhere := netip.MustParsePrefix("10.77.0.1/16"), netip.MustParsePrefix("0.0.0.0/0")
	return b, errors.Join(
		b.Router.plug("p1", GuestBridge),
		b.Router.addAddress(GuestBridge, guests),
		b.Router.addAddress(WAN, wanV4),
		b.Router.addRoute(everywhere, gatewayV4.Addr()),
		b.Router.sysctl("net/ipv4/ip_forward", "1"),
		b.Device.addAddress("eth0", netip.PrefixFrom(b.Address, guests.Bits())),
		b.Device.addRoute(everywhere, guests.Addr()),
		b.Host.addAddress("eth0", gatewayV4),
	)
}

// Close forgets its machines.
func (b *Beside) Close() error {
	var errs []error
	for _, ns := range []*NS{b.Device, b.Router, b.Host} {
		if ns != nil {
			errs = append(errs, ns.Close())
		}
	}
	return errors.Join(errs...)
}
