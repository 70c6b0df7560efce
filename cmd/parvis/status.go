package main

import (
	"fmt"
	"time"

	"parvis/internal/clock"
	"parvis/internal/config"
	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/internal/line"
	"parvis/internal/upgrade"
	"parvis/sessions"
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
	slowText = lang.Text{
		EN: "the line is slower than configured: full, it carried about %[1]s where wan.%[2]s says %[3]s (seen %[4]s ago); " +
			"the queue is then in the operator's box and is not shared fairly: ask the operator, or write %[2]s = \"%[1]s\" and restart",
		FR: "la ligne est plus lente que réglé : pleine, elle a porté environ %[1]s alors que wan.%[2]s dit %[3]s (vu il y a %[4]s) ; " +
			"la file d'attente est alors dans la box de l'opérateur et n'est pas partagée équitablement : voyez l'opérateur, ou écrivez %[2]s = \"%[1]s\" et relancez",
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
		Problems:       []control.Problem{}, Notes: []control.Problem{}, Repairs: []control.Repair{},
		Sessions: control.Sessions{
			Open: m.Open, Free: m.Slots.Free, Resting: m.Slots.Resting, Total: m.Slots.Total, Resumed: m.Start.Open,
			Suspended: m.Suspended, Off: d.off(m.Start),
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
	now := d.clock.Boot()
	for _, r := range fw.Repairs {
		s.Repairs = append(s.Repairs, control.Repair{
			SecondsAgo: int64(now.Sub(r.At) / time.Second), Milliseconds: r.Took.Milliseconds(), What: problem(r.What),
		})
	}
	s.Ready = len(s.Problems) == 0
	if wall.Quality == clock.Unknown {
		s.Notes = append(s.Notes, problem(clockText))
	}
	if h := d.hub.status(); h.Enrolled || h.Error != "" {
		s.Hub = &h
		s.Notes = append(s.Notes, hubNotes(h)...)
	}
	s.Line = lineStatus(d.line.Status(), d.cfg.WAN, d.clock.Boot())
	s.Notes = append(s.Notes, d.way.notes(d.clock.Boot())...)
	s.Notes = append(s.Notes, slowNotes(s.Line)...)
	s.Terminals = d.seats.status()
	s.Condition = d.condition()
	s.Notes = append(s.Notes, d.boxNotes(s.Condition.Hardware)...)
	if r, err := upgrade.State(d.app.cli.State); err == nil {
		s.Upgrade = r
		if r.State == upgrade.Trial || r.State == upgrade.Waiting || r.Failed() {
			t := upgradeText(r)
			s.Notes = append(s.Notes, problem(t))
		}
	}
	s.Notes = append(append(s.Notes, d.seats.notes(d)...), d.fleet.notes()...)
	return s
}

// lineStatus is what is known of the line.
func lineStatus(l line.Status, wan config.WAN, now clock.Boot) control.Line {
	way := func(configured uint64, s line.Slow) control.Way {
		w := control.Way{Configured: configured, Carries: s.Carries}
		if s.Carries > 0 {
			w.SeenSecondsAgo = int(now.Sub(s.Seen) / time.Second)
		}
		return w
	}
	return control.Line{Watched: l.Able, Down: way(wan.Down, l.Down), Up: way(wan.Up, l.Up)}
}

// slowNotes say of each direction that is slower than configured what to do.
func slowNotes(l control.Line) (notes []control.Problem) {
	for _, w := range []struct {
		control.Way
		key string
	}{{l.Down, "down"}, {l.Up, "up"}} {
		if w.Carries > 0 {
			ago := time.Duration(w.SeenSecondsAgo) * time.Second
			notes = append(notes, problem(slowText, rateText(w.Carries).EN, w.key, rateText(w.Configured).EN, agoText(ago)))
		}
	}
	return notes
}

// agoText is a past time as it is written in both languages.
func agoText(d time.Duration) string {
	if d < time.Hour {
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d h", d/time.Hour)
}

// off is the time without power before this start, as far as the clocks knew and know it. When nobody was inside nothing is said:
// nothing was lost, and the store had not been written for long.
func (d *daemon) off(r sessions.Resumed) *control.Off {
	if !r.Rebooted || r.Seen.IsZero() || r.Open+r.Ended == 0 {
		return nil
	}
	wall := d.clock.Wall()
	return &control.Off{
		From: r.Seen, FromSure: r.Sure,
		To: wall.Time.Add(-time.Duration(d.clock.Boot())), ToSure: wall.Quality == clock.Synchronised,
	}
}

// apiURI is what option 114 announces too: the two must be the same (RFC 8910, section 2).
func apiURI(name string) string { return "https://" + name + "/api/captive" }
