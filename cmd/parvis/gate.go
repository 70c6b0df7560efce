package main

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"parvis/internal/config"
	"parvis/internal/lang"
	"parvis/internal/mac"
	"parvis/kiosk/catalogue"
	"parvis/kiosk/gate"
	hosts "parvis/kiosk/names"
	"parvis/portal/locale"
	"parvis/portal/probes"
)

// The gate's listeners (docs/adr/0001-names.md).
const (
	proxyPort     = 3128 // of our address on the terminals' network
	relayPort     = 3129 // of the guest address: TLS
	relayHTTPPort = 3130 // of the guest address: HTTP
)

// door is the name gate with its listeners. A door without a gate is that of a place where nothing is reached by name.
type door struct {
	gate      *gate.Gate
	catalogue *catalogue.Catalogue
	proxy     net.Listener // nil: no terminals
	relay     net.Listener
	relayHTTP net.Listener
}

// openDoor makes the gate, where something is reached by name. Posts are told of refusals once they are there.
func (d *daemon) openDoor(ctx context.Context) (err error) {
	c := d.cfg
	if !gated(c) {
		return nil
	}
	named := someByName(c)
	if wrong := d.app.catalogueProblems(c); len(wrong) > 0 {
		d.app.tell(wrong)
		return fail(exitNotRight, lang.Text{
			EN: "the catalogue of services cannot be used as it is; correct it and run: parvis check",
			FR: "le catalogue des services ne peut pas servir tel quel ; corrigez-le puis lancez : parvis check",
		})
	}
	if d.door.catalogue, _, err = d.app.catalogue(c.Gate.Catalogue); err != nil {
		return err
	}
	if c.Terminals.There() {
		if d.door.proxy, err = d.listenOn(ctx, c.Terminals.Address.Addr(), proxyPort); err != nil {
			return err
		}
	}
	if named || len(c.Gate.Garden) > 0 {
		if d.door.relay, err = d.listenOn(ctx, c.Guests.Address.Addr(), relayPort); err != nil {
			return err
		}
		if d.door.relayHTTP, err = d.listenOn(ctx, c.Guests.Address.Addr(), relayHTTPPort); err != nil {
			return err
		}
	}
	atDesk, err := frenchAtDesk(c.Site.Desk)
	if err != nil {
		return err
	}
	d.door.gate = gate.New(gate.Options{
		Clock: d.clock, Log: d.log, Resolver: &net.Resolver{PreferGo: true}, Who: d.behind, Own: d.inside, Mark: markOf(c),
		Refused: func(r gate.Refusal) {
			if r.Why == gate.NotAllowed && !browsersOwn.Allows(r.Host) && d.seats.posts != nil {
				d.seats.posts.Refused(r.MAC, r.Host)
			}
		},
		AtDesk: atDesk, Home: homeOf(c),
	})
	d.door.gate.Garden(d.door.catalogue.Names(c.Gate.Garden))
	for _, p := range c.Profiles {
		if len(p.Names) > 0 {
			d.door.gate.AllowProfile(p.Name, append(d.door.catalogue.Names(p.Names), probeRules()...))
		}
	}
	return nil
}

// someByName reports whether some guests reach some services alone, gated whether anything is reached by name.
func someByName(c *config.Config) bool {
	return slices.ContainsFunc(c.Profiles, func(p config.Profile) bool { return len(p.Names) > 0 })
}

func gated(c *config.Config) bool {
	return c.Terminals.There() || someByName(c) || len(c.Gate.Garden) > 0
}

// probeRules are the names by which phones find out whether they are online: without them a phone that reaches some services only
// believes that it is still caught.
func probeRules() (all hosts.List) {
	for _, n := range probes.Names() {
		if r, err := hosts.Parse(n); err == nil {
			all = append(all, r)
		}
	}
	return all
}

// frenchAtDesk says "at the desk" by the place's own word for it, for the gate's pages, which are in French alone.
func frenchAtDesk(desk string) (string, error) {
	all, err := locale.New([]string{"fr"})
	if err != nil {
		return "", err
	}
	return locale.Plain(all.Prefer("fr").AtDesk(desk)), nil
}

// homeOf is the first page of a terminal's browser.
func homeOf(c *config.Config) string {
	if !c.Terminals.There() {
		return "http://" + c.Portal.Name + "/"
	}
	return "http://" + c.Terminals.Address.Addr().String() + "/kiosk/"
}

// behind says which machine uses an address of the terminals' network or, with its lease, of the guests'.
func (d *daemon) behind(a netip.Addr) (mac.Addr, bool) {
	if t := d.cfg.Terminals; t.There() && t.Address.Masked().Contains(a) {
		m, err := d.firewall.TerminalAt(a)
		return m, err == nil
	}
	dev, err := d.device(a)
	return dev.MAC, err == nil
}

// inside says whether an address is this machine's or on one of the place's own networks, which may have the internet's IPv6
// addresses: a name that leads to a neighbour's device leads nowhere. What cannot be known is taken for a yes.
func (d *daemon) inside(a netip.Addr) bool {
	for _, name := range []string{d.cfg.Guests.Interface, d.cfg.Terminals.Interface, d.cfg.Staff.Interface} {
		if name == "" {
			continue
		}
		link, err := net.InterfaceByName(name)
		if err != nil {
			continue // it is gone, and its networks with it
		}
		networks, err := link.Addrs()
		if err != nil {
			return true
		}
		for _, n := range networks {
			if n, ok := n.(*net.IPNet); ok && n.Contains(a.Unmap().AsSlice()) {
				return true
			}
		}
	}
	return ours(a)
}

// ours says whether an address is this machine's: the kernel lets a socket be bound to no other (ip(7), EADDRNOTAVAIL). What it says
// otherwise is taken for a yes.
func ours(a netip.Addr) bool {
	domain, to := unix.AF_INET6, unix.Sockaddr(&unix.SockaddrInet6{Addr: a.As16()})
	if a = a.Unmap(); a.Is4() {
		domain, to = unix.AF_INET, &unix.SockaddrInet4{Addr: a.As4()}
	}
	fd, err := unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return true
	}
	defer unix.Close(fd)
	return !errors.Is(unix.Bind(fd, to), unix.EADDRNOTAVAIL)
}

// markOf is what a grant's sockets carry: its slot's mark, by which they leave from its block of ports, and its class
// (docs/adr/0001-names.md, "Kernel objects"). A guest by name has its slot's, with its profile's rates; terminals share one.
func markOf(c *config.Config) func(gate.Grant) (mark, priority uint32) {
	terminal := map[string]bool{}
	for _, p := range c.Profiles {
		terminal[p.Name] = p.Terminal
	}
	return func(g gate.Grant) (mark, priority uint32) {
		class := uint32(g.Slot)
		if terminal[g.Profile] {
			class = terminalClass
		}
		return uint32(g.Slot) << 16, 1<<16 | class
	}
}

const terminalClass = 5 // 1:5

// run serves until ctx ends.
func (o *door) run(ctx context.Context) error {
	if o.gate == nil {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	for ln, serve := range map[net.Listener]func(context.Context, net.Listener) error{
		o.proxy: o.gate.ServeProxy, o.relay: o.gate.ServeRelay, o.relayHTTP: o.gate.ServeRelayHTTP,
	} {
		if ln != nil {
			group.Go(func() error { return serve(ctx, ln) })
		}
	}
	return group.Wait()
}

func (o *door) close() {
	for _, ln := range []net.Listener{o.proxy, o.relay, o.relayHTTP} {
		if ln != nil {
			ln.Close()
		}
	}
	if o.gate != nil {
		o.gate.Close()
	}
}
