package setup

import (
	"fmt"
	"net/netip"
	"strings"

	"parvis/internal/config"
	"parvis/internal/lang"
	"parvis/internal/machine"
)

// maxFindings keeps the plan on one screen; "parvis check" says all of it, with remedies.
const maxFindings = 8

// Text is the plan as a person reads it, in at most 25 lines.
func (p Plan) Text(l lang.Lang) string {
	var b strings.Builder
	line := func(en, fr string, args ...any) { b.WriteString(say(en, fr, args...).In(l) + "\n") }

	line("Parvis would stand between these two:", "Parvis se tiendrait entre les deux :")
	line("  the line         %s", "  la ligne         %s", described(p.WAN, p.wanAddresses))
	if p.Guests == "" {
		line("  the guests       not known yet", "  les visiteurs    pas encore connu")
	} else if p.Address.IsValid() {
		line("  the guests       %s  becomes public: %s, addresses for %d devices", "  les visiteurs    %s  devient public : %s, des adresses pour %d appareils", p.Guests, p.Address, p.room())
	} else {
		line("  the guests       %s  becomes public", "  les visiteurs    %s  devient public", p.Guests)
	}
	line("  the portal       %s", "  le portail       %s", p.Portal)
	switch p.SSH {
	case "":
		line("  you              at the console", "  vous             à la console")
	case p.Guests:
		line("  you              on %s: it would shut you out", "  vous             sur %s : vous seriez mis dehors", p.SSH)
	default:
		line("  you              on %s, by SSH: it stays as it is", "  vous             sur %s, en SSH : cela reste ainsi", p.SSH)
	}
	if len(p.findings) > 0 {
		line("\nOn this machine:", "\nSur cette machine :")
	}
	for i, f := range p.findings {
		if i == maxFindings {
			line("  - and %d more; parvis check says what is to do", "  - et %d de plus ; parvis check dit ce qu'il y a à faire", len(p.findings)-i)
			break
		}
		fmt.Fprintf(&b, "  - %s\n", f.In(l))
	}
	if p.Source == "" {
		return b.String() // refused: nothing is written, and nothing comes next
	}
	line("\nIt writes, and changes nothing else:", "\nIl écrit, et ne change rien d'autre :")
	switch {
	case p.Replaces:
		line("  %s  in the place of the one there, kept as parvis.toml.bak", "  %s  à la place de l'actuel, gardé dans parvis.toml.bak", config.Path)
	default:
		line("  %s", "  %s", config.Path)
	}
	if p.MakesKey {
		line("  %s     a new secret, for root alone", "  %s     un nouveau secret, pour root seul", machine.SiteKeyPath)
	}
	line("\nThen:", "\nEnsuite :")
	b.WriteString("  parvis check\n  parvis serve --confirm 120\n")
	return b.String()
}

// described is an interface with its IPv4 addresses.
func described(name string, addresses []netip.Prefix) string {
	if name == "" {
		return "?"
	}
	for _, a := range addresses {
		if a.Addr().Is4() {
			name += "  " + a.String()
		}
	}
	return name
}
