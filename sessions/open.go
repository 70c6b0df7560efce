package sessions

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// OpenRequest asks for a session.
type OpenRequest struct {
	Device  Device
	Profile string
	// For is the time that the operator gives, at most MaxTime. 0 gives the profile's, and leaves what a session
	// has already as it is.
	For time.Duration
	By  Opener
}

// Open gives the device a session under the profile and returns it once the kernel lets the device pass.
//
//   - Open already under this profile: the same session with its time unchanged, unless For is set. When the device has
//     another IPv4 now, the grant moves with it.
//   - Open under another profile: that session is ended first, by who asks.
//   - Ended with time left (Reason.Resumable, same profile, within Profile.Keep): the same session goes on.
//   - An open session of another device with this IPv4 is ended first (ByReplaced).
//
// Errors: ErrUnknownProfile; ErrFull when no slot can be given; ErrStore when the store refuses and ErrEnforce when
// the kernel does: nothing has been opened then.
func (m *Manager) Open(ctx context.Context, req OpenRequest) (Session, error) {
	p, ok := m.profile(req.Profile)
	if !ok {
		return Session{}, fmt.Errorf("%w: %q", ErrUnknownProfile, req.Profile)
	}
	if err := req.check(); err != nil {
		return Session{}, err
	}
	m.op.Lock()
	defer m.op.Unlock()
	defer m.wake()
	if !m.started {
		return Session{}, errors.New("sessions: open: not started")
	}
	if err := ctx.Err(); err != nil {
		return Session{}, fmt.Errorf("sessions: open: %w", err)
	}
	// From here on a browser that hangs up must not be taken for a disk that fails.
	ctx = context.WithoutCancel(ctx)
	now := m.clock.Boot()
	m.endDue(ctx, now)

	cur := m.openOf(req.Device.MAC)
	if cur != nil && cur.profile.Name == p.Name {
		return m.change(ctx, now, cur, req)
	}
	if err := m.followed(now); err != nil {
		return Session{}, err
	}
	if !m.slots.ready(now) {
		return Session{}, ErrFull
	}
	if cur != nil {
		by := ByResident
		if req.By == FromOperator {
			by = ByOperator
		}
		_ = m.end(ctx, now, ending{cur, by}) // were the kernel not to follow, admission below would fail too
	}
	m.replace(ctx, now, req.Device)
	return m.admitNew(ctx, now, p, req)
}

func (r OpenRequest) check() error {
	switch {
	case r.Device.MAC == (mac.Addr{}):
		return errors.New("sessions: open: the device has no MAC")
	case !r.Device.IPv4.Is4():
		return errors.New("sessions: open: the device has no IPv4")
	case r.For < 0 || r.For > MaxTime:
		return fmt.Errorf("sessions: open: time %v: expected 0 to %v", r.For, MaxTime)
	case r.By != FromResident && r.By != FromOperator:
		return fmt.Errorf("sessions: open: opener %q: expected %q or %q", r.By, FromResident, FromOperator)
	}
	return nil
}

// change gives an open session another address or another time.
func (m *Manager) change(ctx context.Context, now clock.Boot, s *session, req OpenRequest) (Session, error) {
	next := &session{Row: s.Row, profile: s.profile}
	next.Device = req.Device
	if req.For > 0 {
		next.End = now.Add(req.For)
	}
	if next.Row == s.Row {
		return s.view(now), nil
	}
	if err := m.followed(now); err != nil {
		return Session{}, err
	}
	m.replace(ctx, now, req.Device)
	if err := m.save(ctx, next.Row); err != nil {
		m.owe(s.ID) // the disk may hold the new row all the same
		return Session{}, fmt.Errorf("sessions: open: %w: %w", ErrStore, err)
	}
	if err := m.enforcer.Put(next.grant()); err != nil {
		m.owe(s.ID)
		m.enforceFailed(now, err)
		_ = m.save(ctx)
		return Session{}, fmt.Errorf("sessions: open: %w: %w", ErrEnforce, err)
	}
	m.mu.Lock()
	delete(m.byIP, s.Device.IPv4)
	s.Row = next.Row
	m.byIP[s.Device.IPv4] = s
	m.mu.Unlock()
	return s.view(now), nil
}

// admitNew opens a session that is not open: row, kernel, memory.
func (m *Manager) admitNew(ctx context.Context, now clock.Boot, p Profile, req OpenRequest) (Session, error) {
	old := m.resumable(now, p, req)
	s := &session{profile: p, read: now}
	if old != nil {
		s.Row = old.Row
		s.End = now.Add(old.left(now))
	} else {
		s.Row = Row{ID: newID(), Profile: p.Name, OpenedAt: m.clock.Wall().Time}
		s.End = now.Add(p.Duration)
	}
	if req.For > 0 {
		s.End = now.Add(req.For)
	}
	s.Device, s.OpenedBy, s.Active = req.Device, req.By, now
	s.State, s.Reason, s.Left, s.Ended, s.EndedAt = Open, "", 0, 0, time.Time{}
	s.KernelDown, s.KernelUp = 0, 0

	m.mu.Lock()
	s.Slot, _ = m.slots.take(now) // ready, as Open has seen
	m.mu.Unlock()
	if err := m.save(ctx, s.Row); err != nil {
		m.undo(s, old, func() { m.slots.untake(s.Slot) })
		return Session{}, fmt.Errorf("sessions: open: %w: %w", ErrStore, err)
	}
	if err := m.enforcer.Put(s.grant()); err != nil {
		m.undo(s, old, func() { m.release(s.Slot, now) })
		m.enforceFailed(now, err)
		_ = m.save(ctx)
		return Session{}, fmt.Errorf("sessions: open: %w: %w", ErrEnforce, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.bySlot) == 0 { // nothing was counted or flushed while nobody was inside
		m.read = now
		if len(m.progress) == 0 {
			m.flushed = now
		}
	}
	delete(m.closing, s.Slot) // a final count that has not come by now is the former holder's loss, not our gain
	if old != nil {
		*old = *s // the object stays: the final count of its former slot may still be on its way
		s = old
	} else {
		m.remember(s)
	}
	m.admit(s)
	m.log.Info("session open", "id", s.ID, "profile", p.Name, "by", s.OpenedBy, "resumed", old != nil)
	return s.view(now), nil
}

// undo leaves the disk owing what was before: the row of old, or none.
func (m *Manager) undo(s, old *session, giveBack func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	giveBack()
	if old != nil {
		m.owed[s.ID] = true
	} else {
		m.gone[s.ID] = true
	}
}

func (m *Manager) owe(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.owed[id] = true
}

// replace ends the open session of another device that has this device's IPv4.
func (m *Manager) replace(ctx context.Context, now clock.Boot, d Device) {
	if s := m.byIP[d.IPv4]; s != nil && s.Device.MAC != d.MAC {
		_ = m.end(ctx, now, ending{s, ByReplaced}) // were the kernel not to follow, the Put that comes next fails
	}
}

func (m *Manager) openOf(a mac.Addr) *session {
	for _, s := range m.byMAC[a] {
		if s.State == Open {
			return s
		}
	}
	return nil
}

// resumable returns the device's last ended session that coming back would continue.
func (m *Manager) resumable(now clock.Boot, p Profile, req OpenRequest) *session {
	var last *session
	for _, s := range m.byMAC[req.Device.MAC] {
		if s.State == Ended && s.profile.Name == p.Name && s.left(now) > 0 && (last == nil || s.Ended > last.Ended) {
			last = s
		}
	}
	return last
}

// newID returns 16 random bytes as 26 characters of lower-case base32.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b[:]))
}
