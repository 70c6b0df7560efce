package setup

import (
	"net/netip"
	"slices"
	"strings"

	"parvis/internal/config"
	"parvis/internal/machine"
)

// Wires are the interfaces of a site; "" where it has none, or where nobody has said which.
type Wires struct{ WAN, Guests, Terminals, Staff string }

// Unsaid is a network of the site of which this machine does not tell by itself which port it is.
type Unsaid struct {
	Flag    string // that says it: "--guests"
	Network config.Message
	Choices []string // names of ports that it could be; may be empty
}

// Adopt decides which ports of this machine are those of a site whose configuration was written for another machine. said are the ones that the
// operator has named. alike: the machine is of the same model, whose ports are named alike. Names are checked as Make checks them; with an Error among
// the problems, or anything unsaid, the wires must not be used.
func Adopt(f machine.Facts, cfg *config.Config, said Wires, alike bool) (w Wires, unsaid []Unsaid, problems []config.Problem) {
	m := &maker{f: f, a: Answers{WAN: said.WAN}}
	m.line()
	w.WAN = m.p.WAN
	if config.HasErrors(m.problems) {
		return w, nil, m.problems
	}
	taken := []string{w.WAN}
	for _, n := range []struct {
		flag     string
		name     config.Message
		said     string
		was      string
		to       *string
		network  netip.Prefix
		ours     bool // guests' or terminals': it is not the operator's way in
		optional bool
	}{
		{"--guests", say("the guests' network", "le réseau des visiteurs"), said.Guests, cfg.Guests.Interface, &w.Guests, cfg.Guests.Address, true, false},
		{"--terminals", say("the terminals' network", "le réseau des postes"), said.Terminals, cfg.Terminals.Interface, &w.Terminals, cfg.Terminals.Address, true, true},
		{"--staff", say("the staff's network", "le réseau de l'équipe"), said.Staff, cfg.Staff.Interface, &w.Staff, netip.Prefix{}, false, true},
	} {
		if n.optional && n.was == "" {
			if n.said != "" {
				m.refuse(say("%s: the site has no such network", "%s : le lieu n'a pas ce réseau", n.flag), none, say("leave it out", "retirez-le"))
			}
			continue
		}
		name := n.said
		free := slices.DeleteFunc(m.candidates(), func(c string) bool { return slices.Contains(taken, c) || n.ours && c == f.SSH })
		if name == "" && alike && slices.Contains(free, n.was) {
			name = n.was
		}
		if name == "" {
			unsaid = append(unsaid, Unsaid{n.flag, n.name, free})
			continue
		}
		switch {
		case n.ours && !m.public(name, n.flag):
			continue
		case slices.Contains(taken, name):
			m.refuse(say("%s is named for two networks", "%s est nommé pour deux réseaux", name), none, say("correct %s", "corrigez %s", n.flag))
			continue
		case !n.ours && m.iface(name) == nil:
			m.unknown(name, n.flag)
			continue
		}
		if n.network.IsValid() {
			if net, iface, over := f.Overlap(n.network, name); over && iface != name {
				m.refuse(say("the site's network %s meets %s, which is on %s", "le réseau %s du lieu recoupe %s, qui est sur %s", n.network.Masked(), net, iface), none,
					say("give %s another network, or unplug it, and repeat: devices and terminals know the site's addresses", "donnez un autre réseau à %s, ou débranchez-le, et recommencez : appareils et postes connaissent les adresses du lieu", iface))
			}
		}
		*n.to = name
		taken = append(taken, name)
	}
	// One network and one port that is left: that is it.
	if len(unsaid) == 1 && len(unsaid[0].Choices) == 1 && len(m.problems) == 0 {
		said := said
		switch unsaid[0].Flag {
		case "--guests":
			said.Guests = unsaid[0].Choices[0]
		case "--terminals":
			said.Terminals = unsaid[0].Choices[0]
		default:
			said.Staff = unsaid[0].Choices[0]
		}
		return Adopt(f, cfg, said, alike)
	}
	return w, unsaid, m.problems
}

// Set names one by its flag.
func (w *Wires) Set(flag, name string) {
	switch flag {
	case "--wan":
		w.WAN = name
	case "--guests":
		w.Guests = name
	case "--terminals":
		w.Terminals = name
	case "--staff":
		w.Staff = name
	}
}

// Rewire puts the ports, and other values, into the source of a configuration. Values are TOML.
func Rewire(source string, w Wires, values map[string]string) string {
	all := map[string]string{"wan.interface": quote(w.WAN), "guests.interface": quote(w.Guests)}
	if w.Terminals != "" {
		all["terminals.interface"] = quote(w.Terminals)
	}
	if w.Staff != "" {
		all["staff.interface"] = quote(w.Staff)
	}
	return Put(config.Fill(source, all), values)
}

// Put puts texts into the source of a configuration, in the place of those that its keys have.
func Put(source string, texts map[string]string) string {
	all := map[string]string{}
	for k, v := range texts {
		all[k] = quote(v)
	}
	return config.Fill(source, all)
}

// Describe is a port with its IPv4 addresses, for people.
func Describe(f machine.Facts, name string) string {
	m := &maker{f: f}
	i := m.iface(name)
	if i == nil {
		return name
	}
	var more []string
	if !i.Carrier {
		more = append(more, "(–)")
	}
	return strings.TrimSpace(described(name, i.Addresses) + " " + strings.Join(more, " "))
}
