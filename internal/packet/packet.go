// Package packet opens packet sockets (packet(7)): whole frames of one interface. It needs CAP_NET_RAW.
package packet

import (
	"encoding/binary"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Option is set before the first frame is heard.
type Option func(fd int) error

// IgnoreOutgoing leaves out what this machine itself sends.
func IgnoreOutgoing(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
		return fmt.Errorf("ignore what goes out: %w", err)
	}
	return nil
}

// Listen opens a packet socket for one protocol on one interface, behind a filter that the kernel runs; nil: none. The file's Read
// and Write are of whole frames, and Close ends a Read that waits.
func Listen(index int, protocol uint16, filter []bpf.Instruction, options ...Option) (*os.File, error) {
	// Protocol 0 hears nothing: the filter is there before the first frame.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	if err := prepare(fd, index, protocol, filter, options); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), "packet socket"), nil
}

func prepare(fd, index int, protocol uint16, filter []bpf.Instruction, options []Option) error {
	for _, o := range options {
		if err := o(fd); err != nil {
			return err
		}
	}
	if filter != nil {
		raw, err := bpf.Assemble(filter)
		if err != nil {
			return fmt.Errorf("assemble filter: %w", err)
		}
		// bpf.RawInstruction is laid out as struct sock_filter.
		prog := unix.SockFprog{Len: uint16(len(raw)), Filter: (*unix.SockFilter)(unsafe.Pointer(&raw[0]))}
		if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &prog); err != nil {
			return fmt.Errorf("attach filter: %w", err)
		}
	}
	// Questions of duplicate address detection go to groups that we are no member of.
	all := unix.PacketMreq{Ifindex: int32(index), Type: unix.PACKET_MR_ALLMULTI}
	if err := unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &all); err != nil {
		return fmt.Errorf("hear all groups: %w", err)
	}
	network := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, protocol)) // htons(3): routers of both orders exist
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: network, Ifindex: index}); err != nil {
		return fmt.Errorf("bind packet socket: %w", err)
	}
	return nil
}
