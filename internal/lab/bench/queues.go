package bench

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"parvis/internal/lab"
)

// oneClass puts HTB with a single class of the rate, in bits per second, on an interface: what shaping costs without a portal.
func oneClass(ns *lab.NS, dev string, rate uint64) error {
	return onLink(ns, dev, func(link nl.Link) error {
		root := nl.NewHtb(nl.QdiscAttrs{LinkIndex: link.Attrs().Index, Parent: nl.HANDLE_ROOT, Handle: nl.MakeHandle(1, 0)})
		root.Defcls, root.Rate2Quantum = 2, 1000
		class := nl.NewHtbClass(
			nl.ClassAttrs{LinkIndex: link.Attrs().Index, Handle: nl.MakeHandle(1, 2), Parent: nl.MakeHandle(1, 0)},
			nl.HtbClassAttrs{Rate: rate, Ceil: rate, Buffer: 1 << 22, Cbuffer: 1 << 22, Quantum: 1514},
		)
		if err := nl.QdiscAdd(root); err != nil {
			return err
		}
		return nl.ClassAdd(class)
	})
}

// dropRoot takes the interface's queue away, and its classes with it; none is none.
func dropRoot(ns *lab.NS, dev string) error {
	return onLink(ns, dev, func(link nl.Link) error {
		root := nl.NewHtb(nl.QdiscAttrs{LinkIndex: link.Attrs().Index, Parent: nl.HANDLE_ROOT, Handle: nl.MakeHandle(1, 0)})
		if err := nl.QdiscDel(root); err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EINVAL) {
			return err
		}
		return nil
	})
}

func onLink(ns *lab.NS, dev string, f func(nl.Link) error) error {
	err := ns.Do(func() error {
		link, err := nl.LinkByName(dev)
		if err != nil {
			return err
		}
		return f(link)
	})
	if err != nil {
		return fmt.Errorf("bench: %s of %s: %w", dev, ns.Name, err)
	}
	return nil
}

// segments makes a machine's sender cut its own TCP into frames of the link's size, as a router sees them, in place of
// passing 64 KB at once: TSO, GSO and GRO off (linux/ethtool.h).
func segments(ns *lab.NS, dev string) error {
	const setTSO, setGSO, setGRO = 0x1f, 0x24, 0x2c
	err := ns.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		for _, command := range []uint32{setTSO, setGSO, setGRO} {
			value := [2]uint32{command, 0} // struct ethtool_value
			data := struct {
				name [unix.IFNAMSIZ]byte
				data unsafe.Pointer
				_    [16]byte
			}{data: unsafe.Pointer(&value)}
			copy(data.name[:unix.IFNAMSIZ-1], dev)
			if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&data))); errno != 0 {
				return errno
			}
			runtime.KeepAlive(&value)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("bench: switch offloads of %s off: %w", ns.Name, err)
	}
	return nil
}
