package sessions_test

import (
	"errors"
	"testing"
	"time"

	"parvis/internal/mac"
	"parvis/sessions"
)

// post is the profile of terminals, and isPost says which device of the tests is one.
var post = sessions.Profile{
	Name: "post", Label: "Poste", Duration: 30 * time.Minute, Runs: sessions.WhileUsed, Idle: 15 * time.Minute, Terminal: true,
}

func isPost(a mac.Addr) bool { return a[5] == 5 }

var terminal = device(5)

func newPostWorld(t *testing.T) *world {
	w := newWorld(t)
	w.opts.Profiles, w.opts.Terminal = append(w.opts.Profiles, post), isPost
	w.restart()
	return w
}

func openedBy(d sessions.Device, p sessions.Profile, by sessions.Opener) sessions.OpenRequest {
	return sessions.OpenRequest{Device: d, Profile: p.Name, By: by}
}

func TestTerminalsAreOpenedByTheDeskAndAreNothingElse(t *testing.T) {
	for _, tc := range []struct {
		name string
		ask  sessions.OpenRequest
		want error
	}{
		{"by the desk", openedBy(terminal, post, sessions.FromDesk), nil},
		{"by root", openedBy(terminal, post, sessions.FromOperator), nil},
		{"by who sits there", openedBy(terminal, post, sessions.FromResident), sessions.ErrTerminal},
		{"as a guest", openedBy(terminal, visitor, sessions.FromResident), sessions.ErrTerminal},
		{"as a guest by the desk", openedBy(terminal, visitor, sessions.FromDesk), sessions.ErrTerminal},
		{"as a device of the staff", openedBy(terminal, visitor, sessions.FromStaff), sessions.ErrTerminal},
		{"a guest under its profile", openedBy(phone, post, sessions.FromDesk), sessions.ErrTerminal},
		{"a guest", openedBy(phone, visitor, sessions.FromResident), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newPostWorld(t)
			s, err := w.Open(t.Context(), tc.ask)
			if !errors.Is(err, tc.want) {
				t.Fatalf("%v, expected %v", err, tc.want)
			}
			grants := w.kernel.Grants()
			switch {
			case err != nil && len(grants) > 0:
				t.Errorf("refused, and the kernel has %+v", grants)
			case err == nil && (len(grants) != 1 || grants[0].Terminal != isPost(tc.ask.Device.MAC) || s.Terminal != grants[0].Terminal):
				t.Errorf("%+v, the kernel has %+v", s, grants)
			}
		})
	}
}

func TestAnOpenTerminalIsNotTakenOver(t *testing.T) {
	w := newPostWorld(t)
	s, err := w.Open(t.Context(), openedBy(terminal, post, sessions.FromDesk))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Open(t.Context(), openedBy(terminal, visitor, sessions.FromResident)); !errors.Is(err, sessions.ErrTerminal) {
		t.Error(err)
	}
	if got, ok := w.Of(terminal.MAC); !ok || got.ID != s.ID || got.State != sessions.Open {
		t.Errorf("the refused gesture has changed it: %+v", got)
	}
}

// Nobody carries a terminal's session away on their phone, and nobody brings theirs to a terminal.
func TestSessionsDoNotMoveBetweenTerminalsAndGuests(t *testing.T) {
	w := newPostWorld(t)
	there, err := w.Open(t.Context(), openedBy(terminal, post, sessions.FromDesk))
	if err != nil {
		t.Fatal(err)
	}
	here := w.open(phone, visitor)
	for _, by := range []sessions.Opener{sessions.FromResident, sessions.FromDesk} {
		if _, err := w.TakeBack(t.Context(), sessions.TakeBack{Device: laptop, Token: there.Token, By: by}); !errors.Is(err, sessions.ErrTerminal) {
			t.Errorf("to a laptop by %s: %v", by, err)
		}
		if _, err := w.TakeBack(t.Context(), sessions.TakeBack{Device: terminal, Token: here.Token, By: by}); !errors.Is(err, sessions.ErrTerminal) {
			t.Errorf("to a terminal by %s: %v", by, err)
		}
	}
	other := device(5)
	other.MAC[4] = 9
	if _, err := w.TakeBack(t.Context(), sessions.TakeBack{Device: other, Code: there.Code, By: sessions.FromDesk}); !errors.Is(err, sessions.ErrTerminal) {
		t.Errorf("to another terminal: %v", err)
	}
}

