package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parvis/portal/console"
	"parvis/sessions"
	"parvis/sessions/usage"
)

// balance is the console's page of what was counted: the counts in words and tables.
type balance struct {
	usage   *usage.Usage
	manager *sessions.Manager
	place   string
	zone    *time.Location
}

func (d *daemon) balance() balance {
	return balance{d.usage, d.manager, d.cfg.Site.Name, d.cfg.Site.Hours.Zone}
}

// label is a profile's, as people read it; that of the past its name.
func (b balance) label(name string) string {
	for _, p := range b.manager.Profiles() {
		if p.Name == name {
			return p.Label
		}
	}
	return name
}

// HalfDay implements console.Usage.
func (b balance) HalfDay(ctx context.Context, day time.Time, afternoon bool) (console.Draft, error) {
	var over []usage.Workshop
	for _, w := range b.manager.Workshops() {
		if w.State == sessions.Over && !w.Start.IsZero() {
			over = append(over, usage.Workshop{Title: w.Title, Began: w.Start, Length: w.Length, Heads: w.Heads, Devices: w.Devices})
		}
	}
	part := usage.Morning
	if afternoon {
		part = usage.Afternoon
	}
	h, err := b.usage.HalfDay(ctx, day, part, b.place, over)
	if err != nil {
		return console.Draft{}, err
	}
	return console.Draft{Text: h.Text(), CSV: h.CSV()}, nil
}

// Month implements console.Usage.
func (b balance) Month(ctx context.Context, t time.Time) (console.Month, error) {
	r, err := b.usage.Month(ctx, t)
	switch {
	case errors.Is(err, usage.ErrNotOver):
		return console.Month{}, console.ErrNotOver
	case err != nil:
		return console.Month{}, err
	}
	m := console.Month{Facts: []console.Fact{
		{Name: "Connexions", Value: r.Sessions.String()},
		{Name: "Minutes", Value: r.Minutes.String()},
		{Name: "Volume (Mo)", Value: megabytes(r.Bytes)},
		{Name: "En même temps, au plus", Value: r.Peak.String()},
		{Name: "Refus", Value: r.Refusals.String()},
	}}
	if r.Printed() {
		m.Facts = append(m.Facts, console.Fact{Name: "Pages imprimées", Value: r.Pages.String()})
	}
	switch r.Measured {
	case usage.Never:
		m.Remark = "Il n'y a pas de mesure de ce mois."
	case usage.Partly:
		m.Remark = fmt.Sprintf("Le comptage n'a pas marché tout le mois : %d heures sont comptées.", r.Hours)
	}
	m.Tables = b.tables(r)
	for i, p := range r.Profiles {
		r.Profiles[i].Profile = b.label(p.Profile)
	}
	m.CSV = r.Export().CSV()
	return m, nil
}

func (b balance) tables(r usage.Report) []console.Table {
	days := console.Table{Title: "Jour par jour", Head: []string{"Jour", "Connexions", "En même temps, au plus", "Appareils"}}
	for _, row := range r.Rows {
		devices := row.Devices.String()
		if row.AtLeast {
			devices = "au moins " + devices
		}
		days.Lines = append(days.Lines, []string{row.From.In(b.zone).Format("02/01/2006"), row.Sessions.String(), row.Peak.String(), devices})
	}
	profiles := console.Table{Title: "Par type de connexion", Head: []string{"Type", "Connexions", "Minutes", "Volume (Mo)"}}
	for _, p := range r.Profiles {
		profiles.Lines = append(profiles.Lines, []string{b.label(p.Profile), p.Sessions.String(), p.Minutes.String(), megabytes(p.Bytes)})
	}
	tables := []console.Table{days, profiles}
	for _, counts := range []struct {
		title, of string
		list      []usage.Count
	}{
		{"Connexions ouvertes", "Comment", r.Openers},
		{"Langue de la page", "Langue", r.Languages},
		{"Appareils (estimation)", "Genre", r.Kinds},
		{"Refus", "Raison", r.Refused},
	} {
		t := console.Table{Title: counts.title, Head: []string{counts.of, "Nombre"}}
		for _, c := range counts.list {
			t.Lines = append(t.Lines, []string{usage.Word(c.Word), c.Count.String()})
		}
		if len(t.Lines) > 0 {
			tables = append(tables, t)
		}
	}
	return tables
}

func megabytes(f usage.Figure) string {
	if f.How == usage.Plain {
		f.Value /= 1_000_000
	}
	return f.String()
}
