package queue

import (
	"slices"

	"parvis/internal/clock"
)

// Take gives the next number. ErrMany when the day has no more.
func (q *Queue) Take() (t Ticket, err error) {
	err = q.change("take", func(d *day, now clock.Boot) (string, error) {
		if d.Last >= mostTickets {
			return "", ErrMany
		}
		d.Last++
		t = Ticket{Number: d.Last, State: Waiting, Since: now}
		d.Tickets = append(d.Tickets, t)
		return t.Label(), nil
	})
	return t, err
}

// Next calls who is first to a terminal, by its name; "" to the desk. ErrEmpty when nobody waits.
func (q *Queue) Next(post string) (t Ticket, err error) {
	err = q.change("call", func(d *day, now clock.Boot) (string, error) {
		i := slices.IndexFunc(d.Tickets, func(t Ticket) bool { return t.State == Waiting })
		if i < 0 {
			return "", ErrEmpty
		}
		d.Tickets[i].State, d.Tickets[i].Post, d.Tickets[i].Since = Called, bounded(post), now
		t = d.Tickets[i]
		return t.Label(), nil
	})
	return t, err
}

// bounded keeps a name that is shown short.
func bounded(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40])
	}
	return s
}

// Served says that who was called sits at the terminal: the number is gone.
func (q *Queue) Served(label string) error {
	return q.with("served", label, Called, func(d *day, i int, _ clock.Boot) { d.Tickets = slices.Delete(d.Tickets, i, i+1) })
}

// Absent says that who was called did not come.
func (q *Queue) Absent(label string) error {
	return q.with("absent", label, Called, func(d *day, i int, now clock.Boot) {
		d.Tickets[i].State, d.Tickets[i].Post, d.Tickets[i].Since = Absent, "", now
	})
}

// Skip lets the one behind go first: who was called waits again, in the second place.
func (q *Queue) Skip(label string) error {
	return q.with("skip", label, Called, func(d *day, i int, now clock.Boot) {
		t := d.Tickets[i]
		t.State, t.Post, t.Since = Waiting, "", now
		d.Tickets = slices.Delete(d.Tickets, i, i+1)
		at := slices.IndexFunc(d.Tickets, func(o Ticket) bool { return o.State == Waiting }) + 1 // after the first who waits
		d.Tickets = slices.Insert(d.Tickets, at, t)
	})
}

// Back puts who was absent in the first place.
func (q *Queue) Back(label string) error {
	return q.with("back", label, Absent, func(d *day, i int, now clock.Boot) {
		t := d.Tickets[i]
		t.State, t.Since = Waiting, now
		d.Tickets = slices.Insert(slices.Delete(d.Tickets, i, i+1), 0, t)
	})
}

func (q *Queue) with(what, label string, in State, do func(d *day, i int, now clock.Boot)) error {
	return q.change(what, func(d *day, now clock.Boot) (string, error) {
		i := slices.IndexFunc(d.Tickets, func(t Ticket) bool { return t.Label() == label && t.State == in })
		if i < 0 {
			return "", ErrNumber
		}
		do(d, i, now)
		return label, nil
	})
}

// Undo takes the gesture back whose Seq is given, when it is the last one and not older than a minute. ErrUndo otherwise.
func (q *Queue) Undo(seq uint64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.turn()
	if !q.undoable() || q.last.Seq != seq {
		return ErrUndo
	}
	if err := q.put(*q.before, "", ""); err != nil {
		return err
	}
	q.before = nil
	return nil
}

func (q *Queue) undoable() bool {
	return q.before != nil && q.o.Clock.Boot().Sub(q.did) < undoFor
}
