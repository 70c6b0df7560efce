package usage

import (
	"context"
	"errors"
	"time"

	"parvis/internal/figure"
)

// ErrNotOver: a month is shown once it is over. Sums of a part of it, and later of a larger part, would show the difference, which
// may be one person's visit.
var ErrNotOver = errors.New("usage: the month is not over yet")

// Measure says how much of a time was measured.
type Measure string

// The measures.
const (
	Whole  Measure = "whole"
	Partly Measure = "partly"
	Never  Measure = "never"
)

// Count is one word's part of a whole.
type Count struct {
	Word  string `json:"word"`
	Count Figure `json:"count"`
}

// ProfileUse is what sessions of one profile have used.
type ProfileUse struct {
	Profile  string `json:"profile"`
	Sessions Figure `json:"sessions"`
	Minutes  Figure `json:"minutes"`
	Bytes    Figure `json:"bytes"` // both ways together
}

// Row is one day of a month, or one hour of a day.
type Row struct {
	From     time.Time `json:"from"`
	Measured Measure   `json:"measured"`
	Sessions Figure    `json:"sessions"`
	Peak     Figure    `json:"peak"`    // sessions at once
	Devices  Figure    `json:"devices"` // different ones; of a day alone
	// AtLeast: the daemon was restarted on that day, and what the two runs have in common is not known.
	AtLeast bool `json:"devices_at_least"`
}

// Report is what may be shown of a month or of a day.
type Report struct {
	From     time.Time `json:"from"`
	To       time.Time `json:"to"` // not included
	Measured Measure   `json:"measured"`
	Hours    int       `json:"measured_hours"`
	Sessions Figure    `json:"sessions"`
	Minutes  Figure    `json:"minutes"`
	Bytes    Figure    `json:"bytes"`
	Peak     Figure    `json:"peak"` // of the days that are shown
	Rows     []Row     `json:"rows"`

	// Of a month alone.
	Profiles  []ProfileUse `json:"profiles,omitempty"`
	Openers   []Count      `json:"openers,omitempty"`
	Languages []Count      `json:"languages,omitempty"`
	Kinds     []Count      `json:"kinds,omitempty"` // estimated
	Refused   []Count      `json:"refused,omitempty"`
	Refusals  Figure       `json:"refusals"`
	Pages     Figure       `json:"pages"` // printed from terminals
}

// Printed reports whether there is something to say of pages: a place without a printer never printed one.
func (r Report) Printed() bool { return r.Pages != figure.Of(0) }

// now is the place's time, and whether it is known.
func (u *Usage) now() (time.Time, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.civil(u.o.Clock.Boot())
}

// Month returns what may be shown of the month that t is in. It fails with ErrNotOver until that month is over.
func (u *Usage) Month(ctx context.Context, t time.Time) (Report, error) {
	y, m, _ := t.In(u.o.Location).Date()
	from := time.Date(y, m, 1, 0, 0, 0, 0, u.o.Location)
	to := from.AddDate(0, 1, 0)
	if now, known := u.now(); !known || now.Before(to) {
		return Report{}, ErrNotOver
	}
	p, err := u.read(ctx, from, to)
	if err != nil {
		return Report{}, err
	}
	devices, err := u.db.devices(ctx, number(from), number(to.AddDate(0, 0, -1)))
	if err != nil {
		return Report{}, err
	}
	r := p.report()
	var days []period
	for d := from; d.Before(to); d = d.AddDate(0, 0, 1) {
		days = append(days, p.within(d, d.AddDate(0, 0, 1)))
	}
	r.Rows = rows(days, r.Measured)
	for i, d := range days {
		r.Rows[i].number(devices[dayPart{number(d.from), whole}])
	}
	r.Peak = highest(r.Rows)
	return r, nil
}

// highest is the most at once on the days that are shown: that of a hidden one would say how many sessions it had at least.
func highest(rows []Row) Figure {
	best := Figure{How: Missing}
	for _, r := range rows {
		switch p := r.Peak; {
		case p.How == Missing:
		case best.How == Missing, p.How == Plain && p.Value > best.Value, p.How > best.How && best == figure.Of(0):
			best = p
		case p.How == Few && best.How == Hidden:
			best = p
		}
	}
	return best
}

