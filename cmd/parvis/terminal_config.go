package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"parvis/internal/config"
	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/kiosk/policies"
	"parvis/kiosk/porteus"
)

var terminalConfigTexts = map[string]lang.Text{
	"help_terminal_config": {
		EN: "Show the configuration that Porteus Kiosk terminals fetch, as it is published.",
		FR: "Montre la configuration que lisent les postes Porteus Kiosk, telle qu'elle est publiée.",
	},
	"help_terminal_config_diff": {
		EN: "What settings have become since, and which terminals would make their image anew and restart.",
		FR: "Ce que les réglages sont devenus depuis, et quels postes referaient leur image et redémarreraient.",
	},
	"help_terminal_config_next": {EN: "Show it as it would be published now.", FR: "La montre telle qu'elle serait publiée maintenant."},
	"help_terminal_publish": {
		EN: "Give terminals what is held back, one after the other, while the place is closed.",
		FR: "Donne aux postes ce qui est retenu, l'un après l'autre, pendant la fermeture.",
	},
	"help_terminal_publish_now":  {EN: "Although the place is open: one turn for each.", FR: "Même si le lieu est ouvert : un tour pour chacun."},
	"help_terminal_publish_post": {EN: "A terminal that gets a turn although nothing has changed for it: just installed, or reinstalled.", FR: "Un poste qui a son tour même si rien n'a changé pour lui : nouveau, ou réinstallé."},
	"help_terminal_withdraw":     {EN: "Take a publication back that no terminal has fetched yet.", FR: "Annule une publication qu'aucun poste n'a encore lue."},
	"help_terminal_lint": {
		EN: "Say what is wrong with a Porteus Kiosk configuration, also one written by hand.",
		FR: "Dit ce qui ne va pas dans une configuration Porteus Kiosk, même écrite à la main.",
	},
	"help_terminal_lint_file": {EN: "The file; - for the standard input.", FR: "Le fichier ; - pour l'entrée standard."},
	"help_terminal_policies": {
		EN: "Print managed policies for the browser of an ordinary Linux machine.",
		FR: "Affiche les règles du navigateur d'un poste sous Linux ordinaire.",
	},
	"help_terminal_policies_browser": {EN: "firefox (ESR) or chromium.", FR: "firefox (ESR) ou chromium."},
}

// terminalConfigCmds are the verbs about what terminals run.
type terminalConfigCmds struct {
	Config   terminalConfigCmd   `cmd:"" help:"${help_terminal_config}"`
	Publish  terminalPublishCmd  `cmd:"" help:"${help_terminal_publish}"`
	Lint     terminalLintCmd     `cmd:"" help:"${help_terminal_lint}"`
	Policies terminalPoliciesCmd `cmd:"" help:"${help_terminal_policies}"`
}

type terminalConfigCmd struct {
	Diff bool `help:"${help_terminal_config_diff}" xor:"what"`
	Next bool `help:"${help_terminal_config_next}" xor:"what"`
	jsonFlag
}

func (c terminalConfigCmd) Run(ctx context.Context, a *app) error {
	s, err := a.client.TerminalConfig(ctx, control.TerminalConfigRequest{Do: control.ConfigShow})
	switch {
	case err != nil:
		return err
	case c.JSON:
		return a.json(s)
	case c.Diff:
		return a.heldBack(s)
	case c.Next:
		fmt.Fprint(a.out, s.Settings)
	default:
		fmt.Fprint(a.out, s.Published)
	}
	return nil
}

