package sessions

import (
	"slices"
	"time"

	"parvis/internal/clock"
	"parvis/sessions/hours"
)

// Never is later than any deadline.
const Never = never

// Cause says why a place is open or closed.
type Cause string

// The causes.
const (
	ByHours  Cause = "hours"
	ByOpened Cause = "opened" // OpenUntil
	ByPaused Cause = "paused" // Pause
	ByClock  Cause = "clock"  // nobody knows what time it is: what was last decided holds
)

// SiteState is whether the place is open, at the moment of asking.
type SiteState struct {
	Open   bool       `json:"open"`
	Until  time.Time  `json:"until,omitzero"` // when that ends; zero: not known, or never
	Next   time.Time  `json:"next,omitzero"`  // the next opening; zero: not known, or none
	Why    Cause      `json:"why"`
	Closes clock.Boot `json:"-"` // while open: Until, or Never
	// Bound is how many open sessions a pause or the closing would end.
	Bound int `json:"bound"`
}

// Site is what is remembered of the place itself.
type Site struct {
	Open  bool      // by its hours, when the clock was last known
	Until time.Time // until when; zero not known

	Opened, Paused Gesture
	Exceptions     []hours.Exception // by date
	Outages        []Outage          // the last ones, oldest first
}

// Gesture is something that the desk has decided until a time. The zero value is nothing.
type Gesture struct {
	Until time.Time
	At    clock.Boot // Until, of the boot that Mark names
	Sure  bool       // Until was said by a clock that was known
	// Shut is until when the place is closed after Until, because its hours would have gone on; zero: hours decide.
	Shut   time.Time
	ShutAt clock.Boot
}

// gesturesMost bounds how far ahead a gesture may reach, exceptionsMost and outagesMost how many are remembered.
const (
	gestureMost    = 24 * time.Hour
	exceptionsMost = 400
	outagesMost    = 50
)

// over reports whether a gesture has ended.
func (g Gesture) over(now clock.Boot, t time.Time, known bool) bool {
	switch {
	case g.Until.IsZero():
		return true
	case known && g.Sure:
		return !t.Before(g.Until)
	default:
		return now >= g.At
	}
}

// until is when it ends, in the words of the clock as it is.
func (g Gesture) until(now clock.Boot, t time.Time, known bool) time.Time {
	if known && g.Sure {
		return g.Until
	}
	return t.Add(g.At.Sub(now))
}

// shut is the closing after an opening, as a gesture of its own.
func (g Gesture) shut() Gesture { return Gesture{Until: g.Shut, At: g.ShutAt, Sure: g.Sure} }

// byHours is what hours alone say. While nobody knows what time it is, what they last said holds; at the very first start,
// closed.
func (m *Manager) byHours(t time.Time, known bool) (st SiteState) {
	if known || m.calendar.Constant() {
		st.Why = ByHours
		st.Open, st.Until, st.Next = m.calendar.At(t)
		return st
	}
	return SiteState{Open: m.place.Open, Why: ByClock}
}

// siteAt decides whether the place is open: a pause holds before an opening, an opening before the hours.
func (m *Manager) siteAt(now clock.Boot) SiteState {
	t, known := m.civilNow(now)
	st := m.byHours(t, known)
	p := m.place
	if g := p.Opened.shut(); p.Opened.over(now, t, known) && !g.over(now, t, known) {
		end := g.until(now, t, known)
		st.Open, st.Why, st.Until, st.Next = false, ByOpened, end, m.opening(end)
	}
	if !p.Opened.over(now, t, known) {
		st.Open, st.Why, st.Until = true, ByOpened, p.Opened.until(now, t, known)
		if known && p.Opened.Shut.IsZero() { // its hours may go on from there
			if open, until, _ := m.calendar.At(st.Until); open {
				st.Until = until
			}
		}
	}
	if !p.Paused.over(now, t, known) {
		end := p.Paused.until(now, t, known)
		if !st.Open || !st.Until.IsZero() && !st.Until.After(end) {
			end = st.Next
		}
		st.Open, st.Why, st.Until, st.Next = false, ByPaused, p.Paused.until(now, t, known), end
	}
	st.Closes = Never
	if st.Open && !st.Until.IsZero() {
		st.Closes = now.Add(st.Until.Sub(t))
	}
	return st
}

// opening is the moment itself when the hours are open then, else the next opening after it.
func (m *Manager) opening(t time.Time) time.Time {
	open, _, next := m.calendar.At(t)
	if open {
		return t
	}
	return next
}

// Site says whether the place is open. It never waits for the disk or the kernel.
func (m *Manager) Site() SiteState {
	now := m.clock.Boot()
	m.mu.RLock()
	defer m.mu.RUnlock()
	st := m.siteAt(now)
	for _, s := range m.bySlot {
		if s.bound() {
			st.Bound++
		}
	}
	return st
}

