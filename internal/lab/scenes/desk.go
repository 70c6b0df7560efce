package scenes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"parvis/internal/lab"
	"parvis/internal/lab/browser"
	"parvis/sessions"
)

// ConsoleURL is the console's first page.
const ConsoleURL = "https://" + lab.ConsoleName + "/"

// Enter makes somebody of the staff an account, enrols the device of a browser by its one-time link, and enters the console.
func Enter(ctx context.Context, p *lab.Parvis, b *browser.Browser, login string) error {
	out, err := p.Output(ctx, "staff", "add", login, "--json")
	if err != nil {
		return err
	}
	var made struct {
		Link string `json:"link"`
	}
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		return fmt.Errorf("scenes: read the link of %s: %w", login, err)
	}
	if err := errors.Join(b.Open(ctx, made.Link), b.Click(ctx, "Inscrire cet appareil"), b.See(ctx, "Créer votre compte")); err != nil {
		return err
	}
	for _, field := range [][2]string{{"nom", login}, {"identifiant", login}, {"mot-de-passe", password}, {"encore", password}} {
		if err := b.Fill(ctx, field[0], field[1]); err != nil {
			return err
		}
	}
	if err := b.Click(ctx, "Créer mon compte"); err != nil {
		return err
	}
	return enterAgain(ctx, b, login)
}

const password = "cerise-tambour-nuage"

// enterAgain opens the console with an account that there is, on a device that it knows.
func enterAgain(ctx context.Context, b *browser.Browser, login string) error {
	if err := b.Open(ctx, ConsoleURL); err != nil {
		return err
	}
	if title, err := b.Title(ctx); err != nil || !regexp.MustCompile("^Entrer").MatchString(title) {
		return errors.Join(err, b.See(ctx, "Demandes d'aide"))
	}
	return errors.Join(
		b.Fill(ctx, "identifiant", login), b.Fill(ctx, "mot-de-passe", password), b.Click(ctx, "Entrer"), b.See(ctx, "Demandes d'aide"),
	)
}

// CodeOn is the code that a page shows.
func CodeOn(ctx context.Context, b *browser.Browser) (string, error) {
	text, err := b.Text(ctx)
	if err != nil {
		return "", err
	}
	code := shortCode.FindString(text)
	if code == "" {
		return "", fmt.Errorf("scenes: no code on the page: %s", text)
	}
	return code, nil
}

// desk is the mediator with her phone in the public Wi-Fi: from the first time on she stays for the day, enrolled and entered.
func (s *Stage) desk(ctx context.Context) (*Resident, error) {
	if s.mediator != nil {
		return s.mediator, nil
	}
	m, err := s.Join(ctx, "mediatrice")
	if err != nil {
		return nil, err
	}
	s.residents = s.residents[:len(s.residents)-1] // the day does nothing to her
	s.mediator = m
	return m, Enter(ctx, s.Parvis, m.Browser, "mediatrice")
}

// atTheDesk is one gesture: who waits appears by itself, a tap opens, the page of who waited changes by itself; and a tap
// takes it back.
func atTheDesk(ctx context.Context, s *Stage) (err error) {
	mediator, err := s.desk(ctx)
	if err != nil {
		return err
	}
	r, err := s.Join(ctx, "telephone")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.leaves(r)) }()
	if err := r.Visit(ctx, portalURL+"attendre", "Montrez cet écran"); err != nil {
		return err
	}
	code, err := CodeOn(ctx, r.Browser)
	if err != nil {
		return err
	}
	if err := errors.Join(s.Screenshot(ctx, r, "jour-code"), mediator.Browser.See(ctx, code), s.Screenshot(ctx, mediator, "jour-console-attente")); err != nil {
		return err
	}
	if err := s.takesBack(ctx, mediator, r, code); err != nil {
		return err
	}
	if err := errors.Join(mediator.Browser.Press(ctx, "o-"+code+"-1h"), mediator.Browser.See(ctx, "Internet est ouvert pour "+code)); err != nil {
		return err
	}
	if err := r.Browser.See(ctx, "Internet est ouvert."); err != nil { // by itself
		return err
	}
	if err := errors.Join(r.Online(ctx), s.Screenshot(ctx, r, "jour-code-ouvert")); err != nil {
		return err
	}
	if err := mediator.Browser.Open(ctx, ConsoleURL+"connexions"); err != nil {
		return err
	}
	if err := errors.Join(
		mediator.Browser.See(ctx, code),
		s.Screenshot(ctx, mediator, "jour-console-connectes"),
		mediator.Browser.Screenshot(ctx, filepath.Join(s.Artefacts, "jour-console-bureau.png"), 1280, 800),
	); err != nil {
		return err
	}
	return s.changesTime(ctx, mediator, r)
}

// takesBack opens by a tap and takes that back by another. The offer lasts ten seconds, which a busy machine may need for the page:
// then another tap is taken back.
func (s *Stage) takesBack(ctx context.Context, mediator, r *Resident, code string) error {
	var late error
	for range 5 {
		if err := errors.Join(mediator.Browser.Press(ctx, "o-"+code+"-30m"), mediator.Browser.See(ctx, "Internet est ouvert pour "+code)); err != nil {
			return err
		}
		if err := s.Screenshot(ctx, mediator, "jour-console-ouvert"); err != nil {
			return err
		}
		if late = mediator.Press(ctx, "Annuler", "C'est annulé.", code); late == nil {
			return errors.Join(s.endedBy(ctx, r, sessions.ByOperator), r.Offline(ctx), r.Visit(ctx, portalURL+"attendre", "Montrez cet écran", code))
		}
		one, err := s.session(ctx, r)
		if err == nil && one.State == sessions.Open {
			_, err = s.Parvis.Output(ctx, "session", "end", one.ID)
		}
		if err := errors.Join(err, r.Visit(ctx, portalURL+"attendre", "Montrez cet écran", code), mediator.Visit(ctx, ConsoleURL, code)); err != nil {
			return err
		}
	}
	return fmt.Errorf("scenes: no tap was taken back: %w", late)
}
