package firewall

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A switch is something global that we set and give back: a file below /proc/sys, or the isolation of a bridge port.
// How each was before us is kept in one file, because the process that takes Parvis down is seldom the one that laid it.

type sysctl struct {
	name, want string
	was        string // only where it is so; "" whatever it is
}

// sysctls and the values that enforcement needs.
var sysctls = []sysctl{
	// Otherwise frames between two guests on one bridge go through iptables: on by default, costs 10 %, hides faults.
	{name: "net/bridge/bridge-nf-call-iptables", want: "0"},
	{name: "net/bridge/bridge-nf-call-ip6tables", want: "0"},
	{name: "net/bridge/bridge-nf-call-arptables", want: "0"},
	// We route IPv4. Writing it resets other settings, so it is written only when it is off.
	{name: "net/ipv4/ip_forward", want: "1"},
}

// sysctls6 are those of IPv6. A router hears the advertisements of its own line only when it is told twice (accept_ra 2,
// kernel's ip-sysctl), and the first to be said: forwarding makes the kernel forget what it has heard otherwise.
func sysctls6(wan string) []sysctl {
	return []sysctl{
		{name: "net/ipv6/conf/" + wan + "/accept_ra", want: "2", was: "1"},
		{name: "net/ipv6/conf/all/forwarding", want: "1"},
	}
}

const procSys = "/proc/sys"

// memory is how the switches were: "net/ipv4/ip_forward" → "0", "isolated eth1" → "off".
type memory map[string]string

func readMemory(path string) (memory, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return memory{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read what the switches were: %w", err)
	}
	m := memory{}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), " = "); ok {
			m[k] = v
		}
	}
	return m, nil
}

func (m memory) write(path string) error {
	var b strings.Builder
	for _, k := range sortedKeys(m) {
		fmt.Fprintf(&b, "%s = %s\n", k, m[k])
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("keep what the switches were: %w", err)
	}
	tmp := path + ".new"
	if err := os.WriteFile(tmp, []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("keep what the switches were: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("keep what the switches were: %w", err)
	}
	return nil
}

// switchChange sets one switch that was otherwise.
type switchChange struct {
	key, was string
	set      func() error
}

// laySwitches sets what is not set, and remembers it first.
func (f *Firewall) laySwitches(guest nl.Link) error {
	todo, err := f.wrongSysctls()
	if err != nil {
		return err
	}
	ports, err := f.ports(guest)
	if err != nil {
		return err
	}
	for _, p := range ports {
		c, err := f.openPort(p)
		if err != nil {
			return err
		}
		todo = append(todo, c...)
	}
	return f.set(todo)
}

// wrongSysctls are those that are not as enforcement needs them.
func (f *Firewall) wrongSysctls() (todo []switchChange, err error) {
	wanted := sysctls
	if f.cfg.IPv6 {
		wanted = slices.Concat(sysctls, sysctls6(f.cfg.WAN))
	}
	for _, s := range wanted {
		path := filepath.Join(procSys, s.name)
		was, err := readSwitch(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // no bridge netfilter in this kernel: nothing to switch off
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", s.name, err)
		}
		if was != s.want && (s.was == "" || s.was == was) {
			todo = append(todo, switchChange{s.name, was, func() error { return os.WriteFile(path, []byte(s.want), 0o644) }})
		}
	}
	return todo, nil
}

// readSwitch reads a small file with three system calls: all of them are read twice a second.
func readSwitch(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	var b [32]byte
	n, err := unix.Read(fd, b[:])
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(b[:n])), nil
}

// openPort is what isolates the port, nothing where it is.
func (f *Firewall) openPort(p nl.Link) ([]switchChange, error) {
	info, err := f.rt.LinkGetProtinfo(p)
	if err != nil {
		return nil, fmt.Errorf("read bridge port %s: %w", p.Attrs().Name, err)
	}
	if info.Isolated {
		return nil, nil
	}
	return []switchChange{{"isolated " + p.Attrs().Name, "off", func() error { return f.rt.LinkSetIsolated(p, true) }}}, nil
}

// set makes the changes once how it was is written down.
func (f *Firewall) set(todo []switchChange) error {
	if len(todo) == 0 {
		return nil
	}
	m, err := readMemory(f.cfg.Memory)
	if err != nil {
		return err
	}
	news := false
	for _, c := range todo {
		if _, known := m[c.key]; !known {
			m[c.key], news = c.was, true
		}
	}
	if news {
		if err := m.write(f.cfg.Memory); err != nil {
			return err
		}
	}
	for _, c := range todo {
		if err := c.set(); err != nil {
			return fmt.Errorf("switch %s: %w", c.key, err)
		}
		f.log.Info("kernel switch set", "switch", c.key, "was", c.was)
	}
	return nil
}

// liftSwitches gives everything back. What has gone meanwhile (a port, a module) is passed over.
func (f *Firewall) liftSwitches() error {
	m, err := readMemory(f.cfg.Memory)
	if err != nil {
		return err
	}
	var errs []error
	for _, k := range sortedKeys(m) {
		if port, is := strings.CutPrefix(k, "isolated "); is {
			link, err := f.rt.LinkByName(port)
			if err != nil || link.Attrs().MasterIndex == 0 {
				continue
			}
			if err := f.rt.LinkSetIsolated(link, false); err != nil {
				errs = append(errs, fmt.Errorf("give back %s: %w", k, err))
			}
			continue
		}
		if !slices.ContainsFunc(slices.Concat(sysctls, sysctls6(f.cfg.WAN)), func(s sysctl) bool { return s.name == k }) {
			continue
		}
		err := os.WriteFile(filepath.Join(procSys, k), []byte(m[k]), 0o644)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("give back %s: %w", k, err))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	if err := os.Remove(f.cfg.Memory); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget what the switches were: %w", err)
	}
	return nil
}

// ports are those of the guests' bridge; none where the guest interface is a plain port.
func (f *Firewall) ports(guest nl.Link) ([]nl.Link, error) {
	links, err := again(f.rt.LinkList)
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	var out []nl.Link
	if guest.Type() != "bridge" {
		return nil, nil
	}
	for _, l := range links {
		if l.Attrs().MasterIndex == guest.Attrs().Index {
			out = append(out, l)
		}
	}
	return out, nil
}
