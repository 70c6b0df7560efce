package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/kiosk"
	"parvis/kiosk/queue"
)

var queueTexts = map[string]lang.Text{
	"help_terminal_queue":        {EN: "Who waits for a terminal, by number.", FR: "Qui attend un poste, par numéro."},
	"help_terminal_queue_list":   {EN: "List the numbers of now and today's bookings.", FR: "Liste les numéros du moment et les réservations du jour."},
	"help_terminal_queue_add":    {EN: "Give the next number.", FR: "Donne le numéro suivant."},
	"help_terminal_queue_take":   {EN: "Call the next number, to a terminal that is ready or to the desk.", FR: "Appelle le numéro suivant, à un poste prêt ou à l'accueil."},
	"help_terminal_queue_cancel": {EN: "Take the queue's last gesture back, within a minute.", FR: "Reprend le dernier geste de la file, pendant une minute."},
	"help_terminal_queue_post":   {EN: "Its number (poste-3) or name; without it, the desk.", FR: "Son numéro (poste-3) ou son nom ; sans lui, l'accueil."},
}

type terminalQueueCmd struct {
	List   queueListCmd   `cmd:"" help:"${help_terminal_queue_list}"`
	Add    queueAddCmd    `cmd:"" help:"${help_terminal_queue_add}"`
	Take   queueTakeCmd   `cmd:"" help:"${help_terminal_queue_take}"`
	Cancel queueCancelCmd `cmd:"" help:"${help_terminal_queue_cancel}"`
}

// queue asks for one gesture and says what came of it, or the whole queue.
func (a *app) queue(ctx context.Context, r control.QueueRequest, json bool, say func(control.QueueAnswer) error) error {
	got, err := a.client.Queue(ctx, r)
	if err != nil {
		return err
	}
	if json {
		return a.json(got)
	}
	return say(got)
}

type queueListCmd struct{ jsonFlag }

func (c queueListCmd) Run(ctx context.Context, a *app) error {
	return a.queue(ctx, control.QueueRequest{Do: control.QueueList}, c.JSON, func(q control.QueueAnswer) error {
		if len(q.Waiting)+len(q.Called)+len(q.Absent)+len(q.Bookings) == 0 {
			a.printf(lang.Text{EN: "Nobody waits.", FR: "Personne n'attend."})
			return nil
		}
		w := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(w, lang.Text{EN: "NUMBER\tSTATE\tTERMINAL", FR: "NUMÉRO\tÉTAT\tPOSTE"}.In(a.lang))
		for _, t := range slices.Concat(q.Called, q.Waiting, q.Absent) {
			post := "-"
			if t.State == queue.Called {
				post = t.Post
				if post == "" {
					post = lang.Text{EN: "the desk", FR: "l'accueil"}.In(a.lang)
				}
			}
			fmt.Fprintf(w, "%s\t%s\t%s\n", t.Label(), ticketStates[t.State].In(a.lang), post)
		}
		for _, b := range q.Bookings {
			fmt.Fprintf(w, "%s\t%s\t-\n", b.Label(), fmt.Sprintf(lang.Text{EN: "booked for %d:%02d", FR: "réservé pour %d:%02d"}.In(a.lang), b.From/60, b.From%60))
		}
		return w.Flush()
	})
}

var ticketStates = map[queue.State]lang.Text{
	queue.Waiting: {EN: "waits", FR: "attend"},
	queue.Called:  {EN: "called", FR: "appelé"},
	queue.Absent:  {EN: "absent", FR: "absent"},
}

type queueAddCmd struct{ jsonFlag }

func (c queueAddCmd) Run(ctx context.Context, a *app) error {
	return a.queue(ctx, control.QueueRequest{Do: control.QueueAdd}, c.JSON, func(q control.QueueAnswer) error {
		a.printf(lang.Text{EN: "The number is %s.", FR: "Le numéro est %s."}, q.Label)
		return nil
	})
}

type queueTakeCmd struct {
	Post string `arg:"" optional:"" help:"${help_terminal_queue_post}" placeholder:"TERMINAL"`
	jsonFlag
}

func (c queueTakeCmd) Run(ctx context.Context, a *app) error {
	return a.queue(ctx, control.QueueRequest{Do: control.QueueTake, Post: c.Post}, c.JSON, func(q control.QueueAnswer) error {
		a.printf(lang.Text{EN: "%s is called.", FR: "Le %s est appelé."}, q.Label)
		return nil
	})
}

type queueCancelCmd struct{ jsonFlag }

func (c queueCancelCmd) Run(ctx context.Context, a *app) error {
	return a.queue(ctx, control.QueueRequest{Do: control.QueueCancel}, c.JSON, func(control.QueueAnswer) error {
		a.printf(lang.Text{EN: "The last gesture is taken back.", FR: "Le dernier geste est repris."})
		return nil
	})
}

// queueRefusals are the answers to what cannot be done.
var queueRefusals = []struct {
	err  error
	text lang.Text
}{
	{queue.ErrEmpty, lang.Text{EN: "nobody waits; first: parvis terminal queue add", FR: "personne n'attend ; d'abord : parvis terminal queue add"}},
	{queue.ErrMany, lang.Text{EN: "there are no more numbers today; they begin anew at midnight", FR: "il n'y a plus de numéro aujourd'hui ; ils recommencent à minuit"}},
	{queue.ErrUndo, lang.Text{EN: "there is no gesture of the last minute to take back", FR: "il n'y a pas de geste de la dernière minute à reprendre"}},
	{queue.ErrStore, storeBusyText},
}

// queueVerb is one gesture of the command line.
func (d *daemon) queueVerb(_ context.Context, r control.QueueRequest) (a control.QueueAnswer, err error) {
	q := d.seats.queue
	if q == nil {
		return a, control.Refuse(control.Refused, noTerminalsText)
	}
	var t queue.Ticket
	switch r.Do {
	case control.QueueList:
	case control.QueueAdd:
		t, err = q.Take()
	case control.QueueTake:
		post := ""
		if r.Post != "" {
			one, ok := d.terminalNamed(r.Post)
			if !ok {
				return a, control.Refuse(control.NotFound, noTerminalText, r.Post)
			}
			if one.State != kiosk.Locked {
				return a, control.Refuse(control.Refused, lang.Text{
					EN: "%s is not ready; see: parvis terminal list", FR: "%s n'est pas prêt ; voir : parvis terminal list",
				}, strings.TrimSpace(one.Name+" "+one.ID))
			}
			post = one.Name
		}
		t, err = q.Next(post)
	case control.QueueCancel:
		err = queue.ErrUndo
		if last := q.View().Undo; last != nil {
			err = q.Undo(last.Seq)
		}
	default:
		err = control.Refuse(control.BadInput, lang.Text{EN: "%q is no gesture", FR: "« %s » n'est pas un geste"}, r.Do)
	}
	for _, k := range queueRefusals {
		if errors.Is(err, k.err) {
			return a, control.Refuse(control.Refused, k.text)
		}
	}
	if err != nil {
		return a, err
	}
	if t.Number > 0 {
		a.Label = t.Label()
	}
	v := q.View()
	// [] and not null for programs that read it
	a.Waiting, a.Called, a.Absent = append([]queue.Ticket{}, v.Waiting...), append([]queue.Ticket{}, v.Called...), append([]queue.Ticket{}, v.Absent...)
	a.Bookings = append([]queue.Booking{}, v.Bookings...)
	return a, nil
}
