package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"parvis/internal/hub/store"
	"parvis/internal/lang"
	"parvis/internal/plugin"
)

var probeTexts = map[string]lang.Text{
	"help_probe": {
		EN: "A check of the hub for Centreon, Nagios or Icinga: one line, performance data, exit code 0 to 3.",
		FR: "Une sonde du centre pour Centreon, Nagios ou Icinga : une ligne, des données de performance, code de retour 0 à 3.",
	},
	"help_probe_warn": {
		EN: "Where warnings begin, such as backup=30,silent=3: backup (hours since the last one), messages (seconds that an alert waits), silent (sites). 0 never.",
		FR: "Où commencent les avertissements, comme backup=30,silent=3 : backup (heures depuis la dernière copie), messages (secondes d'attente d'une alerte), silent (lieux muets). 0 jamais.",
	},
	"help_probe_crit":    {EN: "Where the critical begins, in the same way.", FR: "Où commence le critique, de la même façon."},
	"help_probe_timeout": {EN: "How long to wait for the database and the hub.", FR: "Combien de temps attendre la base et le centre."},
}

// The limits that hold when none is given.
var (
	probeWarn = plugin.Limits{"backup": 26, "messages": 900, "silent": 1}
	probeCrit = plugin.Limits{"backup": 74, "messages": 7200, "silent": 0}
)

// silentAfter is from when on a site counts as silent: when it is an incident (internal/hub/alerts).
const silentAfter = 10 * time.Minute

type probeCmd struct {
	Warn    map[string]float64 `help:"${help_probe_warn}" placeholder:"NAME=N" mapsep:","`
	Crit    map[string]float64 `help:"${help_probe_crit}" placeholder:"NAME=N" mapsep:","`
	Timeout time.Duration      `help:"${help_probe_timeout}" default:"10s" placeholder:"10s"`
}

func (c probeCmd) Run(a *app) error {
	warn, err := probeWarn.With(c.Warn)
	if err != nil {
		return a.verdict(plugin.Unknown, "--warn "+err.Error())
	}
	crit, err := probeCrit.With(c.Crit)
	if err != nil {
		return a.verdict(plugin.Unknown, "--crit "+err.Error())
	}
	s, problems := loadSettings(a.cli.Config)
	if len(problems) > 0 {
		return a.verdict(plugin.Unknown, problems[0].In(a.lang))
	}
	ctx, cancel := context.WithTimeout(a.ctx, c.Timeout)
	defer cancel()
	h, err := store.Open(ctx, s.Database.Program)
	if err != nil {
		return a.verdict(plugin.Unknown, err.Error())
	}
	defer h.Close()
	j := &plugin.Judgement{Warn: warn, Crit: crit}
	if err := s.answers(ctx); err != nil {
		j.Worse(plugin.Critical, lang.Text{EN: fmt.Sprintf("the hub does not answer (%v)", err), FR: fmt.Sprintf("le centre ne répond pas (%v)", err)})
	}
	well, err := judge(ctx, j, h, time.Now())
	switch {
	case errors.Is(err, store.ErrSchema):
		j.Worse(plugin.Critical, lang.Text{EN: "the database is not this version's: parvis-hub migrate", FR: "la base n'est pas au niveau de cette version : parvis-hub migrate"})
	case err != nil: // its words may name hosts and roles, and no password
		j.Worse(plugin.Critical, lang.Text{EN: "the database does not answer", FR: "la base ne répond pas"})
	}
	fmt.Fprintln(a.out, j.Answer(pluginName, well, a.lang))
	return fail(int(j.State()), lang.Text{})
}

const pluginName = "PARVIS-HUB"

