package main

import (
	"context"
	"net"

	"parvis/internal/echo"
	"parvis/internal/lang"
)

var echoTexts = map[string]lang.Text{
	"help_echo": {
		EN: "Run an echo service, on a host outside: it says from which address and port it was reached (wan.echo).",
		FR: "Lance un service d'écho, sur une machine du dehors : il dit de quelle adresse et de quel port on l'a joint (wan.echo).",
	},
	"help_echo_listen":  {EN: "Address and port, TCP and UDP.", FR: "Adresse et port, en TCP et UDP."},
	"help_echo_measure": {EN: "Also let sites measure their line: takes bandwidth.", FR: "Laisse aussi les lieux mesurer leur ligne : cela prend du débit."},
}

type echoCmd struct {
	Listen  string `help:"${help_echo_listen}" default:":4747" placeholder:"ADDRESS"`
	Measure bool   `help:"${help_echo_measure}"`
}

// Run needs no configuration: the host is none of a site.
func (c echoCmd) Run(ctx context.Context, a *app) error {
	s := echo.Server{Measure: c.Measure}
	err := s.Serve(ctx, c.Listen, func(at net.Addr) {
		a.printf(lang.Text{EN: "Echo service on %s, TCP and UDP.", FR: "Service d'écho sur %s, en TCP et UDP."}, at)
	})
	if err != nil {
		return refused(err)
	}
	return nil
}
