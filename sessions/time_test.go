package sessions_test

import (
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/sessions"
)

// use lets bytes through every minute for d, as somebody who is there does.
func (w *world) use(id string, d time.Duration) {
	w.t.Helper()
	for ; d > 0; d -= time.Minute {
		if s := w.get(id); s.State == sessions.Open {
			w.kernel.Carry(s.Slot, 1000, 100)
		}
		w.pass(min(d, time.Minute))
	}
}

func TestASessionEndsWithItsTime(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	w.use(s.ID, time.Hour-time.Second)
	if got := w.get(s.ID); got.State != sessions.Open || got.Left != time.Second {
		t.Fatalf("a second before its end: %+v", got)
	}
	w.pass(time.Second)
	w.pass(0)
	got := w.get(s.ID)
	if got.State != sessions.Ended || got.Reason != sessions.ByTime || got.Left != 0 || got.Slot != 0 {
		t.Errorf("at its end: %+v", got)
	}
	if want := w.clock.Wall().Time; got.EndedAt == nil || !got.EndedAt.Equal(want) {
		t.Errorf("ended at %v, want %v", got.EndedAt, want)
	}
	if len(w.kernel.Grants()) != 0 {
		t.Error("the kernel still lets it pass")
	}
	if again := w.open(phone, visitor); again.ID == s.ID || again.Left != time.Hour {
		t.Errorf("the next opening: %+v", again)
	}
}

func TestAClickAtTheEndOfASessionOpensAnother(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, small)
	w.clock.Advance(time.Hour) // Run has not woken up yet
	if again := w.open(phone, small); again.ID == s.ID || again.Left != time.Hour {
		t.Errorf("%+v", again)
	}
}

func TestWithoutKeepNothingResumes(t *testing.T) {
	w := newWorld(t)
	p := visitor
	p.Name, p.Keep = "hasty", 0
	w.opts.Profiles = append(w.opts.Profiles, p)
	w.restart()
	s := w.open(phone, p)
	w.pass(time.Minute)
	if got := w.end(s.ID, sessions.ByResident); got.Left != 0 || got.State != sessions.Ended {
		t.Errorf("ended: %+v", got)
	}
	if _, ok := w.Of(phone.MAC); !ok {
		t.Error("nobody can tell the device why it is out")
	}
	if again := w.open(phone, p); again.ID == s.ID {
		t.Error("it resumes")
	}
}

func TestWhatAnEndLeaves(t *testing.T) {
	for _, tc := range []struct {
		name    string
		profile sessions.Profile
		reason  sessions.Reason
		away    time.Duration
		resumes bool
		left    time.Duration // after opening again
	}{
		{"while used, by the resident", visitor, sessions.ByResident, time.Hour, true, 40 * time.Minute},
		{"while used, by the operator", visitor, sessions.ByOperator, time.Hour, false, time.Hour},
		{"while used, at closing", visitor, sessions.ByClosing, time.Hour, false, time.Hour},
		{"while used, to the end of keep", visitor, sessions.ByResident, 12*time.Hour - time.Second, true, 40 * time.Minute},
		{"while used, after keep", visitor, sessions.ByResident, 12 * time.Hour, false, time.Hour},
		{"from opening, by the resident", morning, sessions.ByResident, time.Hour, true, 40 * time.Minute},
		{"from opening, back after its end", morning, sessions.ByResident, 100 * time.Minute, false, 2 * time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t)
			s := w.open(phone, tc.profile)
			w.use(s.ID, 20*time.Minute)
			w.end(s.ID, tc.reason)
			w.pass(tc.away)
			again := w.open(phone, tc.profile)
			if (again.ID == s.ID) != tc.resumes || again.Left != tc.left {
				t.Errorf("resumed %v with %v; want %v with %v", again.ID == s.ID, again.Left, tc.resumes, tc.left)
			}
			if tc.resumes && (again.Down != 20000 || again.OpenedAt != s.OpenedAt) {
				t.Errorf("what resumes has forgotten its past: %+v", again)
			}
		})
	}
}

