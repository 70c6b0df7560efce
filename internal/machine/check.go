package machine

import (
	"slices"
	"strings"

	"parvis/internal/config"
	"parvis/internal/lang"
)

// Feature is something of the kernel that the firewall has looked for.
type Feature struct {
	Name            string
	Present, Needed bool
	Costs           lang.Text // what is lost without it
}

// checker collects problems about one configuration on one machine.
type checker struct {
	cfg      *config.Config
	f        Facts
	problems []config.Problem
}

func (c *checker) about(key string, sev config.Severity, what, expected, do config.Message) {
	c.problems = append(c.problems, c.cfg.Problem(key, sev, what, expected, do))
}

// machine tells a problem that no key of the configuration is about.
func (c *checker) machine(sev config.Severity, what, expected, do config.Message) {
	c.problems = append(c.problems, config.Problem{Severity: sev, What: what, Expected: expected, Do: do})
}

var (
	say  = config.Say
	none = config.Message{}
)

// Check says what on this machine keeps Parvis from serving that configuration (Error), and what costs something
// (Warning). It is pure.
func Check(cfg *config.Config, facts Facts, features []Feature) []config.Problem {
	c := &checker{cfg: cfg, f: facts}
	c.interfaces()
	c.overlap()
	c.ports()
	c.gate()
	c.neighbours()
	c.rights()
	c.tools()
	c.features(features)
	c.state()
	c.siteKey()
	c.certificate()
	c.console()
	c.monitor()
	return c.problems
}

func (c *checker) interfaces() {
	g, w := c.cfg.Guests, c.cfg.WAN
	line := c.f.interfaceNamed(w.Interface)
	guests := c.f.interfaceNamed(g.Interface)
	c.there("wan.interface", line, w.Interface)
	c.there("guests.interface", guests, g.Interface)

	if line != nil {
		switch to := c.f.Line(); {
		case to == "":
			c.about("wan.interface", config.Warning, say("no route leads to the internet", "aucune route ne mène à internet"),
				say("a default route by %s", "une route par défaut par %s", w.Interface),
				say("connect the line, or look at its settings", "branchez la ligne, ou regardez ses réglages"))
		case to != w.Interface && to != g.Interface:
			c.about("wan.interface", config.Warning, say("the route to the internet leaves by %s, not by %s", "la route vers internet passe par %s, et non par %s", to, w.Interface),
				none, say("write interface = %q, or correct the route", "écrivez interface = %q, ou corrigez la route", to))
		}
	}
	c.terminals()
	if guests == nil {
		return
	}
	if guests.Master != "" {
		c.about("guests.interface", config.Error, say("%s is a port of %s", "%s est un port de %s", g.Interface, guests.Master),
			say("the bridge itself", "le pont lui-même"), say("write interface = %q", "écrivez interface = %q", guests.Master))
	}
	if slices.ContainsFunc(c.f.Routes, func(r Route) bool { return r.Default() && r.Interface == g.Interface }) {
		c.about("guests.interface", config.Error, say("a route to the internet leaves by the guests' interface %s", "une route vers internet passe par l'interface des visiteurs %s", g.Interface),
			say("the guests on a port of their own", "les visiteurs sur un port à eux"),
			say("exchange the two interfaces, or take that route away", "échangez les deux interfaces, ou retirez cette route"))
	}
	if guests.Up && !guests.Carrier {
		c.about("guests.interface", config.Warning, say("nothing is connected to %s", "rien n'est branché sur %s", g.Interface), none,
			say("connect the access point", "branchez la borne Wi-Fi"))
	}
	for _, radio := range c.f.Radios(g.Interface) {
		c.about("guests.interface", config.Warning, say("%s is a radio: devices on it reach each other without passing here", "%s est une radio : les appareils s'y joignent sans passer par ici", radio),
			say("client isolation", "l'isolation des clients"), say("set ap_isolate=1 in hostapd, or \"isolate\" in OpenWrt", "réglez ap_isolate=1 dans hostapd, ou « isolate » dans OpenWrt"))
	}
	if !slices.Contains(guests.Addresses, g.Address) {
		c.about("guests.address", config.Warning, say("%s does not have the address %s", "%s n'a pas l'adresse %s", g.Interface, g.Address), none,
			say("give it to the interface in the system's network settings", "donnez-la à l'interface dans les réglages réseau du système"))
	}
	if c.f.SSH == g.Interface {
		c.about("guests.interface", config.Warning, say("you are connected through the guests' interface %s: it will be closed to you", "vous êtes connecté par l'interface des visiteurs %s : elle vous sera fermée", g.Interface),
			none, say("connect by another interface, or at the console", "connectez-vous par une autre interface, ou à la console"))
	}
}

