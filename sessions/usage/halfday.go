package usage

import (
	"context"
	"fmt"
	"time"
)

// HalfDay returns the draft of a part of a day, for the mediator who was there.
func (u *Usage) HalfDay(ctx context.Context, t time.Time, part Part, place string, workshops []Workshop) (HalfDay, error) {
	y, m, d := t.In(u.o.Location).Date()
	from, to, n := time.Date(y, m, d, 0, 0, 0, 0, u.o.Location), time.Date(y, m, d, noon, 0, 0, 0, u.o.Location), morning
	if part == Afternoon {
		from, to, n = to, from.AddDate(0, 0, 1), afternoon
	}
	h := HalfDay{Place: place, Day: from, Part: part}
	if now, known := u.now(); known && now.Before(to) {
		to = now // of today, until now
	}
	hours, err := u.db.hours(ctx, from.Unix()/3600, (to.Unix()+3599)/3600)
	if err != nil {
		return h, err
	}
	devices, err := u.db.devices(ctx, number(from), number(from))
	if err != nil {
		return h, err
	}
	p := period{from, to, hours}
	u.unwritten(p)
	h.Measured, _ = p.measured()
	h.Devices = rough(devices[dayPart{number(from), n}].least)
	if h.Measured == Never {
		h.Devices = Figure{How: Missing}.String()
	}
	if pages := p.sum("pages"); pages > 0 {
		h.Pages = rough(pages)
	}
	for _, w := range workshops {
		if began := w.Began.In(u.o.Location); number(began) == number(from) && PartOf(began) == part {
			w.Began = began
			h.Workshops = append(h.Workshops, w)
		}
	}
	return h, nil
}

// unwritten adds to the hours of p how much of them was measured since the disk was last written.
func (u *Usage) unwritten(p period) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for at, h := range u.hours {
		if at < p.from.Unix()/3600 || at > p.to.Unix()/3600 {
			continue
		}
		if p.hours[at] == nil {
			p.hours[at] = &hourRow{}
		}
		p.hours[at].measured += h.measured
	}
}

// rough says about how many.
func rough(n uint64) string {
	steps := []uint64{Least, 10, 20, 50, 100, 200, 500}
	if n == 0 {
		return "0"
	}
	if n < Least {
		return Figure{How: Few}.String()
	}
	for i, s := range steps[:len(steps)-1] {
		if n < steps[i+1] {
			return fmt.Sprintf("de %d à %d", s, steps[i+1]-1)
		}
	}
	return fmt.Sprintf("%d ou plus", steps[len(steps)-1])
}
