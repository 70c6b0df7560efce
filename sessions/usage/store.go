package usage

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"time"

	"parvis/internal/database"
	"parvis/internal/lang"
)

//go:embed migrations/*.sql
var migrations embed.FS

// keepHours is how long hours are kept: two years and a month, so that a month can be compared with those of two years. Counts of
// days are kept for ten years.
const (
	keepHours = 25 * 31 * 24
	keepDays  = 10_0000 // of a day written 20261124
)

var lossText = lang.Text{
	EN: "counts from zero again",
	FR: "recommence à compter de zéro",
}

type store struct{ *database.DB }

// civil is how far the civil time is ahead of the boot's.
type civil struct {
	boot   string
	offset time.Duration
	known  bool
}

func openStore(ctx context.Context, path, bootID string) (*store, error) {
	db, err := database.Open(ctx, database.Options{Path: path, BootID: bootID, Migrations: migrations, Loss: lossText})
	if err != nil {
		return nil, fmt.Errorf("usage: %w", err)
	}
	return &store{db}, nil
}

// civil returns what was known of the civil time earlier in this boot.
func (s *store) civil(ctx context.Context, boot string) (offset time.Duration, known bool, err error) {
	err = s.QueryRowContext(ctx, "SELECT offset FROM civil WHERE boot = ?", boot).Scan(&offset)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, s.Explain("read", err)
	}
	return offset, true, nil
}

// addHour adds to an hour what was counted of it since the last time, and gives it the next number.
const addHour = `INSERT INTO hour (at, measured, peak, seq, asked, down, lost, questions, latency, busy) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	ON CONFLICT DO UPDATE SET measured = measured + excluded.measured, peak = max(peak, excluded.peak), seq = excluded.seq,
		asked = asked + excluded.asked, down = down + excluded.down, lost = lost + excluded.lost,
		questions = questions + excluded.questions, latency = latency + excluded.latency, busy = busy + excluded.busy`

// add is one transaction; nothing to add writes nothing.
func (s *store) add(ctx context.Context, run string, hours map[int64]*hour, days map[dayPart]int, c civil) error {
	if len(hours) == 0 && len(days) == 0 {
		return nil
	}
	return s.Do(ctx, func(tx *sql.Tx) error {
		var last, seq int64
		if err := tx.QueryRowContext(ctx, "SELECT seq FROM outbox").Scan(&seq); err != nil {
			return err
		}
		for at, h := range hours {
			last = max(last, at)
			seq++
			if _, err := tx.ExecContext(ctx, addHour, at, h.measured.Milliseconds(), h.peak, seq,
				h.line.Asked, h.line.Down, h.line.Lost, h.line.Questions, h.line.Latency, h.line.Full); err != nil {
				return err
			}
			for k, n := range h.counts {
				if _, err := tx.ExecContext(ctx, `INSERT INTO count VALUES (?, ?, ?, ?)
					ON CONFLICT DO UPDATE SET n = n + excluded.n`, at, k.what, k.word, n); err != nil {
					return err
				}
			}
		}
		newest := 0
		for k, n := range days {
			newest = max(newest, k.day)
			seq++
			if _, err := tx.ExecContext(ctx, `INSERT INTO devices VALUES (?, ?, ?, ?, ?)
				ON CONFLICT DO UPDATE SET n = excluded.n, seq = excluded.seq WHERE n <> excluded.n`, k.day, k.part, run, n, seq); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, "UPDATE outbox SET seq = ?", seq); err != nil {
			return err
		}
		for _, old := range []struct {
			query string
			than  int64
		}{
			{"DELETE FROM hour WHERE at < ?", last - keepHours},
			{"DELETE FROM count WHERE at < ?", last - keepHours},
			{"DELETE FROM devices WHERE day < ?", int64(newest - keepDays)},
		} {
			if _, err := tx.ExecContext(ctx, old.query, old.than); err != nil {
				return err
			}
		}
		if !c.known {
			return nil
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO civil VALUES (1, ?, ?) ON CONFLICT DO UPDATE SET boot = excluded.boot, offset = excluded.offset",
			c.boot, int64(c.offset))
		return err
	})
}

// hourRow is an hour as it was counted.
type hourRow struct {
	measured time.Duration
	peak     uint64
	counts   map[key]uint64
}

// hours reads those from one hour to another, the latter not included.
func (s *store) hours(ctx context.Context, from, to int64) (map[int64]*hourRow, error) {
	all := map[int64]*hourRow{}
	rows, err := s.QueryContext(ctx, "SELECT at, measured, peak FROM hour WHERE at >= ? AND at < ?", from, to)
	if err != nil {
		return nil, s.Explain("read", err)
	}
	defer rows.Close()
	for rows.Next() {
		var at, ms int64
		r := &hourRow{counts: map[key]uint64{}}
		if err := rows.Scan(&at, &ms, &r.peak); err != nil {
			return nil, s.Explain("read", err)
		}
		r.measured = time.Duration(ms) * time.Millisecond
		all[at] = r
	}
	if err := rows.Err(); err != nil {
		return nil, s.Explain("read", err)
	}
	counts, err := s.QueryContext(ctx, "SELECT at, what, word, n FROM count WHERE at >= ? AND at < ?", from, to)
	if err != nil {
		return nil, s.Explain("read", err)
	}
	defer counts.Close()
	for counts.Next() {
		var (
			at int64
			k  key
			n  uint64
		)
		if err := counts.Scan(&at, &k.what, &k.word, &n); err != nil {
			return nil, s.Explain("read", err)
		}
		if r := all[at]; r != nil {
			r.counts[k] = n
		}
	}
	return all, s.Explain("read", counts.Err())
}

// span is a number of devices as far as it is known: more than one run cannot know what they had in common.
type span struct{ least, most uint64 }

// devices reads the counts of days from one to another, both included.
func (s *store) devices(ctx context.Context, from, to int) (map[dayPart]span, error) {
	rows, err := s.QueryContext(ctx, "SELECT day, part, max(n), sum(n) FROM devices WHERE day >= ? AND day <= ? GROUP BY day, part", from, to)
	if err != nil {
		return nil, s.Explain("read", err)
	}
	defer rows.Close()
	all := map[dayPart]span{}
	for rows.Next() {
		var (
			k dayPart
			n span
		)
		if err := rows.Scan(&k.day, &k.part, &n.least, &n.most); err != nil {
			return nil, s.Explain("read", err)
		}
		all[k] = n
	}
	return all, s.Explain("read", rows.Err())
}
