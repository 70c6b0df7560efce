package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"parvis/internal/figure"
)

// column is the five figures of one month of a site or a commune.
type column [5]figure.Figure

var nothing = column{{How: figure.Missing}, {How: figure.Missing}, {How: figure.Missing}, {How: figure.Missing}, {How: figure.Missing}}

// counted is what a site has counted in a month, before anything is masked.
type counted struct {
	measured       bool
	sessions, peak uint64
	online         uint64 // whole hours
	down, full     uint64 // whole minutes
	looked         bool
}

func count(days []Day) counted {
	var c counted
	var online, down, full time.Duration
	for _, d := range days {
		if d.Measured <= 0 {
			continue
		}
		c.measured = true
		c.sessions += d.Sessions
		c.peak = max(c.peak, d.Peak)
		online += d.Online
		if d.Asked > 0 {
			c.looked = true
			down += part(d.Measured, d.Down, d.Asked)
			full += part(d.Measured, d.Full, d.Asked)
		}
	}
	c.online = uint64(online.Round(time.Hour) / time.Hour)
	c.down, c.full = minutes(down), minutes(full)
	return c
}

// part is the share of a time in which so many of all looks found something.
func part(of time.Duration, found, asked int64) time.Duration {
	return time.Duration(float64(of) * float64(found) / float64(asked))
}

func minutes(d time.Duration) uint64 { return uint64(d.Round(time.Minute) / time.Minute) }

// columns are a month's figures of every site, and of all of them together. Sums are those of the sites' whole numbers, so that who adds
// them up finds the same.
func columns(sites []counted) (total column, each []column) {
	each = make([]column, len(sites))
	var parts []uint64
	var at []int
	for i, s := range sites {
		each[i] = nothing
		if s.measured {
			parts, at = append(parts, s.sessions), append(at, i)
		}
	}
	if len(parts) == 0 {
		return nothing, each
	}
	sum, shown := figure.Mask(parts)
	total = column{sum, figure.Of(0), {How: figure.Missing}, {How: figure.Missing}, {How: figure.Missing}}
	var down, full uint64
	looked := false
	for k, i := range at {
		s := sites[i]
		hidden := figure.Figure{How: figure.Hidden}
		each[i] = column{shown[k], hidden, hidden, {How: figure.Missing}, {How: figure.Missing}}
		if shown[k].How == figure.Plain {
			each[i][1], each[i][2] = figure.Of(s.online), figure.Alone(s.peak)
		}
		total[1].Value += s.online
		total[2] = higher(total[2], each[i][2])
		if s.looked {
			looked = true
			each[i][3], each[i][4] = figure.Of(s.down), figure.Of(s.full)
			down += s.down
			full += s.full
		}
	}
	if sum.How != figure.Plain {
		total[1], total[2] = figure.Figure{How: figure.Hidden}, figure.Figure{How: figure.Hidden}
	}
	if looked {
		total[3], total[4] = figure.Of(down), figure.Of(full)
	}
	return total, each
}

// higher is the most at once in one place, of those that are shown.
func higher(a, b figure.Figure) figure.Figure {
	rank := func(f figure.Figure) uint64 {
		switch f.How {
		case figure.Plain:
			if f.Value == 0 {
				return 2
			}
			return 3 + f.Value
		case figure.Few:
			return 3
		case figure.Hidden:
			return 1
		default:
			return 0
		}
	}
	if rank(b) > rank(a) {
		return b
	}
	return a
}

