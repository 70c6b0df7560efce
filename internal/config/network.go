package config

import (
	"maps"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// private are the networks that anybody may number inside (RFC 1918).
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
}

func (t *table) guests(line string) (g Guests) {
	g.Interface = t.iface("interface", true)
	if g.Interface != "" && g.Interface == line {
		t.bad("interface", Say("guests.interface is %q, as wan.interface is", "guests.interface est %q, comme wan.interface", line),
			Say("two different interfaces", "deux interfaces différentes"),
			Say("name the port or bridge where the guests are", "nommez le port ou le pont où sont les visiteurs"))
	}
	g.Address = t.address("address")
	g.Lease, _ = t.duration("lease", false, 2*time.Hour, within{minLease, maxLease, false})
	g.Capacity = t.capacity("capacity", g.Address)
	g.Allow = t.allow("allow", g.Address)
	g.IPv6 = t.flag("ipv6", false)
	g.SSID = t.ssid("ssid")
	g.PassphraseFile = t.absolute("passphrase-file")
	return g
}

// address reads one of our addresses with its network.
func (t *table) address(key string) netip.Prefix {
	s, ok := t.text(key, true)
	if !ok {
		return netip.Prefix{}
	}
	expected := Say("our address with its network, such as \"10.77.0.1/16\"", "notre adresse avec son réseau, par exemple \"10.77.0.1/16\"")
	bad := func(en, fr string, args ...any) netip.Prefix {
		t.bad(key, Say("%s: "+en, "%s : "+fr, append([]any{t.label(key)}, args...)...), expected, Message{})
		return netip.Prefix{}
	}
	p, err := netip.ParsePrefix(s)
	switch a := p.Addr(); {
	case err != nil && strings.Contains(s, "/"):
		return bad("%q is not an address with its network", "%q n'est pas une adresse avec son réseau", s)
	case err != nil:
		return bad("%q has no network size after the address", "%q n'a pas de taille de réseau après l'adresse", s)
	case !a.Is4():
		return bad("%q is an IPv6 address", "%q est une adresse IPv6", s)
	case p.Bits() < minBits:
		return bad("the network /%d is too large", "le réseau /%d est trop grand", p.Bits())
	case p.Bits() > maxBits:
		return bad("the network /%d is too small", "le réseau /%d est trop petit", p.Bits())
	case !slices.ContainsFunc(private, func(n netip.Prefix) bool { return n.Contains(a) }):
		return bad("%s is not in a private network (10.…, 172.16.… to 172.31.…, 192.168.…)",
			"%s n'est pas dans un réseau privé (10.…, 172.16.… à 172.31.…, 192.168.…)", a)
	case a == p.Masked().Addr():
		return bad("%s is the address of the network itself", "%s est l'adresse du réseau lui-même", a)
	case a == broadcast(p):
		return bad("%s is the last address of the network, which means everybody", "%s est la dernière adresse du réseau, qui désigne tout le monde", a)
	}
	return p
}

// broadcast is the last address of an IPv4 network.
func broadcast(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr().As4()
	for i := range 32 - p.Bits() {
		a[3-i/8] |= 1 << (i % 8)
	}
	return netip.AddrFrom4(a)
}

// Room is how many devices the guests' network has addresses for.
func (g Guests) Room() int { return room(g.Address) }

func room(p netip.Prefix) int { return 1<<(32-p.Bits()) - 3 } // network, broadcast, ours

