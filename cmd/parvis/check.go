package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"

	"parvis/firewall"
	"parvis/internal/clock"
	"parvis/internal/config"
	"parvis/internal/lang"
	"parvis/internal/machine"
	"parvis/kiosk/printing"
)

// loadConfig returns a configuration without errors, or says all that is wrong with it.
func (a *app) loadConfig() (*config.Config, error) {
	cfg, problems := config.Load(a.cli.Config)
	if config.HasErrors(problems) {
		a.tell(problems)
		return nil, fail(exitNotRight, lang.Text{
			EN: "%s cannot be used as it is; correct it and run: parvis check",
			FR: "%s ne peut pas servir tel quel ; corrigez-le puis lancez : parvis check",
		}, a.cli.Config)
	}
	return cfg, nil
}

// tell prints problems, one a paragraph, on the error output.
func (a *app) tell(problems []config.Problem) {
	for _, p := range problems {
		fmt.Fprintln(a.err, p.In(a.lang))
	}
}

// look reads what this machine is. cfg may be nil: there is none yet.
func (a *app) look(cfg *config.Config) (machine.Facts, error) {
	system, err := clock.NewSystem()
	if err != nil {
		return machine.Facts{}, err
	}
	return machine.Read("/", machine.Options{
		Network: machine.Kernel{}, Wall: system.Wall(), PID: os.Getpid(), State: a.cli.State, Config: cfg,
		Etc: filepath.Dir(a.cli.Config),
	})
}

// fit refuses a machine that cannot serve the configuration, in the words of `parvis check`; what merely costs something
// goes to the log.
func (a *app) fit(cfg *config.Config, log *slog.Logger) error {
	facts, err := a.look(cfg)
	if err != nil {
		return refused(err)
	}
	found := features(cfg, facts)
	// A certificate that has ended, or is for another name, costs the API or the console; refusing to start would cost the portal.
	needed := facts
	needed.Cert, needed.StaffCert = nil, nil
	if problems := machine.Check(cfg, needed, found); config.HasErrors(problems) {
		a.tell(problems)
		return fail(exitNotRight, lang.Text{
			EN: "this machine cannot serve %s as it is; correct it and run: parvis check",
			FR: "cette machine ne peut pas servir %s telle quelle ; corrigez-la puis lancez : parvis check",
		}, a.cli.Config)
	}
	for _, p := range machine.Check(cfg, facts, found) {
		log.Warn(p.In(a.lang))
	}
	return nil
}

type checkCmd struct{ jsonFlag }

func (c checkCmd) Run(ctx context.Context, a *app) error {
	cfg, problems := config.Load(a.cli.Config)
	problems, err := a.allProblems(ctx, cfg, problems)
	if err != nil {
		return refused(err)
	}
	if c.JSON {
		if err := a.json(jsonProblems(problems, a.lang)); err != nil {
			return err
		}
	} else {
		a.tell(problems)
	}
	wrong, warnings := 0, 0
	for _, p := range problems {
		if p.Severity == config.Error {
			wrong++
		} else {
			warnings++
		}
	}
	if wrong > 0 {
		return fail(exitNotRight, lang.Text{
			EN: "%d to correct, %d to know; Parvis does not start like this",
			FR: "%d à corriger, %d à savoir ; Parvis ne démarre pas ainsi",
		}, wrong, warnings)
	}
	if !c.JSON {
		a.printf(lang.Text{
			EN: "Nothing to correct, %d to know. Next: parvis serve --confirm 120",
			FR: "Rien à corriger, %d à savoir. Ensuite : parvis serve --confirm 120",
		}, warnings)
	}
	return nil
}

// allProblems adds to those of the file what the machine, the calendar, the catalogue and the printer say. cfg may be nil: the file has errors.
func (a *app) allProblems(ctx context.Context, cfg *config.Config, problems []config.Problem) ([]config.Problem, error) {
	if cfg == nil {
		return problems, nil
	}
	facts, err := a.look(cfg)
	if err != nil {
		return problems, err
	}
	problems = append(problems, machine.Check(cfg, facts, features(cfg, facts))...)
	_, unread := cfg.Calendar()
	problems = append(problems, unread...)
	problems = append(problems, a.catalogueProblems(cfg)...)
	problems = append(problems, printerProblems(ctx, cfg)...)
	return append(append(problems, hubProblems(cfg)...), boxProblems(cfg, "/")...), nil
}

