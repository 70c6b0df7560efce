package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"parvis/internal/control"
	"parvis/internal/database"
	"parvis/internal/lang"
	"parvis/sessions"
	"parvis/sessions/usage"
)

// openUsage opens what is counted. A file that cannot be used stops the daemon, as the other one does: who repairs it decides.
func (d *daemon) openUsage(ctx context.Context) (err error) {
	d.usage, err = usage.Open(ctx, filepath.Join(d.app.cli.State, "usage.db"), usage.Options{
		Clock: d.clock, Location: d.cfg.Site.Hours.Zone, Sessions: func() []sessions.Session { return d.manager.List() },
		Terminal: d.seats.named, Log: d.log,
	})
	if e := (*database.Error)(nil); errors.As(err, &e) {
		return fail(exitRefused, lang.Text{EN: "%s", FR: "%s"}, e.In(d.app.lang))
	}
	if err != nil {
		return refused(err)
	}
	return nil
}

var reportTexts = map[string]lang.Text{
	"help_site_report": {
		EN: "What the place was used for in a month that is over: sessions, devices, minutes. Small numbers are masked.",
		FR: "À quoi le lieu a servi pendant un mois terminé : connexions, appareils, minutes. Les petits nombres sont masqués.",
	},
	"help_report_month": {EN: "The month, as 2026-11; else the last one that is over.", FR: "Le mois, comme 2026-11 ; sinon le dernier mois terminé."},
	"help_report_day":   {EN: "One day of such a month, hour by hour, as 2026-11-24.", FR: "Un jour d'un tel mois, heure par heure, comme 2026-11-24."},
	"help_report_csv":   {EN: "As a table for a spreadsheet: UTF-8 with its mark, semicolons, in French.", FR: "Comme un tableau pour un tableur : UTF-8 avec sa marque, points-virgules."},
}

type siteReportCmd struct {
	Month string `help:"${help_report_month}" placeholder:"MONTH" xor:"of"`
	Day   string `help:"${help_report_day}" placeholder:"DATE" xor:"of"`
	CSV   bool   `help:"${help_report_csv}" xor:"form"`
	JSON  bool   `help:"${help_json}" xor:"form"`
}

func (c siteReportCmd) Run(ctx context.Context, a *app) error {
	r, err := a.client.Report(ctx, control.ReportRequest{Of: c.Month + c.Day})
	switch {
	case err != nil:
		return err
	case c.JSON:
		return a.json(r)
	case c.CSV:
		_, err := a.out.Write(r.Export().CSV())
		return err
	}
	fmt.Fprint(a.out, r.Text())
	return nil
}

// report answers what the socket asks.
func (d *daemon) report(ctx context.Context, r control.ReportRequest) (report usage.Report, err error) {
	zone := d.cfg.Site.Hours.Zone
	now := d.clock.Wall().Time.In(zone)
	of, ask := time.Date(now.Year(), now.Month(), 0, 0, 0, 0, 0, zone), d.usage.Month
	switch len(r.Of) {
	case 0:
	case len("2026-11"):
		of, err = time.ParseInLocation("2006-01", r.Of, zone)
	default:
		of, err = time.ParseInLocation("2006-01-02", r.Of, zone)
		ask = d.usage.Day
	}
	if err != nil {
		return report, control.Refuse(control.BadInput, lang.Text{
			EN: "%q is neither a month nor a day; expected 2026-11 or 2026-11-24",
			FR: "« %s » n'est ni un mois ni un jour ; attendu : 2026-11 ou 2026-11-24",
		}, r.Of)
	}
	report, err = ask(ctx, of)
	if errors.Is(err, usage.ErrNotOver) {
		err = control.Refuse(control.Refused, lang.Text{
			EN: "%s is not over, or nobody has set the clock: a month is shown once it is over, since two sums of a part of it would show the difference",
			FR: "%s n'est pas terminé, ou l'horloge n'est pas à l'heure : un mois est montré quand il est fini, car deux sommes d'une partie du mois montreraient leur différence",
		}, of.Format("2006-01"))
	}
	return report, err
}
