package firewall

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"parvis/internal/mac"
)

// Identify says which device uses the address: the neighbour that the kernel has on the guest link, which must be the
// one that the address was leased to. It asks the kernel for that one neighbour and sends nothing on the link. The
// error is ErrNoNeighbour, ErrNoLease, ErrOtherDevice, or of reading.
func (f *Firewall) Identify(a netip.Addr) (Device, error) {
	m, err := f.neighbour(f.cfg.Guest, a)
	if err != nil {
		return Device{}, fmt.Errorf("firewall: identify: %w", err)
	}
	leased, ok, err := f.leases.of(a, false)
	if err == nil && (!ok || leased != m) {
		leased, ok, err = f.leases.of(a, true)
	}
	switch {
	case err != nil:
		return Device{}, fmt.Errorf("firewall: identify: %w", err)
	case !ok:
		return Device{}, fmt.Errorf("firewall: identify: %w", ErrNoLease)
	case leased != m:
		return Device{}, fmt.Errorf("firewall: identify: %w", ErrOtherDevice)
	}
	return Device{MAC: m, IPv4: a, Port: f.near.Port(m)}, nil
}

// TerminalAt says which machine uses an address of the terminals' network: the neighbour that the kernel has there. ErrNoNeighbour,
// or an error of reading.
func (f *Firewall) TerminalAt(a netip.Addr) (mac.Addr, error) {
	m, err := f.neighbour(f.cfg.Terminal, a)
	if err != nil {
		return mac.Addr{}, fmt.Errorf("firewall: identify terminal: %w", err)
	}
	return m, nil
}

// owner is whom an IPv4 address of the guest network was admitted or leased to: neighbour.Options.Owner. An admission outlives
// the lease that it was made by.
func (f *Firewall) owner(a netip.Addr) (mac.Addr, bool) {
	f.mu.Lock()
	r := f.slots[f.byIP[a]]
	if r != nil && r.open {
		defer f.mu.Unlock()
		return r.MAC, true
	}
	g, is := f.namedWith(a)
	f.mu.Unlock()
	if is {
		return g.MAC, true
	}
	m, ok, err := f.leases.of(a, false)
	return m, ok && err == nil
}

// addressOf is the IPv4 address that was leased or admitted to the device: neighbour.Options.Address.
func (f *Firewall) addressOf(m mac.Addr) (netip.Addr, bool) {
	if a, ok, err := f.leases.by(m); ok && err == nil {
		return a, true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.slots[f.byMAC[m]]; r != nil && r.open {
		return r.IPv4, true
	}
	for _, g := range f.named {
		if g.MAC == m {
			return g.IPv4, true
		}
	}
	return netip.Addr{}, false
}

// neighbour asks for one entry of a link of the neighbour table: RTM_GETNEIGH without NLM_F_DUMP, with NDA_DST and the interface
// (rtnetlink(7); Linux 5.0 and later).
func (f *Firewall) neighbour(link string, a netip.Addr) (mac.Addr, error) {
	f.asking.Lock()
	defer f.asking.Unlock()
	if !a.Is4() {
		return mac.Addr{}, ErrNoNeighbour
	}
	index, err := interfaceIndex(link)
	if err != nil {
		return mac.Addr{}, fmt.Errorf("%w: %s", ErrNoInterface, link)
	}
	// struct ndmsg, then the address.
	body := make([]byte, unix.SizeofNdMsg)
	body[0] = unix.AF_INET
	binary.NativeEndian.PutUint32(body[4:], index)
	attrs := netlink.NewAttributeEncoder()
	attrs.Bytes(unix.NDA_DST, a.AsSlice())
	tail, err := attrs.Encode()
	if err != nil {
		return mac.Addr{}, fmt.Errorf("encode neighbour: %w", err)
	}
	msgs, err := f.neigh.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETNEIGH, Flags: netlink.Request}, Data: append(body, tail...),
	})
	if errors.Is(err, unix.ENOENT) {
		return mac.Addr{}, ErrNoNeighbour
	}
	if err != nil {
		return mac.Addr{}, fmt.Errorf("ask for neighbour: %w", err)
	}
	for _, msg := range msgs {
		if m, ok := decodeNeighbour(msg.Data); ok {
			return m, nil
		}
	}
	return mac.Addr{}, ErrNoNeighbour
}

// interfaceIndex is if_nametoindex(3): one system call, where net.InterfaceByName lists every interface of the machine, a
// hundred guests' ports among them, for each page that is asked for.
func interfaceIndex(name string) (uint32, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, req); err != nil {
		return 0, err
	}
	return req.Uint32(), nil
}

// decodeNeighbour reads the hardware address of a neighbour that is known to be one: an entry that is being looked for
// or has failed has none.
func decodeNeighbour(b []byte) (mac.Addr, bool) {
	if len(b) < unix.SizeofNdMsg {
		return mac.Addr{}, false
	}
	const known = unix.NUD_REACHABLE | unix.NUD_STALE | unix.NUD_DELAY | unix.NUD_PROBE | unix.NUD_PERMANENT
	if binary.NativeEndian.Uint16(b[8:])&known == 0 {
		return mac.Addr{}, false
	}
	attrs, err := netlink.NewAttributeDecoder(b[unix.SizeofNdMsg:])
	if err != nil {
		return mac.Addr{}, false
	}
	for attrs.Next() {
		if attrs.Type() == unix.NDA_LLADDR {
			return mac.From(net.HardwareAddr(attrs.Bytes()))
		}
	}
	return mac.Addr{}, false
}
