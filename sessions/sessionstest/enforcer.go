// Package sessionstest holds a kernel and a disk that live in memory, for tests. Both are strict: what the real ones
// would refuse, or would let pass and nobody should ask for, is an error.
package sessionstest

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"time"

	"parvis/internal/mac"
	"parvis/sessions"
)

// The calls that can be told to fail.
const (
	Put   = "Put"
	Drop  = "Drop"
	Sync  = "Sync"
	Usage = "Usage"
	Load  = "Load"
	Save  = "Save"
)

// Enforcer is a kernel in memory with one pair of counters for each slot.
type Enforcer struct {
	faults
	mu     sync.Mutex
	grants map[uint16]sessions.Grant
	macs   map[mac.Addr]uint16       // of grants
	ips    map[netip.Addr]uint16     // of grants
	counts map[uint16]sessions.Usage // the kernel's
	before map[uint16]sessions.Usage // what counters had counted that have begun again, as the enforcer remembers it
	finals map[uint16]sessions.Usage
	events chan sessions.Event
}

var _ sessions.Enforcer = (*Enforcer)(nil)

// NewEnforcer returns a kernel without any grant.
func NewEnforcer() *Enforcer {
	return &Enforcer{
		grants: map[uint16]sessions.Grant{},
		macs:   map[mac.Addr]uint16{},
		ips:    map[netip.Addr]uint16{},
		counts: map[uint16]sessions.Usage{},
		before: map[uint16]sessions.Usage{},
		finals: map[uint16]sessions.Usage{},
		events: make(chan sessions.Event, 16),
	}
}

// Put implements sessions.Enforcer. It refuses a slot that another MAC holds, a MAC or an IPv4 that another slot holds,
// and a grant that is not complete.
func (e *Enforcer) Put(g sessions.Grant) error {
	return e.call(Put, func() error {
		e.mu.Lock()
		defer e.mu.Unlock()
		if err := check(g); err != nil {
			return err
		}
		if err := e.apart(g); err != nil {
			return err
		}
		e.put(g)
		return nil
	})
}

func (e *Enforcer) put(g sessions.Grant) {
	if old, ok := e.grants[g.Slot]; ok {
		if e.ips[old.IPv4] == g.Slot {
			delete(e.ips, old.IPv4)
		}
	} else {
		e.counts[g.Slot] = sessions.Usage{Slot: g.Slot}
		delete(e.finals, g.Slot)
	}
	e.grants[g.Slot], e.macs[g.MAC], e.ips[g.IPv4] = g, g.Slot, g.Slot
}

// apart refuses what would share a slot, a MAC or an IPv4 with another grant.
func (e *Enforcer) apart(g sessions.Grant) error {
	if old, ok := e.grants[g.Slot]; ok && old.MAC != g.MAC {
		return fmt.Errorf("sessionstest: slot %#x is another device's", g.Slot)
	}
	for _, slot := range []uint16{cmp.Or(e.macs[g.MAC], g.Slot), cmp.Or(e.ips[g.IPv4], g.Slot)} {
		if slot != g.Slot {
			return fmt.Errorf("sessionstest: slots %#x and %#x share a device", g.Slot, slot)
		}
	}
	return nil
}

// Drop implements sessions.Enforcer. It refuses a slot that is not there.
func (e *Enforcer) Drop(slot uint16) error {
	return e.call(Drop, func() error {
		e.mu.Lock()
		defer e.mu.Unlock()
		if _, ok := e.grants[slot]; !ok {
			return fmt.Errorf("sessionstest: drop slot %#x: not there", slot)
		}
		e.drop(slot)
		return nil
	})
}

func (e *Enforcer) drop(slot uint16) {
	u := e.total(slot)
	u.Final = true
	e.finals[slot] = u
	delete(e.macs, e.grants[slot].MAC)
	delete(e.ips, e.grants[slot].IPv4)
	delete(e.grants, slot)
	delete(e.counts, slot)
	delete(e.before, slot)
}

