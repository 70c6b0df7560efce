package setup

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"parvis/internal/config"
	"parvis/internal/machine"
)

func (m *maker) iface(name string) *machine.Interface {
	i := slices.IndexFunc(m.f.Interfaces, func(i machine.Interface) bool { return i.Name == name })
	if i < 0 {
		return nil
	}
	return &m.f.Interfaces[i]
}

func (m *maker) unknown(name, flag string) {
	var have []string
	for _, i := range m.f.Interfaces {
		if !i.Loopback {
			have = append(have, i.Name)
		}
	}
	m.refuse(say("there is no interface %s", "il n'y a pas d'interface %s", name), say("one of %s", "l'une de %s", strings.Join(have, ", ")),
		say("correct %s", "corrigez %s", flag))
}

// line decides which interface leads to the internet.
func (m *maker) line() {
	m.p.WAN = m.a.WAN
	if m.p.WAN == "" {
		m.p.WAN = m.f.Line()
	}
	if m.p.WAN == "" {
		m.refuse(say("no route leads to the internet: which port is the line cannot be told", "aucune route ne mène à internet : impossible de savoir quel port est la ligne"), none,
			say("connect the line, or name it with --wan", "branchez la ligne, ou nommez-la avec --wan"))
		return
	}
	i := m.iface(m.p.WAN)
	if i == nil {
		m.unknown(m.p.WAN, "--wan")
		return
	}
	m.p.wanAddresses = i.Addresses
}

// virtual matches interfaces that other programs make for machines inside this one.
var virtual = regexp.MustCompile(`^(docker|veth|virbr|vnet|lxcbr|lxdbr|incusbr|podman|cni|tap|tun|wg|br-[0-9a-f]{12}$)`)

// candidates are the interfaces that could be the guests': hardware, VLANs, bridges and bonds, ports of none.
func (m *maker) candidates() (names []string) {
	kinds := []string{"device", "bridge", "vlan", "bond"}
	for _, i := range m.f.Interfaces {
		if !i.Loopback && i.Name != m.p.WAN && i.Master == "" && slices.Contains(kinds, i.Kind) && !virtual.MatchString(i.Name) {
			names = append(names, i.Name)
		}
	}
	return names
}

// guests decides which interface becomes public, and refuses the one that is needed for something else.
func (m *maker) guests() {
	name := m.a.Guests
	if name == "" && m.p.WAN != "" { // with the line unknown, any port could be it
		name = m.onlyCandidate()
	}
	if name == "" {
		return
	}
	if m.public(name, "--guests") {
		m.p.Guests = name
	}
}

// public reports whether an interface may be that of people, guests or terminals; else it says what it is needed for.
func (m *maker) public(name, flag string) bool {
	i := m.iface(name)
	switch {
	case i == nil:
		m.unknown(name, flag)
	case name == m.f.SSH:
		m.refuse(say("you are connected through %s: made public, it would shut you out", "vous êtes connecté par %s : devenu public, il vous fermerait la porte", name), none,
			say("connect by another port or at the console and repeat, or name another one with %s", "connectez-vous par un autre port ou à la console et recommencez, ou nommez-en un autre avec %s", flag))
	case name == m.p.WAN:
		m.refuse(say("%s is the line: it cannot be the guests' port too", "%s est la ligne : ce ne peut pas être aussi le port des visiteurs", name), none,
			say("name another one with %s", "nommez-en un autre avec %s", flag))
	case slices.ContainsFunc(m.f.Routes, func(r machine.Route) bool { return r.Default() && r.Interface == name }):
		m.refuse(say("a route to the internet leaves by %s: it cannot become the guests' port", "une route vers internet passe par %s : il ne peut pas devenir le port des visiteurs", name), none,
			say("name another one with %s, or take that route away first", "nommez-en un autre avec %s, ou retirez d'abord cette route", flag))
	case i.Master != "":
		m.refuse(say("%s is a port of %s", "%s est un port de %s", name, i.Master), none,
			say("name the bridge: %s %s", "nommez le pont : %s %s", flag, i.Master))
	default:
		return true
	}
	return false
}

// onlyCandidate returns the one interface that is left for the guests; otherwise it says what is in the way.
func (m *maker) onlyCandidate() string {
	names := m.candidates()
	others := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == m.f.SSH })
	switch {
	case len(others) == 1:
		return others[0]
	case len(others) > 1:
		m.refuse(say("several ports could be the guests': %s", "plusieurs ports pourraient être celui des visiteurs : %s", strings.Join(others, ", ")), none,
			say("choose one with --guests", "choisissez-en un avec --guests"))
	case len(names) == 1:
		return names[0] // the operator's own: refused by guests, which says why
	default:
		m.refuse(say("this machine has one network port (%s): Parvis stands between two, the line and the guests", "cette machine a un seul port réseau (%s) : Parvis se tient entre deux, la ligne et les visiteurs", m.p.WAN), none,
			say("add a second port (a USB adapter will do) or a VLAN, and repeat", "ajoutez un second port (un adaptateur USB suffit) ou un VLAN, et recommencez"))
	}
	return ""
}

// usual is the guests' network where nothing else has it.
var usual = netip.MustParsePrefix("10.77.0.1/16")

// address decides the guests' network: the one that is asked for, the one that the port has already, or a free one.
func (m *maker) address() {
	m.p.Address = m.a.Address
	free := m.f.Free(m.p.Guests)
	if m.a.Address.IsValid() {
		if net, iface, taken := m.f.Overlap(m.a.Address, m.p.Guests); taken {
			m.refuse(say("the network %s meets %s, which is on %s", "le réseau %s recoupe %s, qui est sur %s", m.a.Address.Masked(), net, iface), none,
				say("choose another one, such as --address %s", "choisissez-en un autre, par exemple --address %s", free))
		}
		return
	}
	for _, a := range m.iface(m.p.Guests).Addresses {
		if _, _, taken := m.f.Overlap(a, m.p.Guests); a.Addr().Is4() && a.Addr().IsPrivate() && a.Bits() >= 16 && a.Bits() <= 28 && !taken {
			m.p.Address = a
			m.find("%s has the address %s already and keeps it: what is connected there now becomes public", "%s a déjà l'adresse %s et la garde : ce qui y est branché devient public", m.p.Guests, a)
			return
		}
	}
	if !free.IsValid() {
		m.refuse(say("no private network is free on this machine", "aucun réseau privé n'est libre sur cette machine"), none,
			say("name one with --address", "donnez-en un avec --address"))
		return
	}
	m.p.Address = free
	if net, iface, taken := m.f.Overlap(usual, m.p.Guests); taken {
		m.find("%s is in use (%s on %s): the guests get %s", "%s est déjà utilisé (%s sur %s) : les visiteurs auront %s", usual.Masked(), net, iface, free.Masked())
	}
}

// room says how many devices fit.
func (p Plan) room() int { return config.Guests{Address: p.Address}.Room() }
