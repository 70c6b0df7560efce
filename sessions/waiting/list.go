package waiting

import (
	"cmp"
	"container/list"
	"slices"
	"sync"
	"time"

	"parvis/internal/bell"
	"parvis/internal/clock"
	"parvis/internal/mac"
	"parvis/internal/order"
	"parvis/sessions"
)

const (
	// Most is how many devices a List remembers; the one that was not seen for longest makes room.
	Most = 1024
	// Unseen is after how long without a word a device is forgotten.
	Unseen = 10 * time.Minute
)

// Kind is what a device looks like. It is an estimate: a browser may say anything.
type Kind string

// The kinds of devices; "" is not known.
const (
	Phone    Kind = "phone"
	Computer Kind = "computer"
)

// Entry is one device that waits, as it was at the moment of asking. It is a copy.
type Entry struct {
	Device   sessions.Device
	Code     string     // that its page shows, and that its session will have
	Since    clock.Boot // first seen
	Seen     clock.Boot // last seen
	Kind     Kind
	Language string // of the page it saw: fr, en, ar; "" none yet
	Page     bool   // it has seen a page of ours; false: it asked for something else, or did not ask at all
}

// Visit is what is noted of one request of a device that internet is closed to.
type Visit struct {
	Device   sessions.Device
	Kind     Kind   // "" leaves what is known
	Language string // "" leaves what is known
	Page     bool   // a page of ours was shown
}

// Sessions is what the list asks the owner of sessions: *sessions.Manager.
type Sessions interface {
	Of(mac.Addr) (sessions.Session, bool)
	CodeOf(mac.Addr) string
}

// List is the devices that wait. It may be used from several goroutines.
type List struct {
	clock    clock.Clock
	sessions Sessions
	bell     bell.Bell
	silent   func() []sessions.Device

	mu    sync.Mutex
	byMAC map[mac.Addr]*list.Element // of seen
	seen  list.List                  // *Entry, the longest unseen first
}

// New returns a list without any device.
func New(c clock.Clock, s Sessions) *List {
	return &List{clock: c, sessions: s, byMAC: map[mac.Addr]*list.Element{}}
}

// Also tells the list how to find devices that have joined and never ask for a page: it is called at each Entries, and at no
// other time. It must be called before the list is used.
func (l *List) Also(silent func() []sessions.Device) { l.silent = silent }

// Visit notes that a device was seen. It costs the same however many wait, and allocates nothing for a device that is
// known.
func (l *List) Visit(v Visit) {
	now := l.clock.Boot()
	l.mu.Lock()
	changed := l.expire(now)
	changed = l.note(v, now) || changed
	l.mu.Unlock()
	if changed {
		l.bell.Ring()
	}
}

// note reports whether something changed that people see.
func (l *List) note(v Visit, now clock.Boot) bool {
	e, known := l.byMAC[v.Device.MAC]
	if !known {
		if l.seen.Len() >= Most {
			l.drop(l.seen.Front())
		}
		l.byMAC[v.Device.MAC] = l.seen.PushBack(&Entry{
			Device: v.Device, Since: now, Seen: now, Kind: v.Kind, Language: v.Language, Page: v.Page,
		})
		return true
	}
	l.seen.MoveToBack(e)
	have := e.Value.(*Entry)
	before := *have
	have.Device, have.Seen = v.Device, now
	have.Page = have.Page || v.Page
	have.Kind = cmp.Or(v.Kind, have.Kind)
	have.Language = cmp.Or(v.Language, have.Language)
	before.Seen = now
	return *have != before
}

// expire forgets who was not seen for Unseen.
func (l *List) expire(now clock.Boot) (changed bool) {
	for e := l.seen.Front(); e != nil && now.Sub(e.Value.(*Entry).Seen) >= Unseen; e = l.seen.Front() {
		l.drop(e)
		changed = true
	}
	return changed
}

func (l *List) drop(e *list.Element) {
	delete(l.byMAC, e.Value.(*Entry).Device.MAC)
	l.seen.Remove(e)
}

// Entries returns who waits, the longest waiting first. A device whose internet is open is not among them, and is again at once
// when it was closed while it is remembered.
func (l *List) Entries() []Entry {
	var silent []sessions.Device
	if l.silent != nil {
		silent = l.silent()
	}
	now := l.clock.Boot()
	l.mu.Lock()
	l.expire(now)
	for _, d := range silent {
		if _, known := l.byMAC[d.MAC]; !known && l.seen.Len() >= Most {
			break // who only has joined takes nobody's place
		}
		l.note(Visit{Device: d}, now)
	}
	all := make([]Entry, 0, l.seen.Len())
	for e := l.seen.Front(); e != nil; e = e.Next() {
		all = append(all, *e.Value.(*Entry))
	}
	l.mu.Unlock()
	all = slices.DeleteFunc(all, func(e Entry) bool {
		s, ok := l.sessions.Of(e.Device.MAC)
		return ok && s.State == sessions.Open && s.Device.IPv4 == e.Device.IPv4
	})
	for i := range all {
		all[i].Code = l.sessions.CodeOf(all[i].Device.MAC)
	}
	order.Stable(all, func(a, b Entry) int { return cmp.Compare(a.Since, b.Since) })
	return all
}

// Forget takes a device off the list until it is seen again.
func (l *List) Forget(a mac.Addr) {
	l.mu.Lock()
	e, known := l.byMAC[a]
	if known {
		l.drop(e)
	}
	l.mu.Unlock()
	if known {
		l.bell.Ring()
	}
}

// Changes returns a channel that receives after what people see of the list has changed, and what ends that. Openings are heard
// from the owner of sessions; that time passes is heard from nobody.
func (l *List) Changes() (rung <-chan struct{}, stop func()) { return l.bell.Listen() }
