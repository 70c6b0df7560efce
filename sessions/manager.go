package sessions

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// Options is what a Manager is made of. All but Log are required.
type Options struct {
	Clock    clock.Clock
	Store    Store
	Enforcer Enforcer
	Profiles []Profile
	// FirstSlot and LastSlot bound the slots that are given, both included; slots below 0x10 are the house's.
	FirstSlot, LastSlot uint16
	Log                 *slog.Logger
}

// MaxTime is the longest time that a session can be given: the kernel's sets count their entries down from at most
// 2147483 s (ipset(8), "timeout").
const MaxTime = 24 * 24 * time.Hour

// Manager owns the state of all sessions. Its methods may be called from several goroutines.
//
// Two locks keep readers apart from the disk: op is held by one change at a time, over its fsync and its kernel calls;
// mu guards the state for the moment of reading or replacing it. State is written with both held, so who holds
// op may read without mu.
type Manager struct {
	clock       clock.Clock
	store       Store
	enforcer    Enforcer
	log         *slog.Logger
	profiles    []Profile
	first, last uint16
	kick        chan struct{} // a change may have brought the next deadline nearer

	op sync.Mutex
	mu sync.RWMutex

	started bool
	resumed Resumed
	byID    map[string]*session
	byMAC   map[mac.Addr][]*session // oldest first; at most one is open
	byIP    map[netip.Addr]*session // open ones
	bySlot  map[uint16]*session     // open ones
	closing map[uint16]closing      // dropped slots whose final count is still to come
	slots   *slots

	saving, syncing, reading retry
	linkLost                 string

	owed      map[string]bool       // rows that the disk holds otherwise than we do
	gone      map[string]bool       // rows to delete
	rests     map[uint16]clock.Boot // slots that rest and that the disk does not know of
	progress  map[string]bool       // rows whose counters have moved since the last flush
	flushed   clock.Boot            // when progress was last written
	read      clock.Boot            // when counters were last read
	readBy    *clock.Boot           // a reading is wanted by then, whatever the sessions want
	forgetNxt clock.Boot            // nothing is to be forgotten before
}

// session is a Row and what is known of it in memory only.
type session struct {
	Row
	profile Profile
	read    clock.Boot // when its counters were last read
	rate    float64    // bytes per second between the last two readings
	unsure  bool       // resumed, and not yet known whether the kernel's counters survived
}

// closing is what was last read of a slot that has been dropped.
type closing struct {
	session  *session
	down, up uint64
}

