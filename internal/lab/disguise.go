package lab

import (
	"context"
	"fmt"
	"net"

	nl "github.com/vishvananda/netlink"
)

// Disguise gives the device another hardware address and a lease for it, as phones do between two visits: to everybody it is
// another device, in the same place.
func (g *Guest) Disguise(ctx context.Context, to net.HardwareAddr) (Lease, error) {
	err := g.NS.Do(func() error {
		link, err := nl.LinkByName("eth0")
		if err != nil {
			return err
		}
		if err := nl.LinkSetDown(link); err != nil {
			return err
		}
		if err := nl.LinkSetHardwareAddr(link, to); err != nil {
			return err
		}
		return nl.LinkSetUp(link)
	})
	if err != nil {
		return Lease{}, fmt.Errorf("lab: guest %s: take another address: %w", g.Name, err)
	}
	g.MAC = to
	return g.DHCP(ctx)
}
