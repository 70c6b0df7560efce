package sessions_test

import (
	"testing"
	"time"

	"parvis/internal/clock"
	"parvis/sessions/hours"
)

// The beginning is at 14:42.
func TestTheLastClosingOfADay(t *testing.T) {
	for name, c := range map[string]struct {
		week string
		do   func(w *world) error
		want time.Time
	}{
		"by the hours":               {week: "lun-dim 9:00-16:00", want: today(16, 0)},
		"after a break":              {week: "lun-dim 9:00-15:00 16:00-18:00", want: today(18, 0)},
		"of hours that come only":    {week: "lun-dim 17:00-19:30", want: today(19, 30)},
		"of hours past midnight":     {week: "lun-dim 0:00-24:00"},
		"when hours are over":        {week: "lun-dim 9:00-12:00"},
		"the desk has opened longer": {week: "lun-dim 9:00-16:00", do: func(w *world) error { return w.OpenUntil(w.t.(*testing.T).Context(), today(20, 0)) }, want: today(20, 0)},
		"the clock is not known": {week: "lun-dim 9:00-16:00", do: func(w *world) error {
			w.clock.Reboot("b2")
			w.clock.SetWall(clock.Wall{Time: today(14, 42), Quality: clock.Unknown})
			w.restart()
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			week, err := hours.ParseWeek(c.week)
			if err != nil {
				t.Fatal(err)
			}
			w.opts.Hours = hours.New(hours.Config{Week: []hours.Week{week}})
			w.restart()
			if c.do != nil {
				if err := c.do(w); err != nil {
					t.Fatal(err)
				}
			}
			if got := w.Closing(today(24, 0)); !got.Equal(c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestAPlaceThatIsAlwaysOpenNeverCloses(t *testing.T) {
	if got := newWorld(t).Closing(today(24, 0)); !got.IsZero() {
		t.Error(got)
	}
}
