package neighbour

import (
	"net/netip"

	"parvis/internal/clock"
)

// contend notes evidence that the device's identity is contested. Two ports outweigh an address: that contest is told instead.
func (c *core) contend(now clock.Boot, d *device, kind string, ip netip.Addr, ports [2]int) {
	if _, ok := c.address(d.mac); !ok {
		return // it has no address of ours, so that nothing could be taken from it
	}
	x := d.contest
	if x != nil && x.kind != kind && x.kind == TwoPorts {
		x.evidence = now
		return
	}
	fresh := x == nil || x.kind != kind
	if fresh {
		x = &contest{kind: kind, verify: now.Add(verifyEvery)}
		d.contest = x
		c.busy[d.mac] = d
	}
	x.ip, x.ports, x.evidence = ip, ports, now
	if fresh || now.Sub(x.told) >= tellEvery {
		x.told = now
		c.tell(Change{Kind: Contested, MAC: d.mac, IP: ip, Contest: kind})
	}
}

func (c *core) settle(d *device) {
	d.contest = nil
	d.both = 0
	clear(d.speech)
	c.tell(Change{Kind: Settled, MAC: d.mac})
}

func (x *contest) due() clock.Boot { return min(x.verify, x.evidence.Add(settleAfter)) }

// contestDue looks whether it is still so: what is quiet is not yet gone.
func (c *core) contestDue(now clock.Boot, d *device) {
	x := d.contest
	if now.Sub(x.evidence) >= settleAfter {
		c.settle(d)
		return
	}
	x.verify = now.Add(verifyEvery)
	switch {
	case x.kind == TwoPorts:
		c.begin(now, d, x.ports)
	case x.ip.Is4():
		if d.doubt == nil {
			c.doubt(now, d, x.ip, now)
		}
	default:
		// Another's address is asked for at the one who was refused: if it still answers, it still has it.
		c.probes = append(c.probes, probe{to: d.mac, ip: x.ip})
	}
}
