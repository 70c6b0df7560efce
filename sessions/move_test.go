package sessions_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"parvis/internal/mac"
	"parvis/sessions"
	"parvis/sessions/sessionstest"
)

// changed is the phone with another MAC and another address.
var changed = sessions.Device{MAC: mac.Addr{0x6e, 1, 2, 3, 4, 5}, IPv4: netip.MustParseAddr("10.20.0.77")}

func (w *world) takeBack(t sessions.TakeBack) sessions.Session {
	w.t.Helper()
	s, err := w.TakeBack(w.ctx(), t)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func TestASessionIsTakenBackUnderAnotherAddress(t *testing.T) {
	for name, by := range map[string]func(sessions.Session) sessions.TakeBack{
		"by its cookie": func(s sessions.Session) sessions.TakeBack {
			return sessions.TakeBack{Token: s.Token, By: sessions.FromResident}
		},
		"by its code": func(s sessions.Session) sessions.TakeBack {
			return sessions.TakeBack{Code: s.Code, By: sessions.FromResident}
		},
		"by the desk": func(s sessions.Session) sessions.TakeBack { return sessions.TakeBack{ID: s.ID, By: sessions.FromDesk} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			waiting := w.CodeOf(changed.MAC)
			s := w.open(phone, visitor)
			w.kernel.Carry(s.Slot, 1000, 500)
			w.pass(10 * time.Minute)
			ask := by(s)
			ask.Device = changed
			got := w.takeBack(ask)
			if got.ID != s.ID || got.Code != s.Code || got.Token != s.Token || got.Device != changed || got.Left != 50*time.Minute {
				t.Errorf("moved: %+v", got)
			}
			if got.Slot == s.Slot {
				t.Error("it has the slot of its old address")
			}
			grants := w.kernel.Grants()
			if len(grants) != 1 || grants[0].MAC != changed.MAC || grants[0].IPv4 != changed.IPv4 {
				t.Errorf("the kernel has %+v", grants)
			}
			if _, ok := w.Of(phone.MAC); ok {
				t.Error("the old address has a session still")
			}
			w.kernel.Carry(got.Slot, 100, 50)
			w.pass(2 * time.Minute)
			if got := w.get(s.ID); got.Down != 1100 || got.Up != 550 {
				t.Errorf("counted %d down, %d up", got.Down, got.Up)
			}
			if w.CodeOf(changed.MAC) != s.Code || w.CodeOf(phone.MAC) == s.Code || waiting == s.Code {
				t.Error("the code has not moved with the session")
			}
			w.restart()
			if got := w.get(s.ID); got.Device != changed || got.State != sessions.Open || got.Left != 48*time.Minute {
				t.Errorf("after a restart: %+v", got)
			}
		})
	}
}

func TestASessionThatHasEndedWithTimeLeftIsTakenBackToo(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	w.kernel.Carry(s.Slot, 1, 1)
	w.pass(20 * time.Minute) // ended as idle, after its last reading
	ended := w.get(s.ID)
	if ended.Reason != sessions.ByIdle {
		t.Fatalf("%+v", ended)
	}
	w.restart() // its code is known still
	got := w.takeBack(sessions.TakeBack{Device: changed, Code: s.Code, By: sessions.FromResident})
	if got.ID != s.ID || got.State != sessions.Open || got.Left != ended.Left || got.Code != s.Code {
		t.Errorf("%+v", got)
	}
	if list := w.List(); len(list) != 1 {
		t.Errorf("%d sessions", len(list))
	}
}

func TestTheDevicesOwnSessionIsEndedWhenItTakesAnotherBack(t *testing.T) {
	w := newWorld(t)
	own, s := w.open(changed, visitor), w.open(phone, visitor)
	w.takeBack(sessions.TakeBack{Device: changed, Token: s.Token, By: sessions.FromResident})
	if got := w.get(own.ID); got.Reason != sessions.ByMoved {
		t.Errorf("%+v", got)
	}
	if n := w.Status().Open; n != 1 {
		t.Errorf("%d open", n)
	}
}

func TestWhoHasTheSessionKeepsIt(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	if got := w.takeBack(sessions.TakeBack{Device: phone, Token: s.Token, By: sessions.FromResident}); got.Slot != s.Slot {
		t.Errorf("%+v", got)
	}
	moved := phone
	moved.IPv4 = changed.IPv4
	got := w.takeBack(sessions.TakeBack{Device: moved, Token: s.Token, By: sessions.FromResident})
	if got.Slot != s.Slot || got.Device != moved || w.kernel.Grants()[0].IPv4 != moved.IPv4 {
		t.Errorf("with another IPv4: %+v", got)
	}
}

