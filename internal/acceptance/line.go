package acceptance

import (
	"context"
	"net/netip"
	"time"

	"parvis/internal/echo"
)

// Line is what is measured of the way out.
type Line struct {
	Echo     echo.Asker // of wan.echo; URL nil: there is none
	Down, Up uint64     // configured, bits per second
	Block    echo.Block // that Echo's sockets leave from; zero: the site has no blocks
	Own      []netip.Addr
}

// measured is how long each way is filled, and enough is what it must carry of what is configured, in percent. Less means that the
// line's own queue forms, in the operator's box, where nobody shares it fairly.
const (
	measured = 8 * time.Second
	enough   = 80
)

var noEcho = Say("set wan.echo to the address of a host that runs: parvis echo --measure", "donnez dans wan.echo l'adresse d'une machine où tourne : parvis echo --measure")

// Measure compares the line with what is configured.
func (l Line) Measure(ctx context.Context) []Finding {
	if l.Echo.URL == nil {
		return []Finding{Skip(Say("the line was not measured: there is no echo service", "le débit n'a pas été mesuré : il n'y a pas de service d'écho"), noEcho)}
	}
	r, err := l.Echo.Measure(ctx, measured)
	if err != nil {
		return []Finding{Note(Say("the line could not be measured: %v", "le débit n'a pas pu être mesuré : %v", err),
			Say("look whether the echo service runs and measures", "vérifiez que le service d'écho tourne, avec --measure"))}
	}
	return []Finding{carries("down", "en réception", r.Down, l.Down, "wan.down"), carries("up", "en émission", r.Up, l.Up, "wan.up")}
}

func carries(en, fr string, got, want uint64, key string) Finding {
	what := Say("the line carries %s "+en+"; %s is configured", "la ligne porte %s "+fr+" ; %s est configuré", bits(got), bits(want))
	if got*100 >= want*enough {
		return Pass(what)
	}
	return Note(what, Say("set %s to what the line really carries, or ask the operator; if the echo service is slower than the line, use another",
		"mettez dans %s ce que la ligne porte vraiment, ou voyez avec l'opérateur ; si le service d'écho est plus lent que la ligne, prenez-en un autre", key))
}

// Ports asks whether address and port arrive outside as they left the router.
func (l Line) Ports(ctx context.Context) []Finding {
	switch {
	case l.Block == (echo.Block{}):
		return []Finding{Skip(Say("this site has no blocks of ports", "ce lieu n'a pas de blocs de ports"),
			Say("see guests.capacity", "voir guests.capacity"))}
	case l.Echo.URL == nil:
		return []Finding{Skip(Say("it was not tried whether ports arrive unchanged: there is no echo service",
			"le passage des ports n'a pas été essayé : il n'y a pas de service d'écho"), noEcho)}
	}
	const each = 4
	seen, err := l.Echo.Ask(ctx, each)
	if err != nil {
		return []Finding{Note(Say("the echo service does not answer: %v", "le service d'écho ne répond pas : %v", err),
			Say("TCP and UDP to its port must pass", "le TCP et l'UDP vers son port doivent passer"))}
	}
	return judged(echo.Judge(seen, l.Block, l.Own), len(seen))
}

func judged(f echo.Finding, tried int) []Finding {
	var all []Finding
	switch {
	case !f.Address.IsValid():
		all = append(all, Fail(Say("our connections arrive from several addresses", "nos connexions arrivent de plusieurs adresses"),
			Say("the operator shares public addresses among customers: ask for one of our own", "l'opérateur partage ses adresses publiques entre clients : demandez-en une propre")))
	case f.SameAddress:
		all = append(all, Pass(Say("the router's own address %s is the one seen outside", "l'adresse du routeur, %s, est celle vue du dehors", f.Address)))
	default:
		all = append(all, Note(Say("outside we are %s, which is not the router's own address: something in front translates it",
			"dehors nous sommes %s, qui n'est pas l'adresse du routeur : quelque chose devant la traduit", f.Address),
			Say("if it is the operator's box, use its bridge mode; the address seen outside is the one that a judicial request names",
				"si c'est la box de l'opérateur, passez-la en mode pont ; l'adresse vue du dehors est celle que citera une demande judiciaire")))
	}
	if f.SamePorts {
		return append(all, Pass(Say("%d connections arrived with the ports that they left with", "%d connexions sont arrivées avec les ports de leur départ", tried)))
	}
	return append(all, Fail(Say("%d of %d connections arrived with another port", "%d connexions sur %d sont arrivées avec un autre port", len(f.Strange), tried),
		Say("something in front of the router writes other ports: blocks of ports answer no request here; use the box's bridge mode, or tell the data-protection officer",
			"quelque chose devant le routeur change les ports : ici, les blocs de ports ne répondent à aucune demande ; passez la box en mode pont, ou prévenez le délégué à la protection des données")))
}
