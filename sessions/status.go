package sessions

import "time"

// Status is the manager's health at the moment of asking.
type Status struct {
	Open       int       `json:"open"`
	Suspended  int       `json:"suspended"`  // of the open ones
	Remembered int       `json:"remembered"` // ended, not yet forgotten
	Slots      SlotCount `json:"slots"`
	Store      Health    `json:"store"`
	Enforcer   Health    `json:"enforcer"`
	LinkLost   string    `json:"link_lost,omitempty"` // what is missing, in the enforcer's words; empty when all is there
	Start      Resumed   `json:"start"`
}

// SlotCount says how many slots there are and how many can be given now.
type SlotCount struct {
	Total   int `json:"total"`
	Free    int `json:"free"`
	Resting int `json:"resting"`
}

// Health is whether the other side takes what it is given. A failure is tried again until it passes.
type Health struct {
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// Resumed says what Start found in the store.
type Resumed struct {
	Rebooted   bool `json:"rebooted"` // the machine, not only the daemon, has started since
	Open       int  `json:"open"`     // sessions that go on
	Ended      int  `json:"ended"`    // sessions that were open and whose time passed meanwhile or whose profile is gone
	Remembered int  `json:"remembered"`
	// Seen is the civil time at which the store had last been written, and Sure whether the clock was synchronised then.
	Seen time.Time `json:"seen"`
	Sure bool      `json:"sure"`
}

func health(errs ...error) Health {
	for _, err := range errs {
		if err != nil {
			return Health{Error: err.Error()}
		}
	}
	return Health{OK: true}
}

// Status reports the manager's health. It never waits for the disk or the kernel.
func (m *Manager) Status() Status {
	now := m.clock.Boot()
	m.mu.RLock()
	defer m.mu.RUnlock()
	st := Status{
		Open:     len(m.bySlot),
		Slots:    SlotCount{Total: int(m.last) - int(m.first) + 1},
		Store:    health(m.saving.err),
		Enforcer: health(m.syncing.err, m.reading.err),
		LinkLost: m.linkLost,
		Start:    m.resumed,
	}
	for _, s := range m.byID {
		switch {
		case s.State == Open && s.Suspended != "":
			st.Suspended++
		case s.State == Ended && s.forgetAt() > now:
			st.Remembered++
		}
	}
	if m.slots != nil {
		st.Slots.Free, st.Slots.Resting = m.slots.count(now)
	}
	return st
}
