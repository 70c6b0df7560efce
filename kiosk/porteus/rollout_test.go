package porteus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// night is a place, its terminals and the hosts that they may reach.
type night struct {
	clock   *clock.Fake
	path    string
	idle    time.Duration
	members []Member
	closed  bool
	windows map[mac.Addr]bool
	since   map[mac.Addr]clock.Boot // when each was opened
	*Rollout
}

type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

func newNight(t fataler, dir string, posts int) *night {
	n := &night{clock: clock.NewFake(), path: filepath.Join(dir, "porteus.json"), idle: 10 * time.Minute, closed: true, windows: map[mac.Addr]bool{}, since: map[mac.Addr]clock.Boot{}}
	for i := range posts {
		n.members = append(n.members, member(i))
	}
	n.start(t)
	n.step()
	return n
}

func member(i int) Member {
	id := fmt.Sprintf("poste-%d", i+1)
	return Member{Post: Post{PCID: fmt.Sprintf("ABCD000%d", i), Host: id}, ID: id, MAC: mac.Addr{2, 0, 0, 0, 0, byte(i + 1)}, Adopted: true}
}

func (n *night) options() Options {
	return Options{
		Path: n.path, Clock: n.clock, Log: slog.New(slog.DiscardHandler),
		Settings: Settings{
			Address: netip.MustParseAddr("10.20.0.1"), PortalName: "wifi.commune.fr", Browser: Firefox, SessionIdle: n.idle,
			Zone: "Europe/Paris", Notice: "Attendez.",
		},
		Members: func() []Member { return slices.Clone(n.members) },
		Window:  func(m mac.Addr, open bool) { n.windows[m], n.since[m] = open, n.clock.Boot() },
		Closed:  func() bool { return n.closed },
	}
}

// start is a start of the daemon; changed settings are one too.
func (n *night) start(t fataler) {
	t.Helper()
	if n.Rollout != nil {
		n.close()
	}
	r, err := NewRollout(n.options())
	if err != nil {
		t.Fatal(err)
	}
	r.sync = func(*os.File) error { return nil } // a disk's patience is not what is tried here
	n.Rollout = r
}

// served is what terminal i gets without taking it with it.
func (n *night) served(t fataler, i int) string {
	t.Helper()
	b, err := n.File(n.members[i].MAC, "", false)
	if err != nil {
		t.Fatal(err)
	}
	return For(b, n.members[i].PCID)["session_idle"]
}

// boot is terminal i starting: it fetches its file, and when that is another its window matters.
func (n *night) boot(t fataler, i int) {
	t.Helper()
	if _, err := n.File(n.members[i].MAC, "", true); err != nil {
		t.Fatal(err)
	}
}

// home is a browser of terminal i that has just begun.
func (n *night) home(i int) {
	n.clock.Advance(time.Second)
	n.members[i].FreshAt = n.clock.Boot()
	n.step()
}

func (n *night) change(t fataler, idle time.Duration) {
	n.idle = idle
	n.start(t)
	n.step()
}

func (n *night) publish(t fataler, now bool, id string) {
	t.Helper()
	if err := n.Publish(now, id); err != nil {
		t.Fatal(err)
	}
	n.step()
}

func TestOneTerminalAfterTheOther(t *testing.T) {
	n := newNight(t, t.TempDir(), 3)
	n.change(t, 12*time.Minute)
	for i := range 3 {
		if got := n.served(t, i); got != "10" {
			t.Fatalf("before it is published terminal %d is served %s min", i, got)
		}
	}
	n.publish(t, false, "")
	for i := range 3 {
		if !n.windows[n.members[i].MAC] {
			t.Fatalf("it is the turn of %d, and the window is not open", i)
		}
		for j := range 3 {
			want := "10"
			if j <= i {
				want = "12"
			}
			if got := n.served(t, j); got != want {
				t.Fatalf("in the turn of %d terminal %d is served %s min, want %s", i, j, got, want)
			}
		}
		n.boot(t, i)
		n.boot(t, i) // it starts again once its image is made
		n.home(i)
		if n.windows[n.members[i].MAC] {
			t.Fatalf("terminal %d is back and its window is open", i)
		}
	}
	if s, err := n.Status(); err != nil || s.Under || len(s.Held) > 0 {
		t.Fatalf("everybody is back: %+v, %v", s, err)
	}
	if err := n.Publish(false, ""); !errors.Is(err, ErrNothing) {
		t.Errorf("published again: %v", err)
	}
}

func TestWhatIsHeldBackSaysWhoRestarts(t *testing.T) {
	n := newNight(t, t.TempDir(), 2)
	n.members = append(n.members, member(2))
	n.members[1].USB = true
	s, err := n.Status()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"poste-2", "poste-3"}; !slices.Equal(s.Restart, want) {
		t.Errorf("%v would restart, want %v", s.Restart, want)
	}
	if want := (Change{PCID: "ABCD0001", Key: "removable_devices", New: "yes"}); !slices.Contains(s.Held, want) {
		t.Errorf("held back: %+v", s.Held)
	}
}

func TestATurnEndsAfterTwentyMinutesAndComesAgain(t *testing.T) {
	n := newNight(t, t.TempDir(), 2)
	n.change(t, 12*time.Minute)
	n.publish(t, false, "")
	for _, turn := range []int{0, 1, 0, 1} {
		if !n.windows[n.members[turn].MAC] || n.windows[n.members[1-turn].MAC] {
			t.Fatalf("want the turn of %d: %v", turn, n.windows)
		}
		n.clock.Advance(WindowLength - time.Second)
		n.step()
		if !n.windows[n.members[turn].MAC] {
			t.Fatal("the window closed early")
		}
		n.clock.Advance(time.Second)
		n.step()
	}
}

