// Package sessionstest holds a kernel and a disk that live in memory, for tests. Both are strict: what the real ones
// would refuse, or would let pass and nobody should ask for, is an error.
package sessionstest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"

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
	counts map[uint16]sessions.Usage
	finals map[uint16]sessions.Usage
	events chan sessions.Event
}

var _ sessions.Enforcer = (*Enforcer)(nil)

// NewEnforcer returns a kernel without any grant.
func NewEnforcer() *Enforcer {
	return &Enforcer{
		grants: map[uint16]sessions.Grant{},
		counts: map[uint16]sessions.Usage{},
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
		for _, o := range e.grants {
			if err := apart(g, o); err != nil {
				return err
			}
		}
		e.put(g)
		return nil
	})
}

func (e *Enforcer) put(g sessions.Grant) {
	if _, ok := e.grants[g.Slot]; !ok {
		e.counts[g.Slot] = sessions.Usage{Slot: g.Slot}
		delete(e.finals, g.Slot)
	}
	e.grants[g.Slot] = g
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
	u := e.counts[slot]
	u.Final = true
	e.finals[slot] = u
	delete(e.grants, slot)
	delete(e.counts, slot)
}

// Sync implements sessions.Enforcer. It refuses two grants that share a slot, a MAC or an IPv4.
func (e *Enforcer) Sync(gs []sessions.Grant) error {
	return e.call(Sync, func() error {
		e.mu.Lock()
		defer e.mu.Unlock()
		want := map[uint16]bool{}
		for i, g := range gs {
			if err := check(g); err != nil {
				return err
			}
			for _, o := range gs[:i] {
				if o.Slot == g.Slot {
					return fmt.Errorf("sessionstest: sync: slot %#x twice", g.Slot)
				}
				if err := apart(g, o); err != nil {
					return err
				}
			}
			want[g.Slot] = true
		}
		for slot, old := range e.grants {
			if !want[slot] {
				e.drop(slot)
			} else if i := slices.IndexFunc(gs, func(g sessions.Grant) bool { return g.Slot == slot }); gs[i].MAC != old.MAC {
				e.drop(slot)
			}
		}
		for _, g := range gs {
			e.put(g)
		}
		return nil
	})
}

func check(g sessions.Grant) error {
	if g.Slot < 0x10 || g.Parent == 0 || !g.IPv4.Is4() || g.MAC == [6]byte{} {
		return fmt.Errorf("sessionstest: grant %+v is not complete", g)
	}
	return nil
}

func apart(g, o sessions.Grant) error {
	switch {
	case g.Slot == o.Slot && g.MAC != o.MAC:
		return fmt.Errorf("sessionstest: slot %#x is another device's", g.Slot)
	case g.Slot != o.Slot && (g.MAC == o.MAC || g.IPv4 == o.IPv4):
		return fmt.Errorf("sessionstest: slots %#x and %#x share a device", g.Slot, o.Slot)
	}
	return nil
}

// Usage implements sessions.Enforcer: every slot that is there, then the final counts, once.
func (e *Enforcer) Usage() (us []sessions.Usage, err error) {
	err = e.call(Usage, func() error {
		e.mu.Lock()
		defer e.mu.Unlock()
		us = append(bySlot(e.counts), bySlot(e.finals)...)
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
	clear(e.counts)
	clear(e.finals)
}

// Grants returns what is enforced, by slot.
func (e *Enforcer) Grants() []sessions.Grant {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.SortedFunc(maps.Values(e.grants), func(a, b sessions.Grant) int { return cmp.Compare(a.Slot, b.Slot) })
}