func (e *Enforcer) total(slot uint16) sessions.Usage {
	u := e.counts[slot]
	u.Down, u.Up = u.Down+e.before[slot].Down, u.Up+e.before[slot].Up
	return u
}

// Sync implements sessions.Enforcer. It refuses two grants that share a slot, a MAC or an IPv4.
func (e *Enforcer) Sync(gs []sessions.Grant) error {
	return e.call(Sync, func() error {
		e.mu.Lock()
		defer e.mu.Unlock()
		want := NewEnforcer()
		for _, g := range gs {
			if err := check(g); err != nil {
				return err
			}
			if _, twice := want.grants[g.Slot]; twice {
				return fmt.Errorf("sessionstest: sync: slot %#x twice", g.Slot)
			}
			if err := want.apart(g); err != nil {
				return err
			}
			want.put(g)
		}
		for slot, old := range e.grants {
			if want.grants[slot].MAC != old.MAC {
				e.drop(slot)
			}
		}
		clear(e.macs)
		clear(e.ips)
		for _, g := range gs {
			e.put(g)
		}
		return nil
	})
}

func check(g sessions.Grant) error {
	if g.Slot < 0x10 || !g.IPv4.Is4() || g.MAC == [6]byte{} {
		return fmt.Errorf("sessionstest: grant %+v is not complete", g)
	}
	return nil
}

// Usage implements sessions.Enforcer: every slot that is there, then the final counts, once.
func (e *Enforcer) Usage() (us []sessions.Usage, err error) {
	err = e.call(Usage, func() error {
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, u := range bySlot(e.counts) {
			us = append(us, e.total(u.Slot))
		}
		us = append(us, bySlot(e.finals)...)
		clear(e.finals)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return us, nil
}

func bySlot(m map[uint16]sessions.Usage) []sessions.Usage {
	return slices.SortedFunc(maps.Values(m), func(a, b sessions.Usage) int { return cmp.Compare(a.Slot, b.Slot) })
}

// Events implements sessions.Enforcer.
func (e *Enforcer) Events() <-chan sessions.Event { return e.events }

// Emit makes something happen behind the manager's back.
func (e *Enforcer) Emit(ev sessions.Event) { e.events <- ev }

// Carry lets bytes through a slot; it panics when nobody is there, as nothing would pass.
func (e *Enforcer) Carry(slot uint16, down, up uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	u, ok := e.counts[slot]
	if !ok {
		panic(fmt.Sprintf("sessionstest: carry: slot %#x is not there", slot))
	}
	u.Down += down
	u.Up += up
	e.counts[slot] = u
}

// Lose takes every grant and counter away, as a reboot or another program does.
func (e *Enforcer) Lose() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.grants)
	clear(e.macs)
	clear(e.ips)
	clear(e.counts)
	clear(e.before)
	clear(e.finals)
}

// Flush empties the kernel's sets, which the enforcer repairs: the kernel counts from zero again, and the enforcer remembers
// what it had counted.
func (e *Enforcer) Flush() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for slot := range e.counts {
		e.before[slot] = e.total(slot)
		e.counts[slot] = sessions.Usage{Slot: slot}
	}
}

// Restart is another process that takes the kernel over as it finds it: what was only remembered is gone.
func (e *Enforcer) Restart() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.before)
	clear(e.finals)
}

// Grants returns what is enforced, by slot.
func (e *Enforcer) Grants() []sessions.Grant {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.SortedFunc(maps.Values(e.grants), func(a, b sessions.Grant) int { return cmp.Compare(a.Slot, b.Slot) })
}

// WaitTaken waits until somebody has taken every event, and fails the test after 10 s.
func (e *Enforcer) WaitTaken(t interface {
	Helper()
	Fatal(...any)
},
) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); len(e.events) > 0; {
		if time.Now().After(deadline) {
			t.Fatal("sessionstest: nobody takes events")
		}
		runtime.Gosched()
	}
}