// heldBack tells how the terminals' configuration stands.
func (a *app) heldBack(s control.TerminalConfig) error {
	if s.Under {
		a.printf(lang.Text{EN: "Being published. Terminals that are back: %d; to come: %s.", FR: "Publication en cours. Postes revenus : %d ; à venir : %s."}, s.Done, strings.Join(s.Waiting, ", "))
		switch {
		case s.Current != "":
			a.printf(lang.Text{EN: "Now: %s, which may reach Porteus' hosts for %s. Restart it if it is on.", FR: "Maintenant : %s, qui peut joindre les serveurs de Porteus pendant %s. Redémarrez-le s'il est allumé."},
				s.Current, s.Left.Round(time.Second))
		case s.Paused:
			a.printf(lang.Text{EN: "It goes on when the place is closed.", FR: "Elle continue quand le lieu est fermé."})
		}
	}
	for _, id := range s.Unknown {
		a.printf(lang.Text{
			EN: "%s has no section of its own: its PCID is missing, or part of another's; see: parvis terminal list",
			FR: "%s n'a pas de section à lui : son PCID manque, ou fait partie d'un autre ; voir : parvis terminal list",
		}, id)
	}
	if len(s.Held) == 0 {
		a.printf(lang.Text{EN: "Nothing is held back.", FR: "Rien n'est retenu."})
		return nil
	}
	a.printf(lang.Text{EN: "Held back until: parvis terminal publish", FR: "Retenu jusqu'à : parvis terminal publish"})
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, c := range s.Held {
		who := c.PCID
		if who == "" {
			who = lang.Text{EN: "(others)", FR: "(les autres)"}.In(a.lang)
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t→ %s\n", who, c.Key, orNone(c.Old, a.lang), orNone(c.New, a.lang))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(s.Restart) == 0 {
		a.printf(lang.Text{EN: "No terminal restarts for it.", FR: "Aucun poste ne redémarre pour cela."})
		return nil
	}
	a.printf(lang.Text{
		EN: "These terminals make their image anew and restart, some minutes each: %s.",
		FR: "Ces postes refont leur image et redémarrent, quelques minutes chacun : %s.",
	}, strings.Join(s.Restart, ", "))
	return nil
}

func orNone(value string, l lang.Lang) string {
	if value == "" {
		return lang.Text{EN: "(none)", FR: "(rien)"}.In(l)
	}
	return value
}

type terminalPublishCmd struct {
	Now      bool   `help:"${help_terminal_publish_now}"`
	Post     string `help:"${help_terminal_publish_post}" placeholder:"POST"`
	Withdraw bool   `help:"${help_terminal_withdraw}"`
	jsonFlag
}

func (c terminalPublishCmd) Run(ctx context.Context, a *app) error {
	r := control.TerminalConfigRequest{Do: control.ConfigPublish, Now: c.Now, Post: c.Post}
	if c.Withdraw {
		r = control.TerminalConfigRequest{Do: control.ConfigWithdraw}
	}
	s, err := a.client.TerminalConfig(ctx, r)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(s)
	}
	return a.heldBack(s)
}

type terminalLintCmd struct {
	File string `arg:"" help:"${help_terminal_lint_file}" placeholder:"FILE"`
	jsonFlag
}

func (c terminalLintCmd) Run(a *app) error {
	in := io.Reader(os.Stdin)
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return refused(err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, 2<<20)) // twice what lint takes for too long
	if err != nil {
		return refused(err)
	}
	problems := porteus.Lint(b)
	if c.JSON {
		all := make([]jsonProblem, len(problems))
		for i, p := range problems {
			severity := "error"
			if p.Warning {
				severity = "warning"
			}
			all[i] = jsonProblem{File: c.File, Line: p.Line, Severity: severity, What: p.What.In(a.lang), Expected: p.Expected.In(a.lang), Do: p.Do.In(a.lang)}
		}
		if err := a.json(all); err != nil {
			return err
		}
	}
	wrong := 0
	for _, p := range problems {
		mark := lang.Text{EN: "", FR: ""}
		if p.Warning {
			mark = lang.Text{EN: " (to know)", FR: " (à savoir)"}
		} else {
			wrong++
		}
		if !c.JSON {
			fmt.Fprintf(a.err, "%s:%s%s\n", c.File, p.In(a.lang), mark.In(a.lang))
		}
	}
	if wrong > 0 {
		return fail(exitRefused, lang.Text{EN: "%d to correct, %d to know", FR: "%d à corriger, %d à savoir"}, wrong, len(problems)-wrong)
	}
	if !c.JSON {
		a.printf(lang.Text{EN: "Nothing to correct, %d to know.", FR: "Rien à corriger, %d à savoir."}, len(problems))
	}
	return nil
}

