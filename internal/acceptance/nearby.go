package acceptance

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"parvis/internal/acceptance/link"
)

// Nearby is a network of the router.
type Nearby struct {
	Interface string
	Own       []netip.Addr
	Listen    time.Duration // for answers; 0: 6 s
}

// Strangers looks for another DHCP server and another router on the network.
func (n Nearby) Strangers(ctx context.Context) []Finding {
	s, err := link.Open(n.Interface)
	if err != nil {
		return []Finding{Fail(Say("%s cannot be listened to: %v", "impossible d'écouter %s : %v", n.Interface, err), Say("run as root", "lancez la commande en root"))}
	}
	defer s.Close()
	if n.Listen == 0 {
		n.Listen = 6 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, n.Listen)
	defer cancel()
	if err := s.Solicit(); err != nil {
		return []Finding{Fail(Say("nothing can be sent on %s: %v", "impossible d'émettre sur %s : %v", n.Interface, err), Say("see its cable and: parvis check", "voyez son câble et : parvis check"))}
	}
	var servers, routers []netip.Addr
	err = s.Listen(ctx, func(f link.Sighting) bool {
		if slices.Contains(n.Own, f.IP) {
			return true
		}
		switch into := map[link.Kind]*[]netip.Addr{link.Offer: &servers, link.Router: &routers}[f.Kind]; {
		case into != nil && !slices.Contains(*into, f.IP) && len(*into) < 5:
			*into = append(*into, f.IP)
		}
		return true
	})
	if err != nil {
		return []Finding{Fail(Say("%s cannot be listened to: %v", "impossible d'écouter %s : %v", n.Interface, err), Sentence{})}
	}
	return n.told(servers, routers)
}

func (n Nearby) told(servers, routers []netip.Addr) (all []Finding) {
	for _, a := range servers {
		all = append(all, Fail(Say("another DHCP server answers on %s: %s", "un autre serveur DHCP répond sur %s : %s", n.Interface, a),
			Say("an access point or a box gives addresses there: switch its DHCP off, or people come to the internet without the page, or not at all",
				"une borne ou une box y donne des adresses : coupez son DHCP, sinon les gens arrivent sur internet sans la page, ou pas du tout")))
	}
	for _, a := range routers {
		all = append(all, Fail(Say("another router announces itself on %s by IPv6: %s", "un autre routeur s'annonce en IPv6 sur %s : %s", n.Interface, a),
			Say("find it by its cable and switch its router advertisements off", "trouvez-le par son câble et coupez ses annonces IPv6")))
	}
	if len(all) == 0 {
		all = append(all, Pass(Say("on %s nobody else gives addresses or announces itself as a router",
			"sur %s, personne d'autre ne donne d'adresses ni ne s'annonce comme routeur", n.Interface)))
	}
	return all
}

// bits writes a rate.
func bits(n uint64) Sentence {
	f := float64(n) / 1e6
	if f >= 100 {
		return Say("%.0f Mbit/s", "%.0f Mbit/s", f)
	}
	return Say("%.1f Mbit/s", "%.1f Mbit/s", f)
}
