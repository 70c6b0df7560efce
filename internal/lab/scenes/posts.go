package scenes

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"parvis/internal/control"
	"parvis/internal/lab/kiosk"
)

const (
	kioskConfig = "http://10.30.0.1/kiosk/config.txt"
	kioskHome   = "10.30.0.1/kiosk/"
)

// sits is one person at a fixed terminal, with one of its browsers: from a locked screen over a whole procedure to a clean one.
func sits(kind kiosk.Kind) func(context.Context, *Stage) error {
	return func(ctx context.Context, s *Stage) (err error) {
		mediator, err := s.desk(ctx)
		if err != nil {
			return err
		}
		if s.printer == nil {
			if s.printer, err = s.Town.StartPrinter(ctx); err != nil {
				return err
			}
		}
		t, err := kiosk.New(ctx, s.Town, "poste-"+string(kind), "PCID-"+string(kind))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, t.Close()) }()
		p := &sitting{Stage: s, mediator: mediator, terminal: t, name: map[kiosk.Kind]string{kiosk.Firefox: "Poste 1", kiosk.Chromium: "Poste 2"}[kind]}
		return p.play(ctx, kind)
	}
}

// sitting is one person at one terminal.
type sitting struct {
	*Stage
	mediator *Resident
	terminal *kiosk.Terminal
	name, id string
	b        *kiosk.Browser

	service string // its tab
}

func (p *sitting) shot(ctx context.Context, what string) error {
	return p.b.Screenshot(ctx, filepath.Join(p.Artefacts, "poste-"+string(p.b.Kind)+"-"+what+".png"))
}

// do plays verbs until one fails.
func do(verbs ...func() error) error {
	for _, v := range verbs {
		if err := v(); err != nil {
			return err
		}
	}
	return nil
}

func (p *sitting) play(ctx context.Context, kind kiosk.Kind) error {
	return do(
		func() error { return p.terminal.Boot(ctx, kioskConfig) },
		func() error { return p.adopted(ctx) },
		func() error { return p.begins(ctx, kind) },
		func() error { return p.shot(ctx, "1-ferme") },
		func() error { return p.opened(ctx) },
		func() error { return p.procedure(ctx) },
		func() error { return p.prints(ctx) },
		func() error { return p.refused(ctx) },
		func() error { return p.cut(ctx) },
		func() error { return p.printsNoMore(ctx) },
		func() error { return p.closes(ctx) },
		func() error { return p.cleaned(ctx, kind) },
	)
}

// adopted makes the machine one of the place's, which prints; with its turn it reads what is now said of it.
func (p *sitting) adopted(ctx context.Context) error {
	yes := true
	a, err := p.Control.Terminal(ctx, control.TerminalRequest{
		Do: control.TerminalAdopt, Which: p.terminal.Guest.MAC.String(), Name: &p.name, PCID: &p.terminal.PCID, Prints: &yes,
	})
	if err != nil {
		return err
	}
	p.id = a.ID
	if _, err := p.Control.TerminalConfig(ctx, control.TerminalConfigRequest{Do: control.ConfigPublish, Now: true}); err != nil {
		return err
	}
	turn := func(id string) func() error {
		return func() error {
			return p.Stage.until(ctx, 30*time.Second, "the turn of the terminal «"+id+"»", func() bool {
				now, err := p.Control.TerminalConfig(ctx, control.TerminalConfigRequest{Do: control.ConfigShow})
				return err == nil && now.Current == id
			})
		}
	}
	return do(turn(p.id), func() error { return p.terminal.Boot(ctx, kioskConfig) })
}

// begins is a browser that starts: before it nobody opens the terminal, and it shows the page of a locked one.
func (p *sitting) begins(ctx context.Context, kind kiosk.Kind) error {
	return do(
		func() (err error) { p.b, err = p.terminal.Start(ctx, kind); return err },
		func() error { return p.b.See(ctx, "Cet ordinateur est fermé.") },
	)
}

// opened is the desk's gesture: one tap, then the mailboxes; the page of the terminal changes by itself.
func (p *sitting) opened(ctx context.Context) error {
	m := p.mediator.Browser
	return do(
		func() error { return p.mediator.Visit(ctx, ConsoleURL+"postes", p.name, "Prêt") },
		func() error { return p.Screenshot(ctx, p.mediator, "poste-"+string(p.b.Kind)+"-console-prets") },
		func() error { return m.Press(ctx, "o-"+p.id+"-30m0s") },
		func() error { return m.See(ctx, "Ouvert") },
		func() error { return p.mediator.Visit(ctx, ConsoleURL+"postes/"+p.id, "Elles sont fermées.") },
		func() error { return p.mediator.Press(ctx, "Ouvrir les boîtes mail", "Elles sont ouvertes.") },
		func() error { return p.b.See(ctx, "Bonjour.") },
		func() error { return p.shot(ctx, "2-bonjour") },
		func() error { return p.b.Follow(ctx, "Commencer", "De quoi avez-vous besoin ?") },
		func() error { return p.shot(ctx, "3-besoins") },
	)
}

// cleaned is a new browser: before it nobody opens the terminal, after it the terminal is locked again.
func (p *sitting) cleaned(ctx context.Context, kind kiosk.Kind) error {
	if _, err := p.Control.Terminal(ctx, control.TerminalRequest{Do: control.TerminalOpen, Which: p.id}); err == nil {
		return errors.New("scenes: a terminal was opened with the last person's browser")
	}
	return do(
		func() error { return p.begins(ctx, kind) },
		func() error { return p.mediator.Visit(ctx, ConsoleURL+"postes", p.name, "Prêt") },
	)
}
