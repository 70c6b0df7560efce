package gate_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"parvis/kiosk/gate"
	"parvis/kiosk/names"
)

// hello is what a browser sends first to a server; "" sends no name.
func hello(t *testing.T, server string) []byte {
	t.Helper()
	here, there := net.Pipe()
	defer here.Close()
	go tls.Client(there, &tls.Config{ServerName: server, InsecureSkipVerify: true}).Handshake()
	defer there.Close()
	b := make([]byte, 64<<10)
	here.SetReadDeadline(time.Now().Add(soon))
	n, err := here.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// denied reads to the end and reports whether it was the alert of a refusal and no more.
func denied(t *testing.T, c io.Reader) bool {
	t.Helper()
	b, err := io.ReadAll(c)
	if err != nil {
		t.Errorf("reading the refusal: %v", err)
	}
	return bytes.Equal(b, []byte{21, 3, 3, 0, 2, 2, 49})
}

func TestTheServerNameInsideMustBeAllowedToo(t *testing.T) {
	w := newWorld(t, nil)
	for _, tc := range []struct {
		server string
		ok     bool
	}{{"www.caf.fr", true}, {"other.caf.fr", true}, {"evil.example", false}, {"evilcaf.fr", false}} {
		before := len(w.whys())
		c, err := w.tunnel("www.caf.fr", tc.server)
		if (err == nil) != tc.ok {
			t.Errorf("server name %s: %v", tc.server, err)
		}
		if !tc.ok {
			if got := w.whys()[before:]; !slices.Equal(got, []gate.Why{gate.NotAllowed}) || !strings.Contains(err.Error(), "access denied") {
				t.Errorf("server name %s: %v, %v", tc.server, got, err)
			}
		}
		c.Close()
	}
	w.until("refused tunnels are gone", func() bool { return w.gate.Flows() == 0 })
}

func TestWhatIsNoTLSInsideATunnel(t *testing.T) {
	got := make(chan []byte, 10)
	w := newWorld(t, nil)
	w.to[443] = sink(t, got)
	ech := hello(t, "www.caf.fr")
	for what, text := range map[string][]byte{
		"plain HTTP":                   []byte("GET / HTTP/1.1\r\nHost: www.caf.fr\r\n\r\n"),
		"ssh":                          []byte("SSH-2.0-OpenSSH_9.2\r\n"),
		"no server name":               hello(t, ""),
		"an address for a server name": bytes.Replace(hello(t, "www.caf.fr"), []byte("www.caf.fr"), []byte("203.0.0.10"), 1),
		"two server names":             twice(t),
		"a hello that is cut short":    ech[:len(ech)-1],
		"a record that never ends":     append([]byte{22, 3, 1, 0x3f, 0xff, 1, 0, 0x3f, 0xfb}, make([]byte, 20<<10)...),
		"a name that ends with a dot":  bytes.Replace(hello(t, "www.caf.fr"), []byte("www.caf.fr"), []byte("www.caf.f."), 1),
	} {
		c := w.connect("www.caf.fr")
		if _, err := c.Write(text); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		c.CloseWrite()
		if !denied(t, c) {
			t.Errorf("%s passes", what)
		}
	}
	w.until("refused tunnels are gone", func() bool { return w.gate.Flows() == 0 })
	w.until("the site has seen the end of each", func() bool { return len(got) == 8 })
	for range 8 {
		if b := <-got; len(b) > 0 {
			t.Errorf("the site was sent %q", b)
		}
	}
}

// sink accepts connections and tells what each has sent until its end.
func sink(t *testing.T, got chan<- []byte) string {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b, _ := io.ReadAll(c)
				got <- b
			}()
		}
	}()
	return ln.Addr().String()
}

// twice is a hello whose list has two host names (RFC 6066 §3 forbids it): which one a server takes is anybody's guess. The second
// takes the room of the first's end, so that all lengths stay right.
func twice(t *testing.T) []byte {
	t.Helper()
	const long = "www.caf.fr.aaa.evil.example"
	b := hello(t, long)
	i := bytes.Index(b, []byte(long))
	// type (1), length (2), name: the first's length is at i-2
	b[i-1] = 10
	copy(b[i+10:], []byte{0, 0, byte(len(long) - 13)})
	return b
}

func TestAHelloMayComeInPieces(t *testing.T) {
	w := newWorld(t, nil)
	c := w.connect("www.caf.fr")
	c.SetNoDelay(true)
	client := tls.Client(pieces{c}, w.tls("www.caf.fr"))
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	io.WriteString(client, "GET / HTTP/1.1\r\nHost: www.caf.fr\r\nConnection: close\r\n\r\n")
	if b, err := io.ReadAll(client); err != nil || !strings.Contains(string(b), "hello from www.caf.fr") {
		t.Errorf("%q, %v", b, err)
	}
}

// pieces writes a few bytes at a time.
type pieces struct{ *net.TCPConn }

