package sessions

import (
	"context"
	"fmt"
	"time"

	"parvis/internal/clock"
)

// StartWorkshop lets a planned workshop begin: from now on its code opens. ErrNotFound; ErrWorkshopState when it has begun
// already; ErrStore when it has not begun.
func (m *Manager) StartWorkshop(ctx context.Context, id string) (Workshop, error) {
	return m.workshop(ctx, "start workshop", id, Planned, func(row *WorkshopRow, now clock.Boot, wall time.Time) error {
		m.begins(row, now, wall, row.Length)
		return nil
	})
}

// begins makes a planned workshop run for so long. What others reserve bounds what it has.
func (m *Manager) begins(row *WorkshopRow, now clock.Boot, wall time.Time, length time.Duration) {
	others := uint64(0)
	for _, w := range m.papers.workshops {
		if w.State == Running && w.ID != row.ID {
			others += w.Floor * uint64(w.Places)
		}
	}
	row.State, row.Begun, row.End = Running, wall, now.Add(length)
	row.Floor = min(row.Reserve, m.papers.half-min(others, m.papers.half)) / uint64(row.Places)
}

// ProlongWorkshop moves the end of a workshop that runs, and of everybody in it, by a time of up to a day. ErrNotFound;
// ErrWorkshopState when it does not run; ErrInvalid; ErrStore when nothing has moved.
func (m *Manager) ProlongWorkshop(ctx context.Context, id string, by time.Duration) (Workshop, error) {
	if by <= 0 || by > workshopMost {
		return Workshop{}, fmt.Errorf("%w: %v more: expected up to %v", ErrInvalid, by, workshopMost)
	}
	return m.workshop(ctx, "prolong workshop", id, Running, func(row *WorkshopRow, _ clock.Boot, _ time.Time) error {
		if row.Length+by > workshopMost {
			return fmt.Errorf("%w: %v in all: expected up to %v", ErrInvalid, row.Length+by, workshopMost)
		}
		row.End, row.Length = row.End.Add(by), row.Length+by
		return nil
	})
}

// CountHeads notes how many people the mediator has counted, 0 to 1000. ErrNotFound; ErrInvalid; ErrStore when it is not noted.
func (m *Manager) CountHeads(ctx context.Context, id string, n int) (Workshop, error) {
	if n < 0 || n > 1000 {
		return Workshop{}, fmt.Errorf("%w: %d people: expected 0 to 1000", ErrInvalid, n)
	}
	return m.workshop(ctx, "count heads", id, "", func(row *WorkshopRow, _ clock.Boot, _ time.Time) error {
		row.Heads = n
		return nil
	})
}

// EndWorkshop ends a workshop and everybody in it (ByWorkshop); one that is planned is given up. ErrNotFound; ErrWorkshopState when
// it is over already; ErrEnforce when the kernel has not confirmed every cut yet. A store that does not take it is no error, as
// in End.
func (m *Manager) EndWorkshop(ctx context.Context, id string) (Workshop, error) {
	m.op.Lock()
	defer m.unlock()
	w := m.papers.workshops[id]
	switch {
	case w == nil:
		return Workshop{}, ErrNotFound
	case w.State == Over:
		return Workshop{}, ErrWorkshopState
	}
	err := m.endWorkshop(context.WithoutCancel(ctx), m.clock.Boot(), w)
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.viewWorkshop(w), err
}

// endWorkshop ends the workshop and its sessions in one write. Called with op held.
func (m *Manager) endWorkshop(ctx context.Context, now clock.Boot, w *workshop) error {
	var list []ending
	for _, s := range w.holders {
		if s.State == Open {
			list = append(list, ending{s, ByWorkshop})
		}
	}
	m.mu.Lock()
	if w.State == Running {
		w.Length -= max(w.End.Sub(now), 0) // what it has been, for the count of hours
	}
	w.State, w.Over, w.End = Over, m.clock.Wall().Time.Round(0), 0
	m.papers.owedWorkshops[w.ID] = true
	m.mu.Unlock()
	m.log.Info("workshop ended", "workshop", w.ID, "devices", w.Spent+len(w.holders))
	m.changed = true
	if w.Floor > 0 {
		m.mu.Lock()
		m.resync(now) // what was kept for it is everybody's again
		m.mu.Unlock()
	}
	if len(list) == 0 {
		_ = m.save(ctx) // owed until it passes
		m.wake()
		return nil
	}
	return m.end(ctx, now, list...)
}

