package neighbour

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"sync"

	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/internal/packet"
)

// Options of a Watch; all of them are needed.
type Options struct {
	Interface string       // of the guests: a bridge, or a port (then there are no clones to be seen)
	Network   netip.Prefix // our IPv4 address there, with its network
	Clock     clock.Clock
	Log       *slog.Logger
	// Owner is whom an IPv4 address was leased or admitted to, Address the reverse. Both are called from one goroutine of the
	// Watch, which holds no lock then.
	Owner   func(netip.Addr) (mac.Addr, bool)
	Address func(mac.Addr) (netip.Addr, bool)
}

// Watch listens on the guest link. It is safe for concurrent use.
type Watch struct {
	opts    Options
	core    *core
	changes chan Change
	seen    chan observation
	done    chan struct{}
	closing sync.Once
	running sync.WaitGroup

	rt      *nl.Handle
	notices *notices
	ears    *ears            // nil while the interface is not there
	ports   map[int]*os.File // that answers are waited for behind
	waiting []Change         // not yet taken from changes

	mu   sync.RWMutex
	view map[mac.Addr]view // what others see of core
}

type view struct {
	addrs []netip.Addr
	port  int
}

// What an observation is about.
const (
	spoke   = iota + 1 // the sighting
	replied            // the sighting, behind the port
	learnt             // the bridge has the MAC behind the port; 0: no longer
	linked             // interfaces or their addresses have changed
	lost               // notices were lost
)

type observation struct {
	what int
	sighting
	port int
}

// maxWaiting bounds the changes that nobody takes. They are notices: the truth is what Addresses says.
const maxWaiting = 4096

// Open starts listening, on an interface that may come later, in the network namespace of the calling thread. It needs
// CAP_NET_RAW and CAP_NET_ADMIN.
func Open(o Options) (*Watch, error) {
	limit := min(1<<(32-o.Network.Bits()), 1<<16)
	w := &Watch{
		opts: o, changes: make(chan Change), seen: make(chan observation, 256), done: make(chan struct{}),
		ports: map[int]*os.File{}, view: map[mac.Addr]view{},
		core: newCore(settings{limit: max(limit, 1024), network: o.Network, owner: o.Owner, address: o.Address}),
	}
	var err error
	if w.rt, err = nl.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return nil, fmt.Errorf("neighbour: open: rtnetlink: %w", err)
	}
	if w.notices, err = listenNotices(o.Interface); err != nil {
		w.rt.Close()
		return nil, fmt.Errorf("neighbour: open: %w", err)
	}
	if err := w.relink(); err != nil {
		w.deafen()
		w.notices.close()
		w.rt.Close()
		return nil, fmt.Errorf("neighbour: open: %w", err)
	}
	w.publish()
	w.running.Go(func() { w.notices.read(w.observe) })
	go w.run()
	return w, nil
}

// Addresses returns the IPv6 addresses that belong to the device, of the guest link's own prefixes, at most 16.
func (w *Watch) Addresses(m mac.Addr) []netip.Addr {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.view[m].addrs
}

// Port names the bridge's port that the device was last heard behind; "" when that is not known.
func (w *Watch) Port(m mac.Addr) string {
	w.mu.RLock()
	port := w.view[m].port
	w.mu.RUnlock()
	if port == 0 {
		return ""
	}
	name, err := interfaceName(port)
	if err != nil {
		return "" // it has gone meanwhile
	}
	return name
}

// Changes tells what has changed. The channel is closed by Close.
func (w *Watch) Changes() <-chan Change { return w.changes }

// Close stops listening. It may be called more than once.
func (w *Watch) Close() error {
	w.closing.Do(func() {
		close(w.done)
		w.notices.close()
	})
	for range w.changes { // until run has ended
	}
	w.running.Wait()
	return nil
}

func (w *Watch) observe(o observation) {
	select {
	case w.seen <- o:
	case <-w.done:
	}
}

