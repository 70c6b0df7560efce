package gate

import "net/netip"

// What is not the internet's although netip calls it global: RFC 6890 and its registry,
// https://www.iana.org/assignments/iana-ipv4-special-registry. Networks for documentation lead nowhere and are left out.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // shared by carriers, RFC 6598
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"), // 6to4 relays
	netip.MustParsePrefix("198.18.0.0/15"),  // benchmarks
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("2001::/23"), // Teredo and other protocols
	netip.MustParsePrefix("2002::/16"), // 6to4: holds an IPv4 address, perhaps a private one
}

// global is the only part of IPv6 that is given out (RFC 4291 §2.4, RFC 3513): what maps or translates IPv4 is outside it.
var global = netip.MustParsePrefix("2000::/3")

// outside reports whether an address is the internet's: not private, of a link, of this machine, for many, nor special.
func outside(a netip.Addr) bool {
	if a.Is4In6() || a.Zone() != "" || !a.IsGlobalUnicast() || a.IsPrivate() || a.Is6() && !global.Contains(a) {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
