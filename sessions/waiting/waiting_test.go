package waiting_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/sessions"
	"parvis/sessions/waiting"
)

// owner is an owner of sessions that a test sets.
type owner map[mac.Addr]sessions.Session

func (o owner) Of(a mac.Addr) (sessions.Session, bool) { s, ok := o[a]; return s, ok }
func (o owner) CodeOf(a mac.Addr) string               { return fmt.Sprintf("K%d-%02d", a[4], a[5]) }

func device(n int) sessions.Device {
	return sessions.Device{
		MAC: mac.Addr{0x3c, 0x22, 0xfb, 0, byte(n >> 8), byte(n)}, IPv4: netip.AddrFrom4([4]byte{10, 20, byte(n >> 8), byte(n)}),
	}
}

func heard(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestADeviceIsListedFromItsFirstRequest(t *testing.T) {
	c := clock.NewFake()
	l := waiting.New(c, owner{})
	began := c.Boot()
	l.Visit(waiting.Visit{Device: device(1)})
	c.Advance(time.Minute)
	l.Visit(waiting.Visit{Device: device(1), Kind: waiting.Phone, Language: "ar", Page: true})
	c.Advance(time.Minute)
	l.Visit(waiting.Visit{Device: device(1)}) // a probe of its system says nothing new
	want := waiting.Entry{
		Device: device(1), Code: "K0-01", Since: began, Seen: began.Add(2 * time.Minute), Kind: waiting.Phone, Language: "ar", Page: true,
	}
	if got := l.Entries(); len(got) != 1 || got[0] != want {
		t.Errorf("%+v, expected %+v", got, want)
	}
}

func TestTheLongestWaitingComesFirst(t *testing.T) {
	c := clock.NewFake()
	l := waiting.New(c, owner{})
	for n := 3; n > 0; n-- {
		l.Visit(waiting.Visit{Device: device(n)})
		c.Advance(time.Second)
	}
	l.Visit(waiting.Visit{Device: device(3)})
	got := l.Entries()
	if len(got) != 3 || got[0].Device != device(3) || got[2].Device != device(1) {
		t.Errorf("%+v", got)
	}
}

func TestADeviceIsForgottenTenMinutesAfterItWasSeen(t *testing.T) {
	c := clock.NewFake()
	l := waiting.New(c, owner{})
	l.Visit(waiting.Visit{Device: device(1)})
	c.Advance(waiting.Unseen - time.Second)
	l.Visit(waiting.Visit{Device: device(1)})
	c.Advance(waiting.Unseen - time.Second)
	if got := l.Entries(); len(got) != 1 {
		t.Fatalf("it was seen within ten minutes: %+v", got)
	}
	c.Advance(time.Second)
	if got := l.Entries(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestWhoseInternetIsOpenDoesNotWait(t *testing.T) {
	for _, tc := range []struct {
		name    string
		session sessions.Session
		waits   bool
	}{
		{"open", sessions.Session{State: sessions.Open, Device: device(1)}, false},
		{"open and suspended", sessions.Session{State: sessions.Open, Device: device(1), Suspended: sessions.TwoPorts}, false},
		{"open for its former address", sessions.Session{State: sessions.Open, Device: sessions.Device{MAC: device(1).MAC, IPv4: device(9).IPv4}}, true},
		{"ended", sessions.Session{State: sessions.Ended, Device: device(1)}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := owner{}
			l := waiting.New(clock.NewFake(), o)
			l.Visit(waiting.Visit{Device: device(1)})
			o[device(1).MAC] = tc.session
			if got := l.Entries(); len(got) == 1 != tc.waits {
				t.Errorf("%+v", got)
			}
			delete(o, device(1).MAC) // the opening is taken back
			if got := l.Entries(); len(got) != 1 {
				t.Errorf("after the opening was taken back: %+v", got)
			}
		})
	}
}

func TestADeviceThatNeverAsksIsListedWithoutPage(t *testing.T) {
	c := clock.NewFake()
	l := waiting.New(c, owner{})
	joined := []sessions.Device{device(1), device(2)}
	l.Also(func() []sessions.Device { return joined })
	l.Visit(waiting.Visit{Device: device(2), Page: true, Kind: waiting.Computer})
	began := c.Boot()
	l.Entries()
	c.Advance(time.Minute)
	got := l.Entries()
	if len(got) != 2 {
		t.Fatalf("%+v", got)
	}
	for _, e := range got {
		if e.Page != (e.Device == device(2)) || e.Since != began {
			t.Errorf("%+v", e)
		}
	}
}

func TestWhatPeopleSeeIsAnnouncedAndNothingElse(t *testing.T) {
	c := clock.NewFake()
	l := waiting.New(c, owner{})
	rung, stop := l.Changes()
	defer stop()
	for _, tc := range []struct {
		what string
		do   func()
		want bool
	}{
		{"a device comes", func() { l.Visit(waiting.Visit{Device: device(1)}) }, true},
		{"it asks again", func() { c.Advance(time.Second); l.Visit(waiting.Visit{Device: device(1)}) }, false},
		{"it sees a page", func() { l.Visit(waiting.Visit{Device: device(1), Page: true}) }, true},
		{"it sees it again", func() { l.Visit(waiting.Visit{Device: device(1), Page: true}) }, false},
		{"the list is looked at", func() { l.Entries() }, false},
		{"it is forgotten", func() { l.Forget(device(1).MAC) }, true},
		{"it is forgotten again", func() { l.Forget(device(1).MAC) }, false},
	} {
		tc.do()
		if got := heard(rung); got != tc.want {
			t.Errorf("%s: announced %v", tc.what, got)
		}
	}
}

// However many come: no more than Most, the map and the order agree, and the longest unseen has gone.
func TestTheListIsBounded(t *testing.T) {
	c := clock.NewFake()
	l := waiting.New(c, owner{})
	for n := range waiting.Most + 2 {
		l.Visit(waiting.Visit{Device: device(n)})
		c.Advance(time.Millisecond)
		if n == 0 {
			continue
		}
		l.Visit(waiting.Visit{Device: device(0)}) // keeps coming
	}
	got := l.Entries()
	if len(got) != waiting.Most || got[0].Device != device(0) || got[1].Device != device(3) {
		t.Errorf("%d entries, from %+v", len(got), got[:2])
	}
	l.Also(func() []sessions.Device { return []sessions.Device{device(5000)} })
	if got := l.Entries(); len(got) != waiting.Most || got[len(got)-1].Device == device(5000) {
		t.Error("who only has joined has taken somebody's place")
	}
}

// The list against a plain model.
func TestTheListIsWhoWasSeenLately(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := clock.NewFake()
		l := waiting.New(c, owner{})
		since, seen := map[int]clock.Boot{}, map[int]clock.Boot{}
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			n := rapid.IntRange(0, 5).Draw(t, "device")
			for k, at := range seen {
				if c.Boot().Sub(at) >= waiting.Unseen {
					delete(seen, k)
				}
			}
			switch rapid.IntRange(0, 2).Draw(t, "step") {
			case 0:
				if _, ok := seen[n]; !ok {
					since[n] = c.Boot()
				}
				seen[n] = c.Boot()
				l.Visit(waiting.Visit{Device: device(n)})
			case 1:
				delete(seen, n)
				l.Forget(device(n).MAC)
			case 2:
				c.Advance(time.Duration(rapid.IntRange(0, 400).Draw(t, "seconds")) * time.Second)
			}
		}
		want := 0
		for n, at := range seen {
			if c.Boot().Sub(at) >= waiting.Unseen {
				continue
			}
			want++
			found := false
			for _, e := range l.Entries() {
				found = found || e.Device == device(n) && e.Seen == at && e.Since == since[n]
			}
			if !found {
				t.Errorf("device %d is missing: %+v", n, l.Entries())
			}
		}
		if got := len(l.Entries()); got != want {
			t.Errorf("%d entries, expected %d", got, want)
		}
	})
}