func TestOpeningHoursInterrupt(t *testing.T) {
	n := newNight(t, t.TempDir(), 1)
	n.closed = false
	n.change(t, 12*time.Minute)
	n.publish(t, false, "")
	if n.windows[n.members[0].MAC] {
		t.Fatal("a window in opening hours")
	}
	if s, _ := n.Status(); !s.Paused || !slices.Equal(s.Waiting, []string{"poste-1"}) {
		t.Fatalf("status: %+v", s)
	}
	n.closed = true
	n.step()
	if !n.windows[n.members[0].MAC] {
		t.Fatal("no window once the place is closed")
	}
	n.closed = false
	n.step()
	if n.windows[n.members[0].MAC] {
		t.Fatal("the place opens and the window stays")
	}
}

func TestNowGivesEachOneTurn(t *testing.T) {
	n := newNight(t, t.TempDir(), 2)
	n.closed = false
	n.change(t, 12*time.Minute)
	n.publish(t, true, "")
	turns := 0
	for range 10 {
		if n.windows[n.members[0].MAC] || n.windows[n.members[1].MAC] {
			turns++
		}
		n.clock.Advance(WindowLength)
		n.step()
	}
	if turns != 2 {
		t.Errorf("%d turns in opening hours, want one each", turns)
	}
}

func TestATerminalKeepsWhatItHasTaken(t *testing.T) {
	n := newNight(t, t.TempDir(), 2)
	n.change(t, 12*time.Minute)
	n.publish(t, false, "")
	n.boot(t, 0)
	n.clock.Advance(WindowLength)
	n.step()
	if got := n.served(t, 0); got != "12" {
		t.Errorf("after its turn it is served %s again", got)
	}
	n.start(t)
	if got := n.served(t, 0) + n.served(t, 1); got != "1210" {
		t.Errorf("after a restart of ours they are served %s", got)
	}
	if err := n.Withdraw(); !errors.Is(err, ErrTaken) {
		t.Errorf("withdrawn from under it: %v", err)
	}
	n.step()
	n.home(0)
	if s, _ := n.Status(); s.Done != 1 {
		t.Errorf("it came back and counts as %+v", s)
	}
}

func TestABrowserThatBeginsAnewIsNoNewImage(t *testing.T) {
	n := newNight(t, t.TempDir(), 1)
	n.change(t, 12*time.Minute)
	n.publish(t, false, "")
	n.home(0) // somebody has closed the browser; the terminal has fetched nothing
	if !n.windows[n.members[0].MAC] {
		t.Error("the turn is over although the terminal has not fetched its file")
	}
}

func TestWhatNobodyHasTakenCanBeWithdrawn(t *testing.T) {
	n := newNight(t, t.TempDir(), 1)
	n.change(t, 12*time.Minute)
	n.publish(t, false, "")
	if err := n.Publish(false, ""); !errors.Is(err, ErrUnderWay) {
		t.Errorf("published twice: %v", err)
	}
	if err := n.Withdraw(); err != nil {
		t.Fatal(err)
	}
	if n.windows[n.members[0].MAC] || n.served(t, 0) != "10" {
		t.Error("withdrawn, and it goes on")
	}
}

func TestANewTerminalGetsATurnWhenItIsNamed(t *testing.T) {
	n := newNight(t, t.TempDir(), 1)
	fresh := member(4)
	fresh.ID, fresh.Adopted, fresh.PCID = "nouveau-1", false, ""
	n.members = append(n.members, fresh)
	if err := n.Publish(true, "poste-9"); !errors.Is(err, ErrUnknown) {
		t.Errorf("a terminal that nobody knows: %v", err)
	}
	n.publish(t, true, "nouveau-1")
	if !n.windows[fresh.MAC] || n.windows[n.members[0].MAC] {
		t.Fatalf("windows: %v", n.windows)
	}
	n.boot(t, 1)
	n.home(1)
	if s, _ := n.Status(); s.Under || n.windows[fresh.MAC] {
		t.Errorf("it is back: %+v", s)
	}
}

func TestPostsThatCannotBeToldApartAreNamed(t *testing.T) {
	n := newNight(t, t.TempDir(), 2)
	n.members[1].PCID = "X" + n.members[0].PCID
	if s, _ := n.Status(); !slices.Equal(s.Unknown, []string{"poste-2"}) {
		t.Errorf("without a section: %v", s.Unknown)
	}
}

func TestAFileThatCannotBeReadIsAnError(t *testing.T) {
	n := newNight(t, t.TempDir(), 1)
	for _, broken := range []string{"", "{", `{"next":{"config":"a"}}`, `{"taken":{"x":true}}`} {
		if err := os.WriteFile(n.path, []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := NewRollout(n.options()); err == nil {
			t.Errorf("%q was read", broken)
		}
	}
}

func TestRunOpensAndClosesItsWindow(t *testing.T) {
	defer goleak.VerifyNone(t)
	n := newNight(t, t.TempDir(), 1)
	n.change(t, 12*time.Minute)
	opened := make(chan bool, 2)
	n.o.Window = func(_ mac.Addr, open bool) { opened <- open }
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx, nil) }()
	if err := n.Publish(false, ""); err != nil {
		t.Fatal(err)
	}
	if !<-opened {
		t.Fatal("closed first")
	}
	stop()
	if err := <-ended; err != nil || <-opened {
		t.Fatalf("ended with %v, and the window stays", err)
	}
}
