package sessions

import (
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// account is what one device has had of its day. A device has at most one open session, so its time runs once.
type account struct {
	used    time.Duration // online, until through
	bytes   uint64
	running bool
	through clock.Boot
}

// at is the time online until now.
func (a *account) at(now clock.Boot) time.Duration {
	if !a.running {
		return a.used
	}
	return a.used + max(now.Sub(a.through), 0)
}

func (a *account) run(now clock.Boot) {
	a.used, a.through, a.running = a.at(now), now, true
}

func (a *account) stop(now clock.Boot) {
	a.used, a.through, a.running = a.at(now), now, false
}

func (p Profile) countsDay() bool { return p.Daily > 0 || p.DailyVolume > 0 }

// account returns the device's account; nil where its profile does not count days. Called with both locks held.
func (m *Manager) account(s *session) *account {
	if !s.profile.countsDay() {
		return nil
	}
	a := m.days[s.Device.MAC]
	if a == nil {
		a = &account{}
		m.days[s.Device.MAC] = a
	}
	return a
}

// dayLimited reports whether the day's allowance holds for a session: what somebody at the desk has opened is theirs to
// decide. It is counted all the same.
func (s *session) dayLimited() bool { return s.profile.countsDay() && !s.OpenedBy.desk() }

// dayEnd is when the device's day is used up if the session goes on from now, its account being true until then.
func (m *Manager) dayEnd(s *session, now clock.Boot) clock.Boot {
	if !s.dayLimited() || s.profile.Daily == 0 {
		return never
	}
	used := time.Duration(0)
	if a := m.days[s.Device.MAC]; a != nil {
		used = a.at(now)
	}
	return now.Add(max(s.profile.Daily-used, 0))
}

func (m *Manager) dayBytesLeft(s *session) uint64 {
	a := m.days[s.Device.MAC]
	switch {
	case s.profile.DailyVolume == 0:
		return 0
	case a == nil:
		return s.profile.DailyVolume
	default:
		return s.profile.DailyVolume - min(a.bytes, s.profile.DailyVolume)
	}
}

// dayOver reports whether the device has used up its day.
func (m *Manager) dayOver(s *session, now clock.Boot) bool {
	return m.dayEnd(s, now) <= now || s.dayLimited() && s.profile.DailyVolume > 0 && m.dayBytesLeft(s) == 0
}

// turnDay begins another day when the date really is another one. A day is a local calendar day by a clock that is
// synchronised; while it is not, the last day holds, whatever the clock says. Called with both locks held.
func (m *Manager) turnDay(now clock.Boot) {
	if !m.counts {
		return
	}
	wall := m.clock.Wall()
	date := wall.Time.Format(time.DateOnly)
	if wall.Quality != clock.Synchronised || date == m.day {
		return
	}
	first := m.day == ""
	m.day = date
	if first {
		return // what was counted before the clock was known is of today, as far as anybody can tell
	}
	m.turned = true
	for a, day := range m.days {
		if !day.running {
			delete(m.days, a)
			continue
		}
		*day = account{running: true, through: now}
	}
	for _, s := range m.bySlot {
		if !s.profile.countsDay() {
			continue
		}
		s.dayEnd = m.dayEnd(s, s.online(now))
		m.owed[s.ID] = true
		m.resync(now) // the kernel's own end is later now
	}
}

// nextDay is when the calendar is to be looked at next, so that nothing of a day outlives it by much: at midnight, and
// every hour at least, because a clock may be set.
func (m *Manager) nextDay(now clock.Boot) clock.Boot {
	if len(m.days) == 0 {
		return never
	}
	wall := m.clock.Wall()
	y, mo, d := wall.Time.Date()
	midnight := time.Date(y, mo, d+1, 0, 0, 0, 0, wall.Time.Location()).Sub(wall.Time)
	if wall.Quality != clock.Synchronised {
		midnight = time.Hour
	}
	return now.Add(min(max(midnight, time.Second), time.Hour))
}

// today is what the disk is to know of the device of a row; false where nothing is counted.
func (m *Manager) today(r Row, now clock.Boot) (Day, bool) {
	p, _ := m.profile(r.Profile)
	if !p.countsDay() {
		return Day{}, false
	}
	return m.dayOf(r.Device.MAC, now), true
}

func (m *Manager) dayOf(a mac.Addr, now clock.Boot) Day {
	d := Day{MAC: a, Through: now}
	if a := m.days[a]; a != nil {
		d.Used, d.Bytes = a.at(now), a.bytes
	}
	return d
}

// followDay lets what a person has had of the day follow them to another address, and returns what undoes it. Called with both
// locks held.
func (m *Manager) followDay(from, to mac.Addr, now clock.Boot) (undo func()) {
	a := m.days[from]
	if a == nil || from == to {
		return func() {}
	}
	b := m.days[to]
	if b == nil {
		b = &account{}
		m.days[to] = b
	}
	wasA, wasB := *a, *b
	*b = account{used: a.at(now) + b.at(now), bytes: a.bytes + b.bytes, running: a.running, through: now}
	*a = account{through: now}
	m.daysNew[from], m.daysNew[to] = true, true
	return func() { *a, *b = wasA, wasB }
}

// loadDays takes the accounts over, and lets those run whose session is open. Called with both locks held.
func (m *Manager) loadDays(saved Saved, now clock.Boot) {
	m.day = saved.Mark.Day
	if !m.counts {
		m.turned = len(saved.Days) > 0 // nobody counts any more
		return
	}
	for _, d := range saved.Days {
		m.days[d.MAC] = &account{used: d.Used, bytes: d.Bytes, through: min(d.Through, now)}
	}
	for _, r := range saved.Rows {
		p, known := m.profile(r.Profile)
		if !known || !p.countsDay() || r.State != Open || r.Suspended != "" {
			continue
		}
		if a := m.days[r.Device.MAC]; a != nil {
			a.running = true
		} else {
			m.days[r.Device.MAC] = &account{running: true, through: now}
		}
	}
	m.turnDay(now)
}

// idled gives the silent stretch back to the device's day, as it is given back to its session.
func (a *account) idled(stretch time.Duration) { a.used -= min(max(stretch, 0), a.used) }
