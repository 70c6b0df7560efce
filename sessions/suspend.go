package sessions

import (
	"context"
	"fmt"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

const (
	// suspendedMost is how long a session stays suspended whose profile has no idle time.
	suspendedMost = time.Hour
	// confirmWithin is how long a suspension outlives a start of the daemon without being seen again: twice what the
	// enforcer takes to see a clone that is alive.
	confirmWithin = 10 * time.Second
	// contestsMost bounds what devices that invent addresses can make us remember.
	contestsMost = 16384
)

// contest is what contradicts a device's identity.
type contest struct {
	why   Contest
	until clock.Boot // it counts as settled from then on, unless it is seen again; never: until it is settled
}

// contest suspends the open session of a device that is not alone in using its identity, and keeps it from opening one:
// the place does not decide who of the two is right. Called with op held.
func (m *Manager) contest(ctx context.Context, now clock.Boot, a mac.Addr, why Contest) {
	m.mu.Lock()
	if _, known := m.contested[a]; known || len(m.contested) < contestsMost {
		m.contested[a] = contest{why, never}
	}
	m.mu.Unlock()
	s := m.openOf(a)
	if s == nil || s.Suspended != "" {
		return
	}
	m.mu.Lock()
	s.Suspended, s.SuspendedAt = why, now
	if day := m.account(s); day != nil {
		day.stop(now)
	}
	m.comes(s)
	m.owed[s.ID], m.changed = true, true
	m.mu.Unlock()
	m.log.Warn("session suspended", "id", s.ID, "contest", why)
	m.tell(now, s)
	// What passed until now is the session's, what is refused from now on is not. Where the two cannot be told apart, its
	// person does not pay.
	if !m.readCounters(ctx, now, false) {
		m.mu.Lock()
		s.refused = true
		m.mu.Unlock()
	}
	_ = m.save(ctx) // owed until it passes
}

// settle lets the device have its session again. Called with op held.
func (m *Manager) settle(ctx context.Context, now clock.Boot, a mac.Addr) {
	m.mu.Lock()
	delete(m.contested, a)
	m.mu.Unlock()
	s := m.openOf(a)
	if s == nil || s.Suspended == "" {
		return
	}
	known := m.readCounters(ctx, now, false) // what was refused until now must be known before the disk is told that it is over
	m.mu.Lock()
	s.resume(now)
	s.refused = !known // then the next reading still holds what was refused
	s.Active = now     // idleness begins anew: its person must notice first
	if day := m.account(s); day != nil && !s.LineDown {
		day.run(now)
	}
	s.dayEnd = m.dayEnd(s, now)
	m.comes(s)
	m.owed[s.ID], m.changed = true, true
	m.mu.Unlock()
	m.log.Info("session goes on: nobody else uses its identity", "id", s.ID)
	m.tell(now, s)
	_ = m.save(ctx) // owed until it passes
}

// resume ends a suspension: time that stood still goes on from where it stood.
func (s *session) resume(now clock.Boot) {
	if s.Suspended == "" {
		return
	}
	stood := now.Sub(s.SuspendedAt)
	s.Active = s.Active.Add(stood)
	if s.profile.Runs == WhileUsed {
		s.End = s.End.Add(stood)
	}
	s.Suspended, s.SuspendedAt = "", 0
}

// settleUnseen settles the contests that an earlier run of the daemon knew of and this one has not seen.
func (m *Manager) settleUnseen(ctx context.Context, now clock.Boot) {
	if now < m.unconfirmed {
		return
	}
	m.unconfirmed = never
	for a, c := range m.contested {
		switch {
		case c.until <= now:
			m.settle(ctx, now, a)
		default:
			m.unconfirmed = min(m.unconfirmed, c.until)
		}
	}
}

// tell asks the kernel for what an open session is now; when it does not follow, everything is laid anew until it does.
func (m *Manager) tell(now clock.Boot, s *session) {
	g := s.grant()
	if err := m.enforcer.Put(g); err != nil {
		m.enforceFailed(now, fmt.Errorf("put slot %#x: %w", s.Slot, err))
		return
	}
	m.mu.Lock()
	s.asked(g)
	m.mu.Unlock()
}

// asked takes note of what the kernel has been asked for.
func (s *session) asked(g Grant) { s.told, s.toldEnd = rates{g.Down, g.Up}, g.End }

// comes takes note of when an open session ends by itself and wants a reading. Called with both locks held.
func (m *Manager) comes(s *session) {
	at, _ := s.due()
	m.endNxt = min(m.endNxt, at)
	m.readNxt = min(m.readNxt, m.wantsRead(s))
}
