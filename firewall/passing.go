package firewall

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"parvis/firewall/ipset"
	"parvis/internal/mac"
)

// Passing is a device that the kernel lets pass at the moment, whoever has admitted it.
type Passing struct {
	MAC  mac.Addr
	IPv4 netip.Addr
	Slot uint16
	Left time.Duration // until the kernel closes by itself, rounded down to seconds
}

// ReadPassing reads which devices pass, with no daemon running. It changes nothing; where nothing of Parvis is in the kernel nobody does.
func ReadPassing() (all []Passing, err error) {
	conn, err := ipset.Dial()
	if err != nil {
		return nil, fmt.Errorf("firewall: read who passes: %w", err)
	}
	defer conn.Close()
	list, err := conn.List(setUp4)
	if errors.Is(err, ipset.ErrNoSet) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("firewall: read who passes: %w", err)
	}
	for _, e := range list {
		if slot := slotOf(e); slot != 0 {
			all = append(all, Passing{MAC: e.MAC, IPv4: e.IP, Slot: slot, Left: time.Duration(e.Timeout) * time.Second})
		}
	}
	return all, nil
}
