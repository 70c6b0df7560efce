package scenes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"parvis/internal/lab"
	"parvis/internal/lab/kiosk"
	"parvis/sessions"
)

const cafPage = "http://" + lab.CAF + "/"

// Scene is one moment of a public day.
type Scene struct {
	Name     string
	Sentence string // what happens, for people who read French
	Run      func(context.Context, *Stage) error
}

// Scenes are the day, in order; each goes on from where the one before has left the stage.
var Scenes = []Scene{
	{"ouverture", "Le routeur démarre. Tout est prêt, et personne ne passe encore.", opening},
	{"habitante", "Une habitante appuie sur « Aller sur internet ». Elle est en ligne et voit son temps.", resident},
	{"retour", "Elle arrête internet et s'en va. Deux heures après, un bouton lui rend le temps gardé.", comesBack},
	{"deux-familles", "Son téléphone s'est aussi donné des adresses IPv6. Elles passent toutes avec elle.", bothFamilies},
	{"pare-feu", "Un autre programme vide le pare-feu. Rien ne s'ouvre, et en deux secondes tout est remis.", foreign},
	{"jumeau", "Un second appareil prend le numéro du sien. Internet est en pause ; il part, et elle continue.", twin},
	{"coupure", "Le courant est coupé, puis revient. Elle continue sans rien faire, avec le temps qui lui restait.", powerCut},
	{"panne", "La ligne tombe pendant deux heures. La page le dit, le temps est gardé, et tout revient sans elle.", lineDown},
	{"attente", "Une personne montre son code. L'accueil ouvre, sa page change toute seule. Son téléphone change de numéro : le code lui rend son temps.", waits},
	{"comptoir", "À l'accueil, un téléphone montre son code. La médiatrice touche un temps, se reprend, puis ouvre, ajoute du temps et arrête.", atTheDesk},
	{"tickets", "L'accueil imprime une planche. Un téléphone lit un ticket sur le papier, et il est en ligne.", printsTickets},
	{"fin", "Son temps finit. Son téléchargement s'arrête dans la seconde, et la page le dit.", timeEnds},
	{"poste-firefox", "Un poste est fermé. L'accueil l'ouvre d'un geste : une démarche entière, un site montré, un délai, puis tout s'arrête et le poste redevient propre.", sits(kiosk.Firefox)},
	{"poste-chromium", "La même chose avec l'autre navigateur.", sits(kiosk.Chromium)},
	{"atelier", "Un atelier de douze. Une personne change d'adresse et garde sa place ; la treizième apprend que c'est complet.", workshop},
	{"pause", "L'accueil met internet en pause un quart d'heure. La pause finit toute seule, et elle retrouve son temps.", pause},
	{"relecture", "Pendant ce temps, chaque fichier du routeur est relu, et tout ce que le centre a reçu : rien n'y dit qui est là.", func(ctx context.Context, s *Stage) error { return s.rereads(ctx) }},
	{"fermeture", "Le lieu ferme. La page prévient 15 et 5 minutes avant, puis tout s'arrête ensemble.", closing},
	{"bilan", "L'accueil lit le brouillon de l'après-midi. Le mois fini, ses chiffres disent ce que la journée a fait, et les petits nombres sont masqués.", counted},
	{"traces", "Un mois après, tout est relu encore : ni numéro d'appareil, ni adresse, ni site visité, ni nom, là où il ne doit pas y en avoir. Plus une session n'est gardée.", traces},
}

// Day plays a public day with a clock that is moved.
func Day(ctx context.Context, o Options) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	// No end for idleness: hours pass here between two packets.
	site := lab.Site{Idle: "0s", Lease: "24h", IPv6: true, Staff: true, Posts: true, Printer: lab.PrinterURI}
	s, err := raise(ctx, o, site)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, s.lastWords())
		}
		err = errors.Join(err, s.Close())
	}()
	if err := s.hears(site); err != nil {
		return err
	}
	return s.play(ctx, o, Scenes)
}

func (s *Stage) play(ctx context.Context, o Options, scenes []Scene) error {
	steps := make([]step, 0, len(scenes))
	for _, scene := range scenes {
		steps = append(steps, step{scene.Sentence, func(ctx context.Context) error {
			if err := scene.Run(ctx, s); err != nil {
				return fmt.Errorf("%s : %w", scene.Name, err)
			}
			return nil
		}})
	}
	return playSteps(ctx, o.Out, steps)
}

