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

// Outline is what Read reads, without a count: who asks only whether there is a report waits for no more.
func Outline(ctx context.Context, t *store.Tenant, m Month, at time.Time) (Input, error) {
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
	zones := map[string]*time.Location{} // of few names
	for _, s := range sites {
		zone := zones[s.Zone]
		if zone == nil {
			if zone, err = time.LoadLocation(s.Zone); err != nil {
				return in, fmt.Errorf("report: read %s: site %s: %w", m, s.ID, err)
			}
			zones[s.Zone] = zone
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
		site := Site{ID: s.ID, Name: s.Name, Since: since}
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

// Read reads what the reports of a commune and its sites are made of. A commune that there is not gives store.ErrUnknown.
func Read(ctx context.Context, t *store.Tenant, m Month, at time.Time) (Input, error) {
	in, err := Outline(ctx, t, m, at)
	if err != nil {
		return in, err
	}
	of := make(map[string]*Site, len(in.Sites))
	for i := range in.Sites {
		of[in.Sites[i].ID] = &in.Sites[i]
	}
	for _, month := range []struct {
		ago int
		to  func(*Site) *[]Day
	}{
		{0, func(s *Site) *[]Day { return &s.Now }},
		{1, func(s *Site) *[]Day { return &s.Before }},
		{12, func(s *Site) *[]Day { return &s.YearAgo }},
	} {
		number := m.Add(-month.ago).number()
		all, err := t.Tallies(ctx, number*100+1, number*100+31)
		if err != nil {
			return in, fmt.Errorf("report: read %s: %w", m, err)
		}
		for _, d := range all {
			if s := of[d.Site]; s != nil {
				to := month.to(s)
				*to = append(*to, Day{
					Day: d.Day % 100, Measured: time.Duration(d.Measured) * time.Millisecond, Sessions: whole(d.Sessions), Online: time.Duration(d.Online) * time.Millisecond,
					Peak: whole(d.Peak), Asked: d.Asked, Down: d.Down, Full: d.Full,
				})
			}
		}
	}
	return in, nil
}

// number is the month as the database has it: 202611.
func (m Month) number() int { return m.Year*100 + int(m.Month) }

// whole is a count, which is never negative.
func whole(n int64) uint64 { return uint64(max(n, 0)) } //nolint:gosec // not negative