// compute makes the commune's report and the figures of each of its sites. Sites that came after the month are not in it.
func (in Input) compute() (Report, []Site, error) {
	end := in.Month.End(in.Zone)
	if in.At.Before(end) {
		return Report{}, nil, fmt.Errorf("%w: %s ends at %s", ErrNotOver, in.Month, end.Format(time.RFC3339))
	}
	var sites []Site
	for _, s := range in.Sites {
		if s.Since.Before(end) || len(s.Now) > 0 { // a site that was adopted has a history
			sites = append(sites, s)
		}
	}
	slices.SortStableFunc(sites, func(a, b Site) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })

	r := Report{Commune: in.Commune, Month: in.Month, Made: in.At.In(in.Zone), Count: len(sites), Parts: make([]Part, len(sites))}
	for i, s := range sites {
		r.Parts[i] = Part{ID: s.ID, Name: s.Name}
		for k, key := range Keys {
			r.Parts[i].Lines[k].Key, r.Lines[k].Key = key, key
		}
	}
	for k, key := range Keys {
		r.Lines[k].Key = key
	}
	for _, m := range []struct {
		days func(Site) []Day
		cell func(*Line) *figure.Figure
	}{
		{func(s Site) []Day { return s.Now }, func(l *Line) *figure.Figure { return &l.Now }},
		{func(s Site) []Day { return s.Before }, func(l *Line) *figure.Figure { return &l.Before }},
		{func(s Site) []Day { return s.YearAgo }, func(l *Line) *figure.Figure { return &l.YearAgo }},
	} {
		all := make([]counted, len(sites))
		for i, s := range sites {
			all[i] = count(m.days(s))
		}
		total, each := columns(all)
		for k := range Keys {
			*m.cell(&r.Lines[k]) = total[k]
			for i := range each {
				*m.cell(&r.Parts[i].Lines[k]) = each[i][k]
			}
		}
	}
	r.setting(in, sites)
	return r, sites, nil
}

// setting fills in what is said around the figures of some sites: what is missing, what was down, who has not sent everything.
func (r *Report) setting(in Input, sites []Site) {
	end := in.Month.End(in.Zone)
	r.Waiting, r.Outages, r.Gaps = nil, nil, nil
	for _, s := range sites {
		if s.Left > 0 || s.Contact.Before(end) {
			r.Waiting = append(r.Waiting, s.Name)
		}
		r.Outages = append(r.Outages, outages(s)...)
		r.Gaps = append(r.Gaps, gaps(s, in.Month, in.Zone)...)
	}
	r.Provisional = len(r.Waiting) > 0
	r.Outages, r.MoreOutages = longest(r.Outages, func(o Outage) uint64 { return o.Minutes }, func(o Outage) int { return o.Day })
	r.Gaps, r.MoreGaps = longest(r.Gaps, func(g Gap) uint64 { return uint64(g.To - g.From + 1) }, func(g Gap) int { return g.From }) //nolint:gosec // From is not after To
}

// longest keeps those that are named, by their day, and says how many are not.
func longest[T any](all []T, size func(T) uint64, day func(T) int) ([]T, int) {
	slices.SortStableFunc(all, func(a, b T) int { return cmp.Compare(size(b), size(a)) })
	more := max(len(all)-named, 0)
	all = all[:len(all)-more]
	slices.SortStableFunc(all, func(a, b T) int { return cmp.Compare(day(a), day(b)) })
	return all, more
}

func outages(s Site) (all []Outage) {
	for _, d := range s.Now {
		if d.Asked == 0 {
			continue
		}
		if n := minutes(part(d.Measured, d.Down, d.Asked)); n >= 30 {
			all = append(all, Outage{s.Name, d.Day, n})
		}
	}
	return all
}

func gaps(s Site, m Month, zone *time.Location) (all []Gap) {
	measured := map[int]bool{}
	first := m.days() + 1
	for _, d := range s.Now {
		if d.Measured > 0 {
			measured[d.Day] = true
			first = min(first, d.Day)
		}
	}
	switch since := s.Since.In(zone); {
	case since.Before(m.Start(zone)):
		first = 1
	case since.Before(m.End(zone)):
		first = min(first, since.Day())
	}
	for day := first; day <= m.days(); day++ {
		if measured[day] {
			continue
		}
		if n := len(all); n > 0 && all[n-1].To == day-1 {
			all[n-1].To = day
		} else {
			all = append(all, Gap{s.Name, day, day})
		}
	}
	return all
}

// CommuneReport makes the report of all sites. It fails with ErrNotOver.
func (in Input) CommuneReport() (Report, error) {
	r, _, err := in.compute()
	return r, err
}

// SiteReport makes the report of one site. It fails with ErrNotOver and ErrNoSite.
func (in Input) SiteReport(id string) (Report, error) {
	r, sites, err := in.compute()
	if err != nil {
		return Report{}, err
	}
	for i, p := range r.Parts {
		if p.ID == id {
			r.Site, r.SiteID, r.Lines, r.Parts, r.Count = p.Name, p.ID, p.Lines, nil, 1
			r.setting(in, sites[i:i+1])
			return r, nil
		}
	}
	return Report{}, fmt.Errorf("%w: %q in %s", ErrNoSite, id, in.Month)
}