// run owns core.
func (w *Watch) run() {
	defer close(w.changes)
	defer w.rt.Close()
	defer w.deafen()
	for {
		var timer <-chan struct{}
		stop := func() {}
		if at, ok := w.core.next(); ok {
			timer, stop = w.opts.Clock.At(at)
		}
		var out chan Change
		var head Change
		if len(w.waiting) > 0 {
			out, head = w.changes, w.waiting[0]
		}
		select {
		case <-w.done:
			stop()
			return
		case out <- head:
			w.waiting = w.waiting[1:]
		case <-timer:
		case o := <-w.seen:
			w.take(o)
		}
		stop()
		w.core.tick(w.opts.Clock.Boot())
		w.publish()
	}
}

func (w *Watch) take(o observation) {
	now := w.opts.Clock.Boot()
	switch o.what {
	case spoke:
		if o.ip.Is4() {
			w.core.heard4(now, o.mac, o.ip)
		} else {
			w.core.heard6(now, o.mac, o.ip, o.asks)
		}
	case replied:
		w.core.answer(now, o.mac, o.port)
	case learnt:
		w.core.at(now, o.mac, o.port)
	case linked, lost:
		if err := w.relink(); err != nil {
			w.opts.Log.Error("the guest link is not watched", "cause", err)
		}
	}
}

// publish makes known what core has decided, and sends its probes.
func (w *Watch) publish() {
	c := w.core
	if len(c.touched) > 0 {
		w.mu.Lock()
		for m := range c.touched {
			d := c.devices[m]
			if d == nil || len(d.addrs) == 0 && d.port == 0 {
				delete(w.view, m)
				continue
			}
			v := view{port: d.port, addrs: make([]netip.Addr, len(d.addrs))}
			for i, b := range d.addrs {
				v.addrs[i] = b.ip
			}
			w.view[m] = v
		}
		w.mu.Unlock()
		clear(c.touched)
	}
	w.waiting = append(w.waiting, c.changes...)
	if over := len(w.waiting) - maxWaiting; over > 0 {
		w.opts.Log.Warn("changes of neighbours were not taken in time", "dropped", over)
		w.waiting = w.waiting[over:]
	}
	for _, p := range c.probes {
		if err := w.send(p); err != nil {
			w.opts.Log.Debug("probe not sent", "cause", err) // its silence decides
		}
	}
	c.changes, c.probes = nil, nil
	for port, f := range w.ports {
		if !c.waiting(port) {
			f.Close()
			delete(w.ports, port)
		}
	}
}

// ears are the sockets on the guest interface.
type ears struct {
	index     int
	mac       mac.Addr
	linkLocal netip.Addr // ours; invalid where there is none
	bridge    bool
	arp, nd   *os.File
}

// deafen closes every packet socket.
func (w *Watch) deafen() {
	if w.ears != nil {
		w.ears.arp.Close()
		w.ears.nd.Close()
		w.ears = nil
	}
	for port, f := range w.ports {
		f.Close()
		delete(w.ports, port)
	}
}

// relink opens the sockets on the interface, where it is not the one that they are on, and reads again what the kernel
// knows: our addresses, its neighbours, the bridge's table.
func (w *Watch) relink() error {
	link, err := w.rt.LinkByName(w.opts.Interface)
	if errors.As(err, new(nl.LinkNotFoundError)) {
		w.deafen()
		w.notices.bridge.Store(0)
		return nil
	}
	if err != nil {
		return fmt.Errorf("find %s: %w", w.opts.Interface, err)
	}
	a := link.Attrs()
	if w.ears != nil && w.ears.index != a.Index {
		w.deafen()
	}
	m, ok := mac.From(a.HardwareAddr)
	if !ok {
		return fmt.Errorf("%s is no Ethernet interface", w.opts.Interface)
	}
	if w.ears == nil {
		arp, err := packet.Listen(a.Index, unix.ETH_P_ARP, nil)
		if err != nil {
			return err
		}
		nd, err := packet.Listen(a.Index, unix.ETH_P_IPV6, onlyNDP())
		if err != nil {
			arp.Close()
			return err
		}
		w.ears = &ears{index: a.Index, arp: arp, nd: nd}
		for _, f := range []*os.File{arp, nd} {
			w.running.Go(func() { w.hear(f, 0) })
		}
	}
	w.ears.mac, w.ears.bridge = m, link.Type() == "bridge"
	w.notices.bridge.Store(int64(a.Index))
	return w.reload(link)
}

