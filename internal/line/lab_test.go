package line_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"parvis/internal/clock"
	"parvis/internal/lab"
	"parvis/internal/line"
)

const (
	lookEvery = 300 * time.Millisecond
	server    = "198.51.100.9"
	full      = 20_000_000 // bits per second: what the line is configured as
)

func run(t *testing.T, ns *lab.NS, argv ...string) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	var err error
	if ns == nil {
		err = cmd.Run()
	} else {
		err = ns.Run(cmd)
	}
	if err != nil {
		t.Fatalf("%v: %v", argv, err)
	}
}

// The test's own machine is the router; then come the operator's box, which is returned, and a server behind it: TCP holds
// itself back in a queue of its own machine.
//
//	[router] uplink ── line [box] net ── eth0 [server] resolver, and a port that sends all that it can
func operator(t *testing.T) (box *lab.NS) {
	t.Helper()
	machine := func(name string) *lab.NS {
		ns, err := lab.NewNS(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ns.Close() })
		return ns
	}
	box, ns := machine("box"), machine("server")
	t.Cleanup(func() { run(t, nil, "ip", "link", "del", "uplink") })
	run(t, nil, "ip", "link", "add", "uplink", "type", "veth", "peer", "name", "line", "netns", box.Name)
	run(t, nil, "ip", "addr", "add", "203.0.113.2/24", "dev", "uplink")
	run(t, nil, "ip", "link", "set", "uplink", "up")
	run(t, nil, "ip", "route", "add", "198.51.100.0/24", "via", "203.0.113.1")
	run(t, box, "ip", "addr", "add", "203.0.113.1/24", "dev", "line")
	run(t, box, "ip", "link", "set", "line", "up")
	run(t, box, "ip", "link", "add", "net", "type", "veth", "peer", "name", "eth0", "netns", ns.Name)
	run(t, box, "ip", "addr", "add", "198.51.100.1/24", "dev", "net")
	run(t, box, "ip", "link", "set", "net", "up")
	if err := box.Do(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644) }); err != nil {
		t.Fatal(err)
	}
	run(t, ns, "ip", "addr", "add", "198.51.100.9/24", "dev", "eth0")
	run(t, ns, "ip", "link", "set", "eth0", "up")
	run(t, ns, "ip", "route", "add", "default", "via", "198.51.100.1")
	err := ns.Do(func() error {
		pc, err := net.ListenPacket("udp4", server+":53")
		if err != nil {
			return err
		}
		t.Cleanup(func() { pc.Close() })
		go answer(pc)
		l, err := net.Listen("tcp4", server+":9")
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
					b := make([]byte, 64<<10)
					for { // whoever connects is sent all that the line takes
						if _, err := c.Write(b); err != nil {
							return
						}
					}
				}()
			}
		}()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func answer(pc net.PacketConn) {
	b := make([]byte, 1500)
	for {
		n, from, err := pc.ReadFrom(b)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(b[:n]) != nil {
			continue
		}
		m.Response = true
		if out, err := m.Pack(); err == nil {
			pc.WriteTo(out, from)
		}
	}
}

// watched looks at the line while downloads fill it, until said or for so long.
func watched(t *testing.T, long time.Duration) line.Status {
	t.Helper()
	system, err := clock.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	w := line.New(line.Options{
		Interface: "uplink", Configured: line.Rates{Down: full, Up: full}, Interval: lookEvery, Log: slog.New(slog.DiscardHandler),
		Ask: func(ctx context.Context) (time.Duration, error) {
			return line.Ask(ctx, netip.MustParseAddrPort(server+":53"))
		},
	}, system)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	for start := time.Now(); !w.Status().Able; time.Sleep(lookEvery / 10) { // an answer on the free line comes first
		if time.Since(start) > 10*time.Second {
			t.Fatal("the resolver is not asked")
		}
	}
	for range 24 {
		c, err := net.Dial("tcp4", server+":9")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		go io.Copy(io.Discard, c)
	}
	for start := time.Now(); time.Since(start) < long; time.Sleep(lookEvery / 3) {
		if s := w.Status(); s.Down.Carries > 0 || s.Up.Carries > 0 {
			return s
		}
	}
	return w.Status()
}

// slow shapes what comes down the line, as an operator does: with a queue of four tenths of a second.
func slow(t *testing.T, box *lab.NS, rate string) {
	t.Helper()
	run(t, box, "tc", "qdisc", "add", "dev", "line", "root", "tbf", "rate", rate, "burst", "16k", "latency", "400ms")
}

func TestALineThatIsSlowerThanConfiguredIsSaid(t *testing.T) {
	lab.NeedsLab(t)
	slow(t, operator(t), "12mbit")
	s := watched(t, 30*time.Second)
	t.Logf("%+v", s)
	if s.Down.Carries < 8_000_000 || s.Down.Carries > 14_000_000 || s.Up.Carries != 0 {
		t.Errorf("%+v is said of a line that carries 12 Mbit/s down", s)
	}
}

// The queue is the router's when what comes down is held back below what the line carries; its own questions pass beside.
// Both are done in the box here, where what comes down can be shaped.
func TestALineThatIsAsConfiguredIsNotSaidToBeSlower(t *testing.T) {
	lab.NeedsLab(t)
	box := operator(t)
	for _, argv := range [][]string{
		{"tc", "qdisc", "add", "dev", "line", "root", "handle", "1:", "htb", "default", "1"},
		{"tc", "class", "add", "dev", "line", "classid", "1:1", "htb", "rate", "19mbit"},
		{"tc", "class", "add", "dev", "line", "classid", "1:2", "htb", "rate", "1mbit"},
		{"tc", "filter", "add", "dev", "line", "parent", "1:", "u32", "match", "ip", "sport", "53", "0xffff", "flowid", "1:2"},
	} {
		run(t, box, argv...)
	}
	if s := watched(t, 6*time.Second); s.Down.Carries != 0 || s.Up.Carries != 0 {
		t.Errorf("%+v is said of a line that is as configured", s)
	}
}
