package sessions

import (
	"context"
	"errors"
	"fmt"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// TakeBack asks for somebody's session under the address that the device has now: exactly one of Token, Code and ID
// says which.
type TakeBack struct {
	Device Device
	Token  string // from the cookie
	Code   string // typed, or read out at the desk
	ID     string // pointed at, by the desk alone
	By     Opener
}

// TakeBack moves a session, open or ended with time left, to the device that it is asked for: the same id, code, time and
// counts, under a new slot; its old address is out at once. An open session that the device has already is ended (ByMoved).
// The device that has the session keeps it.
//
// The slot is a new one because the old one's late packets, connections and public ports are the old address' still.
//
// ErrNotFound when nothing is known by that token, code or id; *Throttled when the device, or all of them together, have tried too
// many codes; ErrTerminal: a terminal's session stays on it; ErrContested, ErrClosed, ErrDay, ErrFull, ErrStore and ErrEnforce as in Open: nothing has been moved then.
func (m *Manager) TakeBack(ctx context.Context, t TakeBack) (Session, error) {
	if err := t.check(); err != nil {
		return Session{}, err
	}
	m.op.Lock()
	defer m.unlock()
	defer m.wake()
	if !m.started {
		return Session{}, errors.New("sessions: take back: not started")
	}
	ctx = context.WithoutCancel(ctx)
	now := m.catchUp(ctx)
	s, err := m.takeBack(ctx, now, t)
	if err != nil {
		m.refuse(t.Device, "", err)
	}
	return s, err
}

func (t TakeBack) check() error {
	given := 0
	for _, by := range []string{t.Token, t.Code, t.ID} {
		if by != "" {
			given++
		}
	}
	switch {
	case t.Device.MAC == (mac.Addr{}) || !t.Device.IPv4.Is4():
		return errors.New("sessions: take back: the device has no MAC or no IPv4")
	case given != 1:
		return errors.New("sessions: take back: expected one of token, code and id")
	case !t.By.known() || t.ID != "" && !t.By.desk():
		return fmt.Errorf("sessions: take back: not for %q", t.By)
	}
	return nil
}

func (m *Manager) takeBack(ctx context.Context, now clock.Boot, t TakeBack) (Session, error) {
	if t.Code != "" && !t.By.desk() {
		if err := m.throttle.check(t.Device.MAC); err != nil {
			return Session{}, err
		}
	}
	s := m.meant(now, t)
	if s == nil {
		if t.Code != "" && !t.By.desk() {
			m.throttle.wrong(t.Device.MAC)
		}
		return Session{}, ErrNotFound
	}
	if err := m.apart(t.Device.MAC, s.profile, t.By); err != nil || s.profile.Terminal && s.Device.MAC != t.Device.MAC {
		return Session{}, ErrTerminal
	}
	if c, ok := m.contested[t.Device.MAC]; ok {
		return Session{Device: t.Device, Suspended: c.why}, ErrContested
	}
	if s.State == Ended {
		return m.resumeOn(ctx, now, s, t)
	}
	if s.Device.MAC == t.Device.MAC {
		next := s.Row
		next.Device = t.Device
		return m.turn(ctx, now, s, next)
	}
	if err := m.followed(now); err != nil {
		return Session{}, fmt.Errorf("sessions: take back: %w", err)
	}
	if !m.slots.ready(now) {
		return Session{}, ErrFull
	}
	m.clear(ctx, now, t.Device, s)
	return m.carry(ctx, now, s, t.Device)
}

// meant is the session that somebody asks for: an open one, or the last ended one that coming back would continue.
func (m *Manager) meant(now clock.Boot, t TakeBack) *session {
	usable := func(s *session) bool { return s != nil && (s.State == Open || s.left(now) > 0) }
	switch {
	case t.Token != "":
		if s := m.byToken[t.Token]; usable(s) {
			return s
		}
	case t.ID != "":
		if s := m.byID[t.ID]; usable(s) {
			return s
		}
	default:
		code, ok := ParseCode(t.Code)
		if !ok {
			return nil
		}
		d, ok := m.codes.device(code)
		if !ok {
			return nil
		}
		var last *session
		for _, s := range m.byMAC[d] {
			switch {
			case s.State == Open:
				return s
			case usable(s) && (last == nil || s.Ended > last.Ended):
				last = s
			}
		}
		return last
	}
	return nil
}

// clear ends what stands in the way: the device's own open session, and another one's with its IPv4. keep is neither.
func (m *Manager) clear(ctx context.Context, now clock.Boot, d Device, keep *session) {
	if own := m.openOf(d.MAC); own != nil && own != keep {
		_ = m.end(ctx, now, ending{own, ByMoved}) // were the kernel not to follow, what comes next fails too
	}
	if s := m.byIP[d.IPv4]; s != keep {
		m.replace(ctx, now, d)
	}
}

// resumeOn lets an ended session go on under the device's address.
func (m *Manager) resumeOn(ctx context.Context, now clock.Boot, s *session, t TakeBack) (Session, error) {
	past, err := m.admits(now, OpenRequest{By: t.By})
	if err != nil {
		return Session{}, err
	}
	by := s.OpenedBy
	from := s.Device.MAC
	m.mu.Lock()
	undo := m.followDay(from, t.Device.MAC, now)
	m.mu.Unlock()
	m.codes.moved(from, t.Device.MAC)
	v, err := m.resumeFrom(ctx, now, s, OpenRequest{Device: t.Device, Profile: s.Profile, By: by}, past)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		undo()
		m.codes.moved(t.Device.MAC, from)
		return v, err
	}
	m.rename(s, from)
	return m.view(s, now), nil
}

