package main

import (
	"time"

	"parvis/internal/clock"
	"parvis/internal/control"
	"parvis/internal/lang"
)

var (
	storeText = lang.Text{
		EN: "the database does not take writes (%s): nobody new can be let in, people who are in stay in; free space on the disk, or see its log",
		FR: "la base n'accepte pas d'écriture (%s) : personne d'autre ne peut entrer, les personnes connectées le restent ; libérez de la place, ou voyez le journal",
	}
	enforcerText = lang.Text{
		EN: "the kernel does not follow (%s); it is tried again by itself",
		FR: "le noyau ne suit pas (%s) ; un nouvel essai se fait tout seul",
	}
	linkText = lang.Text{
		EN: "an interface is gone (%s): nothing passes; it is taken up again when it comes back",
		FR: "une interface a disparu (%s) : rien ne passe ; tout reprend à son retour",
	}
	clockText = lang.Text{
		EN: "the clock was not set since the start: hours shown to people are left out; sessions count time without it",
		FR: "l'horloge n'a pas été mise à l'heure : les heures ne sont pas montrées aux gens ; les connexions comptent le temps sans elle",
	}
)

func problem(t lang.Text, args ...any) control.Problem {
	return control.Problem{EN: t.In(lang.EN, args...), FR: t.In(lang.FR, args...)}
}

// status gathers what the parts know; it waits for none of them.
func (d *daemon) status() control.Status {
	m, fw, wall := d.manager.Status(), d.firewall.Status(), d.clock.Wall()
	s := control.Status{
		Version: version, Site: d.cfg.Site.Name, Since: d.since, Clock: wall.Quality.String(),
		Portal: "http://" + d.cfg.Portal.Name + "/", Backend: string(fw.Backend), LeafQdisc: fw.Leaf,
		ConfirmSeconds: int(d.confirm.left(d.clock).Round(time.Second) / time.Second),
		Problems:       []control.Problem{}, Notes: []control.Problem{},
		Sessions: control.Sessions{
			Open: m.Open, Free: m.Slots.Free, Resting: m.Slots.Resting, Total: m.Slots.Total, Resumed: m.Start.Open,
		},
	}
	if d.cfg.Portal.Certificate != "" {
		s.API = apiURI(d.cfg.Portal.Name)
	}
	switch {
	case m.LinkLost != "":
		s.Problems = append(s.Problems, problem(linkText, m.LinkLost))
	case !m.Enforcer.OK:
		s.Problems = append(s.Problems, problem(enforcerText, m.Enforcer.Error))
	}
	if !m.Store.OK {
		s.Problems = append(s.Problems, problem(storeText, m.Store.Error))
	}
	s.Ready = len(s.Problems) == 0
	if wall.Quality == clock.Unknown {
		s.Notes = append(s.Notes, problem(clockText))
	}
	return s
}

// apiURI is what option 114 announces too: the two must be the same (RFC 8910, section 2).
func apiURI(name string) string { return "https://" + name + "/api/captive" }
