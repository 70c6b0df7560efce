package sessions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/internal/order"
)

// finalAfter is how long after a Drop the slot's last count is read: long enough to gather a round of ends.
const finalAfter = 200 * time.Millisecond

// ending is a session and why it ends.
type ending struct {
	*session
	reason Reason
}

// End ends a session and returns it. A session that has ended already is returned as it is. ErrNotFound when there is
// none with this id; ErrEnforce, with the ended session, when the kernel has not confirmed the cut: it is asked again until
// it does. A store that does not take the end is no error here, because people are cut all the same: it is written
// later, and Status says so.
func (m *Manager) End(ctx context.Context, id string, r Reason) (Session, error) {
	if !r.known() {
		return Session{}, fmt.Errorf("sessions: end session: reason %q is not one", r)
	}
	m.op.Lock()
	defer m.unlock()
	ctx = context.WithoutCancel(ctx)
	now := m.catchUp(ctx)
	s, ok := m.byID[id]
	if !ok || s.State == Ended && s.forgetAt() <= now {
		return Session{}, ErrNotFound
	}
	if s.State == Ended {
		return m.view(s, now), nil
	}
	err := m.end(ctx, now, ending{s, r})
	return m.view(s, now), err
}

// EndAll ends every open session and returns how many there were. ErrEnforce as in End.
func (m *Manager) EndAll(ctx context.Context, r Reason) (int, error) {
	if !r.known() {
		return 0, fmt.Errorf("sessions: end sessions: reason %q is not one", r)
	}
	m.op.Lock()
	defer m.unlock()
	ctx = context.WithoutCancel(ctx)
	now := m.catchUp(ctx)
	var list []ending
	for _, s := range m.bySlot {
		list = append(list, ending{s, r})
	}
	return len(list), m.end(ctx, now, list...)
}

func (r Reason) known() bool {
	return slices.Contains([]Reason{ByTime, ByIdle, ByVolume, ByResident, ByOperator, ByClosing, ByReplaced, ByDay, ByPause, ByMoved, ByWorkshop}, r)
}

// end cuts sessions in the kernel first, because people must be cut on time even when the disk is full, and then
// writes them in one transaction. Called with op held.
func (m *Manager) end(ctx context.Context, now clock.Boot, list ...ending) error {
	if len(list) == 0 {
		return nil
	}
	order.Func(list, func(a, b ending) int { return int(a.Slot) - int(b.Slot) })
	var failed []error
	for _, e := range list {
		if err := m.enforcer.Drop(e.Slot); err != nil {
			failed = append(failed, fmt.Errorf("drop slot %#x: %w", e.Slot, err))
		}
	}
	err := errors.Join(failed...)

	wall := m.clock.Wall().Time
	m.mu.Lock()
	for _, e := range list {
		delete(m.bySlot, e.Slot)
		delete(m.byIP, e.Device.IPv4)
		m.release(e.Slot, now)
		m.closing[e.Slot] = closing{session: e.session, down: e.KernelDown, up: e.KernelUp, refused: e.refused, unsure: e.unsure}
		m.close(e.session, e.reason, now, wall)
		m.owed[e.ID] = true
		m.forgetNxt = min(m.forgetNxt, e.forgetAt())
		m.codes.closed(e.Device.MAC, now)
		m.note(Notice{Kind: NoticeEnded, Session: m.view(e.session, now), Why: string(e.reason)})
		m.log.Info("session ended", "id", e.ID, "reason", e.reason)
	}
	if len(m.bySlot) == 0 {
		m.endNxt, m.readNxt = never, never
	}
	m.readWithin(now, finalAfter)
	m.mu.Unlock()
	if err != nil {
		m.enforceFailed(now, err)
		err = fmt.Errorf("sessions: end: %w: %w", ErrEnforce, err)
	}
	_ = m.save(ctx) // owed until it passes
	m.wake()
	return err
}

// release puts a slot to rest. Called with both locks held.
func (m *Manager) release(slot uint16, now clock.Boot) {
	m.slots.release(slot, now)
	m.rests[slot] = now
}

// close turns an open session into an ended one; what is left is frozen when its time runs while used. Called with both
// locks held.
func (m *Manager) close(s *session, r Reason, now clock.Boot, wall time.Time) {
	s.resume(now)
	if day := m.account(s); day != nil {
		day.stop(now)
		if r == ByIdle && s.profile.Runs == WhileUsed {
			day.idled(now.Sub(s.Active))
		}
	}
	s.State, s.Reason, s.Ended, s.EndedAt = Ended, r, now, wall
	s.Left, s.LineDown, s.LineAt = 0, false, 0
	if s.profile.Runs != WhileUsed {
		return
	}
	switch r {
	case ByIdle: // the stretch without traffic is given back
		s.Left = max(s.End.Sub(s.Active), 0)
	case ByResident, ByPause, ByClosing:
		s.Left = max(s.End.Sub(now), 0)
	}
}

// endDue ends the sessions whose time is up.
func (m *Manager) endDue(ctx context.Context, now clock.Boot) {
	if now < m.endNxt {
		return
	}
	var due []ending
	next := never
	for _, s := range m.bySlot {
		at, why := s.due()
		if at <= now {
			due = append(due, ending{s, why})
		} else {
			next = min(next, at)
		}
	}
	m.mu.Lock()
	m.endNxt = next
	m.mu.Unlock()
	_ = m.end(ctx, now, due...) // the kernel is asked again by Step
}

// forget lets go of the ended sessions that are no longer remembered; their rows are deleted with the next write.
func (m *Manager) forget(now clock.Boot) {
	if now < m.forgetNxt {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forgetNxt = never
	for id, s := range m.byID {
		if s.State == Open {
			continue
		}
		if at := s.forgetAt(); at > now {
			m.forgetNxt = min(m.forgetNxt, at)
			continue
		}
		m.drop(s)
		m.papers.loosen(s)
		m.gone[id] = true
	}
}

// drop takes a session out of memory. Called with both locks held.
func (m *Manager) drop(s *session) {
	delete(m.byID, s.ID)
	delete(m.byToken, s.token)
	delete(m.owed, s.ID)
	delete(m.progress, s.ID)
	if c, ok := m.closing[s.Slot]; ok && c.session == s {
		delete(m.closing, s.Slot)
	}
	m.unlist(s, s.Device.MAC)
}

// unlist takes a session out of what is known of a device. Called with both locks held.
func (m *Manager) unlist(s *session, a mac.Addr) {
	m.byMAC[a] = slices.DeleteFunc(m.byMAC[a], func(o *session) bool { return o == s })
	if len(m.byMAC[a]) == 0 {
		delete(m.byMAC, a)
	}
}
