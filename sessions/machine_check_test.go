package sessions_test

import (
	"context"
	"slices"
	"time"

	"pgregory.net/rapid"

	"parvis/sessions"
)

// observe compares every session with what was seen of it last.
func (m *machine) observe(t *rapid.T) {
	now := m.clock.Boot()
	holder := map[uint16]string{}
	for _, s := range m.List() {
		g, known := m.guests[s.ID]
		if !known {
			g = &guest{given: s.Left, openedAt: m.watch, lastSeen: m.watch}
			m.guests[s.ID] = g
			if s.State == sessions.Open {
				g.given = max(g.given, m.opts.Profiles[m.byName(s.Profile)].Duration) // closing takes nothing of what was given
				if s.Closing && s.OpenedBy != sessions.FromResident {
					g.given = max(g.given, 3*time.Hour) // the most that the machine's operator gives
				}
			}
			if p := m.opts.Profiles[m.byName(s.Profile)]; p.Daily == 0 && s.State == sessions.Open && s.Left > max(p.Duration, 3*time.Hour) {
				t.Fatalf("more than anybody gives: %+v", s)
			}
		}
		came := s.State == sessions.Open && g.last.State != sessions.Open
		left := g.last.State == sessions.Open && s.State == sessions.Ended
		if came {
			g.lastSeen, g.came = m.watch, m.watch
			if rested, ok := m.restedAt[s.Slot]; ok && m.watch-rested < sessions.SlotRest {
				t.Fatalf("slot %#x was given after %v of rest", s.Slot, m.watch-rested)
			}
		} else if rested, ok := m.restedAt[s.Slot]; ok && s.State == sessions.Open && s.Slot != g.last.Slot && g.last.Slot != 0 && m.watch-rested < sessions.SlotRest {
			t.Fatalf("slot %#x was given after %v of rest to one that moved", s.Slot, m.watch-rested)
		}
		if s.State == sessions.Open && s.Slot != g.last.Slot {
			g.came = m.watch // moved, and the last count of its former slot is still to be written
		}
		if left && s.Reason == sessions.ByIdle && m.opts.Profiles[m.byName(s.Profile)].Runs == sessions.WhileUsed {
			back := s.Left - max(g.last.End.Sub(now), 0)
			if g.last.Closing || g.last.LineDown { // its own end is not shown then
				back = 0
				g.used = min(g.used, g.given+g.gained-s.Left)
			} else if g.last.Suspended != "" { // its time stood still
				back = s.Left - g.last.Left
			}
			if silent := m.watch - g.lastSeen; back > silent && g.last.Suspended == "" {
				t.Fatalf("given back %v of %v of silence: %+v", back, silent, s)
			}
			g.used -= back
		}
		if left && s.Reason == sessions.ByIdle && g.last.Suspended == "" && m.watch-g.lastSeen < 15*time.Minute {
			t.Fatalf("ended as idle %v after its last byte", m.watch-g.lastSeen)
		}
		if s.State == sessions.Open {
			if other := holder[s.Slot]; other != "" {
				t.Fatalf("slot %#x is held twice", s.Slot)
			}
			holder[s.Slot], m.owner[s.Slot] = s.ID, s.ID
		}
		if s.Down+s.Up < g.total || s.Down+s.Up > g.carried {
			t.Fatalf("counted %d bytes, before %d, carried %d", s.Down+s.Up, g.total, g.carried)
		}
		g.total, g.last = s.Down+s.Up, s
	}
	for slot, id := range m.holder {
		if holder[slot] != id {
			m.restedAt[slot] = m.watch
		}
	}
	m.holder = holder
}

func (m *machine) byName(name string) int {
	return slices.IndexFunc(m.opts.Profiles, func(p sessions.Profile) bool { return p.Name == name })
}

