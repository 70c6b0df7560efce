package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"parvis/internal/control"
	"parvis/internal/lab"
	"parvis/internal/mac"
)

// site is a town whose router runs the Parvis that is measured.
type site struct {
	run    *run
	town   *lab.Town
	parvis *lab.Parvis
	client *control.Client
	daemon *lab.Process
	guests []*lab.Guest
	filled int // others that were given an address
}

// Where the daemon's state is: on the machine's disk, or in the lab's memory where the storage's share is not asked for.
const (
	onDisk   = "disk"
	inMemory = "memory"
)

// raise raises a town and starts its Parvis and its dnsmasq.
func (r *run) raise(ctx context.Context, backend, storage string, conf lab.Site) (s *site, err error) {
	dir, err := os.MkdirTemp(r.dir, "town-")
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	town, err := lab.NewTown(dir, lab.Options{Iptables: backend})
	if err != nil {
		return nil, err
	}
	s = &site{run: r, town: town}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.parvis, err = town.Install(r.Binary, conf); err != nil {
		return nil, err
	}
	if storage == inMemory {
		s.parvis.State = s.memory()
	} else if r.Machine.Storage == "" {
		r.Machine.Storage = fileSystem(s.parvis.State)
	}
	s.client = control.NewClient(s.parvis.Socket)
	if err := os.MkdirAll(s.parvis.State, 0o700); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if _, err := s.parvis.Dnsmasq(ctx); err != nil {
		return nil, err
	}
	if _, err := s.start(ctx); err != nil {
		return nil, err
	}
	status, err := s.client.Status(ctx)
	if err != nil {
		return nil, err
	}
	r.Machine.Leaf = status.LeafQdisc
	if status.Backend != backend {
		return nil, fmt.Errorf("bench: the daemon lays iptables-%s, wanted %s", status.Backend, backend)
	}
	return s, nil
}

func (s *site) close() error { return s.town.Close() }

// startWithin is how long a start may take.
const startWithin = 3 * time.Minute

// start starts the daemon and returns how long it took until everything is in force: its socket answers then.
func (s *site) start(ctx context.Context) (time.Duration, error) {
	cmd, err := s.parvis.Command("serve", "--lab-clock")
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	if s.daemon, err = s.town.StartRouterProgram(cmd); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if c, err := new(net.Dialer).DialContext(ctx, "unix", s.parvis.Socket); err == nil {
			c.Close()
			return time.Since(begun), nil
		}
		select {
		case <-s.daemon.Done():
			return 0, fmt.Errorf("bench: the daemon has ended\n%s", s.daemon.Log())
		case <-ctx.Done():
			return 0, fmt.Errorf("bench: the daemon is not ready: %w\n%s", ctx.Err(), s.daemon.Log())
		case <-tick.C:
		}
	}
}

// freeze stops the daemon from seeing or repairing anything (SIGSTOP), and takes HTB and its classes off both interfaces: what
// is left is the marks, the rules and the sets. kill and start bring everything back.
func (s *site) freeze() error {
	if err := s.daemon.Signal(unix.SIGSTOP); err != nil {
		return err
	}
	return errors.Join(dropRoot(s.town.Router, lab.GuestBridge), dropRoot(s.town.Router, lab.WAN))
}

// others is the address and MAC of somebody who is admitted and not there, by number.
func others(i int) (netip.Addr, mac.Addr) {
	return netip.AddrFrom4([4]byte{10, 77, byte(0x80 | i>>8), byte(i)}), mac.Addr{0x3c, 0x22, 0xfc, 0, byte(i >> 8), byte(i)}
}

// fill opens sessions of others until n are open in all. Devices that are to be measured have joined before: an address that one of
// them was leased is left to it.
func (s *site) fill(ctx context.Context, n int) error {
	status, err := s.client.Status(ctx)
	if err != nil {
		return err
	}
	leased := map[netip.Addr]bool{}
	for _, g := range s.guests {
		leased[g.Lease().Address.Addr()] = true
	}
	for open := status.Sessions.Open; open < n; s.filled++ {
		ip, m := others(s.filled)
		if leased[ip] {
			continue
		}
		open++
		if _, err := s.client.Open(ctx, control.OpenRequest{IPv4: ip, MAC: &m}); err != nil {
			return fmt.Errorf("bench: fill session %d: %w", open, err)
		}
	}
	return nil
}

// settle waits until the daemon has its spare classes ready again, of which it makes a few in each glance at the kernel.
func (s *site) settle(ctx context.Context) error {
	last, since := -1, time.Now()
	for time.Since(since) < 2*time.Second {
		var n int
		err := onLink(s.town.Router, lab.WAN, func(link nl.Link) error {
			list, err := nl.ClassList(link, 0)
			n = len(list)
			return err
		})
		if err != nil && !errors.Is(err, nl.ErrDumpInterrupted) {
			return err
		}
		if n != last {
			last, since = n, time.Now()
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// devices are n real devices with an address; those of before are among them.
func (s *site) devices(ctx context.Context, n int) ([]*lab.Guest, error) {
	if more := n - len(s.guests); more > 0 {
		joined, err := s.town.AddGuests(ctx, more)
		if err != nil {
			return nil, err
		}
		s.guests = append(s.guests, joined...)
	}
	return s.guests[:n], nil
}

// admit opens a session of a device that is there; profile "" is the portal's.
func (s *site) admit(ctx context.Context, g *lab.Guest, profile string) error {
	m := mac.Addr(g.MAC)
	_, err := s.client.Open(ctx, control.OpenRequest{IPv4: g.Lease().Address.Addr(), MAC: &m, Profile: profile})
	if err != nil {
		return fmt.Errorf("bench: admit %s: %w", g.Name, err)
	}
	return nil
}

// fileSystem names what holds a path (statfs(2)).
func fileSystem(path string) string {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return ""
	}
	switch int64(s.Type) {
	case unix.EXT4_SUPER_MAGIC:
		return "ext4"
	case unix.XFS_SUPER_MAGIC:
		return "xfs"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	case unix.TMPFS_MAGIC:
		return "tmpfs"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlayfs"
	default:
		return fmt.Sprintf("%#x", s.Type)
	}
}
