package bench

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"golang.org/x/net/bpf"

	"parvis/internal/lab"
)

// capture notes when packets that want accepts were at an interface of a machine. The time is the kernel's own stamp: it holds
// nothing of this program's scheduling.
type capture struct {
	handle *pcapgo.EthernetHandle
	want   func(gopacket.Packet) bool
	closed atomic.Bool

	mu   sync.Mutex
	seen []time.Time
	news chan struct{} // one is in it when seen has grown
}

// protocol is a filter for the kernel (bpf(4)): IPv4 of one protocol and nothing else. What the measure does not need must
// not cost it the processor.
func protocol(p layers.IPProtocol) ([]bpf.RawInstruction, error) {
	const etherType, ipProtocol = 12, 14 + 9
	return bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: etherType, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(layers.EthernetTypeIPv4), SkipFalse: 3},
		bpf.LoadAbsolute{Off: ipProtocol, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(p), SkipFalse: 1},
		bpf.RetConstant{Val: 65535},
		bpf.RetConstant{Val: 0},
	})
}

// watch opens the capture; it runs until close.
func watch(ns *lab.NS, dev string, p layers.IPProtocol, want func(gopacket.Packet) bool) (*capture, error) {
	filter, err := protocol(p)
	if err != nil {
		return nil, fmt.Errorf("bench: watch %s: %w", dev, err)
	}
	c := &capture{want: want, news: make(chan struct{}, 1)}
	err = ns.Do(func() (err error) {
		if c.handle, err = pcapgo.NewEthernetHandle(dev); err != nil {
			return err
		}
		return c.handle.SetBPF(filter)
	})
	if err != nil {
		return nil, fmt.Errorf("bench: watch %s: %w", dev, err)
	}
	go c.run()
	return c, nil
}

func (c *capture) run() {
	defer c.handle.Close() // here alone: it is not made for two
	for {
		data, info, err := c.handle.ReadPacketData()
		if err != nil || c.closed.Load() {
			return
		}
		p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
		if !c.want(p) {
			continue
		}
		c.mu.Lock()
		c.seen = append(c.seen, info.Timestamp)
		c.mu.Unlock()
		select {
		case c.news <- struct{}{}:
		default:
		}
	}
}

// forget empties what was seen.
func (c *capture) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = nil
}

// times are those since the last forget.
func (c *capture) times() []time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]time.Time(nil), c.seen...)
}

// first waits for the first packet since the last forget.
func (c *capture) first(what string) (time.Time, error) {
	deadline := time.After(5 * time.Second)
	for {
		c.mu.Lock()
		if len(c.seen) > 0 {
			defer c.mu.Unlock()
			return c.seen[0], nil
		}
		c.mu.Unlock()
		select {
		case <-c.news:
		case <-deadline:
			return time.Time{}, fmt.Errorf("bench: %s was not seen", what)
		}
	}
}

// last waits until nothing was seen for as long as quiet and returns the last packet's time; the zero time when there was none.
func (c *capture) last(quiet time.Duration) (last time.Time, err error) {
	for deadline := time.Now().Add(5 * time.Second); ; {
		select {
		case <-c.news:
			if time.Now().After(deadline) {
				return last, fmt.Errorf("bench: packets do not stop")
			}
		case <-time.After(quiet):
			if seen := c.times(); len(seen) > 0 {
				last = seen[len(seen)-1]
			}
			return last, nil
		}
	}
}

// close ends it with the next packet or with the interface, whichever comes first: a read that waits in the kernel.
func (c *capture) close() { c.closed.Store(true) }

// isPost accepts the packet that carries a POST's request line.
func isPost(p gopacket.Packet) bool {
	tcp, ok := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
	return ok && len(tcp.Payload) > 5 && string(tcp.Payload[:5]) == "POST "
}

// isUDPTo accepts packets to a UDP port that may change from one to the next.
func isUDPTo(port func() uint16) func(gopacket.Packet) bool {
	return func(p gopacket.Packet) bool {
		udp, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
		return ok && uint16(udp.DstPort) == port()
	}
}
