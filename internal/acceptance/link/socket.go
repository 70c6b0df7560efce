package link

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"parvis/internal/mac"
	"parvis/internal/packet"
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
	f, err := packet.Listen(i.Index, unix.ETH_P_ALL, nil, packet.IgnoreOutgoing)
	if err != nil {
		return nil, fmt.Errorf("link: listen on %s: %w", iface, err)
	}
	return &Socket{f, newDecoder()}, nil
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
