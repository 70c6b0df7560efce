package firewall

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Names of the sets.
const (
	setUp4 = "parvis-up4"
	setDn4 = "parvis-dn4"
	setUp6 = "parvis-up6"
	setDn6 = "parvis-dn6"
)

// family is what differs between IPv4 and IPv6 in the skeleton.
type family struct {
	version     int
	up, dn      string // sets
	favour      string // set
	source      string // dimensions of the upload set; "src,src" for one that knows the MAC too
	unreachable string // how what is not TCP is refused
	inner       []string
}

var (
	v4 = family{
		version: 4, up: setUp4, dn: setDn4, favour: setFavour4, source: "src,src", unreachable: "icmp-admin-prohibited",
		// private (RFC 1918), link-local (RFC 3927), shared by carriers (RFC 6598)
		inner: []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"},
	}
	// Without Config.IPv6 no guest is ever in its sets, the router serves nothing over it and there is no nat table to lay.
	// What is left of the skeleton keeps it closed.
	v6 = family{
		version: 6, up: setUp6, dn: setDn6, favour: setFavour6, source: "src", unreachable: "icmp6-adm-prohibited",
		// unique local (RFC 4193), link-local, site-local (RFC 3879), translated to inner IPv4 (RFC 8215)
		inner: []string{"fc00::/7", "fe80::/10", "fec0::/10", "64:ff9b:1::/48"},
	}
)

// tables are those of the family that we write into.
func (f family) tables(c Config) []string {
	if f.version == 6 && !c.IPv6 {
		return []string{"mangle", "filter"}
	}
	return []string{"mangle", "nat", "filter"}
}

// rules writes one table in the language of iptables-restore(8).
type rules struct {
	chains, body strings.Builder
	table        string
}

func (r *rules) chain(names ...string) {
	for _, n := range names {
		fmt.Fprintf(&r.chains, ":%s - [0:0]\n", n)
	}
}

func (r *rules) add(format string, args ...any) {
	fmt.Fprintf(&r.body, "-A "+format+"\n", args...)
}

func (r *rules) String() string {
	return "*" + r.table + "\n" + r.chains.String() + r.body.String() + "COMMIT\n"
}

// render returns the bodies of all our chains for one family, for `iptables-restore --noflush`, which replaces the
// body of each chain that is named and touches no other. others lays PARVIS-OTHER. c has its defaults.
func render(f family, c Config, others bool) string {
	s := mangle(f, c).String()
	if slices.Contains(f.tables(c), "nat") {
		s += nat(f, c).String()
	}
	return s + filter(f, c, others).String()
}

func mangle(f family, c Config) *rules {
	r := &rules{table: "mangle"}
	r.chain("PARVIS-MARK", "PARVIS-STOP")
	r.add("PARVIS-MARK -i %s -j MARK --set-xmark 0x1/0x1", c.Guest)
	r.add("PARVIS-MARK -o %s -j MARK --set-xmark 0x1/0x1", c.Guest)
	r.add("PARVIS-MARK -i %s -o %s -j SET --map-set %s %s --map-mark --map-prio", c.Guest, c.WAN, f.up, f.source)
	r.add("PARVIS-MARK -i %s -o %s -j SET --map-set %s dst --map-mark --map-prio", c.WAN, c.Guest, f.dn)
	if len(c.favoured(f)) > 0 { // after the guest's own entry, which has counted and marked the packet
		r.add("PARVIS-MARK -i %s -o %s -j SET --map-set %s dst --map-prio", c.Guest, c.WAN, f.favour)
		r.add("PARVIS-MARK -i %s -o %s -j SET --map-set %s src --map-prio", c.WAN, c.Guest, f.favour)
	}
	r.add("PARVIS-STOP -m mark --mark 0x1/0x1 -j DROP")
	return r
}

