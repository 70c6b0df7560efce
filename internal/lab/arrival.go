package lab

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// arriving is a connection that knows, once it has ended, when the kernel received its last bytes, to some milliseconds
// (tcpi_last_data_recv of TCP_INFO, tcp(7)): who reads them late does not move it, and bytes that nobody reads any more count.
type arriving struct {
	*net.TCPConn

	once sync.Once
	last time.Time // the zero time where the kernel does not say
}

// Read is net.Conn's.
func (a *arriving) Read(b []byte) (int, error) {
	n, err := a.TCPConn.Read(b)
	if err != nil {
		a.over()
	}
	return n, err
}

// Close is net.Conn's.
func (a *arriving) Close() error {
	a.over()
	return a.TCPConn.Close()
}

// over asks the kernel for the last time, while there is a socket to ask.
func (a *arriving) over() {
	a.once.Do(func() {
		raw, err := a.SyscallConn()
		if err != nil {
			return
		}
		_ = raw.Control(func(fd uintptr) { // an error: it was closed meanwhile
			if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
				a.last = time.Now().Add(-time.Duration(info.Last_data_recv) * time.Millisecond)
			}
		})
	})
}

type connKey struct{}

// withConn keeps the connection of a request where its handler finds it.
func withConn(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return context.WithValue(ctx, connKey{}, c)
}

// lastArrival is when the last bytes came on the connection of a request; what comes later on it is not told any more.
func lastArrival(ctx context.Context) time.Time {
	a, ok := ctx.Value(connKey{}).(*arriving)
	if !ok {
		return time.Time{}
	}
	a.over()
	return a.last
}