func opening(ctx context.Context, s *Stage) error {
	if err := s.Start(ctx); err != nil { // returns once the daemon says that it is ready
		return err
	}
	if err := s.itIs(ctx, 9, 0); err != nil {
		return err
	}
	if err := s.joins(ctx); err != nil {
		return err
	}
	r, err := s.Join(ctx, "habitante")
	if err != nil {
		return err
	}
	return r.Offline(ctx)
}

func resident(ctx context.Context, s *Stage) error {
	r := s.residents[0]
	if err := r.goOnline(ctx, "Aller sur internet"); err != nil {
		return err
	}
	if err := r.Visit(ctx, portalURL+"ma-connexion", "Ma connexion", "Il vous reste"); err != nil {
		return err
	}
	return s.Screenshot(ctx, r, "jour-habitante")
}

// goOnline lets a resident's browser meet the portal and press a button, and sees that they are online.
func (r *Resident) goOnline(ctx context.Context, button string) error {
	if err := r.Browser.Open(ctx, cafPage); err != nil {
		return err
	}
	if err := r.Press(ctx, button, "Internet est ouvert.", "Il vous reste"); err != nil {
		return err
	}
	return r.Online(ctx)
}

// over sees that a resident's session has ended, that nothing of theirs passes, and that the page says why.
func (s *Stage) over(ctx context.Context, r *Resident, why sessions.Reason, sentences ...string) error {
	if err := s.endedBy(ctx, r, why); err != nil {
		return err
	}
	if err := r.Offline(ctx); err != nil {
		return err
	}
	if err := r.Visit(ctx, cafPage, sentences...); err != nil {
		return err
	}
	return s.Screenshot(ctx, r, "jour-"+string(why)+"-"+r.Guest.Name)
}

// comesBack stops in the middle of the hour: what is left waits for her, however long she is away.
func comesBack(ctx context.Context, s *Stage) error {
	r := s.residents[0]
	if err := s.Control.Shift(ctx, 20*time.Minute); err != nil {
		return err
	}
	if err := r.Visit(ctx, portalURL+"ma-connexion", "Il vous reste 40 minutes"); err != nil {
		return err
	}
	if err := r.Press(ctx, "Arrêter internet", "Vous avez arrêté internet.", "40 minutes"); err != nil {
		return err
	}
	if err := s.Screenshot(ctx, r, "jour-arret"); err != nil {
		return err
	}
	if err := s.over(ctx, r, sessions.ByResident, "40 minutes"); err != nil {
		return err
	}
	if err := s.Control.Shift(ctx, 2*time.Hour); err != nil {
		return err
	}
	if err := r.goOnline(ctx, "Reprendre"); err != nil {
		return err
	}
	session, err := s.session(ctx, r)
	if err == nil && (session.Left > 40*time.Minute || session.Left < 39*time.Minute) {
		err = fmt.Errorf("il reste %v, attendu 40 minutes", session.Left)
	}
	return err
}

func timeEnds(ctx context.Context, s *Stage) error {
	r := s.residents[0]
	flow, err := r.Download(ctx, 200_000)
	if err != nil {
		return err
	}
	defer flow.Close()
	session, err := s.session(ctx, r)
	if err != nil {
		return err
	}
	if err := s.Control.Shift(ctx, session.Left); err != nil {
		return err
	}
	if err := flow.StoppedBy(ctx, time.Now().Add(time.Second)); err != nil {
		return err
	}
	return s.over(ctx, r, sessions.ByTime, "Votre temps est fini.", "Internet est arrêté sur cet appareil.")
}

// session is the newest session of a resident's device.
func (s *Stage) session(ctx context.Context, r *Resident) (newest sessions.Session, err error) {
	all, err := s.Control.Sessions(ctx)
	if err != nil {
		return newest, err
	}
	for _, one := range all {
		if one.Device.IPv4 == r.Guest.Lease().Address.Addr() && (newest.ID == "" || one.OpenedAt.After(newest.OpenedAt)) {
			newest = one
		}
	}
	if newest.ID == "" {
		return newest, fmt.Errorf("scenes: %s has no session", r.Guest.Name)
	}
	return newest, nil
}

func (s *Stage) endedBy(ctx context.Context, r *Resident, why sessions.Reason) error {
	one, err := s.session(ctx, r)
	if err == nil && (one.State != sessions.Ended || one.Reason != why) {
		err = fmt.Errorf("scenes: %s's session is %s %s, expected to be ended by %s", r.Guest.Name, one.State, one.Reason, why)
	}
	return err
}
