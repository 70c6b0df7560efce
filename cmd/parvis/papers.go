package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/sessions"
)

var (
	notMadeText = lang.Text{
		EN: "not possible: %v",
		FR: "impossible : %v",
	}
	reserveText = lang.Text{
		EN: "workshops that may run at the same time would reserve more than half of the line (wan.down, wan.up); ask for less, or for another hour",
		FR: "des ateliers possibles au même moment réserveraient plus de la moitié de la ligne (wan.down, wan.up) ; demandez moins, ou une autre heure",
	}
	noBatchText    = lang.Text{EN: "%s: no such batch or sheet; see: parvis voucher list", FR: "%s : lot ou planche introuvable ; voir : parvis voucher list"}
	noWorkshopText = lang.Text{EN: "%s: no such workshop; see: parvis workshop list", FR: "%s : atelier introuvable ; voir : parvis workshop list"}
	stateText      = lang.Text{
		EN: "%s: the workshop is not in a state for that; see: parvis workshop list",
		FR: "%s : l'atelier n'en est pas là ; voir : parvis workshop list",
	}
	throttledText = lang.Text{
		EN: "too many wrong codes: wait %v",
		FR: "trop de codes faux : attendez %v",
	}
)

// codeErrors say why a code was refused.
var codeErrors = []struct {
	err  error
	text lang.Text
}{
	{sessions.ErrCode, lang.Text{EN: "no such code; look at the ticket again", FR: "ce code n'existe pas ; relisez le ticket"}},
	{sessions.ErrUsed, lang.Text{EN: "the ticket is used", FR: "le ticket est déjà utilisé"}},
	{sessions.ErrTooOld, lang.Text{EN: "the ticket is too old", FR: "le ticket est trop vieux"}},
	{sessions.ErrTooEarly, lang.Text{EN: "the ticket is not valid yet", FR: "le ticket n'est pas encore valable"}},
	{sessions.ErrRevoked, lang.Text{EN: "the ticket was revoked, or its sheet was replaced", FR: "le ticket a été annulé, ou sa planche remplacée"}},
	{sessions.ErrWorkshopFull, lang.Text{EN: "every place of the workshop is taken", FR: "l'atelier est complet"}},
	{sessions.ErrWorkshopNotStarted, lang.Text{EN: "the workshop has not started", FR: "l'atelier n'a pas commencé"}},
	{sessions.ErrWorkshopOver, lang.Text{EN: "the workshop is over", FR: "l'atelier est fini"}},
	{sessions.ErrFull, fullText},
	{sessions.ErrClosed, closedText},
	{sessions.ErrReserve, reserveText},
}

// paperRefusal says in the operator's languages why something about tickets or workshops was refused. missing is what to say
// of what is not there, which its name.
func (d *daemon) paperRefusal(err error, missing lang.Text, which string) error {
	for _, e := range codeErrors {
		if errors.Is(err, e.err) {
			return control.Refuse(control.Refused, e.text)
		}
	}
	var throttled *sessions.Throttled
	switch {
	case errors.As(err, &throttled):
		return control.Refuse(control.Refused, throttledText, throttled.Wait.Round(time.Second))
	case errors.Is(err, sessions.ErrNotFound):
		return control.Refuse(control.NotFound, missing, which)
	case errors.Is(err, sessions.ErrWorkshopState):
		return control.Refuse(control.Refused, stateText, which)
	case errors.Is(err, sessions.ErrInvalid):
		return control.Refuse(control.BadInput, notMadeText, err)
	case errors.Is(err, sessions.ErrUnknownProfile):
		var names []string
		for _, p := range d.cfg.Profiles {
			names = append(names, p.Name)
		}
		return control.Refuse(control.BadInput, unknownProfileText, which, fmt.Sprint(names))
	}
	return err
}

// when reads a moment that may be left out, or a date alone: its beginning.
func (d *daemon) when(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, d.cfg.Site.Hours.Zone); err == nil {
		return t, nil
	}
	t, err := d.moment(s)
	if err != nil {
		return t, control.Refuse(control.BadInput, lang.Text{
			EN: "%q: expected 18:00, 2026-12-24, \"2026-12-24 18:00\" or a duration such as 72h",
			FR: "« %s » : il faut 18:00, 2026-12-24, « 2026-12-24 18:00 » ou une durée comme 72h",
		}, s)
	}
	return t, nil
}

