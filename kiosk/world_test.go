package kiosk_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"parvis/internal/bell"
	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/kiosk"
	"parvis/kiosk/names"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBroken = errors.New("told to fail")

// owner is an owner of sessions in memory. It is strict: what it would refuse is an error, and it keeps its promise that a session
// ends at its end.
type owner struct {
	clock *clock.Fake
	bell.Bell

	mu      sync.Mutex
	byMAC   map[mac.Addr]*kiosk.Session
	address map[mac.Addr]netip.Addr
	opened  int
	closes  clock.Boot // the place's closing; 0: none
	fail    error
}

func (o *owner) session(a mac.Addr) *kiosk.Session {
	s := o.byMAC[a]
	if s == nil || !s.Open {
		return s
	}
	end, closing := s.End, false
	if o.closes != 0 && o.closes < end {
		end, closing = o.closes, true
	}
	if !s.LineDown {
		s.Left, s.Closing = max(end.Sub(o.clock.Boot()), 0), closing
	}
	if s.Left == 0 {
		s.Open, s.Reason = false, "time"
	}
	return s
}

func (o *owner) view(a mac.Addr) kiosk.Session {
	s := *o.session(a)
	if s.Open {
		s.End = o.clock.Boot().Add(s.Left)
	}
	return s
}

func (o *owner) Of(a mac.Addr) (kiosk.Session, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.session(a) == nil {
		return kiosk.Session{}, false
	}
	return o.view(a), true
}

func (o *owner) Open(_ context.Context, r kiosk.OpenRequest) (kiosk.Session, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail != nil {
		return kiosk.Session{}, o.fail
	}
	o.address[r.MAC] = r.IPv4
	if s := o.session(r.MAC); s != nil && s.Open {
		if r.For > 0 {
			panic("a terminal is opened twice")
		}
		return o.view(r.MAC), nil
	}
	o.opened++
	o.byMAC[r.MAC] = &kiosk.Session{
		ID: fmt.Sprintf("session-%d", o.opened), Slot: uint16(o.opened), Open: true, End: o.clock.Boot().Add(r.For), Left: r.For,
	}
	return o.view(r.MAC), nil
}

func (o *owner) byID(id string) (mac.Addr, error) {
	for a, s := range o.byMAC {
		if s.ID == id && o.session(a).Open {
			return a, nil
		}
	}
	return mac.Addr{}, errors.New("owner: no such session")
}

func (o *owner) Adjust(_ context.Context, id string, by time.Duration) (kiosk.Session, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a, err := o.byID(id)
	if err == nil {
		err = o.fail
	}
	if err != nil {
		return kiosk.Session{}, err
	}
	s := o.byMAC[a]
	s.End = s.End.Add(by)
	return o.view(a), nil
}

func (o *owner) End(_ context.Context, id string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	a, err := o.byID(id)
	if err != nil {
		return err
	}
	o.byMAC[a].Open, o.byMAC[a].Reason = false, "operator"
	return nil
}

func (o *owner) Message(_ context.Context, id, text string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	a, err := o.byID(id)
	if err == nil {
		o.byMAC[a].Message = text
	}
	return err
}

func (o *owner) MessageSeen(string)                 {}
func (o *owner) Changes() (<-chan struct{}, func()) { return o.Listen() }
func (o *owner) lineDown(a mac.Addr, down bool) {
	o.mu.Lock()
	o.byMAC[a].LineDown = down
	o.mu.Unlock()
}

func (o *owner) addressOf(a mac.Addr) netip.Addr {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.address[a]
}
func (o *owner) close(at clock.Boot) { o.mu.Lock(); o.closes = at; o.mu.Unlock() }

// store is a disk in memory.
type store struct {
	rows map[string]kiosk.Row
	fail error
}

func (s *store) Load(context.Context) (all []kiosk.Row, err error) {
	for _, r := range s.rows {
		all = append(all, r)
	}
	return all, s.fail
}

func (s *store) Put(_ context.Context, rows ...kiosk.Row) error {
	if s.fail != nil {
		return s.fail
	}
	for _, r := range rows {
		r.Bundles, r.Names = slices.Clone(r.Bundles), slices.Clone(r.Names)
		s.rows[r.ID] = r
	}
	return nil
}

func (s *store) Delete(_ context.Context, id string) error {
	if s.fail == nil {
		delete(s.rows, id)
	}
	return s.fail
}

// gate is what each terminal may reach.
type gate struct {
	mu    sync.Mutex
	lists map[mac.Addr]names.List
}

