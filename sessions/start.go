package sessions

import (
	"context"
	"errors"
	"fmt"

	"parvis/internal/clock"
)

// Start reads the store, decides what goes on and makes the kernel follow in one Sync. It is called once, before Run
// and before anything is opened.
//
// When the machine has not restarted, every deadline is exact: nobody gains a second and nobody has to open again. After
// a reboot each session goes on with what was left when the store was last written, at most flushEvery ago. A
// session whose profile is no longer configured, or is a terminal's where its device is none, ends.
//
// A store that cannot be read is an error. A store that cannot be written or a kernel that does not follow is not: both
// are tried again by Run, and Status says so.
func (m *Manager) Start(ctx context.Context) error {
	m.op.Lock()
	defer m.unlock()
	if m.started {
		return errors.New("sessions: start: already started")
	}
	saved, err := m.store.Load(ctx)
	if err != nil {
		return fmt.Errorf("sessions: start: %w: %w", ErrStore, err)
	}
	now := m.clock.Boot()
	mark, rows := saved.Mark, saved.Rows
	// A mark ahead of the clock cannot be of this boot, whatever it says.
	rebooted := mark.BootID != "" && (mark.BootID != m.clock.BootID() || mark.Seen > now)
	if rebooted {
		for i := range rows {
			rows[i].rebase(now, mark.Seen)
		}
		for i := range saved.Rests {
			r := &saved.Rests[i]
			r.Since = r.Since.Add(now.Sub(mark.Seen))
			m.rests[r.Slot] = r.Since
		}
		for i := range saved.Days {
			saved.Days[i].Through = saved.Days[i].Through.Add(now.Sub(mark.Seen))
		}
		saved.Site.rebase(now.Sub(mark.Seen))
	}
	m.mu.Lock()
	m.loadSite(saved.Site, now)
	m.papers.load(saved, now, rebooted)
	m.load(saved, now, rebooted)
	m.started, m.flushed, m.read = true, now, now
	m.syncing.want(now)
	if len(m.bySlot) > 0 {
		m.readWithin(now, 0) // what was carried since the last write
	}
	m.mu.Unlock()

	if len(rows) > 0 || len(m.rests) > 0 || m.turned || m.placeNew || m.papers.writes() { // also when nothing has changed: a power cut must not give back the time without the daemon
		_ = m.save(ctx) // tried again by Run; Status says so
	}
	_ = m.sync(now) // likewise
	m.log.Info("sessions resumed", "rebooted", m.resumed.Rebooted, "open", m.resumed.Open, "ended", m.resumed.Ended,
		"remembered", m.resumed.Remembered)
	return nil
}

// rebase moves a row from the boot that was last seen at seen to this one: what was left is left, what had passed has
// passed. The time without power counts for nothing.
func (r *Row) rebase(now, seen clock.Boot) {
	shift := now.Sub(seen)
	r.End = r.End.Add(shift)
	r.Ended = r.Ended.Add(shift)
	r.Active = r.Active.Add(shift)
	if r.Suspended != "" {
		r.SuspendedAt = r.SuspendedAt.Add(shift)
	}
	if r.PastUntil != 0 {
		r.PastUntil = r.PastUntil.Add(shift)
	}
	r.MessageAt = r.MessageAt.Add(shift)
	r.KernelDown, r.KernelUp = 0, 0
}

