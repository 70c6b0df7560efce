package gate_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"parvis/kiosk/gate"
)

func bounds(b gate.Bounds) func(*gate.Options) { return func(o *gate.Options) { o.Bounds = b } }

func TestOneClientHasNoMoreConnectionsThanItsShare(t *testing.T) {
	w := newWorld(t, nil, bounds(gate.Bounds{Client: 3, All: 4, Hello: time.Hour}))
	for what, to := range map[string]string{"proxy": w.proxy, "relay": w.relay, "plain relay": w.plain} {
		held := []*net.TCPConn{w.dial(postIP, to), w.dial(postIP, to), w.dial(postIP, to)}
		w.wantOut(postIP, to)
		held = append(held, w.dial(otherIP, to))
		w.wantOut(otherIP, to) // all of them are four
		for _, c := range held {
			c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			if _, err := c.Read(make([]byte, 1)); !isTimeout(err) {
				t.Errorf("%s: one that was there before is gone: %v", what, err)
			}
			c.Close()
		}
		w.until("there is room again", func() bool {
			c, err := net.Dial("tcp4", to)
			if err != nil {
				return false
			}
			defer c.Close()
			c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
			_, err = c.Read(make([]byte, 1))
			return isTimeout(err)
		})
	}
}

// wantOut fails unless a client is reset, as its connection is made or right after.
func (w *world) wantOut(from netip.Addr, to string) {
	w.t.Helper()
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
	c, err := d.Dial("tcp4", to)
	if err != nil {
		return
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(soon))
	w.wantCut(c)
}

func isTimeout(err error) bool {
	e, ok := err.(net.Error)
	return ok && e.Timeout()
}

func TestWhoSaysNothingIsSentAway(t *testing.T) {
	w := newWorld(t, nil, bounds(gate.Bounds{Hello: 2 * time.Second}))
	for what, c := range map[string]*net.TCPConn{
		"to the proxy": w.dial(postIP, w.proxy), "to the relay": w.dial(postIP, w.relay), "to the plain relay": w.dial(postIP, w.plain),
		"in a tunnel": w.connect("www.caf.fr"),
	} {
		t.Run(what, func(t *testing.T) { w.wantCut(c) })
	}
	w.until("no flow is left", func() bool { return w.gate.Flows() == 0 })
}

func TestWhoSaysItTooSlowlyIsSentAway(t *testing.T) {
	w := newWorld(t, nil, bounds(gate.Bounds{Hello: 2 * time.Second}))
	request := strings.Repeat("X-Slow: 1\r\n", 1000)
	for what, tc := range map[string]struct {
		c    *net.TCPConn
		text string
	}{
		"a header in the proxy": {w.dial(postIP, w.proxy), "GET http://www.caf.fr/ HTTP/1.1\r\n" + request},
		"a hello in the relay":  {w.dial(postIP, w.relay), string(hello(t, "www.caf.fr"))},
		"a hello in a tunnel":   {w.connect("www.caf.fr"), string(hello(t, "www.caf.fr"))},
	} {
		t.Run(what, func(t *testing.T) {
			go func() {
				for i := range len(tc.text) {
					if _, err := tc.c.Write([]byte(tc.text[i : i+1])); err != nil {
						return
					}
					time.Sleep(5 * time.Millisecond) // the slowness is what is tested: at this pace it takes far longer than Hello
				}
			}()
			w.wantCut(tc.c)
		})
	}
}

func TestATunnelWithoutBytesIsCutInTheEnd(t *testing.T) {
	w := newWorld(t, nil, bounds(gate.Bounds{Idle: time.Minute}))
	c := w.live()
	w.clock.Advance(time.Minute) // what it has carried so far is news
	w.clock.Advance(59 * time.Second)
	w.until("its bytes are counted", func() bool { return w.usage()[0].Down > 0 })
	if w.gate.Flows() != 1 {
		t.Fatal("cut too early")
	}
	w.until("it is cut", func() bool { w.clock.Advance(time.Minute); return w.gate.Flows() == 0 })
	w.wantCut(c)
}

// The daemon reads usage every few seconds. What it has read is still a sign of life.
func TestATunnelThatUsageHasSeenMoveIsNotSilent(t *testing.T) {
	w := newWorld(t, nil, bounds(gate.Bounds{Idle: time.Hour}))
	w.live()
	w.clock.Advance(5 * time.Minute)
	w.until("usage has seen it move", func() bool { return w.usage()[0].Down > 0 })
	w.clock.Advance(55 * time.Minute)
	w.gate.Sweep()
	if w.gate.Flows() != 1 {
		t.Fatal("a tunnel that was seen to move 55 min ago was cut as silent for an hour")
	}
}

// A site that does not read, and a browser that does not: neither keeps the gate.
func TestWhoDoesNotReadIsCutInTheEnd(t *testing.T) {
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) { io.Copy(rw, zeros{}) }, bounds(gate.Bounds{Idle: time.Minute}))
	c := w.dial(postIP, w.proxy)
	io.WriteString(c, "GET http://www.caf.fr/ HTTP/1.1\r\nHost: www.caf.fr\r\n\r\n")
	if resp, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", resp, err)
	}
	w.until("it is cut", func() bool { w.clock.Advance(time.Minute); return w.gate.Flows() == 0 })
}

// pipes counts this process's pipes: splice(2) moves bytes between two sockets through one.
func pipes(t *testing.T) (n int) {
	t.Helper()
	links, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		if to, err := os.Readlink(filepath.Join("/proc/self/fd", l.Name())); err == nil && strings.HasPrefix(to, "pipe:") {
			n++
		}
	}
	return n
}

func TestTheKernelMovesTheBytesOfTunnels(t *testing.T) {
	w := newWorld(t, nil)
	const tunnels = 8
	for range tunnels {
		w.live()
	}
	// Each direction of each has a pipe, of two ends, for as long as it lasts.
	w.until("there is a pipe each way", func() bool { return pipes(t) >= tunnels*2*2 })
}

func TestAThousandTunnelsAreLittleMemory(t *testing.T) {
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	n := int(min(1000, (files.Cur-100)/9)) // both ends are in this process: 4 sockets and 4 ends of pipes each
	w := newWorld(t, nil, bounds(gate.Bounds{Client: 2000, All: 2000}))
	w.to[443] = sink(t, make(chan []byte, 2000))
	memory := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	before, text := memory(), hello(t, "www.caf.fr")
	for range n {
		if _, err := w.connect("www.caf.fr").Write(text); err != nil {
			t.Fatal(err)
		}
	}
	w.until("all have said hello", func() bool { u := w.usage()[0]; return w.gate.Flows() == n && u.Up >= uint64(n*len(text)) })
	each := (memory() - before) / uint64(n)
	t.Logf("%d tunnels, %d bytes each with the client and the site", n, each)
	if each > 64<<10 {
		t.Errorf("%d bytes for each tunnel", each)
	}
	w.gate.Drop(16)
	if w.gate.Flows() != 0 {
		t.Error("some are left")
	}
}
