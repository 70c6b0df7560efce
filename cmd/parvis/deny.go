package main

import (
	"context"
	"log/slog"

	"parvis/firewall"
	"parvis/internal/clock"
	"parvis/internal/lang"
)

type denyCmd struct{}

// Run is the boot step before the network comes up: from then on nobody passes until the daemon says so.
func (denyCmd) Run(_ context.Context, a *app) error {
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
	if err := fw.Deny(); err != nil {
		return refused(err)
	}
	a.printf(lang.Text{
		EN: "Closed: guests and terminals reach nothing beyond this router until Parvis runs.",
		FR: "Fermé : le public et les postes n'atteignent rien au-delà de ce routeur tant que Parvis ne tourne pas.",
	})
	return nil
}
