package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/mdlayher/ndp"
	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// slaac makes the kernel of the device do what phones do: privacy addresses (RFC 8981), duplicate address detection. The
// interface goes down and up so that it asks for a router once it is plugged in.
func (g *Guest) slaac() error {
	g.V6 = netip.Addr{}
	for name, v := range map[string]string{"use_tempaddr": "2", "accept_dad": "1", "router_solicitation_interval": "1", "router_solicitation_delay": "0"} {
		if err := g.NS.sysctl("net/ipv6/conf/eth0/"+name, v); err != nil {
			return err
		}
	}
	return errors.Join(g.NS.setLink("eth0", false, nil), g.NS.setLink("eth0", true, nil))
}

// Addresses6 are the device's IPv6 addresses beyond the link that are ready for use.
func (g *Guest) Addresses6() ([]netip.Addr, error) {
	var out []netip.Addr
	err := g.NS.Do(func() error {
		link, err := nl.LinkByName("eth0")
		if err != nil {
			return err
		}
		list, err := nl.AddrList(link, nl.FAMILY_V6)
		for _, a := range list {
			ip, _ := netip.AddrFromSlice(a.IP)
			if ip.IsGlobalUnicast() && a.Flags&(unix.IFA_F_TENTATIVE|unix.IFA_F_DADFAILED|unix.IFA_F_DEPRECATED) == 0 {
				out = append(out, ip)
			}
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("lab: guest %s: list addresses: %w", g.Name, err)
	}
	return out, nil
}

// WaitAddresses6 waits until the device has at least n of them.
func (g *Guest) WaitAddresses6(ctx context.Context, n int) ([]netip.Addr, error) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		list, err := g.Addresses6()
		if err != nil || len(list) >= n {
			return list, err
		}
		select {
		case <-ctx.Done():
			return list, fmt.Errorf("lab: guest %s: %d IPv6 addresses of %d: %w", g.Name, len(list), n, ctx.Err())
		case <-tick.C:
		}
	}
}

// Dial6 connects from one of the device's addresses.
func (g *Guest) Dial6(ctx context.Context, from netip.Addr, network, address string) (conn net.Conn, err error) {
	d := net.Dialer{}
	d.SetMultipathTCP(false)
	if strings.HasPrefix(network, "tcp") {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	} else {
		d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	err = g.NS.Do(func() error {
		conn, err = d.DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Advertisement solicits a router and returns the first advertisement, nil when none comes until ctx ends.
func (g *Guest) Advertisement(ctx context.Context) (*ndp.RouterAdvertisement, error) {
	var conn *ndp.Conn
	err := g.NS.Do(func() error {
		ifi, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		if conn, _, err = ndp.Listen(ifi, ndp.LinkLocal); err != nil {
			return err
		}
		return conn.JoinGroup(netip.MustParseAddr("ff02::1"))
	})
	if err != nil {
		return nil, fmt.Errorf("lab: guest %s: hear advertisements: %w", g.Name, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := conn.WriteTo(&ndp.RouterSolicitation{}, nil, netip.MustParseAddr("ff02::2")); err != nil {
		return nil, fmt.Errorf("lab: guest %s: solicit: %w", g.Name, err)
	}
	for {
		m, _, _, err := conn.ReadFrom()
		if ctx.Err() != nil {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("lab: guest %s: hear advertisements: %w", g.Name, err)
		}
		if ra, is := m.(*ndp.RouterAdvertisement); is {
			return ra, nil
		}
	}
}

// Advertise sends a router advertisement as the device: what a rogue router does.
func (g *Guest) Advertise(prefix netip.Prefix) error {
	err := g.NS.Do(func() error {
		ifi, err := net.InterfaceByName("eth0")
		if err != nil {
			return err
		}
		conn, _, err := ndp.Listen(ifi, ndp.LinkLocal)
		if err != nil {
			return err
		}
		defer conn.Close()
		return conn.WriteTo(&ndp.RouterAdvertisement{RouterLifetime: time.Hour, Options: []ndp.Option{&ndp.PrefixInformation{
			PrefixLength: uint8(prefix.Bits()), OnLink: true, AutonomousAddressConfiguration: true,
			ValidLifetime: time.Hour, PreferredLifetime: time.Hour, Prefix: prefix.Addr(),
		}}}, nil, netip.MustParseAddr("ff02::1"))
	})
	if err != nil {
		return fmt.Errorf("lab: guest %s: advertise: %w", g.Name, err)
	}
	return nil
}

// DHCPv6 asks for information (RFC 8415, 6.1) with the real ISC dhclient and returns the captive portal's URI (option 103) that
// came with it, "" when it was not given.
func (g *Guest) DHCPv6(ctx context.Context) (captive string, err error) {
	base := filepath.Join(g.town.Dir, "guests", g.Name)
	hook, err := g.hook("dhclient6.sh", []byte("#!/bin/sh\n[ \"$reason\" != RENEW6 ] || echo \"informed|$new_dhcp6_captive\"\n"))
	if err != nil {
		return "", err
	}
	conf := "option dhcp6.captive code 103 = text;\nalso request dhcp6.captive;\n"
	if err := os.WriteFile(base+".dhclient6.conf", []byte(conf), 0o644); err != nil {
		return "", fmt.Errorf("lab: %w", err)
	}
	got := make(chan string, 1)
	cmd := exec.Command("dhclient", "-6", "-S", "-d", "-1", "-cf", base+".dhclient6.conf", "-lf", base+".dhclient6.leases",
		"-pf", base+".dhclient6.pid", "-sf", hook, "eth0")
	cmd.Stdout = &lines{each: func(line string) {
		if rest, found := strings.CutPrefix(line, "informed|"); found {
			select {
			case got <- rest:
			default:
			}
		}
	}}
	p, err := g.NS.Spawn(cmd)
	if err != nil {
		return "", err
	}
	select {
	case captive = <-got:
	case <-ctx.Done():
		err = fmt.Errorf("lab: guest %s: no information: %w\n%s", g.Name, ctx.Err(), p.Log())
	}
	return captive, errors.Join(err, p.Kill())
}
