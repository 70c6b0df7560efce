//go:build !nolab

package main

import (
	"cmp"
	"errors"
	"os"
	"regexp"
	"strings"
	"time"

	"parvis/internal/clock"
	"parvis/internal/lab"
	"parvis/internal/lab/bench"
	"parvis/internal/lab/hwlab"
	"parvis/internal/lab/scenes"
	"parvis/internal/lang"
	"parvis/internal/verb"
)

// labCommand is the lab's part of the command line. Packages for routers leave it out (-tags nolab).
type labCommand struct {
	Lab labCmd `cmd:"" help:"${help_lab}"`
}

// setClock lets the lab say what time it is, as a time daemon would.
func setClock(c *clock.Shifted, t time.Time) error {
	c.Set(t)
	return nil
}

type labCmd struct {
	Demo  labDemoCmd  `cmd:"" help:"${help_lab_demo}"`
	Check labCheckCmd `cmd:"" help:"${help_lab_check}"`
	Day   labDayCmd   `cmd:"" help:"${help_lab_day}"`
	Bench labBenchCmd `cmd:"" help:"${help_lab_bench}"`

	Hardware labHardwareCmd `cmd:"" help:"${help_lab_hardware}"`

	Backend string `help:"${help_lab_backend}" enum:",legacy,nft" default:""`
}

type labDemoCmd struct {
	Listen string `help:"${help_lab_port}" default:"127.0.0.1:8088" placeholder:"ADDRESS:PORT"`
	Hub    string `help:"${help_lab_hub}" default:"127.0.0.1:8440" placeholder:"ADDRESS:PORT"`
}

func (c labDemoCmd) Run(a *app) error {
	return a.play(scenes.PlayDemo, scenes.Options{Listen: c.Listen, Centre: c.Hub})
}

type labCheckCmd struct {
	Artefacts string `help:"${help_lab_artefacts}" type:"path" placeholder:"DIR"`
}

func (c labCheckCmd) Run(a *app) error {
	return a.play(scenes.PlayCheck, scenes.Options{Artefacts: c.Artefacts})
}

type labDayCmd struct {
	Artefacts string `help:"${help_lab_artefacts}" type:"path" placeholder:"DIR"`
}

func (c labDayCmd) Run(a *app) error {
	return a.play(scenes.PlayDay, scenes.Options{Artefacts: c.Artefacts})
}

func (a *app) play(name string, o scenes.Options) error {
	binary, err := os.Executable()
	if err != nil {
		return refused(err)
	}
	o.Out, o.Binary, o.Town = a.out, binary, lab.Options{Iptables: a.cli.Lab.Backend}
	return exited(scenes.Main(name, o))
}

// exited passes on the exit code of a lab, which has said why itself.
func exited(code int) error {
	if code == exitOK {
		return nil
	}
	return &verb.Failure{Code: code}
}

type labBenchCmd struct {
	Binary   string `help:"${help_lab_binary}" type:"path" placeholder:"FILE"`
	Out      string `help:"${help_lab_out}" type:"path" placeholder:"FILE"`
	Markdown string `help:"${help_lab_markdown}" type:"path" placeholder:"FILE"`
	Only     string `help:"${help_lab_only}" placeholder:"PATTERN"`
	Quick    bool   `help:"${help_lab_quick}"`
	Bare     string `hidden:"" type:"path"` // what the lab starts to compare the portal with
	Gate     int    `hidden:""`             // terminals of the gate that the lab starts to measure it
}

func (c labBenchCmd) Run(a *app) error {
	if c.Bare != "" {
		return refused(bench.ServeBare(c.Bare))
	}
	if c.Gate > 0 {
		return refused(bench.ServeGate(c.Gate, os.Stdin))
	}
	only, err := regexp.Compile(c.Only)
	if err != nil {
		return fail(exitUsage, lang.Text{
			EN: "--only %q is no pattern (%v); the parts are: %s",
			FR: "--only %q n'est pas un motif (%v) ; les parties sont : %s",
		}, c.Only, err, strings.Join(bench.Parts(), " "))
	}
	entered, code, err := lab.Isolate(nil)
	if err != nil {
		return refused(err)
	}
	if !entered {
		return exited(code)
	}
	self, err := os.Executable()
	if err != nil {
		return refused(err)
	}
	o := bench.Options{Binary: cmp.Or(c.Binary, self), Bare: []string{self, "lab", "bench", "--bare"}, Gate: []string{self, "lab", "bench", "--gate"}, Version: version, Out: a.out, Quick: c.Quick}
	if c.Only != "" {
		o.Only = only
	}
	if a.cli.Lab.Backend != "" {
		o.Backends = []string{a.cli.Lab.Backend}
	}
	figures, err := bench.Run(a.ctx, o)
	if figures != nil && c.Out != "" {
		err = errors.Join(err, figures.Write(c.Out))
	}
	if figures != nil && c.Markdown != "" {
		err = errors.Join(err, figures.WriteMarkdown(c.Markdown))
	}
	if err != nil {
		return refused(err)
	}
	return nil
}

type labHardwareCmd struct {
	Cuts     int    `help:"${help_lab_cuts}" default:"200"`
	Only     string `help:"${help_lab_only}" placeholder:"PATTERN"`
	Markdown string `help:"${help_lab_record}" type:"path" placeholder:"FILE"`
	Quick    bool   `help:"${help_lab_quick}"`
}

func (c labHardwareCmd) Run(a *app) error {
	only, err := regexp.Compile(c.Only)
	if err != nil {
		return fail(exitUsage, lang.Text{
			EN: "--only %q is no pattern (%v); the trials are: %s",
			FR: "--only %q n'est pas un motif (%v) ; les essais sont : %s",
		}, c.Only, err, strings.Join(hwlab.Names(), " "))
	}
	if c.Cuts < 1 {
		return fail(exitUsage, lang.Text{EN: "--cuts %d: expected 1 or more", FR: "--cuts %d : il en faut 1 au moins"}, c.Cuts)
	}
	entered, code, err := lab.Isolate(nil)
	if err != nil {
		return refused(err)
	}
	if !entered {
		return exited(code)
	}
	record, err := hwlab.Run(a.ctx, hwlab.Options{Out: a.out, Dir: lab.SharedDir(), Cuts: c.Cuts, Only: only, Quick: c.Quick})
	if record != nil && c.Markdown != "" {
		err = errors.Join(err, record.WriteMarkdown(c.Markdown))
	}
	if err != nil {
		return refused(err)
	}
	return nil
}
