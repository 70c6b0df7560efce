package firewall

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"parvis/firewall/ipset"
)

// Status is what an operator may want to know of the enforcement.
type Status struct {
	Backend Backend
	Leaf    string   // queue within a class: CapFqCodel, or CapFifo where the kernel has none
	Laid    bool     // the last Sync got through
	Open    int      // slots that pass
	Missing []string // interfaces that are not there
	// Displaced is the queue that HTB took the place of, by interface.
	Displaced map[string]string
	Repairs   []Repair // the last ones, newest last
}

// Status never waits for the kernel's sets.
func (f *Firewall) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := Status{Backend: f.backend, Laid: f.synced, Displaced: map[string]string{}, Leaf: f.leaf, Repairs: slices.Clone(f.repairs)}
	for _, r := range f.slots {
		if r.open {
			s.Open++
		}
	}
	for _, d := range []string{f.cfg.Guest, f.cfg.WAN} {
		if _, err := net.InterfaceByName(d); err != nil {
			s.Missing = append(s.Missing, d)
		}
	}
	for k, v := range f.notes {
		s.Displaced[k] = v
	}
	return s
}

// Remove takes everything back: rules, sets, classes, policy, switches. The kernel is then what it was without us, whoever laid
// it; guests pass or not as the rest of the router decides.
func (f *Firewall) Remove() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.laid, f.synced = false, false
	errs := []error{f.removeOther()}
	for _, x := range f.tables {
		errs = append(errs, x.remove())
	}
	for _, name := range []string{setUp4, setDn4, setUp6, setDn6, setFavour4, setFavour6, setStaff4, setNames4, setGarden4, setEnded4} {
		if err := f.sets.Destroy(name); !errors.Is(err, ipset.ErrNoSet) {
			errs = append(errs, err)
		}
	}
	for _, s := range []side{f.sides.guest, f.sides.wan} {
		link, err := f.rt.LinkByName(s.device)
		if err != nil {
			continue // its classes went with it
		}
		s.index = link.Attrs().Index
		errs = append(errs, f.liftRoot(s))
	}
	errs = append(errs, f.liftNeighbours(), f.liftSwitches())
	clear(f.slots)
	clear(f.byIP)
	clear(f.byMAC)
	clear(f.staff)
	clear(f.named)
	f.finals = nil
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("firewall: remove: %w", err)
	}
	return nil
}
