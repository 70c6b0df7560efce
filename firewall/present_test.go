package firewall_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"parvis/firewall"
)

func TestWhoHasALeaseAndSpeaksIsPresent(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	tw.serve(t, nil, "10.77.0.1:8080", "portal")
	expect := func(what string, within time.Duration, want ...netip.Addr) {
		t.Helper()
		got, err := tw.fw.Present(within)
		must(t, err)
		var there []netip.Addr
		for _, d := range got {
			there = append(there, d.IPv4)
		}
		if !slices.Equal(there, want) {
			t.Errorf("%s: %v, expected %v", what, there, want)
		}
	}
	must(t, os.WriteFile(tw.cfg.Leases, []byte("1 "+guestMAC.String()+" 10.77.0.20 * *\n1 "+thiefMAC.String()+" 10.77.0.99 * *\n"), 0o644))
	expect("nobody has spoken", time.Hour)
	open(t, tw.guest, "10.77.0.1:8080")
	open(t, tw.thief, "10.77.0.1:8080")
	c, err := net.Dial("udp4", "10.77.0.99:9") // looked for, and nobody answers
	must(t, err)
	defer c.Close()
	_, err = c.Write([]byte{0})
	must(t, err)
	expect("two have spoken, one at the address that it was leased", time.Hour, guestIP)
	expect("nobody has spoken in the future", -time.Second)
	must(t, run("ip", "link", "del", "br-g"))
	if _, err := tw.fw.Present(time.Hour); !errors.Is(err, firewall.ErrNoInterface) {
		t.Errorf("without the guests' interface: %v", err)
	}
}
