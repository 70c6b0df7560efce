package bench

import (
	"fmt"
	"sync"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
	"golang.org/x/net/bpf"

	"parvis/internal/lab"
)

// capture watches an interface of a machine for the first packet that want accepts. The time is the kernel's own stamp at the
// interface: it holds nothing of this program's scheduling.
type capture struct {
	handle *pcapgo.EthernetHandle
	want   func(gopacket.Packet) bool

	mu    sync.Mutex
	armed bool
	seen  chan time.Time
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
	c := &capture{want: want, seen: make(chan time.Time, 1)}
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
	for {
		data, info, err := c.handle.ReadPacketData()
		if err != nil {
			return // closed
		}
		p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
		c.mu.Lock()
		if c.armed && c.want(p) {
			c.armed = false
			c.seen <- info.Timestamp
		}
		c.mu.Unlock()
	}
}

// next arms the capture and returns where the time of the next wanted packet arrives.
func (c *capture) next() <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.seen: // of a round that was given up
	default:
	}
	c.armed = true
	return c.seen
}

func (c *capture) close() { c.handle.Close() }

// isPost accepts the packet that carries a POST's request line.
func isPost(p gopacket.Packet) bool {
	tcp, ok := p.Layer(layers.LayerTypeTCP).(*layers.TCP)
	return ok && len(tcp.Payload) > 5 && string(tcp.Payload[:5]) == "POST "
}

// isUDPTo accepts packets to a UDP port that changes with every round.
func isUDPTo(port func() uint16) func(gopacket.Packet) bool {
	return func(p gopacket.Packet) bool {
		udp, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
		return ok && uint16(udp.DstPort) == port()
	}
}
