package lab

import (
	"net/netip"

	"golang.org/x/net/dns/dnsmessage"
)

// Rebound is a name whose address changes from one question to the next, and is to be kept for no time at all: first Trials'
// own, then one of the town's inner networks, and so on.
const Rebound = "rebond.lab.test"

// Names of addresses that no public name should have.
const (
	NamesInner  = "interne.lab.test"
	NamesRouter = "routeur.lab.test"
	NamesLoop   = "boucle.lab.test"
	// Resolver answers HTTPS, as a resolver of names over HTTPS does.
	Resolver = "doh.lab.test"
)

var reboundDNS = netip.MustParseAddr("198.51.100.54")

func traps() []Host {
	return []Host{
		{Name: NamesInner, V4: InnerHosts[0]},
		{Name: NamesRouter, V4: postV4.Addr()},
		{Name: NamesLoop, V4: netip.MustParseAddr("127.0.0.1")},
		{Name: Resolver, pages: servicePage("Des noms", "Ici, on demande des adresses.")},
	}
}

// rebind answers the questions for Rebound.
func (n *internet) rebind(ns *NS) error {
	pc, err := ns.ListenPacket(netip.AddrPortFrom(reboundDNS, 53).String())
	if err != nil {
		return err
	}
	n.keep(pc)
	n.wg.Go(func() {
		buf := make([]byte, 4096)
		for {
			size, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:size]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			m.Response, m.Authoritative, m.Additionals = true, true, nil
			if q.Type == dnsmessage.TypeA {
				to := echoAddr
				if n.rebinds.Add(1)%2 == 0 {
					to = InnerHosts[0]
				}
				m.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET}, Body: &dnsmessage.AResource{A: to.As4()},
				}}
			}
			if out, err := m.Pack(); err == nil {
				pc.WriteTo(out, from) // a resolver that has gone is no news
			}
		}
	})
	return nil
}

// Rebounds is how often somebody has asked for Rebound's address.
func (t *Town) Rebounds() int { return int(t.net.rebinds.Load()) }
