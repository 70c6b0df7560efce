package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// veth lays a cable between two machines and sets both ends up. A nil MAC is chosen by the kernel.
func veth(a *NS, aName string, aMAC net.HardwareAddr, b *NS, bName string) error {
	for _, ns := range []struct {
		*NS
		dev string
	}{{a, aName}, {b, bName}} {
		// Duplicate address detection holds an address back for a second or two: nobody else is on these cables.
		if err := ns.sysctl("net/ipv6/conf/default/accept_dad", "0"); err != nil {
			return err
		}
	}
	err := a.Do(func() error {
		attrs := nl.NewLinkAttrs()
		attrs.Name, attrs.HardwareAddr = aName, aMAC
		link := &nl.Veth{LinkAttrs: attrs, PeerName: bName, PeerNamespace: nl.NsFd(b.handle)}
		if err := nl.LinkAdd(link); err != nil {
			return err
		}
		return setUp(aName)
	})
	if err == nil {
		err = b.Do(func() error { return setUp(bName) })
	}
	if err != nil {
		return fmt.Errorf("lab: lay cable %s:%s to %s:%s: %w", a.Name, aName, b.Name, bName, err)
	}
	return nil
}

func setUp(name string) error {
	link, err := nl.LinkByName(name)
	if err != nil {
		return err
	}
	return nl.LinkSetUp(link)
}

// addAddress gives an interface an address with its network.
func (ns *NS) addAddress(dev string, prefixes ...netip.Prefix) error {
	return ns.Do(func() error {
		link, err := nl.LinkByName(dev)
		if err != nil {
			return fmt.Errorf("lab: %s: find %s: %w", ns.Name, dev, err)
		}
		for _, p := range prefixes {
			addr := &nl.Addr{IPNet: ipNet(p)}
			if p.Addr().Is6() {
				addr.Flags = unix.IFA_F_NODAD
			}
			if err := nl.AddrAdd(link, addr); err != nil {
				return fmt.Errorf("lab: %s: add %s to %s: %w", ns.Name, p, dev, err)
			}
		}
		return nil
	})
}

// addRoute sends a network through a gateway.
func (ns *NS) addRoute(dst netip.Prefix, via netip.Addr) error {
	return ns.Do(func() error {
		if err := nl.RouteAdd(&nl.Route{Dst: ipNet(dst), Gw: via.AsSlice()}); err != nil {
			return fmt.Errorf("lab: %s: route %s via %s: %w", ns.Name, dst, via, err)
		}
		return nil
	})
}

// ownAll makes every address of a network the machine's own, without listing them (route type local).
func (ns *NS) ownAll(networks ...netip.Prefix) error {
	return ns.Do(func() error {
		lo, err := nl.LinkByName("lo")
		if err != nil {
			return fmt.Errorf("lab: %s: find lo: %w", ns.Name, err)
		}
		for _, p := range networks {
			r := &nl.Route{Dst: ipNet(p), LinkIndex: lo.Attrs().Index, Type: unix.RTN_LOCAL, Table: unix.RT_TABLE_LOCAL, Scope: nl.SCOPE_HOST}
			if p.Addr().Is6() {
				r.Scope = nl.SCOPE_UNIVERSE // IPv6 routes have no scope
			}
			if err := nl.RouteAdd(r); err != nil {
				return fmt.Errorf("lab: %s: own %s: %w", ns.Name, p, err)
			}
		}
		return nil
	})
}

// sysctl writes one value below /proc/sys of the machine.
func (ns *NS) sysctl(path, value string) error {
	return ns.Do(func() error {
		if err := os.WriteFile(filepath.Join("/proc/sys", path), []byte(value), 0o644); err != nil {
			return fmt.Errorf("lab: %s: %w", ns.Name, err)
		}
		return nil
	})
}

// bridge makes a switch in the machine. Its MAC is fixed: left to itself it follows the lowest of its ports, and every
// new guest might change it.
func (ns *NS) bridge(name string, mac net.HardwareAddr) error {
	if err := ns.sysctl("net/ipv6/conf/default/accept_dad", "0"); err != nil {
		return err
	}
	err := ns.Do(func() error {
		attrs := nl.NewLinkAttrs()
		attrs.Name, attrs.HardwareAddr = name, mac
		if err := nl.LinkAdd(&nl.Bridge{LinkAttrs: attrs}); err != nil {
			return err
		}
		return setUp(name)
	})
	if err != nil {
		return fmt.Errorf("lab: %s: make bridge %s: %w", ns.Name, name, err)
	}
	return nil
}

// plug makes an interface of the machine a port of its bridge.
func (ns *NS) plug(port, bridge string) error {
	return ns.Do(func() error {
		p, err := nl.LinkByName(port)
		if err != nil {
			return fmt.Errorf("lab: %s: find %s: %w", ns.Name, port, err)
		}
		b, err := nl.LinkByName(bridge)
		if err != nil {
			return fmt.Errorf("lab: %s: find %s: %w", ns.Name, bridge, err)
		}
		if err := nl.LinkSetMaster(p, b); err != nil {
			return fmt.Errorf("lab: %s: plug %s into %s: %w", ns.Name, port, bridge, err)
		}
		return nil
	})
}

// unplug removes an interface, and with it the other end of its cable.
func (ns *NS) unplug(port string) error {
	return ns.Do(func() error {
		link, err := nl.LinkByName(port)
		if errors.As(err, new(nl.LinkNotFoundError)) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("lab: %s: find %s: %w", ns.Name, port, err)
		}
		if err := nl.LinkDel(link); err != nil {
			return fmt.Errorf("lab: %s: remove %s: %w", ns.Name, port, err)
		}
		return nil
	})
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
