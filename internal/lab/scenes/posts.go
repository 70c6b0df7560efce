package scenes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"parvis/internal/control"
	"parvis/internal/lab"
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
		t, err := kiosk.New(ctx, s.Town, "poste-"+string(kind), "PCID-"+string(kind))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, t.Kill()) }()
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
		func() (err error) { p.b, err = p.terminal.Start(ctx, kind); return err },
		func() error { return p.adopted(ctx) },
		func() error { return p.b.See(ctx, "Cet ordinateur est fermé.") },
		func() error { return p.shot(ctx, "1-ferme") },
		func() error { return p.opened(ctx) },
		func() error { return p.procedure(ctx) },
		func() error { return p.refused(ctx) },
		func() error { return p.cut(ctx) },
		func() error { return p.cleaned(ctx, kind) },
	)
}

func (p *sitting) adopted(ctx context.Context) error {
	a, err := p.Control.Terminal(ctx, control.TerminalRequest{Do: control.TerminalAdopt, Which: p.terminal.Guest.MAC.String(), Name: &p.name})
	p.id = a.ID
	return err
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
		func() error { return p.b.Click(ctx, "Commencer") },
		func() error { return p.b.See(ctx, "De quoi avez-vous besoin ?") },
		func() error { return p.shot(ctx, "3-besoins") },
	)
}

var sixDigits = regexp.MustCompile(`\d{6}`)

// procedure goes over four hosts with a code from a fifth, and sends a file.
func (p *sitting) procedure(ctx context.Context) error {
	file, err := p.file("piece.pdf", 300_000)
	if err != nil {
		return err
	}
	var code string
	before := len(p.Town.Uploads())
	return do(
		func() error { return p.b.Click(ctx, "Je demande une aide") },
		func() error { return p.service(ctx, "Les allocations du laboratoire", "caf-lab") },
		func() error { return p.b.See(ctx, "Les allocations du laboratoire") },
		func() error { return p.shot(ctx, "4-avant") },
		func() error { return p.b.Click(ctx, "Y aller") },
		func() error { return p.b.Look(ctx, lab.CAF) },
		func() error { return p.b.Click(ctx, "Mon compte") },
		func() error { return p.b.Click(ctx, "Mon compte des impôts") },
		func() error { return p.b.Fill(ctx, "numero", "12345") },
		func() error { return p.b.Click(ctx, "Continuer") },
		func() error { return p.b.See(ctx, "Nous avons envoyé un code") },
		func() error { return p.b.NewTab(ctx) },
		func() error { return p.b.Open(ctx, "https://"+lab.Mailbox+"/") },
		func() error {
			text, err := p.b.Text(ctx)
			code = sixDigits.FindString(text)
			return err
		},
		func() error { return p.b.Look(ctx, lab.Identity) },
		func() error { return p.b.Fill(ctx, "code", code) },
		func() error { return p.b.Click(ctx, "Valider") },
		func() error { return p.b.See(ctx, "Votre dossier est ouvert.") },
		func() error { return p.shot(ctx, "5-dossier") },
		func() error { return p.b.Choose(ctx, "piece", file) },
		func() error { return p.b.Click(ctx, "Envoyer") },
		func() error { return p.b.See(ctx, "Nous avons reçu 300000 octets.") },
		func() error {
			if all := p.Town.Uploads(); len(all) != before+1 || !all[before].Whole {
				return fmt.Errorf("scenes: the file that was sent has not come: %+v", all)
			}
			return nil
		},
	)
}

// service opens a service's tab by its tile. Chromium's driver gets no answer from a tab that shares its opener's process: there
// the same page is opened in a tab of the driver's own.
func (p *sitting) service(ctx context.Context, title, id string) error {
	if p.b.Kind == kiosk.Chromium {
		return do(
			func() error { return p.b.See(ctx, title) },
			func() error { return p.b.NewTab(ctx) },
			func() error { return p.b.Open(ctx, "http://"+kioskHome+"service/"+id) },
		)
	}
	return do(
		func() error { return p.tile(ctx, title) },
		func() error { return p.b.Look(ctx, "/kiosk/service") },
	)
}

// tile presses a tile, whose words for who does not see are part of it.
func (p *sitting) tile(ctx context.Context, title string) error {
	if err := p.b.See(ctx, title); err != nil {
		return err
	}
	text, err := p.b.Evaluate(ctx, fmt.Sprintf(`[...document.querySelectorAll("a.tile")].map(e => e.innerText).find(t => t.includes(%q)) || ""`, title))
	if err != nil {
		return err
	}
	return p.b.Click(ctx, text)
}

func (p *sitting) file(name string, size int) (string, error) {
	file := filepath.Join(p.Town.Dir, name)
	if err := os.WriteFile(file, make([]byte, size), 0o644); err != nil {
		return "", fmt.Errorf("scenes: %w", err)
	}
	return file, nil
}

