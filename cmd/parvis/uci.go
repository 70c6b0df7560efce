package main

import (
	"bytes"
	"fmt"
	"os"

	"parvis/internal/config"
	"parvis/internal/durable"
	"parvis/internal/lang"
)

type uciCmd struct {
	Write bool `help:"${help_uci_write}"`
}

// Run is OpenWrt's way to a configuration. It is written only where it differs: flash wears out.
func (c uciCmd) Run(a *app) error {
	text, err := config.FromUCI(os.Stdin)
	if err != nil {
		return fail(exitNotRight, lang.Text{
			EN: "%v; expected what this prints: uci show parvis",
			FR: "%v ; il faut ce qu'affiche : uci show parvis",
		}, err)
	}
	if !c.Write {
		fmt.Fprint(a.out, text)
		return nil
	}
	if old, err := os.ReadFile(a.cli.Config); err == nil && bytes.Equal(old, []byte(text)) {
		return nil
	}
	if err := durable.Write(a.cli.Config, []byte(text)); err != nil {
		return refused(err)
	}
	return nil
}
