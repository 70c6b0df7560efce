package lab

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	nl "github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const (
	sigStop = unix.SIGSTOP
	sigCont = unix.SIGCONT
)

// RouterCommand is a command for the router that finds iptables of the town's backend.
func (t *Town) RouterCommand(name string, args ...string) (*exec.Cmd, error) {
	cmd := exec.Command(name, args...)
	path := os.Getenv("PATH")
	if b := t.Options.Iptables; b != "" {
		bin := filepath.Join(t.Dir, "bin-"+b)
		if err := os.MkdirAll(bin, 0o755); err != nil {
			return nil, fmt.Errorf("lab: %w", err)
		}
		for _, family := range []string{"iptables", "ip6tables"} {
			for _, verb := range []string{"", "-save", "-restore"} {
				target, err := exec.LookPath(family + "-" + b + verb)
				if err != nil {
					return nil, fmt.Errorf("lab: backend %s: %w", b, err)
				}
				if err := os.Symlink(target, filepath.Join(bin, family+verb)); err != nil && !os.IsExist(err) {
					return nil, fmt.Errorf("lab: %w", err)
				}
			}
		}
		path = bin + ":" + path
		if own, err := exec.LookPath(filepath.Join(bin, name)); err == nil {
			cmd.Path, cmd.Err = own, nil
		}
	}
	cmd.Env = append(os.Environ(), "PATH="+path)
	return cmd, nil
}

// RouterOutput runs a short program on the router and returns what it printed.
func (t *Town) RouterOutput(ctx context.Context, name string, args ...string) (string, error) {
	cmd, err := t.RouterCommand(name, args...)
	if err != nil {
		return "", err
	}
	p, err := t.Router.Spawn(cmd)
	if err != nil {
		return "", err
	}
	if err := p.Wait(ctx); err != nil {
		p.Kill()
		return p.Log(), err
	}
	return p.Log(), nil
}

// StartRouterProgram starts a long-running program of the router (see RouterCommand); Close ends it.
func (t *Town) StartRouterProgram(cmd *exec.Cmd) (*Process, error) {
	p, err := t.Router.Spawn(cmd)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.programs = append(t.programs, p)
	return p, nil
}

// PlainRouter makes the router what a router without Parvis is: it forwards and translates, and leases addresses by a dnsmasq
// that offers captive as option 114 ("" offers none). Tests of the lab and measurements compare with it.
func (t *Town) PlainRouter(ctx context.Context, captive string) error {
	for _, s := range []string{"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"} {
		if err := t.Router.sysctl(s, "1"); err != nil {
			return err
		}
	}
	if _, err := t.RouterOutput(ctx, "iptables", "-t", "nat", "-A", "POSTROUTING", "-o", WAN, "-j", "MASQUERADE"); err != nil {
		return err
	}
	net := t.Options.Guests.Masked()
	first, last := net.Addr().As4(), net.Addr().As4()
	for i := net.Bits(); i < 32; i++ {
		last[i/8] |= 0x80 >> (i % 8)
	}
	first[3], last[3] = first[3]|10, last[3]-1
	conf := fmt.Sprintf("interface=%s\ninterface=%s\nbind-dynamic\nno-hosts\nno-resolv\nserver=%s\nno-ping\ndhcp-authoritative\n"+
		"dhcp-leasefile=%s/plain.leases\ndhcp-lease-max=20000\ndhcp-range=%s,%s,2h\ndhcp-range=10.30.0.10,10.30.0.254,2h\n",
		GuestBridge, PostBridge, upstreamDNS, t.Dir, netip.AddrFrom4(first), netip.AddrFrom4(last))
	if captive != "" {
		conf += "dhcp-option-force=114," + captive + "\n"
	}
	p, err := spawnDnsmasq(t.Router, filepath.Join(t.Dir, "plain.conf"), conf)
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.programs = append(t.programs, p)
	t.mu.Unlock()
	return t.waitNames(ctx, p, t.GuestAddress(), ServicePublic)
}

// waitNames waits until the router's resolver at one of its addresses answers for name.
func (t *Town) waitNames(ctx context.Context, p *Process, at netip.Addr, name string) error {
	ctx, cancel := context.WithTimeout(ctx, Patient(10*time.Second))
	defer cancel()
	return p.until(ctx, "answer names", func(ctx context.Context) error {
		_, err := ask(ctx, t.Router, netip.AddrPortFrom(at, 53), name, typeA)
		return err
	})
}

// setLink sets an interface up or down; after an up, again puts back what the kernel forgot.
func (ns *NS) setLink(dev string, up bool, again func() error) error {
	err := ns.Do(func() error {
		link, err := nl.LinkByName(dev)
		if err != nil {
			return err
		}
		if up {
			return nl.LinkSetUp(link)
		}
		return nl.LinkSetDown(link)
	})
	if err != nil {
		return fmt.Errorf("lab: %s: set %s up=%v: %w", ns.Name, dev, up, err)
	}
	if up && again != nil {
		return again()
	}
	return nil
}
