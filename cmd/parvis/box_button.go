package main

import (
	"context"
	"errors"
	"time"

	"parvis/hw/button"
	"parvis/hw/printer"
	"parvis/internal/config"
	"parvis/sessions"
)

// ticketPause is how long a button gives nothing after a ticket: who is impatient gets one, not five.
const ticketPause = 5 * time.Second

// pressed does what a button is for.
func (d *daemon) pressed(ctx context.Context, p button.Press) {
	for _, b := range d.cfg.HW.Buttons {
		if b.Press != p {
			continue
		}
		switch err := d.press(ctx, b); {
		case errors.Is(err, errNothing):
			d.log.Info("button: there is nothing to do", "what", string(b.Do))
		case err != nil:
			d.log.Error("button: it was not done", "what", string(b.Do), "error", err)
		default:
			d.log.Info("button: done", "what", string(b.Do))
		}
	}
}

// errNothing: the place is already as the press would make it.
var errNothing = errors.New("nothing to do")

func (d *daemon) press(ctx context.Context, b config.Button) error {
	site, until := d.manager.Site(), d.clock.Wall().Time.Add(b.For)
	switch {
	case b.Do == config.Ticket:
		return d.pressTicket(ctx)
	case b.Do == config.Open && site.Open && site.Why == sessions.ByOpened, b.Do == config.Pause && site.Why == sessions.ByPaused:
		return d.manager.Resume(ctx)
	case b.Do == config.Open && !site.Open:
		return d.manager.OpenUntil(ctx, until)
	case b.Do == config.Pause && site.Open:
		_, err := d.manager.Pause(ctx, sessions.PauseRequest{Until: until})
		return err
	}
	return errNothing
}

// pressTicket prints one ticket of the portal's profile. One that does not come out is revoked: nobody has it.
func (d *daemon) pressTicket(ctx context.Context) error {
	if now := d.clock.Boot(); d.box.ticket != 0 && now.Sub(d.box.ticket) < ticketPause {
		return errNothing
	}
	defer func() { d.box.ticket = d.clock.Boot() }()
	if s := d.box.printer.Look(ctx); !s.Works() {
		d.box.note(s)
		return &printer.Stopped{State: s}
	}
	batch, tickets, err := d.manager.MakeBatch(ctx, sessions.BatchRequest{Label: "Bouton", Profile: d.cfg.Portal.Profile, Count: 1})
	if err != nil {
		return err
	}
	lot, err := d.lot(batch, tickets)
	if err == nil {
		_, err = d.print(ctx, lot)
	}
	if err != nil {
		return errors.Join(err, d.manager.RevokeBatch(context.WithoutCancel(ctx), batch.ID, false))
	}
	return nil
}
