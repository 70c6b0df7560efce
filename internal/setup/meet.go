package setup

import (
	"slices"

	"parvis/internal/machine"
)

// meet says which programs are met and what that means. It changes nothing about them.
func (m *maker) meet() {
	if m.p.Guests == "" {
		return
	}
	g := m.p.Guests
	for _, p := range m.f.Programs {
		switch {
		case p.Name == "dnsmasq" && !p.Ours && p.Serves(g):
			m.find("dnsmasq (process %d) serves %s too: it must leave it out", "dnsmasq (processus %d) sert aussi %s : il doit le laisser de côté", p.PID, g)
		case slices.Contains([]string{"dhcpd", "kea-dhcp4", "udhcpd", "odhcpd"}, p.Name):
			m.find("%s gives addresses here: not on %s, please", "%s donne des adresses ici : il ne doit pas le faire sur %s", p.Name, g)
		case p.Name == "firewalld":
			m.find("firewalld must let %s pass: put it in the zone \"trusted\"", "firewalld doit laisser passer %s : mettez-le dans la zone « trusted »", g)
		}
	}
	if m.f.FW4 {
		m.find("OpenWrt's firewall (fw4) must let %s pass: a zone of its own, everything accepted", "le pare-feu d'OpenWrt (fw4) doit laisser passer %s : une zone à lui, tout accepté", g)
	}
	if slices.Contains(m.f.Managed, g) {
		m.find("NetworkManager keeps %s: nmcli device set %[1]s managed no", "NetworkManager tient %s : nmcli device set %[1]s managed no", g)
	}
	for _, radio := range m.f.Radios(g) {
		m.find("%s is a radio: switch client isolation on (ap_isolate=1)", "%s est une radio : activez l'isolation des clients (ap_isolate=1)", radio)
	}
	if i := m.iface(g); !i.Wireless && !i.Carrier {
		m.find("nothing is connected to %s yet", "rien n'est encore branché sur %s", g)
	}
	// what follows asks nothing of anybody
	if m.f.UFW {
		m.find("ufw is on: its rules stay, those of Parvis stand before them", "ufw est actif : ses règles restent, celles de Parvis passent avant")
	}
	if m.f.Docker {
		m.find("Docker is here: its containers stay out of the guests' reach", "Docker est là : ses conteneurs restent hors de portée des visiteurs")
	}
	if m.f.Runs(machine.Resolved) {
		m.find("systemd-resolved answers this machine alone and is not in the way", "systemd-resolved ne répond qu'à cette machine et ne gêne pas")
	}
}
