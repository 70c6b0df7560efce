package firewall

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"parvis/internal/mac"
	"parvis/internal/order"
)

// Present lists the devices of the guest network that hold a lease and have been heard by the router within a time, by
// address. It reads the kernel's neighbour table as it is and sends nothing; it costs one dump, so it is for somebody who
// looks, not for every request.
func (f *Firewall) Present(within time.Duration) ([]Device, error) {
	index, err := interfaceIndex(f.cfg.Guest)
	if err != nil {
		return nil, fmt.Errorf("firewall: who is present: %w: guests' %s", ErrNoInterface, f.cfg.Guest)
	}
	heard, err := f.heard(index, within)
	if err != nil {
		return nil, fmt.Errorf("firewall: who is present: %w", err)
	}
	var all []Device
	for _, d := range heard {
		if m, ok, err := f.leases.of(d.IPv4, false); err != nil {
			return nil, fmt.Errorf("firewall: who is present: %w", err)
		} else if ok && m == d.MAC {
			all = append(all, d)
		}
	}
	order.Func(all, func(a, b Device) int { return a.IPv4.Compare(b.IPv4) })
	return all, nil
}

func (f *Firewall) heard(index uint32, within time.Duration) ([]Device, error) {
	f.asking.Lock()
	defer f.asking.Unlock()
	body := make([]byte, unix.SizeofNdMsg)
	body[0] = unix.AF_INET
	msgs, err := again(func() ([]netlink.Message, error) {
		return f.neigh.Execute(netlink.Message{
			Header: netlink.Header{Type: unix.RTM_GETNEIGH, Flags: netlink.Request | netlink.Dump}, Data: body,
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list neighbours: %w", err)
	}
	var all []Device
	for _, m := range msgs {
		if d, ago, ok := decodeHeard(m.Data, index); ok && ago <= within {
			all = append(all, d)
		}
	}
	return all, nil
}

// decodeHeard reads an IPv4 neighbour of one interface, and how long ago it was last heard: its entry confirmed, or changed
// (struct nda_cacheinfo of linux/neighbour.h, in hundredths of a second: USER_HZ is 100 on every machine that we know of).
// An entry whose device has not answered is none.
func decodeHeard(b []byte, index uint32) (d Device, ago time.Duration, ok bool) {
	if len(b) < unix.SizeofNdMsg || b[0] != unix.AF_INET || binary.NativeEndian.Uint32(b[4:]) != index {
		return d, 0, false
	}
	if d.MAC, ok = decodeNeighbour(b); !ok {
		return d, 0, false
	}
	attrs, err := netlink.NewAttributeDecoder(b[unix.SizeofNdMsg:])
	if err != nil {
		return d, 0, false
	}
	timed := false
	for attrs.Next() {
		switch attrs.Type() {
		case unix.NDA_DST:
			d.IPv4, _ = netip.AddrFromSlice(attrs.Bytes())
		case unix.NDA_CACHEINFO:
			if info := attrs.Bytes(); len(info) >= 12 {
				ticks := min(binary.NativeEndian.Uint32(info), binary.NativeEndian.Uint32(info[8:]))
				ago, timed = time.Duration(ticks)*10*time.Millisecond, true
			}
		}
	}
	return d, ago, attrs.Err() == nil && timed && d.IPv4.Is4() && d.MAC != (mac.Addr{})
}
