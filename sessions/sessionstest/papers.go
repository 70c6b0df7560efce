package sessionstest

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"parvis/sessions"
)

// papers are the tickets and workshops of a Store.
type papers struct {
	batches   map[string]sessions.BatchRow
	tickets   map[sessions.TicketKey]sessions.TicketRow
	workshops map[string]sessions.WorkshopRow
}

func newPapers() papers {
	return papers{map[string]sessions.BatchRow{}, map[sessions.TicketKey]sessions.TicketRow{}, map[string]sessions.WorkshopRow{}}
}

func (p papers) save(c sessions.Change) {
	for _, id := range c.Torn.Batches {
		delete(p.batches, id)
		maps.DeleteFunc(p.tickets, func(_ sessions.TicketKey, t sessions.TicketRow) bool { return t.Batch == id })
	}
	for _, id := range c.Torn.Workshops {
		delete(p.workshops, id)
	}
	for _, b := range c.Papers.Batches {
		p.batches[b.ID] = b
	}
	for _, t := range c.Papers.Tickets {
		p.tickets[t.Key] = t
	}
	for _, w := range c.Papers.Workshops {
		p.workshops[w.ID] = w
	}
}

func (p papers) saved() sessions.Papers {
	return sessions.Papers{
		Batches: slices.SortedFunc(maps.Values(p.batches), func(a, b sessions.BatchRow) int { return cmp.Compare(a.ID, b.ID) }),
		Tickets: slices.SortedFunc(maps.Values(p.tickets), func(a, b sessions.TicketRow) int {
			return cmp.Or(cmp.Compare(a.Batch, b.Batch), cmp.Compare(a.Sheet, b.Sheet), bytes.Compare(a.Key[:], b.Key[:]))
		}),
		Workshops: slices.SortedFunc(maps.Values(p.workshops), func(a, b sessions.WorkshopRow) int { return cmp.Compare(a.ID, b.ID) }),
	}
}

// Papers returns what is on the disk of tickets and workshops.
func (s *Store) Papers() sessions.Papers {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.papers.saved()
}
