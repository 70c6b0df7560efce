package sessions

import "parvis/internal/mac"

// apart keeps terminals and guests apart: a terminal's profile is opened by somebody of the place, on one of the place's own
// terminals, and nothing else is opened there, whoever asks. A guest's device that takes a terminal's MAC is refused by it.
func (m *Manager) apart(a mac.Addr, p Profile, by Opener) error {
	if p.Terminal != m.terminal(a) || p.Terminal && by != FromDesk && by != FromOperator {
		return ErrTerminal
	}
	return nil
}
