package config

import (
	"fmt"
	"net/netip"
	"path"
	"strings"
	"time"

	"parvis/kiosk/names"
)

// LastResort is where Parvis answers dnsmasq while no true resolver does. It is this machine's own: no guest reaches it.
var LastResort = netip.MustParseAddrPort("127.0.0.1:5380")

// Dnsmasq returns the configuration of the guest network's dnsmasq (dnsmasq(8), 2.80 or later): names and addresses
// on the guest interface and nothing else. stateDir is where the leases live, /var/lib/parvis.
//
// It says nothing about anybody: no query is logged, no lease is logged, no host name is taken from a device. It gives
// no option 160 (never standardised, and phones that trust it would be led anywhere), no router advertisements
// (Parvis sends them) and option 114 (RFC 8910) only where the API can answer over TLS.
//
// garden is what guests reach by name before they have a session: the addresses of true answers go into the firewall's set.
func Dnsmasq(cfg *Config, stateDir string, garden names.List) string {
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
		append(ranges(g.Address, g.Lease),
			"dhcp-authoritative",
			fmt.Sprintf("dhcp-lease-max=%d", leaseMax(g)),
			"dhcp-leasefile="+path.Join(stateDir, "leases"),
			"dhcp-option=option:router,"+ours.String(),
			"dhcp-option=option:dns-server,"+ours.String(),
			"no-ping",           // a ping holds every answer up for three seconds; ARP is watched elsewhere
			"dhcp-ignore-names", // a device's name is often a person's
		)...)
	if g.IPv6 {
		// A range without addresses answers questions for information (RFC 8415, 6.1) and leases nothing. The keywords of
		// other ranges (ra-stateless, slaac) would send router advertisements.
		part("IPv6: devices make their addresses themselves and ask for the rest. Parvis sends the router advertisements.",
			"dhcp-range=::,static,constructor:"+g.Interface, "quiet-dhcp6")
	}
	if api := cfg.Portal.API(); api != "" {
		options := []string{"dhcp-option-force=114," + api}
		if g.IPv6 {
			options = append(options, "dhcp-option=option6:103,"+api)
		}
		part("Where the captive portal's API is (RFC 8910).", options...)
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
		// Who has kept a true answer meets the dead line and not the page that says so: not for longer than this.
		"max-ttl=60", "max-cache-ttl=60",
	)
	if name := cfg.Staff.Name; name != "" {
		part("The console's name, in the same way.", "host-record="+name+","+ours.String(), "local=/"+name+"/")
	}
	if len(garden) > 0 {
		var set strings.Builder
		for _, r := range garden { // dnsmasq takes the names below each too: the relay decides, by its own rules
			set.WriteString("/" + strings.TrimPrefix(string(r), "."))
		}
		part("What is open before a session: addresses of these names are led to the relay.", "ipset="+set.String()+"/parvis-garden4")
	}
	part("Who answers when nobody upstream does: Parvis itself, the names by which systems find out whether they are online. It\n"+
		"# refuses every other question, and in normal times every one; then the true resolvers are asked.",
		fmt.Sprintf("server=%s#%d", LastResort.Addr(), LastResort.Port()))

	part("Nothing about anybody in the journal, and no file beside the system's own dnsmasq's.",
		"quiet-dhcp", "pid-file=")
	return b.String()
}

// leaseMax bounds the lease database: devices that made up addresses must not fill the router's memory, and four
// devices a session leave room for those that passed by.
func leaseMax(g Guests) int { return min(g.Room(), max(1000, 4*g.Capacity)) }

// ranges returns the network of our address without its first and last one and ours.
func ranges(address netip.Prefix, lease time.Duration) (lines []string) {
	first, last := address.Masked().Addr().Next(), broadcast(address).Prev()
	ours := address.Addr()
	mask := netmask(address)
	add := func(from, to netip.Addr) {
		if from.Compare(to) <= 0 {
			lines = append(lines, fmt.Sprintf("dhcp-range=%s,%s,%s,%d", from, to, mask, int(lease.Seconds())))
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
