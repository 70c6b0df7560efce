package main

import (
	"strings"
	"testing"

	"parvis/internal/lab"
)

// A router that forwards and translates by itself, as many do, is closed by the boot step, before the daemon has even begun; what was
// stored goes on once it has.
func TestBetweenTheBootStepAndTheDaemonNobodyPasses(t *testing.T) {
	p := open(t, lab.Options{}, lab.Site{})
	g := p.guest()
	p.accept(g)
	p.passes(g, true)
	if out, err := p.parvis.Output(ctx(t), "deny"); err == nil {
		t.Errorf("beside a daemon it must be refused: %s", out)
	}
	if err := p.PowerCut(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.parvis.Dnsmasq(ctx(t)); err != nil {
		t.Fatal(err)
	}
	for _, argv := range [][]string{
		{"sysctl", "-q", "-w", "net.ipv4.ip_forward=1"},
		{"iptables", "-t", "nat", "-A", "POSTROUTING", "-o", lab.WAN, "-j", "MASQUERADE"},
	} {
		cmd, err := p.RouterCommand(argv[0], argv[1:]...)
		if err == nil {
			err = p.Router.Run(cmd)
		}
		if err != nil {
			t.Fatalf("%v: %v", argv, err)
		}
	}
	p.passes(g, true) // by the router's own doing
	for range 2 {
		out, err := p.parvis.Output(ctx(t), "deny")
		if err != nil || !strings.Contains(out, "Closed") {
			t.Fatalf("%s, %v", out, err)
		}
		p.passes(g, false)
	}
	p.serve()
	p.until("let go on who was inside", func() bool { return p.only().State == "open" })
	p.passes(g, true)
}
