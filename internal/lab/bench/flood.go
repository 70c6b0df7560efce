package bench

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"time"
	"unsafe"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"parvis/internal/lab"
)

// nowhere is an address that no machine of the lab owns (RFC 5737): the host beyond the line counts what is sent to it at
// its interface and drops it without an answer, since it does not forward.
var nowhere = netip.MustParseAddr("192.0.2.1")

// shortest is a frame of 64 bytes on the wire: its check sequence of four is never in memory.
const shortest = 60

// frame builds a UDP datagram to nowhere, filled up to size bytes.
func frame(from net.HardwareAddr, ip netip.Addr, port uint16, size int) ([]byte, error) {
	eth := layers.Ethernet{SrcMAC: from, DstMAC: lab.BridgeMAC, EthernetType: layers.EthernetTypeIPv4}
	ip4 := layers.IPv4{Version: 4, IHL: 5, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: ip.AsSlice(), DstIP: nowhere.AsSlice()}
	udp := layers.UDP{SrcPort: layers.UDPPort(port), DstPort: 9} // discard
	if err := udp.SetNetworkLayerForChecksum(&ip4); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	buf := gopacket.NewSerializeBuffer()
	const headers = 14 + 20 + 8
	payload := gopacket.Payload(make([]byte, size-headers))
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, &eth, &ip4, &udp, payload); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return buf.Bytes(), nil
}

// batch is how many frames one system call sends: well below the 1,000 that a processor queues for the receiving end of a cable.
const batch = 32

// mmsghdr is the kernel's (sendmmsg(2)).
type mmsghdr struct {
	unix.Msghdr
	sent uint32
	_    [4]byte
}

// flood sends prepared frames as fast as the path takes them. Over virtual cables the sender's own system call carries each frame
// through the router to the receiver, so the rate is one over the cost of the whole path.
type flood struct {
	fd   int
	iov  []unix.Iovec
	msgs []mmsghdr
	data [][]byte // keeps what iov points at
}

// newFlood opens a packet socket on the device's eth0 that passes by its own queue (PACKET_QDISC_BYPASS, packet(7)).
func newFlood(ns *lab.NS, frames ...[]byte) (*flood, error) {
	f := &flood{fd: -1, data: frames}
	err := ns.Do(func() (err error) {
		link, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		if f.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		return errors.Join(
			unix.Bind(f.fd, &unix.SockaddrLinklayer{Ifindex: link.Index}),
			unix.SetsockoptInt(f.fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1),
		)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bench: open flood: %w", err), f.close())
	}
	n := max(batch, len(frames))
	f.iov, f.msgs = make([]unix.Iovec, n), make([]mmsghdr, n)
	for i := range n {
		b := frames[i%len(frames)]
		f.iov[i].Base = &b[0]
		f.iov[i].SetLen(len(b))
		f.msgs[i].Iov = &f.iov[i]
		f.msgs[i].SetIovlen(1)
	}
	return f, nil
}

// once sends every prepared frame, or batch of them.
func (f *flood) once() error {
	for sent := 0; sent < len(f.msgs); {
		k, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(f.fd), uintptr(unsafe.Pointer(&f.msgs[sent])), uintptr(len(f.msgs)-sent), 0, 0, 0)
		switch errno {
		case 0:
			sent += int(k)
		case unix.EINTR:
		case unix.ENOBUFS, unix.EAGAIN: // the cable's queue is full: the next batch
			return nil
		default:
			return fmt.Errorf("bench: flood: %w", errno)
		}
	}
	return nil
}

// run sends for d and returns how many frames per second arrived where count counts. Time in which this thread waited for a processor is
// taken off: other programs of the machine weigh less on the figure then.
func (f *flood) run(d time.Duration, count func() (uint64, error)) (perSecond float64, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := f.once(); err != nil { // a first batch resolves neighbours and makes the connection
		return 0, err
	}
	before, err := count()
	if err != nil {
		return 0, err
	}
	begun, waited := time.Now(), waitedForProcessor()
	for time.Since(begun) < d {
		if err := f.once(); err != nil {
			return 0, err
		}
	}
	took := time.Since(begun) - (waitedForProcessor() - waited)
	after, err := count()
	if err != nil {
		return 0, err
	}
	if after == before {
		return 0, errors.New("bench: flood: nothing arrived")
	}
	return float64(after-before) / took.Seconds(), nil
}

// waitedForProcessor is how long the calling thread has been ready without running so far (Documentation/scheduler/sched-stats.rst,
// /proc/<pid>/schedstat); 0 where the kernel does not say.
func waitedForProcessor() time.Duration {
	b, err := os.ReadFile("/proc/thread-self/schedstat")
	if err != nil {
		return 0
	}
	var ran, waited int64
	if _, err := fmt.Sscan(string(b), &ran, &waited); err != nil {
		return 0
	}
	return time.Duration(waited)
}

func (f *flood) close() error {
	if f.fd < 0 {
		return nil
	}
	return unix.Close(f.fd)
}

// counter reads what an interface of a machine has received.
type counter struct {
	rt   *nl.Handle
	link int
}

func newCounter(ns *lab.NS, dev string) (*counter, error) {
	c := &counter{}
	err := ns.Do(func() (err error) {
		if c.rt, err = nl.NewHandle(unix.NETLINK_ROUTE); err != nil {
			return err
		}
		link, err := c.rt.LinkByName(dev)
		if err == nil {
			c.link = link.Attrs().Index
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("bench: count at %s: %w", dev, err)
	}
	return c, nil
}

func (c *counter) read() (packets, bytes uint64, err error) {
	link, err := c.rt.LinkByIndex(c.link)
	if err != nil {
		return 0, 0, fmt.Errorf("bench: count: %w", err)
	}
	s := link.Attrs().Statistics
	return s.RxPackets, s.RxBytes, nil
}

func (c *counter) packets() (uint64, error) {
	p, _, err := c.read()
	return p, err
}

func (c *counter) close() { c.rt.Close() }
