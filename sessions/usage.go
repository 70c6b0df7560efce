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
		next = min(next, m.read.Add(readMost))
	}
	for _, s := range m.bySlot {
		if s.read < m.read {
			continue // the kernel does not know the slot: there is nothing to judge by until it does
		}
		next = min(next, s.wantsRead())
	}
	if next != never && m.reading.wanted {
		return m.reading.at // the last reading failed
	}
	return next
}

// wantsRead is when a reading could show that the session is to end.
func (s *session) wantsRead() clock.Boot {
	at := s.read.Add(readMost)
	if s.profile.Idle > 0 {
		at = min(at, max(s.Active.Add(s.profile.Idle), s.read.Add(readLeast)))
	}
	if s.profile.Volume > 0 {
		at = min(at, s.read.Add(s.untilSpent()))
	}
	return at
}

// untilSpent estimates how soon the volume can be used up, between readLeast and readMost: at the full rate of its class
// where it has one, else at the rate that was seen. One that is silent near its volume is looked at as seldom as it has been
// silent for long.
func (s *session) untilSpent() time.Duration {
	rate := s.rate
	if s.profile.Down > 0 && s.profile.Up > 0 {
		rate = float64(s.profile.Down+s.profile.Up) / 8
	}
	if rate <= 0 {
		return readMost
	}
	secs := min(float64(s.bytesLeft())/rate, readMost.Seconds())
	d := time.Duration(secs * float64(time.Second))
	return min(max(d, readLeast, s.read.Sub(s.Active)), readMost)
}

// readCounters reads all counters, adds what is new and ends who has used up the volume or has been idle. When they cannot
// be read nobody is judged.
func (m *Manager) readCounters(ctx context.Context, now clock.Boot) {
	usage, err := m.enforcer.Usage()
	if err != nil {
		m.mu.Lock()
		if m.reading.err == nil {
			m.log.Error("counters cannot be read", "err", err)
		}
		m.reading.failed(now, err)
		m.mu.Unlock()
		return
	}
	var over []ending
	m.mu.Lock()
	m.reading.done()
	m.read, m.readBy = now, nil
	for _, u := range usage {
		if u.Final {
			m.addFinal(u)
			continue
		}
		s, ok := m.bySlot[u.Slot]
		if !ok {
			continue // being taken away
		}
		m.add(s, u, now)
		switch {
		case s.spent():
			over = append(over, ending{s, ByVolume})
		case s.profile.Idle > 0 && now >= s.Active.Add(s.profile.Idle):
			over = append(over, ending{s, ByIdle})
		}
	}
	m.mu.Unlock()
	_ = m.end(ctx, now, over...) // the kernel is asked again by Step
}

// add takes the reading of an open session's slot.
func (m *Manager) add(s *session, u Usage, now clock.Boot) {
	down, up := since(s.KernelDown, u.Down), since(s.KernelUp, u.Up)
	restarted := u.Down < s.KernelDown || u.Up < s.KernelUp
	if passed := now.Sub(s.read).Seconds(); passed > 0 {
		s.rate = float64(down+up) / passed
	}
	// Counters that have restarted, or may have while we were away, do not tell silence.
	doubt := restarted || s.unsure && u.Down+u.Up == 0
	s.read, s.unsure = now, false
	if down+up == 0 && !doubt {
		return
	}
	s.Down, s.Up, s.KernelDown, s.KernelUp, s.Active = s.Down+down, s.Up+up, u.Down, u.Up, now
	m.progress[s.ID] = true
}

// addFinal takes the last count of a slot that has been dropped.
func (m *Manager) addFinal(u Usage) {
	c, ok := m.closing[u.Slot]
	if !ok {
		return // of a session that is forgotten, or that another run of this program has ended
	}
	delete(m.closing, u.Slot)
	down, up := since(c.down, u.Down), since(c.up, u.Up)
	if down+up == 0 {
		return
	}
	c.session.Down += down
	c.session.Up += up
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
