package neighbour

import (
	"net/netip"
	"slices"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// link says which prefixes are on the guest link and which addresses there are ours. What no longer belongs is unbound.
func (c *core) link(prefixes []netip.Prefix, own []netip.Addr) {
	c.prefixes = prefixes
	clear(c.own)
	for _, a := range own {
		c.own[a] = true
	}
	for ip, b := range c.bindings {
		if !c.onLink(ip) {
			c.unbind(b)
		}
	}
}

// onLink reports whether a guest may have the address.
func (c *core) onLink(ip netip.Addr) bool {
	return !c.own[ip] && slices.ContainsFunc(c.prefixes, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// heard6 is a device that speaks for an IPv6 address. asks is true for the question of duplicate address detection, which
// claims nothing yet.
func (c *core) heard6(now clock.Boot, m mac.Addr, ip netip.Addr, asks bool) {
	if !c.onLink(ip) || !mayHave(m, ip) {
		return
	}
	d := c.device(now, m)
	if d == nil {
		return
	}
	b := c.bindings[ip]
	switch {
	case b == nil:
		c.bind(now, d, ip, mac.Addr{})
	case b.dev == d:
		b.heard = now
		if cl := c.claims[ip]; cl != nil && !cl.refused {
			c.refuse(now, ip, cl)
		}
	case b.first == m:
		c.unbind(b)
		c.bind(now, d, ip, mac.Addr{})
	default:
		c.claim(now, d, b, !asks)
	}
}

// mayHave keeps an address that is made of a MAC (modified EUI-64, RFC 4291 appendix A) for that MAC: it can be
// guessed before its owner comes.
func mayHave(m mac.Addr, ip netip.Addr) bool {
	a := ip.As16()
	return a[11] != 0xff || a[12] != 0xfe || mac.Addr{a[8] ^ 2, a[9], a[10], a[13], a[14], a[15]} == m
}

func (c *core) bind(now clock.Boot, d *device, ip netip.Addr, first mac.Addr) {
	if more := int(now.Sub(d.given) / newAddresses); more > 0 {
		d.quota, d.given = min(d.quota+more, addressesPerMAC), now
	}
	if d.quota == 0 {
		return
	}
	d.quota--
	if len(d.addrs) >= addressesPerMAC {
		c.unbind(slices.MinFunc(d.addrs, func(a, b *binding) int { return int(a.heard - b.heard) }))
	}
	for len(c.bindings) >= c.limit {
		oldest := c.order.Front()
		for len(oldest.Value.(*device).addrs) == 0 {
			oldest = oldest.Next()
		}
		c.unbind(oldest.Value.(*device).addrs[0])
	}
	b := &binding{ip: ip, dev: d, heard: now, first: first}
	c.bindings[ip] = b
	d.addrs = append(d.addrs, b)
	c.touched[d.mac] = true
	c.tell(Change{Kind: Bound, MAC: d.mac, IP: ip})
}

func (c *core) unbind(b *binding) {
	b.dev.addrs = slices.DeleteFunc(b.dev.addrs, func(o *binding) bool { return o == b })
	delete(c.bindings, b.ip)
	delete(c.claims, b.ip)
	c.touched[b.dev.mac] = true
	c.tell(Change{Kind: Unbound, MAC: b.dev.mac, IP: b.ip})
}

// claim asks the holder, once at a time.
func (c *core) claim(now clock.Boot, d *device, b *binding, firm bool) {
	if cl := c.claims[b.ip]; cl != nil {
		if firm && cl.by == d.mac {
			cl.firm = true
			if cl.refused {
				c.contend(now, d, OtherAddress, b.ip, [2]int{})
			}
		}
		return
	}
	mine := 0
	for _, cl := range c.claims {
		if cl.by == d.mac {
			mine++
		}
	}
	if len(c.claims) >= maxDoubts || mine >= claimsPerMAC {
		return
	}
	cl := &claim{by: d.mac, firm: firm, until: now.Add(answerTime), next: now.Add(answerEvery)}
	c.claims[b.ip] = cl
	c.probes = append(c.probes, probe{to: b.dev.mac, ip: b.ip})
}

func (c *claim) due() clock.Boot {
	if c.refused {
		return c.until
	}
	return min(c.until, c.next)
}

// refuse: the holder is there. For a while the claimant is not given another chance.
func (c *core) refuse(now clock.Boot, ip netip.Addr, cl *claim) {
	cl.refused, cl.until = true, now.Add(coolDown)
	if d := c.devices[cl.by]; d != nil && cl.firm {
		c.contend(now, d, OtherAddress, ip, [2]int{})
	}
}

func (c *core) claimDue(now clock.Boot, ip netip.Addr, cl *claim) {
	b := c.bindings[ip]
	switch {
	case cl.refused:
		delete(c.claims, ip)
	case now < cl.until:
		cl.next = now.Add(answerEvery)
		c.probes = append(c.probes, probe{to: b.dev.mac, ip: ip})
	default: // silent: the address moves
		first := b.dev.mac
		c.unbind(b)
		if d := c.devices[cl.by]; d != nil {
			c.bind(now, d, ip, first)
		}
	}
}

// heard4 is a device that speaks for an IPv4 address.
func (c *core) heard4(now clock.Boot, m mac.Addr, ip netip.Addr) {
	// Elsewhere's addresses are no claim here: a device that comes from another network may try the old one (RFC 4436).
	if !c.network.Contains(ip) || ip == c.network.Masked().Addr() {
		return
	}
	d := c.device(now, m)
	if d == nil {
		return
	}
	if q := d.doubt; q != nil {
		if q.ip == ip && q.asked > 0 {
			c.confirm(now, d)
		}
		return
	}
	if ip == d.trusted && now < d.trustedUntil {
		return
	}
	if now < d.cool {
		return
	}
	if c.owns(d, ip) {
		d.trusted, d.trustedUntil = ip, now.Add(trust)
		return
	}
	if _, ok := c.address(m); !ok {
		return // it has no address of ours, so that nothing could be taken from it
	}
	c.doubt(now, d, ip, now.Add(askAfter))
}

func (c *core) owns(d *device, ip netip.Addr) bool {
	if ip == c.network.Addr() {
		return false
	}
	m, ok := c.owner(ip)
	return ok && m == d.mac
}

func (c *core) doubt(now clock.Boot, d *device, ip netip.Addr, at clock.Boot) {
	if c.doubts >= maxDoubts {
		return
	}
	c.doubts++
	d.doubt = &doubt{ip: ip, next: at}
	d.cool = now.Add(coolDown)
	c.busy[d.mac] = d
}

// confirm: asked, it spoke for the address again.
func (c *core) confirm(now clock.Boot, d *device) {
	ip := d.doubt.ip
	c.endDoubt(d)
	if !c.owns(d, ip) {
		c.contend(now, d, OtherAddress, ip, [2]int{})
	}
	c.rest(d)
}

func (c *core) doubtDue(now clock.Boot, d *device) {
	q := d.doubt
	if c.owns(d, q.ip) || q.asked == 3 {
		c.endDoubt(d)
		return
	}
	q.asked++
	q.next = now.Add(answerEvery)
	c.probes = append(c.probes, probe{to: d.mac, ip: q.ip})
}
