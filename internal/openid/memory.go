package openid

import (
	"context"
	"sync"

	"parvis/internal/clock"
)

// maxJourneys is how many are remembered; the one that left first goes first.
const maxJourneys = 200

// Memory remembers journeys in this process.
type Memory struct {
	clock clock.Clock
	mu    sync.Mutex
	all   map[string]timed
}

type timed struct {
	Journey
	until clock.Boot
}

// NewMemory makes an empty one.
func NewMemory(c clock.Clock) *Memory { return &Memory{clock: c, all: map[string]timed{}} }

// Put implements Journeys.
func (m *Memory) Put(_ context.Context, state string, j Journey) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var first string
	for s, x := range m.all {
		if m.clock.Boot() >= x.until {
			delete(m.all, s)
		} else if first == "" || x.until < m.all[first].until {
			first = s
		}
	}
	if len(m.all) >= maxJourneys {
		delete(m.all, first)
	}
	m.all[state] = timed{j, m.clock.Boot().Add(Patience)}
	return nil
}

// Take implements Journeys.
func (m *Memory) Take(_ context.Context, state string) (Journey, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x, ok := m.all[state]
	delete(m.all, state)
	return x.Journey, ok && m.clock.Boot() < x.until, nil
}
