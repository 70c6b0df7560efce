package firewall_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"parvis/firewall"
	"parvis/internal/lab"
)

// serve answers every connection with who it came from and then with what it is sent, over TCP and UDP.
func (tw *town) serve(t testing.TB, ns *lab.NS, address, greeting string) {
	t.Helper()
	must(t, in(ns, func() error {
		l, err := net.Listen("tcp4", address)
		if err != nil {
			return err
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					fmt.Fprintf(c, "%s %s\n", greeting, c.RemoteAddr())
					io.Copy(c, c)
				}()
			}
		}()
		u, err := net.ListenPacket("udp4", address)
		if err != nil {
			return err
		}
		t.Cleanup(func() { u.Close() })
		go func() {
			b := make([]byte, 2048)
			for {
				_, from, err := u.ReadFrom(b)
				if err != nil {
					return
				}
				u.WriteTo([]byte(from.String()), from)
			}
		}()
		return nil
	}))
}

// conn is a connection whose greeting was read.
type conn struct {
	net.Conn
	in       *bufio.Reader
	greeting string
}

// soon is more than anything here takes and less than a retransmitted SYN.
var soon = lab.Patient(900 * time.Millisecond)

func dial(ns *lab.NS, address string, patience time.Duration) (*conn, error) {
	var c net.Conn
	err := in(ns, func() (err error) {
		c, err = net.DialTimeout("tcp4", address, patience)
		return err
	})
	if err != nil {
		return nil, err
	}
	k := &conn{Conn: c, in: bufio.NewReader(c)}
	c.SetDeadline(time.Now().Add(patience))
	k.greeting, err = k.in.ReadString('\n')
	if err != nil {
		c.Close()
		return nil, err
	}
	return k, nil
}

func name(ns *lab.NS) string {
	if ns == nil {
		return "the router"
	}
	return ns.Name
}

// echo sends n bytes and reads them back.
func (c *conn) echo(n int) error {
	c.SetDeadline(time.Now().Add(soon))
	go c.Write(make([]byte, n))
	_, err := io.CopyN(io.Discard, c.in, int64(n))
	return err
}

// open expects that the machine reaches the server and returns the connection.
func open(t testing.TB, ns *lab.NS, address string) *conn {
	t.Helper()
	c, err := dial(ns, address, soon)
	if err != nil {
		t.Fatalf("%s does not reach %s: %v", name(ns), address, err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// refused expects that the connection is refused at once, by reset or by an ICMP answer.
func refused(t testing.TB, ns *lab.NS, address string) {
	t.Helper()
	c, err := dial(ns, address, soon)
	if err == nil {
		c.Close()
		t.Fatalf("%s reaches %s (%s)", ns.Name, address, strings.TrimSpace(c.greeting))
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatalf("%s to %s: no answer for %v; want a refusal at once", ns.Name, address, soon)
	}
}

// unreached expects that nothing comes back or a refusal does.
func unreached(t testing.TB, ns *lab.NS, address string) {
	t.Helper()
	if c, err := dial(ns, address, soon/3); err == nil {
		c.Close()
		t.Fatalf("%s reaches %s (%s)", ns.Name, address, strings.TrimSpace(c.greeting))
	}
}

func usageOf(t testing.TB, fw *firewall.Firewall, slot uint16) firewall.Usage {
	t.Helper()
	all, err := fw.Usage()
	must(t, err)
	for _, u := range all {
		if u.Slot == slot {
			return u
		}
	}
	t.Fatalf("slot %#x is not among %v", slot, all)
	return firewall.Usage{}
}