// refused is a site that nobody opened: the terminal's page says so, the person shows its name, and the desk opens it for her.
func (p *sitting) refused(ctx context.Context) error {
	url := "https://" + lab.Video + "/"
	return do(
		func() error { return p.b.NewTab(ctx) },
		func() error {
			if p.b.Open(ctx, url) == nil {
				return fmt.Errorf("scenes: %s is open on a terminal", lab.Video)
			}
			return nil
		},
		func() error { return p.b.Look(ctx, kioskHome) },
		func() error { return p.b.See(ctx, "Un site est fermé sur cet ordinateur.") },
		func() error { return p.b.Click(ctx, "Voir") },
		func() error { return p.b.See(ctx, lab.Video) },
		func() error { return p.shot(ctx, "6-site-ferme") },
		func() error { return p.b.Click(ctx, "Oui, montrer") },
		func() error { return p.mediator.Visit(ctx, ConsoleURL+"postes/"+p.id, lab.Video) },
		func() error { return p.Screenshot(ctx, p.mediator, "poste-"+string(p.b.Kind)+"-console-nom") },
		func() error { return p.mediator.Browser.Click(ctx, "Ouvrir pour elle") },
		func() error { return p.b.NewTab(ctx) },
		func() error { return p.b.Open(ctx, url) },
		func() error { return p.b.See(ctx, "Ce site n'est pas une démarche.") },
	)
}

// cut is the end in the middle of an upload: the desk lets it go on once, and then everything ends at once.
func (p *sitting) cut(ctx context.Context) error {
	big, err := p.file("grosse.pdf", 400_000_000)
	if err != nil {
		return err
	}
	const goes = 100_000 // bytes: more than the host's window, so that the gate has seen some pass as well
	n := len(p.Town.Uploads())
	sending := func() (lab.Upload, bool) {
		all := p.Town.Uploads()
		if len(all) <= n {
			return lab.Upload{}, false
		}
		return all[n], all[n].Open
	}
	goesOn := func() error {
		first, _ := sending()
		return p.until(ctx, "the upload goes on", func() bool { u, open := sending(); return open && u.Bytes > first.Bytes+goes })
	}
	return do(
		func() error { return p.b.Look(ctx, lab.Account) },
		func() error { return p.b.Open(ctx, "https://"+lab.Account+"/") },
		func() error { return p.b.Choose(ctx, "grosse", big) },
		func() error { return p.b.Click(ctx, "Envoyer la grosse pièce") },
		goesOn,
		// Less at once than the gate lets a silent connection live, and bytes in between: to its clock the upload never stops.
		func() error { return p.Control.Shift(ctx, 9*time.Minute) },
		goesOn,
		func() error { return p.Control.Shift(ctx, 9*time.Minute) },
		goesOn,
		func() error { return p.Control.Shift(ctx, 8*time.Minute) },
		goesOn,
		func() error { return p.mediator.Visit(ctx, ConsoleURL+"postes/"+p.id, "Démarche en cours") },
		func() error { return p.mediator.Browser.Press(ctx, "delai-b") },
		goesOn,
		func() error { return p.Control.Shift(ctx, 5*time.Minute) }, // past the end without the desk's gesture
		goesOn,
		func() error { return p.Control.Shift(ctx, 10*time.Minute) },
		func() error {
			return p.until(ctx, "the upload is cut", func() bool { u, open := sending(); return !open && !u.Whole && u.Bytes > 0 })
		},
		func() error { return p.remember(ctx) },
		func() error { return p.b.Look(ctx, kioskHome) },
		func() error { return p.b.See(ctx, "C'est fini.") },
		func() error { return p.shot(ctx, "7-fini") },
		func() error { return p.b.NewTab(ctx) },
		func() error {
			if p.b.Open(ctx, "https://"+lab.CAF+"/") == nil {
				return errors.New("scenes: a service is still open after the end")
			}
			return nil
		},
	)
}

// remember keeps the session that has ended, for what the day counts.
func (p *sitting) remember(ctx context.Context) error {
	all, err := p.Control.Sessions(ctx)
	for _, one := range all {
		if one.Terminal && one.Device.IPv4 == p.terminal.Guest.Lease().Address.Addr() {
			p.sat = append(p.sat, one)
			return nil
		}
	}
	return errors.Join(err, errors.New("scenes: the terminal's session is not there"))
}

// cleaned is a new browser: before it nobody opens the terminal, after it the terminal is locked again.
func (p *sitting) cleaned(ctx context.Context, kind kiosk.Kind) error {
	if _, err := p.Control.Terminal(ctx, control.TerminalRequest{Do: control.TerminalOpen, Which: p.id}); err == nil {
		return errors.New("scenes: a terminal was opened with the last person's browser")
	}
	return do(
		func() (err error) { p.b, err = p.terminal.Start(ctx, kind); return err },
		func() error { return p.b.See(ctx, "Cet ordinateur est fermé.") },
		func() error { return p.mediator.Visit(ctx, ConsoleURL+"postes", p.name, "Prêt") },
	)
}

// until waits for something that happens by itself, as long as a slow machine may need.
func (p *sitting) until(ctx context.Context, what string, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("scenes: it does not come to this: %s: %s", what, strings.TrimSpace(fmt.Sprint(p.Town.Uploads())))
		}
	}
	return nil
}