func (t *table) capacity(key string, network netip.Prefix) int {
	const def = 240
	v, ok := t.get(key, false)
	if !ok {
		return def
	}
	expected := Say("a number of sessions from 1 to 10000, best 240, 480 or 960", "un nombre de sessions de 1 à 10000, de préférence 240, 480 ou 960")
	n, isInt := v.(int64)
	if !isInt {
		t.wrongType(key, v, expected)
		return def
	}
	if n < 1 || n > maxCapacity {
		t.bad(key, Say("guests.capacity: %d is out of range", "guests.capacity : %d est hors limites", n), expected, Message{})
		return def
	}
	g := Guests{Capacity: int(n)}
	if g.Blocks() == 0 {
		t.warn(key, Say("guests.capacity: with %d sessions there are no port blocks: when the law asks who used a public address and port, "+
			"only the whole list of sessions open at that moment can be given",
			"guests.capacity : avec %d sessions il n'y a pas de blocs de ports : si la justice demande qui utilisait une adresse et un port publics, "+
				"seule la liste de toutes les sessions ouvertes à ce moment pourra être donnée", n),
			Say("240, 480 or 960", "240, 480 ou 960"), moreBlocks(g.Capacity))
	}
	if network.IsValid() && room(network) < g.Capacity {
		t.warn(key, Say("guests.capacity: the network has addresses for %d devices only", "guests.capacity : le réseau n'a d'adresses que pour %d appareils", room(network)),
			Say("room for %d sessions", "de la place pour %d sessions", n), Say("enlarge the network of guests.address, up to /16", "agrandissez le réseau de guests.address, jusqu'à /16"))
	}
	return g.Capacity
}

// moreBlocks says how to have port blocks again.
func moreBlocks(capacity int) Message {
	for _, n := range []int{240, 480, 960} {
		if capacity < n {
			return Say("write capacity = %d", "écrivez capacity = %d", n)
		}
	}
	return Say("keep it only where so many come at once, and tell whoever answers for the legal register",
		"ne le gardez que là où tant de monde vient à la fois, et dites-le à qui répond du registre légal")
}

