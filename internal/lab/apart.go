package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"

	nl "github.com/vishvananda/netlink"
)

// The cables of a router that is a machine of its own (Options.Apart) end in these interfaces of Town.Router.
const (
	TapWAN    = "tap-wan"
	TapGuests = "tap-guests"

	wanBridge = "br-wan"
)

// layApart makes of the router's namespace two switches: the guests' is what an access point without isolation is, the line's is a
// cable. They have no addresses and no IPv6, and are not seen by anybody.
func (t *Town) layApart(cables func() error) error {
	err := errors.Join(
		t.Router.sysctl("net/ipv6/conf/all/disable_ipv6", "1"),
		t.Router.sysctl("net/ipv6/conf/default/disable_ipv6", "1"),
		t.Router.bridge(GuestBridge, nil),
		t.Router.bridge(wanBridge, nil),
	)
	if err != nil {
		return err
	}
	if err := cables(); err != nil {
		return err
	}
	return errors.Join(
		t.Router.tap(TapWAN), t.Router.tap(TapGuests),
		t.Router.plug(WAN, wanBridge), t.Router.plug(TapWAN, wanBridge), t.Router.plug(TapGuests, GuestBridge),
	)
}

// tap makes an interface whose other end is a program's: it stays when the program ends.
func (ns *NS) tap(name string) error {
	err := ns.Do(func() error {
		attrs := nl.NewLinkAttrs()
		attrs.Name = name
		if err := nl.LinkAdd(&nl.Tuntap{LinkAttrs: attrs, Mode: nl.TUNTAP_MODE_TAP}); err != nil {
			return err
		}
		return setUp(name)
	})
	if err != nil {
		return fmt.Errorf("lab: %s: make tap %s: %w", ns.Name, name, err)
	}
	return nil
}

// RouterCommands make of a bare machine what the town's router is, with one port of the guests' network: wan and port are what
// its network cards are called before.
func (t *Town) RouterCommands(wan, port string) [][]string {
	ip := func(args ...string) []string { return append([]string{"ip"}, args...) }
	return [][]string{
		{"sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0"},
		ip("link", "set", "lo", "up"),
		ip("link", "set", wan, "name", WAN),
		ip("link", "set", port, "name", "lan1"),
		ip("link", "add", GuestBridge, "address", BridgeMAC.String(), "type", "bridge"),
		ip("link", "set", "lan1", "master", GuestBridge),
		ip("link", "set", WAN, "up"), ip("link", "set", "lan1", "up"), ip("link", "set", GuestBridge, "up"),
		ip("addr", "add", wanV4.String(), "dev", WAN),
		ip("addr", "add", t.Options.Guests.String(), "dev", GuestBridge),
		ip("route", "add", "default", "via", gatewayV4.Addr().String()),
	}
}

// Resolver is the resolver beyond the line, as the town's machines know it.
func (t *Town) Resolver() netip.Addr { return upstreamDNS }

// ConfigDir is the folder that Install writes: a router that is a machine of its own is given it as it is.
func (p *Parvis) ConfigDir() string { return filepath.Dir(p.Config) }

// StopDHCP ends the device's DHCP client without a word: it keeps its address and never asks again.
func (g *Guest) StopDHCP() error {
	g.mu.Lock()
	client := g.client
	g.client = nil
	g.mu.Unlock()
	if client == nil {
		return nil
	}
	return client.Kill()
}
