package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"parvis/internal/hub/store"
)

// ErrEmpty: the commune has no site that was ever heard.
var ErrEmpty = errors.New("report: no site of the commune was ever heard")

// Read reads what the reports of a commune and its sites are made of. A commune that there is not gives store.ErrUnknown.
func Read(ctx context.Context, t *store.Tenant, m Month, at time.Time) (Input, error) {
	in := Input{Month: m, At: at}
	card, err := t.Card(ctx)
	if err != nil {
		return in, fmt.Errorf("report: read %s: %w", m, err)
	}
	in.Commune = card.Name
	sites, err := t.Sites(ctx)
	if err != nil {
		return in, fmt.Errorf("report: read %s: %w", m, err)
	}
	first, err := t.FirstDays(ctx)
	if err != nil {
		return in, fmt.Errorf("report: read %s: %w", m, err)
	}
	days := map[string][3][]Day{} // by site: of the month, the one before, the one a year ago
	for i, n := range []int{0, -1, -12} {
		number := m.Add(n).number()
		all, err := t.Days(ctx, "", number*100+1, number*100+31)
		if err != nil {
			return in, fmt.Errorf("report: read %s: %w", m, err)
		}
		for _, d := range all {
			of := days[d.Site]
			of[i] = append(of[i], Day{
				Day: d.Day.Day % 100, Measured: d.Measured, Sessions: d.Use.Sum("sessions"), Online: time.Duration(d.Use.Sum("time")) * time.Millisecond, //nolint:gosec // a month
				Peak: uint64(max(d.Peak, 0)), Asked: d.Line.Asked, Down: d.Line.Down, Full: d.Line.Full, //nolint:gosec // not negative
			})
			days[d.Site] = of
		}
	}
	for _, s := range sites {
		zone, err := time.LoadLocation(s.Zone)
		if err != nil {
			return in, fmt.Errorf("report: read %s: site %s: %w", m, s.ID, err)
		}
		in.Zone = cmp.Or(in.Zone, zone) // a commune lies in one
		since := s.Enrolled
		if d, ok := first[s.ID]; ok {
			if began := time.Date(d/10000, time.Month(d/100%100), d%100, 0, 0, 0, 0, zone); since.IsZero() || began.Before(since) {
				since = began // a box that was replaced was enrolled again, and one that was adopted has a history
			}
		}
		if since.IsZero() {
			continue
		}
		of := days[s.ID]
		site := Site{ID: s.ID, Name: s.Name, Since: since, Now: of[0], Before: of[1], YearAgo: of[2]}
		if s.Contact != nil {
			site.Left, site.Contact = s.Contact.Waiting, s.Contact.At
		}
		in.Sites = append(in.Sites, site)
	}
	if len(in.Sites) == 0 {
		return in, ErrEmpty
	}
	return in, nil
}

// number is the month as the database has it: 202611.
func (m Month) number() int { return m.Year*100 + int(m.Month) }