func TestATicketOpensNoTerminal(t *testing.T) {
	w := newPostWorld(t)
	_, tickets, err := w.MakeBatch(t.Context(), sessions.BatchRequest{Profile: visitor.Name, Count: 1, Devices: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Redeem(t.Context(), sessions.Redemption{Device: terminal, Code: tickets[0].Code}); !errors.Is(err, sessions.ErrTerminal) {
		t.Errorf("on a terminal: %v", err)
	}
	if _, err := w.Redeem(t.Context(), sessions.Redemption{Device: phone, Code: tickets[0].Code}); err != nil {
		t.Errorf("the refusal has used it up: %v", err)
	}
	if _, _, err := w.MakeBatch(t.Context(), sessions.BatchRequest{Profile: post.Name, Count: 1, Devices: 1}); !errors.Is(err, sessions.ErrUnknownProfile) {
		t.Errorf("tickets of the terminals' profile: %v", err)
	}
}

// The next one who sits there is another person.
func TestATerminalNeverGoesOnWithWhatWasLeft(t *testing.T) {
	for _, r := range []sessions.Reason{sessions.ByResident, sessions.ByIdle, sessions.ByPause, sessions.ByOperator} {
		w := newPostWorld(t)
		first, err := w.Open(t.Context(), openedBy(terminal, post, sessions.FromDesk))
		if err != nil {
			t.Fatal(err)
		}
		w.pass(10 * time.Minute)
		if ended := w.end(first.ID, r); ended.Left != 0 {
			t.Errorf("%s: left %v", r, ended.Left)
		}
		second, err := w.Open(t.Context(), openedBy(terminal, post, sessions.FromDesk))
		if err != nil || second.ID == first.ID || second.Left != post.Duration {
			t.Errorf("%s: %+v, %v", r, second, err)
		}
	}
}

func TestWhatBecameATerminalWhileTheDaemonWasDownHasNoGuestsSession(t *testing.T) {
	w := newWorld(t)
	s := w.open(terminal, visitor)
	w.opts.Profiles, w.opts.Terminal = append(w.opts.Profiles, post), isPost
	w.restart()
	if got, err := w.Get(s.ID); err != nil || got.State != sessions.Ended || len(w.kernel.Grants()) != 0 {
		t.Errorf("%+v, %v; the kernel has %+v", got, err, w.kernel.Grants())
	}
}

func TestAnOpenTerminalIsOpenAfterARestart(t *testing.T) {
	w := newPostWorld(t)
	s, err := w.Open(t.Context(), openedBy(terminal, post, sessions.FromDesk))
	if err != nil {
		t.Fatal(err)
	}
	w.restart()
	if got, err := w.Get(s.ID); err != nil || got.State != sessions.Open || got.End != s.End || !w.kernel.Grants()[0].Terminal {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestATerminalsProfileHasNothingThatWouldNotBeItsOwn(t *testing.T) {
	for name, change := range map[string]func(*sessions.Profile){
		"keep":   func(p *sessions.Profile) { p.Keep = time.Hour },
		"extend": func(p *sessions.Profile) { p.Extend = time.Hour },
		"daily":  func(p *sessions.Profile) { p.Daily = time.Hour },
		"names":  func(p *sessions.Profile) { p.Named = true },
	} {
		w := newWorld(t)
		p := post
		change(&p)
		w.opts.Profiles = append(w.opts.Profiles, p)
		if _, err := sessions.New(w.opts); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
