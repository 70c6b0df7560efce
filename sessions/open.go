package sessions

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
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

	claim *claim // of Redeem
}

// Open gives the device a session under the profile and returns it once the kernel lets the device pass.
//
//   - Open already under this profile: the same session with its time unchanged, unless For is set. When the device has
//     another IPv4 now, the grant moves with it.
//   - Open under another profile: that session is ended first, by who asks.
//   - Ended with time left (Reason.Resumable, same profile, within Profile.Keep): the same session goes on.
//   - An open session of another device with this IPv4 is ended first (ByReplaced).
//
// Time and volume that the device's day leaves bound what a resident opens; what the desk opens is not bound by it.
//
// Errors: ErrUnknownProfile; ErrTerminal when a terminal's profile is asked for another device or not by the desk, or another one
// for a terminal; ErrContested, with Session.Suspended saying which, while the device is not alone in using its
// identity; ErrDay when its day is used
// up; ErrClosed while the place is closed or paused: then only the staff's devices are let in, and by the desk, in the hour after
// closing, people who may go on until it is over; ErrFull when no slot can be given; ErrStore when the store refuses and ErrEnforce when the kernel does: nothing
// has been opened then.
func (m *Manager) Open(ctx context.Context, req OpenRequest) (Session, error) {
	p, ok := m.profile(req.Profile)
	if !ok {
		return Session{}, fmt.Errorf("%w: %q", ErrUnknownProfile, req.Profile)
	}
	if err := req.check(); err != nil {
		return Session{}, err
	}
	m.op.Lock()
	defer m.unlock()
	defer m.wake()
	if !m.started {
		return Session{}, errors.New("sessions: open: not started")
	}
	if err := ctx.Err(); err != nil {
		return Session{}, fmt.Errorf("sessions: open: %w", err)
	}
	// From here on a browser that hangs up must not be taken for a disk that fails.
	ctx = context.WithoutCancel(ctx)
	s, err := m.open(ctx, m.catchUp(ctx), p, req)
	if err != nil {
		m.refuse(req.Device, req.Profile, err)
	}
	return s, err
}

// open is Open with op held.
func (m *Manager) open(ctx context.Context, now clock.Boot, p Profile, req OpenRequest) (Session, error) {
	if err := m.apart(req.Device.MAC, p, req.By); err != nil {
		return Session{}, err
	}
	cur := m.openOf(req.Device.MAC)
	if c, ok := m.contested[req.Device.MAC]; ok {
		return Session{Device: req.Device, Suspended: c.why}, ErrContested
	}
	if cur != nil && cur.Suspended != "" {
		return m.view(cur, now), ErrContested
	}
	if cur != nil && cur.profile.Name == p.Name && req.claim == nil {
		return m.renew(ctx, now, cur, req)
	}
	past, err := m.admits(now, req)
	if err != nil {
		return Session{}, err
	}
	if m.dayOver(&session{Row: Row{Device: req.Device, OpenedBy: req.By}, profile: p}, now) {
		return Session{}, ErrDay
	}
	if err := m.followed(now); err != nil {
		return Session{}, fmt.Errorf("sessions: open: %w", err)
	}
	if !m.slots.ready(now) {
		return Session{}, ErrFull
	}
	if cur != nil {
		by := ByResident
		if req.By.desk() {
			by = ByOperator
		}
		_ = m.end(ctx, now, ending{cur, by}) // were the kernel not to follow, admission below would fail too
	}
	m.replace(ctx, now, req.Device)
	return m.admitNew(ctx, now, p, req, past)
}

// admits says whether the place's hours let somebody in: residents while it is open, the desk for up to an hour more, until
// past then, the staff always.
func (m *Manager) admits(now clock.Boot, req OpenRequest) (past clock.Boot, err error) {
	if m.site.Open || req.By == FromStaff {
		return 0, nil
	}
	past = m.closesAt.Add(pastMost)
	if !req.By.desk() || m.site.Why == ByPaused || past.Sub(now) < extensionLeast {
		return 0, ErrClosed
	}
	return past, nil
}

func (r OpenRequest) check() error {
	switch {
	case r.Device.MAC == (mac.Addr{}):
		return errors.New("sessions: open: the device has no MAC")
	case !r.Device.IPv4.Is4():
		return errors.New("sessions: open: the device has no IPv4")
	case r.For < 0 || r.For > MaxTime:
		return fmt.Errorf("sessions: open: time %v: expected 0 to %v", r.For, MaxTime)
	case !r.By.known():
		return fmt.Errorf("sessions: open: opener %q: expected %q, %q, …", r.By, FromResident, FromOperator)
	}
	return nil
}

