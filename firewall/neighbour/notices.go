package neighbour

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/mdlayher/netlink"
	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"parvis/internal/mac"
)

// notices is what the kernel tells by itself (rtnetlink(7)).
type notices struct {
	conn   *netlink.Conn
	name   string       // of the guests' interface
	bridge atomic.Int64 // its index
}

func listenNotices(name string) (*notices, error) {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return nil, fmt.Errorf("rtnetlink: %w", err)
	}
	// A hundred phones that change over to another access point at once.
	err = conn.SetReadBuffer(1 << 20)
	for _, g := range []uint32{unix.RTNLGRP_LINK, unix.RTNLGRP_NEIGH, unix.RTNLGRP_IPV6_IFADDR} {
		if err == nil {
			err = conn.JoinGroup(g)
		}
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("subscribe to rtnetlink: %w", err)
	}
	return &notices{conn: conn, name: name}, nil
}

func (n *notices) close() { n.conn.Close() }

// read tells what comes until the socket is closed.
func (n *notices) read(tell func(observation)) {
	for {
		msgs, err := n.conn.Receive()
		switch {
		case err == nil:
		case errors.Is(err, unix.ENOBUFS):
			tell(observation{what: lost})
			continue
		case errors.Is(err, os.ErrClosed) || errors.Is(err, unix.EBADF):
			return
		default:
			continue
		}
		for _, m := range msgs {
			if o, ok := n.notice(uint16(m.Header.Type), m.Data); ok {
				tell(o)
			}
		}
	}
}

// notice reads one message. What is cut short or about something else is none.
func (n *notices) notice(typ uint16, b []byte) (observation, bool) {
	switch typ {
	case unix.RTM_NEWNEIGH, unix.RTM_DELNEIGH:
		if len(b) < unix.SizeofNdMsg || b[0] != unix.AF_BRIDGE {
			return observation{}, false
		}
		entry, err := readEntry(b)
		if err != nil {
			return observation{}, false
		}
		o, ok := atPort(entry, n.bridge.Load())
		if typ == unix.RTM_DELNEIGH {
			o.port = 0
		}
		return o, ok
	case unix.RTM_NEWLINK, unix.RTM_DELLINK:
		// A bridge tells of its ports in messages of another family.
		return observation{what: linked}, len(b) >= unix.SizeofIfInfomsg && b[0] == unix.AF_UNSPEC && (n.isGuests(b) || n.isNamed(b))
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
		return observation{what: linked}, len(b) >= unix.SizeofIfAddrmsg && n.isGuests(b)
	}
	return observation{}, false
}

// isGuests reports whether the message is about the guests' interface: its index is at the same place in struct ifinfomsg
// and struct ifaddrmsg.
func (n *notices) isGuests(b []byte) bool {
	return int64(binary.NativeEndian.Uint32(b[4:])) == n.bridge.Load()
}

// isNamed reports whether the link has the name of the guests' interface, such as one that takes its place.
func (n *notices) isNamed(b []byte) bool {
	attrs, err := netlink.NewAttributeDecoder(b[unix.SizeofIfInfomsg:])
	if err != nil {
		return false
	}
	for attrs.Next() {
		if attrs.Type() == unix.IFLA_IFNAME {
			return attrs.String() == n.name
		}
	}
	return false
}

// readEntry reads struct ndmsg and its attributes (linux/neighbour.h), whatever their length claims to be.
func readEntry(b []byte) (nl.Neigh, error) {
	e := nl.Neigh{
		LinkIndex: int(binary.NativeEndian.Uint32(b[4:])), State: int(binary.NativeEndian.Uint16(b[8:])), Flags: int(b[10]),
	}
	attrs, err := netlink.NewAttributeDecoder(b[unix.SizeofNdMsg:])
	if err != nil {
		return e, err
	}
	for attrs.Next() {
		switch attrs.Type() {
		case unix.NDA_LLADDR:
			e.HardwareAddr = attrs.Bytes()
		case unix.NDA_MASTER:
			e.MasterIndex = int(attrs.Uint32())
		}
	}
	return e, attrs.Err()
}

// atPort reads an entry of the bridge's forwarding table: one that was learnt, not the ports' own addresses.
func atPort(n nl.Neigh, bridge int64) (observation, bool) {
	m, ok := mac.From(n.HardwareAddr)
	if !ok || int64(n.MasterIndex) != bridge || n.State&unix.NUD_PERMANENT != 0 || n.Flags&unix.NTF_SELF != 0 {
		return observation{}, false
	}
	return observation{what: learnt, sighting: sighting{mac: m}, port: n.LinkIndex}, true
}

// interfaceName is if_indextoname(3).
func interfaceName(index int) (string, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("")
	if err != nil {
		return "", err
	}
	req.SetUint32(uint32(index))
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFNAME, req); err != nil {
		return "", err
	}
	return req.Name(), nil
}