func (p pieces) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		var m int
		m, err = p.TCPConn.Write(b[:min(7, len(b))])
		n, b = n+m, b[m:]
	}
	return n, err
}

func TestAHelloMayComeBeforeTheAnswer(t *testing.T) {
	w := newWorld(t, nil)
	c := w.dial(postIP, w.proxy)
	c.Write(append([]byte("CONNECT www.caf.fr:443 HTTP/1.1\r\nHost: www.caf.fr:443\r\n\r\n"), hello(t, "evil.example")...))
	r := bufio.NewReader(c)
	if resp, err := http.ReadResponse(r, &http.Request{Method: "CONNECT"}); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", resp, err)
	}
	if !denied(t, r) {
		t.Error("a name that is not allowed passes before the answer")
	}
}

func TestTheNameIsResolvedOnceAndLookedAtAgainAtTheDial(t *testing.T) {
	w := newWorld(t, nil)
	if c, err := w.tunnel("www.caf.fr", "other.caf.fr"); err != nil {
		t.Fatal(err)
	} else {
		c.Close()
	}
	if w.asked != 1 || len(w.dials()) != 1 || w.dials()[0].Addr() != caf {
		t.Errorf("asked %d times, dialled %v", w.asked, w.dials())
	}
	// The router gets an address between the check of the answer and the dial: the dialler's own look refuses it.
	w.own = caf
	looks := 0
	w.ownAfter(func() bool { looks++; return looks > 1 })
	if status, _, _ := w.ask(postIP, "CONNECT www.caf.fr:443 HTTP/1.1\r\nHost: www.caf.fr:443\r\n\r\n"); status != http.StatusForbidden {
		t.Errorf("an address that has become ours: %d", status)
	}
	if looks < 2 || len(w.dials()) != 1 {
		t.Errorf("looked %d times, dialled %v", looks, w.dials())
	}
}

func TestTheRelayGoesByTheServerName(t *testing.T) {
	w := newWorld(t, nil)
	w.gate.Garden(names.List{"www.caf.fr"})
	for _, tc := range []struct {
		what, server string
		ok           bool
	}{{"in the garden", "www.caf.fr", true}, {"not in the garden", "other.caf.fr", false}, {"elsewhere", "evil.example", false}} {
		c := tls.Client(w.dial(otherIP, w.relay), w.tls(tc.server))
		if err := c.Handshake(); (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.what, err)
		}
		c.Close()
	}
	c := w.dial(otherIP, w.relay)
	c.Write(hello(t, ""))
	if !denied(t, c) {
		t.Error("a hello without a name passes the relay")
	}
	if got, want := w.whys(), []gate.Why{gate.NoGrant, gate.NoGrant, gate.NotTLS}; !slices.Equal(got, want) {
		t.Errorf("refused: %v, want %v", got, want)
	}
	if status, _, _ := w.ask(otherIP, "CONNECT www.caf.fr:443 HTTP/1.1\r\nHost: www.caf.fr:443\r\n\r\n"); status != http.StatusForbidden {
		t.Errorf("the garden is open by the proxy too: %d", status)
	}
}

func TestTheRelayGoesByHost(t *testing.T) {
	w := newWorld(t, nil)
	w.put(gate.Grant{Slot: 17, MAC: other, IPv4: otherIP, End: w.clock.Boot().Add(time.Hour), Profile: "jeunesse"})
	w.gate.AllowProfile("jeunesse", names.List{"www.caf.fr"})
	for text, want := range map[string]int{
		"GET / HTTP/1.1\r\nHost: www.caf.fr\r\n\r\n":                       http.StatusOK,
		"GET / HTTP/1.1\r\nHost: www.caf.fr:80\r\n\r\n":                    http.StatusOK,
		"GET / HTTP/1.1\r\nHost: www.caf.fr:8080\r\n\r\n":                  http.StatusForbidden,
		"GET / HTTP/1.1\r\nHost: other.caf.fr\r\n\r\n":                     http.StatusForbidden,
		"GET / HTTP/1.1\r\nHost: 203.0.113.10\r\n\r\n":                     http.StatusForbidden,
		"GET / HTTP/1.0\r\n\r\n":                                           http.StatusForbidden,
		"GET http://evil.example/ HTTP/1.1\r\nHost: www.caf.fr\r\n\r\n":    http.StatusForbidden,
		"GET / HTTP/1.1\r\nHost: www.caf.fr\r\nHost: evil.example\r\n\r\n": http.StatusBadRequest,
		"CONNECT www.caf.fr:443 HTTP/1.1\r\nHost: www.caf.fr:443\r\n\r\n":  http.StatusBadRequest,
	} {
		c := w.dial(otherIP, w.plain)
		io.WriteString(c, text)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != want {
			t.Errorf("%q: %v, %v, want %d", text, resp, err, want)
		}
		c.Close()
	}
}
