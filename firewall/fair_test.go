package firewall_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	nl "github.com/vishvananda/netlink"

	"parvis/firewall"
	"parvis/internal/lab"
	"parvis/internal/mac"
)

const (
	greedy   = 50
	favoured = "198.51.100.77"
	frame    = 1400
	// settled is how long TCP needs to find its share; measured is how long it is then watched.
	settled, measured = 2 * time.Second, 4 * time.Second
)

// fairTown is a town on a line of so many bits per second each way, with fifty guests more, each a machine of its own,
// whose rates are the line's.
type fairTown struct {
	*town
	crowd []*lab.NS
}

func newFairTown(t *testing.T, line uint64, change func(*firewall.Config)) *fairTown {
	tw := &fairTown{town: newTown(t, firewall.NFT)}
	address(t, tw.inet, "lo", favoured+"/32")
	frames(t, tw.inet, "eth0")
	tw.cfg.Down, tw.cfg.Up = line, line
	if change != nil {
		change(&tw.cfg)
	}
	g := tw.grant()
	g.Down, g.Up = 0, 0
	all := []firewall.Grant{g}
	for i := range greedy {
		ns, err := lab.NewNS(fmt.Sprintf("crowd%d-%d", towns.Load(), i))
		must(t, err)
		t.Cleanup(func() { ns.Close() })
		a := netip.AddrFrom4([4]byte{10, 77, 5, byte(i + 1)})
		m := mac.Addr{0x3c, 0x22, 0xfb, 0, 5, byte(i + 1)}
		wire(t, fmt.Sprintf("c%d", i), "br-g", ns, m)
		address(t, ns, "eth0", a.String()+"/16")
		route(t, ns, "0.0.0.0/0", "10.77.0.1")
		frames(t, ns, "eth0")
		tw.crowd = append(tw.crowd, ns)
		all = append(all, firewall.Grant{Slot: uint16(0x30 + i), MAC: m, IPv4: a, End: g.End})
	}
	tw.fw = tw.open(t, tw.cfg)
	must(t, tw.fw.Sync(all))
	return tw
}

// crowdPorts are the router's ends of their cables.
func crowdPorts() []string {
	out := make([]string, greedy)
	for i := range out {
		out[i] = fmt.Sprintf("c%d", i)
	}
	return out
}

// frames makes a machine send what a cable carries, one frame a packet: over a line with some milliseconds of delay TCP
// sends little more at once, and here it would send 64 KiB.
func frames(t *testing.T, ns *lab.NS, device string) {
	t.Helper()
	must(t, in(ns, func() error {
		link, err := nl.LinkByName(device)
		if err != nil {
			return err
		}
		return nl.LinkSetGSOMaxSegs(link, 1)
	}))
}

// meters counts the bytes of each of the crowd.
type meters [greedy]atomic.Uint64

// jain is the index of fairness of what each got in the time that is measured: 1 when all got the same, 1/n when one got
// all (Jain, Chiu, Hawe 1984). total is bits per second.
func (m *meters) jain() (index, total float64) {
	time.Sleep(settled)
	var before [greedy]uint64
	for i := range m {
		before[i] = m[i].Load()
	}
	start := time.Now()
	time.Sleep(measured)
	var sum, squares float64
	for i := range m {
		x := float64(m[i].Load() - before[i])
		sum, squares = sum+x, squares+x*x
	}
	return sum * sum / (greedy * squares), sum * 8 / time.Since(start).Seconds()
}

