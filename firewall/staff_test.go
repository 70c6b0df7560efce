package firewall_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"parvis/firewall"
	"parvis/internal/lab"
	"parvis/internal/mac"
)

// staffTown is a town with a console on 8444 and a portal, and nobody let in yet.
func staffTown(t *testing.T, tw *town) {
	t.Helper()
	tw.cfg.StaffPort = 8444
	tw.fw = tw.open(t, tw.cfg)
	tw.serve(t, nil, "10.77.0.1:8443", "portal-tls")
	tw.serve(t, nil, "10.77.0.1:8444", "console")
	must(t, tw.fw.Sync(nil))
}

// answers checks who answers a machine on port 443 of the router.
func answers(t *testing.T, ns *lab.NS, want string) {
	t.Helper()
	if c := open(t, ns, "10.77.0.1:443"); !strings.HasPrefix(c.greeting, want+" ") {
		t.Errorf("443 is answered by %q, want %q", c.greeting, want)
	}
}

func TestOnlyStaffDevicesReachTheConsole(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		staffTown(t, tw)
		answers(t, tw.guest, "portal-tls")
		refused(t, tw.guest, "10.77.0.1:8444")
		must(t, tw.fw.StaffPut(guestMAC, guestIP, time.Hour))
		answers(t, tw.guest, "console")
		open(t, tw.guest, "10.77.0.1:8444")
		answers(t, tw.thief, "portal-tls")
		refused(t, tw.thief, "10.77.0.1:8444")
		refused(t, tw.guest, public+":443") // it opens the console and nothing else
	})
}

func TestABorrowedAddressOrMACDoesNotReachTheConsole(t *testing.T) {
	for name, borrow := range map[string]func(*testing.T, *town){
		"the address": func(t *testing.T, tw *town) {
			must(t, tw.thief.Run(exec.Command("ip", "addr", "flush", "dev", "eth0")))
			address(t, tw.thief, "eth0", guestIP.String()+"/16")
			must(t, run("ip", "neigh", "replace", guestIP.String(), "lladdr", thiefMAC.String(), "dev", "br-g"))
		},
		"the MAC": func(t *testing.T, tw *town) {
			must(t, tw.thief.Run(exec.Command("ip", "link", "set", "eth0", "address", guestMAC.String())))
			must(t, run("ip", "neigh", "replace", thiefIP.String(), "lladdr", guestMAC.String(), "dev", "br-g"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachBackend(t, func(t *testing.T, tw *town) {
				staffTown(t, tw)
				must(t, tw.fw.StaffPut(guestMAC, guestIP, time.Hour))
				must(t, tw.guest.Run(exec.Command("ip", "link", "set", "eth0", "down")))
				borrow(t, tw)
				answers(t, tw.thief, "portal-tls")
				refused(t, tw.thief, "10.77.0.1:8444")
			})
		})
	}
}

func TestAStaffDeviceThatIsPutOutIsCutOffAtOnce(t *testing.T) {
	for name, m := range map[string]mac.Addr{"it alone": guestMAC, "all of them": {}} {
		t.Run(name, func(t *testing.T) {
			eachBackend(t, func(t *testing.T, tw *town) {
				staffTown(t, tw)
				must(t, tw.fw.StaffPut(guestMAC, guestIP, time.Hour))
				c := open(t, tw.guest, "10.77.0.1:443")
				must(t, c.echo(100))
				must(t, tw.fw.StaffDrop(m))
				if c.echo(100) == nil {
					t.Error("its connection goes on")
				}
				answers(t, tw.guest, "portal-tls")
			})
		})
	}
}

func TestAStaffDeviceWithANewAddressLosesTheOldOne(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	staffTown(t, tw)
	must(t, tw.fw.StaffPut(guestMAC, guestIP, time.Hour))
	must(t, tw.fw.StaffPut(guestMAC, thiefIP, time.Hour))
	if list := output(t, "ipset", "list", "parvis-staff4"); strings.Contains(list, guestIP.String()+",") || !strings.Contains(list, thiefIP.String()+",") {
		t.Error(list)
	}
}

func TestStaffDevicesStayInAcrossARepairAndARestart(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		staffTown(t, tw)
		must(t, tw.fw.StaffPut(guestMAC, guestIP, time.Hour))

		must(t, run("ipset", "flush", "parvis-staff4"))
		answers(t, tw.guest, "portal-tls")
		if e, ok := tw.fw.Glance(); !ok || e.Kind != firewall.Touched {
			t.Fatalf("an emptied set is not noticed: %+v", e)
		}
		must(t, run("ipset", "add", "parvis-staff4", thiefIP.String()+","+thiefMAC.String(), "timeout", "3000"))
		must(t, tw.fw.Sync(nil))
		answers(t, tw.guest, "console")
		answers(t, tw.thief, "portal-tls") // nobody but us lets in

		must(t, tw.fw.Close())
		tw.fw = tw.open(t, tw.cfg)
		must(t, tw.fw.Sync(nil))
		answers(t, tw.guest, "console")

		must(t, tw.fw.Close())
		tw.cfg.StaffPort = 0
		tw.fw = tw.open(t, tw.cfg)
		must(t, tw.fw.Sync(nil))
		answers(t, tw.guest, "portal-tls") // a place without a console
		refused(t, tw.guest, "10.77.0.1:8444")
	})
}