// load takes the rows over. Called with both locks held.
func (m *Manager) load(saved Saved, now clock.Boot, rebooted bool) {
	m.resumed.Rebooted, m.resumed.Seen, m.resumed.Sure = rebooted, saved.Mark.Wall, saved.Mark.Sure
	m.loadDays(saved, now)
	held, rests := map[uint16]bool{}, map[uint16]clock.Boot{}
	for _, r := range saved.Rests {
		rests[r.Slot] = r.Since
	}
	var moving []*session // open under a slot that is no longer ours to give
	for _, r := range saved.Rows {
		p, known := m.profile(r.Profile)
		if !known {
			p = Profile{Name: r.Profile, Label: r.Profile, Runs: WhileUsed}
		}
		s := &session{Row: r, profile: p, read: now, unsure: true, refused: r.Suspended != "", dayEnd: never, closes: never, came: now, room: m.papers.workshops[r.Workshop]}
		s.LineDown, s.LineAt = false, 0 // nobody has put the end off since the last write
		if rebooted {
			m.owed[s.ID] = true
		}
		if s.State == Open {
			s.dayEnd, s.closes = m.dayEnd(s, s.online(now)), m.closesOf(s)
		}
		misplaced := known && p.Terminal != m.terminal(s.Device.MAC)
		if at, reason := s.due(); s.State == Open && (!known || misplaced || at <= now) {
			if !known || misplaced {
				reason, at = ByOperator, now
				m.log.Warn("session ended: its profile is no longer configured, or not for this device", "id", s.ID, "profile", s.Profile)
			}
			m.close(s, reason, at, m.clock.Wall().Time.Add(at.Sub(now)))
			m.owed[s.ID] = true
			m.rests[s.Slot], rests[s.Slot] = at, at
			m.resumed.Ended++
			m.note(Notice{Kind: NoticeEnded, Session: m.view(s, now), Why: string(reason)})
		}
		if s.State == Ended {
			if s.forgetAt() <= now {
				m.gone[s.ID] = true
				delete(m.owed, s.ID)
				m.papers.loosen(s)
				continue
			}
			m.resumed.Remembered++
			m.remember(s)
			if s.Code != "" && s.left(now) > 0 {
				m.codes.of(s.Device.MAC, s.Code, now) // by which it can be taken back
			}
			m.forgetNxt = min(m.forgetNxt, s.forgetAt())
			continue
		}
		m.resumed.Open++
		if code := m.codes.open(s.Device.MAC, s.Code, now); code != s.Code {
			s.Code = code
			m.owed[s.ID] = true
		}
		m.remember(s)
		if s.Suspended != "" { // until it is seen again, or for so long
			m.contested[s.Device.MAC] = contest{s.Suspended, now.Add(confirmWithin)}
			m.unconfirmed = now.Add(confirmWithin)
		}
		if s.Slot < m.first || s.Slot > m.last || held[s.Slot] {
			moving = append(moving, s)
			continue
		}
		held[s.Slot] = true
		m.admit(s)
	}
	m.slots = newSlots(m.first, m.last, held, rests)
	for _, s := range moving {
		m.move(s, now)
	}
}

// move gives a session another slot after the configured range has changed.
func (m *Manager) move(s *session, now clock.Boot) {
	m.owed[s.ID] = true
	slot, ok := m.slots.take(now)
	if !ok {
		m.close(s, ByOperator, now, m.clock.Wall().Time)
		m.codes.closed(s.Device.MAC, now)
		m.note(Notice{Kind: NoticeEnded, Session: m.view(s, now), Why: string(ByOperator)})
		m.forgetNxt = min(m.forgetNxt, s.forgetAt())
		m.resumed.Open--
		m.resumed.Ended++
		m.log.Warn("session ended: there are fewer slots than sessions", "id", s.ID)
		return
	}
	s.Slot, s.KernelDown, s.KernelUp = slot, 0, 0
	m.admit(s)
}

// remember makes s findable, admit marks it as open. Called with both locks held.
func (m *Manager) remember(s *session) {
	m.byID[s.ID] = s
	s.token = m.token(s.ID)
	m.byToken[s.token] = s
	m.papers.hold(s)
	m.byMAC[s.Device.MAC] = append(m.byMAC[s.Device.MAC], s)
}

func (m *Manager) admit(s *session) {
	m.byIP[s.Device.IPv4] = s
	m.bySlot[s.Slot] = s
	m.comes(s)
}
