package main

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"parvis/internal/lab"
)

// plug adds a machine to the terminals' network that has asked for an address.
func (p *place) plug(name string) *lab.Guest {
	p.t.Helper()
	g, err := p.AddGuest(lab.GuestOptions{Name: name, Post: true})
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := g.DHCP(ctx(p.t)); err != nil {
		p.t.Fatal(err)
	}
	return g
}

// The resolver of terminals passes nothing on: a name is not a way out.
func TestTerminalsAreLentAddressesAndOneName(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{Posts: true})
	if _, err := p.parvis.DnsmasqTerminals(ctx(t)); err != nil {
		t.Fatal(err)
	}
	g := p.plug("poste1")
	ours := netip.MustParseAddr("10.30.0.1")
	if l := g.Lease(); l.Router != ours || len(l.DNS) != 1 || l.DNS[0] != ours || l.Address.Bits() != 24 || l.CaptiveURI != "" {
		t.Errorf("lease: %+v", l)
	}
	if a, err := g.Ask(ctx(t), lab.PortalName, dnsmessage.TypeA); err != nil || len(a.Addrs) != 1 || a.Addrs[0] != ours {
		t.Errorf("the portal's name: %+v %v", a, err)
	}
	for _, name := range []string{lab.CAF, lab.ConsoleName, "secret.tunnel.example", "localhost", "un"} {
		for _, typ := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA, dnsmessage.TypeTXT} {
			if a, err := g.Ask(ctx(t), name, typ); err != nil || a.RCode != dnsmessage.RCodeNameError && len(a.Addrs) > 0 {
				t.Errorf("%s %s: %+v %v", name, typ, a, err)
			}
		}
		if _, err := g.Lookup(ctx(t), name); !errors.Is(err, lab.ErrNoSuchName) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if leases, err := os.ReadFile(filepath.Join(p.parvis.State, "leases-terminals")); err != nil || !strings.Contains(string(leases), g.MAC.String()) {
		t.Errorf("leases: %q %v", leases, err)
	}
}

func TestNoResolverOfTerminalsWhereThereAreNone(t *testing.T) {
	p := town(t, lab.Options{}, lab.Site{})
	if out, err := p.parvis.Output(ctx(t), "dnsmasq", "--terminals"); err == nil {
		t.Errorf("printed: %s", out)
	}
}
