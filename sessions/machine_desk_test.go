package sessions_test

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"pgregory.net/rapid"

	"parvis/internal/clock"
	"parvis/sessions"
	"parvis/sessions/hours"
)

// What the machine's desk, clock and line do.

// machineHours are those of the machine's place.
func machineHours(t rapid.TB) *hours.Calendar {
	week, err := hours.ParseWeek("lun-dim 6:00-12:30 13:00-22:00")
	if err != nil {
		t.Fatal(err)
	}
	return hours.New(hours.Config{Week: []hours.Week{week}})
}

// tolerated reports whether a refusal is one that faults explain.
func (m *machine) tolerated(err error) bool {
	return errors.Is(err, sessions.ErrStore) && m.diskAway || errors.Is(err, sessions.ErrEnforce) && m.faulty
}

// Adjust gives or takes time.
func (m *machine) Adjust(t *rapid.T) {
	s, _ := m.Of(m.someone(t))
	who := rapid.SampledFrom([]sessions.Opener{sessions.FromResident, sessions.FromDesk}).Draw(t, "who")
	by := time.Duration(rapid.IntRange(-90, 90).Draw(t, "minutes")) * time.Minute
	got, err := m.Manager.Adjust(context.Background(), s.ID, by, who)
	if who == sessions.FromResident {
		by = m.opts.Profiles[max(m.byName(s.Profile), 0)].Extend
	}
	if g := m.guests[s.ID]; g != nil && (err == nil || m.tolerated(err)) { // refused or not, the disk may have it
		g.given += max(by, 0)
	}
	m.observe(t)
	switch {
	case err == nil && who == sessions.FromResident && s.Extend == 0:
		t.Fatalf("a resident got more: %+v, before %+v", got, s)
	case err == nil && by < 0 && got.Left > s.Left:
		t.Fatalf("less is more: %+v, before %+v", got, s)
	case err == nil, m.tolerated(err):
	case errors.Is(err, sessions.ErrNotFound) && s.State != sessions.Open, errors.Is(err, sessions.ErrNotFound) && m.guests[s.ID].last.State == sessions.Ended:
	case errors.Is(err, sessions.ErrNoMore) && who == sessions.FromResident && got.Extend == 0:
	default:
		t.Fatalf("Adjust: %v", err)
	}
}

// TakeBack moves somebody's session to some device.
func (m *machine) TakeBack(t *rapid.T) {
	s, ok := m.Of(m.someone(t))
	d := sessions.Device{MAC: m.someone(t), IPv4: netip.AddrFrom4([4]byte{10, 20, 0, rapid.ByteRange(1, 5).Draw(t, "ipv4")})}
	ask := sessions.TakeBack{Device: d, Token: s.Token, By: sessions.FromResident}
	if rapid.Bool().Draw(t, "by code") {
		ask = sessions.TakeBack{Device: d, Code: s.Code, By: sessions.FromDesk}
	}
	if !ok {
		t.Skip("nobody")
	}
	contested := m.contests[d.MAC]
	got, err := m.Manager.TakeBack(context.Background(), ask)
	if g := m.guests[s.ID]; g != nil && err == nil && got.Slot != s.Slot {
		g.lastSeen = m.watch // idleness begins anew
	}
	m.observe(t)
	switch {
	case err == nil:
		if of, ok := m.Of(d.MAC); !ok || of != got || got.Device != d || got.State != sessions.Open || ask.Token != "" && got.ID != s.ID {
			t.Fatalf("taken back %+v, Of says %+v", got, of)
		}
		for _, other := range m.List() {
			if other.State == sessions.Open && other.ID != got.ID && (other.Device.MAC == d.MAC || other.Device.IPv4 == d.IPv4) {
				t.Fatalf("two are open: %+v and %+v", got, other)
			}
		}
	case m.tolerated(err):
	case errors.Is(err, sessions.ErrNotFound) && s.State == sessions.Ended, errors.Is(err, sessions.ErrNotFound) && m.guests[s.ID].last.State == sessions.Ended:
	case errors.Is(err, sessions.ErrContested) && contested:
	case errors.Is(err, sessions.ErrFull):
	case errors.Is(err, sessions.ErrClosed) && !m.Site().Open:
	case errors.Is(err, sessions.ErrDay) && s.Profile == daily.Name:
	case errors.Is(err, sessions.ErrTerminal) && (isPost(d.MAC) || isPost(s.Device.MAC)):
	default:
		t.Fatalf("TakeBack: %v", err)
	}
}

// Line takes the line away or brings it back.
func (m *machine) Line(t *rapid.T) {
	m.lineDown = !m.lineDown
	m.SetLine(context.Background(), !m.lineDown, m.clock.Boot())
	m.observe(t)
}

// Gesture opens, pauses or lets the hours decide.
func (m *machine) Gesture(t *rapid.T) {
	wall := m.clock.Wall()
	until := wall.Time.Add(time.Duration(rapid.IntRange(1, 300).Draw(t, "minutes")) * time.Minute)
	var err error
	switch rapid.IntRange(0, 3).Draw(t, "gesture") {
	case 0:
		err = m.OpenUntil(context.Background(), until)
		if err == nil && !m.Site().Open {
			t.Fatalf("opened, and %+v", m.Site())
		}
	case 1:
		var cut int
		bound := m.Site().Bound
		cut, err = m.Manager.Pause(context.Background(), sessions.PauseRequest{Until: until})
		if err == nil && (m.Site().Open || m.Status().Open > 0 || cut > bound) {
			t.Fatalf("paused, %d of %d cut, and %+v", cut, bound, m.Site())
		}
	case 2:
		err = m.Manager.Resume(context.Background())
	case 3:
		s, ok := m.Of(m.someone(t))
		if ok && s.State == sessions.Open {

			_, err = m.PastClosing(context.Background(), s.ID, time.Hour)
			if g := m.guests[s.ID]; err == nil || m.tolerated(err) {
				g.given += 25 * time.Hour // closing is a day away at most
			}
			if errors.Is(err, sessions.ErrNotFound) {
				err = nil
			}
		}
	}
	m.observe(t)
	// The machine's civil time may have jumped away from what was last known: then nothing that it says is of the next day.
	if err != nil && !errors.Is(err, sessions.ErrWhen) && !m.tolerated(err) {
		t.Fatalf("gesture: %v", err)
	}
}

// Sync makes somebody set the clock.
func (m *machine) Sync(t *rapid.T) {
	at := time.Date(2026, 11, 25, rapid.IntRange(0, 23).Draw(t, "hour"), rapid.IntRange(0, 59).Draw(t, "minute"), 0, 0, time.UTC)
	m.clock.SetWall(clock.Wall{Time: at, Quality: clock.Synchronised})
	m.observe(t)
}

// hold is what the place's hours promise right after a Step.
func (m *machine) hold(t *rapid.T) {
	site := m.Site()
	for _, s := range m.List() {
		switch {
		case s.State != sessions.Open || s.Past:
		case !site.Open:
			t.Fatalf("open in a closed place: %+v, %+v", s, site)
		case site.Closes != sessions.Never && s.End > site.Closes.Add(time.Second):
			t.Fatalf("shown to end %v after closing: %+v", s.End.Sub(site.Closes), s)
		}
	}
}
