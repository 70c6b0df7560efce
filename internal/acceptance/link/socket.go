package link

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"parvis/internal/mac"
)

// Socket hears and sends frames of one interface.
type Socket struct {
	file *os.File
	dec  *decoder
}

// Open listens on an interface. It needs CAP_NET_RAW.
func Open(iface string) (*Socket, error) {
	i, err := net.InterfaceByName(iface)
	if err != nil {
		return nil, fmt.Errorf("link: listen on %s: %w", iface, err)
	}
	const everything = unix.ETH_P_ALL
	network := binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, everything)) // htons(3)
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("link: listen on %s: %w", iface, err)
	}
	// Advertisements go to a group that we are no member of.
	all := unix.PacketMreq{Ifindex: int32(i.Index), Type: unix.PACKET_MR_ALLMULTI}
	err = errors.Join(
		unix.SetsockoptPacketMreq(fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &all),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: network, Ifindex: i.Index}),
	)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("link: listen on %s: %w", iface, err)
	}
	return &Socket{os.NewFile(uintptr(fd), "packet socket"), newDecoder()}, nil
}

// Close ends a Listen that waits.
func (s *Socket) Close() error { return s.file.Close() }

// Listen hands over what is heard until ctx ends or see returns false.
func (s *Socket) Listen(ctx context.Context, see func(Sighting) bool) error {
	defer context.AfterFunc(ctx, func() { s.file.SetReadDeadline(time.Unix(1, 0)) })()
	b := make([]byte, 2048) // longer frames are cut, and their beginning is what counts
	for {
		n, err := s.file.Read(b)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("link: listen: %w", err)
		}
		if found, ok := s.dec.read(b[:n]); ok && !see(found) {
			return nil
		}
	}
}

// Solicit asks who gives addresses here.
func (s *Socket) Solicit() error {
	var m mac.Addr
	var id [4]byte
	rand.Read(m[:]) // never fails since Go 1.24
	rand.Read(id[:])
	m[0] = m[0]&^1 | 2 // of one device, locally administered (IEEE 802)
	frame, err := discover(m, binary.NativeEndian.Uint32(id[:]))
	if err == nil {
		_, err = s.file.Write(frame)
	}
	if err != nil {
		return fmt.Errorf("link: ask for an address: %w", err)
	}
	return nil
}
