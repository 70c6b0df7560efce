package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"time"

	"parvis/internal/config"
	"parvis/internal/control"
	"parvis/internal/lang"
	"parvis/internal/support"
)

var supportTexts = map[string]lang.Text{
	"help_support": {
		EN: "Make a file for a support ticket: versions, check, status, rules, configuration, log, without anything of a person.",
		FR: "Prépare un dossier pour une demande d'assistance : versions, vérification, état, règles, configuration, journal, sans rien sur les personnes.",
	},
	"help_support_file": {EN: "Where it goes; by default parvis-support-DATE.tar.gz here.", FR: "Où le mettre ; par défaut parvis-support-DATE.tar.gz ici."},
	"help_support_log":  {EN: "A file that has the daemon's log, where neither journald nor logread does.", FR: "Un fichier avec le journal du service, si ni journald ni logread ne l'ont."},
}

type supportCmd struct {
	File string `arg:"" optional:"" help:"${help_support_file}" type:"path" placeholder:"FILE"`
	Log  string `help:"${help_support_log}" type:"existingfile" placeholder:"FILE"`
}

// mostOutput is how much of what a program prints is read, and programTime how long it may take.
const (
	mostOutput  = 4 << 20
	programTime = 10 * time.Second
)

func (c supportCmd) Run(ctx context.Context, a *app) error {
	now := time.Now()
	folder := "parvis-support-" + now.Format("20060102-1504")
	if c.File == "" {
		c.File = folder + ".tar.gz"
	}
	cfg, problems := config.Load(a.cli.Config)
	parts := []support.Part{
		{Name: "machine.txt", What: lang.Text{EN: "version, machine, system", FR: "version, machine, système"}, Text: machineText()},
		{Name: "check.txt", What: lang.Text{EN: "parvis check", FR: "parvis check"}, Text: a.checked(ctx, cfg, problems)},
		{Name: "status.json", What: lang.Text{EN: "parvis status --json", FR: "parvis status --json"}, Text: a.said(ctx)},
		{Name: "parvis.toml", What: lang.Text{EN: "configuration", FR: "configuration"}, Text: a.settings()},
		{Name: "rules-v4.txt", What: lang.Text{EN: "rules with their counters, IPv4", FR: "règles et leurs compteurs, IPv4"}, Text: a.output(ctx, "iptables-save", "-c")},
		{Name: "rules-v6.txt", What: lang.Text{EN: "the same, IPv6", FR: "les mêmes, IPv6"}, Text: a.output(ctx, "ip6tables-save", "-c")},
		{Name: "sets.txt", What: lang.Text{EN: "sets without what is in them", FR: "ensembles, sans leur contenu"}, Text: a.output(ctx, "ipset", "list", "-terse")},
		{Name: "queues.txt", What: lang.Text{EN: "queues of the line", FR: "files d'attente de la ligne"}, Text: a.output(ctx, "tc", "-s", "qdisc", "show")},
		{Name: "log.txt", What: lang.Text{EN: "last lines of the daemon's log", FR: "dernières lignes du journal du service"}, Text: a.logged(ctx, c.Log)},
	}
	f, err := os.OpenFile(c.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fail(exitRefused, lang.Text{
			EN: "%s is there already; expected a name that is free; remove it, or give another one",
			FR: "%s existe déjà ; il faut un nom libre ; supprimez-le, ou donnez-en un autre",
		}, c.File)
	}
	if err != nil {
		return refused(err)
	}
	readme, err := support.Write(f, folder, now, support.NewRedactor(own(cfg), a.names(ctx)), parts, a.lang)
	if err := errors.Join(err, f.Close()); err != nil {
		os.Remove(c.File)
		return refused(err)
	}
	a.printf(lang.Text{EN: "Written: %s", FR: "Écrit : %s"}, c.File)
	fmt.Fprint(a.out, "\n"+readme)
	return nil
}

