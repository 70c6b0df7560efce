package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"parvis/internal/clock"
	"parvis/internal/config"
	"parvis/internal/lang"
	"parvis/kiosk/catalogue"
)

var catalogueTexts = map[string]lang.Text{
	"help_catalogue":      {EN: "Online public services that terminals open.", FR: "Services en ligne que les postes ouvrent."},
	"help_catalogue_list": {EN: "List services by need: names, how certain, when tried.", FR: "Liste les services par besoin : noms, certitude, date d'essai."},
	"help_catalogue_lint": {EN: "Say what is not right in a town's own files, before they are put in force.", FR: "Dit ce qui ne va pas dans les fichiers d'une commune, avant de les mettre en service."},
	"help_catalogue_try": {
		EN: "Try from here whether every name answers, and note the date. Nothing but a TLS greeting is sent.",
		FR: "Essaie d'ici si chaque nom répond, et note la date. Seule une salutation TLS est envoyée.",
	},
	"help_catalogue_own": {EN: "The town's own directory; by default gate.catalogue's.", FR: "Le dossier de la commune ; par défaut celui de gate.catalogue."},
	"help_catalogue_dir": {EN: "Directory with *.toml files; by default gate.catalogue's.", FR: "Dossier de fichiers *.toml ; par défaut celui de gate.catalogue."},
	"help_catalogue_ids": {EN: "Services; by default all.", FR: "Services ; par défaut, tous."},
}

// trialsFile is in the state directory.
const trialsFile = "catalogue-trials.json"

type catalogueCmd struct {
	List catalogueListCmd `cmd:"" help:"${help_catalogue_list}"`
	Lint catalogueLintCmd `cmd:"" help:"${help_catalogue_lint}"`
	Try  catalogueTryCmd  `cmd:"" help:"${help_catalogue_try}"`
}

// ownFlag is for who has no configuration yet, or another directory in mind.
type ownFlag struct {
	Own string `help:"${help_catalogue_own}" placeholder:"DIR"`
}

// in returns the town's own directory: the one that is given, else the configured one, if there is a configuration.
func (f ownFlag) in(a *app) (string, error) {
	if f.Own != "" {
		return f.Own, nil
	}
	if _, err := os.Stat(a.cli.Config); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	cfg, err := a.loadConfig()
	if err != nil {
		return "", err
	}
	return cfg.Gate.Catalogue, nil
}

// dirs are directories as Lint wants them, "" none.
func dirs(all ...string) (found []fs.FS) {
	for _, dir := range all {
		if dir != "" {
			found = append(found, os.DirFS(dir))
		}
	}
	return found
}

// catalogue reads the list with the town's own directory, what the hub has published, and the place's trials.
func (a *app) catalogue(own string) (*catalogue.Catalogue, catalogue.Trials, error) {
	c, err := catalogue.Load(catalogue.Files(), own, a.published())
	if err != nil {
		return nil, nil, fail(exitNotRight, lang.Text{
			EN: "%v; all of it: parvis catalogue lint %s",
			FR: "%v ; pour tout voir : parvis catalogue lint %s",
		}, err, own)
	}
	trials, err := catalogue.ReadTrials(filepath.Join(a.cli.State, trialsFile))
	if err != nil { // dates alone: nothing depends on them
		fmt.Fprintln(a.err, "parvis: "+err.Error())
	}
	return c.With(trials), trials, nil
}

type catalogueListCmd struct {
	ownFlag
	jsonFlag
}