func TestTheKernelAloneEndsAStaffDevicesAdmission(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	staffTown(t, tw)
	must(t, tw.fw.StaffPut(guestMAC, guestIP, time.Second))
	must(t, tw.fw.Close()) // the daemon is dead
	until(t, "the entry ends", func() bool {
		return !strings.Contains(output(t, "ipset", "list", "parvis-staff4"), guestIP.String()+",")
	})
	answers(t, tw.guest, "portal-tls")
}

func TestStaffOnTheirOwnNetworkReachTheConsole(t *testing.T) {
	eachBackend(t, func(t *testing.T, tw *town) {
		office, err := lab.NewNS(tw.guest.Name + "office")
		must(t, err)
		t.Cleanup(func() { office.Close() })
		wire(t, "g2", "", office, mac.Addr{2, 0, 0, 0, 0, 8})
		address(t, nil, "g2", "192.168.1.1/24")
		address(t, office, "eth0", "192.168.1.20/24")
		tw.cfg.Staff, tw.cfg.StaffAddress = "g2", addrs("192.168.1.1")[0]
		staffTown(t, tw)
		tw.serve(t, nil, "192.168.1.1:8444", "console")
		if c := open(t, office, "192.168.1.1:443"); !strings.HasPrefix(c.greeting, "console ") {
			t.Errorf("answered by %q", c.greeting)
		}
		answers(t, tw.guest, "portal-tls")
		refused(t, tw.guest, "192.168.1.1:8444")
	})
}

func TestStaffPutRefusesWhatIsNoDeviceOfTheGuestNetwork(t *testing.T) {
	tw := newTown(t, firewall.NFT)
	if err := tw.fw.StaffPut(guestMAC, guestIP, time.Hour); !errors.Is(err, firewall.ErrNotLaid) {
		t.Errorf("before anything is laid: %v", err)
	}
	staffTown(t, tw)
	for name, err := range map[string]error{
		"no MAC":      tw.fw.StaffPut(mac.Addr{}, guestIP, time.Hour),
		"a group":     tw.fw.StaffPut(mac.Addr{1}, guestIP, time.Hour),
		"our address": tw.fw.StaffPut(guestMAC, router.Addr(), time.Hour),
		"another's":   tw.fw.StaffPut(guestMAC, addrs(public)[0], time.Hour),
		"for no time": tw.fw.StaffPut(guestMAC, guestIP, 0),
	} {
		if !errors.Is(err, firewall.ErrGrant) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
