package firewall

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"sync"

	"github.com/mdlayher/netlink"
	"github.com/ti-mo/conntrack"
	"golang.org/x/sys/unix"

	"parvis/firewall/ipset"
	"parvis/firewall/neighbour"
	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/internal/rtnl"
)

// Firewall makes the kernel follow. It is safe for concurrent use.
type Firewall struct {
	cfg     Config
	backend Backend
	clock   clock.Clock
	log     *slog.Logger
	tables  []*xtables

	sets    *ipset.Conn
	ct      *flows
	reader  *tableReader
	notices *notices
	rt      *rtnl.Handle
	tc      *tcConn

	watch  *watch
	leases leaseFile
	asking sync.Mutex // one question at a time on neigh
	neigh  *netlink.Conn
	nd     *netlink.Conn // the neighbour table is written through it, with mu held

	near     *neighbour.Watch
	bindings bindings // what near says; nil: no IPv6 address is known

	closing sync.Once
	closed  error

	mu      sync.Mutex
	laid    bool   // once: Put and Usage have something to work on
	synced  bool   // the last Sync got through
	swept   bool   // the other backend holds nothing of ours
	leaf    string // queue within a class: CapFqCodel or CapFifo
	sixMAC  bool   // the IPv6 upload set knows MACs
	sides   sides
	marks   tableMarks // as they were when our rules were last read and stood
	looked  clock.Boot // when everything was last compared
	ready   uint16     // up to this slot every one has its classes
	opened  bool       // more may have to be made ready
	trouble trouble
	repairs []Repair
	notes   map[string]string // device → queue that HTB displaced
	slots   map[uint16]*record
	byIP    map[netip.Addr]uint16 // addresses of both families
	byMAC   map[mac.Addr]uint16
	finals  []Usage                   // not yet reported
	named   map[uint16]Grant          // grants for names alone; they are not in slots
	staff   map[netip.Addr]staffEntry // nil: what a process before us has left is not read yet
	dump    uint64                    // the number of the last dump of the sets that has begun

	// Usage reads the sets without mu, so that nobody's opening waits for it.
	reading sync.Mutex
	lists   *ipset.Conn
}

// New opens what is needed to speak to the kernel and chooses the backend. It changes nothing: Sync does. It needs
// CAP_NET_ADMIN, and stays in the network namespace of the calling thread as far as sockets go; the programs that lay
// the skeleton run in that of the thread that calls Sync.
func New(cfg Config, clk clock.Clock, log *slog.Logger) (*Firewall, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	f := &Firewall{
		cfg: cfg, clock: clk, log: log, leases: leaseFile{path: cfg.Leases},
		slots: map[uint16]*record{}, byIP: map[netip.Addr]uint16{}, byMAC: map[mac.Addr]uint16{}, named: map[uint16]Grant{}, notes: map[string]string{},
	}
	first, last, _ := Slots(cfg.Capacity)
	f.sides = sides{
		guest: side{device: cfg.Guest, line: cfg.Down}, wan: side{device: cfg.WAN, line: cfg.Up, wan: true}, first: first, last: last,
	}
	if err := f.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("firewall: open: %w", err), f.Close())
	}
	return f, nil
}

func (f *Firewall) open() (err error) {
	if f.backend, err = pickBackend(f.cfg.Backend); err != nil {
		return err
	}
	f.sixMAC = f.cfg.IPv6 && probeSet(ipset.Set{Type: ipset.HashIPMAC, Family: ipset.IPv6, MaxElem: maxElements})
	for _, fam := range families() {
		if fam.version == 6 && f.sixMAC {
			fam.source = "src,src"
		}
		x, err := openXtables(fam, f.backend)
		if err != nil {
			return err
		}
		f.tables = append(f.tables, x)
	}
	if f.reader, err = openTableReader(f.backend, families()); err != nil {
		return err
	}
	if f.notices, err = openNotices(); err != nil {
		return err
	}
	if f.sets, err = ipset.Dial(); err != nil {
		return err
	}
	if f.lists, err = ipset.Dial(); err != nil {
		return err
	}
	if f.ct, err = dialFlows(); err != nil {
		return err
	}
	if f.rt, err = rtnl.Open(); err != nil {
		return fmt.Errorf("rtnetlink: %w", err)
	}
	if f.neigh, err = netlink.Dial(unix.NETLINK_ROUTE, nil); err != nil {
		return fmt.Errorf("rtnetlink: %w", err)
	}
	if f.nd, err = netlink.Dial(unix.NETLINK_ROUTE, nil); err != nil {
		return fmt.Errorf("rtnetlink: %w", err)
	}
	_ = f.nd.SetOption(netlink.CapAcknowledge, true) // a shorter error where the kernel can (4.3)
	if f.tc, err = dialTC(); err != nil {
		return fmt.Errorf("rtnetlink: %w", err)
	}
	f.leaf = bestLeaf(probeQueues(CapFqCodel))
	f.near, err = neighbour.Open(neighbour.Options{
		Interface: f.cfg.Guest, Network: f.cfg.Address, Clock: f.clock, Log: f.log, Owner: f.owner, Address: f.addressOf,
	})
	if err != nil {
		return err
	}
	f.bindings = f.near
	f.watch, err = newWatch(f)
	return err
}

// families are those that the kernel has: without IPv6 there is nothing of it to close.
func families() []family {
	if _, err := os.Stat("/proc/thread-self/net/if_inet6"); errors.Is(err, fs.ErrNotExist) {
		return []family{v4}
	}
	return []family{v4, v6}
}

