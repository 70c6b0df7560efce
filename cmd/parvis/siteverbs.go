package main

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/sessions"
)

type siteCmd struct {
	Status    siteStatusCmd    `cmd:"" help:"${help_site_status}"`
	Open      siteOpenCmd      `cmd:"" help:"${help_site_open}"`
	Pause     sitePauseCmd     `cmd:"" help:"${help_site_pause}"`
	Resume    siteResumeCmd    `cmd:"" help:"${help_site_resume}"`
	Exception siteExceptionCmd `cmd:"" help:"${help_site_exception}"`
	Report    siteReportCmd    `cmd:"" help:"${help_site_report}"`
	Page      sitePageCmd      `cmd:"" help:"${help_site_page}"`
}

var whyTexts = map[sessions.Cause]lang.Text{
	sessions.ByHours:  {EN: "by its hours", FR: "selon ses horaires"},
	sessions.ByOpened: {EN: "by the desk's gesture", FR: "par un geste de l'accueil"},
	sessions.ByPaused: {EN: "paused by the desk", FR: "en pause, par l'accueil"},
	sessions.ByClock:  {EN: "as it was last: nobody has set the clock", FR: "comme en dernier : l'horloge n'est pas à l'heure"},
}

// place tells whether the place is open.
func (a *app) place(s control.Site) {
	head := lang.Text{EN: "Closed, %s.", FR: "Fermé, %s."}
	if s.Open {
		head = lang.Text{EN: "Open, %s.", FR: "Ouvert, %s."}
	}
	a.printf(head, whyTexts[s.Why])
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		zone = time.Local
	}
	at := func(t time.Time) string { return t.In(zone).Format("2006-01-02 15:04") }
	if !s.Until.IsZero() {
		a.printf(lang.Text{EN: "Until: %s.", FR: "Jusqu'à : %s."}, at(s.Until))
	}
	if !s.Next.IsZero() {
		a.printf(lang.Text{EN: "Opens next: %s.", FR: "Prochaine ouverture : %s."}, at(s.Next))
	}
	a.printf(lang.Text{EN: "A pause would cut now: %d.", FR: "Une pause couperait maintenant : %d."}, s.Bound)
	for _, e := range s.Exceptions {
		a.printf(lang.Text{EN: "Exception: %s", FR: "Exception : %s"}, e)
	}
	for _, o := range s.Outages {
		if o.To.IsZero() {
			a.printf(lang.Text{EN: "Line down since %s.", FR: "Panne de la ligne depuis %s."}, at(o.From))
			continue
		}
		a.printf(lang.Text{
			EN: "Line down from %s to %s: time stood still for %d sessions, %s given back.",
			FR: "Panne de la ligne de %s à %s : %d connexions en attente, %s rendues.",
		}, at(o.From), at(o.To), o.Devices, o.GivenBack.Round(time.Second))
	}
}

type siteStatusCmd struct{ jsonFlag }

func (c siteStatusCmd) Run(ctx context.Context, a *app) error {
	s, err := a.client.Site(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(s)
	}
	a.place(s)
	return nil
}

// gesture makes one and tells what the place is then.
func (a *app) gesture(ctx context.Context, asJSON bool, r control.SiteRequest) error {
	s, err := a.client.Gesture(ctx, r)
	if err != nil {
		return err
	}
	if asJSON {
		return a.json(s)
	}
	if r.Do == control.SitePause {
		a.printf(lang.Text{EN: "Cut: %d.", FR: "Coupées : %d."}, s.Cut)
	}
	a.place(s.Site)
	return nil
}

type siteOpenCmd struct {
	Until string `arg:"" help:"${help_site_until}" placeholder:"WHEN"`
	jsonFlag
}

func (c siteOpenCmd) Run(ctx context.Context, a *app) error {
	return a.gesture(ctx, c.JSON, control.SiteRequest{Do: control.SiteOpen, Until: c.Until})
}

type sitePauseCmd struct {
	Until string `arg:"" help:"${help_site_until}" placeholder:"WHEN"`
	jsonFlag
}