// terminals tells what keeps terminals from working. None of it keeps the place's guests out, so none is an error.
func (c *checker) terminals() {
	t := c.cfg.Terminals
	if !t.There() {
		return
	}
	i := c.f.interfaceNamed(t.Interface)
	switch {
	case i == nil:
		c.about("terminals.interface", config.Warning, say("there is no interface %s: no terminal works", "il n'y a pas d'interface %s : aucun poste ne marche", t.Interface), none,
			say("correct the name, or make the interface", "corrigez le nom, ou créez l'interface"))
		return
	case i.Master != "":
		c.about("terminals.interface", config.Warning, say("%s is a port of %s: no terminal works", "%s est un port de %s : aucun poste ne marche", t.Interface, i.Master),
			say("the bridge itself", "le pont lui-même"), say("write interface = %q", "écrivez interface = %q", i.Master))
	case !i.Up:
		c.about("terminals.interface", config.Warning, say("the interface %s is switched off: no terminal works", "l'interface %s est éteinte : aucun poste ne marche", t.Interface), none,
			say("switch it on: ip link set %s up", "allumez-la : ip link set %s up", t.Interface))
	case !slices.Contains(i.Addresses, t.Address):
		c.about("terminals.address", config.Warning, say("%s does not have the address %s", "%s n'a pas l'adresse %s", t.Interface, t.Address), none,
			say("give it to the interface in the system's network settings", "donnez-la à l'interface dans les réglages réseau du système"))
	}
	if net, iface, ok := c.f.Overlap(t.Address, t.Interface); ok {
		c.about("terminals.address", config.Warning, say("the terminals' network %s meets %s, which is on %s", "le réseau des postes %s recoupe %s, qui est sur %s", t.Address.Masked(), net, iface),
			say("a network that nothing else uses", "un réseau que rien d'autre n'utilise"), say("choose another one", "choisissez-en un autre"))
	}
}

// there tells an interface that is not there or is switched off.
func (c *checker) there(key string, i *Interface, name string) {
	if i == nil {
		var have []string
		for _, x := range c.f.Interfaces {
			if !x.Loopback {
				have = append(have, x.Name)
			}
		}
		c.about(key, config.Error, say("there is no interface %s", "il n'y a pas d'interface %s", name),
			say("one of %s", "l'une de %s", strings.Join(have, ", ")), say("correct the name, or make the interface", "corrigez le nom, ou créez l'interface"))
		return
	}
	if !i.Up {
		c.about(key, config.Error, say("the interface %s is switched off", "l'interface %s est éteinte", name), none,
			say("switch it on: ip link set %s up", "allumez-la : ip link set %s up", name))
	}
}

func (c *checker) overlap() {
	g := c.cfg.Guests
	if net, iface, ok := c.f.Overlap(g.Address, g.Interface); ok {
		c.about("guests.address", config.Error, say("the guests' network %s meets %s, which is on %s", "le réseau des visiteurs %s recoupe %s, qui est sur %s", g.Address.Masked(), net, iface),
			say("a network that nothing else uses", "un réseau que rien d'autre n'utilise"), say("choose another one, such as %s", "choisissez-en un autre, par exemple %s", c.f.Free(g.Interface)))
	}
}

func (c *checker) rights() {
	if !c.f.NetAdmin || !c.f.NetRaw {
		c.machine(config.Error, say("this process may not change the network", "ce processus n'a pas le droit de changer le réseau"),
			say("CAP_NET_ADMIN and CAP_NET_RAW", "CAP_NET_ADMIN et CAP_NET_RAW"), say("run it as root, or by its service", "lancez-le en root, ou par son service"))
	}
}

func (c *checker) tools() {
	any := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return c.f.Tools[n] != "" })
	}
	missing := func(name, pkg string) {
		c.machine(config.Error, say("the program %s is not installed", "le programme %s n'est pas installé", name), none,
			say("install the package %s", "installez le paquet %s", pkg))
	}
	if !any("iptables-restore", "iptables-legacy-restore", "iptables-nft-restore") {
		missing("iptables-restore", "iptables")
	}
	if !any("ip6tables-restore", "ip6tables-legacy-restore", "ip6tables-nft-restore") {
		missing("ip6tables-restore", "iptables (Debian), ip6tables (OpenWrt)")
	}
	if !any("dnsmasq") {
		missing("dnsmasq", "dnsmasq-base (Debian), dnsmasq (OpenWrt)")
	}
}

func (c *checker) features(features []Feature) {
	for _, f := range features {
		switch {
		case f.Present:
		case f.Needed:
			c.machine(config.Error, say("the kernel has no %s", "le noyau n'a pas %s", f.Name), none,
				say("install the kernel modules: %s", "installez les modules du noyau : %s", f.Costs))
		default:
			c.machine(config.Warning, say("the kernel has no %s: %s", "le noyau n'a pas %s : %s", f.Name, f.Costs), none, none)
		}
	}
}

// Free space that the database needs: below the first nothing can be written durably, below the second soon.
const (
	leastFree = 1 << 20
	goodFree  = 64 << 20
)

func (c *checker) state() {
	s := c.f.State
	switch {
	case !s.Writable:
		c.machine(config.Error, say("%s cannot be written", "%s ne peut pas être écrit", s.Path), none,
			say("run as root, and see that the disk is not mounted read-only", "lancez en root, et vérifiez que le disque n'est pas monté en lecture seule"))
	case s.Free < leastFree:
		c.machine(config.Error, say("%s has only %d MB left", "il ne reste que %[2]d Mo dans %[1]s", s.Path, s.Free>>20), say("at least %d MB", "au moins %d Mo", leastFree>>20),
			say("make room on the disk", "faites de la place sur le disque"))
	case s.Free < goodFree:
		c.machine(config.Warning, say("%s has only %d MB left", "il ne reste que %[2]d Mo dans %[1]s", s.Path, s.Free>>20), say("%d MB or more", "%d Mo ou plus", goodFree>>20),
			say("make room on the disk", "faites de la place sur le disque"))
	}
}
