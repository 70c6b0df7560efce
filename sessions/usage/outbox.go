package usage

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"parvis/internal/hublink/wire"
)

// mostCounts is how many counters a batch has at most, so that it stays below wire.MaxBatch: each is 110 bytes at the longest. One hour
// goes however many it has; of one hour more than mostWords are not told apart.
const (
	mostCounts = 6000
	mostWords  = 900
	otherWord  = "other"
)

// Outbox is what the hub does not have yet, whole values, as much as fits one batch: Epoch, Seq, Left, Hours and Days of it, the
// running hour as it was last written. after is the last number that the hub has acknowledged, of that epoch; of another epoch it has
// nothing.
func (u *Usage) Outbox(ctx context.Context, epoch string, after int64) (wire.Batch, error) {
	var b wire.Batch
	err := u.db.Do(ctx, func(tx *sql.Tx) (err error) {
		b, err = pending(ctx, tx, epoch, after)
		return err
	})
	if err != nil {
		return wire.Batch{}, fmt.Errorf("usage: outbox: %w", u.db.Explain("read", err))
	}
	return b, nil
}

func pending(ctx context.Context, tx *sql.Tx, epoch string, after int64) (b wire.Batch, err error) {
	if err := tx.QueryRowContext(ctx, "SELECT epoch, seq FROM outbox").Scan(&b.Epoch, &b.Seq); err != nil {
		return b, err
	}
	if epoch != b.Epoch {
		after = 0
	}
	if after > b.Seq { // somebody has put an older copy of the file in the place of ours: what it says is what is true from now on
		if b.Seq, err = renumber(ctx, tx, after); err != nil {
			return b, err
		}
	}
	if b.Hours, err = hoursAfter(ctx, tx, after); err != nil {
		return b, err
	}
	if b.Days, err = daysAfter(ctx, tx, after); err != nil {
		return b, err
	}
	// Where a list is full, or there are too many counters, more may be above its last: the batch ends with the number of that one.
	if len(b.Hours) == wire.MaxHours {
		b.Seq = min(b.Seq, b.Hours[len(b.Hours)-1].Seq)
	}
	if len(b.Days) == 3*wire.MaxHours {
		b.Seq = min(b.Seq, b.Days[len(b.Days)-1].Seq)
	}
	counts := 0
	for i := range b.Hours {
		if b.Hours[i].Counts, err = countsOf(ctx, tx, b.Hours[i].At); err != nil {
			return b, err
		}
		if counts += len(b.Hours[i].Counts); counts > mostCounts && i > 0 {
			b.Seq = min(b.Seq, b.Hours[i-1].Seq)
			break
		}
	}
	b.Hours = until(b.Hours, func(h wire.Hour) bool { return h.Seq <= b.Seq })
	b.Days = until(b.Days, func(d wire.Day) bool { return d.Seq <= b.Seq })
	err = tx.QueryRowContext(ctx, "SELECT count(*) FROM hour WHERE seq > ?", b.Seq).Scan(&b.Left)
	return b, err
}

// until is the beginning of a list of which all are so.
func until[T any](all []T, is func(T) bool) []T {
	for i, v := range all {
		if !is(v) {
			return all[:i]
		}
	}
	return all
}

// renumber gives every row a number above one, and returns the last.
func renumber(ctx context.Context, tx *sql.Tx, above int64) (last int64, err error) {
	for _, s := range []string{
		"UPDATE hour SET seq = seq + ?",
		"UPDATE devices SET seq = seq + ?",
		"UPDATE outbox SET seq = seq + ?",
	} {
		if _, err := tx.ExecContext(ctx, s, above); err != nil {
			return 0, err
		}
	}
	err = tx.QueryRowContext(ctx, "SELECT seq FROM outbox").Scan(&last)
	return last, err
}

// Continue prepares a copy of a file to go on in the place of its original, which may have counted and told the hub more since: what is
// counted from now on has numbers above any that the original can have given. Rows keep theirs, so that the hub counts none of them twice, and what
// only the original knew is still there. Of an hour in which both have counted after the copy, the hub keeps the newer box's part.
func Continue(ctx context.Context, path, bootID string) error {
	s, err := openStore(ctx, path, bootID)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Do(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE outbox SET seq = seq + ?", int64(ahead))
		return err
	}); err != nil {
		return fmt.Errorf("usage: continue: %w", err)
	}
	return nil
}

// ahead is more numbers than a file gives in a thousand years, and few enough for as many replacements as there can be.
const ahead = 1 << 32

func hoursAfter(ctx context.Context, tx *sql.Tx, after int64) (all []wire.Hour, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT at, seq, measured, peak, asked, down, lost, questions, latency, busy
		FROM hour WHERE seq > ? ORDER BY seq LIMIT ?`, after, wire.MaxHours)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var h wire.Hour
		l := &h.Line
		if err := rows.Scan(&h.At, &h.Seq, &h.Measured, &h.Peak, &l.Asked, &l.Down, &l.Lost, &l.Questions, &l.Latency, &l.Full); err != nil {
			return nil, err
		}
		h.Measured = min(h.Measured, time.Hour.Milliseconds()) // the civil time was put back within it
		all = append(all, h)
	}
	return all, rows.Err()
}

func daysAfter(ctx context.Context, tx *sql.Tx, after int64) (all []wire.Day, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT day, part, run, n, seq FROM devices WHERE seq > ? ORDER BY seq LIMIT ?", after, 3*wire.MaxHours)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d wire.Day
		if err := rows.Scan(&d.Day, &d.Part, &d.Run, &d.N, &d.Seq); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, rows.Err()
}

// countsOf are the counters of an hour, the greatest first. Words that are no identifier, which none of ours is, and those that are too
// many are told as one: nothing that a hand has written into the file keeps the rest from going out, and sums stay what they are.
func countsOf(ctx context.Context, tx *sql.Tx, at int64) (all []wire.Count, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT what, word, n FROM count WHERE at = ? ORDER BY n DESC, what, word", at)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	others := map[string]int{} // what → where its others are
	for rows.Next() {
		var c wire.Count
		if err := rows.Scan(&c.What, &c.Word, &c.N); err != nil {
			return nil, err
		}
		if !c.Known() {
			continue
		}
		if c.Word == otherWord || len(all) >= mostWords || !wire.Identifier(c.Word) {
			i, there := others[c.What]
			if there {
				all[i].N += c.N
				continue
			}
			others[c.What], c.Word = len(all), otherWord
		}
		all = append(all, c)
	}
	return all, rows.Err()
}
