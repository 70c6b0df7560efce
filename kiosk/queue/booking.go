package queue

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"parvis/internal/clock"
	"parvis/internal/order"
)

// Of bookings.
const (
	Grid    = 15  // minutes: they begin and end on the quarters of an hour
	NoShow  = 10  // minutes after its time a booking is missed, and its terminal free
	Longest = 120 // minutes
	Ahead   = 14  // days
)

// Errors of bookings.
var (
	ErrSlot   = errors.New("queue: not a slot: off the grid, too long or too far ahead")
	ErrClosed = errors.New("queue: the place is not open for so long then")
	ErrPast   = errors.New("queue: that time is past")
	ErrTaken  = errors.New("queue: every terminal is booked then")
	ErrNoTime = errors.New("queue: nobody knows what time it is")
)

// Booked is where a booking stands.
type Booked string

// The states of a booking. Missed follows from the time and is stored nowhere.
const (
	Planned   Booked = "planned"
	Came      Booked = "came" // in the queue, or served
	Late      Booked = "late" // the same, after it was missed: its place may be another's
	Cancelled Booked = "cancelled"
	Missed    Booked = "missed"
)

// Booking is a terminal kept for somebody who has its number.
type Booking struct {
	Day    string `json:"day"` // 2006-01-02 at the place
	Number int    `json:"number"`
	From   int    `json:"from"`   // minutes after midnight
	Length int    `json:"length"` // minutes
	State  Booked `json:"state"`
}

// Label is its number as people say it: "R3". It is one of its day.
func (b Booking) Label() string { return label(true, b.Number) }

// holds reports whether it keeps a terminal at a minute of its day.
func (b Booking) holds(minute int) bool {
	return (b.State == Planned || b.State == Came) && b.From <= minute && minute < b.From+b.Length
}

// Slot is a quarter of an hour in which the place is open.
type Slot struct {
	From   int       // minutes after midnight
	Booked []Booking // that begin here
	Free   int       // terminals that nobody has booked for this quarter
	Past   bool
}

// midday is the noon of a day at the place: a moment of the day, whatever the clocks do at night.
func (q *Queue) midday(day string) (time.Time, error) {
	t, err := time.ParseInLocation(time.DateOnly, day, q.o.Zone)
	return t.Add(12 * time.Hour), err
}

// offer is what the place has on a day.
type offer struct {
	hours []Span
	posts int
}

// offer asks others, who may be asking us: no lock is held. ErrSlot for what is no day.
func (q *Queue) offer(on string) (offer, error) {
	noon, err := q.midday(on)
	if err != nil {
		return offer{}, ErrSlot
	}
	return offer{q.o.Hours(noon), q.o.Posts()}, nil
}

// Slots is a day in quarters of an hour. ErrSlot for what is no day; ErrNoTime when nobody knows what day it is.
func (q *Queue) Slots(on string) ([]Slot, error) {
	p, err := q.offer(on)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn()
	today, known := q.today()
	if !known {
		return nil, ErrNoTime
	}
	all := q.booked(on)
	var slots []Slot
	for _, span := range p.hours {
		for m := up(span.From); m+Grid <= min(span.To, 24*60); m += Grid {
			s := Slot{From: m, Free: p.posts, Past: on < today || on == today && m+Grid <= q.minute()}
			for _, b := range all {
				if b.holds(m) {
					s.Free--
				}
				if b.From == m && b.State != Cancelled {
					s.Booked = append(s.Booked, b)
				}
			}
			s.Free = max(s.Free, 0)
			slots = append(slots, s)
		}
	}
	return slots, nil
}

// up is the first quarter of an hour from a minute on.
func up(minute int) int { return (minute + Grid - 1) / Grid * Grid }

