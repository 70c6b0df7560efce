package sessions

import (
	"context"
	"time"

	"parvis/internal/clock"
)

// Counters are read at least every readMost while somebody is inside, and at most every readLeast for one that is about
// to use up its volume or its idle time.
const (
	readLeast = time.Second
	readMost  = time.Minute
)

// readWithin asks for a reading d from now at the latest. Called with both locks held.
func (m *Manager) readWithin(now clock.Boot, d time.Duration) {
	at := now.Add(d)
	if m.readBy == nil || at < *m.readBy {
		m.readBy = &at
	}
}

// nextRead is when counters are to be read next; one reading serves all sessions.
func (m *Manager) nextRead() clock.Boot {
	next := never
	if m.readBy != nil {
		next = *m.readBy
	}
	if len(m.bySlot) > 0 {
		next = min(next, m.read.Add(readMost), m.readNxt)
	}
	if next != never && m.reading.wanted {
		return m.reading.at // the last reading failed
	}
	return next
}

// wantsRead is when a reading could show that the session is to end or to go on more slowly.
func (m *Manager) wantsRead(s *session) clock.Boot {
	at := s.read.Add(readMost)
	if s.Suspended != "" {
		return at
	}
	if s.profile.Idle > 0 {
		at = min(at, max(s.Active.Add(s.profile.Idle), s.read.Add(readLeast)))
	}
	if s.profile.Volume > 0 && !s.slowed() {
		at = min(at, s.read.Add(s.untilUsed(s.bytesLeft())))
	}
	if s.dayLimited() && s.profile.DailyVolume > 0 {
		at = min(at, s.read.Add(s.untilUsed(m.dayBytesLeft(s))))
	}
	return at
}

// untilUsed estimates how soon so many bytes can be used up, between readLeast and readMost: at the full rate of its class
// where it has one, else at the rate that was seen. One that is silent near its volume is looked at as seldom as it has been
// silent for long.
func (s *session) untilUsed(left uint64) time.Duration {
	rate := s.rate
	if r := s.rates(); r.down > 0 && r.up > 0 {
		rate = float64(r.down+r.up) / 8
	}
	if rate <= 0 {
		return readMost
	}
	secs := min(float64(left)/rate, readMost.Seconds())
	d := time.Duration(secs * float64(time.Second))
	return min(max(d, readLeast, s.read.Sub(s.Active)), readMost)
}

// readCounters reads all counters, adds what is new and ends who has used up the volume or has been idle. When they cannot
// be read nobody is judged, and ok is false. Called with op held, by Run's goroutine alone: a reading is never overtaken by
// another.
//
// apart lets op go while the kernel is read, so that nobody's opening waits for a dump of ten thousand counters. What ends
// meanwhile asks for another reading.
func (m *Manager) readCounters(ctx context.Context, now clock.Boot, apart bool) (ok bool) {
	m.mu.Lock()
	m.readBy, m.readNxt = nil, never // what is asked for from here on is for the next reading
	m.mu.Unlock()
	if apart {
		m.op.Unlock()
	}
	usage, err := m.enforcer.Usage()
	if apart {
		m.op.Lock()
	}
	complete := m.clock.Boot() // what the reading has seen may have moved as late as this
	if err != nil {
		m.mu.Lock()
		if m.reading.err == nil {
			m.log.Error("counters cannot be read", "err", err)
		}
		m.reading.failed(now, err)
		m.readWithin(now, 0)
		m.mu.Unlock()
		return false
	}
	var read []*session
	m.mu.Lock()
	m.reading.done()
	m.read = now
	for _, u := range usage {
		if u.Final {
			m.addFinal(u)
			continue
		}
		s, ok := m.bySlot[u.Slot]
		if !ok {
			continue // being taken away
		}
		m.add(s, u, now, complete)
		read = append(read, s)
	}
	over, changed := m.judge(now, read)
	m.mu.Unlock()
	for _, s := range changed {
		m.tell(now, s)
	}
	if len(over) == 0 && len(changed) > 0 {
		_ = m.save(ctx) // a power cut must not give the volume back; owed until it passes
	}
	_ = m.end(ctx, now, over...) // the kernel is asked again by Step
	return true
}

// judge says which of the sessions that were read are to end and which are to go on at other rates. One that the kernel does
// not know is not among them: there is nothing to judge it by until it is. Called with both locks held.
func (m *Manager) judge(now clock.Boot, read []*session) (over []ending, changed []*session) {
	for _, s := range read {
		switch {
		case s.Suspended != "": // neither active nor silent
		case s.spent():
			over = append(over, ending{s, ByVolume})
			continue
		case m.dayOver(s, now):
			over = append(over, ending{s, ByDay})
			continue
		case s.profile.Idle > 0 && now >= max(s.Active, s.heard).Add(s.profile.Idle):
			over = append(over, ending{s, ByIdle})
			continue
		}
		if s.told != s.rates() {
			changed = append(changed, s)
			m.owed[s.ID] = true
			m.log.Info("session goes on more slowly: its volume is used up", "id", s.ID)
		}
		m.readNxt = min(m.readNxt, m.wantsRead(s))
	}
	return over, changed
}

// add takes the reading of an open session's slot, which began at now.
func (m *Manager) add(s *session, u Usage, now, complete clock.Boot) {
	down, up := since(s.KernelDown, u.Down), since(s.KernelUp, u.Up)
	restarted := u.Down < s.KernelDown || u.Up < s.KernelUp
	if restarted && s.unsure {
		// An earlier run of the daemon has seen more than the kernel says now. What the kernel counts may be in that
		// already, and nobody is to pay twice: it is taken as the beginning.
		down, up = 0, 0
	}
	if passed := now.Sub(s.read).Seconds(); passed > 0 {
		s.rate = float64(down+up) / passed
	}
	// Counters that have restarted, or may have while we were away, do not tell silence.
	doubt := restarted || s.unsure && u.Down+u.Up == 0
	refused := s.refused
	s.read, s.unsure, s.refused = now, false, s.Suspended != ""
	if down+up == 0 && !doubt {
		return
	}
	s.KernelDown, s.KernelUp = u.Down, u.Up
	m.progress[s.ID] = true
	if refused {
		return // the kernel counts what it refuses, and neither of the two devices is to pay for it
	}
	s.Active, s.heard = now, complete
	if s.Suspended != "" {
		s.Active = min(now, s.SuspendedAt)
	}
	m.carried(s, down, up)
}

// carried adds what has passed to the session and to its device's day. Called with both locks held.
func (m *Manager) carried(s *session, down, up uint64) {
	s.Down, s.Up = s.Down+down, s.Up+up
	if day := m.account(s); day != nil {
		day.bytes += down + up
	}
}

// addFinal takes the last count of a slot that has been dropped.
func (m *Manager) addFinal(u Usage) {
	c, ok := m.closing[u.Slot]
	if !ok {
		return // of a session that is forgotten, or that another run of this program has ended
	}
	delete(m.closing, u.Slot)
	down, up := since(c.down, u.Down), since(c.up, u.Up)
	restarted := u.Down < c.down || u.Up < c.up
	if down+up == 0 || c.refused || c.unsure && restarted { // as in add
		return
	}
	m.carried(c.session, down, up)
	m.progress[c.session.ID] = true
}

// since returns what a kernel counter has counted since it was last read: one that is lower than then has restarted
// from zero.
func since(last, now uint64) uint64 {
	if now < last {
		return now
	}
	return now - last
}
