package scenes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parvis/sessions"
)

// pause stops everybody for a quarter of an hour by a gesture of the desk, which is told whom it cuts and asked once; it ends by
// itself, and what was left is given back.
func pause(ctx context.Context, s *Stage) error {
	r := s.residents[0]
	if err := r.goOnline(ctx, "Demander du temps"); err != nil {
		return err
	}
	mediator, err := s.desk(ctx)
	if err != nil {
		return err
	}
	if err := mediator.Visit(ctx, ConsoleURL+"ouverture", "Le lieu est ouvert", "Mettre en pause"); err != nil {
		return err
	}
	if err := errors.Join(mediator.Press(ctx, "15 min", "Mettre en pause ?", "tout de suite."), s.Screenshot(ctx, mediator, "jour-console-pause")); err != nil {
		return err
	}
	if err := mediator.Press(ctx, "Mettre en pause 15 minutes", "Le Wi-Fi est en pause"); err != nil {
		return err
	}
	if err := s.over(ctx, r, sessions.ByPause, "L'accueil a arrêté internet un moment."); err != nil {
		return err
	}
	if err := s.Control.Shift(ctx, 15*time.Minute); err != nil {
		return err
	}
	if err := mediator.Browser.See(ctx, "Le lieu est ouvert"); err != nil { // by itself
		return err
	}
	if err := r.goOnline(ctx, "Reprendre"); err != nil {
		return err
	}
	session, err := s.session(ctx, r)
	if err == nil && (session.Left > time.Hour || session.Left < 55*time.Minute) {
		err = fmt.Errorf("scenes: after the pause %v are left of an hour", session.Left)
	}
	return err
}

// closing tells people fifteen and five minutes before, and ends all sessions together.
func closing(ctx context.Context, s *Stage) error {
	if err := s.residents[1].goOnline(ctx, "Aller sur internet"); err != nil {
		return err
	}
	// By the command: the console has a field for the hour only where the machine's clock is set, as a lab's may not be.
	if _, err := s.Parvis.Output(ctx, "site", "open", "16m"); err != nil {
		return err
	}
	first := s.residents[0]
	for _, notice := range []struct {
		left time.Duration
		name string
		says []string
	}{
		{15*time.Minute - 30*time.Second, "jour-fermeture-15", []string{"Nous fermons"}},
		{5*time.Minute - 30*time.Second, "jour-fermeture-5", []string{"Nous fermons", "Internet s'arrête"}},
	} {
		if err := s.waits(ctx, first, notice.left); err != nil {
			return err
		}
		if err := first.Visit(ctx, portalURL+"ma-connexion", notice.says...); err != nil {
			return err
		}
		if err := s.Screenshot(ctx, first, notice.name); err != nil {
			return err
		}
	}
	if err := s.waits(ctx, first, 0); err != nil {
		return err
	}
	for _, r := range s.residents {
		if err := s.ends(ctx, r); err != nil {
			return err
		}
		if err := s.over(ctx, r, sessions.ByClosing, "Le lieu ferme."); err != nil {
			return err
		}
	}
	return nil
}

// waits lets time pass until so much of a resident's session is left.
func (s *Stage) waits(ctx context.Context, r *Resident, left time.Duration) error {
	one, err := s.session(ctx, r)
	if err != nil || one.Left <= left {
		return err
	}
	return s.Control.Shift(ctx, one.Left-left)
}

// ends waits until a resident's session has ended: the daemon's clock has been moved, and it has its work to do.
func (s *Stage) ends(ctx context.Context, r *Resident) error {
	for deadline := time.Now().Add(10 * time.Second); ; {
		one, err := s.session(ctx, r)
		if err != nil || one.State == sessions.Ended {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("scenes: %s is still inside", r.Guest.Name)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
