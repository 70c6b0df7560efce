package main

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"strings"

	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/internal/mac"
	"parvis/kiosk"
	"parvis/sessions"
)

var (
	noTerminalsText = lang.Text{
		EN: "this place has no terminals: terminals.interface is not set",
		FR: "ce lieu n'a pas de postes : terminals.interface n'est pas réglé",
	}
	noTerminalText = lang.Text{
		EN: "%s: no such terminal; see: parvis terminal list",
		FR: "%s : pas de poste de ce nom ; voir : parvis terminal list",
	}
	// kioskTexts are the answers to what cannot be done.
	kioskTexts = []struct {
		err  error
		text lang.Text
	}{
		{kiosk.ErrNotAdopted, lang.Text{EN: "it is not adopted; first: parvis terminal adopt", FR: "il n'est pas adopté ; d'abord : parvis terminal adopt"}},
		{kiosk.ErrNotFresh, lang.Text{EN: "its browser has not come back clean since the last person; close it, or restart it: parvis terminal restart", FR: "son navigateur n'est pas revenu propre depuis la dernière personne ; fermez-le, ou relancez-le : parvis terminal restart"}},
		{kiosk.ErrBusy, lang.Text{EN: "somebody is using it", FR: "quelqu'un s'en sert"}},
		{kiosk.ErrNotOpen, lang.Text{EN: "nothing is open on it", FR: "rien n'y est ouvert"}},
		{kiosk.ErrNoAddress, lang.Text{EN: "it has not been seen on its network yet; switch it on", FR: "il n'a pas encore été vu sur son réseau ; allumez-le"}},
		{kiosk.ErrPhone, lang.Text{EN: "no phone waits with this code", FR: "aucun téléphone n'attend avec ce code"}},
		{kiosk.ErrNoRestart, lang.Text{EN: "terminals do not ask whether to restart; set terminals.restart = true and publish their configuration", FR: "les postes ne demandent pas s'ils doivent se relancer ; réglez terminals.restart = true et publiez leur configuration"}},
		{kiosk.ErrStore, storeBusyText},
		{sessions.ErrFull, fullText},
		{sessions.ErrClosed, closedText},
		{sessions.ErrText, lang.Text{EN: "expected plain text of at most 200 characters", FR: "un texte simple d'au plus 200 caractères est attendu"}},
		{sessions.ErrWhen, lang.Text{EN: "not a time that can be given", FR: "cette durée ne peut pas être donnée"}},
	}
	storeBusyText = lang.Text{EN: "the database does not take writes: nothing was done", FR: "la base n'accepte pas d'écriture : rien n'a été fait"}
)

// terminals lists them for the socket.
func (d *daemon) terminals() (all []control.TerminalAnswer) {
	if d.seats.posts == nil {
		return nil
	}
	for _, t := range d.seats.posts.Terminals() {
		all = append(all, d.terminalAnswer(t))
	}
	return all
}

func (d *daemon) terminalAnswer(t kiosk.Terminal) control.TerminalAnswer {
	a := control.TerminalAnswer{Terminal: t}
	if u, err := d.seats.posts.Use(t.ID); err == nil {
		u.Shown = nil // to the desk alone, by whose person it was agreed
		a.Use = &u
	}
	return a
}

// terminal is one gesture of the command line.
func (d *daemon) terminal(ctx context.Context, r control.TerminalRequest) (control.TerminalAnswer, error) {
	if d.seats.posts == nil {
		return control.TerminalAnswer{}, control.Refuse(control.Refused, noTerminalsText)
	}
	t, ok := d.terminalNamed(r.Which)
	if !ok && r.Do == control.TerminalAdopt {
		if m, err := mac.Parse(r.Which); err == nil {
			t, ok = kiosk.Terminal{MAC: m}, true
		}
	}
	if !ok {
		return control.TerminalAnswer{}, control.Refuse(control.NotFound, noTerminalText, r.Which)
	}
	t, err := d.onTerminal(ctx, t, r)
	if err != nil {
		return control.TerminalAnswer{}, terminalRefusal(err)
	}
	return d.terminalAnswer(t), nil
}

func (d *daemon) onTerminal(ctx context.Context, t kiosk.Terminal, r control.TerminalRequest) (_ kiosk.Terminal, err error) {
	p := d.seats.posts
	switch r.Do {
	case control.TerminalAdopt:
		t.USB = d.cfg.Terminals.USB // until the request says otherwise
		return p.Adopt(ctx, t.MAC, described(t.Details, r))
	case control.TerminalChange:
		return p.Change(ctx, t.ID, described(t.Details, r))
	case control.TerminalRemove:
		return t, p.Remove(ctx, t.ID)
	case control.TerminalOpen:
		_, err = p.Open(ctx, t.ID, kiosk.Opening{For: cmp.Or(r.For, d.cfg.Terminals.Offers[0]), Bundles: r.Bundles, Mail: r.Mail, Phone: r.Phone})
	case control.TerminalExtend:
		_, err = p.Extend(ctx, t.ID, r.By)
	case control.TerminalEnd:
		err = p.End(ctx, t.ID)
	case control.TerminalMessage:
		err = p.Message(ctx, t.ID, r.Text)
	case control.TerminalRestart:
		err = p.Restart(t.ID)
	default:
		err = control.Refuse(control.BadInput, lang.Text{EN: "%q is no gesture", FR: "« %s » n'est pas un geste"}, r.Do)
	}
	if err != nil {
		return t, err
	}
	return p.Terminal(t.ID)
}

// described is what is known of a terminal with what a request says of it.
func described(have kiosk.Details, r control.TerminalRequest) kiosk.Details {
	for _, f := range []struct {
		into  *string
		value *string
	}{{&have.Name, r.Name}, {&have.Place, r.Place}, {&have.PCID, r.PCID}, {&have.Renderer, r.Renderer}} {
		if f.value != nil {
			*f.into = *f.value
		}
	}
	for _, f := range []struct {
		into  *bool
		value *bool
	}{{&have.Prints, r.Prints}, {&have.USB, r.USB}} {
		if f.value != nil {
			*f.into = *f.value
		}
	}
	return have
}

// terminalNamed finds a terminal by its id, name, MAC or address.
func (d *daemon) terminalNamed(which string) (kiosk.Terminal, bool) {
	m, noMAC := mac.Parse(which)
	a, noAddress := netip.ParseAddr(which)
	for _, t := range d.seats.posts.Terminals() {
		if t.ID == which || t.Name != "" && strings.EqualFold(t.Name, which) || noMAC == nil && t.MAC == m || noAddress == nil && t.IPv4 == a {
			return t, true
		}
	}
	return kiosk.Terminal{}, false
}

// terminalRefusal says what could not be done in the operator's languages.
func terminalRefusal(err error) error {
	for _, k := range kioskTexts {
		if errors.Is(err, k.err) {
			return control.Refuse(control.Refused, k.text)
		}
	}
	if errors.Is(err, kiosk.ErrDetails) || errors.Is(err, kiosk.ErrMany) {
		return control.Refuse(control.BadInput, lang.Text{EN: "%v", FR: "%v"}, err)
	}
	return err
}
