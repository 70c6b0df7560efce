package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"parvis/internal/hublink/wire"
)

// Use is counters by what and word (wire.Whats).
type Use map[string]map[string]uint64

// Of is one counter.
func (u Use) Of(what, word string) uint64 { return u[what][word] }

// Sum is all words of a counter together.
func (u Use) Sum(what string) (n uint64) {
	for _, c := range u[what] {
		n += c
	}
	return n
}

// split makes of {"sessions visite": 3} what it means.
func split(counts map[string]uint64) Use {
	u := Use{}
	for k, n := range counts {
		what, word, _ := strings.Cut(k, " ")
		if u[what] == nil {
			u[what] = map[string]uint64{}
		}
		u[what][word] = n
	}
	return u
}

// Day is what a site has counted in one day of its zone.
type Day struct {
	Day      int           // 20261124; 0 nothing was counted
	Measured time.Duration // in which its daemon counted
	Hours    int           // of which something is known
	Peak     int           // sessions at once
	Line     wire.Quality
	Use      Use
}

// SiteDay is a day of one site.
type SiteDay struct {
	Site string
	Day
}

// Month is what a site has counted in one month of its zone.
type Month struct {
	Site  string
	Month int // 202611
	Day       // its sums; Day.Day is 0
}

// Hour is what a site has counted in one hour. Hours of two boxes are one.
type Hour struct {
	At       time.Time // its beginning
	Day      int       // in the site's zone
	Measured time.Duration
	Peak     int
	Line     wire.Quality
	Use      Use
}

// Devices is how many came on a day: at least, since two runs of the daemon cannot know whom they have both seen.
type Devices struct{ Day, Part, Least int }

// dayRow reads a day.
type dayRow struct {
	n      [10]int64
	counts map[string]uint64
}

func (d *dayRow) fields() (all []any) {
	for i := range d.n {
		all = append(all, &d.n[i])
	}
	return append(all, &d.counts)
}

func (d *dayRow) day() Day {
	return Day{
		Day: int(d.n[0]), Measured: time.Duration(d.n[1]) * time.Millisecond, Hours: int(d.n[2]), Peak: int(d.n[3]),
		Line: wire.Quality{Asked: d.n[4], Down: d.n[5], Lost: d.n[6], Questions: d.n[7], Latency: d.n[8], Full: d.n[9]},
		Use:  split(d.counts),
	}
}

const sumColumns = "measured, hours, peak, asked, down, lost, questions, latency, busy, counts"

// Days are the counted days from one to another, both included, of one site or, with "", of all: by site and day.
func (t *Tenant) Days(ctx context.Context, site string, from, to int) ([]SiteDay, error) {
	rows, err := t.tx.Query(ctx, "SELECT site, day, "+sumColumns+" FROM day WHERE ($1 = '' OR site = $1) AND day BETWEEN $2 AND $3 ORDER BY site, day", site, from, to)
	if err != nil {
		return nil, fmt.Errorf("store: days: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (d SiteDay, err error) {
		var n dayRow
		err = r.Scan(append([]any{&d.Site}, n.fields()...)...)
		d.Day = n.day()
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("store: days: %w", err)
	}
	return all, nil
}

// Tally is a day of one site without its single counters.
type Tally struct {
	Site              string
	Day               int   // 20261124
	Measured, Online  int64 // milliseconds: in which the daemon counted; of all sessions together
	Peak, Asked, Down int64
	Full              int64 // looks at the line, as wire.Quality
	Sessions          int64
}

// Tallies are the counted days of all sites from one to another, both included, by day: a tenth of what Days reads.
func (t *Tenant) Tallies(ctx context.Context, from, to int) ([]Tally, error) {
	rows, err := t.tx.Query(ctx, "SELECT site, day, measured, online, peak, asked, down, busy, sessions FROM day WHERE day BETWEEN $1 AND $2 ORDER BY day", from, to)
	if err != nil {
		return nil, fmt.Errorf("store: tallies: %w", err)
	}
	var (
		all []Tally
		d   Tally
	)
	_, err = pgx.ForEachRow(rows, []any{&d.Site, &d.Day, &d.Measured, &d.Online, &d.Peak, &d.Asked, &d.Down, &d.Full, &d.Sessions}, func() error {
		all = append(all, d)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("store: tallies: %w", err)
	}
	return all, nil
}

// Months are the counted months from one to another, both included, of one site or, with "", of all: by site and month.
func (t *Tenant) Months(ctx context.Context, site string, from, to int) ([]Month, error) {
	rows, err := t.tx.Query(ctx, "SELECT site, month, "+sumColumns+" FROM month WHERE ($1 = '' OR site = $1) AND month BETWEEN $2 AND $3 ORDER BY site, month", site, from, to)
	if err != nil {
		return nil, fmt.Errorf("store: months: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (m Month, err error) {
		var n dayRow
		err = r.Scan(append([]any{&m.Site}, n.fields()...)...)
		m.Day = n.day()
		m.Month, m.Day.Day = m.Day.Day, 0
		return m, err
	})
	if err != nil {
		return nil, fmt.Errorf("store: months: %w", err)
	}
	return all, nil
}

// hourOf is the number of the first hour, in UTC, of a day (20261124) and some days more. The hours of a day of any zone are between those of the
// day before and of two days after: by them PostgreSQL knows which months to look in.
func hourOf(day, add int) int64 {
	return time.Date(day/10000, time.Month(day/100%100), day%100+add, 0, 0, 0, 0, time.UTC).Unix() / 3600
}

// Hours are the counted hours of a site on the days from one to another, both included, by time.
func (t *Tenant) Hours(ctx context.Context, site string, from, to int) ([]Hour, error) {
	rows, err := t.tx.Query(ctx, `SELECT at, day, sum(measured)::bigint, 1::bigint, max(peak)::bigint, sum(asked)::bigint, sum(down)::bigint, sum(lost)::bigint,
		sum(questions)::bigint, sum(latency)::bigint, sum(busy)::bigint, sum_counts(counts ORDER BY epoch)
		FROM hour WHERE site = $1 AND day BETWEEN $2 AND $3 AND at >= $4 AND at < $5 GROUP BY at, day ORDER BY at`,
		site, from, to, hourOf(from, -1), hourOf(to, 2))
	if err != nil {
		return nil, fmt.Errorf("store: hours: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (Hour, error) {
		var (
			at int64
			n  dayRow
		)
		err := r.Scan(append([]any{&at}, n.fields()...)...)
		d := n.day()
		return Hour{time.Unix(at*3600, 0), d.Day, d.Measured, d.Peak, d.Line, d.Use}, err
	})
	if err != nil {
		return nil, fmt.Errorf("store: hours: %w", err)
	}
	return all, nil
}

// Devices are the counts of a site's devices on the days from one to another, both included; what two boxes have counted adds up.
func (t *Tenant) Devices(ctx context.Context, site string, from, to int) ([]Devices, error) {
	rows, err := t.tx.Query(ctx, `SELECT day, part, sum(n)::int FROM (
			SELECT day, part, epoch, max(n) AS n FROM devices WHERE site = $1 AND day BETWEEN $2 AND $3 GROUP BY day, part, epoch
		) AS e GROUP BY day, part ORDER BY day, part`, site, from, to)
	if err != nil {
		return nil, fmt.Errorf("store: devices: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Devices])
	if err != nil {
		return nil, fmt.Errorf("store: devices: %w", err)
	}
	return all, nil
}
