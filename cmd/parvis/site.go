package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"parvis/internal/config"
	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/sessions"
	"parvis/sessions/hours"
)

// deskTexts are the help texts of what the desk does.
var deskTexts = map[string]lang.Text{
	"help_site":        {EN: "Opening hours of the place.", FR: "Ouverture du lieu."},
	"help_site_status": {EN: "Say whether the place is open, until when and why.", FR: "Dit si le lieu est ouvert, jusqu'à quand et pourquoi."},
	"help_site_open": {
		EN: "Open until a time, whatever the hours say; ends a pause.",
		FR: "Ouvre jusqu'à une heure, quels que soient les horaires ; met fin à une pause.",
	},
	"help_site_pause": {
		EN: "Close until a time and cut everybody but the staff. It ends by itself; unused time is kept.",
		FR: "Ferme jusqu'à une heure et coupe tout le monde, sauf l'équipe. La pause finit toute seule ; le temps restant est gardé.",
	},
	"help_site_resume":    {EN: "End a pause or an opening: the hours decide again.", FR: "Met fin à une pause ou à une ouverture : les horaires décident à nouveau."},
	"help_site_exception": {EN: "Make one date otherwise than the week.", FR: "Fait d'une date un jour différent de la semaine."},
	"help_site_until":     {EN: "18:00, \"2026-12-24 18:00\", or a duration such as 30m; within a day.", FR: "18:00, « 2026-12-24 18:00 », ou une durée comme 30m ; d'ici un jour."},
	"help_site_date":      {EN: "The date, as 2026-12-24.", FR: "La date, comme 2026-12-24."},
	"help_site_hours":     {EN: "Its hours, as 9:00-12:00 14:00-18:00, or: fermé.", FR: "Ses heures, comme 9:00-12:00 14:00-18:00, ou : fermé."},
	"help_site_drop":      {EN: "Take the exception of this date back.", FR: "Annule l'exception de cette date."},

	"help_session_extend":  {EN: "Give one session more time, or less.", FR: "Donne plus de temps à une connexion, ou moins."},
	"help_session_message": {EN: "Show a message on one person's page. No name of a person.", FR: "Affiche un message sur la page d'une personne. Pas de nom de personne."},
	"help_session_move":    {EN: "The same person's device has another address: move the session there.", FR: "L'appareil de la même personne a changé d'adresse : y déplace la connexion."},
	"help_session_which":   {EN: "Number, code, MAC or IPv4 address of the session.", FR: "Numéro, code, adresse MAC ou IPv4 de la connexion."},
	"help_session_by":      {EN: "How much, such as 30m.", FR: "Combien, comme 30m."},
	"help_session_less":    {EN: "So much less.", FR: "Autant en moins."},
	"help_session_past":    {EN: "So long after the place's closing, at most 1h.", FR: "Autant après la fermeture du lieu, 1h au plus."},
	"help_session_text":    {EN: "At most 200 characters; \"\" takes it back.", FR: "200 caractères au plus ; \"\" l'enlève."},
	"help_session_to":      {EN: "The address that the device has now.", FR: "L'adresse que l'appareil a maintenant."},
}

var (
	closedText = lang.Text{
		EN: "the place is closed or paused; see: parvis site status; open it with: parvis site open 18:00",
		FR: "le lieu est fermé ou en pause ; voir : parvis site status ; l'ouvrir : parvis site open 18:00",
	}
	whenText = lang.Text{
		EN: "%q is not a time that can be given here; expected a time to come within a day, or a stretch as it is in the configuration",
		FR: "« %s » n'est pas un moment possible ici ; il faut un moment à venir d'ici un jour, ou une plage comme dans la configuration",
	}
	notThenText = lang.Text{
		EN: "not so much: more than a session can have, more than an hour after closing, or no closing is known",
		FR: "pas autant : plus qu'une connexion ne peut avoir, plus d'une heure après la fermeture, ou fermeture inconnue",
	}
	badMessageText = lang.Text{
		EN: "expected one line of at most 200 characters",
		FR: "il faut une ligne de 200 caractères au plus",
	}
	noExceptionText = lang.Text{EN: "%s: the desk has made no exception of this date", FR: "%s : l'accueil n'a pas fait d'exception de cette date"}
)

// calendar makes the place's calendar, or says what is wrong with its file of school holidays.
func (a *app) calendar(cfg *config.Config) (*hours.Calendar, error) {
	c, problems := cfg.Calendar()
	if config.HasErrors(problems) {
		a.tell(problems)
		return nil, fail(exitNotRight, lang.Text{
			EN: "the school holidays cannot be used as they are; correct them and run: parvis check",
			FR: "les vacances scolaires ne peuvent pas servir telles quelles ; corrigez-les puis lancez : parvis check",
		})
	}
	return c, nil
}

