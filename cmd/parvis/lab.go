//go:build !nolab

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"parvis/internal/lab"
	"parvis/internal/lab/bench"
	"parvis/internal/lab/scenes"
)

// labCommand is the lab's part of the command line. Packages for routers leave it out (-tags nolab).
type labCommand struct {
	Lab labCmd `cmd:"" help:"${help_lab}"`
}

type labCmd struct {
	Demo  labDemoCmd  `cmd:"" help:"${help_lab_demo}"`
	Check labCheckCmd `cmd:"" help:"${help_lab_check}"`
	Day   labDayCmd   `cmd:"" help:"${help_lab_day}"`
	Bench labBenchCmd `cmd:"" help:"${help_lab_bench}"`

	Backend string `help:"${help_lab_backend}" enum:",legacy,nft" default:""`
}

type labDemoCmd struct {
	Listen string `help:"${help_lab_port}" default:"127.0.0.1:8088" placeholder:"ADDRESS:PORT"`
}

func (c labDemoCmd) Run(a *app) error {
	return a.play(scenes.PlayDemo, scenes.Options{Listen: c.Listen})
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
	return &failure{code: code}
}

type labBenchCmd struct {
	Binary string `help:"${help_lab_binary}" type:"path" placeholder:"FILE"`
	Out    string `help:"${help_lab_out}" default:"bench/latest.json" type:"path" placeholder:"FILE"`
}

func (c labBenchCmd) Run(a *app) error {
	entered, code, err := lab.Isolate(nil)
	if err != nil {
		return refused(err)
	}
	if !entered {
		return exited(code)
	}
	binary := c.Binary
	if binary == "" {
		if binary, err = os.Executable(); err != nil {
			return refused(err)
		}
	}
	figures, err := bench.Run(a.ctx, bench.Options{
		Binary: binary, Version: version, Out: a.out, Town: lab.Options{Iptables: a.cli.Lab.Backend},
	})
	if err != nil {
		return refused(err)
	}
	if err := os.MkdirAll(filepath.Dir(c.Out), 0o755); err != nil {
		return refused(err)
	}
	if err := figures.Write(c.Out); err != nil {
		return refused(err)
	}
	fmt.Fprintln(a.out, c.Out)
	return nil
}