// Book keeps a terminal from a minute of a day on, for some minutes.
func (q *Queue) Book(on string, from, length int) (b Booking, err error) {
	p, err := q.offer(on)
	if err != nil {
		return Booking{}, err
	}
	err = q.change("book", func(d *day, _ clock.Boot) (string, error) {
		if b, err = q.fits(p, on, from, length); err != nil {
			return "", err
		}
		for _, o := range d.Bookings {
			if o.Day == on {
				b.Number = max(b.Number, o.Number)
			}
		}
		if b.Number++; b.Number > mostBookings {
			return "", ErrMany
		}
		d.Bookings = append(d.Bookings, b)
		order.Stable(d.Bookings, func(a, b Booking) int {
			return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.From, b.From), cmp.Compare(a.Number, b.Number))
		})
		return b.Label(), nil
	})
	return b, err
}

// fits says whether a booking is possible. Called with mu held.
func (q *Queue) fits(p offer, on string, from, length int) (Booking, error) {
	today, known := q.today()
	switch {
	case from < 0, from%Grid != 0, length%Grid != 0, length < Grid, length > Longest:
		return Booking{}, ErrSlot
	case !known:
		return Booking{}, ErrNoTime
	case on < today, on == today && from+Grid <= q.minute():
		return Booking{}, ErrPast
	case on > q.o.Clock.Wall().Time.In(q.o.Zone).AddDate(0, 0, Ahead).Format(time.DateOnly):
		return Booking{}, ErrSlot
	case !slices.ContainsFunc(p.hours, func(s Span) bool { return s.From <= from && from+length <= min(s.To, 24*60) }):
		return Booking{}, ErrClosed
	}
	all := q.booked(on)
	for m := from; m < from+length; m += Grid {
		held := 0
		for _, b := range all {
			if b.holds(m) {
				held++
			}
		}
		if held >= p.posts {
			return Booking{}, ErrTaken
		}
	}
	return Booking{Day: on, From: from, Length: length, State: Planned}, nil
}

// Came says that who has booked is here: the number waits before those who only wait, unless its time was missed. ErrNumber when it
// is not one of today that is still expected.
func (q *Queue) Came(label string) error {
	return q.change("came", func(d *day, now clock.Boot) (string, error) {
		today, known := q.today()
		if !known {
			return "", ErrNoTime
		}
		for i, b := range d.Bookings {
			if b.Day != today || b.Label() != label || b.State != Planned {
				continue
			}
			d.Bookings[i].State = Came
			t := Ticket{Number: b.Number, Booked: true, Late: q.missed(b, today), State: Waiting, Since: now}
			at := len(d.Tickets)
			if t.Late {
				d.Bookings[i].State = Late
			} else {
				if i := slices.IndexFunc(d.Tickets, func(o Ticket) bool { return o.State == Waiting && (!o.Booked || o.Late) }); i >= 0 {
					at = i
				}
			}
			d.Tickets = slices.Insert(d.Tickets, at, t)
			return label, nil
		}
		return "", ErrNumber
	})
}

// Cancel gives a booking's terminal back. ErrNumber when it is not expected any more.
func (q *Queue) Cancel(on, label string) error {
	return q.change("cancel", func(d *day, _ clock.Boot) (string, error) {
		i := slices.IndexFunc(d.Bookings, func(b Booking) bool { return b.Day == on && b.Label() == label && b.State == Planned })
		if i < 0 {
			return "", ErrNumber
		}
		d.Bookings[i].State = Cancelled
		return label, nil
	})
}

// booked are a day's bookings as they stand now. Called with mu held.
func (q *Queue) booked(on string) (all []Booking) {
	today, _ := q.today()
	for _, b := range q.now.Bookings {
		if b.Day != on {
			continue
		}
		if b.State == Planned && q.missed(b, today) {
			b.State = Missed
		}
		all = append(all, b)
	}
	return all
}

func (q *Queue) missed(b Booking, today string) bool {
	return b.Day < today || b.Day == today && q.minute() >= b.From+NoShow
}

// minute is the time of day at the place, in minutes after midnight.
func (q *Queue) minute() int {
	t := q.o.Clock.Wall().Time.In(q.o.Zone)
	return t.Hour()*60 + t.Minute()
}