func (d *daemon) site() control.Site {
	s := control.Site{SiteState: d.manager.Site(), Zone: d.cfg.Site.Hours.Zone.String(), Exceptions: []string{}, Outages: d.manager.Outages()}
	for _, e := range d.manager.Exceptions() {
		s.Exceptions = append(s.Exceptions, e.String())
	}
	if s.Outages == nil {
		s.Outages = []sessions.Outage{}
	}
	return s
}

func (d *daemon) gesture(ctx context.Context, r control.SiteRequest) (control.SiteAnswer, error) {
	cut := 0
	said := r.Until + r.Exception
	until, err := d.moment(r.Until)
	if err != nil && (r.Do == control.SiteOpen || r.Do == control.SitePause) {
		return control.SiteAnswer{}, control.Refuse(control.BadInput, whenText, said)
	}
	switch r.Do {
	case control.SiteOpen:
		err = d.manager.OpenUntil(ctx, until)
	case control.SitePause:
		cut, err = d.manager.Pause(ctx, sessions.PauseRequest{Until: until})
	case control.SiteResume:
		err = d.manager.Resume(ctx)
	case control.SiteExcept:
		var e hours.Exception
		if e, err = hours.ParseException(r.Exception); err == nil {
			err = d.manager.SetException(ctx, e)
		}
	case control.SiteDrop:
		var date hours.Date
		if date, err = hours.ParseDate(r.Exception); err == nil {
			err = d.manager.DropException(ctx, date)
		}
	default:
		err = fmt.Errorf("control: no gesture %q", r.Do)
	}
	switch pe := (*hours.ParseError)(nil); {
	case errors.As(err, &pe):
		err = control.Refuse(control.BadInput, lang.Text{EN: pe.In(lang.EN), FR: pe.In(lang.FR)})
	case errors.Is(err, sessions.ErrWhen):
		err = control.Refuse(control.BadInput, whenText, said)
	case errors.Is(err, sessions.ErrNotFound):
		err = control.Refuse(control.NotFound, noExceptionText, said)
	}
	return control.SiteAnswer{Site: d.site(), Cut: cut}, err
}

// moment reads when something ends: a duration, a time of the place's clocks that is the next to come, or a date with its time.
func (d *daemon) moment(s string) (time.Time, error) {
	now := d.clock.Wall().Time.In(d.cfg.Site.Hours.Zone)
	if by, err := time.ParseDuration(s); err == nil {
		return now.Add(by), nil
	}
	if t, err := time.ParseInLocation("2006-01-02 15:04", s, now.Location()); err == nil {
		return t, nil
	}
	t, err := time.Parse("15:04", strings.Replace(s, "h", ":", 1))
	if err != nil {
		return time.Time{}, err
	}
	y, m, day := now.Date()
	at := time.Date(y, m, day, t.Hour(), t.Minute(), 0, 0, now.Location())
	if !at.After(now) {
		at = time.Date(y, m, day+1, t.Hour(), t.Minute(), 0, 0, now.Location())
	}
	return at, nil
}

// desk does one gesture for one open session.
func (d *daemon) desk(ctx context.Context, r control.DeskRequest) (sessions.Session, error) {
	id := ""
	for _, s := range d.manager.List() {
		if names(r.Which, s) && (s.State == sessions.Open || r.To != nil && s.Left > 0) {
			id = s.ID
			break
		}
	}
	var s sessions.Session
	var err error
	switch {
	case id == "":
		err = sessions.ErrNotFound
	case r.Add != nil:
		s, err = d.manager.Adjust(ctx, id, *r.Add, sessions.FromOperator)
	case r.Past != nil:
		s, err = d.manager.PastClosing(ctx, id, *r.Past)
	case r.Message != nil:
		if err = d.manager.Message(ctx, id, *r.Message); err == nil {
			s, err = d.manager.Get(id)
		}
	case r.To != nil:
		seen, lookErr := d.device(*r.To)
		if lookErr != nil {
			return s, control.Refuse(control.NotFound, unknownDeviceText, *r.To)
		}
		s, err = d.manager.TakeBack(ctx, sessions.TakeBack{
			Device: sessions.Device{MAC: seen.MAC, IPv4: seen.IPv4}, ID: id, By: sessions.FromOperator,
		})
	}
	switch {
	case errors.Is(err, sessions.ErrNotFound):
		err = control.Refuse(control.NotFound, notFoundText, r.Which)
	case errors.Is(err, sessions.ErrWhen):
		err = control.Refuse(control.BadInput, notThenText)
	case errors.Is(err, sessions.ErrText):
		err = control.Refuse(control.BadInput, badMessageText)
	case errors.Is(err, sessions.ErrFull):
		err = control.Refuse(control.Refused, fullText)
	case errors.Is(err, sessions.ErrClosed):
		err = control.Refuse(control.Refused, closedText)
	case errors.Is(err, sessions.ErrContested):
		err = control.Refuse(control.Refused, contestedText, r.Which, contestText(s.Suspended))
	}
	return s, err
}
