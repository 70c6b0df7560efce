package sessions

import (
	"context"
	"fmt"

	"parvis/internal/clock"
)

// Rates are bits per second that one session is to have instead of its profile's: 64,000 and more, or 0 for the
// line's; nil leaves what it has.
type Rates struct{ Down, Up *uint64 }

// Change gives an open session other rates, at once and for as long as it lasts, without touching its flows. While its
// volume is used up it stays at Profile.Slow at most. ErrNotFound when no session with this id is open; ErrStore and
// ErrEnforce when nothing has changed.
func (m *Manager) Change(ctx context.Context, id string, r Rates) (Session, error) {
	for _, rate := range []*uint64{r.Down, r.Up} {
		if rate != nil && *rate != 0 && *rate < rateLeast {
			return Session{}, fmt.Errorf("sessions: change: rate %d: expected 0 or at least %d", *rate, rateLeast)
		}
	}
	m.op.Lock()
	defer m.unlock()
	defer m.wake()
	now := m.catchUp(context.WithoutCancel(ctx))
	s, err := m.openNow(id)
	if err != nil {
		return Session{}, err
	}
	next := s.Row
	if !next.OwnRates {
		next.RateDown, next.RateUp = s.profile.Down, s.profile.Up
	}
	if r.Down != nil {
		next.RateDown = *r.Down
	}
	if r.Up != nil {
		next.RateUp = *r.Up
	}
	next.OwnRates = true
	if err := m.change(context.WithoutCancel(ctx), now, s, next); err != nil {
		return Session{}, fmt.Errorf("sessions: change: %w", err)
	}
	m.log.Info("session has other rates", "id", s.ID, "down", next.RateDown, "up", next.RateUp)
	return m.view(s, now), nil
}

// rateLeast is the least rate of a session, in bits per second: below it pages do not come any more.
const rateLeast = 64_000

// change makes an open session what next says: row, kernel, memory. When it fails the session is as it was.
func (m *Manager) change(ctx context.Context, now clock.Boot, s *session, next Row) error {
	if next == s.Row {
		return nil
	}
	if err := m.followed(now); err != nil {
		return err
	}
	m.replace(ctx, now, next.Device)
	if err := m.save(ctx, next); err != nil {
		m.owe(s.ID) // the disk may hold the new row all the same
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	changed := &session{Row: next, profile: s.profile, room: s.room}
	changed.dayEnd, changed.closes = m.dayEnd(changed, changed.online(now)), m.closesOf(changed)
	g := changed.grant()
	if err := m.enforcer.Put(g); err != nil {
		m.owe(s.ID)
		m.enforceFailed(now, err)
		_ = m.save(ctx)
		return fmt.Errorf("%w: %w", ErrEnforce, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.byIP, s.Device.IPv4)
	s.Row, s.dayEnd, s.closes, m.changed = next, changed.dayEnd, changed.closes, true
	s.asked(g)
	m.byIP[s.Device.IPv4] = s
	m.comes(s)
	return nil
}