func (c catalogueListCmd) Run(a *app) error {
	own, err := c.in(a)
	if err != nil {
		return err
	}
	list, _, err := a.catalogue(own)
	if err != nil {
		return err
	}
	if c.JSON {
		return a.json(struct {
			Needs   []catalogue.Need   `json:"needs"`
			Bundles []catalogue.Bundle `json:"bundles"`
		}{list.Needs(), list.Bundles()})
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, n := range list.Needs() {
		fmt.Fprintln(w, n.Title)
		for _, s := range n.Services {
			fmt.Fprintf(w, "  %s\t%s\t%s\n", s.ID, triedText(a.lang, s), hostsOf(s.Hosts))
		}
	}
	for _, b := range list.Bundles() {
		text := lang.Text{EN: "bundle", FR: "ensemble"}
		if b.Apart {
			text = lang.Text{EN: "bundle, opened only when asked for", FR: "ensemble, ouvert seulement sur demande"}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", b.ID, text.In(a.lang), strings.TrimSpace(strings.Join(b.Services, " ")+" "+hostsOf(b.Hosts)))
	}
	return w.Flush()
}

func triedText(l lang.Lang, s catalogue.Service) string {
	switch {
	case s.Tried == "":
		return lang.Text{EN: "never tried", FR: "jamais essayé"}.In(l)
	case len(s.Failed) > 0:
		return lang.Text{EN: "tried %s, missing %s", FR: "essayé le %s, manque %s"}.In(l, s.Tried, strings.Join(s.Failed, " "))
	}
	return lang.Text{EN: "tried %s", FR: "essayé le %s"}.In(l, s.Tried)
}

// hostsOf lists hosts; one that is from memory has a question mark.
func hostsOf(hosts []catalogue.Host) string {
	var all []string
	for _, h := range hosts {
		name := string(h.Rule)
		if !h.Sure {
			name += "?"
		}
		all = append(all, name)
	}
	return strings.Join(all, " ")
}

type catalogueLintCmd struct {
	Dir string `arg:"" optional:"" help:"${help_catalogue_dir}" placeholder:"DIR" type:"existingdir"`
	jsonFlag
}

func (c catalogueLintCmd) Run(a *app) error {
	dir, err := ownFlag{c.Dir}.in(a)
	if err != nil {
		return err
	}
	type problem struct {
		File string `json:"file"`
		ID   string `json:"id,omitempty"`
		Text string `json:"text"`
	}
	all := []problem{}
	for _, p := range catalogue.Lint(catalogue.Files(), dirs(dir, a.published())...) {
		all = append(all, problem{p.File, p.ID, p.In(a.lang)})
	}
	if c.JSON {
		if err := a.json(all); err != nil {
			return err
		}
	} else {
		for _, p := range all {
			fmt.Fprintln(a.out, p.Text)
		}
	}
	if len(all) > 0 {
		return fail(exitNotRight, lang.Text{EN: "not right: %d", FR: "à corriger : %d"}, len(all))
	}
	if !c.JSON {
		a.printf(lang.Text{EN: "Nothing is wrong.", FR: "Rien à corriger."})
	}
	return nil
}

type catalogueTryCmd struct {
	IDs []string `arg:"" optional:"" name:"id" help:"${help_catalogue_ids}" placeholder:"ID"`
	ownFlag
	jsonFlag
}

func (c catalogueTryCmd) Run(ctx context.Context, a *app) error {
	system, err := clock.NewSystem()
	if err != nil {
		return refused(err)
	}
	return c.try(ctx, a, catalogue.Machine(), system.Wall())
}

// try is the trial over any line, at any time.
func (c catalogueTryCmd) try(ctx context.Context, a *app, line catalogue.Line, now clock.Wall) error {
	own, err := c.in(a)
	if err != nil {
		return err
	}
	list, trials, err := a.catalogue(own)
	if err != nil {
		return err
	}
	services := list.Services()
	if len(c.IDs) > 0 {
		services = nil
		for _, id := range c.IDs {
			s, ok := list.Service(id)
			if !ok {
				return fail(exitNotFound, lang.Text{EN: "no service %q; see: parvis catalogue list", FR: "pas de service %q ; voir : parvis catalogue list"}, id)
			}
			services = append(services, s)
		}
	}
	tried := catalogue.Try(ctx, services, line)
	if ctx.Err() != nil { // the person has stopped it: what is missing is no result
		return fail(exitRefused, lang.Text{EN: "stopped; nothing is noted", FR: "arrêté ; rien n'est noté"})
	}
	failed := 0
	for _, t := range tried {
		if t.Outcome != catalogue.Reached {
			failed++
		}
	}
	if err := a.printTrials(tried, c.JSON); err != nil {
		return err
	}
	switch {
	case failed == len(tried): // the line is down, or there is none
		return fail(exitRefused, lang.Text{EN: "nothing answers from here: is the line up? Nothing is noted", FR: "rien ne répond d'ici : la ligne marche-t-elle ? Rien n'est noté"})
	case now.Quality != clock.Synchronised:
		fmt.Fprintln(a.err, lang.Text{
			EN: "parvis: nobody knows what day it is: the trial is not noted; once the clock is set, run it again",
			FR: "parvis : le jour n'est pas connu : l'essai n'est pas noté ; une fois l'horloge à l'heure, relancez",
		}.In(a.lang))
	default:
		trials.Note(now.Time, tried)
		if err := trials.Write(filepath.Join(a.cli.State, trialsFile)); err != nil {
			return refused(err)
		}
	}
	if failed > 0 {
		return fail(exitRefused, lang.Text{EN: "%d of %d names could not be reached", FR: "%d noms sur %d n'ont pas répondu"}, failed, len(tried))
	}
	return nil
}

var outcomeTexts = map[catalogue.Outcome]lang.Text{
	catalogue.Reached:     {EN: "reached", FR: "répond"},
	catalogue.NoName:      {EN: "no such name", FR: "nom inconnu"},
	catalogue.Inside:      {EN: "a private address: the gate refuses it", FR: "adresse privée : la passerelle la refuse"},
	catalogue.NoAnswer:    {EN: "does not answer", FR: "ne répond pas"},
	catalogue.Certificate: {EN: "another's certificate", FR: "certificat d'un autre"},
}

func (a *app) printTrials(all []catalogue.Trial, json bool) error {
	if json {
		return a.json(all)
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, t := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t.Host, outcomeTexts[t.Outcome].In(a.lang), t.Took.Round(time.Millisecond), strings.Join(t.For, " "))
	}
	return w.Flush()
}

// catalogueProblems is what is wrong with the town's own directory, and ids of the configuration that are in no catalogue: they would open
// nothing, in silence.
func (a *app) catalogueProblems(cfg *config.Config) (all []config.Problem) {
	for _, p := range catalogue.Lint(catalogue.Files(), dirs(cfg.Gate.Catalogue, a.published())...) {
		dir := cfg.Gate.Catalogue
		if p.File == catalogue.PublishedFile {
			dir = a.published()
		}
		all = append(all, config.Problem{
			File: filepath.Join(dir, p.File), Severity: config.Error, What: config.Say("%s", "%s", lang.Text{EN: p.In(lang.EN), FR: p.In(lang.FR)}),
			Do: config.Say("correct it; all of it: parvis catalogue lint", "corrigez-le ; pour tout voir : parvis catalogue lint"),
		})
	}
	list, err := catalogue.Load(catalogue.Files(), cfg.Gate.Catalogue, a.published())
	if err != nil {
		return all
	}
	ids := slices.Concat(cfg.Gate.Services, cfg.Gate.Garden)
	for _, p := range cfg.Profiles {
		ids = append(ids, p.Names...)
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if !list.Known(id) {
			all = append(all, config.Problem{
				File: a.cli.Config, Severity: config.Error, What: config.Say("there is no service or bundle %q", "il n'y a pas de service ni d'ensemble « %s »", id),
				Expected: config.Say("an id of the catalogue", "un identifiant du catalogue"), Do: config.Say("see: parvis catalogue list", "voir : parvis catalogue list"),
			})
		}
	}
	return all
}