// Closing is the last closing from now on before a moment that is not far; zero: it does not close before, or nobody knows the time.
// What the desk has decided goes before the hours.
func (m *Manager) Closing(before time.Time) (last time.Time) {
	now := m.clock.Boot()
	m.mu.RLock()
	defer m.mu.RUnlock()
	t, known := m.civilNow(now)
	if !known {
		return last
	}
	if st := m.siteAt(now); st.Open && st.Why == ByOpened && !st.Until.IsZero() {
		last, t = st.Until, st.Until
		if !m.place.Opened.Shut.IsZero() {
			t = m.place.Opened.Shut // closed until then, whatever the hours say
		}
	}
	for t.Before(before) {
		open, until, next := m.calendar.At(t)
		switch {
		case open && (until.IsZero() || !until.Before(before)): // goes on
			return time.Time{}
		case open:
			last, t = until, until
		case next.IsZero():
			return last
		default:
			t = next
		}
	}
	if !last.Before(before) {
		return time.Time{}
	}
	return last
}

// bound reports whether the place's hours hold for a session.
func (s *session) bound() bool { return s.OpenedBy != FromStaff }

// closesOf is when the place's closing ends a session.
func (m *Manager) closesOf(s *session) clock.Boot {
	if !s.bound() {
		return never
	}
	return max(m.closesAt, s.PastUntil)
}

// closingSlack is by how much the closing may move before who is inside is told: a clock that is being kept moves all the
// time.
const closingSlack = 500 * time.Millisecond

// attend applies the place's hours to who is inside. Called with both locks held.
func (m *Manager) attend(now clock.Boot) {
	if wall := m.clock.Wall(); wall.Quality == clock.Synchronised {
		m.civil = civil{at: now, time: wall.Time, known: true}
	}
	t, known := m.civilNow(now)
	if known {
		m.decide(t)
	}
	was := m.site
	m.site = m.siteAt(now)
	if m.site.Open != was.Open || m.site.Why != was.Why {
		m.changed = true
		m.log.Info("the place", "open", m.site.Open, "why", m.site.Why)
	}
	closes := m.site.Closes
	if !m.site.Open {
		closes = min(m.closesAt, now) // since it closed
	}
	if d := closes.Sub(m.closesAt); m.site.Open == was.Open && d > -closingSlack && d < closingSlack {
		return
	}
	m.closesAt = closes
	for _, s := range m.bySlot {
		if at := m.closesOf(s); at != s.closes {
			s.closes = at
			m.comes(s)
			m.resync(now) // the kernel's own end is another one now
		}
	}
}

// decide remembers what the hours say, for when nobody knows the time. Called with both locks held.
func (m *Manager) decide(t time.Time) {
	st := m.byHours(t, true)
	if st.Open == m.place.Open && st.Until.Equal(m.place.Until) {
		return
	}
	m.place.Open, m.place.Until = st.Open, st.Until
	m.placeNew = !m.hours.Constant() || len(m.place.Exceptions) > 0
}

// nextSite is when the place opens or closes next, or is to be looked at because nobody knows the time.
func (m *Manager) nextSite(now clock.Boot) clock.Boot {
	t, known := m.civilNow(now)
	next := never
	if !known && !m.calendar.Constant() {
		next = now.Add(time.Minute)
	}
	if until := m.site.Until; until.After(t) {
		next = min(next, now.Add(until.Sub(t)))
	}
	return next
}

// Exceptions returns the dates that the desk has made otherwise, by date.
func (m *Manager) Exceptions() []hours.Exception {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Clone(m.place.Exceptions)
}

// OpenOn returns the stretches of a date in which the hours, or the desk's exceptions of them, have the place open.
func (m *Manager) OpenOn(d hours.Date) hours.Day {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Clone(m.calendar.On(d))
}

// rebase moves gestures to this boot, as Row.rebase does: without a clock that is known, time without power does not count.
func (p *Site) rebase(shift time.Duration) {
	p.Opened.At, p.Opened.ShutAt, p.Paused.At = p.Opened.At.Add(shift), p.Opened.ShutAt.Add(shift), p.Paused.At.Add(shift)
}

// loadSite takes over what is remembered of the place. Called with both locks held.
func (m *Manager) loadSite(p Site, now clock.Boot) {
	m.place, m.calendar = p, m.hours.With(p.Exceptions)
	t, known := m.civilNow(now)
	closed := time.Time{} // when it closed, if it has
	for _, at := range []time.Time{p.Until, p.Opened.Until} {
		if known && !at.After(t) && at.After(closed) {
			closed = at
		}
	}
	m.attend(now)
	m.changed = false
	if m.closesAt = m.site.Closes; !m.site.Open {
		m.closesAt = now
		if !closed.IsZero() {
			m.closesAt = now.Add(closed.Sub(t))
		}
	}
}
