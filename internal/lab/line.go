package lab

import (
	"errors"
	"fmt"
	"net/netip"

	nl "github.com/vishvananda/netlink"
)

// RemoveLine takes the router's line interface away altogether, as pulling a USB modem does; with again it is put back
// under the same name, with its addresses and routes.
func (t *Town) RemoveLine(again bool) error {
	if !again {
		err := t.Router.Do(func() error {
			link, err := nl.LinkByName(t.ports.WAN)
			if err != nil {
				return err
			}
			return nl.LinkDel(link)
		})
		if err != nil {
			return fmt.Errorf("lab: remove the line: %w", err)
		}
		return nil
	}
	if err := veth(t.Router, t.ports.WAN, nil, t.Internet, "eth0"); err != nil {
		return err
	}
	return errors.Join(
		t.Router.addAddress(t.ports.WAN, wanV4, wanV6),
		t.Router.addRoute(netip.MustParsePrefix("0.0.0.0/0"), gatewayV4.Addr()),
		t.Router.addRoute(netip.MustParsePrefix("::/0"), gatewayV6.Addr()),
		t.Internet.addAddress("eth0", gatewayV4, gatewayV6),
		t.Internet.addRoute(guestV6.Masked(), wanV6.Addr()),
	)
}