type terminalPoliciesCmd struct {
	Browser string `arg:"" enum:"firefox,chromium" help:"${help_terminal_policies_browser}" placeholder:"BROWSER"`
}

func (c terminalPoliciesCmd) Run(a *app) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	if !cfg.Terminals.There() {
		return fail(exitNotRight, noTerminalsText)
	}
	s := policies.Settings{
		Address: cfg.Terminals.Address.Addr(), PortalName: cfg.Portal.Name,
		Prints: cfg.Terminals.Printer != "", USB: cfg.Terminals.USB,
	}
	write, path := policies.Firefox, policies.FirefoxPath
	start := "firefox-esr --kiosk --private-window " + policies.Homepage(s)
	if c.Browser == "chromium" {
		write, path = policies.Chromium, policies.ChromiumPath
		start = "chromium --incognito --start-fullscreen " + policies.Homepage(s)
	}
	b, err := write(s)
	if err != nil {
		return refused(err)
	}
	// What a technician needs beside the file goes where it does not get into the file.
	fmt.Fprintln(a.err, lang.Text{
		EN: "# Save this as %s, owned by root, mode 0644.\n# Start the session's only program in a loop, with a home that is made anew each time:\n#   %s\n# The machine is on the terminals' network and gets its address by DHCP. Its system updates need another network.",
		FR: "# Enregistrez ceci dans %s, à root, mode 0644.\n# Lancez le seul programme de la session en boucle, avec un dossier personnel refait à chaque fois :\n#   %s\n# La machine est sur le réseau des postes et prend son adresse par DHCP. Ses mises à jour demandent un autre réseau.",
	}.In(a.lang, path, start))
	_, err = a.out.Write(b)
	return err
}

// configRefusal says in the operator's languages why a configuration was not published or taken back.
func configRefusal(err error, id string) error {
	for _, e := range []struct {
		err  error
		kind string
		text lang.Text
	}{
		{porteus.ErrNothing, control.Refused, lang.Text{
			EN: "there is nothing to publish or to take back; see: parvis terminal config --diff",
			FR: "il n'y a rien à publier ni à annuler ; voir : parvis terminal config --diff",
		}},
		{porteus.ErrUnderWay, control.Refused, lang.Text{
			EN: "a publication is under way; see: parvis terminal config --diff. A terminal that will not come back is taken out with: parvis terminal remove",
			FR: "une publication est en cours ; voir : parvis terminal config --diff. Un poste qui ne reviendra pas se retire avec : parvis terminal remove",
		}},
		{porteus.ErrTaken, control.Refused, lang.Text{
			EN: "a terminal has fetched it already: change the settings back and publish again",
			FR: "un poste l'a déjà lue : remettez les réglages et publiez à nouveau",
		}},
	} {
		if errors.Is(err, e.err) {
			return control.Refuse(e.kind, e.text)
		}
	}
	if errors.Is(err, porteus.ErrUnknown) {
		return control.Refuse(control.NotFound, lang.Text{EN: "%s: no such terminal; see: parvis terminal list", FR: "%s : poste introuvable ; voir : parvis terminal list"}, id)
	}
	return err
}

// porteusSettings are what the configuration says of terminals.
func porteusSettings(c *config.Config) porteus.Settings {
	return porteus.Settings{
		Address: c.Terminals.Address.Addr(), PortalName: c.Portal.Name,
		Browser: porteus.Browser(c.Terminals.Browser), SessionIdle: c.Terminals.Idle, Restart: c.Terminals.Restart,
		Zone:   c.Site.Hours.Zone.String(),
		Notice: "Ce poste n'est pas encore prêt. Demandez de l'aide.",
	}
}
