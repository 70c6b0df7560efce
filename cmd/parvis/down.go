package main

import (
	"context"
	"log/slog"

	"parvis/firewall"
	"parvis/firewall/advertise"
	"parvis/internal/clock"
	"parvis/internal/config"
	"parvis/internal/lang"
)

type downCmd struct{}

func (downCmd) Run(_ context.Context, a *app) error {
	err := a.withKernel(func(cfg *config.Config, fw *firewall.Firewall, log *slog.Logger) error {
		withdraw(cfg, log)
		return fw.Remove()
	})
	if err != nil {
		return err
	}
	a.printf(lang.Text{
		EN: "Nothing of Parvis is left in the kernel: the router is again what it was without it.",
		FR: "Il ne reste rien de Parvis dans le noyau : le routeur est de nouveau ce qu'il était sans lui.",
	})
	return nil
}

// withKernel does something to the kernel for who is no daemon, and refuses while one runs.
func (a *app) withKernel(do func(*config.Config, *firewall.Firewall, *slog.Logger) error) error {
	cfg, unlock, err := a.alone()
	if err != nil {
		return err
	}
	defer unlock()
	system, err := clock.NewSystem()
	if err != nil {
		return refused(err)
	}
	log := slog.New(slog.NewTextHandler(a.err, nil))
	fw, err := firewall.New(firewallConfig(cfg, a.cli.State), system, log)
	if err != nil {
		return refused(err)
	}
	defer fw.Close()
	if err := do(cfg, fw, log); err != nil {
		return refused(err)
	}
	return nil
}

// withdraw tells guests that the router is none for IPv6 any more, where it was one. Those that do not hear it find out by
// themselves.
func withdraw(cfg *config.Config, log *slog.Logger) {
	if !cfg.Guests.IPv6 {
		return
	}
	if err := advertise.Withdraw(cfg.Guests.Interface); err != nil {
		log.Warn("guests were not told that IPv6 ends", "cause", err)
	}
}