func TestOneOfWhoTwoWereSuspendedForTakesTheSessionElsewhere(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	w.happens(sessions.Event{Kind: sessions.Contested, MAC: phone.MAC, Contest: sessions.TwoPorts})
	w.pass(5 * time.Minute)
	got := w.takeBack(sessions.TakeBack{Device: changed, Token: s.Token, By: sessions.FromResident})
	if got.Suspended != "" || got.Left != visitor.Duration || w.kernel.Grants()[0].Suspended {
		t.Errorf("%+v", got)
	}
}

func TestWhatIsNotKnownIsNotTakenBack(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, small)
	w.end(s.ID, sessions.ByOperator) // nothing is left of it
	for name, tt := range map[string]struct {
		ask  sessions.TakeBack
		want error
	}{
		"token":          {sessions.TakeBack{Token: "aaaaaaaaaaaaaaaaaaaaaaaaaa"}, sessions.ErrNotFound},
		"code":           {sessions.TakeBack{Code: "K7-42"}, sessions.ErrNotFound},
		"no code at all": {sessions.TakeBack{Code: "bonjour"}, sessions.ErrNotFound},
		"one that ended": {sessions.TakeBack{Token: s.Token}, sessions.ErrNotFound},
		"nothing":        {sessions.TakeBack{}, nil},
		"two at once":    {sessions.TakeBack{Token: s.Token, Code: s.Code}, nil},
		"not his to say": {sessions.TakeBack{ID: s.ID}, nil},
	} {
		tt.ask.Device, tt.ask.By = changed, sessions.FromResident
		_, err := w.TakeBack(t.Context(), tt.ask)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhoGuessesCodesWaits(t *testing.T) {
	w := newWorld(t)
	s := w.open(phone, visitor)
	wrong := sessions.TakeBack{Device: changed, Code: "J2-22", By: sessions.FromResident}
	if s.Code == wrong.Code {
		wrong.Code = "J2-23"
	}
	for range 5 {
		if _, err := w.TakeBack(t.Context(), wrong); !errors.Is(err, sessions.ErrNotFound) {
			t.Fatal(err)
		}
	}
	right := sessions.TakeBack{Device: changed, Code: s.Code, By: sessions.FromResident}
	var wait *sessions.Throttled
	if _, err := w.TakeBack(t.Context(), right); !errors.As(err, &wait) || wait.Wait != 2*time.Minute {
		t.Errorf("the right code after five mistakes: %v", err)
	}
	w.takeBack(sessions.TakeBack{Device: changed, Code: s.Code, By: sessions.FromDesk}) // whom nothing slows down
}

func TestWhatADiskOrAKernelRefusesLeavesTheSessionWhereItWas(t *testing.T) {
	for _, tt := range []struct {
		call string
		want error
	}{{sessionstest.Save, sessions.ErrStore}, {sessionstest.Put, sessions.ErrEnforce}, {sessionstest.Drop, sessions.ErrEnforce}} {
		t.Run(tt.call, func(t *testing.T) {
			w := newWorld(t)
			s := w.open(phone, daily)
			w.pass(10 * time.Minute)
			w.kernel.Fail(tt.call, errors.New("told to fail"))
			w.store.Fail(tt.call, errors.New("told to fail"))
			if _, err := w.TakeBack(t.Context(), sessions.TakeBack{Device: changed, Token: s.Token, By: sessions.FromResident}); !errors.Is(err, tt.want) {
				t.Errorf("%v", err)
			}
			w.heal()
			w.pass(time.Minute)
			got := w.get(s.ID)
			if got.Device != phone || got.State != sessions.Open || got.Left != 49*time.Minute {
				t.Errorf("%+v", got)
			}
			if g := w.kernel.Grants(); len(g) != 1 || g[0].MAC != phone.MAC {
				t.Errorf("the kernel has %+v", g)
			}
			w.restart()
			if got := w.get(s.ID); got.Device != phone {
				t.Errorf("the disk has %+v", got.Device)
			}
		})
	}
}

func TestWhatSomebodyHasHadOfTheDayFollowsThem(t *testing.T) {
	w := newWorld(t)
	w.opts.Profiles[4].Idle = 0
	w.restart()
	s := w.open(phone, daily)
	w.pass(50 * time.Minute)
	w.takeBack(sessions.TakeBack{Device: changed, Token: s.Token, By: sessions.FromResident})
	w.restart()
	w.end(s.ID, sessions.ByOperator)
	if again := w.open(changed, daily); again.Left != 40*time.Minute {
		t.Errorf("of 90 minutes a day, 50 of them had under another address, %v are left", again.Left)
	}
}

func TestATokenIsTheSitesAlone(t *testing.T) {
	w := newWorld(t)
	w.opts.Key = [32]byte{1}
	w.restart()
	s := w.open(phone, visitor)
	w.restart()
	if again := w.get(s.ID); again.Token != s.Token || len(s.Token) != 26 {
		t.Errorf("tokens %q and %q", s.Token, again.Token)
	}
	w.opts.Key = [32]byte{2}
	w.restart()
	if again := w.get(s.ID); again.Token == s.Token {
		t.Error("another site's key makes the same token")
	}
}