func (m *Manager) resumeFrom(ctx context.Context, now clock.Boot, s *session, req OpenRequest, past clock.Boot) (Session, error) {
	if m.dayOver(&session{Row: Row{Device: req.Device, OpenedBy: req.By}, profile: s.profile}, now) {
		return Session{}, ErrDay
	}
	if err := m.followed(now); err != nil {
		return Session{}, fmt.Errorf("sessions: take back: %w", err)
	}
	if !m.slots.ready(now) {
		return Session{}, ErrFull
	}
	m.clear(ctx, now, req.Device, s)
	return m.admitAgain(ctx, now, s.profile, req, past, s)
}

// carry moves an open session to another device: row, kernel, memory.
func (m *Manager) carry(ctx context.Context, now clock.Boot, s *session, to Device) (Session, error) {
	was := s.Row
	next := s.Row
	next.Device, next.KernelDown, next.KernelUp, next.Active = to, 0, 0, now
	moved := &session{Row: next, profile: s.profile, room: s.room}
	if s.Suspended != "" { // of the two that used the old address one is here
		moved.resume(now)
		moved.Active = now
	}
	m.mu.Lock()
	moved.Slot, _ = m.slots.take(now) // ready, as takeBack has seen
	m.rests[was.Slot] = now
	undo := m.followDay(was.Device.MAC, to.MAC, now)
	m.mu.Unlock()
	back := func(untake func()) {
		m.mu.Lock()
		untake()
		delete(m.rests, was.Slot)
		undo()
		m.mu.Unlock()
		m.owe(s.ID)
	}
	moved.dayEnd, moved.closes = m.dayEnd(moved, moved.online(now)), m.closesOf(moved)
	if err := m.save(ctx, moved.Row); err != nil {
		back(func() { m.slots.untake(moved.Slot) })
		return Session{}, fmt.Errorf("sessions: take back: %w: %w", ErrStore, err)
	}
	g := moved.grant()
	err := m.enforcer.Drop(was.Slot)
	if err == nil {
		err = m.enforcer.Put(g)
	}
	if err != nil {
		back(func() { m.release(moved.Slot, now) })
		m.enforceFailed(now, err)
		_ = m.save(ctx)
		return Session{}, fmt.Errorf("sessions: take back: %w: %w", ErrEnforce, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.bySlot, was.Slot)
	delete(m.byIP, was.Device.IPv4)
	m.release(was.Slot, now)
	m.closing[was.Slot] = closing{session: s, down: was.KernelDown, up: was.KernelUp, refused: s.refused, unsure: s.unsure}
	m.readWithin(now, finalAfter)
	delete(m.closing, moved.Slot)
	s.Row, s.dayEnd, s.closes, s.read, s.refused, s.unsure = moved.Row, moved.dayEnd, moved.closes, now, false, false
	s.asked(g)
	m.rename(s, was.Device.MAC)
	m.admit(s)
	v := m.view(s, now)
	m.note(Notice{Kind: NoticeMoved, Session: v})
	m.log.Info("session has moved to another address", "id", s.ID)
	return v, nil
}

// rename finds a session under its device, after it has had another. Called with both locks held.
func (m *Manager) rename(s *session, from mac.Addr) {
	if from == s.Device.MAC {
		return
	}
	m.unlist(s, from)
	m.byMAC[s.Device.MAC] = append(m.byMAC[s.Device.MAC], s)
	m.codes.moved(from, s.Device.MAC)
	s.Code = m.codes.open(s.Device.MAC, s.Code, m.clock.Boot())
}
