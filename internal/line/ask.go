package line

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// ErrNobody: no resolver beyond the line is known.
var ErrNobody = errors.New("line: no resolver beyond this machine in resolv.conf")

// resolvConfs are where a router keeps the resolvers that its line gave it, the usual place first. The others are those of
// systemd-resolved and of OpenWrt, where the first one names the machine itself.
var resolvConfs = []string{
	"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf", "/tmp/resolv.conf.d/resolv.conf.auto", "/tmp/resolv.conf.auto",
}

// resolvers are those that are not this machine, of the first file that has any; at most three, as resolv.conf(5) has it.
func resolvers(files ...string) (all []netip.Addr) {
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(b)) {
			w := strings.Fields(line)
			if len(w) < 2 || w[0] != "nameserver" || len(all) == 3 {
				continue
			}
			if a, err := netip.ParseAddr(w[1]); err == nil && !a.IsLoopback() && !a.IsUnspecified() {
				all = append(all, a)
			}
		}
		if len(all) > 0 {
			return all
		}
	}
	return nil
}

// Ask asks a resolver for the address of localhost, which it knows by itself (RFC 6761, section 6.3), and returns how long
// any answer took.
func Ask(ctx context.Context, server netip.AddrPort) (time.Duration, error) {
	_, took, err := exchange(ctx, server, "localhost.")
	return took, err
}

// exchange asks a resolver once for the IPv4 addresses of a name.
func exchange(ctx context.Context, server netip.AddrPort, name string) (m dnsmessage.Message, took time.Duration, err error) {
	id := uint16(rand.Uint32())
	fail := func(err error) (dnsmessage.Message, time.Duration, error) {
		return dnsmessage.Message{}, 0, fmt.Errorf("line: ask: %w", err)
	}
	packet, err := question(id, name)
	if err != nil {
		return fail(err)
	}
	conn, err := new(net.Dialer).DialContext(ctx, "udp", server.String())
	if err != nil {
		return fail(err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	start := time.Now()
	if _, err := conn.Write(packet); err != nil {
		return fail(err)
	}
	for b := make([]byte, 1500); ; {
		n, err := conn.Read(b)
		if err != nil {
			return fail(err)
		}
		if m.Unpack(b[:n]) == nil && m.Response && m.ID == id {
			return m, time.Since(start), nil
		}
	}
}

// question is a packet that asks for the IPv4 addresses of a name.
func question(id uint16, name string) ([]byte, error) {
	fqdn, err := dnsmessage.NewName(name)
	if err != nil {
		return nil, fmt.Errorf("line: name %q: %w", name, err)
	}
	q := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: fqdn, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}
	return q.Pack()
}

func askResolver(ctx context.Context) (time.Duration, error) {
	all := resolvers(resolvConfs...)
	if len(all) == 0 {
		return 0, ErrNobody
	}
	return Ask(ctx, netip.AddrPortFrom(all[0], 53))
}
