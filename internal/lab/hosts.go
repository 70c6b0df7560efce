package lab

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Host is one name of the lab's internet.
type Host struct {
	Name string
	V4   netip.Addr // zero: the name has no A record
	V6   netip.Addr // zero: the name has no AAAA record
	// pages answers its HTTP and HTTPS requests; nil for a name that is only asked for.
	pages http.Handler
}

// The lab's internet. The networks are those set aside for documentation (RFC 5737, RFC 3849), so that nothing of it can be
// taken for a real place.
var (
	hostsV4 = netip.MustParsePrefix("198.51.100.0/24")
	hostsV6 = netip.MustParsePrefix("2001:db8:100::/64")

	upstreamDNS = netip.MustParseAddr("198.51.100.53")
	echoAddr    = netip.MustParseAddr("198.51.100.7")
	centreAddr  = netip.MustParseAddr("198.51.100.8")
	echoAddr6   = netip.MustParseAddr("2001:db8:100::7")
)

// InnerHosts are addresses behind the line that no guest may reach: the town's own networks (RFC 1918), shared address space (RFC 6598),
// unique local IPv6 (RFC 4193). Each answers HTTP on port 80.
var InnerHosts = []netip.Addr{
	netip.MustParseAddr("10.0.0.10"),
	netip.MustParseAddr("172.16.0.10"),
	netip.MustParseAddr("192.168.1.10"),
	netip.MustParseAddr("100.64.0.10"),
	netip.MustParseAddr("fd00:10::10"),
}

// InnerPage is what they answer.
const InnerPage = "réseau intérieur de la commune"

// Public services of the lab; their names cannot be mistaken for real ones.
const (
	ServicePublic = "www.service-public.lab.test"
	CAF           = "www.caf.lab.test"
	Impots        = "www.impots.lab.test"
	// Trials has the endless download /flux, /vu (which says what address and port it saw), and on port 7 TCP and UDP
	// that send back what they are sent.
	Trials = "essais.lab.test"
	// Centre is the name of the town's hub. A program has to be started there.
	Centre = "centre.lab.test"
)

// CentreAddress is where Centre leads.
func CentreAddress() netip.Addr { return centreAddr }

// Echo returns the address and port of the TCP and UDP echo, on both families.
func Echo() (v4, v6 netip.AddrPort) {
	return netip.AddrPortFrom(echoAddr, 7), netip.AddrPortFrom(echoAddr6, 7)
}

// hosts lists the lab's internet: the names that operating systems probe, then the services. Addresses are unique to a name.
func hosts(d *demarche) ([]Host, error) {
	names := append(probeHosts(), []Host{
		{Name: ServicePublic, pages: servicePage("Le service public", "Vos papiers, vos droits, vos démarches.")},
		{Name: CAF, pages: servicePage("Les allocations familiales", `Votre dossier, vos paiements. <a href="https://`+Account+`/">Mon compte</a>`)},
		{Name: Impots, pages: servicePage("Les impôts", "Déclarer, payer, demander.")},
		{Name: Centre, V4: centreAddr},
		{Name: Trials, V4: echoAddr, V6: echoAddr6, pages: trials()},
	}...)
	names = append(names, d.hosts()...)
	names = append(names, traps()...)
	v4, v6 := hostsV4.Addr(), hostsV6.Addr()
	for range 99 { // named hosts start at .100, clear of the resolver's and the echo's
		v4, v6 = v4.Next(), v6.Next()
	}
	for i := range names {
		v4, v6 = v4.Next(), v6.Next()
		h := &names[i]
		switch {
		case h.V4.IsValid() || h.pages == nil: // it has its own
		case strings.HasPrefix(h.Name, "ipv6."):
			h.V6 = v6
		default:
			h.V4 = v4
		}
		if h.V4.IsValid() && h.pages != nil && !hostsV4.Contains(h.V4) {
			return nil, fmt.Errorf("lab: %s: no address left in %s", h.Name, hostsV4)
		}
	}
	return names, nil
}
