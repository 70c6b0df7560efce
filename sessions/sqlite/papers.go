package sqlite

import (
	"context"
	"database/sql"

	"parvis/sessions"
)

// papers reads tickets and workshops. What a ticket is found by is all that the disk has of its code.
func (s *Store) papers(ctx context.Context) (p sessions.Papers, err error) {
	if err := s.each(ctx, `SELECT id, label, profile, for_ns, devices, made, valid_from, valid_until, revoked, over FROM batch ORDER BY id`,
		func(found *sql.Rows) error {
			var b sessions.BatchRow
			var made, from, until, over int64
			err := found.Scan(&b.ID, &b.Label, &b.Profile, &b.For, &b.Devices, &made, &from, &until, &b.Revoked, &over)
			b.Made, b.From, b.Until, b.Over = fromMillis(made), fromMillis(from), fromMillis(until), fromMillis(over)
			p.Batches = append(p.Batches, b)
			return err
		}); err != nil {
		return p, err
	}
	if err := s.each(ctx, `SELECT key, batch, sheet, dead, spent FROM ticket ORDER BY batch, sheet, key`, func(found *sql.Rows) error {
		var t sessions.TicketRow
		var key []byte
		err := found.Scan(&key, &t.Batch, &t.Sheet, &t.Dead, &t.Spent)
		copy(t.Key[:], key) // the table holds 32 bytes or nothing
		p.Tickets = append(p.Tickets, t)
		return err
	}); err != nil {
		return p, err
	}
	err = s.each(ctx, `SELECT id, title, profile, places, reserve, state, made, start, length_ns, end_boot, begun, over, floor, heads, spent
		FROM workshop ORDER BY id`, func(found *sql.Rows) error {
		var w sessions.WorkshopRow
		var made, start, begun, over int64
		err := found.Scan(&w.ID, &w.Title, &w.Profile, &w.Places, &w.Reserve, &w.State, &made, &start, &w.Length, &w.End, &begun, &over,
			&w.Floor, &w.Heads, &w.Spent)
		w.Made, w.Start, w.Begun, w.Over = fromMillis(made), fromMillis(start), fromMillis(begun), fromMillis(over)
		p.Workshops = append(p.Workshops, w)
		return err
	})
	return p, err
}

func (s *Store) each(ctx context.Context, query string, row func(*sql.Rows) error) error {
	found, err := s.db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		if err := row(found); err != nil {
			return err
		}
	}
	return found.Err()
}

// savePapers writes tickets and workshops. A batch that goes takes its tickets with it.
func savePapers(ctx context.Context, tx *sql.Tx, c sessions.Change) error {
	for _, gone := range []struct {
		statement string
		ids       []string
	}{{"DELETE FROM batch WHERE id = ?", c.Torn.Batches}, {"DELETE FROM workshop WHERE id = ?", c.Torn.Workshops}} {
		for _, id := range gone.ids {
			if _, err := tx.ExecContext(ctx, gone.statement, id); err != nil {
				return err
			}
		}
	}
	for _, b := range c.Papers.Batches {
		if _, err := tx.ExecContext(ctx, `INSERT INTO batch (id, label, profile, for_ns, devices, made, valid_from, valid_until, revoked, over)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET label = excluded.label, profile = excluded.profile,
			for_ns = excluded.for_ns, devices = excluded.devices, made = excluded.made, valid_from = excluded.valid_from,
			valid_until = excluded.valid_until, revoked = excluded.revoked, over = excluded.over`,
			b.ID, b.Label, b.Profile, b.For, b.Devices, millis(b.Made), millis(b.From), millis(b.Until), b.Revoked, millis(b.Over)); err != nil {
			return err
		}
	}
	if err := saveTickets(ctx, tx, c.Papers.Tickets); err != nil {
		return err
	}
	for _, w := range c.Papers.Workshops {
		if _, err := tx.ExecContext(ctx, `INSERT INTO workshop (id, title, profile, places, reserve, state, made, start, length_ns, end_boot,
			begun, over, floor, heads, spent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
			title = excluded.title, profile = excluded.profile, places = excluded.places, reserve = excluded.reserve,
			state = excluded.state, made = excluded.made, start = excluded.start, length_ns = excluded.length_ns,
			end_boot = excluded.end_boot, begun = excluded.begun, over = excluded.over, floor = excluded.floor, heads = excluded.heads,
			spent = excluded.spent`, w.ID, w.Title, w.Profile, w.Places, w.Reserve, w.State, millis(w.Made), millis(w.Start), w.Length,
			w.End, millis(w.Begun), millis(w.Over), w.Floor, w.Heads, w.Spent); err != nil {
			return err
		}
	}
	return nil
}

func saveTickets(ctx context.Context, tx *sql.Tx, tickets []sessions.TicketRow) error {
	if len(tickets) == 0 {
		return nil
	}
	put, err := tx.PrepareContext(ctx, `INSERT INTO ticket (key, batch, sheet, dead, spent) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (key) DO UPDATE SET batch = excluded.batch, sheet = excluded.sheet, dead = excluded.dead, spent = excluded.spent`)
	if err != nil {
		return err
	}
	defer put.Close()
	for _, t := range tickets {
		if _, err := put.ExecContext(ctx, t.Key[:], t.Batch, t.Sheet, t.Dead, t.Spent); err != nil {
			return err
		}
	}
	return nil
}

// ticketKey is what a session's row holds of its ticket: nothing or 32 bytes.
func ticketKey(k sessions.TicketKey) []byte {
	if k == (sessions.TicketKey{}) {
		return []byte{}
	}
	return k[:]
}
