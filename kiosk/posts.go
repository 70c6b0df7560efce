package kiosk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"parvis/internal/bell"
	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/internal/order"
)

// Bounds of what is remembered.
const (
	MostTerminals = 200 // adopted
	mostNew       = 64  // seen and not adopted; who was not seen for longest makes room
)

// Options is what Posts is made of. The first five are required.
type Options struct {
	Clock     clock.Clock
	Store     Store
	Sessions  Sessions
	Policy    Policy
	Catalogue Catalogue
	Log       *slog.Logger
	Phones    Phones // nil: no phone is opened with a terminal
	// Services are open on every terminal, unless its opening says otherwise.
	Services []string
	// Grace is what a person may add once, in the last minutes.
	Grace time.Duration
	// Prolong is what is added by itself when the last minutes begin and nobody waits; 0: nothing.
	Prolong time.Duration
	// Waits says whether somebody waits for a terminal; nil: nobody ever does.
	Waits func() bool
	// Restarts says that terminals ask Verb every few seconds, and restart their browser when it says so.
	Restarts bool
	// Expected says whether terminals should be heard of, now; nil: always.
	Expected func() bool
}

// Posts is the terminals of a place. Its methods may be called from several goroutines.
//
// As in the owner of sessions two locks keep readers apart from the disk: op is held by one change at a time, over its fsync and
// its calls to the owner of sessions; mu guards the state for the moment of reading or replacing it. State is written with
// both held, but for what is only heard of terminals. Nothing is called with mu held.
type Posts struct {
	o    Options
	bell bell.Bell
	kick chan struct{} // something may have brought the next moment nearer

	op sync.Mutex
	mu sync.RWMutex

	posts  map[mac.Addr]*post
	unseen int // number of the last new terminal
	learnt map[string]*Proposal
	states map[mac.Addr]State // as they were last told
}

// post is a Row and what is known of it in memory only.
type post struct {
	Row
	adopted  bool
	heard    clock.Boot // when it was last heard of; 0 never
	fresh    clock.Boot // when a clean browser was last seen; 0 never
	mismatch bool
	running  string     // the session that was last seen open; "" none
	ended    clock.Boot // when that was seen to have ended
	tried    clock.Boot // the end that was last put off by itself, or could not be

	refused []refusal // of the one who sits there, the last one last
	shown   []string

	restart bool       // the desk has asked for it
	told    clock.Boot // when the terminal was last told to
}

// New checks the options. Nothing is read before Start.
func New(o Options) (*Posts, error) {
	if o.Clock == nil || o.Store == nil || o.Sessions == nil || o.Policy == nil || o.Catalogue == nil {
		return nil, errors.New("kiosk: new posts: clock, store, sessions, policy and catalogue are required")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Waits == nil {
		o.Waits = func() bool { return false }
	}
	if o.Expected == nil {
		o.Expected = func() bool { return true }
	}
	return &Posts{
		o: o, kick: make(chan struct{}, 1), posts: map[mac.Addr]*post{}, learnt: map[string]*Proposal{}, states: map[mac.Addr]State{},
	}, nil
}

// Start reads the store and gives the gate the names of what is open: before the owner of sessions starts, so that nobody's
// terminal is open for a moment without them. It is called once.
func (p *Posts) Start(ctx context.Context) error {
	p.op.Lock()
	defer p.op.Unlock()
	rows, err := p.o.Store.Load(ctx)
	if err != nil {
		return fmt.Errorf("kiosk: start: %w: %w", ErrStore, err)
	}
	now := p.o.Clock.Boot()
	p.mu.Lock()
	for _, r := range rows {
		p.posts[r.MAC] = &post{Row: r, adopted: true, ended: now}
	}
	p.mu.Unlock()
	for _, r := range rows {
		p.push(r)
	}
	return nil
}

// push gives the gate what a terminal may reach.
func (p *Posts) push(r Row) {
	if !r.Dirty {
		p.o.Policy.Allow(r.MAC, nil)
		return
	}
	p.o.Policy.Allow(r.MAC, p.namesOf(r))
}

// Changes returns a channel that receives after something of what Terminals and Use say has changed, and what ends that.
func (p *Posts) Changes() (rung <-chan struct{}, stop func()) { return p.bell.Listen() }

// changed wakes who listens, and Run.
func (p *Posts) changed() {
	p.bell.Ring()
	select {
	case p.kick <- struct{}{}:
	default: // already awake
	}
}

// Registered says whether the MAC is an adopted terminal's.
func (p *Posts) Registered(a mac.Addr) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	x := p.posts[a]
	return x != nil && x.adopted
}

