package main

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"parvis/internal/config"
	"parvis/internal/lang"
	"parvis/internal/setup"
)

type initCmd struct {
	Guests  string       `help:"${help_init_guests}" placeholder:"INTERFACE"`
	WAN     string       `help:"${help_init_wan}" placeholder:"INTERFACE"`
	Address netip.Prefix `help:"${help_init_address}" placeholder:"ADDRESS/LENGTH"`
	Name    string       `help:"${help_init_name}" placeholder:"NAME"`
	Contact string       `help:"${help_init_contact}" placeholder:"CONTACT"`
	Portal  string       `help:"${help_init_portal}" placeholder:"DNS-NAME"`
	Yes     bool         `help:"${help_init_yes}"`
	Force   bool         `help:"${help_init_force}"`
}

func (c initCmd) Run(_ context.Context, a *app) error {
	if a.cli.Config != config.Path {
		return fail(exitUsage, lang.Text{
			EN: "init writes %s and nothing else; leave --config out",
			FR: "init écrit %s et rien d'autre ; retirez --config",
		}, config.Path)
	}
	facts, err := a.look(nil)
	if err != nil {
		return refused(err)
	}
	plan, problems := setup.Make(facts, setup.Answers{
		WAN: c.WAN, Guests: c.Guests, Address: c.Address, Name: c.Name, Contact: c.Contact, Portal: c.Portal,
		Lang: a.lang, Force: c.Force,
	})
	fmt.Fprint(a.out, plan.Text(a.lang))
	a.tell(problems)
	if config.HasErrors(problems) {
		return fail(exitNotRight, lang.Text{EN: "nothing was written", FR: "rien n'a été écrit"})
	}
	if !c.Yes {
		fmt.Fprint(a.out, lang.Text{EN: "Write this? [y/N] ", FR: "Écrire cela ? [o/N] "}.In(a.lang))
		line, _ := bufio.NewReader(os.Stdin).ReadString('\n') // no answer is a no
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes", "o", "oui":
		default:
			return fail(exitRefused, lang.Text{EN: "nothing was written", FR: "rien n'a été écrit"})
		}
	}
	if err := setup.Apply(plan, "/"); err != nil {
		return refused(err)
	}
	a.printf(lang.Text{EN: "Written: %s", FR: "Écrit : %s"}, config.Path)
	return nil
}
