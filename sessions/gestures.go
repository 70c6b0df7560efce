package sessions

import (
	"context"
	"fmt"
	"slices"
	"time"

	"parvis/internal/clock"
	"parvis/internal/order"
	"parvis/sessions/hours"
)

// gesture makes one of a time until which the desk wants something.
func (m *Manager) gesture(now clock.Boot, until time.Time) (Gesture, error) {
	t, known := m.civilNow(now)
	d := until.Sub(t)
	if d <= 0 || d > gestureMost {
		return Gesture{}, fmt.Errorf("%w: %v: expected within the next %v", ErrWhen, until.Format(time.DateTime), gestureMost)
	}
	return Gesture{Until: until, At: now.Add(d), Sure: known}, nil
}

// OpenUntil opens the place until a time within the next 24 h, whatever its hours say, and ends a pause. Where the place is open
// by its hours and they would go on, it closes at that time for the rest of that stretch: "open until" may also be earlier. In a
// place that is always open it stays closed for the rest of that day.
// It holds at once; the store learns of it now or, when it does not take it, as soon as it does. ErrWhen.
func (m *Manager) OpenUntil(ctx context.Context, until time.Time) error {
	return m.gestured(ctx, func(now clock.Boot) error {
		g, err := m.gesture(now, until)
		if err != nil {
			return err
		}
		t, known := m.civilNow(now)
		switch open, end, _ := m.calendar.At(t); {
		case (known || m.calendar.Constant()) && open && end.IsZero():
			g.Shut = hours.DateOf(until.In(m.calendar.Zone())).Add(1).At(m.calendar.Zone())
		case known && open && end.After(until):
			g.Shut = end
		}
		g.ShutAt = now.Add(g.Shut.Sub(t))
		m.place.Opened, m.place.Paused = g, Gesture{}
		return nil
	})
}

// PauseRequest asks for a pause.
type PauseRequest struct {
	Until time.Time // within the next 24 h
}

// Pause closes the place until a time, ends every session that its hours bind (ByPause: what was left is kept), and says how many
// that were. Site's Bound says beforehand how many it would be. ErrWhen; ErrEnforce when the kernel has not confirmed every
// cut yet: the pause holds all the same.
func (m *Manager) Pause(ctx context.Context, p PauseRequest) (cut int, err error) {
	var failed error
	err = m.gestured(ctx, func(now clock.Boot) error {
		g, err := m.gesture(now, p.Until)
		if err != nil {
			return err
		}
		m.place.Paused = g
		var list []ending
		for _, s := range m.bySlot {
			if s.bound() {
				list = append(list, ending{s, ByPause})
			}
		}
		m.mu.Unlock()
		cut, failed = len(list), m.end(context.WithoutCancel(ctx), now, list...)
		m.mu.Lock()
		return nil
	})
	if err == nil {
		err = failed
	}
	return cut, err
}

// Resume takes a pause back or, without one, what OpenUntil has said: the hours decide again.
func (m *Manager) Resume(ctx context.Context) error {
	return m.gestured(ctx, func(now clock.Boot) error {
		t, known := m.civilNow(now)
		if m.place.Paused.over(now, t, known) {
			m.place.Opened = Gesture{}
		}
		m.place.Paused = Gesture{}
		return nil
	})
}

// SetException makes a date otherwise than the place's hours say: no spans, closed. It holds in the place of an exception that the
// configuration has for that date. ErrWhen when the spans cannot be, the date is past or there are too many exceptions.
func (m *Manager) SetException(ctx context.Context, e hours.Exception) error {
	return m.gestured(ctx, func(now clock.Boot) error {
		if err := e.Check(); err != nil {
			return fmt.Errorf("%w: %w", ErrWhen, err)
		}
		t, known := m.civilNow(now)
		today := hours.DateOf(t.In(m.calendar.Zone()))
		if known && e.Date.Compare(today) < 0 {
			return fmt.Errorf("%w: %v is past", ErrWhen, e.Date)
		}
		kept := slices.DeleteFunc(slices.Clone(m.place.Exceptions), func(o hours.Exception) bool {
			return o.Date == e.Date || known && o.Date.Add(2).Compare(today) < 0 // what is past goes
		})
		if len(kept) >= exceptionsMost {
			return fmt.Errorf("%w: there are %d exceptions", ErrWhen, len(kept))
		}
		kept = append(kept, e)
		order.Func(kept, func(a, b hours.Exception) int { return a.Date.Compare(b.Date) })
		m.except(kept)
		return nil
	})
}

// DropException takes back what SetException has said of a date. ErrNotFound when it has said nothing.
func (m *Manager) DropException(ctx context.Context, d hours.Date) error {
	return m.gestured(ctx, func(clock.Boot) error {
		kept := slices.DeleteFunc(slices.Clone(m.place.Exceptions), func(o hours.Exception) bool { return o.Date == d })
		if len(kept) == len(m.place.Exceptions) {
			return ErrNotFound
		}
		m.except(kept)
		return nil
	})
}

func (m *Manager) except(es []hours.Exception) {
	m.place.Exceptions, m.calendar = es, m.hours.With(es)
}

// gestured changes what is remembered of the place, applies it to who is inside and writes it.
func (m *Manager) gestured(ctx context.Context, change func(now clock.Boot) error) error {
	m.op.Lock()
	defer m.unlock()
	defer m.wake()
	ctx = context.WithoutCancel(ctx)
	now := m.catchUp(ctx)
	m.mu.Lock()
	err := change(now)
	if err == nil {
		m.placeNew, m.changed = true, true
	}
	m.mu.Unlock()
	if err != nil {
		return err
	}
	m.catchUp(ctx)
	if m.syncing.due(now) {
		_ = m.sync(now) // the kernel's own ends are others now; tried again by Run
	}
	_ = m.save(ctx) // owed until it passes; Status says so
	return nil
}