// Day returns what may be shown of the day that t is in. It fails with ErrNotOver until its month is over: which days are
// hidden is decided then.
func (u *Usage) Day(ctx context.Context, t time.Time) (Report, error) {
	month, err := u.Month(ctx, t)
	if err != nil {
		return Report{}, err
	}
	y, m, d := t.In(u.o.Location).Date()
	from := time.Date(y, m, d, 0, 0, 0, 0, u.o.Location)
	to := from.AddDate(0, 0, 1)
	p, err := u.read(ctx, from, to)
	if err != nil {
		return Report{}, err
	}
	measured, hours := p.measured()
	row := month.Rows[d-1]
	r := Report{From: from, To: to, Measured: measured, Hours: hours, Sessions: row.Sessions, Peak: row.Peak}
	var all []period
	for h := from; h.Before(to); h = h.Add(time.Hour) {
		all = append(all, p.within(h, h.Add(time.Hour)))
	}
	r.Rows = rows(all, measured)
	if row.Sessions.How != Plain { // its hours would say what the day does not
		for i := range r.Rows {
			r.Rows[i].hide()
		}
	}
	hidden := Figure{How: Hidden}
	if row.Sessions.How == Missing {
		hidden.How = Missing
	}
	r.Minutes, r.Bytes, r.Refusals, r.Pages = hidden, hidden, hidden, hidden // are shown of a whole month
	return r, nil
}

// report is what a month says but for its days.
func (p period) report() Report {
	r := Report{From: p.from, To: p.to}
	r.Measured, r.Hours = p.measured()
	if r.Measured == Never {
		none := Figure{How: Missing}
		r.Sessions, r.Minutes, r.Bytes, r.Peak, r.Refusals, r.Pages = none, none, none, none, none, none
		return r
	}
	split := func(what string) (Figure, []Count) {
		words, sums := p.words(what)
		total, shown := figure.Mask(sums)
		counts := make([]Count, len(words))
		for i, w := range words {
			counts[i] = Count{w, shown[i]}
		}
		return total, counts
	}
	r.Sessions, r.Openers = split("opener")
	_, r.Languages = split("language")
	_, r.Kinds = split("kind")
	r.Refusals, r.Refused = split("refused")
	r.Pages = beside(r.Sessions, p.sum("pages"))
	r.Minutes, r.Bytes = beside(r.Sessions, p.sum("time")/60_000), beside(r.Sessions, p.sum("bytes"))
	_, profiles := split("sessions")
	times, bytes := p.by("time"), p.by("bytes")
	for _, c := range profiles {
		r.Profiles = append(r.Profiles, ProfileUse{
			Profile: c.Word, Sessions: c.Count,
			Minutes: with(c.Count, times[c.Word]/60_000), Bytes: with(c.Count, bytes[c.Word]),
		})
		delete(times, c.Word)
	}
	if len(times) > 0 { // of a session that was opened before: the sums would show what is missing among the profiles
		r.Minutes, r.Bytes = Figure{How: Hidden}, Figure{How: Hidden}
	}
	return r
}

// with is a number about the sessions that count says: not shown where those are not.
func with(count Figure, n uint64) Figure {
	if count.How == Plain {
		return figure.Of(n)
	}
	return Figure{How: Hidden}
}

// beside is a number about everything.
func beside(total Figure, n uint64) Figure {
	if total.How != Plain {
		return Figure{How: Hidden}
	}
	return figure.Alone(n)
}

// rows are the parts of a whole, masked together.
func rows(parts []period, measured Measure) []Row {
	sums := make([]uint64, len(parts))
	for i, p := range parts {
		sums[i] = p.sum("sessions")
	}
	_, shown := figure.Mask(sums)
	all := make([]Row, len(parts))
	for i, p := range parts {
		all[i] = Row{From: p.from, Sessions: shown[i], Peak: figure.Alone(p.peak()), Devices: Figure{How: Missing}}
		all[i].Measured, _ = p.measured()
		switch {
		case all[i].Measured == Never || measured == Never:
			none := Figure{How: Missing}
			all[i].Sessions, all[i].Peak = none, none
		case shown[i].How != Plain: // there are as many sessions as the most at once, or more
			all[i].Peak = Figure{How: Hidden}
		}
	}
	return all
}

// number sets the devices of a day. They are not more than its sessions: where these are hidden, so are they.
func (r *Row) number(n span) {
	switch {
	case r.Measured == Never:
		r.Devices = Figure{How: Missing}
	case r.Sessions.How != Plain:
		r.Devices = Figure{How: Hidden}
	default:
		r.Devices, r.AtLeast = figure.Alone(n.least), n.most > n.least
	}
}

func (r *Row) hide() {
	if r.Measured != Never {
		r.Sessions, r.Peak, r.Devices = Figure{How: Hidden}, Figure{How: Hidden}, Figure{How: Hidden}
	}
}
