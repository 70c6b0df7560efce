package monitor

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"parvis/hw"
	"parvis/internal/control"
	"parvis/internal/hublink/wire"
	"parvis/internal/lang"
	"parvis/internal/plugin"
)

// The limits that hold when none is given: sessions, loss and disk in percent, latency in milliseconds, terminals in terminals that are
// silent, certificate in days left, hub in seconds of silence, heat in degrees Celsius, wear in percent of a flash's life. For certificate less is worse. A limit of 0 judges nothing.
var (
	DefaultWarn = plugin.Limits{"sessions": 90, "loss": 10, "latency": 300, "disk": 90, "terminals": 1, "certificate": 21, "hub": 900, "heat": 85, "wear": 80}
	DefaultCrit = plugin.Limits{"sessions": 100, "loss": 50, "latency": 1000, "disk": 97, "terminals": 0, "certificate": 7, "hub": 7200, "heat": 100, "wear": 100}
)

// severe are the problems with which nobody, or nobody new, gets online.
var severe = []string{"store", "enforcer", "link"}

// counted are the problems that a limit judges instead.
var counted = []string{"disk", "certificate", "terminal", "heat", "wear"}

func texts(en, fr string, args ...any) lang.Text {
	return lang.Text{EN: fmt.Sprintf(en, args...), FR: fmt.Sprintf(fr, args...)}
}

// Judge makes a plugin's answer of a condition: its verdict and its line.
func Judge(c control.Condition, warn, crit plugin.Limits, l lang.Lang) (plugin.State, string) {
	j := &plugin.Judgement{Warn: warn, Crit: crit, Below: "certificate"}
	if !c.Line.Up {
		j.Worse(plugin.Critical, lang.Text{EN: "the line is down", FR: "la ligne est en panne"})
	}
	for _, p := range c.Problems {
		switch {
		case slices.Contains(counted, p.Code):
		case slices.Contains(severe, p.Code):
			j.Worse(plugin.Critical, word(p))
		default:
			j.Worse(plugin.Warning, word(p))
		}
	}
	open := 100 * float64(c.Open) / float64(max(c.Slots, 1))
	j.Measure("sessions", "sessions", "", float64(c.Open), float64(c.Slots)/100, strconv.Itoa(c.Slots), texts("%.0f %% of the places are taken", "%.0f %% des places sont prises", open))
	j.Note(fmt.Sprintf("waiting=%d;;;0", c.Waiting))
	if c.Line.Latency > 0 {
		j.Measure("latency", "latency", "s", float64(c.Line.Latency)/1000, 0.001, "", texts("the line answers after %d ms", "la ligne répond après %d ms", c.Line.Latency))
	}
	j.Measure("loss", "loss", "%", float64(c.Line.Loss), 1, "100", texts("%d %% of the questions are lost on the line", "%d %% des questions se perdent sur la ligne", c.Line.Loss))
	if used := float64(int(10*c.Disk.Used())) / 10; c.Disk.Size > 0 {
		j.Measure("disk", "disk", "%", used, 1, "100", texts("the disk is full to %.0f %%", "le disque est plein à %.0f %%", used))
	}
	if n := silent(c.Terminals); len(c.Terminals) > 0 {
		j.Measure("terminals", "silent_terminals", "", float64(n), 1, strconv.Itoa(len(c.Terminals)), texts("%d terminals are silent", "postes muets : %d", n))
	}
	for _, name := range slices.Sorted(maps.Keys(c.Expires)) {
		left := c.Expires[name]
		reason := texts("the %s's certificate ends in %d days", "certificat (%s) : fin dans %d jours", name, left)
		if left < 0 {
			reason = texts("the %s's certificate has ended", "certificat (%s) : terminé", name)
		}
		j.Measure("certificate", "certificate_"+name, "", float64(left), 1, "", reason)
	}
	if c.HubSilent != nil {
		j.Measure("hub", "hub_silent", "s", float64(*c.HubSilent), 1, "", texts("the hub has not answered for %d s", "le centre n'a pas répondu depuis %d s", *c.HubSilent))
	}
	if t, ok := hw.Hottest(c.Hardware.Temperatures); ok {
		j.Measure("heat", "temperature", "", float64(int(10*t.Celsius))/10, 1, "", texts("the box has %.0f °C", "le boîtier est à %.0f °C", t.Celsius))
	}
	if used, known := c.Hardware.Worn(); known {
		j.Measure("wear", "worn", "%", float64(used), 1, "", texts("the flash is used up to %d %%", "la mémoire flash est usée à %d %%", used))
	}
	j.Note(fmt.Sprintf("uptime=%ds", c.Up))
	return j.State(), j.Answer("PARVIS", texts("%d of %d sessions", "%d connexions sur %d", c.Open, c.Slots), l)
}

func silent(all []wire.Terminal) (n int) {
	for _, t := range all {
		if t.State == "silent" {
			n++
		}
	}
	return n
}

var words = map[string]lang.Text{
	"store":          {EN: "the database takes no writes", FR: "la base ne peut plus être écrite"},
	"enforcer":       {EN: "the kernel does not follow", FR: "le noyau ne suit pas"},
	"link":           {EN: "an interface is gone", FR: "une interface a disparu"},
	"line-saturated": {EN: "the line is full", FR: "la ligne est pleine"},
	"line-slow":      {EN: "the line is slower than configured", FR: "la ligne est plus lente que réglé"},
	"clock":          {EN: "the clock is not set", FR: "l'horloge n'est pas à l'heure"},
	"printer":        {EN: "the printer does not work", FR: "l'imprimante ne marche pas"},
	WentBack:         {EN: "a new version did not work and was gone back from", FR: "une nouvelle version n'a pas marché : retour en arrière"},
	"gate":           {EN: "the name gate does not work", FR: "le filtre des noms ne marche pas"},
}

// word is a problem in a few words.
func word(p wire.Problem) lang.Text {
	if t, known := words[p.Code]; known {
		return t
	}
	return lang.Text{EN: p.Code, FR: p.Code}
}
