package scenes

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"parvis/sessions"
)

// changesTime gives more time and then stops, on the page of one connection. The page of the person follows by itself.
func (s *Stage) changesTime(ctx context.Context, mediator, r *Resident) error {
	before, err := s.session(ctx, r)
	if err != nil {
		return err
	}
	if err := r.Visit(ctx, portalURL+"ma-connexion", "Ma connexion", "Il vous reste"); err != nil {
		return err
	}
	if err := mediator.Browser.Open(ctx, ConsoleURL+"connexions/"+before.ID); err != nil {
		return err
	}
	if err := mediator.Press(ctx, "+ 15 min", "Le temps est ajouté.", before.Code); err != nil {
		return err
	}
	after, err := s.session(ctx, r)
	if err != nil {
		return err
	}
	if more := after.Left - before.Left; more > 15*time.Minute || more < 10*time.Minute {
		return fmt.Errorf("scenes: a quarter of an hour more is %v more", more)
	}
	if err := r.Browser.See(ctx, "Il vous reste 1 heure 1"); err != nil { // by itself
		return err
	}
	if err := errors.Join(
		s.Screenshot(ctx, mediator, "jour-console-une"),
		mediator.Browser.Screenshot(ctx, filepath.Join(s.Artefacts, "jour-console-une-bureau.png"), 1280, 800),
		r.Online(ctx), s.Screenshot(ctx, r, "jour-prolonge"),
	); err != nil {
		return err
	}
	if err := mediator.Press(ctx, "Arrêter cette connexion", "La connexion est arrêtée.", "L'accueil l'a arrêtée."); err != nil {
		return err
	}
	if err := r.Browser.See(ctx, "L'accueil a arrêté votre connexion."); err != nil { // by itself
		return err
	}
	return errors.Join(s.endedBy(ctx, r, sessions.ByOperator), r.Offline(ctx), s.Screenshot(ctx, r, "jour-arrete-accueil"))
}