func (d *daemon) voucher(ctx context.Context, r control.VoucherRequest) (a control.VoucherAnswer, err error) {
	which := r.Batch
	if err := d.needsPrinter(r); err != nil {
		return a, err
	}
	switch r.Do {
	case control.VoucherMake:
		which = r.Profile
		if a, err = d.makeBatch(ctx, r); err == nil && r.Print {
			a.Printed, err = d.printBatch(ctx, r, a.Batch.ID, a.Tickets)
		}
	case control.VoucherRevoke:
		err = d.manager.RevokeBatch(ctx, r.Batch, r.Cut)
	case control.VoucherReplace:
		a.Tickets, err = d.manager.ReplaceSheet(ctx, r.Batch, r.Sheet)
		if err == nil && r.Print {
			a.Printed, err = d.printBatch(ctx, r, r.Batch, a.Tickets)
		}
		if errors.Is(err, sessions.ErrUsed) {
			err = control.Refuse(control.Refused, lang.Text{
				EN: "every ticket of this sheet is used or replaced already",
				FR: "tous les tickets de cette planche sont déjà utilisés ou remplacés",
			})
		}
	case control.VoucherPrint:
		a.Printed, err = d.printBatch(ctx, r, r.Batch, nil)
	case control.VoucherRedeem:
		seen, lookErr := d.device(r.IPv4)
		if lookErr != nil {
			return a, control.Refuse(control.NotFound, unknownDeviceText, r.IPv4)
		}
		s, redeemErr := d.manager.Redeem(ctx, sessions.Redemption{Device: sessions.Device{MAC: seen.MAC, IPv4: seen.IPv4}, Code: r.Code})
		if a.Session, err = &s, redeemErr; errors.Is(err, sessions.ErrContested) {
			err = control.Refuse(control.Refused, contestedText, r.IPv4, contestText(s.Suspended))
		}
	default:
		err = fmt.Errorf("control: no gesture %q", r.Do)
	}
	return a, d.paperRefusal(err, noBatchText, which)
}

func (d *daemon) makeBatch(ctx context.Context, r control.VoucherRequest) (a control.VoucherAnswer, err error) {
	ask := sessions.BatchRequest{Label: r.Label, Profile: r.Profile, For: r.For, Devices: r.Devices, Count: r.Count}
	if ask.Profile == "" {
		ask.Profile = d.cfg.Portal.Profile
	}
	if ask.From, err = d.when(r.From); err != nil {
		return a, err
	}
	if ask.Until, err = d.when(r.Until); err != nil {
		return a, err
	}
	b, tickets, err := d.manager.MakeBatch(ctx, ask)
	return control.VoucherAnswer{Batch: &b, Tickets: tickets}, err
}

func (d *daemon) workshop(ctx context.Context, r control.WorkshopRequest) (w sessions.Workshop, err error) {
	which := r.ID
	switch r.Do {
	case control.WorkshopMake:
		if which = r.Again; which == "" {
			which = r.Profile
		}
		ask := sessions.WorkshopRequest{
			Again: r.Again, Title: r.Title, Profile: r.Profile, Places: r.Places, Length: r.Length, Reserve: r.Reserve,
		}
		if ask.Profile == "" && ask.Again == "" {
			ask.Profile = d.cfg.Portal.Profile
		}
		if ask.Start, err = d.when(r.At); err == nil {
			w, err = d.manager.MakeWorkshop(ctx, ask)
		}
	case control.WorkshopStart:
		w, err = d.manager.StartWorkshop(ctx, r.ID)
	case control.WorkshopProlong:
		w, err = d.manager.ProlongWorkshop(ctx, r.ID, r.By)
	case control.WorkshopEnd:
		w, err = d.manager.EndWorkshop(ctx, r.ID)
	case control.WorkshopHeads:
		w, err = d.manager.CountHeads(ctx, r.ID, r.Heads)
	default:
		err = fmt.Errorf("control: no gesture %q", r.Do)
	}
	return w, d.paperRefusal(err, noWorkshopText, which)
}