// workshop changes a workshop that is in the state, with everybody in it: rows, memory, kernel.
func (m *Manager) workshop(ctx context.Context, what, id string, state WorkshopState, change func(*WorkshopRow, clock.Boot, time.Time) error) (Workshop, error) {
	m.op.Lock()
	defer m.unlock()
	defer m.wake()
	now := m.catchUp(context.WithoutCancel(ctx))
	w := m.papers.workshops[id]
	switch {
	case w == nil:
		return Workshop{}, ErrNotFound
	case state != "" && w.State != state, w.State == Running && w.End <= now:
		return Workshop{}, ErrWorkshopState
	}
	next := w.WorkshopRow
	if err := change(&next, now, m.clock.Wall().Time.Round(0)); err != nil {
		return Workshop{}, err
	}
	if err := m.changeWorkshop(context.WithoutCancel(ctx), now, w, next); err != nil {
		return Workshop{}, fmt.Errorf("sessions: %s: %w", what, err)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.viewWorkshop(w), nil
}

func (m *Manager) changeWorkshop(ctx context.Context, now clock.Boot, w *workshop, next WorkshopRow) error {
	var rows []Row
	if next.State == Running && next.End != w.End {
		for _, s := range w.holders {
			if s.State == Open {
				row := s.Row
				row.End = next.End
				rows = append(rows, row)
			}
		}
	}
	if err := m.saveWith(ctx, Papers{Workshops: []WorkshopRow{next}}, rows...); err != nil {
		m.mu.Lock()
		m.papers.owedWorkshops[w.ID] = true // the disk may hold the new row all the same
		for _, r := range rows {
			m.owed[r.ID] = true
		}
		m.mu.Unlock()
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	m.mu.Lock()
	w.WorkshopRow = next
	for _, r := range rows {
		s := m.byID[r.ID]
		s.Row = r
		m.comes(s)
	}
	m.mu.Unlock()
	for _, r := range rows {
		m.tell(now, m.byID[r.ID]) // a kernel that does not follow is asked until it does
	}
	m.log.Info("workshop changed", "workshop", w.ID, "state", next.State)
	m.changed = true
	return nil
}

// stepWorkshops begins and ends workshops whose time has come, and returns when it is to be called again. Called with op held.
func (m *Manager) stepWorkshops(ctx context.Context, now clock.Boot, at date) (next clock.Boot) {
	next = never
	for _, w := range m.papers.workshops {
		if w.State == Planned && !w.Start.IsZero() {
			next = min(next, now.Add(m.beginDue(ctx, now, at, w)))
		}
		switch {
		case w.State == Running && w.End <= now:
			_ = m.endWorkshop(ctx, now, w) // the kernel is asked again by Step, the disk is owed
		case w.State == Running:
			next = min(next, w.End)
		}
	}
	return next
}

// beginDue lets a workshop begin whose hour has come, and returns when to look again. One that begins late, as after a power
// cut, ends when it would have ended; one that is missed is given up. While nobody has set the clock nothing begins by itself.
func (m *Manager) beginDue(ctx context.Context, now clock.Boot, at date, w *workshop) (again time.Duration) {
	late := at.time.Sub(w.Start)
	switch {
	case !at.sure:
		return lookUnset
	case late < 0:
		return min(-late, lookSet)
	case late >= w.Length:
		_ = m.endWorkshop(ctx, now, w)
		return lookSet
	}
	next := w.WorkshopRow
	m.begins(&next, now, at.time.Round(0), w.Length-late)
	if err := m.changeWorkshop(ctx, now, w, next); err != nil {
		m.log.Error("workshop does not begin", "workshop", w.ID, "err", err)
	}
	return lookUnset
}

// The calendar is looked at so often at least: it can be set.
const (
	lookUnset = time.Minute
	lookSet   = time.Hour
)

// sweep lets go of what is over for long: of batches after keepPapers, of workshops first their title and after keepCounts what was
// counted. Only a clock that is sure makes it do so. Called with op held; what it forgets is written with the next write.
func (m *Manager) sweep(now clock.Boot, at date) (next clock.Boot) {
	p := &m.papers
	if len(p.batches)+len(p.workshops) == 0 {
		return never
	}
	if now < p.swept.Add(lookSet) {
		return p.swept.Add(lookSet)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	p.swept = now
	if !at.sure {
		return now.Add(lookSet)
	}
	for id, b := range p.batches {
		switch state := b.view(at).State; {
		case state == BatchValid || state == BatchEarly:
		case b.Over.IsZero():
			b.Over = at.time.Round(0)
			p.owedBatches[id] = true
		case at.time.Sub(b.Over) >= keepPapers:
			for _, t := range b.tickets {
				delete(p.tickets, t.Key)
				delete(p.owedTickets, t.Key)
			}
			delete(p.batches, id)
			delete(p.owedBatches, id)
			p.goneBatches[id] = true
			m.changed = true
		}
	}
	for id, w := range p.workshops {
		old := w.State == Over && at.time.Sub(w.Over) >= keepPapers || w.State == Planned && at.time.Sub(w.Made) >= keepCounts
		switch {
		case old && at.time.Sub(w.Made) >= keepCounts:
			delete(p.workshops, id)
			delete(p.owedWorkshops, id)
			p.goneWorkshops[id] = true
			m.changed = true
		case old && w.Title != "":
			w.Title = ""
			p.owedWorkshops[id] = true
			m.changed = true
		}
	}
	return now.Add(lookSet)
}
