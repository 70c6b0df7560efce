package lab

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// OtherPorts are those of a box of another model.
var OtherPorts = Ports{
	WAN: "eth0", Guests: "lan1", Posts: "lan2",
	MAC: net.HardwareAddr{0x02, 0x78, 0, 0, 0, 1}, PostMAC: net.HardwareAddr{0x02, 0x78, 0, 0, 0, 2},
}

// OtherBox puts a bare box of another model in the router's place: its ports have other names and other MACs, and it has nothing of the old one's
// disk. The cables are those that were there, and nobody at their other ends is told; but it takes minutes to change a box by hand, after which nobody
// remembers the old one's MAC. Its disk stays where it was. The Parvis that is returned is installed and has no configuration.
func (t *Town) OtherBox(binary string, ports Ports) (*Parvis, error) {
	if err := t.exchange(ports); err != nil {
		return nil, err
	}
	t.mu.Lock()
	machines := []*NS{t.Internet}
	for _, g := range t.guests {
		machines = append(machines, g.NS)
	}
	t.mu.Unlock()
	for _, m := range machines {
		if err := m.forgetNeighbours(); err != nil {
			return nil, err
		}
	}
	dir := filepath.Join(t.Dir, fmt.Sprintf("box%d", t.cuts))
	p := &Parvis{
		Binary: binary, town: t,
		Config: filepath.Join(dir, "etc", "parvis.toml"),
		State:  filepath.Join(dir, "var"),
		Socket: filepath.Join(runDir, "parvis.sock"),
	}
	if err := os.MkdirAll(filepath.Dir(p.Config), 0o755); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	return p, nil
}

// rename gives an interface another name; it is up again afterwards.
func (ns *NS) rename(from, to string) error {
	if from == to {
		return nil
	}
	err := ns.Do(func() error {
		link, err := nl.LinkByName(from)
		if err != nil {
			return err
		}
		if err := nl.LinkSetDown(link); err != nil {
			return err
		}
		if err := nl.LinkSetName(link, to); err != nil {
			return err
		}
		return setUp(to)
	})
	if err != nil {
		return fmt.Errorf("lab: %s: rename %s to %s: %w", ns.Name, from, to, err)
	}
	return nil
}

// forgetNeighbours empties a machine's ARP and NDP caches.
func (ns *NS) forgetNeighbours() error {
	err := ns.Do(func() error {
		all, err := nl.NeighList(0, 0)
		if err != nil {
			return err
		}
		for _, n := range all {
			if n.State&(nl.NUD_NOARP|nl.NUD_PERMANENT) == 0 {
				if err := nl.NeighDel(&n); err != nil && !errors.Is(err, unix.ENOENT) {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("lab: %s: forget neighbours: %w", ns.Name, err)
	}
	return nil
}
