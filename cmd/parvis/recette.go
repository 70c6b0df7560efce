package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"parvis/internal/acceptance"
	"parvis/internal/clock"
	"parvis/internal/config"
	"parvis/internal/durable"
	"parvis/internal/lang"
	"parvis/portal/paper"
)

var recetteTexts = map[string]lang.Text{
	"help_recette": {
		EN: "Accept a finished site, step by step, with a real phone; makes a page to sign.",
		FR: "Fait la recette d'un lieu, pas à pas, avec un vrai téléphone ; produit une page à signer.",
	},
	"help_recette_into":     {EN: "Directory for the page and the poster.", FR: "Dossier pour la page et l'affiche."},
	"help_recette_no_phone": {EN: "Leave the phone's steps out.", FR: "Sans les étapes du téléphone."},
	"help_recette_wait":     {EN: "How long a phone or a terminal is waited for.", FR: "Combien de temps attendre un téléphone ou un poste."},
}

type recetteCmd struct {
	Into    string        `help:"${help_recette_into}" default:"." type:"existingdir" placeholder:"DIR"`
	NoPhone bool          `help:"${help_recette_no_phone}"`
	Wait    time.Duration `help:"${help_recette_wait}" default:"5m" placeholder:"DURATION"`
	jsonFlag
}

// verdictTexts say a verdict; signed are the words of the page, which is in French.
var verdictTexts = map[acceptance.Verdict]lang.Text{
	acceptance.Passed:  {EN: "good", FR: "bon"},
	acceptance.Skipped: {EN: "not tried", FR: "pas essayé"},
	acceptance.Noted:   {EN: "to know", FR: "à savoir"},
	acceptance.Failed:  {EN: "TO MEND", FR: "À CORRIGER"},
}

func (c recetteCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	if c.Wait <= 0 {
		return fail(exitUsage, lang.Text{EN: "--wait %v: expected a positive duration such as 5m", FR: "--wait %v : une durée positive est attendue, comme 5m"}, c.Wait)
	}
	system, err := clock.NewSystem()
	if err != nil {
		return refused(err)
	}
	if _, err := a.client.Status(ctx); err != nil {
		return err // the whole acceptance is of a running site
	}
	began := system.Wall()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	t := newTechnician(ctx, a)
	steps, clear, err := c.steps(ctx, a, cfg, t, tick.C)
	if err != nil {
		return err
	}
	n := 0
	results := acceptance.Run(ctx, steps, func(s acceptance.Step) {
		n++
		t.say("\n%d/%d  %s", n, len(steps), s.Title.In(a.lang))
	}, func(r acceptance.Result) {
		for _, f := range r.Findings {
			t.say("  [%s] %s", verdictTexts[f.Verdict].In(a.lang), f.What.In(a.lang))
			if !f.Do.Empty() {
				t.say("      %s", f.Do.In(a.lang))
			}
		}
	})
	if err := clear(); err != nil {
		a.tellError(lang.Text{EN: "what was opened for the trial could not be closed: %v", FR: "ce qui était ouvert pour l'essai n'a pas pu être fermé : %v"}, err)
	}
	if ctx.Err() != nil {
		return fail(exitRefused, lang.Text{EN: "ended before its end; nothing was left open and no page was made", FR: "arrêtée avant la fin ; rien n'est resté ouvert et aucune page n'a été faite"})
	}
	ended := system.Wall()
	record := acceptance.Record{
		Site: cfg.Site.Name, Version: version, Began: began.Time, Ended: ended.Time,
		Sure: began.Quality == clock.Synchronised && ended.Quality == clock.Synchronised, Results: results,
	}
	return c.hand(a, cfg, record)
}

// hand writes page and poster, and says what came of it all.
func (c recetteCmd) hand(a *app, cfg *config.Config, r acceptance.Record) error {
	page := recordPaper(cfg, r)
	name := filepath.Join(c.Into, "recette-"+r.Ended.In(cfg.Site.Hours.Zone).Format("2006-01-02-1504"))
	files := []struct {
		name string
		make func(io.Writer) error
	}{{name + ".pdf", page.PDF}, {name + ".html", page.HTML}, {filepath.Join(c.Into, "affiche.pdf"), nil}}
	place, err := printed(cfg)()
	if err == nil {
		files[2].make = place.PosterPDF
	}
	var made []string
	for _, f := range files {
		if f.make == nil {
			continue
		}
		var b bytes.Buffer
		err := f.make(&b)
		if errors.Is(err, paper.ErrNoWiFi) {
			continue
		}
		if err == nil {
			err = durable.Write(f.name, b.Bytes())
		}
		if err != nil {
			return refused(err)
		}
		made = append(made, f.name)
	}
	if c.JSON {
		if err := a.json(jsonRecord(r, a.lang)); err != nil {
			return err
		}
	} else {
		a.printf(lang.Text{
			EN: "\n%d good, %d to know, %d not tried, %d to mend.\nTo print and sign: %s",
			FR: "\n%d bons, %d à savoir, %d pas essayés, %d à corriger.\nÀ imprimer et à signer : %s",
		}, r.Count(acceptance.Passed), r.Count(acceptance.Noted), r.Count(acceptance.Skipped), r.Count(acceptance.Failed), strings.Join(made, ", "))
	}
	if !r.Accepted() {
		return fail(exitNotRight, lang.Text{
			EN: "%d steps to mend; then take the acceptance again",
			FR: "%d étapes à corriger ; refaites ensuite la recette",
		}, r.Count(acceptance.Failed))
	}
	return nil
}