// Check holds after every action.
func (m *machine) Check(t *rapid.T) {
	m.observe(t)
	st := m.Status()
	var open []sessions.Session
	for _, s := range m.List() {
		g := m.guests[s.ID]
		if s.State == sessions.Open {
			open = append(open, s)
		}
		if g.used+s.Left > g.given+g.gained {
			t.Fatalf("used %v, left %v of %v and %v gained by power cuts: %+v", g.used, s.Left, g.given, g.gained, s)
		}
		if s.Profile == morning.Name && s.State == sessions.Open && m.watch-g.openedAt > g.given+g.gained {
			t.Fatalf("a morning of %v and %v is open after %v", g.given, g.gained, m.watch-g.openedAt)
		}
	}
	if st.Open != len(open) {
		t.Fatalf("status counts %d, %d are listed", st.Open, len(open))
	}
	if free := st.Slots.Total - st.Slots.Resting - st.Slots.Free; free != len(open) {
		t.Fatalf("%d slots are held by %d sessions", free, len(open))
	}
	if st.Enforcer.OK {
		// A closing that has moved is told to the kernel a second later at most.
		m.tick(time.Second)
		m.Step(context.Background())
		m.observe(t)
		open = slices.DeleteFunc(m.List(), func(s sessions.Session) bool { return s.State != sessions.Open })
		if st = m.Status(); st.Enforcer.OK {
			m.kernelFollows(t, open)
		}
	}
	if st.Store.OK {
		m.diskFollows(t, open)
	}
}

func (m *machine) kernelFollows(t *rapid.T, open []sessions.Session) {
	grants := map[uint16]sessions.Grant{}
	for _, g := range m.kernel.Grants() {
		grants[g.Slot] = g
	}
	for _, s := range open {
		if isPost(s.Device.MAC) != s.Terminal || s.Terminal != (s.Profile == post.Name) || grants[s.Slot].Terminal != s.Terminal {
			t.Fatalf("terminals and guests are not apart: %+v, the kernel has %+v", s, grants[s.Slot])
		}
		if s.Terminal && s.OpenedBy != sessions.FromOperator && s.OpenedBy != sessions.FromDesk {
			t.Fatalf("a terminal was opened by somebody who is not of the place: %+v", s)
		}
		if g := grants[s.Slot]; g.MAC != s.Device.MAC || g.IPv4 != s.Device.IPv4 || g.End != s.End && !s.LineDown || g.End < m.clock.Boot() ||
			g.Suspended != (s.Suspended != "") || g.Down != s.DownRate || g.Up != s.UpRate {
			t.Fatalf("the kernel has %+v for %+v", g, s)
		}
	}
	if len(grants) != len(open) {
		t.Fatalf("the kernel has %d grants for %d sessions", len(grants), len(open))
	}
}

func (m *machine) diskFollows(t *rapid.T, open []sessions.Session) {
	rows := map[string]sessions.Row{}
	inside := 0
	for _, r := range m.store.Rows() {
		rows[r.ID] = r
		if r.State == sessions.Open {
			inside++
		}
	}
	for _, s := range open {
		if r := rows[s.ID]; r.State != sessions.Open || r.Device != s.Device || r.Slot != s.Slot ||
			r.Suspended != s.Suspended || r.End != s.End && r.Suspended == "" && s.Profile != daily.Name && !s.Closing && !s.LineDown {
			t.Fatalf("the disk has %+v for %+v", r, s)
		}
	}
	if inside != len(open) {
		t.Fatalf("the disk has %d open rows for %d sessions", inside, len(open))
	}
	for _, s := range m.List() {
		if r, ok := rows[s.ID]; !ok || r.State != s.State {
			t.Fatalf("the disk has %+v for %+v", r, s)
		}
	}
	if mark := m.store.Mark(); len(rows) > 0 && (mark.BootID != m.clock.BootID() || mark.Seen > m.clock.Boot()) {
		t.Fatalf("mark %+v at %v", mark, m.clock.Boot())
	}
}
