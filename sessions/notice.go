package sessions

import "errors"

// Kind says what a Notice is of.
type Kind string

// The kinds of notices.
const (
	NoticeOpened   Kind = "opened"
	NoticeResumed  Kind = "resumed" // an ended session goes on
	NoticeMoved    Kind = "moved"   // it goes on under another address
	NoticeEnded    Kind = "ended"   // bytes are as last read; what came in its last moments is not in them
	NoticeRefused  Kind = "refused"
	NoticeRedeemed Kind = "redeemed" // a voucher or a workshop's code; the opening has its own notice
)

// Notice is something that has happened, for counting.
type Notice struct {
	Kind    Kind
	Session Session // as it was right after; of a refusal: Device and Profile as they were asked for
	Why     string  // of an end its Reason; of a refusal one word: closed, day, full, contested, store, kernel, …
}

// note takes note of something that has happened; who listens is told when op is given back. Called with op held.
func (m *Manager) note(n Notice) {
	if m.notice != nil {
		m.notices = append(m.notices, n)
	}
	m.changed = true
}

// unlock tells who listens what has happened, in order, and gives op back.
func (m *Manager) unlock() {
	notices, changed := m.notices, m.changed
	m.notices, m.changed = nil, false
	for _, n := range notices {
		m.notice(n)
	}
	m.op.Unlock()
	if changed {
		m.bell.Ring()
	}
}

// Changes returns a channel that receives after something of what List, Get, Site and Outages say has changed, other than
// by the mere passing of time and traffic, and what ends that.
func (m *Manager) Changes() (rung <-chan struct{}, stop func()) { return m.bell.Listen() }

// refuse takes note of a refusal. Called with op held.
func (m *Manager) refuse(d Device, profile string, err error) {
	word := "other"
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			word = r.word
			break
		}
	}
	if t := (*Throttled)(nil); errors.As(err, &t) {
		word = "throttled"
	}
	m.note(Notice{Kind: NoticeRefused, Session: Session{Device: d, Profile: profile}, Why: word})
}

// refusals are the words of notices for what refuses people. What is wrong with the asking itself is other.
var refusals = []struct {
	err  error
	word string
}{
	{ErrClosed, "closed"},
	{ErrDay, "day"},
	{ErrFull, "full"},
	{ErrContested, "contested"},
	{ErrNotFound, "not-found"},
	{ErrNoMore, "no-more"},
	{ErrCode, "code"},
	{ErrUsed, "used"},
	{ErrTooOld, "old"},
	{ErrTooEarly, "early"},
	{ErrRevoked, "revoked"},
	{ErrWorkshopFull, "workshop-full"},
	{ErrWorkshopNotStarted, "workshop-early"},
	{ErrWorkshopOver, "workshop-over"},
	{ErrStore, "store"},
	{ErrEnforce, "kernel"},
}
