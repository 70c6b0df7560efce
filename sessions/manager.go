package sessions

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"parvis/internal/bell"
	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/sessions/hours"
)

// Options is what a Manager is made of. The first six are required.
type Options struct {
	Clock    clock.Clock
	Store    Store
	Enforcer Enforcer
	Profiles []Profile
	// FirstSlot and LastSlot bound the slots that are given, both included; slots below 0x10 are the house's.
	FirstSlot, LastSlot uint16
	Log                 *slog.Logger
	// Key is the site's, that tokens and codes are derived from. The zero Key makes a random one, and neither outlives the Manager.
	Key [32]byte
	// Hours are when the place is open; nil: always.
	Hours *hours.Calendar
	// Line is the lesser of the line's two rates, in bits per second; workshops may reserve half of it. 0: they reserve nothing.
	Line uint64
	// Notice is told what has happened, in order. It must not block nor call the Manager; nil: nobody is told.
	Notice func(Notice)
	// Terminal says whether a device is one of the place's own terminals. It must not call the Manager; nil: there are none.
	Terminal func(mac.Addr) bool
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
	turns       atomic.Uint64 // of Run

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

	contested   map[mac.Addr]contest // devices that are not alone in using their identity
	unconfirmed clock.Boot           // no contest waits to be seen again before

	counts bool                  // some profile limits a device's day
	day    string                // that days are of
	days   map[mac.Addr]*account // by device, today
	turned bool                  // the disk holds another day's

	daysNew map[mac.Addr]bool // that the disk knows otherwise, other than by the rows that are written

	codes    *codes
	throttle *throttle
	tokenKey []byte
	byToken  map[string]*session

	place    Site // what is remembered of the place; its slices are never changed in place
	placeNew bool // the disk does not know it yet
	hours    *hours.Calendar
	calendar *hours.Calendar // hours with the place's own exceptions
	site     SiteState       // as it was last looked at
	closesAt clock.Boot      // when the place closes, or closed; never: not known
	civil    civil           // the last civil time that was known
	outage   *outage         // of the line; nil while it is there

	terminal func(mac.Addr) bool

	notice  func(Notice)
	notices []Notice // to be told when op is given back
	changed bool     // who listens is to be told
	bell    bell.Bell

	papers papers

	saving, syncing, reading retry
	synced                   clock.Boot // when the kernel was last given everything
	linkLost                 string

	owed     map[string]bool       // rows that the disk holds otherwise than we do
	gone     map[string]bool       // rows to delete
	rests    map[uint16]clock.Boot // slots that rest and that the disk does not know of
	progress map[string]bool       // rows whose counters have moved since the last flush
	flushed  clock.Boot            // when progress was last written
	read     clock.Boot            // when counters were last read
	readBy   *clock.Boot           // a reading is wanted by then, whatever the sessions want

	// What is next is remembered, so that an opening or an end costs the same however many are inside.
	endNxt    clock.Boot // no session ends by itself before
	readNxt   clock.Boot // no session wants a reading before
	forgetNxt clock.Boot // nothing is to be forgotten before
}

// closing is what was last read of a slot that has been dropped.
type closing struct {
	session  *session
	down, up uint64
	refused  bool // it was suspended when last read
	unsure   bool // resumed, and not read since
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
	calendar := o.Hours
	if calendar == nil {
		calendar = hours.Always
	}
	papers, err := newPapers(o.Key, o.Line)
	if err != nil {
		return nil, err
	}
	terminal := o.Terminal
	if terminal == nil {
		terminal = func(mac.Addr) bool { return false }
	}
	return &Manager{
		papers: papers, terminal: terminal,
		codes: newCodes(), throttle: newThrottle(o.Clock), tokenKey: tokenKey(o.Key), byToken: map[string]*session{},
		hours: calendar, calendar: calendar, site: SiteState{Open: true, Why: ByHours, Closes: never}, closesAt: never, notice: o.Notice,
		clock: o.Clock, store: o.Store, enforcer: o.Enforcer, log: log,
		profiles: slices.Clone(o.Profiles), first: o.FirstSlot, last: o.LastSlot,
		kick:  make(chan struct{}, 1),
		byID:  map[string]*session{},
		byMAC: map[mac.Addr][]*session{}, byIP: map[netip.Addr]*session{}, bySlot: map[uint16]*session{},
		closing: map[uint16]closing{},
		owed:    map[string]bool{}, gone: map[string]bool{}, rests: map[uint16]clock.Boot{}, progress: map[string]bool{},
		contested: map[mac.Addr]contest{}, days: map[mac.Addr]*account{}, daysNew: map[mac.Addr]bool{}, counts: slices.ContainsFunc(o.Profiles, Profile.countsDay),
		unconfirmed: never, endNxt: never, readNxt: never, forgetNxt: never,
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
		case p.Idle < 0 || p.Keep < 0 || p.Daily < 0:
			return fmt.Errorf("sessions: new manager: profile %q: idle, keep and daily cannot be negative", p.Name)
		case p.Extend < 0 || p.Extend > MaxTime || p.Extensions < 0 || p.Devices < 0:
			return fmt.Errorf("sessions: new manager: profile %q: extend, extensions and devices cannot be negative", p.Name)
		case p.Terminal && (p.Keep != 0 || p.Extend != 0 || p.countsDay() || p.Named):
			return fmt.Errorf("sessions: new manager: profile %q: a terminal's has no keep, extend, day's allowance nor names", p.Name)
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
			return m.view(s, now), true
		}
		if s.forgetAt() > now && (last == nil || s.Ended >= last.Ended) {
			last = s
		}
	}
	if last == nil {
		return Session{}, false
	}
	return m.view(last, now), true
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
	return m.view(s, now), nil
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
		list[i] = m.view(s, now)
	}
	m.mu.RUnlock()
	return list
}

func (m *Manager) view(s *session, now clock.Boot) Session {
	r := s.rates()
	v := Session{
		ID: s.ID, Device: s.Device, Profile: s.Profile, Label: s.profile.Label, State: s.State,
		OpenedBy: s.OpenedBy, OpenedAt: s.OpenedAt, Left: s.left(now),
		Down: s.Down, Up: s.Up, Volume: s.profile.Volume, BytesLeft: s.bytesLeft(),
		DownRate: r.down, UpRate: r.up, Slow: s.profile.Slow, Slowed: s.slowed(), Suspended: s.Suspended,
		Code: s.Code, Token: s.token, Voucher: s.Voucher, Workshop: s.Workshop, Terminal: s.profile.Terminal,
	}
	if s.MessageText != "" {
		v.Message = &Message{Text: s.MessageText, At: s.MessageAt, Seen: s.MessageSeen}
	}
	if s.State == Open {
		v.Slot = s.Slot
		v.End, v.Closing = s.shown(now)
		v.Extend, v.LineDown, v.Past = m.extension(s, now), s.LineDown, s.PastUntil > now
		if s.dayLimited() {
			v.DayVolume, v.DayLeft = s.profile.DailyVolume, m.dayBytesLeft(s)
		}
		return v
	}
	at := s.EndedAt
	v.Reason, v.EndedAt = s.Reason, &at
	return v
}