// New checks the options. Nothing is read or enforced before Start.
func New(o Options) (*Manager, error) {
	if o.Clock == nil || o.Store == nil || o.Enforcer == nil {
		return nil, errors.New("sessions: new manager: clock, store and enforcer are required")
	}
	if o.FirstSlot < 0x10 || o.LastSlot < o.FirstSlot {
		return nil, fmt.Errorf("sessions: new manager: slots %#x to %#x: expected a range from 0x10 on", o.FirstSlot, o.LastSlot)
	}
	if err := checkProfiles(o.Profiles); err != nil {
		return nil, err
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Manager{
		clock: o.Clock, store: o.Store, enforcer: o.Enforcer, log: log,
		profiles: slices.Clone(o.Profiles), first: o.FirstSlot, last: o.LastSlot,
		kick:  make(chan struct{}, 1),
		byID:  map[string]*session{},
		byMAC: map[mac.Addr][]*session{}, byIP: map[netip.Addr]*session{}, bySlot: map[uint16]*session{},
		closing: map[uint16]closing{},
		owed:    map[string]bool{}, gone: map[string]bool{}, rests: map[uint16]clock.Boot{}, progress: map[string]bool{},
		forgetNxt: never,
	}, nil
}

func checkProfiles(ps []Profile) error {
	if len(ps) == 0 {
		return errors.New("sessions: new manager: no profile")
	}
	seen := map[string]bool{}
	for _, p := range ps {
		switch {
		case p.Name == "" || seen[p.Name]:
			return fmt.Errorf("sessions: new manager: profile %q: names are required and differ", p.Name)
		case p.Duration <= 0 || p.Duration > MaxTime:
			return fmt.Errorf("sessions: new manager: profile %q: duration %v: expected more than 0 and at most %v", p.Name, p.Duration, MaxTime)
		case p.Runs != FromOpening && p.Runs != WhileUsed:
			return fmt.Errorf("sessions: new manager: profile %q: runs %q: expected %q or %q", p.Name, p.Runs, FromOpening, WhileUsed)
		case p.Idle < 0 || p.Keep < 0:
			return fmt.Errorf("sessions: new manager: profile %q: idle and keep cannot be negative", p.Name)
		}
		seen[p.Name] = true
	}
	return nil
}

// Profiles returns the profiles in the configuration's order.
func (m *Manager) Profiles() []Profile { return slices.Clone(m.profiles) }

func (m *Manager) profile(name string) (Profile, bool) {
	i := slices.IndexFunc(m.profiles, func(p Profile) bool { return p.Name == name })
	if i < 0 {
		return Profile{}, false
	}
	return m.profiles[i], true
}

// Of returns the device's open session or, when it has none, the last ended one that is still remembered.
func (m *Manager) Of(a mac.Addr) (Session, bool) {
	now := m.clock.Boot()
	m.mu.RLock()
	defer m.mu.RUnlock()
	var last *session
	for _, s := range m.byMAC[a] {
		if s.State == Open {
			return s.view(now), true
		}
		if s.forgetAt() > now && (last == nil || s.Ended >= last.Ended) {
			last = s
		}
	}
	if last == nil {
		return Session{}, false
	}
	return last.view(now), true
}

// Get returns the session with this id, open or remembered; ErrNotFound otherwise.
func (m *Manager) Get(id string) (Session, error) {
	now := m.clock.Boot()
	m.mu.RLock()
	defer m.mu.RUnlock()
	s, ok := m.byID[id]
	if !ok || s.State == Ended && s.forgetAt() <= now {
		return Session{}, ErrNotFound
	}
	return s.view(now), nil
}

// List returns every session: the open ones in the order of their opening, then the remembered ones, the last ended
// first.
func (m *Manager) List() []Session {
	now := m.clock.Boot()
	m.mu.RLock()
	all := make([]*session, 0, len(m.byID))
	for _, s := range m.byID {
		if s.State == Open || s.forgetAt() > now {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(a, b *session) int {
		switch {
		case a.State != b.State:
			return -cmp.Compare(a.State, b.State) // "open" comes after "ended" in the alphabet
		case a.State == Open:
			return cmp.Or(a.OpenedAt.Compare(b.OpenedAt), cmp.Compare(a.ID, b.ID))
		default:
			return cmp.Or(cmp.Compare(b.Ended, a.Ended), cmp.Compare(a.ID, b.ID))
		}
	})
	list := make([]Session, len(all))
	for i, s := range all {
		list[i] = s.view(now)
	}
	m.mu.RUnlock()
	return list
}

func (s *session) view(now clock.Boot) Session {
	v := Session{
		ID: s.ID, Device: s.Device, Profile: s.Profile, Label: s.profile.Label, State: s.State,
		OpenedBy: s.OpenedBy, OpenedAt: s.OpenedAt, Left: s.left(now),
		Down: s.Down, Up: s.Up, Volume: s.profile.Volume, BytesLeft: s.bytesLeft(),
	}
	if s.State == Open {
		v.Slot, v.End = s.Slot, s.End
		return v
	}
	at := s.EndedAt
	v.Reason, v.EndedAt = s.Reason, &at
	return v
}

// left is the time until End; once ended, what coming back would give.
func (s *session) left(now clock.Boot) time.Duration {
	switch {
	case s.State == Open:
		return max(s.End.Sub(now), 0)
	case !s.Reason.Resumable(), now >= s.Ended.Add(s.profile.Keep), s.spent():
		return 0
	case s.profile.Runs == FromOpening:
		return max(s.End.Sub(now), 0)
	default:
		return s.Left
	}
}

func (s *session) bytesLeft() uint64 {
	if used := s.Down + s.Up; used < s.profile.Volume {
		return s.profile.Volume - used
	}
	return 0
}

// spent reports whether the session's volume is used up.
func (s *session) spent() bool { return s.profile.Volume > 0 && s.bytesLeft() == 0 }

// forgetAt is when an ended session is no longer remembered: long enough for its device to be told why it ended and for its
// last count to come, even without any Keep.
func (s *session) forgetAt() clock.Boot { return s.Ended.Add(max(s.profile.Keep, SlotRest)) }

// grant is what the kernel is asked for.
func (s *session) grant() Grant {
	return Grant{
		Slot: s.Slot, MAC: s.Device.MAC, IPv4: s.Device.IPv4, End: s.End,
		Down: s.profile.Down, Up: s.profile.Up, Parent: 1,
	}
}
