package lab

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// PowerCut takes the router's power away and gives it back: its programs are killed where they stand, its kernel starts again
// with nothing of what it knew (rules, sets, classes, connections, neighbours, switches) and under another boot id, what it had
// under /run is gone, and its disk is as it was. The cables stay where they are, and nobody at their other ends is told:
// devices keep their addresses, as phones do that stay on their access point.
//
// CLOCK_BOOTTIME goes on: nothing may compare times of two boots, and who does is found out by the boot id.
func (t *Town) PowerCut() error { return t.exchange(t.ports) }

// exchange puts another machine in the router's place, with every cable that it had.
func (t *Town) exchange(to Ports) error {
	t.mu.Lock()
	programs := t.programs
	t.programs = nil
	was := t.ports
	ports, bridges := []string{was.WAN}, map[string]string{}
	for _, g := range t.guests {
		if g.bridge == was.Posts {
			g.bridge = to.Posts
		} else {
			g.bridge = to.Guests
		}
		ports = append(ports, g.Port)
		bridges[g.Port] = g.bridge
	}
	t.ports = to
	t.cuts++
	name := fmt.Sprintf("router%d", t.cuts+1)
	t.mu.Unlock()
	for _, p := range programs {
		if err := p.Kill(); err != nil {
			return err
		}
	}
	if err := t.newBootID(); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(runDir), os.MkdirAll(runDir, 0o755)); err != nil {
		return fmt.Errorf("lab: power cut: %w", err)
	}
	old := t.Router
	next, err := NewNS(name)
	if err != nil {
		return err
	}
	next.Resolv, t.Router = old.Resolv, next
	err = t.startRouter(func() error {
		for _, port := range ports {
			if err := old.hand(port, next); err != nil {
				return err
			}
		}
		return next.rename(was.WAN, to.WAN)
	})
	for _, port := range ports[1:] {
		err = errors.Join(err, t.Router.plug(port, bridges[port]))
	}
	return errors.Join(err, old.Close())
}

// newBootID makes every program that is started from now on read another boot id (random(4)).
func (t *Town) newBootID() error {
	var id [16]byte
	rand.Read(id[:]) // does not fail
	h := hex.EncodeToString(id[:])
	file := filepath.Join(t.Dir, "boot_id")
	text := fmt.Sprintf("%s-%s-%s-%s-%s\n", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
	if err := os.WriteFile(file, []byte(text), 0o444); err != nil {
		return fmt.Errorf("lab: write boot id: %w", err)
	}
	const bootID = "/proc/sys/kernel/random/boot_id"
	if err := unix.Unmount(bootID, 0); err != nil && !errors.Is(err, unix.EINVAL) { // of an earlier cut
		return fmt.Errorf("lab: unmount boot id: %w", err)
	}
	if err := unix.Mount(file, bootID, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("lab: mount boot id: %w", err)
	}
	return nil
}

// hand gives an interface, with its cable, to another machine, and sets it up there.
func (ns *NS) hand(port string, to *NS) error {
	err := ns.Do(func() error {
		link, err := nl.LinkByName(port)
		if err != nil {
			return err
		}
		return nl.LinkSetNsFd(link, int(to.handle))
	})
	if err == nil {
		err = to.Do(func() error { return setUp(port) })
	}
	if err != nil {
		return fmt.Errorf("lab: hand %s from %s to %s: %w", port, ns.Name, to.Name, err)
	}
	return nil
}
