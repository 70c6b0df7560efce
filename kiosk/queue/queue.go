// Package queue is who waits for a terminal, and who has booked one: by number alone. Nobody's name, phone or card is asked, and
// there is no text to write. At the place's midnight the day's numbers are erased.
//
// A number is taken at the desk and called when a terminal is free. A booking has a number of its day, R3; whoever comes with it
// goes before those who only wait, until ten minutes after its time.
package queue

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"parvis/internal/bell"
	"parvis/internal/clock"
	"parvis/internal/order"
)

// Bounds of a day.
const (
	mostTickets  = 500 // numbers of a day
	mostBookings = 200 // of a day
	undoFor      = time.Minute
)

// Errors that callers decide by.
var (
	ErrEmpty  = errors.New("queue: nobody waits")
	ErrNumber = errors.New("queue: no such number, or not in that state") // somebody else was quicker
	ErrMany   = errors.New("queue: no more numbers today")
	ErrUndo   = errors.New("queue: nothing to take back")
	ErrStore  = errors.New("queue: not written")
)

// State is where a number stands.
type State string

// The states of a number. One that was served is gone.
const (
	Waiting State = "waiting"
	Called  State = "called" // to a terminal
	Absent  State = "absent" // did not come when called
)

// Ticket is a number of today.
type Ticket struct {
	Number int        `json:"number"`
	Booked bool       `json:"booked,omitempty"` // a booking's, R3
	Late   bool       `json:"late,omitempty"`   // came after its booking's time: waits as the others do
	State  State      `json:"state"`
	Post   string     `json:"post,omitempty"` // name of the terminal that it is called to
	Since  clock.Boot `json:"since"`          // of this boot: in this state
}

// Label is the number as people say it: "12", "R3".
func (t Ticket) Label() string { return label(t.Booked, t.Number) }

func label(booked bool, n int) string {
	if booked {
		return "R" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// Span is a stretch of a day, in minutes after midnight: From is in it and To is not.
type Span struct{ From, To int }

// Options is what a queue needs.
type Options struct {
	Clock clock.Clock
	Zone  *time.Location // of the place's midnight; nil: UTC
	Store Store
	// Hours are when the place is open on a day, given as its noon. Neither it nor Posts is called with a lock held.
	Hours func(day time.Time) []Span
	// Posts is how many terminals can be booked at once.
	Posts func() int
	Log   *slog.Logger
}

// Queue is the numbers and bookings of one place. It may be used from several goroutines.
type Queue struct {
	o    Options
	bell bell.Bell

	mu     sync.Mutex
	now    day
	before *day // as it was before the last gesture
	last   Gesture
	did    clock.Boot // when
}

// Gesture is what was last done, and can be taken back for a minute.
type Gesture struct {
	Seq   uint64 // of this run
	What  string // "take", "call", "served", "absent", "skip", "back", "book", "came", "cancel"
	Label string
}

// New makes a queue as the store remembers it. A store that cannot be read is an error; what is no queue's has been set aside by it.
func New(o Options) (*Queue, error) {
	if o.Clock == nil || o.Store == nil || o.Hours == nil || o.Posts == nil {
		return nil, errors.New("queue: new: a part is missing")
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	q := &Queue{o: o}
	b, err := o.Store.Load()
	if err != nil {
		return nil, fmt.Errorf("queue: new: %w", err)
	}
	if len(b) > 0 {
		if q.now, err = decode(b); err != nil {
			return nil, fmt.Errorf("queue: new: %w", err)
		}
	}
	if id := o.Clock.BootID(); q.now.Boot != id { // how long they had waited before is not known any more
		for i := range q.now.Tickets {
			q.now.Tickets[i].Since = o.Clock.Boot()
		}
		q.now.Boot = id
	}
	return q, nil
}

// Changes returns a channel that receives after a change, and what ends that.
func (q *Queue) Changes() (rung <-chan struct{}, stop func()) { return q.bell.Listen() }

// change does one gesture: it is written before anybody sees it. f works on a copy.
func (q *Queue) change(what string, f func(d *day, now clock.Boot) (label string, err error)) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn()
	next := q.now.clone()
	name, err := f(&next, q.o.Clock.Boot())
	if err != nil {
		return err
	}
	return q.put(next, what, name)
}

// put writes a day and takes it over. Called with mu held.
func (q *Queue) put(next day, what, label string) error {
	b, err := next.encode()
	if err == nil {
		err = q.o.Store.Save(b)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStore, err)
	}
	was := q.now
	q.now, q.before, q.did = next, &was, q.o.Clock.Boot()
	q.last = Gesture{q.last.Seq + 1, what, label}
	q.bell.Ring()
	return nil
}

// View is the queue as it is now.
type View struct {
	Waiting, Called, Absent []Ticket // the first to be called, and the last who was called, first
	Bookings                []Booking
	Undo                    *Gesture // nil: nothing can be taken back
}

// View returns the queue of now, with today's bookings that have not come.
func (q *Queue) View() View {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn()
	var v View
	for _, t := range q.now.Tickets {
		switch t.State {
		case Waiting:
			v.Waiting = append(v.Waiting, t)
		case Called:
			v.Called = append(v.Called, t)
		case Absent:
			v.Absent = append(v.Absent, t)
		}
	}
	order.Stable(v.Called, func(a, b Ticket) int { return int(min(max(b.Since-a.Since, -1), 1)) })
	if today, known := q.today(); known {
		v.Bookings = slices.DeleteFunc(q.booked(today), func(b Booking) bool { return b.State != Planned && b.State != Missed })
	}
	if q.undoable() {
		g := q.last
		v.Undo = &g
	}
	return v
}

// Waits reports whether somebody waits for a terminal, or has booked one that is to be free within a quarter of an hour.
func (q *Queue) Waits() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn()
	if slices.ContainsFunc(q.now.Tickets, func(t Ticket) bool { return t.State == Waiting || t.State == Called }) {
		return true
	}
	today, known := q.today()
	return known && slices.ContainsFunc(q.booked(today), func(b Booking) bool {
		return b.State == Planned && b.From <= q.minute()+Grid
	})
}
