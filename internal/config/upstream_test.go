package config_test

import (
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// upstream is a resolver that knows no name and notes each that it is asked for.
type upstream struct {
	conn  net.PacketConn
	mu    sync.Mutex
	asked []string
}

// listen starts it on the router's loopback, in the namespace that it is called in.
func listen(t *testing.T) (*upstream, error) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.9:53")
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { conn.Close() })
	u := &upstream{conn: conn}
	go u.serve()
	return u, nil
}

func (u *upstream) serve() {
	buf := make([]byte, 1500)
	for {
		n, from, err := u.conn.ReadFrom(buf)
		if err != nil {
			return // closed
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		u.mu.Lock()
		u.asked = append(u.asked, strings.ToLower(m.Questions[0].Name.String()))
		u.mu.Unlock()
		m.Response, m.RCode, m.Additionals = true, dnsmessage.RCodeNameError, nil
		if b, err := m.Pack(); err == nil {
			_, _ = u.conn.WriteTo(b, from)
		}
	}
}

func (u *upstream) names() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return append([]string(nil), u.asked...)
}
