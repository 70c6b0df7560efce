package lab

import (
	"context"
	_ "embed"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Lease is what a DHCP server gave.
type Lease struct {
	Address    netip.Prefix
	Router     netip.Addr
	DNS        []netip.Addr
	CaptiveURI string // option 114 (RFC 8910); "" when it was not given
	Time       time.Duration
}

// The clients' own hooks: they give the interface its address, write resolv.conf and print one line for us.
var (
	//go:embed udhcpc.sh
	udhcpcHook []byte
	//go:embed dhclient.sh
	dhclientHook []byte
)

// DHCP asks for an address with the real udhcpc, which stays and renews. An earlier client of the device is stopped.
func (g *Guest) DHCP(ctx context.Context) (Lease, error) {
	hook, err := g.hook("udhcpc.sh", udhcpcHook)
	if err != nil {
		return Lease{}, err
	}
	return g.lend(ctx, exec.Command("udhcpc", "-f", "-i", "eth0", "-s", hook, "-t", "30", "-T", "1", "-A", "1", "-O", "114", "-x", "hostname:"+HostName+g.Name))
}

// HostName is what the names begin with by which devices call themselves to DHCP: many phones give their owner's.
const HostName = "telephone-de-"

// DHCPDhclient asks for an address with the real ISC dhclient, which stays and renews.
func (g *Guest) DHCPDhclient(ctx context.Context) (Lease, error) {
	hook, err := g.hook("dhclient.sh", dhclientHook)
	if err != nil {
		return Lease{}, err
	}
	base := filepath.Join(g.town.Dir, "guests", g.Name)
	conf := "option captive-portal code 114 = text;\n" +
		"request subnet-mask, broadcast-address, routers, domain-name-servers, captive-portal;\n" +
		"initial-interval 1;\ntimeout 30;\n"
	if err := os.WriteFile(base+".dhclient.conf", []byte(conf), 0o644); err != nil {
		return Lease{}, fmt.Errorf("lab: %w", err)
	}
	return g.lend(ctx, exec.Command("dhclient", "-4", "-d", "-1", "-cf", base+".dhclient.conf", "-lf", base+".dhclient.leases",
		"-pf", base+".dhclient.pid", "-sf", hook, "eth0"))
}

func (g *Guest) hook(name string, body []byte) (string, error) {
	file := filepath.Join(g.town.Dir, "guests", g.Name+"."+name)
	if err := os.WriteFile(file, body, 0o755); err != nil {
		return "", fmt.Errorf("lab: write DHCP hook: %w", err)
	}
	return file, nil
}

// lend runs a DHCP client until it has a lease and leaves it running.
func (g *Guest) lend(ctx context.Context, cmd *exec.Cmd) (Lease, error) {
	g.mu.Lock()
	old := g.client
	g.client = nil
	g.mu.Unlock()
	if old != nil {
		if err := old.Kill(); err != nil {
			return Lease{}, err
		}
	}
	got := make(chan error, 1)
	cmd.Stdout = &lines{each: func(line string) {
		rest, found := strings.CutPrefix(line, "parvis-lease|")
		if !found {
			return
		}
		l, err := parseLease(rest)
		if err == nil {
			g.mu.Lock()
			g.lease = l
			g.mu.Unlock()
		}
		select {
		case got <- err:
		default: // a renewal: nobody waits
		}
	}}
	cmd.Env = append(os.Environ(), "PARVIS_RESOLV="+g.NS.Resolv)
	p, err := g.NS.Spawn(cmd)
	if err != nil {
		return Lease{}, err
	}
	g.mu.Lock()
	g.client = p
	g.mu.Unlock()
	select {
	case err = <-got:
	case <-p.Done():
		err = fmt.Errorf("lab: guest %s: %s ended without a lease (%v)\n%s", g.Name, cmd.Args[0], p.err, p.Log())
	case <-ctx.Done():
		err = fmt.Errorf("lab: guest %s: no lease: %w\n%s", g.Name, ctx.Err(), p.Log())
	}
	return g.Lease(), err
}

// parseLease reads what the hooks print: address|mask|routers|dns|captive URI|seconds. The mask is a length or dotted, the captive URI
// hexadecimal with "hex:" before it (udhcpc) or quoted text (dhclient).
func parseLease(s string) (l Lease, err error) {
	f := strings.Split(s, "|")
	if len(f) != 6 {
		return l, fmt.Errorf("lab: read lease %q: %d fields, not 6", s, len(f))
	}
	addr, err := netip.ParseAddr(f[0])
	if err != nil {
		return l, fmt.Errorf("lab: read lease: %w", err)
	}
	bits, err := maskBits(f[1])
	if err != nil {
		return l, err
	}
	l.Address = netip.PrefixFrom(addr, bits)
	for i, word := range strings.Fields(f[2]) {
		r, err := netip.ParseAddr(word)
		if err != nil {
			return l, fmt.Errorf("lab: read lease: %w", err)
		}
		if i == 0 {
			l.Router = r
		}
	}
	for _, word := range strings.Fields(f[3]) {
		d, err := netip.ParseAddr(word)
		if err != nil {
			return l, fmt.Errorf("lab: read lease: %w", err)
		}
		l.DNS = append(l.DNS, d)
	}
	if l.CaptiveURI, err = captiveURI(f[4]); err != nil {
		return l, err
	}
	seconds, err := strconv.Atoi(f[5])
	if err != nil {
		return l, fmt.Errorf("lab: read lease time: %w", err)
	}
	l.Time = time.Duration(seconds) * time.Second
	return l, nil
}

func maskBits(s string) (int, error) {
	if bits, err := strconv.Atoi(s); err == nil {
		return bits, nil
	}
	mask, err := netip.ParseAddr(s)
	if err != nil || !mask.Is4() {
		return 0, fmt.Errorf("lab: read lease: %q is no netmask", s)
	}
	bits, b := 0, mask.As4()
	for _, x := range b {
		for ; x != 0; x <<= 1 {
			bits++
		}
	}
	return bits, nil
}

func captiveURI(s string) (string, error) {
	if h, found := strings.CutPrefix(s, "hex:"); found {
		b, err := hex.DecodeString(h)
		if err != nil {
			return "", fmt.Errorf("lab: read option 114: %w", err)
		}
		return string(b), nil
	}
	return strings.Trim(s, `"`), nil
}
