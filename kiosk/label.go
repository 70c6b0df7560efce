package kiosk

import (
	"strings"

	"parvis/internal/mac"
)

// pcidMost is the length of a PCID, in bytes.
const pcidMost = 64

// learn takes a terminal's own name for itself over, where none is known and nobody else has it. Called with mu held.
func (p *Posts) learn(x *post, label string) bool {
	if x.PCID != "" || !pcid(label) || strings.EqualFold(label, plain(x.MAC)) {
		return false
	}
	for _, o := range p.posts {
		if o != x && near(o.PCID, label) {
			return false
		}
	}
	x.PCID = label
	return true
}

// calls says whether a terminal may call itself so: by its PCID or its MAC (homepage_append=pcid, mac).
func (p *Posts) calls(x *post, label string) bool {
	return label == x.PCID || strings.EqualFold(label, plain(x.MAC))
}

// plain is how Porteus writes a MAC into an address: "AABBCCDDEEFF".
func plain(a mac.Addr) string { return strings.ToUpper(strings.ReplaceAll(a.String(), ":", "")) }

// pcid says whether s can be a PCID: it is matched as a part of a line by the terminals.
func pcid(s string) bool {
	return s != "" && len(s) <= pcidMost && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// near says whether one of two PCIDs would be taken for the other.
func near(a, b string) bool {
	return a != "" && b != "" && (strings.Contains(a, b) || strings.Contains(b, a))
}
