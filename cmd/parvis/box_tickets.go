package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"parvis/hw/printer"
	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/portal/console"
	"parvis/portal/paper"
	"parvis/sessions"
)

// A page waits so long for tickets, and a job lasts no longer than that: 960 tickets at two seconds each.
const (
	printWait = 10 * time.Second // net/http gives an answer fifteen
	printMost = 40 * time.Minute
)

// lot is tickets of a batch on their way to paper.
func (d *daemon) lot(b sessions.Batch, tickets []sessions.Ticket) (paper.Lot, error) {
	place, err := printed(d.cfg)()
	if err != nil {
		return paper.Lot{}, err
	}
	profile := sessions.Profile{Name: b.Profile, Label: b.Profile}
	for _, p := range d.manager.Profiles() {
		if p.Name == b.Profile {
			profile = p
		}
	}
	return console.Lot(place, b, profile, d.cfg.Site.Hours.Zone, tickets), nil
}

// print prints tickets on the ticket printer, and remembers how it is.
func (d *daemon) print(ctx context.Context, l paper.Lot) (n int, err error) {
	n, err = d.box.printer.Print(ctx, l.Raster(paper.Format(strconv.Itoa(d.cfg.HW.Paper))))
	stopped := (*printer.Stopped)(nil)
	switch {
	case err == nil:
		d.box.note(printer.Ready)
	case errors.As(err, &stopped):
		if stopped.State != printer.Busy {
			d.box.note(stopped.State)
		}
		d.log.Warn("printer: it has stopped", "state", string(stopped.State), "printed", n, "of", len(l.Tickets), "cause", stopped.Err)
	default:
		d.log.Error("printer: tickets cannot be made", "printed", n, "of", len(l.Tickets), "error", err)
	}
	return n, err
}

// ticketPrinter prints for people who wait at a page or at a command.
type ticketPrinter struct{ *daemon }

// Print implements console.Printer.
func (p ticketPrinter) Print(ctx context.Context, l paper.Lot) console.Printed {
	done := make(chan console.Printed, 1)
	job, cancel := context.WithTimeout(context.WithoutCancel(ctx), printMost)
	go func() {
		defer cancel()
		n, err := p.print(job, l)
		r := console.Printed{Tickets: n}
		stopped := (*printer.Stopped)(nil)
		switch {
		case errors.As(err, &stopped):
			r.Why = string(stopped.State)
		case err != nil:
			r.Why = string(printer.Fault)
		}
		done <- r
	}()
	late := time.NewTimer(printWait)
	defer late.Stop()
	select {
	case r := <-done:
		return r
	case <-late.C:
		return console.Printed{Going: true}
	}
}

// consolePrinter is the console's; nil where there is none.
func (d *daemon) consolePrinter() console.Printer {
	if d.box.printer == nil {
		return nil
	}
	return ticketPrinter{d}
}

var (
	noPrinterText = lang.Text{
		EN: "there is no ticket printer; expected hw.printer in the configuration, then: parvis check, and a restart",
		FR: "il n'y a pas d'imprimante à tickets ; il faut hw.printer dans la configuration, puis : parvis check, et un redémarrage",
	}
	codesGoneText = lang.Text{
		EN: "%s: its codes are no longer known (they are kept for 15 minutes), or it has no such sheet; a lost sheet is replaced with: parvis voucher replace",
		FR: "%s : ses codes ne sont plus connus (ils sont gardés 15 minutes), ou cette planche n'existe pas ; une planche perdue se remplace avec : parvis voucher replace",
	}
)

// needsPrinter refuses what cannot be printed before anything is made.
func (d *daemon) needsPrinter(r control.VoucherRequest) error {
	if d.box.printer == nil && (r.Print || r.Do == control.VoucherPrint) {
		return control.Refuse(control.Refused, noPrinterText)
	}
	return nil
}

// printBatch prints tickets of a batch that the socket asks for: those that are given, or what is still known of the batch.
func (d *daemon) printBatch(ctx context.Context, r control.VoucherRequest, id string, tickets []sessions.Ticket) (*control.Printed, error) {
	var batch *sessions.Batch
	for _, b := range d.manager.Batches() {
		if b.ID == id {
			batch = &b
		}
	}
	if batch == nil {
		return nil, sessions.ErrNotFound
	}
	if tickets == nil {
		known, _ := d.manager.Tickets(id)
		for _, t := range known {
			if r.Sheet == 0 || t.Sheet == r.Sheet {
				tickets = append(tickets, t)
			}
		}
		if len(tickets) == 0 {
			return nil, control.Refuse(control.Refused, codesGoneText, id)
		}
	}
	tickets = tickets[min(max(r.Skip, 0), len(tickets)):]
	l, err := d.lot(*batch, tickets)
	if err != nil {
		return nil, err
	}
	p := ticketPrinter{d}.Print(ctx, l)
	return &control.Printed{Tickets: p.Tickets, Of: len(tickets), Going: p.Going, Why: p.Why}, nil
}
