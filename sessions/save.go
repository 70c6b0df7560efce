package sessions

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/internal/order"
)

// flushEvery bounds both the wear of the flash and what a power cut can give back to people.
const flushEvery = time.Minute

// never is later than any deadline.
const never = clock.Boot(1<<63 - 1)

// save writes rows together with everything that an earlier failure has left owed. Called with op held.
func (m *Manager) save(ctx context.Context, rows ...Row) error {
	return m.saveWith(ctx, Papers{}, rows...)
}

// saveWith is save with tickets and workshops in the same transaction.
func (m *Manager) saveWith(ctx context.Context, papers Papers, rows ...Row) error {
	now := m.clock.Boot()
	wall := m.clock.Wall()
	c := Change{
		Mark: Mark{BootID: m.clock.BootID(), Seen: now, Wall: wall.Time, Sure: wall.Quality == clock.Synchronised, Day: m.day},
		Put:  rows, NewDay: m.turned, Papers: papers,
	}
	m.papers.owe(&c)
	m.mu.Lock()
	m.together(rows)
	m.mu.Unlock()
	given := map[string]bool{}
	for _, r := range rows {
		given[r.ID] = true
	}
	for id := range m.owed {
		if !given[id] {
			c.Put = append(c.Put, m.byID[id].Row)
		}
	}
	if m.placeNew {
		place := m.place // its slices are never changed in place
		c.Site = &place
	}
	c.Forget = slices.Sorted(maps.Keys(m.gone))
	for _, slot := range slices.Sorted(maps.Keys(m.rests)) {
		c.Rests = append(c.Rests, Rest{Slot: slot, Since: m.rests[slot]})
	}
	// By State, because "ended" comes before "open" in the alphabet.
	order.Func(c.Put, func(a, b Row) int { return cmp.Or(cmp.Compare(a.State, b.State), cmp.Compare(a.ID, b.ID)) })
	devices := map[mac.Addr]bool{}
	for _, r := range c.Put {
		if d, ok := m.today(r, now); ok && !devices[d.MAC] {
			devices[d.MAC] = true
			c.Days = append(c.Days, d)
		}
	}
	for a := range m.daysNew {
		if !devices[a] {
			c.Days = append(c.Days, m.dayOf(a, now))
		}
	}
	err := m.store.Save(ctx, c)

	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		if m.saving.err == nil {
			m.log.Error("the store does not take writes", "err", err)
		}
		m.saving.failed(now, err)
		return err
	}
	if m.saving.err != nil {
		m.log.Info("the store takes writes again")
	}
	m.saving.done()
	clear(m.owed)
	clear(m.gone)
	clear(m.rests)
	clear(m.daysNew)
	m.papers.paid()
	m.turned = false
	if c.Site != nil {
		m.placeNew = false
	}
	return nil
}

// together makes the disk take what a device's sessions have carried in the same transaction as what its day has: a crash
// between the two would count bytes twice or not at all. Called with both locks held.
func (m *Manager) together(rows []Row) {
	if !m.counts || len(m.progress) == 0 {
		return
	}
	all := slices.Clone(rows)
	for id := range m.owed {
		all = append(all, m.byID[id].Row)
	}
	for _, r := range all {
		for _, s := range m.byMAC[r.Device.MAC] {
			if m.progress[s.ID] {
				m.owed[s.ID] = true
				delete(m.progress, s.ID)
			}
		}
	}
}

// flush writes what moves without anybody's gesture: counters, last activity, how far time has run, what is forgotten.
func (m *Manager) flush(ctx context.Context) error {
	m.mu.Lock()
	maps.Copy(m.owed, m.progress)
	clear(m.progress)
	m.flushed = m.clock.Boot()
	m.mu.Unlock()
	return m.save(ctx)
}

// nextFlush is when the store is to be written next.
func (m *Manager) nextFlush() clock.Boot {
	switch {
	case m.saving.wanted:
		return m.saving.at
	case len(m.bySlot) > 0 || len(m.progress) > 0 || len(m.gone) > 0 || m.turned || m.placeNew || m.papers.writes():
		return m.flushed.Add(flushEvery)
	default:
		return never
	}
}