func (g *gate) Allow(a mac.Addr, l names.List) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lists[a] = l
}

// reach is what a terminal may reach while it has a session.
func (w *world) reach(n byte) names.List {
	w.gate.mu.Lock()
	defer w.gate.mu.Unlock()
	return w.gate.lists[machine(n)]
}

// shelf is a catalogue in which each service has one host.
type shelf struct{}

func (shelf) Names(ids []string) (l names.List) {
	for _, id := range ids {
		l = append(l, names.Rule("www."+id+".example"))
	}
	return l
}

// lobby is phones that wait.
type lobby struct {
	waits  map[string]bool
	opened map[string]time.Duration
	fail   error
}

func (l *lobby) Open(_ context.Context, code string, d time.Duration) (string, error) {
	switch {
	case !l.waits[code]:
		return "", kiosk.ErrPhone
	case l.fail != nil:
		return "", l.fail
	}
	l.opened[code] = d
	return code, nil
}

func (l *lobby) Extend(_ context.Context, session string, by time.Duration) error {
	l.opened[session] += by
	return nil
}

func (l *lobby) End(_ context.Context, session string) error {
	delete(l.opened, session)
	return l.fail
}

type world struct {
	t      rapid.TB
	clock  *clock.Fake
	owner  *owner
	store  *store
	gate   *gate
	phones *lobby
	waits  bool
	opts   kiosk.Options
	*kiosk.Posts
}

func newWorld(t rapid.TB) *world {
	c := clock.NewFake()
	c.Advance(time.Hour)
	w := &world{
		t: t, clock: c, owner: &owner{clock: c, byMAC: map[mac.Addr]*kiosk.Session{}, address: map[mac.Addr]netip.Addr{}},
		store: &store{rows: map[string]kiosk.Row{}}, gate: &gate{lists: map[mac.Addr]names.List{}}, phones: &lobby{waits: map[string]bool{}, opened: map[string]time.Duration{}},
	}
	w.opts = kiosk.Options{
		Clock: c, Store: w.store, Sessions: w.owner, Policy: w.gate, Catalogue: shelf{}, Phones: w.phones, Services: []string{"caf"},
		Grace: 5 * time.Minute, Restarts: true, Waits: func() bool { return w.waits },
	}
	w.restart()
	return w
}

// restart is what remains when the daemon is killed and started again.
func (w *world) restart() {
	w.t.Helper()
	clear(w.gate.lists)
	p, err := kiosk.New(w.opts)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := p.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	w.Posts = p
	w.Step(context.Background())
}

// pass lets time pass as Run does: each moment that is foreseen is met when it comes.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	end := w.clock.Boot().Add(d)
	for {
		next := w.Step(context.Background())
		now := w.clock.Boot()
		if next <= now {
			w.t.Fatalf("Step at %v wants to be called again at %v: it would spin", time.Duration(now), time.Duration(next))
		}
		if next > end {
			w.clock.Advance(end.Sub(now))
			w.Step(context.Background())
			return
		}
		w.clock.Advance(next.Sub(now))
	}
}

func machine(n byte) mac.Addr     { return mac.Addr{2, 0, 0, 0, 0, n} }
func address(n byte) netip.Addr   { return netip.AddrFrom4([4]byte{10, 30, 0, n}) }
func homepage(n byte) kiosk.Visit { return kiosk.Visit{MAC: machine(n), IPv4: address(n), Fresh: true} }
func poll(n byte) kiosk.Visit     { return kiosk.Visit{MAC: machine(n), IPv4: address(n)} }

// seat is an adopted terminal with a clean browser.
func (w *world) seat(n byte) kiosk.Terminal {
	w.t.Helper()
	w.Seen(homepage(n))
	t, err := w.Adopt(context.Background(), machine(n), kiosk.Details{})
	if err != nil {
		w.t.Fatal(err)
	}
	return t
}

func (w *world) open(id string, o kiosk.Opening) kiosk.Session {
	w.t.Helper()
	s, err := w.Open(context.Background(), id, o)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) state(id string) kiosk.State {
	w.t.Helper()
	t, err := w.Terminal(id)
	if err != nil {
		w.t.Fatal(err)
	}
	return t.State
}

func (w *world) expect(id string, want kiosk.State) {
	w.t.Helper()
	if got := w.state(id); got != want {
		w.t.Fatalf("%s is %s, expected %s", id, got, want)
	}
}

var halfAnHour = kiosk.Opening{For: 30 * time.Minute}