func TestAnEndedSessionIsForgottenAfterKeep(t *testing.T) {
	w := newWorld(t)
	s := w.end(w.open(phone, visitor).ID, sessions.ByResident)
	w.pass(visitor.Keep - time.Second)
	if got, ok := w.Of(phone.MAC); !ok || got.ID != s.ID || got.Left != time.Hour {
		t.Fatalf("before: %+v, %v", got, ok)
	}
	w.pass(time.Second)
	if got, ok := w.Of(phone.MAC); ok {
		t.Errorf("after: %+v", got)
	}
	w.pass(time.Minute)
	if rows := w.store.Rows(); len(rows) != 0 {
		t.Errorf("on the disk a minute after: %+v", rows)
	}
	if n := len(w.List()); n != 0 {
		t.Errorf("%d listed", n)
	}
}

func TestTheCivilClockDecidesNothing(t *testing.T) {
	w := newWorld(t)
	inside, away := w.open(phone, visitor), w.open(laptop, morning)
	w.use(inside.ID, 10*time.Minute)
	w.end(away.ID, sessions.ByResident)
	ten := 10 * 365 * 24 * time.Hour
	for _, jump := range []time.Duration{ten, -2 * ten, ten} {
		wall := w.clock.Wall()
		before := []sessions.Session{w.get(inside.ID), w.get(away.ID)}
		w.clock.SetWall(clock.Wall{Time: wall.Time.Add(jump)})
		w.pass(0)
		for i, restart := range []func(){func() {}, w.restart} {
			restart()
			for _, b := range before {
				if got := w.get(b.ID); got.Left != b.Left || got.State != b.State {
					t.Errorf("jump %v, restarts %d: %+v, before: %+v", jump, i, got, b)
				}
			}
		}
	}
	w.use(inside.ID, 50*time.Minute)
	w.pass(0)
	if got := w.get(inside.ID); got.Reason != sessions.ByTime {
		t.Errorf("at its end: %+v", got)
	}
}

func TestNothingWakesWhenNobodyIsInside(t *testing.T) {
	w := newWorld(t)
	if next, ok := w.Step(t.Context()); ok {
		t.Errorf("empty: wakes at %v", next)
	}
	s := w.end(w.open(phone, visitor).ID, sessions.ByResident)
	w.pass(2 * time.Minute)
	// One deadline remains: the row is deleted when it is no longer remembered.
	next, ok := w.Step(t.Context())
	if want := w.clock.Boot().Add(visitor.Keep - 2*time.Minute); !ok || next != want {
		t.Errorf("after the end of %s: wakes at %v %v, want %v", s.ID, next, ok, want)
	}
	w.pass(visitor.Keep)
	if next, ok := w.Step(t.Context()); ok {
		t.Errorf("forgotten: wakes at %v", next)
	}
}

func TestOpenOnesAreListedFirstInTheirOrder(t *testing.T) {
	w := newWorld(t)
	var ids []string
	for n := byte(1); n <= 4; n++ {
		ids = append(ids, w.open(device(n), visitor).ID)
		w.pass(time.Second)
	}
	w.end(ids[0], sessions.ByResident)
	w.pass(time.Second)
	w.end(ids[2], sessions.ByOperator)
	want := []string{ids[1], ids[3], ids[2], ids[0]}
	for range 3 {
		var got []string
		for _, s := range w.List() {
			got = append(got, s.ID)
		}
		if len(got) != 4 || [4]string(got) != [4]string(want) {
			t.Errorf("list: %v, want %v", got, want)
		}
	}
	if n, err := w.EndAll(t.Context(), sessions.ByClosing); n != 2 || err != nil {
		t.Errorf("EndAll: %d, %v", n, err)
	}
	if st := w.Status(); st.Open != 0 || st.Remembered != 4 {
		t.Errorf("status: %+v", st)
	}
}