// Close closes the sockets. The kernel stays as it is: guests keep their access until their entries end. It may be
// called more than once.
func (f *Firewall) Close() error {
	f.closing.Do(func() { f.closed = f.close() })
	return f.closed
}

func (f *Firewall) close() error {
	var errs []error
	if f.watch != nil {
		f.watch.close()
	}
	if f.near != nil {
		errs = append(errs, f.near.Close())
	}
	if f.reader != nil {
		errs = append(errs, f.reader.close())
	}
	if f.notices != nil {
		errs = append(errs, f.notices.close())
	}
	if f.rt != nil {
		f.rt.Close()
	}
	for _, c := range []*ipset.Conn{f.sets, f.lists} {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	if f.ct != nil {
		errs = append(errs, f.ct.close())
	}
	for _, c := range []*netlink.Conn{f.neigh, f.nd} {
		if c != nil {
			errs = append(errs, c.Close())
		}
	}
	if f.tc != nil {
		errs = append(errs, f.tc.nl.Close())
	}
	return errors.Join(errs...)
}

// Events tells what happens behind our back. The channel is closed by Close.
func (f *Firewall) Events() <-chan Event { return f.watch.events }

// six reports whether IPv6 addresses have entries.
func (f *Firewall) six() bool { return f.cfg.IPv6 && len(f.tables) > 1 }

// The sets of an address.
func setUp(a netip.Addr) string {
	if a.Is6() {
		return setUp6
	}
	return setUp4
}

func setDn(a netip.Addr) string {
	if a.Is6() {
		return setDn6
	}
	return setDn4
}

// up is an entry of the upload set: in IPv6 it knows a MAC only where the kernel has such sets.
func (f *Firewall) up(e ipset.Entry) ipset.Entry {
	if e.IP.Is6() && !f.sixMAC {
		return down(e)
	}
	return e
}

// begin gives a dump its number. Called with mu held.
func (f *Firewall) begin() uint64 {
	f.dump++
	return f.dump
}

// read dumps the sets.
func (f *Firewall) read(conn *ipset.Conn, dump uint64) (kernel, error) {
	k := kernel{dump: dump, up: map[netip.Addr]ipset.Entry{}, dn: map[netip.Addr]ipset.Entry{}, ledger: map[uint16]ledger{}}
	names := []string{setUp4, setDn4}
	if f.six() {
		names = append(names, setUp6, setDn6)
	}
	for i, name := range names {
		list, err := conn.List(name)
		if err != nil {
			return kernel{}, err
		}
		into := k.up
		if i%2 == 1 {
			into = k.dn
		}
		for _, e := range list {
			if isLedger(e.IP) {
				slot, l := readLedger(e)
				k.ledger[slot] = l
				continue
			}
			into[e.IP] = e
		}
	}
	return k, nil
}

// add writes entries, those of the upload sets last: with them a device passes.
func (f *Firewall) add(up, dn []ipset.Entry) error {
	return each(up, dn, f.sets.Add)
}

// erase takes entries out of their sets.
func (f *Firewall) erase(up, dn []ipset.Entry) error {
	for i := range up {
		up[i] = f.up(up[i])
	}
	return each(up, dn, f.sets.Del)
}

// each does the same to all four sets, as far as there is something to do; the upload ones last.
func each(up, dn []ipset.Entry, do func(string, ...ipset.Entry) error) error {
	for i, list := range [][]ipset.Entry{dn, up} {
		var by [2][]ipset.Entry // by family
		for _, e := range list {
			n := 0
			if e.IP.Is6() {
				n = 1
			}
			by[n] = append(by[n], e)
		}
		for n, name := range [][2]string{{setDn4, setDn6}, {setUp4, setUp6}}[i] {
			if len(by[n]) == 0 {
				continue
			}
			if err := do(name, by[n]...); err != nil {
				return err
			}
		}
	}
	return nil
}

// flows is the kernel's table of connections. It holds the verbs that are used and not the connection they are of, for the
// reason that package rtnl tells.
type flows struct {
	flush  func(conntrack.Filter) error
	dump   func(*conntrack.DumpOptions) ([]conntrack.Flow, error)
	remove func(conntrack.Flow) error
	close  func() error
}

func dialFlows() (*flows, error) {
	c, err := conntrack.Dial(nil)
	if err != nil {
		return nil, fmt.Errorf("conntrack: %w", err)
	}
	return &flows{flush: c.FlushFilter, dump: c.Dump, remove: c.Delete, close: c.Close}, nil
}

// cut ends the connections of the slots at once, by their connmark. Each question walks the whole table, so that for
// many slots one dump is cheaper.
func (f *Firewall) cut(slots ...uint16) error {
	const fewer = 32
	if len(slots) < fewer {
		for _, s := range slots {
			if err := f.ct.flush(conntrack.NewFilter().Mark(uint32(s) << 16).MarkMask(slotMask)); err != nil {
				return fmt.Errorf("end connections of slot %s: %w", slotText(s), err)
			}
		}
		return nil
	}
	set := make(map[uint16]bool, len(slots))
	for _, s := range slots {
		set[s] = true
	}
	flows, err := f.ct.dump(nil)
	if err != nil {
		return fmt.Errorf("list connections: %w", err)
	}
	for _, fl := range flows {
		if !set[uint16(fl.Mark>>16)] {
			continue
		}
		if err := f.ct.remove(fl); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("end a connection: %w", err)
		}
	}
	return nil
}

func slotText(s uint16) string { return fmt.Sprintf("%#x", s) }
