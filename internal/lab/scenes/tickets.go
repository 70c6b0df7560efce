package scenes

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"parvis/internal/lab"
	"parvis/sessions"
)

// sheetTickets is how many tickets a printed sheet has, each with two QR codes.
const sheetTickets = 24

// printsTickets: the desk prints a sheet, a phone reads a ticket's second QR code from the paper, and is online.
func printsTickets(ctx context.Context, s *Stage) (err error) {
	mediator, err := s.desk(ctx)
	if err != nil {
		return err
	}
	if err := mediator.Visit(ctx, ConsoleURL+"tickets/nouveau", "Nouveau lot de tickets"); err != nil {
		return err
	}
	if err := errors.Join(mediator.Browser.Fill(ctx, "nombre", fmt.Sprint(sheetTickets)), s.Screenshot(ctx, mediator, "jour-tickets-nouveau")); err != nil {
		return err
	}
	if err := mediator.Press(ctx, "Créer et imprimer", "Les tickets sont créés.", "24 tickets restent"); err != nil {
		return err
	}
	batch, err := mediator.Browser.URL(ctx)
	if err != nil {
		return err
	}
	address, err := s.secondCode(ctx, mediator, batch)
	if err != nil {
		return err
	}
	r, err := s.Join(ctx, "ticket")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.leaves(r)) }()
	if err := errors.Join(r.Offline(ctx), r.Visit(ctx, address, "Valider"), s.Screenshot(ctx, r, "jour-ticket")); err != nil {
		return err
	}
	if err := r.Press(ctx, "Valider", "Internet est ouvert."); err != nil {
		return err
	}
	if err := errors.Join(r.Online(ctx), s.Screenshot(ctx, r, "jour-ticket-ouvert")); err != nil {
		return err
	}
	if one, err := s.session(ctx, r); err != nil || one.OpenedBy != sessions.FromVoucher {
		return fmt.Errorf("scenes: the ticket opened %+v, %w", one, err)
	}
	if err := mediator.Visit(ctx, ConsoleURL+"tickets", "23 restants", "1 utilisé"); err != nil {
		return err
	}
	return s.Screenshot(ctx, mediator, "jour-tickets")
}

// secondCode prints a batch and returns the address of one ticket that a decoder reads from the paper. The pictures of
// the sheet are left among the artefacts.
func (s *Stage) secondCode(ctx context.Context, mediator *Resident, batch string) (string, error) {
	page, err := url.Parse(batch)
	if err != nil {
		return "", fmt.Errorf("scenes: address of a batch: %w", err)
	}
	pdf, err := mediator.Browser.Fetch(ctx, page.Path+"/tickets.pdf?papier=planche")
	if err != nil {
		return "", err
	}
	sheet := filepath.Join(s.Artefacts, "planche")
	if err := os.WriteFile(sheet+".pdf", pdf, 0o644); err != nil {
		return "", fmt.Errorf("scenes: %w", err)
	}
	if out, err := exec.CommandContext(ctx, "pdftoppm", "-r", "300", "-png", "-singlefile", sheet+".pdf", sheet).CombinedOutput(); err != nil {
		return "", fmt.Errorf("scenes: pdftoppm: %w: %s", err, out)
	}
	out, err := exec.CommandContext(ctx, "zbarimg", "-q", "--raw", "-Sdisable", "-Sqr.enable", sheet+".png").Output()
	if err != nil {
		return "", fmt.Errorf("scenes: zbarimg: %w", err)
	}
	var one string
	networks, tickets := 0, 0
	for _, code := range strings.Fields(string(out)) {
		switch {
		case code == "WIFI:T:nopass;S:"+lab.SSID+";;":
			networks++
		case strings.HasPrefix(code, portalURL+"code#"):
			tickets++
			one = code // any of them would do
		}
	}
	if networks != sheetTickets || tickets != sheetTickets {
		return "", fmt.Errorf("scenes: the sheet has %d codes of the Wi-Fi and %d of tickets", networks, tickets)
	}
	return one, nil
}
