package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/internal/monitor"
	"parvis/internal/plugin"
)

var monitorTexts = map[string]lang.Text{
	"help_probe": {
		EN: "A check for Centreon, Nagios or Icinga: one line, performance data, exit code 0 to 3.",
		FR: "Une sonde pour Centreon, Nagios ou Icinga : une ligne, des données de performance, code de retour 0 à 3.",
	},
	"help_probe_warn": {
		EN: "Where warnings begin, such as sessions=80,loss=5: sessions, loss, disk (percent), latency (ms), terminals (silent), certificate (days left), hub (s), heat (°C), wear (percent). 0 never.",
		FR: "Où commencent les avertissements, comme sessions=80,loss=5 : sessions, loss, disk (pour cent), latency (ms), terminals (muets), certificate (jours restants), hub (s), heat (°C), wear (pour cent). 0 jamais.",
	},
	"help_probe_crit":    {EN: "Where the critical begins, in the same way.", FR: "Où commence le critique, de la même façon."},
	"help_probe_timeout": {EN: "How long to wait for the daemon.", FR: "Combien de temps attendre le service."},
}

type probeCmd struct {
	Warn    map[string]float64 `help:"${help_probe_warn}" placeholder:"NAME=N" mapsep:","`
	Crit    map[string]float64 `help:"${help_probe_crit}" placeholder:"NAME=N" mapsep:","`
	Timeout time.Duration      `help:"${help_probe_timeout}" default:"10s" placeholder:"10s"`
}

func (c probeCmd) Run(ctx context.Context, a *app) error {
	warn, err := monitor.DefaultWarn.With(c.Warn)
	if err != nil {
		return a.verdict(plugin.Unknown, "--warn "+err.Error())
	}
	crit, err := monitor.DefaultCrit.With(c.Crit)
	if err != nil {
		return a.verdict(plugin.Unknown, "--crit "+err.Error())
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	s, err := a.client.Status(ctx)
	switch {
	case errors.Is(err, os.ErrPermission):
		return a.verdict(plugin.Unknown, lang.Text{
			EN: "this user may not ask the daemon on %s; run the check as root (sudo)",
			FR: "cet utilisateur n'a pas le droit d'interroger le service sur %s ; lancez la sonde en root (sudo)",
		}.In(a.lang, a.cli.Socket))
	case errors.Is(err, control.ErrNoDaemon):
		return a.verdict(plugin.Critical, noDaemonText.In(a.lang, a.cli.Socket))
	case err != nil:
		return a.verdict(plugin.Unknown, err.Error())
	}
	state, line := monitor.Judge(s.Condition, warn, crit, a.lang)
	fmt.Fprintln(a.out, line)
	return fail(int(state), lang.Text{})
}

// verdict is what a plugin says when there is nothing to judge.
func (a *app) verdict(s plugin.State, why string) error {
	fmt.Fprintln(a.out, plugin.Line("PARVIS", s, strings.ReplaceAll(why, "|", "/")))
	return fail(int(s), lang.Text{})
}

// probed reports whether a command line that cannot be used was a probe's: it then ends as the plugin guidelines want, and not as other
// verbs do.
func probed(err error) bool {
	pe := (*kong.ParseError)(nil)
	return errors.As(err, &pe) && pe.Context != nil && strings.HasPrefix(pe.Context.Command(), "probe")
}
