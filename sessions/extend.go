package sessions

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"parvis/internal/clock"
)

// extensionLeast is the least time that is worth a button.
const extensionLeast = time.Minute

// extension is by how much the next one of its resident would put off what End says; 0: nothing.
func (m *Manager) extension(s *session, now clock.Boot) time.Duration {
	if s.profile.Extend == 0 || s.Extensions >= s.profile.Extensions || s.Suspended != "" {
		return 0
	}
	at, _ := s.shown(now)
	more := *s
	more.End = more.End.Add(s.profile.Extend)
	then, _ := more.shown(now)
	if then.Sub(at) < extensionLeast || more.End.Sub(now) > MaxTime {
		return 0
	}
	return then.Sub(at)
}

// Adjust gives an open session more time or, when by is negative, less; with nothing left it ends (ByOperator). A resident
// only ever adds Profile.Extend, whatever by says, and as often as Profile.Extensions allows: ErrNoMore. Who is given time by
// somebody of the place is not bound by the day's allowance from then on.
//
// ErrNotFound when no session with this id is open; ErrWhen when more than MaxTime would be left; ErrStore and ErrEnforce
// when nothing has changed.
func (m *Manager) Adjust(ctx context.Context, id string, by time.Duration, who Opener) (Session, error) {
	if !who.known() {
		return Session{}, fmt.Errorf("sessions: adjust: %q is nobody", who)
	}
	m.op.Lock()
	defer m.unlock()
	ctx = context.WithoutCancel(ctx)
	now := m.catchUp(ctx)
	s, err := m.openNow(id)
	if err != nil {
		return Session{}, err
	}
	next := s.Row
	switch {
	case !who.desk():
		if m.extension(s, now) == 0 {
			m.refuse(s.Device, s.Profile, ErrNoMore)
			return m.view(s, now), ErrNoMore
		}
		next.Extensions++
		by = s.profile.Extend
	case s.OpenedBy != FromStaff:
		next.OpenedBy = who
	}
	switch left := s.left(now) + by; {
	case by < -MaxTime, left > MaxTime:
		return m.view(s, now), fmt.Errorf("%w: %v more", ErrWhen, by)
	case by < 0 && left <= 0:
		err := m.end(ctx, now, ending{s, ByOperator})
		return m.view(s, now), err
	}
	next.End = next.End.Add(by)
	return m.turn(ctx, now, s, next)
}

// pastMost is how long after closing somebody may go on.
const pastMost = time.Hour

// PastClosing lets an open session go on until d after the place's closing, at most an hour, and gives it the time for it. The
// closing is the next one, or the last one when somebody is inside already who was let go on. ErrNotFound; ErrWhen when
// d is not 0 to an hour or no closing is known.
func (m *Manager) PastClosing(ctx context.Context, id string, d time.Duration) (Session, error) {
	m.op.Lock()
	defer m.unlock()
	ctx = context.WithoutCancel(ctx)
	now := m.catchUp(ctx)
	s, err := m.openNow(id)
	if err != nil {
		return Session{}, err
	}
	closing := m.site.Closes
	if d < 0 || d > pastMost || closing == never || !s.bound() {
		return m.view(s, now), fmt.Errorf("%w: %v past closing", ErrWhen, d)
	}
	next := s.Row
	next.PastUntil = closing.Add(d)
	if next.PastUntil <= now {
		err := m.end(ctx, now, ending{s, ByClosing})
		return m.view(s, now), err
	}
	if missing := next.PastUntil.Sub(now) - s.own(now); d > 0 && missing > 0 {
		next.End, next.OpenedBy = next.End.Add(missing), FromDesk
	}
	return m.turn(ctx, now, s, next)
}

// own is what is left of an open session's own time, whatever the place's closing says.
func (s *session) own(now clock.Boot) time.Duration {
	free := *s
	free.closes = never
	return free.left(now)
}

// textMost is the length of a message, in characters.
const textMost = 200

// Message leaves a text for the person of an open session, in the place of an earlier one; "" takes it back. It is shown on
// their page and goes with the session. ErrText when it is longer than 200 characters or not plain text; ErrNotFound; ErrStore.
func (m *Manager) Message(ctx context.Context, id, text string) error {
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > textMost || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return ErrText
	}
	m.op.Lock()
	defer m.unlock()
	ctx = context.WithoutCancel(ctx)
	now := m.catchUp(ctx)
	s, err := m.openNow(id)
	if err != nil {
		return err
	}
	next := s.Row
	next.MessageText, next.MessageAt, next.MessageSeen = text, now, false
	if err := m.save(ctx, next); err != nil {
		m.owe(s.ID)
		return fmt.Errorf("sessions: message: %w: %w", ErrStore, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s.Row, m.changed = next, true
	return nil
}

// MessageSeen takes note that a page with the session's message has been sent. The disk learns of it with the next write.
func (m *Manager) MessageSeen(id string) {
	m.mu.RLock()
	s, ok := m.byID[id]
	ok = ok && s.MessageText != "" && !s.MessageSeen
	m.mu.RUnlock()
	if !ok {
		return // most often, and without waiting for a change that is under way
	}
	m.op.Lock()
	defer m.unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if s, ok := m.byID[id]; ok && s.MessageText != "" && !s.MessageSeen {
		s.MessageSeen, m.changed = true, true
		m.progress[id] = true
	}
}

// openNow returns the open session with this id.
func (m *Manager) openNow(id string) (*session, error) {
	s, ok := m.byID[id]
	if !ok || s.State != Open {
		return nil, ErrNotFound
	}
	return s, nil
}

// turn makes an open session what next says, and who listens is told.
func (m *Manager) turn(ctx context.Context, now clock.Boot, s *session, next Row) (Session, error) {
	if err := m.change(ctx, now, s, next); err != nil {
		return m.view(s, now), fmt.Errorf("sessions: change session: %w", err)
	}
	m.changed = true
	m.wake()
	return m.view(s, now), nil
}