func (c sitePauseCmd) Run(ctx context.Context, a *app) error {
	return a.gesture(ctx, c.JSON, control.SiteRequest{Do: control.SitePause, Until: c.Until})
}

type siteResumeCmd struct{ jsonFlag }

func (c siteResumeCmd) Run(ctx context.Context, a *app) error {
	return a.gesture(ctx, c.JSON, control.SiteRequest{Do: control.SiteResume})
}

type siteExceptionCmd struct {
	Date  string   `arg:"" help:"${help_site_date}" placeholder:"DATE"`
	Hours []string `arg:"" optional:"" help:"${help_site_hours}" placeholder:"HOURS"`
	Drop  bool     `help:"${help_site_drop}"`
	jsonFlag
}

func (c siteExceptionCmd) Run(ctx context.Context, a *app) error {
	if c.Drop == (len(c.Hours) > 0) {
		return fail(exitUsage, lang.Text{
			EN: "site exception: give the hours of that date, fermé, or --drop",
			FR: "site exception : donnez les heures de cette date, fermé, ou --drop",
		})
	}
	r := control.SiteRequest{Do: control.SiteExcept, Exception: c.Date + " " + strings.Join(c.Hours, " ")}
	if c.Drop {
		r = control.SiteRequest{Do: control.SiteDrop, Exception: c.Date}
	}
	return a.gesture(ctx, c.JSON, r)
}

// forOne makes one gesture for one session and tells what it is then.
func (a *app) forOne(ctx context.Context, asJSON bool, r control.DeskRequest) error {
	s, err := a.client.Desk(ctx, r)
	if err != nil {
		return err
	}
	if asJSON {
		return a.json(s)
	}
	a.printf(lang.Text{EN: "Session %s (%s): %s, %s left.", FR: "Connexion %s (%s) : %s, il reste %s."},
		s.ID, s.Code, a.stateOf(s), s.Left.Round(time.Second))
	return nil
}

type sessionExtendCmd struct {
	Which string         `arg:"" help:"${help_session_which}" placeholder:"WHICH"`
	By    *time.Duration `arg:"" optional:"" help:"${help_session_by}" placeholder:"DURATION"`
	Less  *time.Duration `help:"${help_session_less}" placeholder:"DURATION"`
	Past  *time.Duration `help:"${help_session_past}" placeholder:"DURATION"`
	jsonFlag
}

func (c sessionExtendCmd) Run(ctx context.Context, a *app) error {
	given := 0
	for _, d := range []*time.Duration{c.By, c.Less, c.Past} {
		if d != nil && *d >= 0 {
			given++
		}
	}
	if c.Less != nil {
		less := -*c.Less
		c.By = &less
	}
	if given != 1 {
		return fail(exitUsage, lang.Text{
			EN: "session extend: give a duration such as 30m, or --less 15m, or --past 30m",
			FR: "session extend : donnez une durée comme 30m, ou --less 15m, ou --past 30m",
		})
	}
	return a.forOne(ctx, c.JSON, control.DeskRequest{Which: c.Which, Add: c.By, Past: c.Past})
}

type sessionMessageCmd struct {
	Which string `arg:"" help:"${help_session_which}" placeholder:"WHICH"`
	Text  string `arg:"" help:"${help_session_text}" placeholder:"TEXT"`
	jsonFlag
}

func (c sessionMessageCmd) Run(ctx context.Context, a *app) error {
	return a.forOne(ctx, c.JSON, control.DeskRequest{Which: c.Which, Message: &c.Text})
}

type sessionMoveCmd struct {
	Which string     `arg:"" help:"${help_session_which}" placeholder:"WHICH"`
	To    netip.Addr `arg:"" help:"${help_session_to}" placeholder:"IPV4"`
	jsonFlag
}

func (c sessionMoveCmd) Run(ctx context.Context, a *app) error {
	return a.forOne(ctx, c.JSON, control.DeskRequest{Which: c.Which, To: &c.To})
}