// IDOf returns the id of the adopted one with this MAC; "" there is none. Like Registered it asks nobody else.
func (p *Posts) IDOf(a mac.Addr) string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if x := p.posts[a]; x != nil && x.adopted {
		return x.ID
	}
	return ""
}

// Terminals returns the adopted ones in the order of their numbers, then the new ones.
func (p *Posts) Terminals() []Terminal {
	p.mu.RLock()
	all := make([]post, 0, len(p.posts))
	for _, x := range p.posts {
		all = append(all, *x)
	}
	p.mu.RUnlock()
	order.Func(all, func(a, b post) int {
		if a.adopted != b.adopted {
			return cmp.Compare(b2i(b.adopted), b2i(a.adopted))
		}
		return cmp.Or(cmp.Compare(number(a.ID), number(b.ID)), cmp.Compare(a.ID, b.ID))
	})
	list := make([]Terminal, len(all))
	for i, x := range all {
		list[i] = p.view(x)
	}
	return list
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// number is what an id ends with; 0 none.
func number(id string) int {
	n, _ := strconv.Atoi(id[strings.LastIndexByte(id, '-')+1:])
	return n
}

// Terminal returns the one with this id; ErrNotFound.
func (p *Posts) Terminal(id string) (Terminal, error) {
	x, ok := p.byID(id)
	if !ok {
		return Terminal{}, ErrNotFound
	}
	return p.view(x), nil
}

// ByMAC returns the one with this MAC, adopted or not.
func (p *Posts) ByMAC(a mac.Addr) (Terminal, bool) {
	p.mu.RLock()
	x := p.posts[a]
	if x == nil {
		p.mu.RUnlock()
		return Terminal{}, false
	}
	copied := *x
	p.mu.RUnlock()
	return p.view(copied), true
}

// byID returns a copy.
func (p *Posts) byID(id string) (post, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, x := range p.posts {
		if x.ID == id {
			return *x, true
		}
	}
	return post{}, false
}

func (p *Posts) view(x post) Terminal {
	s, known := p.o.Sessions.Of(x.MAC)
	return Terminal{
		ID: x.ID, Details: x.Details, MAC: x.MAC, IPv4: x.IPv4, Adopted: x.adopted, Seen: x.Seen,
		State: p.state(x, s, known), Mismatch: x.mismatch, FreshAt: x.fresh,
	}
}

// state is what a terminal is doing.
func (p *Posts) state(x post, s Session, known bool) State {
	now := p.o.Clock.Boot()
	switch {
	case !x.adopted:
		return Newcomer
	case known && s.Open && !s.LineDown && s.Left <= p.ending(x.Row):
		return Ending
	case known && s.Open:
		return Open
	case x.Dirty && x.running == "" && now >= x.ended.Add(CleaningMost):
		return Waiting
	case x.Dirty:
		return Cleaning
	case (x.heard == 0 || now >= x.heard.Add(SilentAfter)) && p.o.Expected():
		return Silent
	}
	return Locked
}

// ending is how much is left when a terminal's last minutes begin. Who has had the extension stays in them.
func (p *Posts) ending(r Row) time.Duration {
	if r.Graced {
		return EndingLast + p.o.Grace
	}
	return EndingLast
}

// Use returns what is open on a terminal, or was until its browser comes back clean; ErrNotFound, ErrNotOpen.
func (p *Posts) Use(id string) (Use, error) {
	x, ok := p.byID(id)
	if !ok {
		return Use{}, ErrNotFound
	}
	s, known := p.o.Sessions.Of(x.MAC)
	if !x.Dirty {
		return Use{}, ErrNotOpen
	}
	if !known {
		s = Session{}
	}
	return Use{
		Session: s, Bundles: slices.Clone(x.Bundles), Mail: x.Mail, Names: slices.Clone(x.Names), Phone: x.Phone != "",
		Grace:   s.Open && !x.Graced && p.o.Grace > 0 && !s.LineDown && !s.Closing && s.Left <= EndingLast,
		Refused: len(x.refused) > 0, Shown: slices.Clone(x.shown), Message: s.Message,
	}, nil
}

// AddressOf is the IPv4 address under which a terminal was last seen.
func (p *Posts) AddressOf(a mac.Addr) (netip.Addr, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	x := p.posts[a]
	if x == nil {
		return netip.Addr{}, false
	}
	return x.IPv4, x.IPv4.IsValid()
}
