package lab

import (
	"errors"
	"fmt"

	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A device that roams has a switch of its own between its eth0 and two cables to two ports of the guest bridge, as two access
// points are. One of the cables is plugged in. The device notices nothing of a move: no carrier is lost.
const roamSwitch = "air"

func uplink(n int) string { return fmt.Sprintf("ap%d", n) }

// second is the name of the other port.
func (g *Guest) second() string { return g.Port + "b" }

func (g *Guest) roams() error {
	err := errors.Join(
		g.NS.bridge(roamSwitch, nil),
		veth(g.NS, "eth0", g.MAC, g.NS, "antenna"),
		veth(g.NS, uplink(0), nil, g.town.Router, g.Port),
		veth(g.NS, uplink(1), nil, g.town.Router, g.second()),
	)
	if err != nil {
		return err
	}
	for _, d := range []string{roamSwitch, "antenna", uplink(0), uplink(1)} { // they are no devices of the link
		if err := g.NS.sysctl("net/ipv6/conf/"+d+"/disable_ipv6", "1"); err != nil {
			return err
		}
	}
	return errors.Join(
		g.town.Router.plug(g.second(), g.town.ports.Guests),
		g.NS.plug("antenna", roamSwitch),
		g.NS.plug(uplink(0), roamSwitch),
	)
}

// Roam moves a device that roams to its first (0) or second (1) port. The new one announces it to the switches, as access points
// do: an empty LLC XID (IEEE 802.2) to everybody, in the device's name.
func (g *Guest) Roam(to int) error {
	return g.NS.Do(func() error {
		from, err := nl.LinkByName(uplink(1 - to))
		if err != nil {
			return fmt.Errorf("lab: guest %s: roam: %w", g.Name, err)
		}
		near, err := nl.LinkByName(uplink(to))
		if err != nil {
			return fmt.Errorf("lab: guest %s: roam: %w", g.Name, err)
		}
		sw, err := nl.LinkByName(roamSwitch)
		if err != nil {
			return fmt.Errorf("lab: guest %s: roam: %w", g.Name, err)
		}
		if err := errors.Join(nl.LinkSetNoMaster(from), nl.LinkSetMaster(near, sw)); err != nil {
			return fmt.Errorf("lab: guest %s: roam: %w", g.Name, err)
		}
		frame := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, g.MAC...)
		return sendFrame(near.Attrs().Index, append(frame, 0, 6, 0, 1, 0xaf, 0x81, 1, 0))
	})
}

// sendFrame sends one frame out of an interface of the calling thread's machine.
func sendFrame(index int, frame []byte) error {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("lab: send frame: %w", err)
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: index}); err != nil {
		return fmt.Errorf("lab: send frame: %w", err)
	}
	return nil
}