// own are the router's addresses in the configuration.
func own(cfg *config.Config) (all []netip.Prefix) {
	if cfg == nil {
		return nil
	}
	for _, p := range []netip.Prefix{cfg.Guests.Address, cfg.Terminals.Address} {
		if p.IsValid() {
			all = append(all, p)
		}
	}
	if l := cfg.Monitor.Listen; l.IsValid() {
		all = append(all, netip.PrefixFrom(l.Addr(), l.Addr().BitLen()))
	}
	return all
}

// names are of colleagues and what they have called devices and terminals, as far as the daemon answers.
func (a *app) names(ctx context.Context) (all []string) {
	for _, do := range []string{"list", "enrolled"} {
		if s, err := a.client.Staff(ctx, control.StaffRequest{Do: do}); err == nil {
			for _, p := range s.People {
				all = append(all, p.Name, p.Login)
			}
			for _, d := range s.Devices {
				all = append(all, d.Label, d.Owner)
			}
		}
	}
	if posts, err := a.client.Terminals(ctx); err == nil {
		for _, t := range posts {
			if t.Name != t.ID {
				all = append(all, t.Name)
			}
			all = append(all, t.Place, t.PCID)
		}
	}
	return all
}

func machineText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "parvis %s\n", version)
	for _, path := range []string{
		"/tmp/sysinfo/model", "/proc/device-tree/model", "/sys/class/dmi/id/product_name", "/proc/version", "/etc/os-release", "/proc/uptime", "/proc/loadavg", "/proc/meminfo",
	} {
		if text, err := os.ReadFile(path); err == nil {
			fmt.Fprintf(&b, "\n# %s\n%s\n", path, strings.Trim(string(text), "\x00\n"))
		}
	}
	return b.String()
}

// checked is what parvis check says.
func (a *app) checked(ctx context.Context, cfg *config.Config, problems []config.Problem) string {
	var b strings.Builder
	all, err := a.allProblems(ctx, cfg, problems)
	for _, p := range all {
		fmt.Fprintln(&b, p.In(a.lang))
	}
	if err != nil {
		fmt.Fprintln(&b, err)
	}
	return b.String()
}

// said is what the daemon says of itself.
func (a *app) said(ctx context.Context) string {
	s, err := a.client.Status(ctx)
	if err != nil {
		return err.Error() + "\n"
	}
	var b strings.Builder
	to := *a
	to.out = &b
	if err := to.json(s); err != nil {
		return err.Error() + "\n"
	}
	return b.String()
}

func (a *app) settings() string {
	source, err := os.ReadFile(a.cli.Config)
	if err != nil {
		return err.Error() + "\n"
	}
	text, err := support.Config(source)
	if err != nil {
		return err.Error() + "\n"
	}
	return text
}

// output is what a program prints, or why it does not.
func (a *app) output(ctx context.Context, name string, args ...string) string {
	ctx, cancel := context.WithTimeout(ctx, programTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		fmt.Fprintf(&out, "%s: %v\n", name, err)
	}
	return out.String()
}

// logged is the daemon's log.
func (a *app) logged(ctx context.Context, file string) string {
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return err.Error() + "\n"
		}
		defer f.Close()
		if fi, err := f.Stat(); err == nil && fi.Size() > mostOutput {
			if _, err := f.Seek(-mostOutput, io.SeekEnd); err != nil {
				return err.Error() + "\n"
			}
		}
		b, err := io.ReadAll(io.LimitReader(f, mostOutput))
		if err != nil {
			return err.Error() + "\n"
		}
		return string(b)
	}
	for _, way := range [][]string{{"journalctl", "--unit", "parvis", "--lines", "2000", "--no-pager", "--output", "short-iso", "--no-hostname"}, {"logread", "-e", "parvis"}} {
		if _, err := exec.LookPath(way[0]); err == nil {
			return a.output(ctx, way[0], way[1:]...)
		}
	}
	return lang.Text{EN: "neither journalctl nor logread is here\n", FR: "ni journalctl ni logread ici\n"}.In(a.lang)
}