// recordPaper is the record in words: the page is for who signs, in French.
func recordPaper(cfg *config.Config, r acceptance.Record) paper.Record {
	zone := cfg.Site.Hours.Zone
	at := r.Began.In(zone).Format("02/01/2006, 15:04") + " à " + r.Ended.In(zone).Format("15:04")
	if !r.Sure {
		at += " (l'horloge du routeur n'était pas à l'heure)"
	}
	p := paper.Record{Place: r.Site, When: "Faite le " + at, Router: "Parvis " + r.Version, Outcome: "Le lieu est prêt."}
	if r.Model != "" {
		p.Router += ", routeur " + r.Model
	}
	if n := r.Count(acceptance.Failed); n == 1 {
		p.Outcome = "Le lieu n'est pas prêt : 1 étape à corriger."
	} else if n > 1 {
		p.Outcome = fmt.Sprintf("Le lieu n'est pas prêt : %d étapes à corriger.", n)
	}
	for _, s := range r.Results {
		v := s.Verdict()
		step := paper.RecordStep{Title: s.Title.FR, Verdict: verdictTexts[v].FR, Good: v == acceptance.Passed || v == acceptance.Skipped}
		for _, f := range s.Findings {
			step.Found = append(step.Found, sentence(f.What.In(lang.FR)))
			if !f.Do.Empty() {
				step.Do = append(step.Do, f.Do.In(lang.FR)+".")
			}
		}
		p.Steps = append(p.Steps, step)
	}
	return p
}

// sentence begins with a capital letter and ends with a full stop.
func sentence(s string) string {
	first := []rune(s)
	return strings.ToUpper(string(first[:1])) + string(first[1:]) + "."
}

type jsonStep struct {
	ID       string             `json:"id"`
	Title    string             `json:"title"`
	Verdict  acceptance.Verdict `json:"verdict"`
	Findings []jsonFinding      `json:"findings"`
}

type jsonFinding struct {
	Verdict acceptance.Verdict `json:"verdict"`
	What    string             `json:"what"`
	Do      string             `json:"do,omitempty"`
}

func jsonRecord(r acceptance.Record, l lang.Lang) any {
	steps := []jsonStep{}
	for _, s := range r.Results {
		step := jsonStep{s.ID, s.Title.In(l), s.Verdict(), []jsonFinding{}}
		for _, f := range s.Findings {
			step.Findings = append(step.Findings, jsonFinding{f.Verdict, f.What.In(l), f.Do.In(l)})
		}
		steps = append(steps, step)
	}
	return struct {
		Site     string     `json:"site"`
		Version  string     `json:"version"`
		Began    time.Time  `json:"began"`
		Ended    time.Time  `json:"ended"`
		Sure     bool       `json:"clock_sure"`
		Accepted bool       `json:"accepted"`
		Steps    []jsonStep `json:"steps"`
	}{r.Site, r.Version, r.Began, r.Ended, r.Sure, r.Accepted(), steps}
}

// technician is who sits before the command line: told on the error output when the answer is JSON.
type technician struct {
	a     *app
	out   io.Writer
	lines chan string // of the standard input; closed at its end
	ctx   context.Context
}

var _ acceptance.Technician = (*technician)(nil)

func newTechnician(ctx context.Context, a *app) *technician {
	t := &technician{a: a, out: a.err, lines: make(chan string), ctx: ctx}
	go func() { // it ends with the process: nothing can interrupt a read of a terminal
		defer close(t.lines)
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			select {
			case t.lines <- in.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return t
}

func (t *technician) say(format string, args ...any) { fmt.Fprintf(t.out, format+"\n", args...) }

// Tell implements acceptance.Technician.
func (t *technician) Tell(s acceptance.Sentence) { t.say("  → %s", s.In(t.a.lang)) }

// Ask implements acceptance.Technician. Anything but yes or no is asked again; the end of the input is no answer.
func (t *technician) Ask(s acceptance.Sentence) acceptance.Answer {
	for range 5 {
		t.say("  ? %s %s", s.In(t.a.lang), lang.Text{EN: "(y/n, s to pass over)", FR: "(o/n, p pour passer)"}.In(t.a.lang))
		select {
		case <-t.ctx.Done():
			return acceptance.Silent
		case line, ok := <-t.lines:
			if !ok {
				return acceptance.Silent
			}
			switch strings.ToLower(strings.TrimSpace(line)) {
			case "o", "oui", "y", "yes":
				return acceptance.Yes
			case "n", "non", "no":
				return acceptance.No
			case "p", "s":
				return acceptance.Silent
			}
		}
	}
	return acceptance.Silent
}

func (a *app) tellError(t lang.Text, args ...any) {
	fmt.Fprintln(a.err, "parvis: "+t.In(a.lang, args...))
}
