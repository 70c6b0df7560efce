package machine

import (
	"net/netip"
	"slices"

	"parvis/internal/config"
)

// listener is a port that Parvis or its dnsmasq listens on (docs/adr/0001-names.md).
type listener struct {
	proto    string
	port     uint16
	at       netip.Addr
	iface    string
	key      string
	use      config.Message
	severity config.Severity // Error where Parvis does not start without it
}

// proxyPort is the name gate's, on the terminals' network.
const proxyPort = 3128

// listeners are all of them under this configuration.
func (c *checker) listeners() (all []listener) {
	g, t := c.cfg.Guests, c.cfg.Terminals
	guests := func(proto string, port uint16, key string, use config.Message) {
		all = append(all, listener{proto, port, g.Address.Addr(), g.Interface, key, use, config.Error})
	}
	names := say("the guests' names", "les noms des visiteurs")
	guests("udp", 53, "guests.interface", names)
	guests("tcp", 53, "guests.interface", names)
	guests("tcp", 8080, "portal.name", say("the portal", "le portail"))
	guests("tcp", 8443, "portal.certificate", say("the portal over TLS", "le portail en TLS"))
	if len(c.cfg.Gate.Garden) > 0 || slices.ContainsFunc(c.cfg.Profiles, func(p config.Profile) bool { return len(p.Names) > 0 }) {
		relay := say("what guests reach by name", "ce que les visiteurs joignent par nom")
		guests("tcp", 3129, "gate", relay)
		guests("tcp", 3130, "gate", relay)
	}
	if !t.There() {
		return all
	}
	terminals := func(proto string, port uint16, key string, s config.Severity, use config.Message) {
		all = append(all, listener{proto, port, t.Address.Addr(), t.Interface, key, use, s})
	}
	names = say("the terminals' names: whoever answers there passes them on, which is a way out", "les noms des postes : qui répond là les transmet, et c'est une sortie")
	terminals("udp", 53, "terminals.interface", config.Warning, names)
	terminals("tcp", 53, "terminals.interface", config.Warning, names)
	terminals("tcp", 8080, "terminals.address", config.Error, say("the terminals' pages", "les pages des postes"))
	terminals("tcp", proxyPort, "terminals.address", config.Error, say("the terminals' gate", "la porte des postes"))
	if t.Printer != "" {
		terminals("tcp", 631, "terminals.printer", config.Error, say("the terminals' printer", "l'imprimante des postes"))
	}
	return all
}

// gate tells what keeps terminals from the gate. While Parvis serves it also says what is missing of what should be there.
func (c *checker) gate() {
	t := c.cfg.Terminals
	if !t.There() {
		return
	}
	if c.f.Runs("firewalld") {
		c.about("terminals.interface", config.Warning, say("firewalld runs: it may keep terminals from their gate", "firewalld tourne : il peut couper les postes de leur porte"), none,
			say("leave them to Parvis: firewall-cmd --permanent --zone=trusted --add-interface=%s, then firewall-cmd --reload",
				"laissez-les à Parvis : firewall-cmd --permanent --zone=trusted --add-interface=%s, puis firewall-cmd --reload", t.Interface))
	}
	if c.f.FW4 {
		c.about("terminals.interface", config.Warning, say("OpenWrt's firewall (fw4) runs: it may keep terminals from their gate", "le pare-feu d'OpenWrt (fw4) tourne : il peut couper les postes de leur porte"), none,
			say("put %s in a zone of its own with input accepted and forward refused", "mettez %s dans une zone à elle, entrée acceptée et transfert refusé", t.Interface))
	}
	if !c.listens("parvis", "tcp", 8080, c.cfg.Guests.Address.Addr()) {
		return // it does not serve yet
	}
	if !c.listens("parvis", "tcp", proxyPort, t.Address.Addr()) {
		c.about("terminals.address", config.Warning, say("Parvis serves, and nothing listens on %s port %d: terminals reach no service", "Parvis tourne, et rien n'écoute sur %s port %d : les postes n'atteignent aucun service", t.Address.Addr(), proxyPort),
			say("the gate", "la porte"), say("restart Parvis: this configuration is newer than what runs", "relancez Parvis : cette configuration est plus récente que ce qui tourne"))
	}
	if !slices.ContainsFunc(c.f.Sockets, func(s Socket) bool {
		p := c.program(s.PID)
		return s.Proto == "udp" && s.Local.Port() == 67 && p != nil && p.Serves(t.Interface)
	}) {
		c.about("terminals.interface", config.Warning, say("nothing gives addresses on %s: terminals find nobody", "rien ne donne d'adresses sur %s : les postes ne trouvent personne", t.Interface),
			say("a second dnsmasq", "un second dnsmasq"),
			say("parvis dnsmasq --terminals > /run/parvis/dnsmasq-terminals.conf, then dnsmasq -C /run/parvis/dnsmasq-terminals.conf",
				"parvis dnsmasq --terminals > /run/parvis/dnsmasq-terminals.conf, puis dnsmasq -C /run/parvis/dnsmasq-terminals.conf"))
	}
}

// listens reports whether a program has a port of an address.
func (c *checker) listens(program, proto string, port uint16, at netip.Addr) bool {
	return slices.ContainsFunc(c.f.Sockets, func(s Socket) bool {
		return s.Program == program && s.Proto == proto && s.Local.Port() == port && s.Covers(at)
	})
}