func (w *Watch) reload(link nl.Link) error {
	now := w.opts.Clock.Boot()
	w.core.welcome(now)
	addrs, err := w.rt.AddrList(link, nl.FAMILY_V6)
	if err != nil && !errors.Is(err, unix.EAFNOSUPPORT) {
		return fmt.Errorf("list addresses: %w", err)
	}
	var prefixes []netip.Prefix
	var own []netip.Addr
	w.ears.linkLocal = netip.Addr{}
	for _, a := range addrs {
		ip, _ := netip.AddrFromSlice(a.IP)
		if ip.IsLinkLocalUnicast() {
			w.ears.linkLocal = ip
		} else if ones, _ := a.Mask.Size(); ip.IsGlobalUnicast() && ones < 128 {
			own = append(own, ip)
			prefixes = append(prefixes, netip.PrefixFrom(ip, ones).Masked())
		}
	}
	w.core.link(prefixes, own)
	known, err := w.rt.NeighList(link.Attrs().Index, nl.FAMILY_V6)
	if err != nil && !errors.Is(err, unix.EAFNOSUPPORT) {
		return fmt.Errorf("list neighbours: %w", err)
	}
	for _, n := range known {
		ip, _ := netip.AddrFromSlice(n.IP)
		if m, ok := mac.From(n.HardwareAddr); ok && n.State&(unix.NUD_INCOMPLETE|unix.NUD_FAILED) == 0 && ip.IsValid() {
			w.core.heard6(now, m, ip, true)
		}
	}
	if !w.ears.bridge {
		return nil
	}
	table, err := w.rt.NeighListExecute(nl.Ndmsg{Family: unix.AF_BRIDGE})
	if err != nil {
		return fmt.Errorf("list the bridge's table: %w", err)
	}
	for _, n := range table {
		if o, ok := atPort(n, int64(link.Attrs().Index)); ok {
			w.core.at(now, o.mac, o.port)
		}
	}
	return nil
}

// hear reads frames until the file is closed. What comes in by a port that is probed is an answer there.
func (w *Watch) hear(f *os.File, port int) {
	d := newDecoder()
	b := make([]byte, maxFrame)
	for {
		n, err := f.Read(b)
		if errors.Is(err, fs.ErrClosed) {
			return
		}
		if err != nil { // the interface went down, once; what is deleted is closed by relink
			continue
		}
		for _, s := range d.read(b[:n]) {
			o := observation{what: spoke, sighting: s}
			if port != 0 {
				o.what, o.port = replied, port
			}
			w.observe(o)
		}
	}
}

func (w *Watch) send(p probe) error {
	e := w.ears
	if e == nil {
		return errors.New("the interface is not there")
	}
	if p.ip.Is6() {
		if !e.linkLocal.IsValid() {
			return errors.New("the interface has no link-local address")
		}
		frame, err := solicitation(e.mac, e.linkLocal, p.to, p.ip)
		if err != nil {
			return err
		}
		_, err = e.nd.Write(frame)
		return err
	}
	frame, err := arpRequest(e.mac, w.opts.Network.Addr(), p.to, p.ip)
	if err != nil {
		return err
	}
	out := e.arp
	if p.port != 0 {
		if out = w.ports[p.port]; out == nil {
			if out, err = packet.Listen(p.port, unix.ETH_P_ALL, onlyARPAnswers()); err != nil {
				return err
			}
			w.ports[p.port] = out
			w.running.Go(func() { w.hear(out, p.port) })
		}
	}
	_, err = out.Write(frame)
	return err
}
