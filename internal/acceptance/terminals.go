package acceptance

import (
	"context"
	"time"
)

// Post is a fixed terminal as far as an acceptance needs it.
type Post struct {
	ID, Name string
	State    string // docs/adr/0001-names.md
}

// Hall is what the running site does for the terminals' steps.
type Hall interface {
	Posts(context.Context) ([]Post, error)
	Open(ctx context.Context, id string, d time.Duration) error
	End(ctx context.Context, id string) error
}

// Terminals tries each terminal in turn.
type Terminals struct {
	Hall       Hall
	Technician Technician
	Wait       time.Duration // for a terminal to be locked and clean again
	Tick       <-chan time.Time
}

const openFor = 5 * time.Minute

// Step is one for all: how many there are is known when it is taken.
func (t Terminals) Step() Step {
	return Step{"terminals", Say("The terminals", "Les postes").Text, t.each}
}

func (t Terminals) each(ctx context.Context) (all []Finding) {
	posts, err := t.Hall.Posts(ctx)
	if err != nil {
		return []Finding{Fail(Say("the terminals cannot be read: %v", "les postes ne peuvent pas être lus : %v", err), Say("see: parvis status", "voir : parvis status"))}
	}
	if len(posts) == 0 {
		return []Finding{Skip(Say("no terminal is adopted", "aucun poste n'est adopté"), Say("see: parvis terminal adopt", "voir : parvis terminal adopt"))}
	}
	for _, p := range posts {
		if ctx.Err() != nil {
			return all
		}
		all = append(all, t.one(ctx, p))
	}
	return all
}

func (t Terminals) one(ctx context.Context, p Post) Finding {
	if p.State != "locked" {
		return Fail(Say("%s is not ready: %s", "%s n'est pas prêt : %s", p.Name, p.State),
			Say("switch it on and let it come to its first page; then take the acceptance again", "allumez-le et laissez-le venir à sa première page ; puis refaites la recette"))
	}
	if a := t.Technician.Ask(Say("Stand before %s. May it be opened now?", "Mettez-vous devant %s. Peut-on l'ouvrir ?", p.Name)); a != Yes {
		return Note(Say("%s was passed over", "%s a été passé", p.Name), Say("take the acceptance again", "refaites la recette"))
	}
	if err := t.Hall.Open(ctx, p.ID, openFor); err != nil {
		return Fail(Say("%s does not open: %v", "%s ne s'ouvre pas : %v", p.Name, err), Say("see: parvis terminal list", "voir : parvis terminal list"))
	}
	shows := t.Technician.Ask(Say("Does it show its services, and does one of them open?", "Montre-t-il ses services, et l'un d'eux s'ouvre-t-il ?"))
	if err := t.Hall.End(ctx, p.ID); err != nil {
		return Fail(Say("%s does not close: %v", "%s ne se ferme pas : %v", p.Name, err), Say("see: parvis terminal list", "voir : parvis terminal list"))
	}
	if shows != Yes {
		return Answered(shows, Say("%s opens a service", "%s ouvre un service", p.Name), Say("%s opens no service", "%s n'ouvre pas de service", p.Name),
			Say("is its proxy this router? see: parvis terminal config", "son proxy est-il ce routeur ? voir : parvis terminal config"))
	}
	if !t.locked(ctx, p.ID) {
		return Fail(Say("%s was not locked and clean again after %v", "%s n'était pas verrouillé et propre après %v", p.Name, t.Wait),
			Say("does its browser start anew at the end? see: parvis terminal list", "son navigateur redémarre-t-il à la fin ? voir : parvis terminal list"))
	}
	return Pass(Say("%s opens a service, closes, and is clean again", "%s ouvre un service, se ferme, et redevient propre", p.Name))
}

func (t Terminals) locked(ctx context.Context, id string) bool {
	ctx, cancel := context.WithTimeout(ctx, t.Wait)
	defer cancel()
	for {
		posts, err := t.Hall.Posts(ctx)
		if err != nil {
			return false
		}
		for _, p := range posts {
			if p.ID == id && p.State == "locked" {
				return true
			}
		}
		select {
		case <-ctx.Done():
			return false
		case <-t.Tick:
		}
	}
}
