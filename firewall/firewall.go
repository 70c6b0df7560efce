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
	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"parvis/firewall/ipset"
	"parvis/internal/clock"
)

// Firewall makes the kernel follow. It is safe for concurrent use.
type Firewall struct {
	cfg     Config
	backend Backend
	clock   clock.Clock
	log     *slog.Logger
	tables  []*xtables

	sets *ipset.Conn
	ct   *conntrack.Conn
	rt   *nl.Handle

	watch  *watch
	leases leaseFile
	asking sync.Mutex // one question at a time on neigh
	neigh  *netlink.Conn

	closing sync.Once
	closed  error

	mu     sync.Mutex
	laid   bool // once: Put and Usage have something to work on
	synced bool // the last Sync got through
	swept  bool // the other backend holds nothing of ours
	leaf   bool // the kernel has fq_codel
	sides  sides
	notes  map[string]string // device → queue that HTB displaced
	slots  map[uint16]*record
	byIP   map[netip.Addr]uint16
	finals []Usage // not yet reported
}

// record is what we last wrote into the kernel, or found there, for one slot.
type record struct {
	Grant
	open    bool
	carried counts // by entries that are gone: another address, or re-made after somebody emptied the set
	seen    counts // the highest total known
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
		slots: map[uint16]*record{}, byIP: map[netip.Addr]uint16{}, notes: map[string]string{},
	}
	first, last, _ := Slots(cfg.Capacity)
	f.sides = sides{
		guest: side{device: cfg.Guest, line: cfg.Down}, wan: side{device: cfg.WAN, line: cfg.Up}, slots: int(last-first) + 1,
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
	for _, fam := range families() {
		x, err := openXtables(fam, f.backend)
		if err != nil {
			return err
		}
		f.tables = append(f.tables, x)
	}
	if f.sets, err = ipset.Dial(); err != nil {
		return err
	}
	if f.ct, err = conntrack.Dial(nil); err != nil {
		return fmt.Errorf("conntrack: %w", err)
	}
	if f.rt, err = nl.NewHandle(unix.NETLINK_ROUTE); err != nil {
		return fmt.Errorf("rtnetlink: %w", err)
	}
	if f.neigh, err = netlink.Dial(unix.NETLINK_ROUTE, nil); err != nil {
		return fmt.Errorf("rtnetlink: %w", err)
	}
	f.leaf = probeQueues(CapFqCodel)[CapFqCodel]
	f.watch, err = newWatch(f.rt, f.cfg.Guest, f.cfg.WAN, f.log)
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
	if f.rt != nil {
		f.rt.Close()
	}
	if f.sets != nil {
		errs = append(errs, f.sets.Close())
	}
	if f.ct != nil {
		errs = append(errs, f.ct.Close())
	}
	if f.neigh != nil {
		errs = append(errs, f.neigh.Close())
	}
	return errors.Join(errs...)
}

// Events tells what happens behind our back. The channel is closed by Close.
func (f *Firewall) Events() <-chan Event { return f.watch.events }

// read dumps both sets.
func (f *Firewall) read() (kernel, error) {
	k := kernel{}
	for _, s := range []struct {
		name string
		into *map[netip.Addr]ipset.Entry
	}{{setUp4, &k.up}, {setDn4, &k.dn}} {
		list, err := f.sets.List(s.name)
		if err != nil {
			return kernel{}, err
		}
		m := make(map[netip.Addr]ipset.Entry, len(list))
		for _, e := range list {
			m[e.IP] = e
		}
		*s.into = m
	}
	return k, nil
}

// harvest takes the kernel's counts into the records. Counts never go backwards: what the kernel has forgotten we
// have seen.
func (f *Firewall) harvest(k kernel) {
	for _, r := range f.slots {
		r.seen = r.seen.atLeast(r.carried.plus(k.counted(r.Grant)))
	}
}

// collect reads the last counts of slots that were dropped and takes their entries and classes away.
func (f *Firewall) collect() (kernel, error) {
	k, err := f.read()
	if err != nil {
		return kernel{}, err
	}
	f.harvest(k)
	var gone []ipset.Entry
	for slot, r := range f.slots {
		if r.open {
			continue
		}
		f.finals = append(f.finals, Usage{Slot: slot, Down: r.seen.down, Up: r.seen.up, Final: true})
		f.forget(slot)
		if _, is := k.up[r.IPv4]; is {
			gone = append(gone, ipset.Entry{IP: r.IPv4, MAC: r.MAC})
		}
		for _, s := range []side{f.sides.guest, f.sides.wan} {
			if err := f.dropClass(s, slot); err != nil {
				f.log.Warn("class stays until the next sync", "slot", slotText(slot), "cause", err)
			}
		}
	}
	// An entry that stays is closed and expires by itself; the next Sync takes it too.
	if err := f.erase(gone); err != nil {
		f.log.Warn("ended entries stay until the next sync", "cause", err)
	}
	return k, nil
}

// erase takes entries out of both sets.
func (f *Firewall) erase(list []ipset.Entry) error {
	dn := make([]ipset.Entry, len(list))
	for i, e := range list {
		dn[i] = down(e)
	}
	return errors.Join(f.sets.Del(setUp4, list...), f.sets.Del(setDn4, dn...))
}

func (f *Firewall) remember(r *record) {
	f.slots[r.Slot] = r
	f.byIP[r.IPv4] = r.Slot
}

func (f *Firewall) forget(slot uint16) {
	if r := f.slots[slot]; r != nil {
		if f.byIP[r.IPv4] == slot {
			delete(f.byIP, r.IPv4)
		}
		delete(f.slots, slot)
	}
}

// cut ends the connections of the slots at once, by their connmark. Each question walks the whole table, so that for
// many slots one dump is cheaper.
func (f *Firewall) cut(slots ...uint16) error {
	const fewer = 32
	if len(slots) < fewer {
		for _, s := range slots {
			if err := f.ct.FlushFilter(conntrack.NewFilter().Mark(uint32(s) << 16).MarkMask(slotMask)); err != nil {
				return fmt.Errorf("end connections of slot %s: %w", slotText(s), err)
			}
		}
		return nil
	}
	set := make(map[uint16]bool, len(slots))
	for _, s := range slots {
		set[s] = true
	}
	flows, err := f.ct.Dump(nil)
	if err != nil {
		return fmt.Errorf("list connections: %w", err)
	}
	for _, fl := range flows {
		if !set[uint16(fl.Mark>>16)] {
			continue
		}
		if err := f.ct.Delete(fl); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("end a connection: %w", err)
		}
	}
	return nil
}

func slotText(s uint16) string { return fmt.Sprintf("%#x", s) }