func nat(f family, c Config) *rules {
	r := &rules{table: "nat"}
	r.chain("PARVIS-PRE", "PARVIS-POST")
	const save = "PARVIS-POST -m mark ! --mark 0/0x%x -j CONNMARK --save-mark --nfmask 0x%x --ctmask 0x%x"
	if f.version == 6 {
		// The portal has no IPv6 address: the web is refused at once and browsers take IPv4. Addresses are not translated,
		// and each guest's own are its trace.
		for _, p := range []string{"udp", "tcp"} {
			r.add("PARVIS-PRE -i %s -p %s --dport 53 -j REDIRECT --to-ports 53", c.Guest, p)
		}
		r.add(save, slotMask, slotMask, slotMask)
		return r
	}
	me := c.Address.Addr()
	// The router's own web server (its administration) is not for guests, and we do not take port 80 from it.
	r.add("PARVIS-PRE -i %s -d %s -p tcp --dport 80 -j REDIRECT --to-ports %d", c.Guest, me, c.HTTPPort)
	staffNAT(r, c)
	r.add("PARVIS-PRE -i %s -d %s -p tcp --dport 443 -j REDIRECT --to-ports %d", c.Guest, me, c.HTTPSPort)
	for _, p := range []string{"udp", "tcp"} {
		r.add("PARVIS-PRE -i %s -p %s --dport 53 -j REDIRECT --to-ports 53", c.Guest, p)
	}
	relayNAT(r, f, c)
	r.add("PARVIS-PRE -i %s -p tcp --dport 80 -m set ! --match-set %s %s ! --update-counters -j REDIRECT --to-ports %d",
		c.Guest, f.up, f.source, c.HTTPPort)
	r.add("PARVIS-PRE -i %s -p tcp --dport 80 -m set --match-set %s src ! --update-counters -j REDIRECT --to-ports %d",
		c.Guest, setEnded4, c.HTTPPort)
	if c.Terminal != "" {
		for _, p := range []struct{ from, to uint16 }{{80, c.HTTPPort}, {443, c.HTTPSPort}} {
			r.add("PARVIS-PRE -i %s -p tcp --dport %d -m addrtype --dst-type LOCAL --limit-iface-in -j REDIRECT --to-ports %d",
				c.Terminal, p.from, p.to)
		}
	}
	r.add(save, slotMask, slotMask, slotMask)
	first, last, shift := Slots(c.Capacity)
	if shift == 0 {
		r.add("PARVIS-POST -j MASQUERADE")
		return r
	}
	for _, p := range []string{"tcp", "udp"} {
		r.add("PARVIS-POST -p %s -m mark --mark 0/0x%x -j MASQUERADE --to-ports 1024-%d", p, slotMask, housePorts-1)
	}
	// Two levels, so that a connection's first packet meets some tens of rules and not two thousand.
	for h := first >> 4; h <= last>>4; h++ {
		r.chain(fmt.Sprintf("PARVIS-B%x", h))
		r.add("PARVIS-POST -m mark --mark 0x%x00000/0xfff00000 -j PARVIS-B%x", h, h)
	}
	r.add("PARVIS-POST -j MASQUERADE") // what has no port: ICMP
	for s := uint32(first); s <= uint32(last); s++ {
		for _, p := range []string{"tcp", "udp"} {
			r.add("PARVIS-B%x -p %s -m mark --mark 0x%x0000/0x%x -j MASQUERADE --to-ports %d-%d",
				s>>4, p, s, slotMask, s<<shift, (s+1)<<shift-1)
		}
	}
	return r
}

func filter(f family, c Config, others bool) *rules {
	r := &rules{table: "filter"}
	r.chain("PARVIS-IN", "PARVIS-IN-G")
	if c.Terminal != "" {
		r.chain("PARVIS-IN-T")
	}
	r.chain("PARVIS-FWD", "PARVIS-FROM-G", "PARVIS-TO-G")
	r.add("PARVIS-IN -i %s -j PARVIS-IN-G", c.Guest)
	if f.version == 4 {
		staffInput(r, c)
		relayInput(r, c)
	}
	input(r, f, c.IPv6, "PARVIS-IN-G", "-d "+c.Address.Addr().String(), c.NTP, c.HTTPPort, c.HTTPSPort)
	if c.Terminal != "" {
		r.add("PARVIS-IN -i %s -j PARVIS-IN-T", c.Terminal)
		// Terminals have a network of their own, whose address only the interface knows.
		ports := []uint16{c.HTTPPort, c.HTTPSPort, gatePort}
		if c.Printing {
			ports = append(ports, printPort)
		}
		input(r, f, false, "PARVIS-IN-T", "-m addrtype --dst-type LOCAL --limit-iface-in", c.NTP, ports...)
	}
	forward(r, f, c)
	if others {
		r.chain("PARVIS-OTHER")
		for _, i := range []string{c.Guest, c.Terminal} {
			if i != "" {
				r.add("PARVIS-OTHER -i %s -j RETURN", i)
				r.add("PARVIS-OTHER -o %s -j RETURN", i)
			}
		}
		r.add("PARVIS-OTHER -j ACCEPT")
	}
	return r
}

