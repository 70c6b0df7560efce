package sessions

import (
	"context"
	"slices"
	"time"

	"parvis/internal/clock"
)

// Outage is a time without the line.
type Outage struct {
	From      time.Time     `json:"from"`
	To        time.Time     `json:"to,omitzero"` // zero: it lasts
	Sure      bool          `json:"sure"`        // the clock was known
	Devices   int           `json:"devices"`     // whose time stood still
	GivenBack time.Duration `json:"given_back"`  // of time, over all of them
}

// The time of sessions stands still from lineGrace after the line has gone. Meanwhile the kernel is told every lineEvery to go
// on for lineHold: when the daemon dies, they simply end.
const (
	lineGrace = 2 * time.Minute
	lineEvery = time.Minute
	lineHold  = 3 * time.Minute
)

// outage is one that lasts.
type outage struct {
	since  clock.Boot
	from   time.Time
	sure   bool
	stands bool            // the time of sessions stands still
	ticked clock.Boot      // when it was last moved along
	stood  map[string]bool // ids of sessions whose time stood still
	given  time.Duration
}

func (o *outage) record() Outage {
	return Outage{From: o.from, Sure: o.sure, Devices: len(o.stood), GivenBack: o.given}
}

// SetLine says whether the line is there, and since when. While it is down, and from the third minute on, the time of sessions
// whose profile wants it stands still.
func (m *Manager) SetLine(ctx context.Context, up bool, since clock.Boot) {
	m.op.Lock()
	defer m.unlock()
	ctx = context.WithoutCancel(ctx)
	now := m.catchUp(ctx)
	if up == (m.outage == nil) {
		return
	}
	m.changed = true
	defer m.wake()
	if !up {
		t, known := m.civilNow(now)
		since = min(since, now)
		m.mu.Lock()
		m.outage = &outage{since: since, from: t.Add(since.Sub(now)), sure: known, stood: map[string]bool{}}
		m.mu.Unlock()
		m.log.Warn("line down: time stands still from the third minute on")
		m.catchUp(ctx)
		return
	}
	m.mu.Lock()
	o := m.outage
	m.outage = nil
	for _, s := range m.bySlot {
		if s.LineDown {
			m.runs(s, now)
			m.owed[s.ID] = true
			m.resync(now) // the kernel was told to go on for longer
		}
	}
	if o.stands {
		done := o.record()
		done.To, _ = m.civilNow(now)
		m.place.Outages = append(slices.Clone(m.place.Outages), done)
		m.place.Outages = m.place.Outages[max(0, len(m.place.Outages)-outagesMost):]
		m.placeNew = true
	}
	m.mu.Unlock()
	m.log.Info("line back", "devices", len(o.stood), "given_back", o.given.Round(time.Second))
	if o.stands {
		_ = m.save(ctx) // owed until it passes
	}
}

// Outages returns the last times without the line, oldest first; one that lasts has no To.
func (m *Manager) Outages() []Outage {
	m.mu.RLock()
	defer m.mu.RUnlock()
	all := slices.Clone(m.place.Outages)
	if m.outage != nil {
		all = append(all, m.outage.record())
	}
	return all
}

// stand moves along what stands still, and returns the sessions of which the kernel is to be told. Called with both locks
// held.
func (m *Manager) stand(now clock.Boot) (tell []*session) {
	o := m.outage
	if o == nil || now < o.since.Add(lineGrace) {
		return nil
	}
	o.ticked = now
	for _, s := range m.bySlot {
		if !o.stands {
			m.stops(s, max(o.since.Add(lineGrace), s.came))
		}
		if !s.LineDown {
			continue
		}
		if stood := s.along(now); stood > 0 {
			o.given += stood
			o.stood[s.ID] = true
			m.progress[s.ID] = true
			s.dayEnd = m.dayEnd(s, s.online(now))
		}
		m.comes(s)
		if s.Suspended == "" && s.toldEnd < now.Add(2*lineEvery) {
			tell = append(tell, s)
		}
	}
	if !o.stands {
		o.stands, m.changed = true, true
	}
	return tell
}

// stops makes the time of a session stand still while the line is down, where its profile wants it.
func (m *Manager) stops(s *session, from clock.Boot) {
	if !s.profile.LineStops || s.LineDown {
		return
	}
	s.LineDown, s.LineAt = true, from
	if day := m.account(s); day != nil && s.Suspended == "" {
		day.stop(from)
	}
}

// runs lets it run again. Idleness begins anew: its person must notice first.
func (m *Manager) runs(s *session, now clock.Boot) {
	s.LineDown, s.LineAt = false, 0
	if s.Suspended == "" {
		s.Active = now
	}
	if day := m.account(s); day != nil && s.Suspended == "" {
		day.run(now)
	}
	s.dayEnd = m.dayEnd(s, s.online(now))
	m.comes(s)
}

// along puts the end off by the time that has stood still, and says how much that was. One that is suspended and whose
// time stands still for that is given it when the contest is settled.
func (s *session) along(now clock.Boot) time.Duration {
	stood := now.Sub(s.LineAt)
	s.LineAt = now
	if s.Suspended != "" && s.profile.Runs == WhileUsed {
		return 0
	}
	s.End = s.End.Add(stood)
	if s.Suspended == "" { // nobody is idle for want of a line
		s.Active, s.heard = min(s.Active.Add(stood), now), min(s.heard.Add(stood), now)
	}
	return stood
}

// nextLine is when what stands still is to be moved along.
func (m *Manager) nextLine() clock.Boot {
	switch o := m.outage; {
	case o == nil:
		return never
	case !o.stands:
		return o.since.Add(lineGrace)
	case len(m.bySlot) == 0:
		return never
	default:
		return o.ticked.Add(lineEvery)
	}
}
