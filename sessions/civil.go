package sessions

import (
	"time"

	"parvis/internal/clock"
)

// civil is a civil time that was known, and when: while Boot runs on it stays known, whatever becomes of the clock.
type civil struct {
	at    clock.Boot
	time  time.Time
	known bool
}

// civilNow returns the civil time; ok is false when nobody has known it since the machine started.
func (m *Manager) civilNow(now clock.Boot) (t time.Time, ok bool) {
	wall := m.clock.Wall()
	if wall.Quality == clock.Synchronised {
		return wall.Time, true
	}
	if m.civil.known {
		return m.civil.time.Add(now.Sub(m.civil.at)), true
	}
	return wall.Time, false
}
