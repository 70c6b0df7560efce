package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"parvis/internal/hublink/wire"
)

// Hours that a site may tell of: older ones are no longer asked for by anybody, later ones have not been. What is outside is left out, and
// not refused: a site would send it for ever.
const (
	oldest = 5 * 366 * 24 * time.Hour
	latest = 26 * time.Hour // a clock may be a day wrong; a month must not appear because of it
	// straddled is how many hours after those that were dropped may be of a day that had begun before: its sum is not made anew of what is left.
	straddled = 48
)

// Taken is what became of a batch.
type Taken struct {
	Hours   int // that were news
	LeftOut int // too old, no longer kept, or yet to come
}

// hourRow is one hour on its way to the database.
type hourRow struct {
	At       int64             `json:"at"`
	Seq      int64             `json:"seq"`
	Measured int64             `json:"measured"`
	Peak     int               `json:"peak"`
	Line     wire.Quality      `json:"line"`
	Counts   map[string]uint64 `json:"counts"`
}

// Take keeps what a site has sent, wholly or not at all. The batch has passed wire's Check. It may come twice, late, or after a newer one:
// of each hour and day the highest number stays.
func (t *Tenant) Take(ctx context.Context, site string, b wire.Batch, now time.Time) (taken Taken, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("store: batch of %s: %w", site, one(err))
		}
	}()
	var (
		zone, version string
		kept          int64 // hour from which on single hours are kept
	)
	// One batch of a site after the other, in all hubs.
	err = t.tx.QueryRow(ctx, "SELECT zone, version, coalesce((SELECT at FROM hours_from), 0) FROM site WHERE id = $1 FOR UPDATE", site).Scan(&zone, &version, &kept)
	if err != nil {
		return taken, err
	}
	first := max(now.Add(-oldest).Unix()/3600, kept+straddled)
	hours := map[int64]hourRow{}
	for _, h := range b.Hours {
		if h.At < first || time.Unix(h.At*3600, 0).After(now.Add(latest)) {
			taken.LeftOut++
			continue
		}
		if old, twice := hours[h.At]; twice && old.Seq >= h.Seq {
			continue
		}
		row := hourRow{h.At, h.Seq, h.Measured, h.Peak, h.Line, map[string]uint64{}}
		for _, c := range h.Counts {
			row.Counts[c.What+" "+c.Word] = c.N
		}
		hours[h.At] = row
	}
	days, err := t.takeHours(ctx, site, zone, b.Epoch, hours)
	if err != nil {
		return taken, err
	}
	taken.Hours = len(days)
	var rest pgx.Batch // everything else goes to the database in one go
	sum(&rest, site, days)
	if err := t.takeDevices(&rest, site, b); err != nil {
		return taken, err
	}
	rest.Queue(`INSERT INTO contact (site, tenant, at, epoch, seq, sent, waiting, now) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (site) DO UPDATE SET at = excluded.at, epoch = excluded.epoch, seq = excluded.seq, sent = excluded.sent,
			waiting = excluded.waiting, now = excluded.now
		WHERE contact.epoch <> excluded.epoch OR (excluded.seq, excluded.sent) >= (contact.seq, contact.sent)`,
		site, t.id, now, b.Epoch, b.Seq, b.Sent, b.Left, b.Now)
	if b.Now.Version != version {
		rest.Queue("UPDATE site SET version = $2 WHERE id = $1", site, b.Now.Version)
	}
	return taken, t.tx.SendBatch(ctx, &rest).Close()
}

