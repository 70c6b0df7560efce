package main

import (
	"errors"
	"net/netip"
	"time"

	"parvis/firewall"
	"parvis/internal/clock"
)

// The end of a session takes its permanent neighbour entry away. The kernel asks for the device again when it has something to send
// to it, an acknowledgement at the latest, which it may delay by 200 ms (TCP_DELACK_MAX): who asks for a page on a connection that
// is open already would be nobody until then.
const (
	lookFor   = 300 * time.Millisecond
	lookEvery = 20 * time.Millisecond
)

// device says which device uses an address, as firewall.Identify does. It waits up to 300 ms for a device of the public network that
// the kernel has no neighbour for.
func (d *daemon) device(a netip.Addr) (firewall.Device, error) {
	if !d.cfg.Guests.Address.Masked().Contains(a) {
		return d.firewall.Identify(a)
	}
	return lookAgain(d.clock, a, d.firewall.Identify)
}

func lookAgain(c clock.Clock, a netip.Addr, identify func(netip.Addr) (firewall.Device, error)) (firewall.Device, error) {
	until := c.Boot().Add(lookFor)
	for {
		dev, err := identify(a)
		now := c.Boot()
		if !errors.Is(err, firewall.ErrNoNeighbour) || now >= until {
			return dev, err
		}
		due, stop := c.At(now.Add(lookEvery))
		<-due
		stop()
	}
}
