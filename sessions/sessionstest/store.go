package sessionstest

import (
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
	rests map[uint16]clock.Boot
	held  chan struct{} // while set, Save waits for it
}

var _ sessions.Store = (*Store)(nil)

// NewStore returns a disk without any row.
func NewStore() *Store {
	return &Store{rows: map[string]sessions.Row{}, rests: map[uint16]clock.Boot{}}
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
		next := maps.Clone(s.rows)
		for _, id := range c.Forget {
			delete(next, id)
		}
		for _, r := range c.Put {
			next[r.ID] = r
			if err := consistent(next); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		s.mark, s.rows = c.Mark, next
		for _, r := range c.Rests {
			s.rests[r.Slot] = r.Since
		}
		return nil
	})
}

func consistent(rows map[string]sessions.Row) error {
	slots, macs := map[uint16]bool{}, map[mac.Addr]bool{}
	for _, r := range rows {
		if r.State != sessions.Open {
			continue
		}
		if slots[r.Slot] || macs[r.Device.MAC] {
			return fmt.Errorf("sessionstest: save: two open rows share slot %#x or its device", r.Slot)
		}
		slots[r.Slot], macs[r.Device.MAC] = true, true
	}
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
