package sessions

import "context"

// Happened is what Run does with an event.
func (m *Manager) Happened(e Event) { m.event(context.Background(), e) }