// judge asks the database.
func judge(ctx context.Context, j *plugin.Judgement, h *store.Hub, now time.Time) (well lang.Text, err error) {
	f, err := lookAt(ctx, h, now)
	if err != nil {
		return well, err
	}
	text := func(en, fr string, args ...any) lang.Text {
		return lang.Text{EN: fmt.Sprintf(en, args...), FR: fmt.Sprintf(fr, args...)}
	}
	j.Measure("silent", "silent_sites", "", float64(f.silent), 1, fmt.Sprint(f.sites), text("%d sites are silent", "lieux muets : %d", f.silent))
	j.Measure("messages", "oldest_message", "s", f.oldest.Seconds(), 1, "", text("%d alerts wait to be sent, the oldest for %v", "alertes qui attendent de partir : %d, la plus ancienne depuis %v", f.waiting, f.oldest))
	switch {
	case f.backup != nil:
		j.Measure("backup", "backup_age", "s", f.age.Seconds(), 3600, "", text("the last backup is %v old", "la dernière sauvegarde a %v", f.age.Round(time.Minute)))
	case j.Warn["backup"] > 0:
		j.Worse(plugin.Warning, text("there never was a backup", "il n'y a jamais eu de sauvegarde"))
	}
	return text("%d sites, %d of them heard", "lieux : %d, entendus : %d", f.sites, f.sites-f.silent-f.unheard), nil
}

// facts are what is watched of a hub, beside what its process says of itself.
type facts struct {
	sites, silent, unheard int
	waiting                int           // alerts that nobody has taken yet
	oldest                 time.Duration // that one of them waits
	backup                 *store.Backup // nil: never
	age                    time.Duration // of it
}

// lookAt gathers them from the database. ErrSchema of the store, or why the database did not say.
func lookAt(ctx context.Context, h *store.Hub, now time.Time) (f facts, err error) {
	if err := h.Current(ctx); err != nil {
		return f, err
	}
	all, err := h.Glances(ctx)
	if err != nil {
		return f, err
	}
	f.sites = len(all)
	for _, g := range all {
		switch {
		case g.Contact == nil:
			f.unheard++
		case now.Sub(*g.Contact) > silentAfter:
			f.silent++
		}
	}
	waiting, err := h.AllWaiting(ctx)
	if err != nil {
		return f, err
	}
	for _, w := range waiting {
		f.waiting += w.N
		f.oldest = max(f.oldest, now.Sub(w.Oldest)).Truncate(time.Second)
	}
	b, err := h.LastBackup(ctx)
	switch {
	case err == nil:
		f.backup, f.age = &b, max(0, now.Sub(b.At)).Truncate(time.Second)
	case errors.Is(err, store.ErrUnknown):
		err = nil
	}
	return f, err
}

// answers asks the hub at its own address whether it is well.
func (s settings) answers(ctx context.Context) error {
	at := url.URL{Scheme: "http", Host: s.Listen, Path: "/healthz"}
	transport := &http.Transport{DisableKeepAlives: true}
	if s.Certificate != "" {
		chain, err := os.ReadFile(s.Certificate)
		if err != nil {
			return err
		}
		pool := x509.NewCertPool() // this very certificate: what is asked is whether the hub answers
		if !pool.AppendCertsFromPEM(chain) {
			return errors.New("certificate: no PEM")
		}
		public, err := url.Parse(s.URL)
		if err != nil {
			return err
		}
		at.Scheme, at.Host = "https", public.Host
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", s.Listen)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 100))
	if err == nil && (resp.StatusCode != http.StatusOK || string(said) != "ok\n") {
		err = fmt.Errorf("%s %q", resp.Status, said)
	}
	return err
}

// verdict is what a plugin says when there is nothing to judge.
func (a *app) verdict(s plugin.State, why string) error {
	fmt.Fprintln(a.out, plugin.Line(pluginName, s, strings.ReplaceAll(why, "|", "/")))
	return fail(int(s), lang.Text{})
}

// probed reports whether a command line that cannot be used was a probe's: it then ends as the plugin guidelines want, and not as other
// verbs do.
func probed(err error) bool {
	pe := (*kong.ParseError)(nil)
	return errors.As(err, &pe) && pe.Context != nil && strings.HasPrefix(pe.Context.Command(), "probe")
}
