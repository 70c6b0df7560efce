package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// stamped is a TCP connection that knows when the kernel received the last bytes that were read (SO_TIMESTAMPNS, socket(7)): a
// full machine may hand them over much later.
type stamped struct {
	net.Conn
	raw  syscall.RawConn
	last atomic.Int64 // nanoseconds of the Unix epoch
}

func newStamped(c net.Conn) (*stamped, error) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil, fmt.Errorf("stamp a connection: it is a %T", c)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil, err
	}
	var set error
	err = raw.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) })
	if err == nil {
		err = set
	}
	return &stamped{Conn: c, raw: raw}, err
}

// Read is net.Conn's, by recvmsg(2).
func (s *stamped) Read(b []byte) (n int, err error) {
	oob := make([]byte, unix.CmsgSpace(int(unsafe.Sizeof(unix.Timespec{}))))
	var control int
	wait := s.raw.Read(func(fd uintptr) bool {
		n, control, _, _, err = unix.Recvmsg(int(fd), b, oob, 0)
		return err != unix.EAGAIN
	})
	switch {
	case wait != nil:
		return 0, wait
	case err != nil:
		return 0, os.NewSyscallError("recvmsg", err)
	case n == 0 && len(b) > 0:
		return 0, io.EOF
	}
	messages, err := unix.ParseSocketControlMessage(oob[:control])
	if err != nil {
		return n, err
	}
	for _, m := range messages {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})) {
			s.last.Store((*unix.Timespec)(unsafe.Pointer(&m.Data[0])).Nano())
		}
	}
	return n, nil
}

// at is when the last bytes came; the zero time before any.
func (s *stamped) at() time.Time {
	if n := s.last.Load(); n != 0 {
		return time.Unix(0, n)
	}
	return time.Time{}
}

// stampedClient makes the client's connections stamped; the last one that was made is given to made.
func stampedClient(c *http.Client, made func(*stamped)) *http.Client {
	transport := c.Transport.(*http.Transport)
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		s, err := newStamped(conn)
		if err != nil {
			conn.Close()
			return nil, err
		}
		made(s)
		return s, nil
	}
	return c
}
