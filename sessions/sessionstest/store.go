package sessionstest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/sessions"
)

// Store is a disk in memory: it survives a Manager, so that another one can be started on it.
type Store struct {
	faults
	mu    sync.Mutex
	mark  sessions.Mark
	rows  map[string]sessions.Row
	slots map[uint16]string   // of open rows
	macs  map[mac.Addr]string // of open rows
	rests map[uint16]clock.Boot
	days  map[mac.Addr]sessions.Day
	site  sessions.Site
	papers
	held chan struct{} // while set, Save waits for it
}

var _ sessions.Store = (*Store)(nil)

// NewStore returns a disk without any row.
func NewStore() *Store {
	return &Store{
		rows: map[string]sessions.Row{}, slots: map[uint16]string{}, macs: map[mac.Addr]string{},
		rests: map[uint16]clock.Boot{}, days: map[mac.Addr]sessions.Day{}, papers: newPapers(),
	}
}

// Load implements sessions.Store.
func (s *Store) Load(ctx context.Context) (saved sessions.Saved, err error) {
	err = s.call(Load, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		saved = sessions.Saved{Mark: s.mark, Rows: s.sorted()}
		for _, slot := range slices.Sorted(maps.Keys(s.rests)) {
			saved.Rests = append(saved.Rests, sessions.Rest{Slot: slot, Since: s.rests[slot]})
		}
		saved.Days, saved.Site, saved.Papers = s.sortedDays(), s.site, s.papers.saved()
		return ctx.Err()
	})
	if err != nil {
		return sessions.Saved{}, err
	}
	return saved, nil
}

// Save implements sessions.Store. It refuses a change after which two open rows would share a slot or a MAC.
func (s *Store) Save(ctx context.Context, c sessions.Change) error {
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	if held != nil {
		<-held
	}
	return s.call(Save, func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		before := map[string]sessions.Row{} // a zero row was not there
		for _, id := range c.Forget {
			before[id] = s.rows[id]
			s.take(id)
		}
		err := ctx.Err()
		for _, r := range c.Put {
			if _, twice := before[r.ID]; !twice {
				before[r.ID] = s.rows[r.ID]
			}
			if err == nil {
				err = s.put(r)
			}
		}
		if err != nil {
			for id := range before {
				s.take(id)
			}
			for _, r := range before {
				if r.ID != "" {
					_ = s.put(r) // as it was
				}
			}
			return err
		}
		s.mark = c.Mark
		for _, r := range c.Rests {
			s.rests[r.Slot] = r.Since
		}
		if c.NewDay {
			clear(s.days)
		}
		for _, d := range c.Days {
			s.days[d.MAC] = d
		}
		s.papers.save(c)
		if c.Site != nil {
			s.site = *c.Site
		}
		return nil
	})
}

func (s *Store) take(id string) {
	if r, ok := s.rows[id]; ok && r.State == sessions.Open {
		delete(s.slots, r.Slot)
		delete(s.macs, r.Device.MAC)
	}
	delete(s.rows, id)
}

func (s *Store) put(r sessions.Row) error {
	s.take(r.ID)
	if r.State == sessions.Open {
		if s.slots[r.Slot] != "" || s.macs[r.Device.MAC] != "" {
			return fmt.Errorf("sessionstest: save: two open rows share slot %#x or its device", r.Slot)
		}
		s.slots[r.Slot], s.macs[r.Device.MAC] = r.ID, r.ID
	}
	s.rows[r.ID] = r
	return nil
}

// Hold makes every Save wait, as a slow disk does, until the function that it returns is called.
func (s *Store) Hold() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make(chan struct{})
	s.held = held
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held = nil
		close(held)
	}
}

// Rows returns what is on the disk, by id.
func (s *Store) Rows() []sessions.Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sorted()
}

// Mark returns the mark of the last Save.
func (s *Store) Mark() sessions.Mark {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mark
}

func (s *Store) sorted() []sessions.Row {
	return slices.SortedFunc(maps.Values(s.rows), func(a, b sessions.Row) int { return cmp.Compare(a.ID, b.ID) })
}

// Days returns what is on the disk of the devices' day, by MAC.
func (s *Store) Days() []sessions.Day {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sortedDays()
}

func (s *Store) sortedDays() []sessions.Day {
	return slices.SortedFunc(maps.Values(s.days), func(a, b sessions.Day) int { return bytes.Compare(a.MAC[:], b.MAC[:]) })
}
