package gate

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/internal/order"
)

// Grant is the right of one device to what it may reach, for one session. It is in force while a connection comes from its MAC
// and its IPv4, before End and not suspended.
type Grant struct {
	Slot      uint16
	MAC       mac.Addr
	IPv4      netip.Addr
	End       clock.Boot // the gate cuts by itself within a second after it
	Profile   string
	Suspended bool // keeps the slot and its counts, and nothing passes
}

// Usage is what one slot has carried since its Grant was first put, in bytes of TCP payload on the line's side.
type Usage struct {
	Slot     uint16
	Down, Up uint64
	Final    bool // the slot was dropped; this count is its last and is reported once
}

// ErrGrant says that a grant is not complete, or shares a slot, a MAC or an IPv4 with another one.
var ErrGrant = errors.New("not a grant of its own")

// account is a grant with what its flows that are over have carried.
type account struct {
	Grant
	down, up uint64
}

// Put makes a grant, or changes it when its slot is there already for the same device. The bytes of a new one count from zero.
func (g *Gate) Put(n Grant) error {
	g.mu.Lock()
	err := g.put(n)
	g.mu.Unlock()
	if err != nil {
		return fmt.Errorf("gate: put slot %#x: %w", n.Slot, err)
	}
	g.rejudge()
	g.wake()
	return nil
}

func (g *Gate) put(n Grant) error {
	if err := complete(n); err != nil {
		return err
	}
	for _, a := range g.slots {
		if (a.Slot == n.Slot) != (a.MAC == n.MAC) || a.Slot != n.Slot && a.IPv4 == n.IPv4 {
			return fmt.Errorf("%w: shared with slot %#x", ErrGrant, a.Slot)
		}
	}
	g.enter(n)
	return nil
}

// enter notes a grant that shares nothing with those that are there.
func (g *Gate) enter(n Grant) {
	if a := g.slots[n.Slot]; a != nil {
		a.Grant = n
		return
	}
	delete(g.finals, n.Slot)
	a := &account{Grant: n}
	g.slots[n.Slot], g.macs[n.MAC] = a, a
}

func complete(n Grant) error {
	if n.Slot == 0 || n.MAC == (mac.Addr{}) || !n.IPv4.Is4() {
		return fmt.Errorf("%w: not complete", ErrGrant)
	}
	return nil
}

// Drop takes a grant away and cuts its flows before it returns. Its last counts are in the next Usage. It is no error when the slot
// is not there.
func (g *Gate) Drop(slot uint16) error {
	g.mu.Lock()
	if a := g.slots[slot]; a != nil {
		g.drop(a)
	}
	g.mu.Unlock()
	return nil
}

// drop cuts an account's flows, by which its counts are complete, and forgets it.
func (g *Gate) drop(a *account) {
	delete(g.slots, a.Slot)
	delete(g.macs, a.MAC)
	g.cutAll(func(f *flow) bool { return f.account == a })
	g.finals[a.Slot] = Usage{Slot: a.Slot, Down: a.down, Up: a.up, Final: true}
}

// Sync makes the grants be these and no others. Those that stay keep their counts and flows.
func (g *Gate) Sync(all []Grant) error {
	if err := apart(all); err != nil {
		return fmt.Errorf("gate: sync: %w", err)
	}
	g.mu.Lock()
	stay := map[uint16]mac.Addr{}
	for _, n := range all {
		stay[n.Slot] = n.MAC
	}
	for _, a := range slices.Collect(maps.Values(g.slots)) {
		if stay[a.Slot] != a.MAC {
			g.drop(a)
		}
	}
	for _, n := range all {
		g.enter(n)
	}
	g.mu.Unlock()
	g.rejudge()
	g.wake()
	return nil
}

// apart refuses grants of which two share something.
func apart(all []Grant) error {
	slots, macs, ips := map[uint16]bool{}, map[mac.Addr]bool{}, map[netip.Addr]bool{}
	for _, n := range all {
		if err := complete(n); err != nil {
			return fmt.Errorf("slot %#x: %w", n.Slot, err)
		}
		if slots[n.Slot] || macs[n.MAC] || ips[n.IPv4] {
			return fmt.Errorf("slot %#x: %w: shared", n.Slot, ErrGrant)
		}
		slots[n.Slot], macs[n.MAC], ips[n.IPv4] = true, true, true
	}
	return nil
}

// Usage returns the counts of every grant, silent ones too, then the last counts of those that were dropped, once.
func (g *Gate) Usage() ([]Usage, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	live := map[*account]Usage{}
	for f := range g.flows {
		g.count(f)
		u := live[f.account]
		live[f.account] = Usage{Down: u.Down + f.down, Up: u.Up + f.up}
	}
	all := make([]Usage, 0, len(g.slots)+len(g.finals))
	for _, a := range g.slots {
		all = append(all, Usage{Slot: a.Slot, Down: a.down + live[a].Down, Up: a.up + live[a].Up})
	}
	bySlot := func(a, b Usage) int { return cmp.Compare(a.Slot, b.Slot) }
	order.Func(all, bySlot)
	all = append(all, slices.SortedFunc(maps.Values(g.finals), bySlot)...)
	clear(g.finals)
	return all, nil
}

func (g *Gate) wake() {
	select {
	case g.changed <- struct{}{}:
	default:
	}
}