// renew gives an open session another address or another time.
func (m *Manager) renew(ctx context.Context, now clock.Boot, s *session, req OpenRequest) (Session, error) {
	next := s.Row
	next.Device = req.Device
	if req.For > 0 {
		next.End, next.OpenedBy = now.Add(req.For), req.By
	}
	if err := m.change(ctx, now, s, next); err != nil {
		return Session{}, fmt.Errorf("sessions: open: %w", err)
	}
	return m.view(s, now), nil
}

// admitNew opens a session that is not open: row, kernel, memory.
func (m *Manager) admitNew(ctx context.Context, now clock.Boot, p Profile, req OpenRequest, past clock.Boot) (Session, error) {
	return m.admitAgain(ctx, now, p, req, past, m.resumable(now, p, req))
}

// admitAgain is admitNew with the session that goes on; nil: a new one.
func (m *Manager) admitAgain(ctx context.Context, now clock.Boot, p Profile, req OpenRequest, past clock.Boot, old *session) (Session, error) {
	s := &session{profile: p, read: now, came: now}
	if old != nil {
		s.Row, s.token = old.Row, old.token
		s.End = now.Add(old.left(now))
	} else {
		s.Row = Row{ID: NewID(), Profile: p.Name, OpenedAt: m.clock.Wall().Time}
		s.End = now.Add(p.Duration)
		if c := req.claim; c != nil {
			s.Ticket, s.Voucher, s.Workshop = c.ticket, c.batch, c.workshop
		}
	}
	if req.For > 0 {
		s.End = now.Add(req.For)
	}
	if s.room = m.papers.workshops[s.Workshop]; s.room.ends() != never {
		s.End = s.room.ends()
	}
	s.Device, s.OpenedBy, s.Active = req.Device, req.By, now
	s.State, s.Reason, s.Left, s.Ended, s.EndedAt = Open, "", 0, 0, time.Time{}
	s.KernelDown, s.KernelUp = 0, 0
	s.PastUntil = past
	s.Code = m.codes.open(s.Device.MAC, s.Code, now)
	if m.outage != nil && m.outage.stands && p.LineStops {
		s.LineDown, s.LineAt = true, now
	}
	s.dayEnd, s.closes = m.dayEnd(s, now), m.closesOf(s)

	m.mu.Lock()
	s.Slot, _ = m.slots.take(now) // ready, as Open has seen
	m.mu.Unlock()
	if err := m.save(ctx, s.Row); err != nil {
		m.undo(s, old, func() { m.slots.untake(s.Slot) })
		return Session{}, fmt.Errorf("sessions: open: %w: %w", ErrStore, err)
	}
	g := s.grant()
	if err := m.enforcer.Put(g); err != nil {
		m.undo(s, old, func() { m.release(s.Slot, now) })
		m.enforceFailed(now, err)
		_ = m.save(ctx)
		return Session{}, fmt.Errorf("sessions: open: %w: %w", ErrEnforce, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.bySlot) == 0 { // nothing was counted or flushed while nobody was inside
		m.read, m.readNxt = now, never
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
	s.asked(g)
	if day := m.account(s); day != nil && !s.LineDown {
		day.run(now)
	}
	m.admit(s)
	m.log.Info("session open", "id", s.ID, "profile", p.Name, "by", s.OpenedBy, "resumed", old != nil)
	v := m.view(s, now)
	kind := NoticeOpened
	if old != nil {
		kind = NoticeResumed
	}
	m.note(Notice{Kind: kind, Session: v})
	return v, nil
}

// undo leaves the disk owing what was before: the row of old, or none.
func (m *Manager) undo(s, old *session, giveBack func()) {
	m.codes.closed(s.Device.MAC, s.came)
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
	if req.claim != nil {
		return req.claim.resumes
	}
	var last *session
	for _, s := range m.byMAC[req.Device.MAC] {
		if s.State == Ended && s.profile.Name == p.Name && s.left(now) > 0 && (last == nil || s.Ended > last.Ended) {
			last = s
		}
	}
	return last
}

// NewID returns 16 random bytes as 26 characters of lower-case base32.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base(b[:])
}