// takeHours returns the day of each hour that was news.
func (t *Tenant) takeHours(ctx context.Context, site, zone, epoch string, hours map[int64]hourRow) (days []int, err error) {
	if len(hours) == 0 {
		return nil, nil
	}
	months := map[int]int64{}
	for at := range hours {
		m := time.Unix(at*3600, 0).UTC()
		months[m.Year()*12+int(m.Month())] = at
	}
	for _, m := range slices.Sorted(maps.Keys(months)) {
		if _, err := t.tx.Exec(ctx, "SELECT ensure_hours($1)", months[m]); err != nil {
			return nil, err
		}
	}
	all, err := json.Marshal(slices.Collect(maps.Values(hours)))
	if err != nil {
		return nil, err
	}
	rows, err := t.tx.Query(ctx, `INSERT INTO hour (tenant, site, epoch, at, day, seq, measured, peak, asked, down, lost, questions, latency, busy, counts)
		SELECT $1, $2, $3, x.at, to_char(to_timestamp(x.at * 3600) AT TIME ZONE $4, 'YYYYMMDD')::int, x.seq, x.measured, x.peak,
			l.asked, l.down, l.lost, l.questions, l.latency, l."full", x.counts
		FROM jsonb_to_recordset($5::jsonb) AS x(at bigint, seq bigint, measured bigint, peak int, line jsonb, counts jsonb),
			jsonb_to_record(x.line) AS l(asked bigint, down bigint, lost bigint, questions bigint, latency bigint, "full" bigint)
		ORDER BY x.at
		ON CONFLICT (site, epoch, at) DO UPDATE SET seq = excluded.seq, measured = excluded.measured, peak = excluded.peak, asked = excluded.asked,
			down = excluded.down, lost = excluded.lost, questions = excluded.questions, latency = excluded.latency, busy = excluded.busy,
			counts = excluded.counts
		WHERE hour.seq < excluded.seq
		RETURNING day`, t.id, site, epoch, zone, string(all))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d int
		if err := rows.Scan(&d); err != nil {
			return nil, err
		}
		days = append(days, d)
	}
	return days, rows.Err()
}

// sum makes the days anew that hours have changed in, and then their months.
func sum(to *pgx.Batch, site string, days []int) {
	slices.Sort(days)
	days = slices.Compact(days)
	if len(days) == 0 {
		return
	}
	const sums = `sum(asked), sum(down), sum(lost), sum(questions), sum(latency), sum(busy), sum_counts(counts ORDER BY %s)`
	to.Queue(`INSERT INTO day (tenant, site, day, measured, hours, peak, asked, down, lost, questions, latency, busy, counts)
		SELECT tenant, site, day, sum(measured), count(DISTINCT at), max(peak), `+fmt.Sprintf(sums, "at, epoch")+`
		FROM hour WHERE site = $1 AND day = ANY($2) AND at >= $3 AND at < $4 GROUP BY tenant, site, day
		ON CONFLICT (site, day) DO UPDATE SET measured = excluded.measured, hours = excluded.hours, peak = excluded.peak, asked = excluded.asked,
			down = excluded.down, lost = excluded.lost, questions = excluded.questions, latency = excluded.latency, busy = excluded.busy,
			counts = excluded.counts`, site, days, hourOf(days[0], -1), hourOf(days[len(days)-1], 2))
	var months []int
	for _, d := range days {
		months = append(months, d/100)
	}
	months = slices.Compact(months)
	to.Queue(`INSERT INTO month (tenant, site, month, measured, hours, peak, asked, down, lost, questions, latency, busy, counts)
		SELECT tenant, site, day / 100, sum(measured), sum(hours), max(peak), `+fmt.Sprintf(sums, "day")+`
		FROM day WHERE site = $1 AND day / 100 = ANY($2) AND day >= $3 AND day <= $4 GROUP BY tenant, site, day / 100
		ON CONFLICT (site, month) DO UPDATE SET measured = excluded.measured, hours = excluded.hours, peak = excluded.peak, asked = excluded.asked,
			down = excluded.down, lost = excluded.lost, questions = excluded.questions, latency = excluded.latency, busy = excluded.busy,
			counts = excluded.counts`, site, months, months[0]*100, months[len(months)-1]*100+99)
}

func (t *Tenant) takeDevices(to *pgx.Batch, site string, b wire.Batch) error {
	type id struct {
		day, part int
		run       string
	}
	newest := map[id]wire.Day{}
	for _, d := range b.Days {
		if old, ok := newest[id{d.Day, d.Part, d.Run}]; !ok || old.Seq < d.Seq {
			newest[id{d.Day, d.Part, d.Run}] = d
		}
	}
	if len(newest) == 0 {
		return nil
	}
	all, err := json.Marshal(slices.Collect(maps.Values(newest)))
	if err != nil {
		return err
	}
	to.Queue(`INSERT INTO devices (tenant, site, epoch, day, part, run, n, seq)
		SELECT $1, $2, $3, x.day, x.part, x.run, x.n, x.seq FROM jsonb_to_recordset($4::jsonb) AS x(day int, part int, run text, n int, seq bigint)
		ON CONFLICT (site, day, part, epoch, run) DO UPDATE SET n = excluded.n, seq = excluded.seq WHERE devices.seq < excluded.seq`,
		t.id, site, b.Epoch, string(all))
	return nil
}
