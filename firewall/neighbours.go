package firewall

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"parvis/internal/mac"
)

// An admitted address has a permanent neighbour entry (NUD_PERMANENT) on the guest interface: answers go to the device
// that was admitted, whatever another one says on the link. Ours are told from the operator's own by NDA_PROTOCOL
// (Linux 5.0), a number that rtnetlink(7) leaves to whoever sets entries.
const (
	neighbourOurs = 80 // not among the RTPROT_ numbers of linux/rtnetlink.h
	ndaProtocol   = 12 // NDA_PROTOCOL (linux/neighbour.h)
)

// neighbourState is one entry of the guest interface's neighbour tables.
type neighbourState struct {
	mac       mac.Addr
	permanent bool
	ours      bool
}

// holds reports whether the entry is what an admitted address must have.
func (n neighbourState) holds(m mac.Addr) bool { return n.mac == m && n.permanent && n.ours }

// neighbourChange sets an entry: permanent for an admitted device, else it goes. One that only aged would stay in a table
// that is the same for the whole machine and holds a thousand (neigh/default/gc_thresh3): who closes a full house would
// leave no room for anybody. A device that still speaks is asked for again.
type neighbourChange struct {
	addr      netip.Addr
	mac       mac.Addr
	permanent bool
}

// neighbourBatch is how many changes travel in one system call.
const neighbourBatch = 128

// setNeighbours makes the changes (rtnetlink(7)). Every change is tried; the error is the first one's.
func (f *Firewall) setNeighbours(list ...neighbourChange) error {
	if len(list) == 0 {
		return nil
	}
	index, err := interfaceIndex(f.cfg.Guest)
	if err != nil {
		return fmt.Errorf("%w: guests' %s", ErrNoInterface, f.cfg.Guest)
	}
	var first error
	for len(list) > 0 {
		n := min(len(list), neighbourBatch)
		msgs := make([]netlink.Message, n)
		for i, c := range list[:n] {
			if msgs[i], err = c.message(index); err != nil {
				return fmt.Errorf("encode neighbour: %w", err)
			}
		}
		if _, err := f.nd.SendMessages(msgs); err != nil {
			return fmt.Errorf("set neighbours: %w", err)
		}
		for acks := 0; acks < n; { // an error is one too
			got, err := f.nd.Receive()
			switch {
			case err == nil:
				acks += len(got)
				continue
			case errors.Is(err, unix.ENOENT): // it has gone already
				acks++
				continue
			case errors.As(err, new(*netlink.OpError)) && !errors.Is(err, unix.ENOBUFS):
				acks++
			default:
				return fmt.Errorf("set neighbours: %w", err)
			}
			if first == nil {
				first = fmt.Errorf("set neighbours: %w", err)
			}
		}
		list = list[n:]
	}
	return first
}

func (c neighbourChange) message(index uint32) (netlink.Message, error) {
	body := make([]byte, unix.SizeofNdMsg)
	body[0] = unix.AF_INET
	if c.addr.Is6() {
		body[0] = unix.AF_INET6
	}
	binary.NativeEndian.PutUint32(body[4:], index)
	ae := netlink.NewAttributeEncoder()
	ae.Bytes(unix.NDA_DST, c.addr.AsSlice())
	head := netlink.Header{Type: unix.RTM_DELNEIGH, Flags: netlink.Request | netlink.Acknowledge}
	if c.permanent {
		head.Type, head.Flags = unix.RTM_NEWNEIGH, head.Flags|netlink.Create|netlink.Replace
		binary.NativeEndian.PutUint16(body[8:], unix.NUD_PERMANENT)
		ae.Bytes(unix.NDA_LLADDR, c.mac[:])
		ae.Uint8(ndaProtocol, neighbourOurs)
	}
	attrs, err := ae.Encode()
	return netlink.Message{Header: head, Data: append(body, attrs...)}, err
}

// neighbours lists the guest interface's tables of both families.
func (f *Firewall) neighbours() (map[netip.Addr]neighbourState, error) {
	index := uint32(f.sides.guest.index)
	out := map[netip.Addr]neighbourState{}
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		body := make([]byte, unix.SizeofNdMsg)
		body[0] = family
		msgs, err := again(func() ([]netlink.Message, error) {
			return f.nd.Execute(netlink.Message{
				Header: netlink.Header{Type: unix.RTM_GETNEIGH, Flags: netlink.Request | netlink.Dump}, Data: body,
			})
		})
		if err != nil {
			return nil, fmt.Errorf("list neighbours: %w", err)
		}
		for _, m := range msgs {
			if n, ok := parseNeighbour(m.Data); ok && n.index == index {
				out[n.addr] = n.neighbourState
			}
		}
	}
	return out, nil
}

// liftNeighbours gives every permanent entry of ours back.
func (f *Firewall) liftNeighbours() error {
	index, err := interfaceIndex(f.cfg.Guest)
	if err != nil {
		return nil // they went with it
	}
	f.sides.guest.index = int(index)
	all, err := f.neighbours()
	if err != nil {
		return err
	}
	return f.setNeighbours(planNeighbours(nil, nil, kernel{neighbours: all})...)
}

// neighbourMessage is a decoded RTM_NEWNEIGH or RTM_DELNEIGH.
type neighbourMessage struct {
	neighbourState
	index uint32
	addr  netip.Addr
}

// parseNeighbour reads struct ndmsg and its attributes (linux/neighbour.h). It is false for what is no neighbour of an
// IP address.
func parseNeighbour(b []byte) (n neighbourMessage, ok bool) {
	if len(b) < unix.SizeofNdMsg || (b[0] != unix.AF_INET && b[0] != unix.AF_INET6) {
		return n, false
	}
	n.index = binary.NativeEndian.Uint32(b[4:])
	n.permanent = binary.NativeEndian.Uint16(b[8:])&unix.NUD_PERMANENT != 0
	ad, err := netlink.NewAttributeDecoder(b[unix.SizeofNdMsg:])
	if err != nil {
		return n, false
	}
	for ad.Next() {
		switch ad.Type() {
		case unix.NDA_DST:
			n.addr, _ = netip.AddrFromSlice(ad.Bytes())
		case unix.NDA_LLADDR:
			n.mac, _ = mac.From(ad.Bytes())
		case ndaProtocol:
			n.ours = len(ad.Bytes()) == 1 && ad.Bytes()[0] == neighbourOurs
		}
	}
	return n, ad.Err() == nil && n.addr.IsValid()
}
