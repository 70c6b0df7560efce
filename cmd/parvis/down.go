package main

import (
	"context"
	"log/slog"

	"parvis/firewall"
	"parvis/internal/clock"
	"parvis/internal/lang"
)

type downCmd struct{}

func (downCmd) Run(_ context.Context, a *app) error {
	cfg, unlock, err := a.alone()
	if err != nil {
		return err
	}
	defer unlock()
	system, err := clock.NewSystem()
	if err != nil {
		return refused(err)
	}
	fw, err := firewall.New(firewallConfig(cfg, a.cli.State), system, slog.New(slog.NewTextHandler(a.err, nil)))
	if err != nil {
		return refused(err)
	}
	defer fw.Close()
	if err := fw.Remove(); err != nil {
		return refused(err)
	}
	a.printf(lang.Text{
		EN: "Nothing of Parvis is left in the kernel: the router is again what it was without it.",
		FR: "Il ne reste rien de Parvis dans le noyau : le routeur est de nouveau ce qu'il était sans lui.",
	})
	return nil
}
