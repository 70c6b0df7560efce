package firewall

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"parvis/firewall/ipset"
	"parvis/internal/clock"
	"parvis/internal/mac"
)

// Grant is what is to be made true for one session. Its fields are those of sessions.Grant.
type Grant struct {
	Slot     uint16
	MAC      mac.Addr
	IPv4     netip.Addr
	End      clock.Boot // the kernel closes by itself at or within a second after End
	Down, Up uint64     // bits per second; 0 the line's
	Floor    uint64     // bits per second that are guaranteed each way; 0 the slot's even part
	// Suspended keeps the slot, its class and its counts, and nothing passes: the device has no entry.
	Suspended bool
	// Named leads the device's web connections to the relay, which decides by name, and lets nothing else pass. Such a slot has
	// no Usage here: the relay counts.
	Named bool
}

// Usage is what one slot has carried since its Grant was first put, in bytes as the kernel counts them (before
// segmentation, about 3 % under the wire). Its fields are those of sessions.Usage.
type Usage struct {
	Slot     uint16
	Down, Up uint64
	Final    bool // the slot was dropped; this count is its last and is reported once
}

// EventKind says what happened behind our back.
type EventKind uint8

// The kinds of events, numbered as in sessions.
const (
	LinkLost  EventKind = iota + 1 // an interface is gone: nothing can be enforced, nothing passes
	LinkBack                       // it is there again, or a port has joined the guests' bridge: call Sync
	Touched                        // another program has changed what we laid in the kernel: call Sync
	Contested                      // the device that Event.MAC names is not alone in using its identity: see Event.Contest
	Settled                        // it is alone again
)

// Contest says what contradicts a device's identity, as in sessions.
type Contest string

// The contests.
const (
	TwoPorts     Contest = "two-ports"     // the same MAC is alive behind two ports at once: a clone
	OtherAddress Contest = "other-address" // it claims an address that is another device's, or that nobody leased
)

// Event is something that was seen.
type Event struct {
	Kind    EventKind
	Detail  string   // for the log: which interface, what was touched; never an address of a device
	MAC     mac.Addr // of Contested and Settled
	Contest Contest  // of Contested
}

// Device is who has an address on the guest link.
type Device struct {
	MAC  mac.Addr   `json:"mac"`
	IPv4 netip.Addr `json:"ipv4"`
	Port string     `json:"port,omitempty"` // of the guests' bridge, where it was last heard; "" when that is not known
}

// Errors that callers decide by.
var (
	ErrNotLaid      = errors.New("the skeleton is not laid: Sync first")
	ErrGrant        = errors.New("grant refused")
	ErrSlotTaken    = errors.New("the slot is another device's")
	ErrAddressTaken = errors.New("the address is in another open slot")
	ErrNoInterface  = errors.New("no such interface")
	ErrNoNeighbour  = errors.New("nobody with that address on the guest link")
	ErrNoLease      = errors.New("the address was not leased")
	ErrOtherDevice  = errors.New("the address was leased to another device")
)

const (
	slotMask  = uint32(0xffff0000) // of mark and connmark
	entryMask = 0xffff0001         // what an entry writes: the slot and the backstop's bit
	backstop  = 0x1
	qdisc     = 1 // major of our classes

	// closedFor is how long an ended entry waits for the Usage that collects it.
	closedFor = 300
)

// check refuses what cannot be enforced.
func (g Grant) check(c Config) error {
	first, last, _ := Slots(c.Capacity)
	refuse := func(format string, args ...any) error {
		return fmt.Errorf("%w: slot %#x: %s", ErrGrant, g.Slot, fmt.Sprintf(format, args...))
	}
	switch {
	case g.Slot < first || g.Slot > last:
		return refuse("not between %#x and %#x", first, last)
	case g.MAC == (mac.Addr{}) || g.MAC[0]&1 == 1:
		return refuse("the MAC is not that of one device")
	case !g.IPv4.Is4() || !c.Address.Contains(g.IPv4):
		return refuse("%v is not in the guest network %v", g.IPv4, c.Address.Masked())
	case g.IPv4 == c.Address.Addr():
		return refuse("%v is our own address", g.IPv4)
	}
	return nil
}

// seconds is the entry's timeout at the moment now: what is left, rounded up, as the kernel takes it.
func (g Grant) seconds(now clock.Boot) uint32 {
	left := (g.End.Sub(now) + time.Second - 1) / time.Second
	return uint32(min(max(left, 1), ipset.MaxTimeout))
}

// entry is the grant in the sets at one of its addresses. fresh writes the counters to zero: an entry may inherit its
// predecessor's.
func (g Grant) entry(a netip.Addr, now clock.Boot, fresh bool) ipset.Entry {
	e := ipset.Entry{
		IP: a, MAC: g.MAC, Timeout: g.seconds(now),
		Mark: uint32(g.Slot) << 16, Mask: entryMask, Prio: qdisc<<16 | uint32(g.Slot),
	}
	if fresh {
		e.Packets, e.Bytes = new(uint64), new(uint64)
	}
	return e
}

// closed is the grant in the sets once it has ended: it matches and counts, and nothing passes.
func (g Grant) closed(a netip.Addr) ipset.Entry {
	return ipset.Entry{
		IP: a, MAC: g.MAC, Timeout: closedFor, Mark: backstop, Mask: entryMask, Prio: qdisc<<16 | classEnded,
	}
}

// down is an entry of the download set: it knows no MAC.
func down(e ipset.Entry) ipset.Entry {
	e.MAC = mac.Addr{}
	return e
}