// greed makes each of the crowd take what it gets until the test ends: over TCP up or down, or over UDP up with so many
// bits per second each.
func (tw *fairTown) greed(t *testing.T, way string, udp int) *meters {
	m := new(meters)
	var stop atomic.Bool
	var all sync.WaitGroup
	var conns []io.Closer
	t.Cleanup(func() {
		stop.Store(true)
		for _, c := range conns {
			c.Close()
		}
		all.Wait()
	})
	if way == "udp" {
		must(t, tw.inet.Do(func() error {
			pc, err := net.ListenPacket("udp4", public+":5001")
			if err == nil {
				conns = append(conns, pc)
				all.Go(func() {
					b := make([]byte, 2048)
					for {
						n, _, err := pc.ReadFrom(b)
						if err != nil {
							return
						}
						m[b[0]].Add(uint64(n))
					}
				})
			}
			return err
		}))
		for i, ns := range tw.crowd {
			must(t, ns.Do(func() error {
				c, err := net.Dial("udp4", public+":5001")
				if err == nil {
					conns = append(conns, c)
					all.Go(func() { paced(&stop, c, byte(i), udp) })
				}
				return err
			}))
		}
		return m
	}
	must(t, tw.inet.Do(func() error {
		l, err := net.Listen("tcp4", public+":5001")
		if err == nil {
			conns = append(conns, l)
			all.Go(func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					all.Go(func() {
						defer c.Close()
						if way == "down" {
							flood(&stop, c)
							return
						}
						who := make([]byte, 1)
						if _, err := io.ReadFull(c, who); err == nil {
							count(c, &m[who[0]])
						}
					})
				}
			})
		}
		return err
	}))
	for i, ns := range tw.crowd {
		must(t, ns.Do(func() error {
			c, err := net.DialTimeout("tcp4", public+":5001", 10*time.Second)
			if err == nil {
				conns = append(conns, c)
				all.Go(func() {
					defer c.Close()
					if way == "down" {
						count(c, &m[i])
						return
					}
					if _, err := c.Write([]byte{byte(i)}); err == nil {
						flood(&stop, c)
					}
				})
			}
			return err
		}))
	}
	return m
}

func count(r io.Reader, n *atomic.Uint64) {
	b := make([]byte, 64<<10)
	for {
		k, err := r.Read(b)
		n.Add(uint64(k))
		if err != nil {
			return
		}
	}
}

func flood(stop *atomic.Bool, w io.Writer) {
	b := make([]byte, 64<<10)
	for !stop.Load() {
		if _, err := w.Write(b); err != nil {
			return
		}
	}
}

// paced sends frames at so many bits per second, a hundredth of a second's at a time.
func paced(stop *atomic.Bool, c net.Conn, who byte, bits int) {
	b := make([]byte, frame)
	b[0] = who
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for owed := 0; !stop.Load(); owed += bits / 800 {
		for ; owed >= frame; owed -= frame {
			if _, err := c.Write(b); errors.Is(err, net.ErrClosed) {
				return
			}
		}
		<-tick.C
	}
}

// stream sends numbered frames to an echo and reports what came back and after how long, sorted.
func stream(t *testing.T, ns *lab.NS, to string, size int, every, d time.Duration) (sent int, delays []time.Duration) {
	t.Helper()
	var c net.Conn
	must(t, ns.Do(func() (err error) {
		c, err = net.Dial("udp4", to)
		return err
	}))
	defer c.Close()
	n := int(d / every)
	when := make([]atomic.Int64, n)
	done := make(chan []time.Duration)
	go func() {
		var got []time.Duration
		b := make([]byte, 2048)
		for len(got) < n {
			k, err := c.Read(b)
			if err != nil {
				break
			}
			if k >= 4 {
				got = append(got, time.Duration(time.Now().UnixNano()-when[binary.BigEndian.Uint32(b)].Load()))
			}
		}
		done <- got
	}()
	b := make([]byte, size)
	next := time.NewTicker(every)
	defer next.Stop()
	for i := range n {
		binary.BigEndian.PutUint32(b, uint32(i))
		when[i].Store(time.Now().UnixNano())
		_, err := c.Write(b)
		must(t, err)
		<-next.C
	}
	c.SetReadDeadline(time.Now().Add(2 * time.Second)) // the last ones are still on their way
	delays = <-done
	slices.Sort(delays)
	return n, delays
}

// echo answers every frame as it is.
func (tw *fairTown) echo(t *testing.T, at string) {
	t.Helper()
	must(t, tw.inet.Do(func() error {
		pc, err := net.ListenPacket("udp4", at)
		if err != nil {
			return err
		}
		t.Cleanup(func() { pc.Close() })
		go func() {
			b := make([]byte, 2048)
			for {
				n, from, err := pc.ReadFrom(b)
				if err != nil {
					return
				}
				pc.WriteTo(b[:n], from)
			}
		}()
		return nil
	}))
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return time.Hour
	}
	return d[len(d)/2]
}

