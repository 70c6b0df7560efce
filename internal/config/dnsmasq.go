package config

import (
	"fmt"
	"net/netip"
	"path"
	"strings"
)

// Dnsmasq returns the configuration of the guest network's dnsmasq (dnsmasq(8), 2.80 or later): names and addresses
// on the guest interface and nothing else. stateDir is where the leases live, /var/lib/parvis.
//
// It says nothing about anybody: no query is logged, no lease is logged, no host name is taken from a device. It gives
// no option 160 (never standardised, and phones that trust it would be led anywhere), no router advertisements
// (Parvis sends them) and option 114 (RFC 8910) only where the API can answer over TLS.
func Dnsmasq(cfg *Config, stateDir string) string {
	var b strings.Builder
	part := func(remark string, lines ...string) {
		fmt.Fprintf(&b, "\n# %s\n%s\n", remark, strings.Join(lines, "\n"))
	}
	g := cfg.Guests
	ours := g.Address.Addr()
	b.WriteString("# Written by Parvis from its configuration (\"parvis dnsmasq\"): changes here are lost.\n")

	part("The guest interface alone, also when it comes back later.",
		"interface="+g.Interface, "except-interface=lo", "bind-dynamic")

	part("Addresses. The lease database outlives a power cut: phones keep their address without asking again.",
		append(dhcpRanges(g),
			"dhcp-authoritative",
			fmt.Sprintf("dhcp-lease-max=%d", leaseMax(g)),
			"dhcp-leasefile="+path.Join(stateDir, "leases"),
			"dhcp-option=option:router,"+ours.String(),
			"dhcp-option=option:dns-server,"+ours.String(),
			"no-ping",           // a ping holds every answer up for three seconds; ARP is watched elsewhere
			"dhcp-ignore-names", // a device's name is often a person's
		)...)
	if cfg.Portal.Certificate != "" {
		part("Where the captive portal's API is (RFC 8910).",
			"dhcp-option-force=114,https://"+cfg.Portal.Name+"/api/captive")
	}

	part("Names. The portal's name is ours in every type and never asked upstream.",
		"host-record="+cfg.Portal.Name+","+ours.String(),
		"local=/"+cfg.Portal.Name+"/",
		"local-ttl=60",
		"no-hosts",
		"domain-needed",
		"bogus-priv",
		"resolv-file=/etc/resolv.conf",
		"cache-size=1000",
		"dns-forward-max=600",
	)

	part("Nothing about anybody in the journal, and no file beside the system's own dnsmasq's.",
		"quiet-dhcp", "pid-file=")
	return b.String()
}

// leaseMax bounds the lease database: devices that made up addresses must not fill the router's memory, and four
// devices a session leave room for those that passed by.
func leaseMax(g Guests) int { return min(g.Room(), max(1000, 4*g.Capacity)) }

// dhcpRanges returns the network without its first and last address and ours.
func dhcpRanges(g Guests) (lines []string) {
	first, last := g.Address.Masked().Addr().Next(), broadcast(g.Address).Prev()
	ours := g.Address.Addr()
	mask := netmask(g.Address)
	add := func(from, to netip.Addr) {
		if from.Compare(to) <= 0 {
			lines = append(lines, fmt.Sprintf("dhcp-range=%s,%s,%s,%d", from, to, mask, int(g.Lease.Seconds())))
		}
	}
	add(first, ours.Prev())
	add(ours.Next(), last)
	return lines
}

func netmask(p netip.Prefix) netip.Addr {
	m := uint32(0xffffffff) << (32 - p.Bits())
	return netip.AddrFrom4([4]byte{byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)})
}
