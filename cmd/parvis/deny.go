package main

import (
	"context"
	"log/slog"

	"parvis/firewall"
	"parvis/internal/config"
	"parvis/internal/lang"
)

type denyCmd struct{}

// Run is the boot step before the network comes up: from then on nobody passes until the daemon says so.
func (denyCmd) Run(_ context.Context, a *app) error {
	deny := func(_ *config.Config, fw *firewall.Firewall, _ *slog.Logger) error { return fw.Deny() }
	if err := a.withKernel(deny); err != nil {
		return err
	}
	a.printf(lang.Text{
		EN: "Closed: guests and terminals reach nothing beyond this router until Parvis runs.",
		FR: "Fermé : le public et les postes n'atteignent rien au-delà de ce routeur tant que Parvis ne tourne pas.",
	})
	return nil
}
