package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"parvis/internal/clock"
)

// day is everything that is remembered.
type day struct {
	Boot     string    `json:"boot"` // the boot that Ticket.Since is of
	Date     string    `json:"date"` // that the numbers are of; "" not known yet
	Last     int       `json:"last"` // number given
	Tickets  []Ticket  `json:"tickets"`
	Bookings []Booking `json:"bookings"`
}

func (d day) clone() day {
	d.Tickets, d.Bookings = slices.Clone(d.Tickets), slices.Clone(d.Bookings)
	return d
}

func (d day) encode() ([]byte, error) { return json.Marshal(d) }

var errNotOurs = errors.New("not a queue")

// decode reads what encode wrote, and refuses what encode cannot have written.
func decode(b []byte) (day, error) {
	var d day
	if err := json.Unmarshal(b, &d); err != nil {
		return day{}, fmt.Errorf("%w: %w", errNotOurs, err)
	}
	if d.Last < 0 || d.Last > mostTickets || len(d.Tickets) > mostTickets+mostBookings || len(d.Bookings) > mostBookings*(Ahead+2) {
		return day{}, errNotOurs
	}
	labels := map[string]bool{}
	for _, t := range d.Tickets {
		most := d.Last
		if t.Booked {
			most = mostBookings
		}
		if t.Number < 1 || t.Number > most || labels[t.Label()] || t.State != Waiting && t.State != Called && t.State != Absent || bounded(t.Post) != t.Post {
			return day{}, errNotOurs
		}
		labels[t.Label()] = true
	}
	for _, b := range d.Bookings {
		name := b.Day + b.Label()
		_, err := time.Parse(time.DateOnly, b.Day)
		if err != nil || labels[name] || b.Number < 1 || b.Number > mostBookings || !slices.Contains([]Booked{Planned, Came, Late, Cancelled}, b.State) ||
			b.From < 0 || b.From%Grid != 0 || b.Length < Grid || b.Length > Longest || b.Length%Grid != 0 || b.From+b.Length > 24*60 {
			return day{}, errNotOurs
		}
		labels[name] = true
	}
	return d, nil
}

// today is the date at the place, when it is known.
func (q *Queue) today() (string, bool) {
	w := q.o.Clock.Wall()
	return w.Time.In(q.o.Zone).Format(time.DateOnly), w.Quality == clock.Synchronised
}

// turn erases what was of another day. While nobody knows the date, numbers stay. Called with mu held.
func (q *Queue) turn() {
	today, known := q.today()
	if !known || q.now.Date == today {
		return
	}
	next := day{Boot: q.now.Boot, Date: today}
	if q.now.Date == "" { // given while nobody knew the date: they are today's
		next.Last, next.Tickets = q.now.Last, q.now.Tickets
	}
	for _, b := range q.now.Bookings {
		if b.Day >= today {
			next.Bookings = append(next.Bookings, b)
		}
	}
	changed := q.now.Last > 0 || len(next.Bookings) < len(q.now.Bookings)
	q.now, q.before = next, nil
	if !changed {
		return
	}
	q.bell.Ring()
	b, err := next.encode()
	if err == nil {
		err = q.o.Store.Save(b)
	}
	if err != nil { // the next gesture writes it, or is refused
		q.o.Log.Error("queue: the old day's numbers are not erased from the disk", "error", err)
	}
}

// Run erases the day's numbers at the place's midnight, whoever looks, until ctx ends.
func (q *Queue) Run(ctx context.Context) error {
	for {
		q.mu.Lock()
		q.turn()
		q.mu.Unlock()
		// A clock can be set: it is looked at every minute.
		due, stop := q.o.Clock.At(q.o.Clock.Boot().Add(time.Minute))
		select {
		case <-due:
		case <-ctx.Done():
			stop()
			return nil
		}
	}
}