// printerProblems asks the terminals' printer whether it is there. It is asked by check alone: a printer that is off keeps nobody
// from anything else.
func printerProblems(ctx context.Context, cfg *config.Config) []config.Problem {
	t := cfg.Terminals
	if !t.There() || t.Printer == "" {
		return nil
	}
	address, err := url.Parse(t.Printer)
	if err == nil {
		err = printing.Reach(ctx, address)
	}
	tell := func(what, do config.Message) []config.Problem {
		return []config.Problem{cfg.Problem("terminals.printer", config.Warning, what, config.Message{}, do)}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, printing.ErrPaused):
		return tell(config.Say("the terminals' printer takes no jobs now", "l'imprimante des postes ne prend pas de travaux en ce moment"),
			config.Say("look at its screen: paper, ink, pause", "regardez son écran : papier, encre, pause"))
	case errors.Is(err, printing.ErrIPP):
		return tell(config.Say("what answers at %s is no printer's IPP (%v)", "ce qui répond à %s n'est pas l'IPP d'une imprimante (%v)", t.Printer, err),
			config.Say("switch IPP on in the printer's settings, or correct the end of the address: /ipp/print with most", "activez IPP dans les réglages de l'imprimante, ou corrigez la fin de l'adresse : /ipp/print le plus souvent"))
	}
	return tell(config.Say("the terminals' printer is not reached (%v)", "l'imprimante des postes n'est pas joignable (%v)", err),
		config.Say("switch it on, look at its cable and its address; it must be reachable from this router", "allumez-la, regardez son câble et son adresse ; ce routeur doit pouvoir la joindre"))
}

type jsonProblem struct {
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Severity string `json:"severity"`
	What     string `json:"what"`
	Expected string `json:"expected,omitempty"`
	Do       string `json:"do,omitempty"`
}

func jsonProblems(ps []config.Problem, l lang.Lang) []jsonProblem {
	all := make([]jsonProblem, len(ps))
	for i, p := range ps {
		severity := "warning"
		if p.Severity == config.Error {
			severity = "error"
		}
		all[i] = jsonProblem{p.File, p.Line, p.Column, severity, p.What.In(l), p.Expected.In(l), p.Do.In(l)}
	}
	return all
}

type dnsmasqCmd struct {
	Terminals bool `help:"${help_dnsmasq_terminals}"`
}

func (c dnsmasqCmd) Run(_ context.Context, a *app) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	if !c.Terminals {
		if len(cfg.Gate.Garden) == 0 { // the catalogue is not needed, whatever is wrong with it
			fmt.Fprint(a.out, config.Dnsmasq(cfg, a.cli.State, nil))
			return nil
		}
		known, _, err := a.catalogue(cfg.Gate.Catalogue)
		if err != nil {
			return err
		}
		fmt.Fprint(a.out, config.Dnsmasq(cfg, a.cli.State, known.Names(cfg.Gate.Garden)))
		return nil
	}
	if !cfg.Terminals.There() {
		return fail(exitNotRight, lang.Text{
			EN: "there is no network of terminals; expected terminals.interface in the configuration",
			FR: "il n'y a pas de réseau de postes ; il faut terminals.interface dans la configuration",
		})
	}
	fmt.Fprint(a.out, config.DnsmasqTerminals(cfg, a.cli.State))
	return nil
}

// features hands what the firewall finds in the kernel to the check of the machine. Without the right to change the
// network nothing can be tried, and the missing right is told instead.
func features(cfg *config.Config, f machine.Facts) []machine.Feature {
	if !f.NetAdmin {
		return nil
	}
	found := firewall.Probe(cfg.Guests.IPv6)
	all := make([]machine.Feature, len(found))
	for i, c := range found {
		all[i] = machine.Feature(c)
	}
	return all
}
