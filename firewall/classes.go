package firewall

import (
	"errors"
	"fmt"
	"syscall"

	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// side is one direction: the interface that its packets leave by and the rate of the line that way.
type side struct {
	device string
	index  int
	line   uint64 // bits per second
}

// class is one HTB class as we want it or as the kernel has it.
type class struct {
	parent     uint16
	rate, ceil uint64 // bytes per second
}

const (
	minRate = 1000 // bytes per second: HTB takes none below
	mtu     = 1600
	quantum = 1514 // one full frame a round: the line is shared evenly
)

// want is the class of a session: never more than rate (0: the line's), and an even share of the line when it is full.
// A class within its own guaranteed rate does not ask its parent, so the guarantees must not add up to more than the line.
func (s side) want(rate uint64, parent uint16, slots int) class {
	if rate == 0 || rate > s.line {
		rate = s.line
	}
	ceil := max(rate/8, minRate)
	share := max(s.line/8/uint64(slots), minRate)
	return class{parent: or(parent, classLine), rate: min(ceil, share), ceil: ceil}
}

// house is the class of the router itself, the staff and everything unmarked: a tenth is theirs, more when it is free.
func (s side) house() class {
	return class{parent: classLine, rate: max(s.line/80, minRate), ceil: max(s.line/8, minRate)}
}

func (s side) top() class {
	return class{parent: 0, rate: max(s.line/8, minRate), ceil: max(s.line/8, minRate)}
}

// burst is two milliseconds' worth: timers are not exact, and a smaller one would cap fast classes.
func burst(rate uint64) uint32 { return uint32(min(rate/500+mtu, 1<<24)) }

func handle(minor uint16) uint32 { return nl.MakeHandle(qdisc, minor) }

func (c class) netlink(index int, minor uint16) *nl.HtbClass {
	parent := handle(c.parent)
	return nl.NewHtbClass(
		nl.ClassAttrs{LinkIndex: index, Handle: handle(minor), Parent: parent},
		nl.HtbClassAttrs{Rate: c.rate * 8, Ceil: c.ceil * 8, Buffer: burst(c.rate), Cbuffer: burst(c.ceil), Quantum: quantum, Prio: 1},
	)
}

// putClass makes the class be so. A class cannot change its parent: with anew it is made again, and its packets
// meanwhile go with the house's.
func (f *Firewall) putClass(s side, minor uint16, c class, anew bool) error {
	if anew {
		if err := f.dropClass(s, minor); err != nil {
			return err
		}
	}
	if err := f.rt.ClassReplace(c.netlink(s.index, minor)); err != nil {
		return fmt.Errorf("put class %d:%x on %s: %w", qdisc, minor, s.device, err)
	}
	if !f.leaf || minor == classLine {
		return nil
	}
	leaf := nl.NewFqCodel(nl.QdiscAttrs{LinkIndex: s.index, Parent: handle(minor), Handle: nl.MakeHandle(minor, 0)})
	if err := f.rt.QdiscReplace(leaf); err != nil {
		return fmt.Errorf("put queue of class %d:%x on %s: %w", qdisc, minor, s.device, err)
	}
	return nil
}

// dropClass takes the class away; it is no error when it is not there, nor when the interface is gone.
func (f *Firewall) dropClass(s side, minor uint16) error {
	err := f.rt.ClassDel(class{}.netlink(s.index, minor))
	if err == nil || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.EINVAL) {
		return nil
	}
	return fmt.Errorf("drop class %d:%x on %s: %w", qdisc, minor, s.device, err)
}

// classes are those of the kernel, by minor.
func (f *Firewall) classes(s side) (map[uint16]class, error) {
	list, err := again(func() ([]nl.Class, error) {
		return f.rt.ClassList(&nl.Device{LinkAttrs: nl.LinkAttrs{Index: s.index}}, nl.HANDLE_NONE)
	})
	if err != nil {
		return nil, fmt.Errorf("list classes of %s: %w", s.device, err)
	}
	out := make(map[uint16]class, len(list))
	for _, c := range list {
		h, ok := c.(*nl.HtbClass)
		if !ok || h.Handle>>16 != qdisc {
			continue
		}
		parent := uint16(h.Parent)
		if h.Parent == nl.HANDLE_ROOT {
			parent = 0
		}
		out[uint16(h.Handle)] = class{parent: parent, rate: h.Rate, ceil: h.Ceil}
	}
	return out, nil
}

// readClasses lists those of both sides.
func (f *Firewall) readClasses(k *kernel) (err error) {
	if k.guestSide, err = f.classes(f.sides.guest); err != nil {
		return err
	}
	k.wanSide, err = f.classes(f.sides.wan)
	return err
}

// layRoot puts HTB on the device, and nothing else once it is there: replacing it would drop every class
// (and the kernel refuses, EOPNOTSUPP). It returns the kind that it displaced, "" when it was there.
func (f *Firewall) layRoot(s side) (displaced string, err error) {
	list, err := again(func() ([]nl.Qdisc, error) {
		return f.rt.QdiscList(&nl.Device{LinkAttrs: nl.LinkAttrs{Index: s.index}})
	})
	if err != nil {
		return "", fmt.Errorf("list queues of %s: %w", s.device, err)
	}
	displaced = "noqueue"
	for _, q := range list {
		if q.Attrs().Parent != nl.HANDLE_ROOT {
			continue
		}
		if q.Type() == "htb" && q.Attrs().Handle == handle(0) {
			return "", nil
		}
		displaced = q.Type()
	}
	root := nl.NewHtb(nl.QdiscAttrs{LinkIndex: s.index, Parent: nl.HANDLE_ROOT, Handle: handle(0)})
	root.Defcls = classHouse
	root.Rate2Quantum = 1000 // only silences the kernel: every class has its quantum
	if err := f.rt.QdiscReplace(root); err != nil {
		return "", fmt.Errorf("put HTB on %s: %w", s.device, err)
	}
	return displaced, nil
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
