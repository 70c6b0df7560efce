package machine

import (
	"slices"
	"strings"

	"parvis/internal/config"
)

// ports tells who holds a port that Parvis or its dnsmasq needs, on its address or on every address.
func (c *checker) ports() {
	told := map[string]bool{}
	for _, p := range c.listeners() {
		for _, s := range c.f.Sockets {
			what := s.Program + p.use.Text.EN
			if s.Proto != p.proto || s.Local.Port() != p.port || !s.Covers(p.at) || c.ours(s) || told[what] {
				continue
			}
			told[what] = true
			// Only root is shown whose socket it is. To a daemon that is not, its own dnsmasq is anybody's.
			if s.Program == "" && c.f.Blind && (p.port == 53 || p.port == 67) {
				continue
			}
			who := say("another program (run as root to see which)", "un autre programme (lancez en root pour voir lequel)")
			if s.Program != "" {
				who = say("%s (process %d)", "%s (processus %d)", s.Program, s.PID)
			}
			do := say("stop it, or tell it to listen on other addresses only", "arrêtez-le, ou dites-lui de n'écouter que sur d'autres adresses")
			if s.Program == "dnsmasq" {
				do = leaveOut(p.iface)
			}
			c.about(p.key, p.severity, say("port %d (%s) is needed for %s and is held by %s", "le port %d (%s), nécessaire pour %s, est tenu par %s", p.port, p.proto, p.use, who), none, do)
		}
	}
	c.leases("guests.interface", c.cfg.Guests.Interface, say("guests", "visiteurs"))
	if t := c.cfg.Terminals; t.There() {
		c.leases("terminals.interface", t.Interface, say("terminals", "postes"))
	}
}

// leases tells who else gives addresses on one of our networks.
func (c *checker) leases(key, iface string, whom config.Message) {
	for _, s := range c.f.Sockets {
		if s.Proto != "udp" || s.Local.Port() != 67 || s.Program == "" || c.ours(s) {
			continue
		}
		if prog := c.program(s.PID); s.Program == "dnsmasq" && (prog == nil || !prog.Serves(iface)) {
			continue
		}
		do := say("tell it to leave %s out", "dites-lui de laisser %s de côté", iface)
		if s.Program == "dnsmasq" {
			do = leaveOut(iface)
		}
		c.about(key, config.Warning, say("%s (process %d) gives addresses too, and may do so to %s", "%s (processus %d) donne aussi des adresses, et peut le faire aux %s", s.Program, s.PID, whom), none, do)
	}
}

// leaveOut is what a dnsmasq of the system needs beside ours. bind-dynamic: without it dnsmasq takes port 53 of every
// address, whatever interfaces it serves (dnsmasq(8)).
func leaveOut(iface string) config.Message {
	return say("add bind-dynamic and except-interface=%s to its configuration and start it again (OpenWrt: Network, DHCP and DNS, \"exclude interfaces\")",
		"ajoutez bind-dynamic et except-interface=%s à sa configuration et relancez-le (OpenWrt : Réseau, DHCP et DNS, « exclure les interfaces »)", iface)
}

// ours reports that a socket belongs to a running Parvis or to its dnsmasq.
func (c *checker) ours(s Socket) bool {
	p := c.program(s.PID)
	return s.Program == "parvis" || p != nil && p.Ours
}

func (c *checker) program(pid int) *Program {
	for i := range c.f.Programs {
		if pid != 0 && c.f.Programs[i].PID == pid {
			return &c.f.Programs[i]
		}
	}
	return nil
}

// neighbours tells what other keepers of network and firewall do to the guests' interface. What they do to the terminals' is
// told in the same way. Docker and ufw need no
// word here: their rules stand behind those of Parvis, and what they flush is laid again.
func (c *checker) neighbours() {
	iface := c.cfg.Guests.Interface
	c.managed("guests.interface", iface)
	if t := c.cfg.Terminals; t.There() {
		c.managed("terminals.interface", t.Interface)
	}
	if c.f.Runs("firewalld") {
		c.about("guests.interface", config.Warning, say("firewalld runs: what it refuses stays refused, even to those whom Parvis admits", "firewalld tourne : ce qu'il refuse reste refusé, même à ceux que Parvis admet"), none,
			say("leave the guests to Parvis: firewall-cmd --permanent --zone=trusted --add-interface=%s, then firewall-cmd --reload",
				"laissez les visiteurs à Parvis : firewall-cmd --permanent --zone=trusted --add-interface=%s, puis firewall-cmd --reload", iface))
	}
	if c.f.FW4 {
		c.about("guests.interface", config.Warning, say("OpenWrt's firewall (fw4) runs: what it refuses stays refused, even to those whom Parvis admits",
			"le pare-feu d'OpenWrt (fw4) tourne : ce qu'il refuse reste refusé, même à ceux que Parvis admet"), none,
			say("put %s in a zone of its own with input and forward to wan accepted: Parvis does the refusing", "mettez %s dans une zone à elle, entrée et transfert vers wan acceptés : c'est Parvis qui refuse", iface))
	}
	if slices.Contains(c.f.RADaemon, iface) {
		c.about("guests.interface", config.Warning, say("radvd announces a router on %s too", "radvd annonce aussi un routeur sur %s", iface), none,
			say("take %s out of /etc/radvd.conf", "retirez %s de /etc/radvd.conf", iface))
	}
	if other := c.rivals(); len(other) > 0 {
		c.about("wan.interface", config.Warning, say("several routes to the internet: %s", "plusieurs routes vers internet : %s", strings.Join(other, ", ")), none,
			say("guests leave by %s alone; take the other routes away if they are not meant", "les visiteurs ne sortent que par %s ; retirez les autres routes si elles ne sont pas voulues", c.cfg.WAN.Interface))
	}
}

// managed tells an interface that NetworkManager keeps.
func (c *checker) managed(key, iface string) {
	if slices.Contains(c.f.Managed, iface) {
		c.about(key, config.Warning, say("NetworkManager keeps %s and may change its address", "NetworkManager tient %s et peut changer son adresse", iface), none,
			say("tell it to leave the interface alone: nmcli device set %s managed no", "dites-lui de laisser cette interface : nmcli device set %s managed no", iface))
	}
}

// rivals returns the interfaces of IPv4 default routes when there are several.
func (c *checker) rivals() (names []string) {
	for _, r := range c.f.Routes {
		if r.Default() && r.Network.Addr().Is4() && !slices.Contains(names, r.Interface) {
			names = append(names, r.Interface)
		}
	}
	if len(names) < 2 {
		return nil
	}
	return names
}
