package scenes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parvis/internal/hub/store"
	"parvis/internal/hublink/wire"
)

// madeDays is how long the history of a made place is: the last month that is whole is in it, for its report.
const madeDays = 62

// madeSite is a place that nobody runs. Its name says so on every page; its numbers are made of the calendar alone.
type madeSite struct {
	name   string
	people int // in a usual hour
	now    wire.Now

	id    string
	batch wire.Batch
}

func madeSites() []*madeSite {
	now := func(open int, line wire.Line, problems ...wire.Problem) wire.Now {
		return wire.Now{
			Version: "exemple", Up: 86400, Clock: "synchronised", Place: "open", Open: open, Slots: 60, Line: line, Problems: problems,
			Terminals: []wire.Terminal{{ID: "poste-1", State: "open"}, {ID: "poste-2", State: "locked"}}, Expires: map[string]int{"portal": 61, "console": 61},
		}
	}
	return []*madeSite{
		{name: "Maison du lac (exemple)", people: 9, now: now(7, wire.Line{Up: true, Latency: 18, Down: 35, Upload: 12})},
		{name: "Médiathèque des tilleuls (exemple)", people: 14, now: now(12, wire.Line{Up: true, Latency: 24, Down: 41, Upload: 15})},
		{name: "Mairie annexe (exemple)", people: 3, now: now(2, wire.Line{Up: true, Latency: 310, Loss: 6, Down: 8, Upload: 3}, wire.Problem{Code: "line-slow"})},
	}
}

// populate makes the commune: the made places with their history, and the stage's own, which has no box yet.
func (c *centre) populate(ctx context.Context, now time.Time) error {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return fmt.Errorf("scenes: hub: %w", err)
	}
	if err := c.store.AddTenant(ctx, commune, communeName); err != nil {
		return err
	}
	c.made = madeSites()
	return c.store.Tenant(ctx, commune, func(t *store.Tenant) error {
		home, err := t.AddSite(ctx, homeName, zone.String())
		if err != nil {
			return err
		}
		c.home = home.ID
		for i, m := range c.made {
			s, err := t.AddSite(ctx, m.name, zone.String())
			if err != nil {
				return err
			}
			m.id, m.batch = s.ID, wire.Batch{Epoch: fmt.Sprintf("%016x", i+1), Now: m.now}
			if err := m.remember(ctx, t, now, zone); err != nil {
				return err
			}
		}
		return nil
	})
}

// remember sends the days before now, day by day.
func (m *madeSite) remember(ctx context.Context, t *store.Tenant, now time.Time, zone *time.Location) error {
	for back := madeDays - 1; back >= 0; back-- {
		day := now.In(zone).AddDate(0, 0, -back)
		sum := 0
		for hour := 9; hour < 18; hour++ {
			at := time.Date(day.Year(), day.Month(), day.Day(), hour, 0, 0, 0, zone)
			if at.After(now) {
				continue
			}
			n := m.guests(day, hour)
			sum += n
			m.batch.Seq++
			m.batch.Hours = append(m.batch.Hours, hourOf(n, at.Unix()/3600, m.batch.Seq, m.now.Line))
		}
		if sum > 0 {
			m.batch.Seq++
			m.batch.Days = append(m.batch.Days, wire.Day{Day: day.Year()*10000 + int(day.Month())*100 + day.Day(), Run: m.batch.Epoch, N: sum * 2 / 3, Seq: m.batch.Seq})
		}
		if err := m.say(ctx, t, now); err != nil {
			return err
		}
	}
	return nil
}

// guests is how many came in an hour: none on Sundays, few at lunch, more on Wednesdays.
func (m *madeSite) guests(day time.Time, hour int) int {
	if day.Weekday() == time.Sunday {
		return 0
	}
	n := m.people * []int{4, 7, 9, 4, 3, 8, 10, 9, 6}[hour-9] / 10
	if day.Weekday() == time.Wednesday {
		n += n / 2
	}
	return n + (day.YearDay()*7+hour*3)%4
}

func hourOf(n int, at, seq int64, line wire.Line) wire.Hour {
	h := wire.Hour{At: at, Seq: seq, Measured: 3_600_000, Peak: n * 3 / 4, Line: wire.Quality{
		Asked: 60, Questions: 180, Lost: int64(180 * line.Loss / 100), Latency: int64((180 - 180*line.Loss/100) * line.Latency),
	}}
	for _, c := range []struct {
		what, word string
		n          int
	}{
		{"sessions", "visite", n},
		{"sessions", "carte", n / 3},
		{"time", "visite", n * 2_100_000},
		{"time", "carte", n / 3 * 3_000_000},
		{"bytes", "visite", n * 48_000_000},
		{"bytes", "carte", n / 3 * 90_000_000},
		{"opener", "portal", n},
		{"opener", "voucher", n / 3},
		{"language", "fr", n - n/5},
		{"language", "ar", n / 5},
		{"kind", "phone", n - n/4},
		{"kind", "computer", n / 4},
		{"terminal-sessions", "poste-1", n / 4},
		{"terminal-time", "poste-1", n / 4 * 1_500_000},
	} {
		if c.n > 0 {
			h.Counts = append(h.Counts, wire.Count{What: c.what, Word: c.word, N: uint64(c.n)})
		}
	}
	return h
}

// say gives the hub what waits in the batch, or a sign of life alone.
func (m *madeSite) say(ctx context.Context, t *store.Tenant, now time.Time) error {
	m.batch.Sent = now.Unix()
	if err := m.batch.Check(); err != nil {
		return err
	}
	_, err := t.Take(ctx, m.id, m.batch, now)
	m.batch.Hours, m.batch.Days = nil, nil
	return err
}

// signs lets every made place say that it is there, as a place does each minute.
func (c *centre) signs(ctx context.Context, now time.Time) error {
	err := c.store.Tenant(ctx, commune, func(t *store.Tenant) error {
		for _, m := range c.made {
			if err := m.say(ctx, t, now); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, store.ErrBusy) {
		return nil // another minute comes
	}
	return err
}
