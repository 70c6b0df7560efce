package config

import (
	"fmt"
	"path"
	"strings"
)

// DnsmasqTerminals returns the configuration of the dnsmasq of the fixed terminals' network; "" where there is none. stateDir is
// where the leases live, /var/lib/parvis.
//
// It asks nobody: the portal's name is all that it knows and every other name does not exist. Terminals need no
// more, since the gate resolves for them, and what a resolver passes on is a way out (a tunnel in DNS).
func DnsmasqTerminals(cfg *Config, stateDir string) string {
	t := cfg.Terminals
	if !t.There() {
		return ""
	}
	var b strings.Builder
	part := func(remark string, lines ...string) {
		fmt.Fprintf(&b, "\n# %s\n%s\n", remark, strings.Join(lines, "\n"))
	}
	ours := t.Address.Addr()
	b.WriteString("# Written by Parvis from its configuration (\"parvis dnsmasq --terminals\"): changes here are lost.\n")
	part("The terminals' interface alone, also when it comes back later.",
		"interface="+t.Interface, "except-interface=lo", "bind-dynamic")
	part("Addresses. A terminal keeps its own: by it and its MAC together it is known.",
		append(ranges(t.Address, t.Lease),
			"dhcp-authoritative",
			fmt.Sprintf("dhcp-lease-max=%d", maxTerminals),
			"dhcp-leasefile="+path.Join(stateDir, "leases-terminals"),
			"dhcp-option=option:router,"+ours.String(), // without a default route Porteus Kiosk waits for two minutes
			"dhcp-option=option:dns-server,"+ours.String(),
			"no-ping",
			"dhcp-ignore-names",
		)...)
	part("Names: the portal's, and no other. Nobody is asked.",
		"host-record="+cfg.Portal.Name+","+ours.String(),
		"address=/#/", // of every other name: it does not exist
		"local-ttl=60",
		"no-hosts",
		"no-resolv",
		"cache-size=0",
	)
	part("Nothing about anybody in the journal, and no file beside the system's own dnsmasq's.",
		"quiet-dhcp", "pid-file=")
	return b.String()
}

// maxTerminals bounds the leases: a place has tens of terminals, and whoever makes up addresses must not fill the memory.
const maxTerminals = 250
