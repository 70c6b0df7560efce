package scenes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"parvis/internal/lab"
)

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
		func() error { return p.tile(ctx, "Les allocations du laboratoire") },
		func() error { return p.b.Look(ctx, "/kiosk/service") },
		func() error { p.service = p.b.Here(); return nil },
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

// prints is a page that the person prints from the browser, with what the page has for it, on the town's printer through the router.
func (p *sitting) prints(ctx context.Context) error {
	return do(
		func() error { return p.b.NewTab(ctx) },
		func() error { return p.b.Open(ctx, "https://"+lab.Account+"/attestation") },
		func() error { return p.b.See(ctx, paper...) },
		func() error { return p.b.Click(ctx, "Imprimer") },
		func() error {
			var all []string
			err := p.until(ctx, "the page is printed", func() (is bool) {
				now, err := p.printer.Documents(ctx)
				all = now
				return err == nil && len(all) > p.printed
			})
			if err != nil {
				waiting, failed := p.terminal.Waiting(ctx)
				return errors.Join(err, failed, errors.New(waiting))
			}
			p.printed++
			if len(all) != p.printed {
				return fmt.Errorf("scenes: %d documents were printed, and the printer has %d", p.printed, len(all))
			}
			pages := strings.Split(strings.TrimSuffix(all[p.printed-1], "\f"), "\f")
			if len(pages) != len(paper) {
				return fmt.Errorf("scenes: the printer has %d pages, expected %d: %q", len(pages), len(paper), pages)
			}
			for i, says := range paper {
				if !strings.Contains(pages[i], says) {
					return fmt.Errorf("scenes: page %d does not say « %s »: %s", i+1, says, pages[i])
				}
			}
			p.pages += len(pages)
			return nil
		},
	)
}

// paper is what the attestation says, page by page.
var paper = []string{"La personne a des droits ouverts.", "Ses droits durent un an.", "Elle garde ce papier."}