// A full line is shared evenly, and who asks for little does not wait behind those who want all.
func TestAFullLineIsSharedEvenlyAndALightGuestDoesNotWait(t *testing.T) {
	for _, tc := range []struct {
		way  string
		line uint64
		udp  int
	}{{"up", 60e6, 0}, {"down", 60e6, 0}, {"udp", 20e6, 800_000}} {
		t.Run(tc.way, func(t *testing.T) {
			tw := newFairTown(t, tc.line, nil)
			tw.echo(t, public+":5002")
			_, idle := stream(t, tw.guest, public+":5002", 100, 20*time.Millisecond, 400*time.Millisecond)
			m := tw.greed(t, tc.way, tc.udp)
			loaded := make(chan []time.Duration)
			go func() {
				_, d := stream(t, tw.guest, public+":5002", 100, 50*time.Millisecond, settled+measured)
				loaded <- d
			}()
			index, total := m.jain()
			busy := <-loaded
			t.Logf("%d greedy guests share %.1f Mbit/s, Jain %.4f; a light one waits %v (%v when the line is free)", greedy, total/1e6, index, median(busy), median(idle))
			if index < 0.98 {
				t.Errorf("Jain's index is %.4f, want 0.98 or more", index)
			}
			if total > float64(tc.line) {
				t.Errorf("%.0f bits per second went over a line of %d", total, tc.line)
			}
			// Behind them it would wait for its turn in a queue of hundreds of milliseconds.
			if median(busy) > 60*time.Millisecond {
				t.Errorf("the light guest waits %v", median(busy))
			}
		})
	}
}

func TestAFavouredServersStreamKeepsItsRateOnAFullLine(t *testing.T) {
	const line, every, size = 20e6, 10 * time.Millisecond, 1000 // 0.8 Mbit/s, twice an even share of the line
	arrived := map[string]float64{}
	try := func(t *testing.T, to string) {
		tw := newFairTown(t, line, func(c *firewall.Config) {
			c.Favour = []netip.Prefix{netip.MustParsePrefix(favoured + "/32"), netip.MustParsePrefix("2001:db8:51::/48")}
		})
		tw.echo(t, to+":5003")
		tw.greed(t, "udp", 800_000)
		time.Sleep(time.Second) // their queues are full then
		sent, back := stream(t, tw.guest, to+":5003", size, every, 4*time.Second)
		arrived[to] = float64(len(back)) / float64(sent)
		t.Logf("to %s: %d of %d came back, half of them within %v", to, len(back), sent, median(back))
		if to == favoured && median(back) > 60*time.Millisecond {
			t.Errorf("the favoured stream waits %v", median(back))
		}
		if u := usageOf(t, tw.fw, slot); u.Up < uint64(float64(sent*size)*0.95) || u.Down < uint64(len(back)*size) {
			t.Errorf("%+v is counted to the guest for %d bytes sent and %d received", u, sent*size, len(back)*size)
		}
	}
	for _, to := range []string{favoured, public} {
		t.Run(to, func(t *testing.T) { try(t, to) })
	}
	if arrived[favoured] < 0.98 {
		t.Errorf("%.3f of the favoured stream arrive", arrived[favoured])
	}
	if arrived[public] > 0.8 {
		t.Errorf("%.3f of a stream to another server arrive: the line is not full, and this test shows nothing", arrived[public])
	}
}

// What waits in the queue when the rate changes is sent, both ways.
func TestRatesChangeOnALiveSessionWithoutALoss(t *testing.T) {
	tw := &fairTown{town: newTown(t, firewall.NFT)}
	g := tw.grant()
	g.Down, g.Up = 10e6, 10e6
	must(t, tw.fw.Sync([]firewall.Grant{g}))
	tw.echo(t, public+":5004")
	c := open(t, tw.guest, public+":443")
	var stop atomic.Bool
	var all sync.WaitGroup
	changes := 0
	all.Go(func() {
		for slow := true; !stop.Load(); slow = !slow {
			g.Down, g.Up = 10e6, 10e6
			if slow { // less than what comes: a quarter of a second later 25 kB wait
				g.Down, g.Up = 1_200_000, 1_200_000
			}
			if err := tw.fw.Put(g); err != nil {
				t.Error(err)
			}
			changes++
			time.Sleep(250 * time.Millisecond)
		}
	})
	sent, back := stream(t, tw.guest, public+":5004", 1000, 4*time.Millisecond, 4*time.Second) // 2 Mbit/s
	stop.Store(true)
	all.Wait()
	if len(back) != sent {
		t.Errorf("%d of %d came back over %d changes", len(back), sent, changes)
	}
	if changes < 8 || back[len(back)-1] < 50*time.Millisecond {
		t.Errorf("%d changes and nothing ever waited longer than %v: this test shows nothing", changes, back[len(back)-1])
	}
	must(t, c.echo(1000)) // its connection is the same
}