// networks reads a list of networks; a lone address is a network of one. refuse says what is wrong with one that is
// written well.
func (t *table) networks(key string, refuse func(el string, p netip.Prefix) bool) (nets []netip.Prefix) {
	expected := Say("a network such as \"192.168.1.0/24\" or one address", "un réseau comme \"192.168.1.0/24\" ou une adresse")
	texts, _ := t.list(key, expected)
	for _, i := range slices.Sorted(maps.Keys(texts)) {
		s, el := texts[i], element(key, i)
		p, err := netip.ParsePrefix(s)
		if a, errA := netip.ParseAddr(s); errA == nil && a.Zone() == "" {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		switch {
		case err != nil:
			t.bad(el, Say("%s: %q is not a network", "%s : %q n'est pas un réseau", t.label(key), s), expected, Say("correct it or take it out", "corrigez-le ou retirez-le"))
		case p != p.Masked():
			t.bad(el, Say("%s: %q is an address inside a network", "%s : %q est une adresse à l'intérieur d'un réseau", t.label(key), s), expected,
				Say("write \"%s\" for the whole network or \"%s\" for the one address", "écrivez \"%s\" pour tout le réseau ou \"%s\" pour cette seule adresse", p.Masked(), p.Addr()))
		case !refuse(el, p):
			nets = append(nets, p)
		}
	}
	return nets
}

// allow reads the inner networks that guests may reach.
func (t *table) allow(key string, guests netip.Prefix) []netip.Prefix {
	return t.networks(key, func(el string, p netip.Prefix) bool {
		switch {
		case p.Bits() < 8:
			t.bad(el, Say("guests.allow: %q opens nearly everything", "guests.allow : %q ouvre presque tout", p),
				Say("a network of /8 or smaller", "un réseau /8 ou plus petit"), Say("name only what guests need", "ne nommez que ce dont les visiteurs ont besoin"))
		case guests.IsValid() && p.Overlaps(guests):
			t.bad(el, Say("guests.allow: %q meets the guests' own network", "guests.allow : %q recoupe le réseau des visiteurs", p), Message{},
				Say("take it out: guests never reach each other", "retirez-le : les visiteurs ne s'atteignent jamais entre eux"))
		default:
			return false
		}
		return true
	})
}

// favour reads the servers that have a part of the line for themselves.
func (t *table) favour(key string) []netip.Prefix {
	nets := t.networks(key, func(el string, p netip.Prefix) bool {
		wide := p.Bits() < 16
		if wide {
			t.bad(el, Say("wan.favour: %q favours nearly everything, and so nothing", "wan.favour : %q favorise presque tout, donc rien", p),
				Say("a network of /16 or smaller", "un réseau /16 ou plus petit"), Say("name the town's own servers only", "ne nommez que les serveurs de la ville"))
		}
		return wide
	})
	if len(nets) > maxFavour {
		t.bad(key, Say("wan.favour: %d networks", "wan.favour : %d réseaux", len(nets)), Say("at most %d", "%d au plus", maxFavour), Message{})
		return nil
	}
	return nets
}

// iface reads the name of an interface (dev_valid_name of the kernel, and no name that a shell or iptables reads
// otherwise: iptables takes a final + as a wildcard).
func (t *table) iface(key string, need bool) string {
	s, ok := t.text(key, need)
	if !ok {
		return ""
	}
	if !ifaceName.MatchString(s) || s == "." || s == ".." || s == "lo" {
		t.bad(key, Say("%s: %q is not the name of an interface", "%s : %q n'est pas un nom d'interface", t.label(key), s),
			Say("a name as \"ip link\" shows it, at most 15 characters", "un nom tel que « ip link » l'affiche, 15 caractères au plus"), Message{})
		return ""
	}
	return s
}

var (
	ifaceName  = regexp.MustCompile(`^[A-Za-z0-9._@-]{1,15}$`)
	dnsLabel   = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`) // RFC 1123 §2.1
	identifier = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)
)

// dnsName reads a name that browsers take for a whole one.
func (t *table) dnsName(key string, need bool) string {
	s, ok := t.text(key, need)
	if !ok {
		return ""
	}
	bad := func(en, fr string) string {
		t.bad(key, Say("%s: "+en, "%s : "+fr, t.label(key), s), Say("a DNS name with a dot", "un nom DNS avec un point"), Message{})
		return ""
	}
	name := strings.ToLower(s)
	labels := strings.Split(name, ".")
	if _, err := netip.ParseAddr(name); err == nil {
		return bad("%q is an address", "%q est une adresse")
	}
	if len(labels) == 1 {
		return bad("%q is a single word: browsers take it for a search", "%q est un seul mot : les navigateurs le prennent pour une recherche")
	}
	for _, l := range labels {
		if !dnsLabel.MatchString(l) {
			return bad("%q is not a DNS name (letters, digits and hyphens between dots)", "%q n'est pas un nom DNS (lettres sans accent, chiffres et tirets entre des points)")
		}
	}
	if len(name) > 253 || strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return bad("%q is not a DNS name", "%q n'est pas un nom DNS")
	}
	if labels[len(labels)-1] == "local" {
		t.warn(key, Say("%s: names in .local are not asked of the router by Apple devices and many others (mDNS, RFC 6762): the page will not open there",
			"%s : les appareils Apple et beaucoup d'autres ne demandent pas au routeur les noms en .local (mDNS, RFC 6762) : la page ne s'y ouvrira pas", t.label(key)),
			Say("a name of a domain that you have", "un nom d'un domaine à vous"), t.example(key))
	}
	return name
}

func (t *table) absolute(key string) string {
	s, ok := t.text(key, false)
	if !ok {
		return ""
	}
	if !path.IsAbs(s) {
		t.bad(key, Say("%s: %q is not a full path", "%s : %q n'est pas un chemin complet", t.label(key), s),
			Say("a path that begins with /", "un chemin qui commence par /"), Message{})
		return ""
	}
	return path.Clean(s)
}

func (t *table) identifier(key string) string {
	s, ok := t.text(key, true)
	if !ok {
		return ""
	}
	if !identifier.MatchString(s) {
		t.bad(key, Say("%s: %q cannot be a name", "%s : %q ne peut pas être un nom", t.label(key), s),
			Say("lower-case letters without accents, digits and hyphens, at most 32", "des minuscules sans accent, des chiffres et des tirets, 32 au plus"), Message{})
		return ""
	}
	return s
}
