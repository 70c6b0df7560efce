package main

import (
	"errors"
	"fmt"
	"sync"

	"parvis/kiosk/gate"
	"parvis/sessions"
)

// byName is what both asks of the name gate: *gate.Gate.
type byName interface {
	Put(gate.Grant) error
	Drop(slot uint16) error
	Sync([]gate.Grant) error
	Usage() ([]gate.Usage, error)
}

// both is sessions' Enforcer where some devices are forwarded and others reach what they reach by name. Terminals are the gate's
// alone; guests with a profile of names are the gate's, and the firewall leads them there; everybody else is the firewall's.
// Slots are one space, and each counts where its bytes pass.
type both struct {
	sessions.Enforcer
	gate byName

	mu   sync.Mutex
	held map[uint16]holder // slots that are, or were last, the gate's
}

// holder is who enforces a slot of the gate.
type holder struct {
	grant    gate.Grant // as it last was true
	firewall bool       // too
	open     bool
}

func newBoth(firewall sessions.Enforcer, g byName) *both {
	return &both{Enforcer: firewall, gate: g, held: map[uint16]holder{}}
}

func gateGrant(g sessions.Grant) gate.Grant {
	return gate.Grant{Slot: g.Slot, MAC: g.MAC, IPv4: g.IPv4, End: g.End, Profile: g.Profile, Suspended: g.Suspended}
}

// byGate says whether a grant's bytes pass by the gate.
func byGate(g sessions.Grant) bool { return g.Terminal || g.Named }

// hold takes note of who has a slot, and returns what gives it back to who had it.
func (b *both) hold(g sessions.Grant) (was holder, back func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	was, there := b.held[g.Slot]
	if byGate(g) {
		b.held[g.Slot] = holder{grant: gateGrant(g), firewall: !g.Terminal, open: true}
	} else {
		delete(b.held, g.Slot)
	}
	return was, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if delete(b.held, g.Slot); there {
			b.held[g.Slot] = was
		}
	}
}

// Put implements sessions.Enforcer. When one of the two refuses, the other has what it had before: nothing new is open.
func (b *both) Put(g sessions.Grant) error {
	was, back := b.hold(g)
	if byGate(g) {
		if err := b.gate.Put(gateGrant(g)); err != nil {
			back()
			return err
		}
	}
	if g.Terminal {
		return nil
	}
	err := b.Enforcer.Put(g)
	if err == nil {
		return nil
	}
	back()
	switch {
	case g.Named && was.open:
		err = errors.Join(err, b.gate.Put(was.grant))
	case g.Named:
		err = errors.Join(err, b.gate.Drop(g.Slot))
	}
	return err
}

// Drop implements sessions.Enforcer.
func (b *both) Drop(slot uint16) error {
	b.mu.Lock()
	h, held := b.held[slot]
	held = held && h.open
	if held {
		b.held[slot] = holder{firewall: h.firewall} // its last count is the gate's
	}
	b.mu.Unlock()
	switch {
	case !held:
		return b.Enforcer.Drop(slot)
	case h.firewall:
		return errors.Join(b.gate.Drop(slot), b.Enforcer.Drop(slot))
	}
	return b.gate.Drop(slot)
}

// Sync implements sessions.Enforcer. The gate comes first: whatever the kernel says, no terminal keeps what is not its any more.
func (b *both) Sync(all []sessions.Grant) error {
	var named []gate.Grant
	var forwarded []sessions.Grant
	b.mu.Lock()
	for slot, h := range b.held {
		b.held[slot] = holder{firewall: h.firewall}
	}
	b.mu.Unlock()
	for _, g := range all {
		b.hold(g)
		if byGate(g) {
			named = append(named, gateGrant(g))
		}
		if !g.Terminal {
			forwarded = append(forwarded, g)
		}
	}
	return errors.Join(b.gate.Sync(named), b.Enforcer.Sync(forwarded))
}

// Usage implements sessions.Enforcer: what the firewall says of a slot of the gate is not what its device has carried.
func (b *both) Usage() ([]sessions.Usage, error) {
	forwarded, err := b.Enforcer.Usage()
	if err != nil {
		return nil, err
	}
	named, err := b.gate.Usage()
	if err != nil {
		return nil, fmt.Errorf("count by name: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	usage := make([]sessions.Usage, 0, len(forwarded)+len(named))
	for _, u := range forwarded {
		if _, held := b.held[u.Slot]; !held {
			usage = append(usage, u)
		}
	}
	for _, u := range named {
		usage = append(usage, sessions.Usage(u))
	}
	return usage, nil
}
