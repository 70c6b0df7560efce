package report_test

import (
	"fmt"
	"time"

	"parvis/internal/hub/report"
)

var paris = func() *time.Location {
	z, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		panic(err)
	}
	return z
}()

var november = report.Month{Year: 2026, Month: time.November}

// full is a month of days that are all measured, with so many sessions and looks that found the line down in each.
func full(m report.Month, sessions, down uint64) (days []report.Day) {
	for d := m.Start(paris); d.Before(m.End(paris)); d = d.AddDate(0, 0, 1) {
		days = append(days, report.Day{
			Day: d.Day(), Measured: 24 * time.Hour, Sessions: sessions, Online: time.Duration(sessions) * 40 * time.Minute,
			Peak: sessions / 3, Asked: 1440, Down: int64(down), Full: int64(2 * down),
		})
	}
	return days
}

// site has sent everything.
func site(name string, now, before, yearAgo []report.Day) report.Site {
	return report.Site{
		ID: "s-" + name, Name: name, Since: time.Date(2025, 1, 1, 0, 0, 0, 0, paris), Contact: time.Date(2026, 12, 1, 0, 5, 0, 0, paris),
		Now: now, Before: before, YearAgo: yearAgo,
	}
}

func commune(sites ...report.Site) report.Input {
	return report.Input{Commune: "Commune du Parvis", Month: november, Zone: paris, At: time.Date(2026, 12, 2, 8, 0, 0, 0, paris), Sites: sites}
}

// town is a commune with something of everything.
func town() report.Input {
	library, house, hall := full(november, 60, 0), full(november, 21, 0), full(november, 4, 3)
	library[11].Down, library[11].Full = 200, 90
	house[2].Measured, house[3].Measured, house[4].Measured = 0, 0, 0
	house[8].Measured = 0
	october, yearAgo := report.Month{Year: 2026, Month: time.October}, report.Month{Year: 2025, Month: time.November}
	return commune(
		site("Médiathèque", library, full(october, 55, 0), full(yearAgo, 40, 0)),
		site("Maison des habitants", house, full(october, 18, 1), nil),
		site("Mairie", hall, full(october, 5, 0), nil),
	)
}

// many is a commune with n sites.
func many(n int) report.Input {
	var sites []report.Site
	for i := range n {
		sites = append(sites, site(fmt.Sprintf("Lieu %03d", i), full(november, uint64(10+i), 1), nil, nil))
	}
	return commune(sites...)
}