// input is what the router offers in one of the chains for INPUT. Connections of any state that it does not name end here,
// those that the router itself opened included.
// served says whether it serves anything over IPv6.
func input(r *rules, f family, served bool, chain, me string, ntp bool, ports ...uint16) {
	if f.version == 4 {
		r.add("%s -p udp --sport 68 --dport 67 -j ACCEPT", chain)
		r.add("%s -p icmp -m conntrack --ctstate RELATED -j ACCEPT", chain)
		r.add("%s -p icmp --icmp-type echo-request -m limit --limit 50/s -j ACCEPT", chain)
		for _, p := range []string{"tcp", "udp"} {
			r.add("%s %s -p %s --dport 53 -j ACCEPT", chain, me, p)
		}
		if ntp {
			r.add("%s %s -p udp --dport 123 -j ACCEPT", chain, me)
		}
		list := make([]string, len(ports))
		for i, p := range ports {
			list[i] = fmt.Sprint(p)
		}
		r.add("%s %s -p tcp -m multiport --dports %s -j ACCEPT", chain, me, strings.Join(list, ","))
	} else {
		for _, t := range []string{"router-solicitation", "neighbour-solicitation", "neighbour-advertisement"} {
			r.add("%s -p ipv6-icmp --icmpv6-type %s -m hl --hl-eq 255 -j ACCEPT", chain, t) // RFC 4861, 6.1 and 7.1
		}
		for _, t := range []int{131, 132, 143} { // multicast listener reports (RFC 2710, 3810): snooping needs them
			r.add("%s -p ipv6-icmp --icmpv6-type %d -j ACCEPT", chain, t)
		}
		r.add("%s -p ipv6-icmp --icmpv6-type router-advertisement -j DROP", chain)
		if served {
			r.add("%s -s fe80::/10 -p udp --sport 546 --dport 547 -j ACCEPT", chain) // RFC 8415, 7.2
			for _, p := range []string{"tcp", "udp"} {
				r.add("%s -m addrtype --dst-type LOCAL --limit-iface-in -p %s --dport 53 -j ACCEPT", chain, p)
			}
		}
		r.add("%s -p ipv6-icmp -m conntrack --ctstate RELATED -j ACCEPT", chain)
		r.add("%s -p ipv6-icmp --icmpv6-type echo-request -m limit --limit 50/s -j ACCEPT", chain)
	}
	r.add("%s -p tcp -j REJECT --reject-with tcp-reset", chain)
	r.add("%s -j DROP", chain)
}

func forward(r *rules, f family, c Config) {
	r.add("PARVIS-FWD -i %s -j PARVIS-FROM-G", c.Guest)
	r.add("PARVIS-FWD -o %s -j PARVIS-TO-G", c.Guest)
	if c.Terminal != "" { // terminals are forwarded nowhere: the gate speaks for them
		r.add("PARVIS-FWD -i %s -p tcp -j REJECT --reject-with tcp-reset", c.Terminal)
		r.add("PARVIS-FWD -i %s -j REJECT --reject-with %s", c.Terminal, f.unreachable)
		r.add("PARVIS-FWD -o %s -j DROP", c.Terminal)
	}
	marked := fmt.Sprintf("-m mark ! --mark 0/0x%x", slotMask)
	for _, n := range allowed(f, c.Allow) {
		r.add("PARVIS-FROM-G -d %s -o %s %s -j ACCEPT", n, c.WAN, marked)
	}
	for _, n := range f.inner { // the town's own networks behind the line, whatever the session
		r.add("PARVIS-FROM-G -d %s -j REJECT --reject-with %s", n, f.unreachable)
	}
	r.add("PARVIS-FROM-G -o %s %s -j ACCEPT", c.WAN, marked)
	r.add("PARVIS-FROM-G -p tcp -j REJECT --reject-with tcp-reset")
	r.add("PARVIS-FROM-G -j REJECT --reject-with %s", f.unreachable)
	// An entry in the download set is no invitation: only answers come in.
	r.add("PARVIS-TO-G -i %s %s -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT", c.WAN, marked)
	r.add("PARVIS-TO-G -j DROP")
}

func allowed(f family, list []netip.Prefix) []netip.Prefix {
	if f.version == 6 {
		return nil
	}
	out := make([]netip.Prefix, len(list))
	for i, p := range list {
		out[i] = p.Masked()
	}
	return out
}
