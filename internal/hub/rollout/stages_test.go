package rollout_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parvis/internal/hub/rollout"
)

func sites(n int, each func(i int, s *rollout.Site)) []rollout.Site {
	all := make([]rollout.Site, n)
	for i := range all {
		all[i].ID = fmt.Sprint("s", i)
		each(i, &all[i])
	}
	return all
}

func first(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprint("s", i))
	}
	return ids
}

func TestAPublicationGoesByStages(t *testing.T) {
	ran := func(k int, d time.Duration) func(int, *rollout.Site) {
		return func(i int, s *rollout.Site) {
			if i < k {
				s.Offered, s.Since = true, d
			}
		}
	}
	for _, tc := range []struct {
		name string
		all  []rollout.Site
		want rollout.Next
	}{
		{"nobody is there", nil, rollout.Next{State: rollout.Done, Stage: 3}},
		{"it begins with one", sites(40, ran(0, 0)), rollout.Next{State: rollout.Going, Stage: 1, Offer: first(1)}},
		{"it waits for that one", sites(40, ran(1, rollout.Soak-1)), rollout.Next{State: rollout.Going, Stage: 1}},
		{"then a tenth", sites(40, ran(1, rollout.Soak)), rollout.Next{State: rollout.Going, Stage: 2, Offer: first(4)[1:]}},
		{"it waits for the tenth", sites(40, ran(4, 0)), rollout.Next{State: rollout.Going, Stage: 2}},
		{"then all", sites(40, ran(4, rollout.Soak)), rollout.Next{State: rollout.Going, Stage: 3, Offer: first(40)[4:]}},
		{"all are told", sites(40, ran(40, 0)), rollout.Next{State: rollout.Done, Stage: 3}},
		{"of two sites the second is the tenth", sites(2, ran(1, rollout.Soak)), rollout.Next{State: rollout.Going, Stage: 2, Offer: []string{"s1"}}},
		{
			"one went back", sites(40, func(i int, s *rollout.Site) { s.Offered, s.Back = i < 4, i == 2 }),
			rollout.Next{State: rollout.Stopped, Stage: 2, Back: []string{"s2"}},
		},
		{
			"who is away is not the first", sites(3, func(i int, s *rollout.Site) { s.Away = i == 0 }),
			rollout.Next{State: rollout.Going, Stage: 1, Offer: []string{"s1"}},
		},
		{
			"nobody waits for who is away", sites(40, func(i int, s *rollout.Site) {
				ran(4, rollout.Soak)(i, s)
				if i == 3 {
					s.Away, s.Since = true, 0
				}
			}), rollout.Next{State: rollout.Going, Stage: 3, Offer: first(40)[4:]},
		},
		{
			"who is away proves nothing", sites(40, func(i int, s *rollout.Site) { s.Offered, s.Away, s.Since = i == 0, i == 0, time.Hour }),
			rollout.Next{State: rollout.Going, Stage: 1},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if d := cmp.Diff(tc.want, rollout.Step(tc.all)); d != "" {
				t.Error(d)
			}
		})
	}
}

// However sites behave, a site that went back ends the telling, no stage begins before the one before it has proved itself, and where
// all behave everybody is told.
func TestNoSiteIsToldTooEarly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "sites")
		bad := rapid.IntRange(-1, n-1).Draw(t, "bad")
		all := sites(n, func(int, *rollout.Site) {})
		told := func() (k int) {
			for _, s := range all {
				if s.Offered {
					k++
				}
			}
			return k
		}
		for range 20 {
			before := told()
			soaked := before > 0 && !slices.ContainsFunc(all, func(s rollout.Site) bool { return s.Offered && s.Since < rollout.Soak })
			next := rollout.Step(all)
			if len(next.Offer) > 0 && before > 0 && !soaked {
				t.Fatalf("%d were told, not all well, and %v are told now", before, next.Offer)
			}
			for _, id := range next.Offer {
				i := slices.IndexFunc(all, func(s rollout.Site) bool { return s.ID == id })
				all[i].Offered = true
			}
			switch {
			case told() > max(1, before) && told() > max(2, (n+9)/10) && before < min(n, max(2, (n+9)/10)):
				t.Fatalf("from %d to %d of %d in one step", before, told(), n)
			case bad >= 0 && all[bad].Offered:
				all[bad].Back = true
				now := told()
				if next := rollout.Step(all); next.State != rollout.Stopped || next.Offer != nil || told() != now {
					t.Fatalf("a site went back: %+v", next)
				}
				return
			}
			for i := range all {
				if all[i].Offered {
					all[i].Since += rapid.SampledFrom([]time.Duration{rollout.Soak / 2, rollout.Soak}).Draw(t, "ran")
				}
			}
			if next.State == rollout.Done {
				if told() != n {
					t.Fatalf("done with %d of %d", told(), n)
				}
				return
			}
		}
		t.Fatalf("not done: %d of %d", told(), n)
	})
}