func TestNotingAKnownDeviceAllocatesNothing(t *testing.T) {
	l := waiting.New(clock.NewFake(), owner{})
	v := waiting.Visit{Device: device(1), Kind: waiting.Phone, Language: "fr", Page: true}
	if n := testing.AllocsPerRun(100, func() { l.Visit(v) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestACallIsAskedAnsweredAndClosed(t *testing.T) {
	c := clock.NewFake()
	calls := waiting.NewCalls(c)
	rung, stop := calls.Changes()
	defer stop()
	first, err := calls.Ask("K7-42", "")
	if err != nil || first.Since != c.Boot() || !heard(rung) {
		t.Fatalf("%+v, %v", first, err)
	}
	c.Advance(time.Minute)
	if again, err := calls.Ask("K7-42", ""); err != nil || again != first || heard(rung) {
		t.Errorf("asking again: %+v, %v", again, err)
	}
	if err := calls.Coming(first.ID); err != nil || !heard(rung) {
		t.Error(err)
	}
	if got, ok := calls.Of("K7-42"); !ok || !got.Coming {
		t.Errorf("%+v", got)
	}
	if err := calls.Done(first.ID); err != nil || !heard(rung) || len(calls.Open()) != 0 {
		t.Error(err, calls.Open())
	}
	for what, err := range map[string]error{"coming": calls.Coming(first.ID), "done": calls.Done(first.ID)} {
		if !errors.Is(err, waiting.ErrNoCall) {
			t.Errorf("%s after the end: %v", what, err)
		}
	}
}

func TestCallsAreBoundedAndForgotten(t *testing.T) {
	c := clock.NewFake()
	calls := waiting.NewCalls(c)
	for n := range waiting.MostCalls {
		if _, err := calls.Ask(fmt.Sprint(n), ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := calls.Ask("one too many", ""); !errors.Is(err, waiting.ErrManyCalls) {
		t.Errorf("one too many: %v", err)
	}
	c.Advance(waiting.CallLasts)
	if got := calls.Open(); len(got) != 0 {
		t.Errorf("%d calls after an hour", len(got))
	}
}
