package neighbour

import (
	"net/netip"

	"parvis/internal/clock"
	"parvis/internal/mac"
)

// at is the bridge that has learnt the MAC behind a port; port 0: it has forgotten it.
func (c *core) at(now clock.Boot, m mac.Addr, port int) {
	if port == 0 {
		if d := c.devices[m]; d != nil {
			d.port = 0
			c.touched[m] = true
		}
		return
	}
	d := c.device(now, m)
	if d == nil || d.port == port {
		return
	}
	old := d.port
	d.port = port
	c.touched[m] = true
	if old == 0 {
		return
	}
	switch {
	case d.contest != nil && d.contest.kind == TwoPorts:
		// That it goes on is looked at regularly; a clone must not make us probe at its own pace.
	case d.try != nil:
		d.moved = true
	default:
		c.begin(now, d, [2]int{port, old})
	}
}

// begin probes two ports at once. It needs an address to ask for: a device without a lease is nobody's clone.
func (c *core) begin(now clock.Boot, d *device, ports [2]int) {
	if d.try != nil || c.tries >= maxTries {
		return
	}
	ip, ok := c.address(d.mac)
	if !ok {
		return
	}
	c.tries++
	d.try = &try{ports: ports, until: now.Add(tryWindow)}
	d.moved = false
	c.busy[d.mac] = d
	for _, p := range ports {
		c.probes = append(c.probes, probe{port: p, to: d.mac, ip: ip})
	}
}

// answer is an ARP answer of the device that came in by a port while it was probed.
func (c *core) answer(now clock.Boot, m mac.Addr, port int) {
	d := c.devices[m]
	if d == nil || d.try == nil {
		return
	}
	for i, p := range d.try.ports {
		if p == port {
			d.try.answered[i] = true
		}
	}
}

// waiting reports whether somebody's answer is waited for behind the port.
func (c *core) waiting(port int) bool {
	for _, d := range c.busy {
		if d.try != nil && (d.try.ports[0] == port || d.try.ports[1] == port) {
			return true
		}
	}
	return false
}

func (c *core) tryDue(now clock.Boot, d *device) {
	t := d.try
	c.endTry(d)
	again := d.moved
	switch here, there := t.answered[0], t.answered[1]; {
	case here && there:
		if now.Sub(d.bothAt) > tryMemory {
			d.both = 0
		}
		d.both, d.bothAt = d.both+1, now
		if d.both >= clones || d.contest != nil {
			c.contend(now, d, TwoPorts, netip.Addr{}, t.ports)
			return
		}
		again = true
	case here: // it roams
		delete(d.speech, t.ports[0])
		d.both = 0
	case there: // spoken from here, and here nobody answers
		s := d.speech[t.ports[0]]
		if s == nil || now.Sub(s.at) > tryMemory {
			s = &speech{}
		}
		d.speech[t.ports[0]] = s
		s.n, s.at = s.n+1, now
		if s.n >= speeches {
			c.contend(now, d, TwoPorts, netip.Addr{}, t.ports)
			return
		}
	}
	if again {
		if d.port != 0 && d.port != t.ports[0] {
			c.begin(now, d, [2]int{d.port, t.ports[0]})
		} else {
			c.begin(now, d, t.ports)
		}
	}
}
