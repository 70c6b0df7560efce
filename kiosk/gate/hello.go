package gate

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

// longestHello bounds what is read until a ClientHello is complete: one TLS record (RFC 8446 §5.1) holds the largest that browsers
// send, keys that withstand quantum computers and a hidden name included.
const longestHello = 5 + 16<<10

// errHello says that what came is no ClientHello, or one without a server name.
var errHello = errors.New("gate: no TLS ClientHello with a server name")

// readHello reads a ClientHello, in however many segments and records, and returns its server name (RFC 6066 §3) and every byte
// that it took. Where the true name is encrypted (ECH, RFC 9849) the name is the outer one, by which the connection is known to
// everybody on its way.
func readHello(r io.Reader) (name string, taken []byte, err error) {
	c := &listening{from: r}
	seen := errors.New("seen")
	err = tls.Server(c, &tls.Config{
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			name = hello.ServerName
			return nil, seen
		},
	}).Handshake()
	if !errors.Is(err, seen) || name == "" {
		return "", nil, errHello
	}
	return name, c.taken.Bytes(), nil
}

// listening is a connection that only hears: crypto/tls reads the hello from it and gets to say nothing.
type listening struct {
	from  io.Reader
	taken bytes.Buffer
}

func (l *listening) Read(b []byte) (int, error) {
	room := longestHello - l.taken.Len()
	if room <= 0 {
		return 0, errHello
	}
	n, err := l.from.Read(b[:min(len(b), room)])
	l.taken.Write(b[:n])
	return n, err
}

func (l *listening) Write(b []byte) (int, error)      { return len(b), nil }
func (l *listening) Close() error                     { return nil }
func (l *listening) LocalAddr() net.Addr              { return nil }
func (l *listening) RemoteAddr() net.Addr             { return nil }
func (l *listening) SetDeadline(time.Time) error      { return nil }
func (l *listening) SetReadDeadline(time.Time) error  { return nil }
func (l *listening) SetWriteDeadline(time.Time) error { return nil }

// accessDenied is the fatal alert of that name (RFC 8446 §6.2): a browser that gets it says so at once, and does not try again.
var accessDenied = []byte{21, 3, 3, 0, 2, 2, 49}
