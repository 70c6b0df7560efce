package sessions

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"parvis/internal/clock"
)

// flushEvery bounds both the wear of the flash and what a power cut can give back to people.
const flushEvery = time.Minute

// never is later than any deadline.
const never = clock.Boot(1<<63 - 1)

// save writes rows together with everything that an earlier failure has left owed. Called with op held.
func (m *Manager) save(ctx context.Context, rows ...Row) error {
	now := m.clock.Boot()
	c := Change{Mark: Mark{BootID: m.clock.BootID(), Seen: now}, Put: rows}
	given := map[string]bool{}
	for _, r := range rows {
		given[r.ID] = true
	}
	for id := range m.owed {
		if !given[id] {
			c.Put = append(c.Put, m.byID[id].Row)
		}
	}
	c.Forget = slices.Sorted(maps.Keys(m.gone))
	for _, slot := range slices.Sorted(maps.Keys(m.rests)) {
		c.Rests = append(c.Rests, Rest{Slot: slot, Since: m.rests[slot]})
	}
	// By State, because "ended" comes before "open" in the alphabet.
	slices.SortFunc(c.Put, func(a, b Row) int { return cmp.Or(cmp.Compare(a.State, b.State), cmp.Compare(a.ID, b.ID)) })
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
	return nil
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
	case len(m.bySlot) > 0 || len(m.progress) > 0 || len(m.gone) > 0:
		return m.flushed.Add(flushEvery)
	default:
		return never
	}
}
