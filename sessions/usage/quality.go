package usage

import (
	"context"
	"fmt"
	"time"

	"parvis/internal/hublink/wire"
)

// LineByHour is how good the line was in each hour of the day, as sums over the last days that are over or have begun. It is about the
// line and nobody, and so it is not masked.
func (u *Usage) LineByHour(ctx context.Context, days int) (all [24]wire.Quality, err error) {
	now, known := u.now()
	if !known {
		return all, nil
	}
	from := now.AddDate(0, 0, -days).Unix() / 3600
	rows, err := u.db.QueryContext(ctx, "SELECT at, asked, down, lost, questions, latency, busy FROM hour WHERE at >= ?", from)
	if err != nil {
		return all, fmt.Errorf("usage: line: %w", u.db.Explain("read", err))
	}
	defer rows.Close()
	for rows.Next() {
		var (
			at int64
			q  wire.Quality
		)
		if err := rows.Scan(&at, &q.Asked, &q.Down, &q.Lost, &q.Questions, &q.Latency, &q.Full); err != nil {
			return all, fmt.Errorf("usage: line: %w", u.db.Explain("read", err))
		}
		h := &all[time.Unix(at*3600, 0).In(u.o.Location).Hour()]
		h.Asked += q.Asked
		h.Down += q.Down
		h.Lost += q.Lost
		h.Questions += q.Questions
		h.Latency += q.Latency
		h.Full += q.Full
	}
	if err := rows.Err(); err != nil {
		return all, fmt.Errorf("usage: line: %w", u.db.Explain("read", err))
	}
	return all, nil
}
