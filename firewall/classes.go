package firewall

import (
	"errors"
	"fmt"
	"slices"
	"syscall"

	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Minors of our classes below the slots.
const (
	classLine     = 1 // parent of all that shares the line
	classHouse    = 2 // the router's own, the staff's and everything unmarked
	classEnded    = 3 // ended sessions' last packets
	classFavour   = 4 // to and from the servers of Config.Favour
	classTerminal = 5 // of all fixed terminals: the gate's sockets
)

const (
	minRate = 1000 // bytes per second, of a ceiling
	mtu     = 1600
	quantum = 1514 // one full frame a round: the line is shared evenly, and a round is short
	// spare is how many slots without a session have their classes ready. For each class that it makes the kernel walks all
	// classes of the device (tc_bind_tclass): a microsecond with ten, some milliseconds with 10,000. So they are made by
	// Sync and stay when a session ends, and opening one only looks at its own. Up to 1,024 slots that is all of them.
	spare = 1024
)

// sides are the two directions and the slots that share each.
type sides struct {
	guest, wan  side
	first, last uint16
	floors      uint64 // bytes per second, kept for grants with a floor; see classes_floor.go
}

func (s sides) of(wan bool) side {
	if wan {
		return s.wan
	}
	return s.guest
}

func (s sides) slots() uint64 { return uint64(s.last) - uint64(s.first) + 1 }

// side is one direction: the interface that its packets leave by and the rate of the line that way.
type side struct {
	device string
	index  int
	line   uint64 // bits per second, as it really is
	wan    bool
}

// class is one HTB class as we want it or as the kernel has it.
type class struct {
	parent     uint16
	rate, ceil uint64 // bytes per second
	leaf       bool   // it has a queue of ours; parents have none
}

// classChange makes (want != nil) or drops one class on one side.
type classChange struct {
	wan   bool
	minor uint16
	want  *class
	fresh bool // it is not there
	leaf  bool // its queue is not there
	anew  bool // it hangs under another parent now
}

// shaped is what may be sent, in bytes per second: 95 % of the line. The queue is then here, where it is shared, and not
// in the operator's box; the rest is what a frame has on the wire and we do not see (PPPoE, preamble and gap).
func (s side) shaped() uint64 { return max(s.line/8*95/100, minRate) }

// share of the line in percent that is guaranteed. A class within its guarantee does not ask its parent, so all of them
// together must not be more than the line; what is not used is lent to whoever asks.
func (s side) share(percent uint64) uint64 { return max(s.shaped()*percent/100, minRate) }

const (
	houseShare    = 10
	favourShare   = 20
	terminalShare = 20
	guestShare    = 50 // of all slots together
)

// want is the class of a session: never more than rate (bits per second; 0: the line's). Guests are guaranteed their part
// of what is theirs if every slot were open, or their floor: little, and it is sent before anything that is borrowed, so that
// who asks for little does not wait behind those who want all.
func (s sides) want(wan bool, rate, floor uint64) class {
	d := s.of(wan)
	ceil := d.shaped()
	if rate != 0 {
		ceil = max(min(rate/8, ceil), minRate)
	}
	return class{parent: classLine, rate: min(ceil, max(s.part(d, floor), 1)), ceil: ceil, leaf: true}
}

// spared is the class of a slot without a session.
func (s sides) spared(wan bool) class { return s.want(wan, 1, 0) }

// house are the classes of nobody in particular, by minor.
func (s side) house() map[uint16]class {
	all := s.shaped()
	out := map[uint16]class{
		classLine:     {rate: all, ceil: all},
		classHouse:    {parent: classLine, rate: s.share(houseShare), ceil: all, leaf: true},
		classEnded:    {parent: classLine, rate: minRate, ceil: minRate, leaf: true},
		classFavour:   {parent: classLine, rate: s.share(favourShare), ceil: all, leaf: true},
		classTerminal: {parent: classLine, rate: s.share(terminalShare), ceil: all, leaf: true},
	}
	if !s.wan {
		// What the router itself sends to guests (pages, names, addresses) has not come by the line.
		out[classHouse] = class{rate: localRate, ceil: localRate, leaf: true}
	}
	return out
}

const localRate = 10 * gigabit / 8 // bytes per second; more than the router can make

// holds reports whether a slot has a session, or had one that is not counted yet.
func (f *Firewall) holds(slot uint16) bool {
	_, named := f.named[slot]
	return named || f.slots[slot] != nil
}

// readyTo is the slot up to which classes are ready: with the spare ones, which are the first that nobody holds.
func (s sides) readyTo(held func(slot uint16) bool) uint16 {
	n := int(s.first)
	for free := 0; n < int(s.last); n++ {
		if !held(uint16(n)) {
			if free++; free == spare {
				break
			}
		}
	}
	return uint16(n)
}

// replenish makes classes ready for slots where openings have used up the spare ones, a few in each glance: the next ones to
// open must not wait for it either. With up to 1,024 slots there is never anything to do.
func (f *Firewall) replenish() error {
	const few = 16
	if !f.opened {
		return nil
	}
	end := f.sides.readyTo(f.holds)
	var list []classChange
	for len(list) < 2*few && f.ready < end {
		if f.ready++; f.holds(f.ready) {
			continue // who opened there has made them
		}
		for _, wan := range []bool{false, true} {
			want := f.sides.spared(wan)
			list = append(list, classChange{wan: wan, minor: f.ready, want: &want, fresh: true, leaf: true})
		}
	}
	f.opened = f.ready < end
	return errors.Join(sortedErrors(f.layClasses(list))...)
}

// planClasses compares the classes of one side. Those of slots without a session stay as they are.
func planClasses(wan bool, ch changes, has map[uint16]class, s sides) []classChange {
	want := s.of(wan).house()
	for _, g := range slices.Concat(ch.adopt, ch.add, ch.named) {
		want[g.Slot] = s.want(wan, g.rate(wan), g.Floor)
	}
	held := func(slot uint16) bool { _, is := want[slot]; return is }
	for n, end := int(s.first), s.readyTo(held); n <= int(end); n++ {
		minor := uint16(n)
		if _, is := has[minor]; !is && !held(minor) {
			want[minor] = s.spared(wan)
		}
	}
	var out []classChange
	for _, minor := range sortedKeys(want) { // ascending: parents are below the slots
		h, is := has[minor]
		if c, differs := compareClass(wan, minor, want[minor], h, is); differs {
			out = append(out, c)
		}
	}
	for _, minor := range sortedKeys(has) {
		if minor >= firstSlot && (minor < s.first || minor > s.last) { // of another capacity
			out = append(out, classChange{wan: wan, minor: minor})
		}
	}
	return out
}

// compareClass is what turns one class into the desired one.
func compareClass(wan bool, minor uint16, want, has class, is bool) (c classChange, differs bool) {
	c = classChange{wan: wan, minor: minor, want: &want, fresh: !is, leaf: want.leaf && !has.leaf}
	c.anew = is && has.parent != want.parent
	has.leaf = has.leaf && want.leaf // what a parent had before its first child is gone by itself
	return c, !is || has != want
}

func (g Grant) rate(wan bool) uint64 {
	if wan {
		return g.Up
	}
	return g.Down
}

// putClasses makes the classes of one session be so, by looking at them alone and making none where they are ready.
func (f *Firewall) putClasses(g Grant) error {
	classes, has, err := f.tc.get(f.sides, g.Slot)
	if err != nil {
		return err
	}
	var list []classChange
	for i, wan := range []bool{false, true} {
		if c, differs := compareClass(wan, g.Slot, f.sides.want(wan, g.rate(wan), g.Floor), classes[i], has[i]); differs {
			list = append(list, c)
		}
	}
	return errors.Join(sortedErrors(f.layClasses(list))...)
}

// layClasses makes classes and their queues be so and returns the errors of those that are not, by minor. A class cannot
// change its parent: with anew it is made again, and its packets meanwhile go with the house's.
func (f *Firewall) layClasses(list []classChange) map[uint16]error {
	var ops []tcOp
	for _, c := range list {
		if c.want == nil {
			continue
		}
		s := f.sides.of(c.wan)
		if c.anew {
			ops = append(ops, dropOp(s, c.minor))
		}
		ops = append(ops, classOp(s, c.minor, *c.want))
		if c.want.leaf && (c.leaf || c.anew || f.leaf == CapFifo) {
			ops = append(ops, leafOp(s, c.minor, *c.want, f.leaf))
		}
	}
	return f.tc.do(ops)
}

// dropClasses takes classes away; it is no error when they are not there, nor when the interface is gone.
func (f *Firewall) dropClasses(list []classChange) error {
	var ops []tcOp
	for _, c := range list {
		if c.want == nil {
			ops = append(ops, dropOp(f.sides.of(c.wan), c.minor))
		}
	}
	return errors.Join(sortedErrors(f.tc.do(ops))...)
}

// readClasses lists those of both sides.
func (f *Firewall) readClasses(k *kernel) (err error) {
	if k.guestSide, err = f.tc.list(f.sides.guest); err != nil {
		return err
	}
	k.wanSide, err = f.tc.list(f.sides.wan)
	return err
}

func handle(minor uint16) uint32 { return nl.MakeHandle(qdisc, minor) }

// layRoot puts HTB on the device, and nothing else once it is there: replacing it would drop every class
// (and the kernel refuses, EOPNOTSUPP). It returns the kind that it displaced, "" when it was there.
func (f *Firewall) layRoot(s side) (displaced string, err error) {
	kind, h, err := f.tc.root(s)
	if err != nil || (kind == "htb" && h == handle(0)) {
		return "", err
	}
	root := nl.NewHtb(nl.QdiscAttrs{LinkIndex: s.index, Parent: nl.HANDLE_ROOT, Handle: handle(0)})
	root.Defcls = classHouse
	root.Rate2Quantum = 1000 // only silences the kernel: every class has its quantum
	if err := f.rt.QdiscReplace(root); err != nil {
		return "", fmt.Errorf("put HTB on %s: %w", s.device, err)
	}
	return kind, nil
}

// liftRoot takes HTB away again, and with it every class; the kernel puts its default in place.
func (f *Firewall) liftRoot(s side) error {
	err := f.rt.QdiscDel(nl.NewHtb(nl.QdiscAttrs{LinkIndex: s.index, Parent: nl.HANDLE_ROOT, Handle: handle(0)}))
	if err == nil || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINVAL) {
		return nil
	}
	return fmt.Errorf("lift HTB from %s: %w", s.device, err)
}

// again repeats a dump that was interrupted by a change (NLM_F_DUMP_INTR), a few times.
func again[T any](dump func() (T, error)) (v T, err error) {
	for range 5 {
		if v, err = dump(); !errors.Is(err, nl.ErrDumpInterrupted) && !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	return v, err
}
